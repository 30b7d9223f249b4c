/** Halving a tile into a quarter of its parent. */
import type { Block } from '../../cube/block.ts';
import type { Encoding } from '../../cube/cube.ts';
import { isFloat, type DType } from '../../cube/dtype.ts';

/**
 * What a cell is made of the valid ones of four: their mean, the first of them, what most of them are, the
 * smallest, the largest, or the root of the mean of their squares.
 */
export type Reduction = 'average' | 'nearest' | 'mode' | 'min' | 'max' | 'rms';

/**
 * Writes the child tile at half size into quarter (dx, dy) of the parent; both are [bands, size, size] with
 * even size, and the parent has no-data flags. A parent cell is no-data when all its four cells are;
 * NaN counts as no-data in the mean.
 */
export function reduceInto(parent: Block, child: Block, dx: number, dy: number, reduction: Reduction): void {
  const [bands = 0, size = 0] = parent.shape;
  const half = size / 2;
  const nulls = parent.nulls!;
  const reduce = rows[reduction];
  for (let band = 0; band < bands; band++) {
    for (let row = 0; row < half; row++) {
      const from = (band * size + row * 2) * size;
      const to = (band * size + dy * half + row) * size + dx * half;
      reduce(child, from, size, parent, nulls, to, half);
    }
  }
}

/**
 * Measurements can be averaged; bytes are mostly classes or masks, which can't. Embeddings are averaged
 * whatever their codes are, because the cube holds them decoded, and bits vote.
 */
export function reductionFor(dtype: DType, encoding?: Encoding): Reduction {
  if (encoding) return encoding.method === 'binary' ? 'mode' : 'average';
  return dtype === 'bool' || dtype === 'uint8' || dtype === 'int8' ? 'nearest' : 'average';
}

function averageRow(child: Block, from: number, size: number, parent: Block, nulls: Uint8Array, to: number, half: number): void {
  const { data, nulls: absent } = child;
  const out = parent.data;
  const isInteger = !isFloat(child.dtype);
  for (let i = 0; i < half; i++) {
    const at = from + i * 2;
    let sum = 0;
    let count = 0;
    for (let k = 0; k < 4; k++) {
      const cell = at + (k & 1) + (k > 1 ? size : 0);
      const value = data[cell]!;
      // NaN is the one value that does not equal itself.
      if ((absent !== null && absent[cell] === 1) || value !== value) continue;
      sum += value;
      count++;
    }
    nulls[to + i] = count === 0 ? 1 : 0;
    const mean = count === 0 ? 0 : sum / count;
    out[to + i] = isInteger ? Math.round(mean) : mean;
  }
}

function nearestRow(child: Block, from: number, size: number, parent: Block, nulls: Uint8Array, to: number, half: number): void {
  const { data, nulls: absent } = child;
  for (let i = 0; i < half; i++) {
    const at = from + i * 2;
    let cell = at;
    // At a no-data cell the next valid neighbour stands in, so that thin data does not vanish.
    if (absent !== null && absent[at] === 1) cell = [at + 1, at + size, at + size + 1].find((other) => absent[other] === 0) ?? at;
    nulls[to + i] = absent?.[cell] ?? 0;
    parent.data[to + i] = data[cell]!;
  }
}

/** One value out of up to four, of which `count` are there; in `values`, in row order. */
type Choice = (values: Float64Array, count: number) => number;

/** Reduces by any choice. NaN counts as no-data. */
function rowOf(choose: Choice): typeof averageRow {
  const values = new Float64Array(4);
  return (child, from, size, parent, nulls, to, half) => {
    const { data, nulls: absent } = child;
    const isInteger = !isFloat(child.dtype);
    for (let i = 0; i < half; i++) {
      const at = from + i * 2;
      let count = 0;
      for (let k = 0; k < 4; k++) {
        const cell = at + (k & 1) + (k > 1 ? size : 0);
        const value = data[cell]!;
        if ((absent === null || absent[cell] !== 1) && value === value) values[count++] = value;
      }
      nulls[to + i] = count === 0 ? 1 : 0;
      const chosen = count === 0 ? 0 : choose(values, count);
      parent.data[to + i] = isInteger ? Math.round(chosen) : chosen;
    }
  };
}

/** What most are; when it is a draw, what the first of those is. */
function mostFrequent(values: Float64Array, count: number): number {
  let best = values[0]!;
  let most = 0;
  for (let i = 0; i < count; i++) {
    let times = 0;
    for (let k = 0; k < count; k++) if (values[k] === values[i]) times++;
    if (times > most) [best, most] = [values[i]!, times];
  }
  return best;
}

function smallest(values: Float64Array, count: number): number {
  let least = values[0]!;
  for (let i = 1; i < count; i++) if (values[i]! < least) least = values[i]!;
  return least;
}

function largest(values: Float64Array, count: number): number {
  let most = values[0]!;
  for (let i = 1; i < count; i++) if (values[i]! > most) most = values[i]!;
  return most;
}

function rootMeanSquare(values: Float64Array, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum / count);
}

const rows: Record<Reduction, typeof averageRow> = {
  average: averageRow, nearest: nearestRow, mode: rowOf(mostFrequent), min: rowOf(smallest), max: rowOf(largest), rms: rowOf(rootMeanSquare),
};
