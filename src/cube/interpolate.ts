/**
 * Interpolating kernels (near, bilinear, cubic, cubicspline, lanczos) on blocks [n, height, width].
 *
 * Formulas and the treatment of no-data are GDAL's: weights of no-data samples are left out and the rest
 * is brought back to one; a cubic neighbourhood with a hole falls back to bilinear; on a coarser target
 * the kernel is widened, so that every source cell counts. A target cell whose centre lies outside the
 * source or in a no-data cell has no data, so holes neither grow nor shrink.
 */
import type { CellWindow } from '../geo/grid.ts';
import type { RowMap } from '../geo/cell-map.ts';
import type { Block } from './block.ts';
import { storeIn, type Store } from './store.ts';

export interface Placement {
  /** The cells that the source block covers, counted in the source grid. */
  readonly source: CellWindow;
  /** The cells wanted, counted in the target grid. */
  readonly target: CellWindow;
  readonly map: RowMap;
}

/** Each target cell gets the source cell in which its centre lies. */
export function pickNearest(source: Block, { source: cells, target, map }: Placement, out: Block): void {
  const { width, height } = target;
  const xs = new Float64Array(width);
  const ys = new Float64Array(width);
  const from = new Int32Array(width);
  const bands = source.shape[0]!;
  const sourceSize = cells.width * cells.height;
  for (let row = 0; row < height; row++) {
    map(target.y + row, 0.5, 0.5, xs, ys);
    findNearest(xs, ys, cells, from);
    for (let band = 0; band < bands; band++) {
      gather(source, band * sourceSize, from, out, (band * height + row) * width);
    }
  }
}

/** Index of the source cell under each position; −1 outside and where a position has no image. */
function findNearest(xs: Float64Array, ys: Float64Array, cells: CellWindow, from: Int32Array): void {
  for (let i = 0; i < from.length; i++) {
    const x = Math.floor(xs[i]! + 1e-10) - cells.x;
    const y = Math.floor(ys[i]! + 1e-10) - cells.y;
    from[i] = x >= 0 && y >= 0 && x < cells.width && y < cells.height ? y * cells.width + x : -1;
  }
}

function gather(source: Block, base: number, from: Int32Array, out: Block, to: number): void {
  const { data, nulls } = source;
  const flags = out.nulls!;
  const target = out.data;
  for (let i = 0; i < from.length; i++) {
    const at = from[i]!;
    if (at < 0 || nulls?.[base + at]) continue;
    target[to + i] = data[base + at]!;
    flags[to + i] = 0;
  }
}

export interface Kernel1D {
  /** Half width in cells. */
  readonly radius: number;
  readonly weight: (distance: number) => number;
}

export const kernels = {
  bilinear: { radius: 1, weight: (d) => Math.max(0, 1 - Math.abs(d)) },
  cubic: { radius: 2, weight: keys },
  cubicspline: { radius: 2, weight: bSpline },
  lanczos: { radius: 3, weight: lanczos },
} as const satisfies Record<string, Kernel1D>;

export type KernelName = keyof typeof kernels;

