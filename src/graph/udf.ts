/** What processes ask of the runtimes for functions of users. Implemented in src/udf. */
import type { Label } from '../cube/dimension.ts';
import type { Log } from '../log.ts';

/** A dimension as functions see it. */
export interface UdfDimension {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly Label[];
}

export interface UdfSamples {
  readonly data: Float64Array<ArrayBuffer>;
  /** 1 = no-data; null = all valid. */
  readonly nulls: Uint8Array<ArrayBuffer> | null;
}

/** What a function gives for a pixel: one value (length null), or an array with at most so many. */
export interface UdfCellResult {
  readonly length: number | null;
  readonly type: 'number' | 'boolean';
}

/** Pixels as kernels have them, [outer, length, inner]. */
export interface UdfCells {
  readonly outer: number;
  readonly inner: number;
  /** Of the array of each pixel; null: it is a single value. */
  readonly labels: readonly Label[] | null;
  /** Values are true and false, not numbers. */
  readonly isBoolean: boolean;
}

export interface DescribeCall {
  readonly kind: 'describe';
  readonly dimensions: readonly UdfDimension[];
}

export interface ChunkCall {
  readonly kind: 'chunk';
  readonly dimensions: readonly UdfDimension[];
  readonly samples: UdfSamples;
  /** The shape that the result must have. */
  readonly expected: readonly number[];
}

export interface ProbeCall {
  readonly kind: 'probe';
  readonly cells: UdfCells;
}

export interface CellsCall {
  readonly kind: 'cells';
  readonly cells: UdfCells;
  readonly samples: UdfSamples;
  readonly result: UdfCellResult;
}

/**
 * describe: the dimensions of the result for a cube, null when the code leaves them as they are.
 * chunk: the function on a part of a cube. probe: what it gives for a pixel. cells: the function on pixels.
 */
export type UdfCall = DescribeCall | ChunkCall | ProbeCall | CellsCall;

export type UdfAnswer<C extends UdfCall> = C extends DescribeCall ? readonly UdfDimension[] | null : C extends ProbeCall ? UdfCellResult : UdfSamples;

/**
 * The code of a user, isolated from everything else. The buffers of a call are taken away from the caller. A
 * sandbox is used in one of the two ways, never in both: who blocks would miss the answers of the others.
 */
export interface UdfSandbox {
  /** Throws UdfFailed with what the user needs to know, and the reason of `signal`. */
  call<C extends UdfCall>(call: C, signal: AbortSignal): Promise<UdfAnswer<C>>;
  /** The same for callbacks, which can't wait: blocks the thread, at most for the time limit of a call. */
  callSync<C extends UdfCall>(call: C): UdfAnswer<C>;
}

export interface UdfRequest {
  readonly runtime: string;
  /** null: the default version. */
  readonly version: string | null;
  readonly code: string;
  /** Anything that JSON can hold. */
  readonly context: unknown;
  /** Takes what the code logs. */
  readonly log: Log;
}

export interface UdfRuntimes {
  /** A new sandbox; nothing runs yet. Throws InvalidRuntime and InvalidVersion. */
  open(request: UdfRequest): UdfSandbox;
}

/** The runtimes, and the scripts that whoever asks may run. */
export interface UdfService extends UdfRuntimes {
  /** The code behind an address or at a path of the user's files. Throws ProcessParameterInvalid and FileNotFound. */
  read(source: string): Promise<string>;
}
