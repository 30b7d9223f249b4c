/**
 * Interpolating resampling (bilinear, cubic, cubicspline, lanczos) of blocks [n, height, width].
 *
 * Formulas and the treatment of no-data are GDAL's: weights of no-data samples are left out and the rest
 * is brought back to one; a cubic neighbourhood with a hole falls back to bilinear; lanczos wants at least
 * half of its neighbourhood; on a coarser target the kernel is widened, so that every source cell counts.
 * A target cell whose centre lies outside the source or in a no-data cell has no data: holes never shrink.
 */
import type { CellWindow } from '../geo/grid.ts';
import type { Block } from './block.ts';
import { createTaps, fillTaps, kernels, reach, type KernelName, type Taps } from './kernels.ts';
import { findNearest, type Placement } from './nearest.ts';
import { storeRow } from './store.ts';

/** Beside holes the negative lobes of a kernel can outweigh the rest; what is left is no mean. */
const LEAST_WEIGHT = 1e-6;

/** Weighted mean of the neighbourhood of each target cell's centre; `scale` is 1 or the source cells per target cell. */
export function interpolate(source: Block, place: Placement, method: KernelName, scale: { readonly x: number; readonly y: number }, out: Block): void {
  const { source: cells, target, extent, map } = place;
  const rowOf = rowFunction(place, method, scale);
  const layer = { block: source, base: 0, width: cells.width, height: cells.height, x: cells.x, y: cells.y, extent, centre: new Int32Array(target.width) };
  const positions = { xs: new Float64Array(target.width), ys: new Float64Array(target.width) };
  const values = new Float64Array(target.width);
  for (let row = 0; row < target.height; row++) {
    map(target.y + row, 0.5, 0.5, positions.xs, positions.ys);
    findNearest(positions.xs, positions.ys, cells, layer.centre);
    const compute = rowOf(positions, row === 0);
    for (let band = 0; band < source.shape[0]!; band++) {
      layer.base = band * cells.width * cells.height;
      const to = (band * target.height + row) * target.width;
      markHoles(layer, out.nulls!, to);
      compute(layer, values, out.nulls!, to);
      storeRow(values, out.data, out.dtype, to);
    }
  }
}

interface Layer {
  readonly block: Block;
  /** Index of the band's first sample. */
  base: number;
  readonly width: number;
  readonly height: number;
  /** First cell of the block in the source grid. */
  readonly x: number;
  readonly y: number;
  readonly extent: CellWindow;
  /** The cell under the centre of each target cell of the row, −1 for none. */
  readonly centre: Int32Array;
}

interface Positions {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
}

/** Computes the target cells of a row whose flag is 0. */
type ComputeRow = (layer: Layer, values: Float64Array, flags: Uint8Array, to: number) => void;

function rowFunction({ source: cells, target, separable }: Placement, method: KernelName, scale: { x: number; y: number }): (positions: Positions, isFirst: boolean) => ComputeRow {
  const isPlain = scale.x === 1 && scale.y === 1;
  if (method === 'bilinear' && isPlain) return (positions) => (layer, values, flags, to) => bilinearRow(layer, positions, values, flags, to);
  const kernel = kernels[method];
  const across = createTaps(target.width, reach(kernel, scale.x) * 2, false);
  const down = createTaps(target.width, reach(kernel, scale.y) * 2, separable);
  return (positions, isFirst) => {
    if (isFirst || !separable) fillTaps(across, positions.xs, cells.x, kernel, scale.x);
    fillTaps(down, positions.ys, cells.y, kernel, scale.y);
    if (method === 'cubic' && isPlain) return (layer, values, flags, to) => cubicRow(layer, across, down, positions, values, flags, to);
    const isEnough = method === 'lanczos' ? hasEnough : () => true;
    return (layer, values, flags, to) => weightedRow({ layer, across, down, isEnough }, values, flags, to);
  };
}

/** Flags the target cells that have no data: 1 for a hole, 0 for a cell to compute. */
function markHoles({ block: { nulls }, base, centre }: Layer, flags: Uint8Array, to: number): void {
  for (let c = 0; c < centre.length; c++) {
    const at = centre[c]!;
    flags[to + c] = at < 0 || (nulls !== null && nulls[base + at] === 1) ? 1 : 0;
  }
}

function bilinearRow(layer: Layer, { xs, ys }: Positions, values: Float64Array, flags: Uint8Array, to: number): void {
  const { base, width, height } = layer;
  const { data, nulls } = layer.block;
  for (let c = 0; c < values.length; c++) {
    if (flags[to + c]) continue;
    const x = xs[c]! - 0.5;
    const y = ys[c]! - 0.5;
    const left = Math.floor(x);
    const top = Math.floor(y);
    const x0 = left - layer.x;
    const y0 = top - layer.y;
    const at = base + y0 * width + x0;
    const isInside = x0 >= 0 && y0 >= 0 && x0 + 1 < width && y0 + 1 < height;
    if (!isInside || (nulls && (nulls[at]! | nulls[at + 1]! | nulls[at + width]! | nulls[at + width + 1]!))) {
      values[c] = bilinearAt(layer, xs[c]!, ys[c]!);
      continue;
    }
    const u = x - left;
    const v = y - top;
    const upper = data[at]! * (1 - u) + data[at + 1]! * u;
    const lower = data[at + width]! * (1 - u) + data[at + width + 1]! * u;
    values[c] = upper * (1 - v) + lower * v;
  }
}