/** Keys' cubic convolution with a = −0.5 (Keys 1981). */
function keys(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

/** Cubic B-spline: smooths, never overshoots. */
function bSpline(distance: number): number {
  const d = Math.abs(distance);
  if (d <= 1) return 2 / 3 + (d / 2 - 1) * d * d;
  return d < 2 ? (2 - d) ** 3 / 6 : 0;
}

/** Sinc windowed by its own main lobe, three lobes wide. */
function lanczos(distance: number): number {
  const d = Math.abs(distance) * Math.PI;
  if (d < 1e-9) return 1;
  return d < 3 * Math.PI ? (3 * Math.sin(d) * Math.sin(d / 3)) / (d * d) : 0;
}

/** First source cell and weights of one axis for every column of a target row. */
interface Taps {
  readonly count: number;
  readonly first: Int32Array;
  readonly weights: Float64Array;
}

/** Cells that count on each side of a position when one target cell spans `scale` source cells. */
export function reach(kernel: Kernel1D, scale: number): number {
  return Math.ceil(kernel.radius * scale);
}

/** Weighted mean of the neighbourhood of each target cell's centre; `scale` is 1 or the source cells per target cell. */
export function interpolate(source: Block, place: Placement, kernel: Kernel1D, scale: { readonly x: number; readonly y: number }, out: Block): void {
  const { source: cells, target, map } = place;
  const xs = new Float64Array(target.width);
  const ys = new Float64Array(target.width);
  const centre = new Int32Array(target.width);
  const across = createTaps(target.width, reach(kernel, scale.x) * 2);
  const down = createTaps(target.width, reach(kernel, scale.y) * 2);
  const store = storeIn(out.data, out.dtype);
  const fallback = kernel === kernels.cubic && scale.x === 1 && scale.y === 1;
  for (let row = 0; row < target.height; row++) {
    map(target.y + row, 0.5, 0.5, xs, ys);
    findNearest(xs, ys, cells, centre);
    fillTaps(across, xs, cells.x, kernel, scale.x);
    fillTaps(down, ys, cells.y, kernel, scale.y);
    for (let band = 0; band < source.shape[0]!; band++) {
      const layer: Layer = { block: source, base: band * cells.width * cells.height, width: cells.width, height: cells.height, centre };
      const to = (band * target.height + row) * target.width;
      if (fallback) cubicRow(layer, across, down, { xs, ys, cells }, out.nulls!, to, store);
      else weightedRow(layer, across, down, out.nulls!, to, store);
    }
  }
}

interface Layer {
  readonly block: Block;
  readonly base: number;
  readonly width: number;
  readonly height: number;
  /** The cell under the centre of each target cell of the row, −1 for none. */
  readonly centre: Int32Array;
}

function isHole({ block: { nulls }, base, centre }: Layer, column: number): boolean {
  const at = centre[column]!;
  return at < 0 || nulls?.[base + at] === 1;
}

function createTaps(width: number, count: number): Taps {
  return { count, first: new Int32Array(width), weights: new Float64Array(width * count) };
}

function fillTaps(taps: Taps, positions: Float64Array, origin: number, kernel: Kernel1D, scale: number): void {
  const { count, first, weights } = taps;
  for (let c = 0; c < positions.length; c++) {
    const position = positions[c]! - origin;
    const start = Math.floor(position - 0.5) - count / 2 + 1;
    first[c] = start;
    for (let i = 0; i < count; i++) weights[c * count + i] = kernel.weight((start + i + 0.5 - position) / scale);
  }
}

function weightedRow(layer: Layer, across: Taps, down: Taps, flags: Uint8Array, to: number, store: Store): void {
  const { base, width, height } = layer;
  const { data, nulls } = layer.block;
  for (let c = 0; c < across.first.length; c++) {
    if (isHole(layer, c)) continue;
    const x0 = across.first[c]!;
    const y0 = down.first[c]!;
    let sum = 0;
    let total = 0;
    let all = 0;
    const lastY = Math.min(down.count, height - y0);
    const lastX = Math.min(across.count, width - x0);
    for (let j = Math.max(0, -y0); j < lastY; j++) {
      const wy = down.weights[c * down.count + j]!;
      if (wy === 0) continue;
      const line = base + (y0 + j) * width + x0;
      for (let i = Math.max(0, -x0); i < lastX; i++) {
        const weight = wy * across.weights[c * across.count + i]!;
        if (weight === 0) continue;
        all += weight;
        if (nulls?.[line + i]) continue;
        sum += weight * data[line + i]!;
        total += weight;
      }
    }
    // Negative lobes can leave next to nothing of the weight: then the cell under the centre speaks.
    if (total < 0.1 * all) store(to + c, data[base + layer.centre[c]!]!);
    else store(to + c, Math.abs(total - 1) < 1e-9 ? sum : sum / total);
    flags[to + c] = 0;
  }
}

interface Positions {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly cells: CellWindow;
}

function cubicRow(layer: Layer, across: Taps, down: Taps, { xs, ys, cells }: Positions, flags: Uint8Array, to: number, store: Store): void {
  const { base, width } = layer;
  const { data } = layer.block;
  for (let c = 0; c < across.first.length; c++) {
    if (isHole(layer, c)) continue;
    const x0 = across.first[c]!;
    const y0 = down.first[c]!;
    let value: number | null = 0;
    if (isWhole(layer, x0, y0, across.count)) {
      for (let j = 0; j < 4; j++) {
        const line = base + (y0 + j) * width + x0;
        let sum = 0;
        for (let i = 0; i < 4; i++) sum += across.weights[c * 4 + i]! * data[line + i]!;
        value += down.weights[c * 4 + j]! * sum;
      }
    } else {
      value = bilinearAt(layer, xs[c]! - cells.x, ys[c]! - cells.y);
    }
    if (value === null) continue;
    store(to + c, value);
    flags[to + c] = 0;
  }
}

/** True when a square of `size` samples lies inside and has no hole. */
function isWhole({ block: { nulls }, base, width, height }: Layer, x0: number, y0: number, size: number): boolean {
  if (x0 < 0 || y0 < 0 || x0 + size > width || y0 + size > height) return false;
  if (!nulls) return true;
  for (let j = 0; j < size; j++) {
    const line = base + (y0 + j) * width + x0;
    for (let i = 0; i < size; i++) if (nulls[line + i]) return false;
  }
  return true;
}

function bilinearAt({ block: { data, nulls }, base, width, height }: Layer, x: number, y: number): number | null {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  let sum = 0;
  let total = 0;
  for (let j = Math.max(0, top); j <= Math.min(height - 1, top + 1); j++) {
    for (let i = Math.max(0, left); i <= Math.min(width - 1, left + 1); i++) {
      const at = base + j * width + i;
      if (nulls?.[at]) continue;
      const weight = (1 - Math.abs(i + 0.5 - x)) * (1 - Math.abs(j + 0.5 - y));
      sum += weight * data[at]!;
      total += weight;
    }
  }
  return total < 1e-5 ? null : sum / total;
}
