/** A block: the samples of a window of a cube, dense and in row-major order of the cube's dimensions. */
import { allocate, type DType, type Samples } from './dtype.ts';

export interface Block {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Samples;
  /**
   * 1 where a sample is no-data (openEO's null), 0 elsewhere; null when every sample is valid. `data`
   * under a 1 is arbitrary. NaN in `data` is a number like any other: no-data and NaN are different.
   */
  readonly nulls: Uint8Array | null;
}

/** A hyper-rectangle of a cube, one entry per dimension in the cube's order. */
export interface Window {
  /** First index; for x and y it may be negative or beyond the size (see Cube.read). */
  readonly start: readonly number[];
  readonly size: readonly number[];
}

export function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** A block of zeros. */
export function createBlock(dtype: DType, shape: readonly number[]): Block {
  return { dtype, shape, data: allocate(dtype, product(shape)), nulls: null };
}

/** A block without a single valid sample. */
export function createNullBlock(dtype: DType, shape: readonly number[]): Block {
  const length = product(shape);
  return { dtype, shape, data: allocate(dtype, length), nulls: new Uint8Array(length).fill(1) };
}

/** Row-major strides in samples. */
export function strides(shape: readonly number[]): number[] {
  const out = shape.map(() => 1);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    out[i] = step;
    step *= shape[i]!;
  }
  return out;
}

/** One value as openEO sees it: null for no-data, booleans for dtype bool. */
export function valueAt(block: Block, index: number): number | boolean | null {
  if (block.nulls?.[index]) return null;
  const value = block.data[index]!;
  return block.dtype === 'bool' ? value !== 0 : value;
}
