/**
 * A kernel: a callback (child process graph) compiled for arrays of samples.
 *
 * Cube processes hand whole blocks to a kernel. A block that is worked on along one dimension is seen
 * as [outer, length, inner]: element k of cell (o, i) is data[(o·length + k)·inner + i].
 */
import type { DType, Samples } from '../cube/dtype.ts';
import type { Label } from '../cube/dimension.ts';
import type { LaneProgram } from './lanes/program.ts';

/** What a callback's parameter will hold: one sample per cell, or an array of samples per cell. */
export interface KernelInput {
  /** The callback's parameter name, e.g. 'x', 'data'. */
  readonly name: string;
  readonly kind: 'scalar' | 'array';
  readonly dtype: DType;
  /** For arrays: the labels of the dimension, whose number is the array's length. */
  readonly labels?: readonly Label[];
}

export interface KernelData {
  readonly data: Samples;
  /** 1 = no-data; null = all valid. */
  readonly nulls: Uint8Array | null;
}

export interface Kernel {
  /** Length of the array that the callback returns for a cell; null when it returns a single value. */
  readonly length: number | null;
  /** Labels of the returned array when it is a labeled one. */
  readonly labels: readonly Label[] | null;
  readonly dtype: DType;
  /** True: the callback could not be compiled and runs cell by cell, a hundred times slower. */
  readonly isInterpreted?: boolean;
  /** The callback as expressions for SIMD lanes, by which large blocks are computed; absent: it has no such form. */
  readonly lanes?: LaneProgram;
  /** Works on outer × inner cells; scalar inputs have length 1. The result is [outer, length ?? 1, inner]. */
  run(inputs: readonly KernelData[], outer: number, inner: number): KernelData;
}
