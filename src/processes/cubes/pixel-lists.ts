/** Reducers that get the pixels of an area as one list, whose order means nothing. */
import type { DType } from '../../cube/dtype.ts';
import type { Callback } from '../../graph/callback.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Value } from '../../graph/value.ts';
import { compileScalar } from './kernels.ts';

/** Pixels that a reducer can have before it at once. */
export const MAX_PIXELS = 1 << 22;

/** Positions in a list. The compiler knows kernels by the text of their inputs, which must not be megabytes long. */
class Positions extends Array<number> {
  toJSON(): string {
    return `0…${this.length - 1}`;
  }
}

function positions(count: number): readonly number[] {
  const list = new Positions(count);
  for (let i = 0; i < count; i++) list[i] = i;
  return list;
}

export interface PixelReducer {
  readonly process: string;
  readonly reducer: Callback;
  readonly constants: Readonly<Record<string, Value>>;
}

/** The kernel of a reducer for lists of so many pixels. */
export function compileList({ process, reducer, constants }: PixelReducer, dtype: DType, count: number): Kernel {
  return compileScalar(reducer, [{ name: 'data', kind: 'array', dtype, labels: positions(count) }], constants, { process, parameter: 'reducer' });
}
