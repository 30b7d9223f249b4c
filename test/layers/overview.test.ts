/** Overviews: means of vectors over a pyramid of blocks, the same whoever asks in which order. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import { transformBounds } from '../../src/geo/crs.ts';
import { gridBounds } from '../../src/geo/grid.ts';
import { noCatalog, type CacheEntry } from '../../src/layers/block-catalog.ts';
import { BlockMemory } from '../../src/layers/block-memory.ts';
import { BoundedFacts } from '../../src/layers/bounded-facts.ts';
import { levelGrid, openOverviews, OVERVIEW_EDGE, Pyramid } from '../../src/layers/overview.ts';
import { halve, merge, type VectorBlock } from '../../src/layers/overview-mean.ts';
import { renderView, TILE_SIZE, tileGrid, type TileView } from '../../src/layers/tile.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { utmGrid } from './fixtures.ts';
import { toyService, writeItem, type ToyService } from './service.ts';

const signal = new AbortController().signal;
const block = (edge: number, planes: number[][], nulls?: number[]): VectorBlock => ({ bands: planes.length, edge, data: Float32Array.from(planes.flat()), nulls: Uint8Array.from(nulls ?? planes[0]!.map(() => 0)) });

describe('halve', () => {
  it('takes the mean of what is valid', () => {
    const { data, nulls } = halve(block(4, [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]], [0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]), false);
    expect([...nulls]).toEqual([0, 0, 1, 0]);
    expect([data[0], data[1], data[3]]).toEqual([3.5, 3, 13.5]);
  });

  it('brings means back to length 1, and has none where vectors cancel out', () => {
    const { data, nulls } = halve(block(2, [[1, 0, 1, 0], [0, 1, 0, 1]]), true);
    expect([...data].map((v) => v.toFixed(6))).toEqual(['0.707107', '0.707107']);
    expect([...nulls]).toEqual([0]);
    expect([...halve(block(2, [[1, -1, 1, -1], [0, 0, 0, 0]]), true).nulls]).toEqual([1]);
  });

  it('puts four blocks together, each in its place', () => {
    const of = (value: number) => block(2, [[value, value, value, value]]);
    expect([...merge([of(1), of(2), null, of(4)], false)!.data].slice(0, 2)).toEqual([1, 2]);
    expect([...merge([of(1), of(2), null, of(4)], false)!.nulls]).toEqual([0, 0, 1, 0]);
    expect(merge([null, null, null, null], false)).toBeNull();
  });
});

describe('Pyramid', () => {
  const size = 4 * OVERVIEW_EDGE;
  const value = (band: number, x: number, y: number) => Math.fround(Math.sin((band + 1) * 0.37 * x) + Math.cos(0.21 * y));
  const isGap = (x: number, y: number) => (x * 7 + y * 3) % 11 === 0;

  /** Cells x0…, y0… of one field, anchored where the whole field begins. */
  function fieldCube(x0: number, y0: number, width: number, height: number): Cube {
    const whole = utmGrid(size, size);
    const grid = { ...whole, originX: whole.originX + x0 * 10, originY: whole.originY - y0 * 10, width, height };
    const at = (i: number): [number, number, number] => [Math.floor(i / (width * height)), x0 + (i % width), y0 + (Math.floor(i / width) % height)];
    const data = Float32Array.from({ length: 2 * width * height }, (_, i) => value(...at(i)));
    const nulls = Uint8Array.from(data, (_, i) => Number(isGap(at(i)[1], at(i)[2])));
    return arrayCube({ dimensions: [bandsDimension(['a', 'b']), ...spatialDimensions(grid)], grid, dtype: 'float32', data, nulls, attributes: { anchor: { x: whole.originX, y: whole.originY } } });
  }
  const source = (cube: Cube, unit = false) => ({ cube, layer: 'L', date: null, unit });
  const inMemory = () => ({ memory: new BlockMemory(2 ** 24) });

  it('holds the mean of means, level by level', async () => {
    const top = (await new Pyramid(source(fieldCube(0, 0, size, size)), inMemory()).read(2, { x: 0, y: 0 }, signal))!;
    const cell = (band: number, x: number, y: number, level: number): number | null => {
      if (level === 0) return isGap(x, y) ? null : value(band, x, y);
      const below = [0, 1].flatMap((r) => [0, 1].map((c) => cell(band, 2 * x + c, 2 * y + r, level - 1))).filter((v) => v !== null);
      return below.length === 0 ? null : below.reduce((a, b) => a + b, 0) / below.length;
    };
    for (const [x, y] of [[0, 0], [5, 9], [31, 31], [17, 2]] as const) {
      for (const band of [0, 1]) expect(top.data[(band * OVERVIEW_EDGE + y) * OVERVIEW_EDGE + x]).toBeCloseTo(cell(band, x, y, 2)!, 5);
    }
  });

  it('gives the same bytes whatever extent and order asked, and makes each block once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lamina-overview-'));
    try {
      const noted: CacheEntry[] = [];
      const cache = () => openOverviews(createLocalStore(folder), { ...noCatalog, note: (entry) => void noted.push(entry) });
      const whole = new Pyramid(source(fieldCube(0, 0, size, size), true), cache());
      const top = (await whole.read(2, { x: 0, y: 0 }, signal))!;
      expect(noted.map(({ layer, state }) => [layer, state])).toEqual(Array.from({ length: 5 }, () => ['L', 'stored']));
      // The eastern half, asked for at level 1: nothing is made again.
      const half = new Pyramid(source(fieldCube(2 * OVERVIEW_EDGE, 0, 2 * OVERVIEW_EDGE, size), true), cache());
      const east = (await half.read(1, { x: 1, y: 1 }, signal))!;
      expect(noted).toHaveLength(5);
      const [again, alone] = [new Pyramid(source(fieldCube(0, 0, size, size), true), cache()), new Pyramid(source(fieldCube(0, 0, size, size), true), inMemory())];
      expect((await again.read(1, { x: 1, y: 1 }, signal))!.data).toEqual(east.data);
      await alone.read(1, { x: 1, y: 0 }, signal);
      expect((await alone.read(2, { x: 0, y: 0 }, signal))!.data).toEqual(top.data);
      // Another rule is another block.
      await new Pyramid(source(fieldCube(0, 0, size, size), false), cache()).read(1, { x: 0, y: 0 }, signal);
      expect(noted).toHaveLength(6);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('has nothing beside the cube, and asks for nothing there', async () => {
    const cube = fieldCube(0, 0, size, size);
    const reads: unknown[] = [];
    const watched = cube.with({ read: (window) => (reads.push(window), cube.read(window, signal)) });
    expect(await new Pyramid(source(watched), inMemory()).read(1, { x: 9, y: 0 }, signal)).toBeNull();
    expect(reads).toEqual([]);
  });

  it('lies on multiples of its cells, wherever the cube begins', () => {
    const { grid, first } = levelGrid(fieldCube(5, 6, 50, 50), 2);
    expect(first).toEqual({ x: 1, y: 1 });
    expect(grid).toMatchObject({ stepX: 40, originX: 600_040, originY: 5_599_960, width: 13, height: 13 });
  });
});

