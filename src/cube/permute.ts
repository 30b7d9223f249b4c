/** Putting the dimensions of a block into another order. */
import { allocate } from './dtype.ts';
import { product, strides, type Block } from './block.ts';

/** The block with dimension order[0] first, and so on. Gives the same block when the order is the present one. */
export function permute(block: Block, order: readonly number[]): Block {
  if (order.every((dimension, i) => dimension === i)) return block;
  const shape = order.map((i) => block.shape[i]!);
  const data = allocate(block.dtype, product(shape));
  copyPermuted(block.data, data, block.shape, order);
  if (!block.nulls) return { dtype: block.dtype, shape, data, nulls: null };
  const nulls = new Uint8Array(data.length);
  copyPermuted(block.nulls, nulls, block.shape, order);
  return { dtype: block.dtype, shape, data, nulls };
}

type Writable = { [index: number]: number; readonly length: number };

function copyPermuted(from: ArrayLike<number>, to: Writable, shape: readonly number[], order: readonly number[]): void {
  const steps = strides(shape);
  const sizes = order.map((i) => shape[i]!);
  const jumps = order.map((i) => steps[i]!);
  let at = 0;
  const visit = (level: number, offset: number) => {
    const size = sizes[level]!;
    const jump = jumps[level]!;
    if (level === sizes.length - 1) {
      for (let i = 0; i < size; i++) to[at++] = from[offset + i * jump]!;
      return;
    }
    for (let i = 0; i < size; i++) visit(level + 1, offset + i * jump);
  };
  if (to.length > 0) visit(0, 0);
}
