/** Mosaics of files that do not share a grid: two UTM zones, two resolutions, both sides of the antimeridian. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadedCube } from '../../src/catalog/load.ts';
import { planLoad } from '../../src/catalog/load-plan.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { arrayCube, readAll } from '../../src/cube/array-cube.ts';
import type { Block } from '../../src/cube/block.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { resampleCube } from '../../src/cube/resample.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../../src/formats/index.ts';
import { transformBounds, transformer, WGS84 } from '../../src/geo/crs.ts';
import { cellCentre, gridBounds, type Bounds, type Grid } from '../../src/geo/grid.ts';
import { silentLog } from '../../src/log.ts';

const collection = { id: 'C', bands: [{ name: 'b' }], 'cube:dimensions': { bands: { type: 'bands', values: ['b'] } } } as unknown as StacCollection;
const signal = new AbortController().signal;

/** What a place holds: a plane over the globe that rises by about one per 10 m, without a step at ±180°. */
const plane = (longitude: number, latitude: number) => 1000 + (((longitude + 360) % 360) * 0.3 + latitude) * 11_000;

describe('loadedCube of mosaics', () => {
  let folder: string;
  const rasters = new RasterCache();
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-mosaic-'))));
  afterAll(async () => {
    await rasters.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** An item of one file whose pixels say where they are. */
  async function item(id: string, grid: Grid, datetime = '2021-05-01T00:00:00Z'): Promise<StacItem> {
    const toDegrees = transformer(grid.crs, WGS84);
    const data = Float64Array.from({ length: grid.width * grid.height }, (_, i) => plane(...toDegrees(...cellCentre(grid, i % grid.width, Math.floor(i / grid.width)))));
    const cube = arrayCube({ dimensions: [bandsDimension(['b']), ...spatialDimensions(grid)], grid, dtype: 'float64', data });
    const [file] = await resultFormats.GTiff.write(cube, {}, { directory: await mkdtemp(join(folder, `${id}-`)), signal, log: silentLog });
    const asset = {
      href: pathToFileURL(file!.path).href, data_type: 'float64', bands: [{ name: 'b' }],
      'proj:code': grid.crs, 'proj:shape': [grid.height, grid.width], 'proj:transform': [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY],
    };
    return { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id, collection: 'C', geometry: null, bbox: [], links: [], properties: { datetime }, assets: { data: asset } };
  }

  const load = (items: StacItem[], extent: Bounds | null): Cube =>
    loadedCube(planLoad({ collection, items, bands: null, extent, anchor: () => undefined }), { collectionId: 'C', anchor: undefined, rasters });

  /** The largest difference to the plane; Infinity where a pixel is missing. */
  function miss(block: Block, grid: Grid): number {
    const toDegrees = transformer(grid.crs, WGS84);
    let worst = 0;
    for (let i = 0; i < grid.width * grid.height; i++) {
      const expected = plane(...toDegrees(...cellCentre(grid, i % grid.width, Math.floor(i / grid.width))));
      worst = Math.max(worst, block.nulls?.[i] ? Infinity : Math.abs(block.data[i]! - expected));
    }
    return worst;
  }

  /** A grid of 10 m around a place in a zone. */
  function around(crs: string, longitude: number, latitude: number, cells: number, east = 0): Grid {
    const [x, y] = transformer(WGS84, crs)(longitude, latitude).map((v) => Math.round(v / 10) * 10) as [number, number];
    return { crs, originX: x + (east - cells / 2) * 10, originY: y + (cells / 2) * 10, stepX: 10, stepY: 10, width: cells, height: cells };
  }

  it('has no hole and no step where two zones meet', async () => {
    // Tiles of both zones overlap at 6° E by a few cells, as Sentinel-2 tiles do.
    const items = [await item('west', around('EPSG:32631', 6, 50, 300, -120)), await item('east', around('EPSG:32632', 6, 50, 300, 120))];
    const extent = { crs: WGS84, west: 5.99, east: 6.01, south: 49.996, north: 50.004 };
    const cube = load(items, extent);
    expect(cube.shape.slice(0, 2)).toEqual([1, 1]);
    expect(['EPSG:32631', 'EPSG:32632']).toContain(cube.grid!.crs);
    const block = await readAll(cube);
    // Nearest neighbours are at most half a diagonal away, on a plane of about 1.1 per cell.
    expect(miss(block, cube.grid!)).toBeLessThan(1);
    expect(block.nulls).toBeNull();
    const smooth = resampleCube(cube, cube.grid!, 'bilinear');
    expect(miss(await readAll(smooth), cube.grid!)).toBeLessThan(1);
  });

  it('chooses the zone that holds more of the extent', async () => {
    const items = [await item('west', around('EPSG:32631', 6, 50, 300, -120)), await item('east', around('EPSG:32632', 6, 50, 300, 120))];
    const box = (west: number, east: number) => ({ crs: WGS84, west, east, south: 49.998, north: 50.002 });
    expect(load(items, box(5.985, 6.002)).grid!.crs).toBe('EPSG:32631');
    expect(load(items, box(5.998, 6.015)).grid!.crs).toBe('EPSG:32632');
  });

  it('crosses the antimeridian between zones 60 and 1', async () => {
    const items = [await item('sixty', around('EPSG:32760', 180, -17, 200, -60)), await item('one', around('EPSG:32701', 180, -17, 200, 60))];
    const cube = load(items, { crs: WGS84, west: 179.994, east: 180.006, south: -17.004, north: -16.996 });
    const block = await readAll(cube);
    expect(cube.grid!.width).toBeGreaterThan(100);
    expect(cube.grid!.width).toBeLessThan(150);
    expect(miss(block, cube.grid!)).toBeLessThan(1);
  });

  it('crosses the antimeridian between files in degrees, and around a file of the whole globe', async () => {
    const degrees = (originX: number, width: number, step = 0.01, originY = 0.5, height = 100): Grid => ({ crs: WGS84, originX, originY, stepX: step, stepY: step, width, height });
    const extent = { crs: WGS84, west: 179.7, east: 180.4, south: -0.3, north: 0.3 };
    const halves = [await item('west', degrees(179, 100)), await item('east', degrees(-180, 100))];
    const globe = [await item('globe', degrees(-180, 720, 0.5, 2, 8))];
    for (const [items, shape, limit] of [[halves, [60, 70], 0.01], [globe, [2, 2], 0.01]] as const) {
      const cube = load([...items], extent);
      expect(cube.shape.slice(2)).toEqual(shape);
      expect(cube.grid!.originX).toBeCloseTo(items === halves ? 179.7 : 179.5, 9);
      expect(miss(await readAll(cube), cube.grid!)).toBeLessThan(limit);
      expect(cube.attributes.sources).toHaveLength(items.length);
      // West of the antimeridian by the other name.
      const other = load([...items], { ...extent, west: extent.west - 360, east: extent.east - 360 });
      expect((await readAll(other)).data).toEqual((await readAll(cube)).data);
    }
  });

  it('goes on beyond the antimeridian into another reference system and back', async () => {
    const grid: Grid = { crs: WGS84, originX: 179, originY: 0.5, stepX: 0.01, stepY: 0.01, width: 200, height: 100 };
    const cube = load([await item('across', grid)], null);
    const box = transformBounds(gridBounds(grid), 'EPSG:3857');
    expect(box.east - box.west).toBeCloseTo((2 / 360) * 2 * Math.PI * 6_378_137, 3);
    const target: Grid = { crs: 'EPSG:3857', originX: box.west + 2000, originY: box.north - 2000, stepX: 1000, stepY: 1000, width: 218, height: 106 };
    expect(miss(await readAll(resampleCube(cube, target, 'bilinear')), target)).toBeLessThan(1);
    // The same place at the other edge of the map.
    const far = { ...target, originX: target.originX + (target.originX > 0 ? -1 : 1) * 2 * Math.PI * 6_378_137 };
    expect(miss(await readAll(resampleCube(cube, far, 'bilinear')), far)).toBeLessThan(1);
  });

  it('puts a band of 20 m on the 10 m of another by its nearest pixels, or as resample_spatial is asked', async () => {
    const fine = around('EPSG:32631', 3, 50, 64);
    const coarse: Grid = { ...fine, stepX: 20, stepY: 20, width: 32, height: 32 };
    const [a, b] = [await item('a', fine), await item('a', coarse)];
    const both = { ...a, assets: { fine: { ...a.assets['data']!, bands: [{ name: 'fine' }] }, coarse: { ...b.assets['data']!, bands: [{ name: 'coarse' }] } } } as StacItem;
    const mixed = { ...collection, bands: [{ name: 'fine' }, { name: 'coarse' }], 'cube:dimensions': { bands: { type: 'bands', values: ['fine', 'coarse'] } } } as unknown as StacCollection;
    const cube = loadedCube(planLoad({ collection: mixed, items: [both], bands: null, extent: null, anchor: () => undefined }), { collectionId: 'C', anchor: undefined, rasters });
    expect(cube.grid).toMatchObject({ stepX: 10, width: 64, height: 64 });
    const near = await cube.read({ start: [0, 1, 0, 0], size: [1, 1, 64, 64] });
    const own = await readAll(load([b], null));
    for (let i = 0; i < 64 * 64; i++) expect(near.data[i]).toBe(own.data[(Math.floor(i / 128)) * 32 + ((i % 64) >> 1)]);
    const halved = await readAll(resampleCube(cube, coarse, 'average'));
    expect(halved.data.subarray(1024)).toEqual(own.data);
  });

  it('sums, and finds extremes of, the pixels themselves, whatever overviews a file has', async () => {
    const grid = around('EPSG:32631', 3, 50, 560);
    const items = [await item('big', grid)];
    const cube = load(items, null);
    const target: Grid = { ...grid, stepX: 70, stepY: 70, width: 80, height: 80 };
    expect((await rasters.open(items[0]!.assets['data']!.href)).levels.length).toBeGreaterThan(1);
    const source = await readAll(cube);
    const first = Array.from({ length: 49 }, (_, i) => source.data[Math.floor(i / 7) * 560 + (i % 7)]!);
    const corner = { start: [0, 0, 0, 0], size: [1, 1, 1, 1] };
    expect((await resampleCube(cube, target, 'sum').read(corner)).data[0]).toBeCloseTo(first.reduce((p, q) => p + q), 3);
    expect((await resampleCube(cube, target, 'max').read(corner)).data[0]).toBe(Math.max(...first));
    expect((await resampleCube(cube, target, 'average').read(corner)).data[0]).toBeCloseTo(first.reduce((p, q) => p + q) / 49, 6);
  });

  it('keeps the instants of one overpass apart', async () => {
    const grid = around('EPSG:32631', 3, 50, 16);
    const items = [await item('a', grid, '2021-05-01T10:40:11Z'), await item('b', { ...grid, originX: grid.originX + 160 }, '2021-05-01T10:40:25Z')];
    const cube = load(items, null);
    expect(cube.labels('t')).toEqual(['2021-05-01T10:40:11Z', '2021-05-01T10:40:25Z']);
    expect((await readAll(cube)).nulls!.filter((flag) => flag === 0)).toHaveLength(512);
  });
});
