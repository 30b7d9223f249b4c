import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadedCube } from '../../src/catalog/load.ts';
import { planLoad } from '../../src/catalog/load-plan.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { arrayCube, readAll } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../../src/formats/index.ts';
import { transformBounds } from '../../src/geo/crs.ts';
import { cropGrid, gridBounds, type Bounds, type Grid } from '../../src/geo/grid.ts';
import { silentLog } from '../../src/log.ts';

const collection = { id: 'C', bands: [{ name: 'B02' }, { name: 'B08' }], 'cube:dimensions': { bands: { type: 'bands', values: ['B02', 'B08'] } } } as unknown as StacCollection;
const signal = new AbortController().signal;
const gridAt = (x: number, y: number, size: number, step = 10, crs = 'EPSG:32631'): Grid => ({ crs, originX: 600_000 + x * 10, originY: 5_600_000 - y * 10, stepX: step, stepY: step, width: size, height: size });
/** What a pixel of B02 holds says where it is. */
const valueAt = (x: number, y: number) => 1 + ((x * 31 + y * 17) % 4000);

describe('loadedCube', () => {
  let folder: string;
  const rasters = new RasterCache();
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-load-'))));
  afterAll(async () => {
    await rasters.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Writes an item of one file; `gap` is a square of no-data in its north-west corner. */
  async function item(id: string, datetime: string, grid: Grid, gap = 0, sample = (c: number, r: number) => valueAt(Math.round((grid.originX - 600_000) / 10) + c, Math.round((5_600_000 - grid.originY) / 10) + r)): Promise<StacItem> {
    const { width, height } = grid;
    const data = new Uint16Array(2 * width * height);
    for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) {
      data[r * width + c] = r < gap && c < gap ? 0 : sample(c, r);
      data[(height + r) * width + c] = r < gap && c < gap ? 0 : sample(c, r) + 5000;
    }
    const nulls = Uint8Array.from(data, (v) => Number(v === 0));
    const cube = arrayCube({ dimensions: [bandsDimension(['B02', 'B08']), ...spatialDimensions(grid)], grid, dtype: 'uint16', data, nulls, attributes: { nodata: 0 } });
    const directory = await mkdtemp(join(folder, `${id}-`));
    const [file] = await resultFormats.GTiff.write(cube, {}, { directory, signal, log: silentLog });
    const asset = {
      href: pathToFileURL(file!.path).href, data_type: 'uint16', nodata: 0, bands: [{ name: 'B02' }, { name: 'B08' }],
      'proj:code': grid.crs, 'proj:shape': [height, width], 'proj:transform': [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY],
    };
    return { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id, collection: 'C', geometry: null, bbox: [], links: [], properties: { datetime }, assets: { data: asset } };
  }

  const load = (items: StacItem[], extent: Bounds | null = null, bands: string[] | null = null): Cube =>
    loadedCube(planLoad({ collection, items, bands, extent, anchor: () => undefined }), { collectionId: 'C', anchor: undefined, rasters });

  it('finds its files on a grid of another reference system', async () => {
    const cube = load([await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 64))]);
    const { west, north } = transformBounds(gridBounds(cube.grid!), 'EPSG:3857');
    const target: Grid = { crs: 'EPSG:3857', originX: west, originY: north, stepX: 16, stepY: 16, width: 60, height: 60 };
    const block = await readAll(cube.regrid!(target, 'near'));
    const shown = block.data.filter((_, i) => !block.nulls?.[i]);
    expect(shown.length).toBeGreaterThan(block.data.length * 0.9);
    expect(cube.regrid!(target, 'near').isEmpty!({ start: [0, 0, 0, 0], size: [1, 2, 60, 60] })).toBe(false);
    expect(cube.regrid!(target, 'near').isEmpty!({ start: [0, 0, 0, 500], size: [1, 2, 60, 60] })).toBe(true);
  });

  it('reads any window, also beyond its extent, pixel for pixel', async () => {
    const cube = load([await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 64))], { crs: 'EPSG:32631', west: 600_100, east: 600_300, south: 5_599_700, north: 5_599_900 });
    expect(cube.shape).toEqual([1, 2, 20, 20]);
    const block = await cube.read({ start: [0, 1, -12, -3], size: [1, 1, 16, 10] });
    for (let y = 0; y < 16; y++) for (let x = 0; x < 10; x++) {
      const [column, row] = [10 - 3 + x, 10 - 12 + y];
      expect(block.nulls?.[y * 10 + x] ?? 0).toBe(row < 0 ? 1 : 0);
      if (row >= 0) expect(block.data[y * 10 + x]).toBe(valueAt(column, row) + 5000);
    }
  });

  it('puts neighbours of one date together; where both have data the first id wins', async () => {
    const a = await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 32), 8);
    const b = await item('b', '2021-05-01T00:00:00Z', gridAt(24, 0, 32));
    const under = await item('c', '2021-05-01T00:00:00Z', gridAt(0, 0, 32), 0, () => 9);
    const block = await readAll(load([under, b, a], null, ['B02']));
    expect(block.shape).toEqual([1, 1, 32, 56]);
    expect(block.nulls).toBeNull();
    expect([block.data[0], block.data[10], block.data[50]]).toEqual([9, valueAt(10, 0), valueAt(50, 0)]);
  });

  it('doubles pixels of a coarser band exactly', async () => {
    const fine = await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 32));
    const coarse = await item('b', '2021-05-01T00:00:00Z', gridAt(0, 0, 16, 20), 0, (c, r) => 100 + r * 16 + c);
    const merged = { ...fine, assets: { fine: { ...fine.assets['data']!, bands: [{ name: 'B02' }, { name: 'x' }] }, coarse: { ...coarse.assets['data']!, bands: [{ name: 'B08' }, { name: 'y' }] } } };
    const block = await readAll(load([merged], null, ['B08', 'B02']));
    for (let y = 0; y < 32; y++) for (let x = 0; x < 32; x++) expect(block.data[y * 32 + x]).toBe(100 + (y >> 1) * 16 + (x >> 1));
    expect(block.data[32 * 32 + 33]).toBe(valueAt(1, 1));
  });

  it('warps an item of another zone alike, whatever extent was asked for', async () => {
    const own = await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 600), 500);
    const other = await item('b', '2021-05-01T00:00:00Z', { ...gridAt(0, 0, 500), crs: 'EPSG:32632', originX: 175_800, originY: 5_613_600 });
    const whole = load([own, other], null, ['B02']);
    const full = await readAll(whole);
    expect(full.nulls?.includes(0) ?? true).toBe(true);
    const corner = { x: 37 + Math.round((600_000 - whole.grid!.originX) / 10), y: 101 + Math.round((whole.grid!.originY - 5_600_000) / 10) };
    const part = cropGrid(whole.grid!, { ...corner, width: 60, height: 50 });
    const extent = { crs: part.crs, west: part.originX + 1, east: part.originX + 599, north: part.originY - 1, south: part.originY - 499 };
    const cut = await readAll(load([own, other], extent, ['B02']));
    expect(cut.shape).toEqual([1, 1, 50, 60]);
    for (let y = 0; y < 50; y++) for (let x = 0; x < 60; x++) {
      const at = (corner.y + y) * whole.grid!.width + corner.x + x;
      expect(cut.nulls?.[y * 60 + x] ?? 0).toBe(full.nulls?.[at] ?? 0);
      if (!full.nulls?.[at]) expect(cut.data[y * 60 + x]).toBe(full.data[at]);
    }
  });

  it('has the same fingerprint for the same pixels, and another one when a file changes', async () => {
    const a = await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 64));
    const whole = load([a]);
    const cut = load([a], { crs: 'EPSG:32631', west: 600_100, east: 600_300, south: 5_599_700, north: 5_599_900 });
    const [x, y] = [Math.round((cut.grid!.originX - whole.grid!.originX) / 10), Math.round((whole.grid!.originY - cut.grid!.originY) / 10)];
    expect(await cut.fingerprint({ start: [0, 0, 0, 0], size: [1, 2, 8, 8] })).toBe(await whole.fingerprint({ start: [0, 0, y, x], size: [1, 2, 8, 8] }));
    const b = await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 64));
    expect(await load([b]).fingerprint({ start: [0, 0, 0, 0], size: [1, 2, 8, 8] })).not.toBe(await whole.fingerprint({ start: [0, 0, 0, 0], size: [1, 2, 8, 8] }));
  });

  it('takes overviews for means and the pixels themselves for nearest neighbours', async () => {
    const cube = load([await item('a', '2021-05-01T00:00:00Z', gridAt(0, 0, 1024))], null, ['B02']);
    const coarse = { ...cube.grid!, stepX: 40, stepY: 40, width: 256, height: 256 };
    const near = await readAll(cube.regrid!(coarse, 'near'));
    expect(near.data[0]).toBe(valueAt(2, 2));
    const mean = await readAll(cube.regrid!(coarse, 'average'));
    let sum = 0;
    for (let r = 0; r < 4; r++) for (let c = 0; c < 4; c++) sum += valueAt(c, r);
    expect(Math.abs(mean.data[0]! - sum / 16)).toBeLessThan(2);
  });
});