/** Bilinear where samples may be missing; at least the one under the centre is there. */
function bilinearAt({ block: { data, nulls }, base, width, height, x: originX, y: originY }: Layer, x: number, y: number): number {
  const left = Math.floor(x - 0.5);
  const top = Math.floor(y - 0.5);
  let sum = 0;
  let total = 0;
  for (let row = top; row <= top + 1; row++) {
    for (let column = left; column <= left + 1; column++) {
      const at = base + (row - originY) * width + column - originX;
      if (column < originX || column >= originX + width || row < originY || row >= originY + height || nulls?.[at]) continue;
      const weight = (1 - Math.abs(column + 0.5 - x)) * (1 - Math.abs(row + 0.5 - y));
      sum += weight * data[at]!;
      total += weight;
    }
  }
  return sum / total;
}

function cubicRow(layer: Layer, across: Taps, down: Taps, { xs, ys }: Positions, values: Float64Array, flags: Uint8Array, to: number): void {
  const { base, width } = layer;
  const { data } = layer.block;
  const wx = across.weights;
  const wy = down.weights;
  for (let c = 0; c < values.length; c++) {
    if (flags[to + c]) continue;
    const x0 = across.first[c]!;
    const y0 = down.first[c * down.step]!;
    if (!isWhole(layer, x0, y0)) {
      values[c] = bilinearAt(layer, xs[c]!, ys[c]!);
      continue;
    }
    const i = c * 4;
    let value = 0;
    for (let j = 0; j < 4; j++) {
      const at = base + (y0 + j) * width + x0;
      const line = wx[i]! * data[at]! + wx[i + 1]! * data[at + 1]! + wx[i + 2]! * data[at + 2]! + wx[i + 3]! * data[at + 3]!;
      value += wy[i * down.step + j]! * line;
    }
    values[c] = value;
  }
}

/** True when the 4 × 4 samples from (x0, y0) on lie inside and have no hole. */
function isWhole({ block: { nulls }, base, width, height }: Layer, x0: number, y0: number): boolean {
  if (x0 < 0 || y0 < 0 || x0 + 4 > width || y0 + 4 > height) return false;
  if (!nulls) return true;
  for (let j = 0; j < 4; j++) {
    const at = base + (y0 + j) * width + x0;
    if (nulls[at]! | nulls[at + 1]! | nulls[at + 2]! | nulls[at + 3]!) return false;
  }
  return true;
}

/** What the weighted mean of a row needs. */
interface Weighing {
  readonly layer: Layer;
  readonly across: Taps;
  readonly down: Taps;
  /** False where too much of the neighbourhood of a column is missing. */
  readonly isEnough: (layer: Layer, across: Taps, down: Taps, c: number) => boolean;
}

function weightedRow({ layer, across, down, isEnough }: Weighing, values: Float64Array, flags: Uint8Array, to: number): void {
  const { base, width, height } = layer;
  const { data, nulls } = layer.block;
  for (let c = 0; c < values.length; c++) {
    if (flags[to + c]) continue;
    const d = c * down.step;
    const x0 = across.first[c]!;
    const y0 = down.first[d]!;
    const lastX = Math.min(across.to[c]!, width - x0);
    const lastY = Math.min(down.to[d]!, height - y0);
    let sum = 0;
    let total = 0;
    let missing = 0;
    for (let j = Math.max(down.from[d]!, -y0); j < lastY; j++) {
      const wy = down.weights[d * down.count + j]!;
      const line = base + (y0 + j) * width + x0;
      for (let i = Math.max(across.from[c]!, -x0); i < lastX; i++) {
        if (nulls !== null && nulls[line + i] === 1) {
          missing++;
          continue;
        }
        const weight = wy * across.weights[c * across.count + i]!;
        sum += weight * data[line + i]!;
        total += weight;
      }
    }
    if (total < LEAST_WEIGHT || (missing > 0 && !isEnough(layer, across, down, c))) flags[to + c] = 1;
    else values[c] = sum / total;
  }
}

/** True when at least half of the neighbourhood within the source's extent is there. */
function hasEnough({ block: { nulls }, base, width, height, x, y, extent }: Layer, across: Taps, down: Taps, c: number): boolean {
  const d = c * down.step;
  const [x0, y0] = [across.first[c]!, down.first[d]!];
  let [there, all] = [0, 0];
  for (let row = y0 + down.from[d]!; row < y0 + down.to[d]!; row++) {
    for (let column = x0 + across.from[c]!; column < x0 + across.to[c]!; column++) {
      const isRead = column >= 0 && row >= 0 && column < width && row < height;
      if (isRead && !nulls?.[base + row * width + column]) there++;
      else if (column + x < 0 || row + y < 0 || column + x >= extent.width || row + y >= extent.height) continue;
      all++;
    }
  }
  return 2 * there >= all;
}
