/** Halving a tile into a quarter of its parent. */
import type { Block } from '../../cube/block.ts';
import { isFloat, type DType } from '../../cube/dtype.ts';

/** Mean of the valid cells, or the first of the four for values that can't be averaged. */
export type Reduction = 'average' | 'nearest';

/**
 * Writes the child tile at half size into quarter (dx, dy) of the parent; both are [bands, size, size] with
 * even size, and the parent has no-data flags. A parent cell is no-data when all its four cells are;
 * NaN counts as no-data in the mean.
 */
export function reduceInto(parent: Block, child: Block, dx: number, dy: number, reduction: Reduction): void {
  const [bands = 0, size = 0] = parent.shape;
  const half = size / 2;
  const nulls = parent.nulls!;
  const reduce = reduction === 'average' ? averageRow : nearestRow;
  for (let band = 0; band < bands; band++) {
    for (let row = 0; row < half; row++) {
      const from = (band * size + row * 2) * size;
      const to = (band * size + dy * half + row) * size + dx * half;
      reduce(child, from, size, parent, nulls, to, half);
    }
  }
}

/** Measurements can be averaged; bytes are mostly classes or masks, which can't. */
export function reductionFor(dtype: DType): Reduction {
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
