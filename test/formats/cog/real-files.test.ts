import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';

const data = resolve(import.meta.dirname, '../../../../shared/data');
const cache = new RasterCache();
afterAll(() => cache.close());
const open = (path: string) => cache.open(join(data, path));

describe('real files', () => {
  if (!existsSync(data)) return it.skip(`skipped: ${data} is absent`, () => {});

  it('reads the openEO GeoTIFF with one BitsPerSample entry for five bands like its COG twin', async () => {
    const [odd, twin] = await Promise.all([open('bolzano/S2_L2A_sample.tif'), open('bolzano/S2_L2A_20220612_bolzano_B04B03B02B08SCL_cog.tif')]);
    const request = { level: 0, window: { x: 0, y: 0, width: 935, height: 705 }, bands: [0, 1, 2, 3, 4] };
    const [a, b] = await Promise.all([odd.read(request), twin.read(request)]);
    expect(a.dtype).toBe('uint16');
    expect(Buffer.compare(new Uint8Array(a.data.buffer), new Uint8Array(b.data.buffer))).toBe(0);
    expect(odd.grid).toMatchObject({ crs: 'EPSG:32632', originX: 674990, stepX: 10, width: 935 });
  });

  it('knows bands, no-data and grid of the Hesbaye composites, and their empty months', async () => {
    const file = await open('hesbaye/s2/S2_L2A_2020-12-01.tif');
    expect(file.bands.map((b) => b.name)).toEqual(['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12']);
    const block = await file.read({ level: 0, window: { x: 0, y: 0, width: 100, height: 100 }, bands: [0] });
    expect(block.nulls).toEqual(new Uint8Array(10_000).fill(1));
  });

  it('has no grid where there are only ground control points, and says so', async () => {
    expect(await open('cog-cases/cog_gcps.tif')).toMatchObject({ grid: null, gridProblem: 'it has ground control points only' });
  });

  it('turns south-up files over', async () => {
    const file = await open('ssl4eo-s2l2a/0193833_3.tif');
    expect(file.grid!.stepY).toBeGreaterThan(0);
    const [top, rest] = await Promise.all([0, 1].map((y) => file.read({ level: 0, window: { x: 0, y, width: 264, height: 1 }, bands: [0] })));
    expect(top!.data).not.toEqual(rest!.data);
  });

  it('tells user-defined systems as PROJ strings', async () => {
    expect((await open('zion/nlcd2011.tif')).grid!.crs).toContain('+proj=utm +zone=12');
    expect((await open('cog-cases/cog_scale.tif')).bands[0]!.scale).toBe(0.0001);
  });
});
