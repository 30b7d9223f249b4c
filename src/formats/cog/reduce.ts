/** Halving a tile into a quarter of its parent. */
import type { Block } from '../../cube/block.ts';
import type { Encoding } from '../../cube/cube.ts';
import { isFloat, type DType } from '../../cube/dtype.ts';

/** Mean of the valid cells; the first of the four for values that can't be averaged; what most of them are, for bits. */
export type Reduction = 'average' | 'nearest' | 'majority';

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
  if (encoding) return encoding.method === 'binary' ? 'majority' : 'average';
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

/** What most valid cells of the four are, 0 or 1; when it is a draw, what the first valid one is. */
function majorityRow(child: Block, from: number, size: number, parent: Block, nulls: Uint8Array, to: number, half: number): void {
  const { data, nulls: absent } = child;
  for (let i = 0; i < half; i++) {
    const at = from + i * 2;
    let balance = 0;
    let first = -1;
    for (let k = 0; k < 4; k++) {
      const cell = at + (k & 1) + (k > 1 ? size : 0);
      if (absent !== null && absent[cell] === 1) continue;
      if (first < 0) first = data[cell]!;
      balance += data[cell] ? 1 : -1;
    }
    nulls[to + i] = first < 0 ? 1 : 0;
    parent.data[to + i] = balance > 0 || (balance === 0 && first === 1) ? 1 : 0;
  }
}

const rows = { average: averageRow, nearest: nearestRow, majority: majorityRow };
