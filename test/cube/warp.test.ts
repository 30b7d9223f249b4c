import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/cube/block.ts';
import type { Resampling } from '../../src/cube/cube.ts';
import { cropBlock } from '../../src/cube/paste.ts';
import { createWarp, scaleBetween, sourceWindow, warpBlock } from '../../src/cube/warp.ts';
import { transformBounds } from '../../src/geo/crs.ts';
import { cropGrid, gridBounds, type Grid } from '../../src/geo/grid.ts';

const grid = (width: number, height: number, step: number, x = 500_000, y = 5_000_000, crs = 'EPSG:32631'): Grid => (
  { crs, originX: x, originY: y, stepX: step, stepY: step, width, height });
const block = (rows: (number | null)[][]): Block => ({
  dtype: 'float64',
  shape: [1, rows.length, rows[0]!.length],
  data: Float64Array.from(rows.flat(), (v) => v ?? 0),
  nulls: rows.flat().includes(null) ? Uint8Array.from(rows.flat(), (v) => (v === null ? 1 : 0)) : null,
});
const rowsOf = (b: Block) => Array.from({ length: b.shape[1]! }, (_, r) => Array.from({ length: b.shape[2]! }, (_, c) => {
  const at = r * b.shape[2]! + c;
  return b.nulls?.[at] ? null : b.data[at]!;
}));
const warp = (rows: (number | null)[][], from: Grid, to: Grid, method: Resampling) => rowsOf(warpBlock(block(rows), from, to, method));

describe('on the same lattice', () => {
  it.each(['near', 'bilinear', 'cubic', 'average', 'mode', 'rms'] as const)('%s copies, also beyond the source', (method) => {
    expect(warp([[1, 2], [3, null]], grid(2, 2, 10), grid(3, 2, 10, 500_010), method)).toEqual([[2, null, null], [null, null, null]]);
  });
});

describe('on a coarser lattice with a whole ratio', () => {
  const from = grid(4, 2, 10);
  const to = grid(2, 1, 20);
  const rows = [[1, 2, 5, null], [3, 3, null, 7]];
  it.each([
    ['average', [9 / 4, 6]],
    ['sum', [9, 12]],
    ['min', [1, 5]],
    ['max', [3, 7]],
    ['mode', [3, 5]],
    ['med', [2, 5]],
    ['q1', [1, 5]],
    ['q3', [3, 7]],
    ['rms', [Math.sqrt(23 / 4), Math.sqrt(37)]],
    // The centre of the coarse cell is a corner of four fine ones: the cell to its south-east counts.
    ['near', [3, 7]],
  ] as const)('%s', (method, expected) => {
    expect(warp(rows, from, to, method)).toEqual([[...expected]]);
  });
});

it('average weighs by the share that is covered', () => {
  // Cells of 15 over cells of 10: 10 of the first and 5 of the second.
  expect(warp([[3, 6, 9]], grid(3, 1, 10), { ...grid(2, 1, 15), stepY: 10 }, 'average')).toEqual([[4, 8]]);
});

describe('near', () => {
  it('gives the cell in which the centre lies and never moves by a half', () => {
    const fine = warp([[1, 2], [3, 4]], grid(2, 2, 20), grid(4, 4, 10), 'near');
    expect(fine).toEqual([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]);
  });

  it('keeps NaN apart from no-data', () => {
    expect(warp([[NaN, null]], grid(2, 1, 20), { ...grid(4, 1, 10), stepY: 20 }, 'near')).toEqual([[NaN, NaN, null, null]]);
  });
});

