import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StacItem } from '../../src/catalog/types.ts';
import { transformBounds } from '../../src/geo/crs.ts';
import { gridBounds } from '../../src/geo/grid.ts';
import { renderView, TILE_SIZE, tileGrid, type TilePixels, type TileView } from '../../src/layers/tile.ts';
import { farthestZoom } from '../../src/layers/tile-zoom.ts';
import { toyService, writeItem, type Sample, type ToyService } from './service.ts';

const signal = new AbortController().signal;
const centre = { lon: 4.4255, lat: 50.5378 };

/** The XYZ tile of a zoom that holds the middle of the scenes. */
function tileAt(z: number): { z: number; x: number; y: number } {
  const n = 2 ** z;
  const latitude = (centre.lat * Math.PI) / 180;
  return { z, x: Math.floor(((centre.lon + 180) / 360) * n), y: Math.floor(((1 - Math.asinh(Math.tan(latitude)) / Math.PI) / 2) * n) };
}

const view = (collection: string, z: number, changes: Partial<TileView> = {}): TileView => ({ collection, ...tileAt(z), interval: null, bands: null, range: null, ...changes });

/** [r, g, b, a] at a column and row. */
const pixel = (pixels: TilePixels, column: number, row: number) => [...pixels.subarray((row * TILE_SIZE + column) * 4, (row * TILE_SIZE + column) * 4 + 4)];

/** Columns and rows of the tile whose middle lies in the scenes, and the pixel of the scene there. */
function inside(z: number): { column: number; row: number; x: number; y: number }[] {
  const { x, y } = tileAt(z);
  const grid = tileGrid(z, x, y);
  const found = [];
  for (let row = 4; row < TILE_SIZE; row += 24) for (let column = 4; column < TILE_SIZE; column += 24) {
    const [east, north] = [grid.originX + (column + 0.5) * grid.stepX, grid.originY - (row + 0.5) * grid.stepY];
    const there = transformBounds({ west: east, east, south: north, north, crs: 'EPSG:3857' }, 'EPSG:32631');
    const place = { column, row, x: Math.floor((there.west - 600_000) / 10), y: Math.floor((5_600_000 - there.north) / 10) };
    if (place.x >= 1 && place.y >= 1 && place.x < 127 && place.y < 127) found.push(place);
  }
  return found;
}

