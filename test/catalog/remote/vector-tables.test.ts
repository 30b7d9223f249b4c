/** Tables of vectors, one row per patch, as Earth Index publishes them: loaded as rasters where the patches lie on a grid. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayCube, readAll } from '../../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../../src/cube/dimension.ts';
import { transformer, WGS84 } from '../../../src/geo/crs.ts';
import type { Grid } from '../../../src/geo/grid.ts';
import { cellLattice, type Point } from '../../../src/formats/parquet/cell-lattice.ts';
import { parquet } from '../../../src/formats/parquet/write.ts';
import { silentLog } from '../../../src/log.ts';
import { item, remoteStac, startStacServer, type StacServer } from './stac-server.ts';

const grid: Grid = { crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 320, stepY: 320, width: 23, height: 17 };
const facts = { operator: 'toy@sha256:00', name: 'toy', version: '1.0.0', dimensions: 6, patch: 32, gsd: 320, norm: null };
const centres = (keep: (column: number, row: number) => boolean = () => true): Point[] => {
  const backward = transformer(grid.crs, WGS84);
  const cells = Array.from({ length: grid.width * grid.height }, (_, i) => [i % grid.width, Math.floor(i / grid.width)] as const).filter(([c, r]) => keep(c, r));
  return cells.map(([c, r]) => backward(grid.originX + (c + 0.5) * 320, grid.originY - (r + 0.5) * 320));
};

describe('cellLattice', () => {
  it('finds the grid of centres in degrees, rounded as tables have them', () => {
    const rounded = centres((c, r) => (c + r) % 3 !== 0).map(([x, y]): Point => [Number(x.toFixed(6)), Number(y.toFixed(6))]);
    const found = cellLattice(rounded, WGS84);
    expect(found).toMatchObject({ grid: { crs: 'EPSG:32631', stepX: 320, stepY: 320, width: 23, height: 17, originX: expect.closeTo(600_000, 0) as number, originY: expect.closeTo(5_600_000, 0) as number } });
  });

  it('gives every row its cell, from north to south', () => {
    const found = cellLattice(centres(), WGS84);
    expect(typeof found === 'string' ? found : [...found.cells]).toEqual(Array.from({ length: grid.width * grid.height }, (_, i) => i));
  });

  it('says why there is none', () => {
    const scattered = Array.from({ length: 60 }, (_, i): Point => [4 + ((i * 7919) % 997) / 5000, 50 + ((i * 104_729) % 991) / 5000]);
    expect(cellLattice(scattered, WGS84)).toMatch(/no regular grid/);
    expect(cellLattice([...centres(), centres()[5]!], WGS84)).toMatch(/several of its rows/);
    expect(cellLattice(centres().slice(0, 3), WGS84)).toMatch(/fewer than four/);
  });
});

describe('a GeoParquet asset', () => {
  let server: StacServer;
  let folder: string;
  beforeAll(async () => {
    server = await startStacServer();
    folder = await mkdtemp(join(tmpdir(), 'lamina-tables-'));
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });

  const data = Float32Array.from({ length: 6 * 17 * 23 }, (_, i) => Math.fround(((i * 7919) % 1013) / 1013));
  /** A table with polygons in degrees, and a hole of rows that are not there. */
  async function table(name: string): Promise<string> {
    const nulls = Uint8Array.from(data, (_, i) => Number(i % 23 < 3 && Math.floor(i / 23) % 17 < 4));
    const cube = arrayCube({ dimensions: [bandsDimension(Array.from({ length: 6 }, (_, i) => `e00${i}`), 'embedding'), ...spatialDimensions(grid)], grid, dtype: 'float32', data, nulls, attributes: { operator: facts.operator, embedding: facts, encoding: { method: 'float32', dtype: 'float32', nodata: NaN } } });
    const directory = await mkdtemp(join(folder, name));
    const [file] = await parquet.write(cube, {}, { directory, signal: new AbortController().signal, log: silentLog });
    server.files.set(`/${name}.parquet`, file!.path);
    return `/${name}.parquet`;
  }

  it('becomes a raster of its patches', async () => {
    server.documents.set('/table.json', item('31UFS', { embeddings: { href: await table('31UFS'), type: 'application/vnd.apache.parquet' } }, { properties: { 'emb:type': 'chip', 'emb:chip_layout': { chip_size: [32, 32] }, gsd: 320 } }));
    const cube = await remoteStac(server).load({ url: `${server.url}/table.json` });
    expect(cube).toMatchObject({ dtype: 'float32', grid: { crs: 'EPSG:32631', stepX: 320, stepY: 320, width: 23, height: 17 }, attributes: { embedding: { patch: 32, gsd: 320, dimensions: 6 } } });
    const block = await readAll(cube);
    for (const [i, value] of data.entries()) {
      const isHole = i % 23 < 3 && Math.floor(i / 23) % 17 < 4;
      if (block.nulls![i] !== Number(isHole) || (!isHole && block.data[i] !== value)) expect([i, block.nulls![i], block.data[i]]).toEqual([i, Number(isHole), value]);
    }
    const part = await remoteStac(server).load({ url: `${server.url}/table.json`, bands: ['e004'] });
    const window = await part.read({ start: [0, 0, 5, 20], size: [1, 1, 2, 6] });
    expect([window.data[1], window.nulls![4]]).toEqual([data[4 * 391 + 5 * 23 + 21], 1]);
  });

  it('is passed over when it holds no embeddings, and refused when it is damaged', async () => {
    const href = await table('fields');
    server.documents.set('/fields.json', item('fields', { fields: { href, type: 'application/vnd.apache.parquet' } }));
    await expect(remoteStac(server).load({ url: `${server.url}/fields.json` })).rejects.toThrow(/no.*raster asset/);
    server.documents.set('/broken.parquet', (_, response) => response.end('PAR1 and then nothing that is Parquet'));
    server.documents.set('/broken.json', item('broken', { embeddings: { href: '/broken.parquet', type: 'application/vnd.apache.parquet' } }));
    await expect(remoteStac(server).load({ url: `${server.url}/broken.json` })).rejects.toMatchObject({ code: 'FileContentInvalid' });
  });
});