describe('bilinear and cubic', () => {
  it('reproduce a linear ramp between the outermost centres', () => {
    const ramp = [0, 10, 20, 30, 40, 50, 60, 70];
    const to = { ...grid(4, 1, 5, 500_030), stepY: 10 };
    expect(warp([ramp, ramp, ramp, ramp, ramp], grid(8, 5, 10, 500_000, 5_000_020), to, 'bilinear')).toEqual([[27.5, 32.5, 37.5, 42.5]]);
    const cubic = warp([ramp, ramp, ramp, ramp, ramp], grid(8, 5, 10, 500_000, 5_000_020), to, 'cubic')[0]!;
    [27.5, 32.5, 37.5, 42.5].forEach((v, i) => expect(cubic[i]).toBeCloseTo(v, 10));
  });

  it('leave no-data out and bring the other weights back to one', () => {
    // Target centres at 1/4 and 3/4 of the cells: weights 3/4 and 1/4.
    expect(warp([[8, 16, null]], grid(3, 1, 20), { ...grid(6, 1, 10), stepY: 20 }, 'bilinear')).toEqual([[8, 10, 14, 16, null, null]]);
    expect(warp([[8, 16, null]], grid(3, 1, 20), { ...grid(6, 1, 10), stepY: 20 }, 'cubic')).toEqual([[8, 10, 14, 16, null, null]]);
  });

  it('cubic has the weights of a = −0.5', () => {
    const rows = Array.from({ length: 4 }, () => [0, 0, 1, 0]);
    // The centre half way between the second and third cell: weights −1/16, 9/16, 9/16, −1/16.
    const to = { ...grid(1, 1, 10, 500_015, 4_999_990) };
    expect(warp(rows, grid(4, 4, 10), to, 'cubic')[0]![0]).toBeCloseTo(9 / 16, 12);
  });

  it('count every source cell on a coarser grid', () => {
    const spike = [[0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0]];
    const out = warp(spike, { ...grid(12, 1, 10), stepY: 10 }, { ...grid(3, 1, 40), stepY: 10 }, 'bilinear')[0]!;
    expect(out.every((v) => v! >= 0)).toBe(true);
    expect(out[0]).toBeGreaterThan(0);
    expect(out[1]).toBeGreaterThan(out[0]!);
  });

  it('hold integers at the limits of their type', () => {
    const source: Block = { dtype: 'uint8', shape: [1, 1, 4], data: Uint8Array.of(0, 255, 255, 0), nulls: null };
    const out = warpBlock(source, { ...grid(4, 1, 10), stepY: 10 }, { ...grid(4, 1, 7, 500_006), stepY: 10 }, 'cubic');
    expect(Math.max(...out.data)).toBeLessThanOrEqual(255);
    expect(Math.min(...out.data)).toBeGreaterThanOrEqual(0);
  });
});

describe('between projections', () => {
  const from = grid(300, 300, 10, 690_000, 5_600_000);
  const box = transformBounds(gridBounds(from), 'EPSG:3857');
  const to: Grid = { crs: 'EPSG:3857', originX: box.west, originY: box.north, stepX: 20, stepY: 20, width: 200, height: 180 };
  const source: Block = { dtype: 'float32', shape: [1, 300, 300], data: new Float32Array(90_000), nulls: null };
  source.data.forEach((_, i) => { source.data[i] = Math.sin(i / 7) * 100 + (i % 300); });

  it.each(['near', 'bilinear', 'cubic', 'average'] as const)('%s of a tile equals the same cells of the whole, bit by bit', (method) => {
    const job = createWarp(to, from, method);
    const everything = { x: 0, y: 0, width: 200, height: 180 };
    const all = { x: 0, y: 0, width: 300, height: 300 };
    const whole = job.run(source, all, everything);
    const tile = { x: 37, y: 51, width: 70, height: 61 };
    const needed = job.sourceCells(tile);
    const window = (c: typeof tile) => ({ start: [0, c.y, c.x], size: [1, c.height, c.width] });
    const part = job.run(cropBlock(source, window(all), window(needed)), needed, tile);
    const expected = cropBlock(whole, window(everything), window(tile));
    expect(part.data).toEqual(expected.data);
    expect(part.nulls ?? new Uint8Array(70 * 61)).toEqual(expected.nulls ?? new Uint8Array(70 * 61));
  });

  it('knows how many cells make one', () => {
    expect(scaleBetween(grid(10, 10, 40), grid(40, 40, 10))).toEqual({ x: 4, y: 4 });
    // A metre of web Mercator at 50.5° N is cos(50.5°) of one on the ground.
    expect(scaleBetween(to, from).x).toBeCloseTo(2 * Math.cos((50.5 * Math.PI) / 180), 1);
  });

  it('asks for cells around the window only', () => {
    const cells = sourceWindow(cropGrid(to, { x: 100, y: 90, width: 16, height: 16 }), from, 'bilinear');
    expect(cells.width).toBeLessThan(36);
    expect(cells.height).toBeLessThan(36);
  });

  it('asks for nothing where the grids do not meet', () => {
    const away = sourceWindow({ ...to, originX: 0, originY: 0 }, from, 'near');
    expect(away.width * away.height).toBe(0);
  });

  it('gives no-data, and no copies, for the far side of the earth', () => {
    const world: Grid = { crs: 'EPSG:4326', originX: -180, originY: 90, stepX: 0.5, stepY: 0.5, width: 720, height: 360 };
    const zone = grid(70, 90, 10_000, 166_000, 9_000_000);
    const out = warpBlock({ dtype: 'uint8', shape: [1, 90, 70], data: new Uint8Array(6300).fill(1), nulls: null }, zone, world, 'near');
    const columns = new Set<number>();
    out.nulls!.forEach((flag, i) => { if (!flag) columns.add(i % 720); });
    // The zone is centred on 3° E, column 366; its 700 km are at most 60 columns wide below 80° N.
    expect(Math.min(...columns)).toBeGreaterThan(320);
    expect(Math.max(...columns)).toBeLessThan(412);
  });
});