describe('renderView', () => {
  let folder: string;
  const services: ToyService[] = [];
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-tile-'))));
  afterAll(async () => {
    for (const service of services) await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function service(dates: Readonly<Record<string, Sample>>): Promise<ToyService> {
    const items: StacItem[] = [];
    for (const [date, sample] of Object.entries(dates)) items.push(await writeItem(folder, `s${date}`, `${date}T10:00:00Z`, sample));
    const made = await toyService(folder, items);
    services.push(made);
    return made;
  }

  it('has tiles that fit each other', () => {
    const [a, b] = [gridBounds(tileGrid(5, 3, 7)), gridBounds(tileGrid(5, 4, 8))];
    expect(a.east).toBeCloseTo(b.west, 6);
    expect(a.south).toBeCloseTo(b.north, 6);
    expect(gridBounds(tileGrid(0, 0, 0)).north).toBeCloseTo(20_037_508.34, 1);
  });

  it('draws the first band grey where there is no true colour, and nothing outside of the scene', async () => {
    const { engine } = await service({ '2021-05-01': () => 1500 });
    const pixels = (await renderView(engine, view('RAW', 13), signal))!;
    const places = inside(13);
    expect(places.length).toBeGreaterThan(5);
    for (const { column, row } of places) expect(pixel(pixels, column, row)).toEqual([128, 128, 128, 255]);
    const transparent = pixels.filter((value, i) => i % 4 === 3 && value === 0).length;
    // A tile of zoom 13 is about 3.1 km wide here, the scene 1.28 km.
    expect(transparent / TILE_SIZE ** 2).toBeGreaterThan(0.6);
    expect(transparent / TILE_SIZE ** 2).toBeLessThan(0.95);
  });

  it('draws the wanted bands in the wanted range, pixel for pixel', async () => {
    const { engine } = await service({ '2021-05-01': (band, x, y) => 1000 + band * 100 + ((x + y) % 50) });
    const pixels = (await renderView(engine, view('RAW', 15, { bands: ['B08', 'B02', 'B08'], range: [1000, 1255] }), signal))!;
    const places = inside(15);
    expect(places.length).toBeGreaterThan(20);
    for (const { column, row, x, y } of places) {
      const step = (x + y) % 50;
      const [red, green, blue, alpha] = pixel(pixels, column, row) as [number, number, number, number];
      expect([red - green, blue - green, alpha]).toEqual([100, 100, 255]);
      // A cell of web Mercator and one of UTM are not the same: a neighbour may be nearer.
      expect([0, 1, 2, 48, 49].map((d) => (step + d) % 50)).toContain(green);
    }
  });

  it('shows the newest date, and older ones in its gaps', async () => {
    const { engine } = await service({
      '2021-05-01': () => 600,
      '2021-06-01': (_, x) => (x < 96 ? 1200 : 0),
      '2021-07-01': (_, x) => (x < 64 ? 1800 : 0),
    });
    const pixels = (await renderView(engine, view('RAW', 14), signal))!;
    const grey = (value: number) => Math.round((value / 3000) * 255);
    const shown = new Set<number>();
    for (const { column, row, x } of inside(14).filter((p) => [64, 96].every((edge) => Math.abs(p.x - edge) > 2))) {
      const expected = x < 64 ? 1800 : x < 96 ? 1200 : 600;
      shown.add(expected);
      expect(pixel(pixels, column, row)).toEqual([grey(expected), grey(expected), grey(expected), 255]);
    }
    expect(shown.size).toBe(3);
  });

  it('takes a pixel with all its bands from one date', async () => {
    const { engine } = await service({ '2021-05-01': () => 960, '2021-06-01': (band) => (band === 0 ? 1800 : 0) });
    const pixels = (await renderView(engine, view('RAW', 14, { bands: ['B02', 'B08', 'B02'] }), signal))!;
    const { column, row } = inside(14)[0]!;
    expect(pixel(pixels, column, row)).toEqual([82, 82, 82, 255]);
  });

  it('keeps to the interval, and has nothing outside of it or beside the scene', async () => {
    const { engine } = await service({ '2021-05-01': () => 600, '2021-06-01': () => 1200 });
    const pixels = (await renderView(engine, view('RAW', 14, { interval: ['2021-05-01T00:00:00Z', '2021-05-02T00:00:00Z'] }), signal))!;
    const { column, row } = inside(14)[0]!;
    expect(pixel(pixels, column, row)[0]).toBe(51);
    expect(await renderView(engine, view('RAW', 14, { interval: ['2022-01-01T00:00:00Z', null] }), signal)).toBeNull();
    expect(await renderView(engine, { ...view('RAW', 14), x: 0 }, signal)).toBeNull();
  });

  it('draws a layer as the projection of its vectors, transparent where there are none', async () => {
    const { engine, runtime } = await service({ '2021-05-01': (band, x) => (x < 64 ? (band === 0 ? 20 : 60) : 0) });
    const pixels = (await renderView(engine, view('LAYER', 14), signal))!;
    expect(runtime.runs).toBe(1);
    // The toy's halo of two pixels reaches beyond the scene at its edge; components [1 0], [0 1], [1 1] from 0 to 100.
    for (const { column, row, x } of inside(14).filter((p) => p.y > 8 && p.y < 120)) {
      if (x > 8 && x < 52) expect(pixel(pixels, column, row)).toEqual([51, 153, 204, 255]);
      if (x > 76) expect(pixel(pixels, column, row)[3]).toBe(0);
    }
    await renderView(engine, view('LAYER', 14), signal);
    expect(runtime.runs).toBe(1);
  });

  it('goes as far out as every tile can be drawn', () => {
    for (const metres of [10, 40, 80, 640]) {
      const zoom = farthestZoom(metres);
      // With the margin that is loaded around a tile: 16 pixels on each side.
      const patches = (z: number) => ((40_075_017 / 2 ** z) * (1 + 32 / TILE_SIZE)) / metres;
      expect(patches(zoom)).toBeLessThan(300);
      expect(patches(zoom - 1)).toBeGreaterThan(290);
    }
  });

  it('names unknown collections and bands', async () => {
    const { engine } = await service({ '2021-05-01': () => 1 });
    await expect(renderView(engine, view('NONE', 14), signal)).rejects.toMatchObject({ code: 'CollectionNotFound' });
    await expect(renderView(engine, view('RAW', 14, { bands: ['B99'] }), signal)).rejects.toThrow(/B99.*B02, B08/);
  });
});
