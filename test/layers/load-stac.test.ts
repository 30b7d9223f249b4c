/** load_stac through the scope of a run: extents in degrees, limits, maps. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardedFetch } from '../../src/catalog/remote/guarded-fetch.ts';
import { RemoteStac } from '../../src/catalog/remote/remote-stac.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { readAll } from '../../src/cube/array-cube.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import { EngineScope, type Engine, type RunOptions } from '../../src/layers/scope.ts';
import { silentLog } from '../../src/log.ts';
import { item, startStacServer, type StacServer } from '../catalog/remote/stac-server.ts';
import { registry } from '../processes/cubes/harness.ts';

let server: StacServer;
const rasters = new RasterCache();
beforeAll(async () => {
  server = await startStacServer();
  server.files.set('/aef.tif', join(import.meta.dirname, '../catalog/remote/fixtures/alphaearth.tif'));
  server.documents.set('/aef.json', item('aef', { embeddings: { href: 'aef.tif', type: 'image/tiff; application=geotiff' } }));
});
afterAll(async () => {
  await server.close();
  await rasters.close();
});

function run(args: object, options: Partial<RunOptions> = {}, isAllowed = true): Promise<Cube> {
  const fetch = guardedFetch({ allowedHosts: isAllowed ? [server.host] : [] });
  const engine = { registry, rasters, remote: new RemoteStac({ fetch, rasters: rasters.forUrls({ fetch }) }) } as unknown as Engine;
  const scope = new EngineScope(engine, { signal: new AbortController().signal, log: silentLog, ...options });
  return evaluate({
    process_graph: {
      load: { process_id: 'load_stac', arguments: { url: `${server.url}/aef.json`, ...args } },
      pick: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['A05'] }, result: true },
    },
  }, registry, scope) as Promise<Cube>;
}

describe('load_stac in a graph', () => {
  it('takes the pixels whose centre lies in a box of degrees', async () => {
    const cube = await run({ spatial_extent: { west: 4.415, south: 50.54, east: 4.42, north: 50.544 } });
    const { grid } = cube;
    expect(grid).toMatchObject({ crs: 'EPSG:32631', stepX: 10 });
    expect(grid!.width * grid!.height).toBeLessThan(96 * 64);
    const block = await readAll(cube);
    const [row, column] = [(5_600_000 - grid!.originY) / 10, (grid!.originX - 600_000) / 10];
    const code = ((5 * 7 + row * 3 + column * 5) % 255) - 127;
    expect(block.data[0]).toBe(Math.fround(Math.sign(code) * (code / 127.5) ** 2));
  });

  it('says when there is nothing', async () => {
    await expect(run({ spatial_extent: { west: 100, south: 10, east: 101, north: 11 } })).rejects.toMatchObject({ code: 'NoDataAvailable' });
    await expect(run({ temporal_extent: ['1999-01-01', '2000-01-01'] })).rejects.toMatchObject({ code: 'NoDataAvailable' });
  });

  it('counts what it reads', async () => {
    await expect(run({}, { maxSamples: 100 }).then(readAll)).rejects.toMatchObject({ code: 'ProcessGraphComplexity' });
  });

  it('names the node of a refusal', async () => {
    await expect(run({}, {}, false)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', path: [{ node_id: 'load', process_id: 'load_stac' }] });
  });
});