it('a bound on what is computed for a tile', () => {
  const facts = new BoundedFacts(2, 'LAYER', 7);
  facts.computed++;
  facts.computed++;
  expect(() => facts.computed++).toThrow(/LAYER.*zoom 7.*more than 2 blocks.*materialise/);
  expect(facts.computed).toBe(2);
});

describe('tiles far out', () => {
  let folder: string;
  let service: ToyService;
  const scene = utmGrid(512, 512);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lamina-far-'));
    service = await toyService(folder, [await writeItem(folder, 's', '2021-05-01T10:00:00Z', (band, x) => (band === 0 ? 20 + (Math.floor(x / 4) % 2) * 40 : 1 + Math.floor(x / 8)), scene)]);
  });
  afterAll(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  const at = (z: number) => ({ z, x: Math.floor(((4.43 + 180) / 360) * 2 ** z), y: Math.floor(((1 - Math.asinh(Math.tan((50.53 * Math.PI) / 180)) / Math.PI) / 2) * 2 ** z) });
  const view = (z: number, changes: Partial<TileView> = {}): TileView => ({ collection: 'LAYER', ...at(z), interval: null, bands: ['e001'], range: [0, 255], ...changes });

  it('show the mean of the vectors under a pixel, at every zoom', async () => {
    const overviews = openOverviews(service.store, noCatalog);
    for (const z of [11, 9, 7]) {
      const pixels = (await renderView(service.engine, view(z), signal, overviews))!;
      const grid = tileGrid(z, at(z).x, at(z).y);
      let seen = 0;
      const box = transformBounds(gridBounds(scene), grid.crs);
      const pixel = (value: number) => Math.max(0, Math.min(TILE_SIZE, Math.round(value)));
      const [left, right] = [pixel((box.west - grid.originX) / grid.stepX), pixel((box.east - grid.originX) / grid.stepX)];
      const [top, bottom] = [pixel((grid.originY - box.north) / grid.stepY), pixel((grid.originY - box.south) / grid.stepY)];
      const stride = Math.ceil((right - left) / 8);
      for (let row = top; row < bottom; row += stride) for (let column = left; column < right; column += stride) {
        const i = row * TILE_SIZE + column;
        const [east, north] = [grid.originX + (column + 0.5) * grid.stepX, grid.originY - (row + 0.5) * grid.stepY];
        const { west, north: y } = transformBounds({ west: east, east, south: north, north, crs: 'EPSG:3857' }, scene.crs);
        const [across, down] = [(west - scene.originX) / 10, (scene.originY - y) / 10];
        // A pixel is as wide as so many of the scene's.
        const reach = (grid.stepX * Math.cos((50.53 * Math.PI) / 180)) / 10;
        if (across < 2 * reach || down < 2 * reach || across > 512 - 2 * reach || down > 512 - 2 * reach) continue;
        seen++;
        expect(pixels[i * 4 + 3]).toBe(255);
        expect(Math.abs(pixels[i * 4]! - across / 8)).toBeLessThan(reach / 8 + 2);
      }
      expect(seen, `zoom ${z}`).toBeGreaterThan(z === 7 ? 0 : 8);
    }
    // Sixteen blocks and those that the halo of the scene touches, once each; far tiles came from their overviews.
    const { runs } = service.runtime;
    await renderView(service.engine, view(8), signal, overviews);
    expect(service.runtime.runs).toBe(runs);
  });

  it('are the same whatever was asked before', async () => {
    const fresh = await renderView(service.engine, view(9, { bands: null, range: null }), signal);
    const overviews = openOverviews(service.store, noCatalog);
    await renderView(service.engine, view(7), signal, overviews);
    expect(await renderView(service.engine, view(9, { bands: null, range: null }), signal, overviews)).toEqual(fresh);
  });

  it('name what a layer has when a band is unknown', async () => {
    await expect(renderView(service.engine, view(13, { bands: ['e007'] }), signal)).rejects.toThrow(/'e007'.*e000, e001/);
    await expect(renderView(service.engine, view(13, { bands: ['e000', 'e001'] }), signal)).rejects.toThrow(/one band or three/);
  });
});
