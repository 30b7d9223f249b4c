/** Rasters whose rows run from south to north (AlphaEarth's are like that), against GDAL and against the same scene the right way up. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { groupFiles } from '../../../src/catalog/ingest/group.ts';
import { itemOf } from '../../../src/catalog/ingest/item.ts';
import { scanFiles } from '../../../src/catalog/ingest/scan.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';

const scene = resolve('../shared/data/bolzano/S2_L2A_20220612_bolzano_B04B03B02B08SCL_cog.tif');
const hasGdal = spawnSync('/usr/bin/python3', ['-c', 'from osgeo import gdal']).status === 0 && spawnSync('gdalinfo', ['--version']).status === 0;
const missing = !existsSync(scene) ? '../shared/data is absent' : !hasGdal ? 'GDAL with its Python module is absent' : null;
const cache = new RasterCache();
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-south-up-'))));
afterAll(async () => {
  await cache.close();
  await rm(folder, { recursive: true, force: true });
});


describe.skipIf(missing !== null)(missing === null ? 'a real scene' : `skipped: ${missing}`, () => {
  /** The scene with its rows in the other order, its place unchanged, as GDAL writes such files. */
  async function southUp(name: string, ...options: string[]): Promise<string> {
    const info = JSON.parse(execFileSync('gdalinfo', ['-json', scene], { encoding: 'utf8' })) as { size: [number, number]; geoTransform: number[] };
    const [, height] = info.size;
    const [west, step, , north, , down] = info.geoTransform as [number, number, number, number, number, number];
    const path = join(folder, `${name}.tif`);
    const script = `
import sys
from osgeo import gdal
gdal.UseExceptions()
source = gdal.Open(sys.argv[1])
data = source.ReadAsArray()[:, ::-1]
options = sys.argv[7:]
target = gdal.GetDriverByName('GTiff').Create(sys.argv[2], source.RasterXSize, source.RasterYSize, source.RasterCount, gdal.GDT_UInt16, ['TILED=YES', 'BLOCKXSIZE=128', 'BLOCKYSIZE=128', 'COMPRESS=DEFLATE'] + [o for o in options if '=' in o])
target.SetProjection(source.GetProjection())
west, step, south, up = map(float, sys.argv[3:7])
target.SetGeoTransform((west, step, 0, south, 0, up))
if 'point' in options: target.SetMetadataItem('AREA_OR_POINT', 'Point')
if source.GetRasterBand(1).GetNoDataValue() is not None: target.GetRasterBand(1).SetNoDataValue(source.GetRasterBand(1).GetNoDataValue())
target.WriteArray(data)
target.BuildOverviews('NEAREST', [2, 4])
target = None
check = gdal.Open(sys.argv[2])
assert check.GetGeoTransform()[5] > 0
open(sys.argv[2] + '.ov', 'wb').write(check.GetRasterBand(1).GetOverview(0).ReadAsArray()[::-1].tobytes())
`;
    execFileSync('/usr/bin/python3', ['-c', script, scene, path, String(west), String(step), String(north + height * down), String(-down), ...options], { stdio: 'pipe' });
    return path;
  }

  it.each([['pixels'], ['points', 'point'], ['interleaved', 'INTERLEAVE=BAND']])('turned over gives the same pixels in the same place (%s)', async (name, ...options) => {
    const [right, turned] = await Promise.all([cache.open(scene), southUp(name, ...options).then((path) => cache.open(path))]);
    expect(turned.grid).toEqual({ ...right.grid, originX: expect.closeTo(right.grid!.originX, 6) as number, originY: expect.closeTo(right.grid!.originY, 6) as number });
    const { width, height } = right.levels[0]!;
    for (const window of [{ x: 0, y: 0, width, height }, { x: 300, y: 250, width: 77, height: 133 }, { x: -10, y: height - 20, width: 40, height: 50 }]) {
      const [a, b] = await Promise.all([right, turned].map((file) => file.read({ level: 0, window, bands: [3, 0] })));
      expect(Buffer.compare(new Uint8Array(a!.data.buffer), new Uint8Array(b!.data.buffer))).toBe(0);
      expect(a!.nulls).toEqual(b!.nulls);
    }
  });

  it('has its overviews the right way up', async () => {
    const path = await southUp('overviews');
    const file = await cache.open(path);
    const { width, height } = file.levels[1]!;
    const block = await file.read({ level: 1, window: { x: 0, y: 0, width, height }, bands: [0] });
    expect(Buffer.compare(new Uint8Array(block.data.buffer), await readFile(`${path}.ov`))).toBe(0);
  });

  it('is ingested with the metadata of a north-up file', async () => {
    const path = await southUp('S2_20220612_scene');
    const scanned = await scanFiles([path], cache, ['B04', 'B03', 'B02', 'B08', 'SCL']);
    const { acquisitions } = groupFiles(scanned.files, null);
    const item = itemOf('C', acquisitions[0]!, null)!;
    const right = (await cache.open(scene)).grid!;
    expect(Object.values(item.assets)[0]).toMatchObject({ 'proj:transform': [10, 0, right.originX, 0, -10, right.originY], 'proj:shape': [right.height, right.width] });
  });
});
