/** An operator under test: called with made-up pixels, as the service would call it. */
import type { Operator, OperatorRuntime } from '../../operators/operator.ts';
import { goldenInput } from '../../operators/package/golden.ts';
import type { ProcessRuntime } from '../../runtimes/process-runtime.ts';

/** A block: raw samples [bands, rows, columns], with their size in pixels, halo included. */
export interface Pixels {
  readonly samples: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

export interface Subject {
  readonly operator: Operator;
  /**
   * Vectors of blocks of one shape, each [dimensions, rows of patches, columns of patches]. They are asked for together: models get them
   * side by side in their threads, programs in one call.
   */
  embed(blocks: readonly Pixels[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** One block alone. */
export async function embedOne(subject: Subject, block: Pixels, signal?: AbortSignal): Promise<Float32Array> {
  return (await subject.embed([block], signal))[0]!;
}

/** An operator in a runtime that takes block by block. */
export function subjectIn(runtime: OperatorRuntime, operator: Operator): Subject {
  return { operator, embed: (blocks, signal) => Promise.all(blocks.map(({ samples, rows, columns }) => runtime.run(operator, samples, rows, columns, signal))) };
}

/** An operator that is a program: one run for all blocks. */
export function subjectAsProgram(runtime: ProcessRuntime, operator: Operator): Subject {
  return {
    operator,
    embed: async (blocks, signal) => {
      const [{ rows, columns }] = blocks as readonly [Pixels];
      return (await runtime.run(operator, { inputs: blocks.map(({ samples }) => samples), rows, columns }, signal ?? new AbortController().signal)).vectors;
    },
  };
}

/** Pixels of a block of so many patches. */
export function sizeOf({ operator: { manifest } }: Subject, patches: number): number {
  return patches * manifest.patch + 2 * manifest.halo;
}

/** A block of noise, of so many patches. */
export function noiseBlock(subject: Subject, down: number, across: number, seed: number, low = 200, high = 4000): Pixels {
  const [rows, columns] = [sizeOf(subject, down), sizeOf(subject, across)];
  return { rows, columns, samples: goldenInput(subject.operator.manifest.input.bands.length * rows * columns, { seed, low, high }) };
}

/** Hills under noise, so many patches a side: a block's mean is not that of the whole. */
export function hills(subject: Subject, side: number): Pixels {
  const { rows, columns, samples } = noiseBlock(subject, side, side, 9, 0, 400);
  const height = (i: number) => 1500 + 1200 * Math.sin((i % columns) / 29 + Math.floor(i / (rows * columns))) * Math.cos((Math.floor(i / columns) % rows) / 23);
  return { rows, columns, samples: samples.map((v, i) => Math.round(v + height(i))) };
}

/** The pixels of `down` × `across` patches from patch (row, column) of a block on, with their halo. */
export function cut(subject: Subject, whole: Pixels, row: number, column: number, down: number, across: number): Pixels {
  const { patch, input: { bands } } = subject.operator.manifest;
  const [rows, columns] = [sizeOf(subject, down), sizeOf(subject, across)];
  const samples = new Float32Array(bands.length * rows * columns);
  for (let band = 0; band < bands.length; band++) {
    for (let y = 0; y < rows; y++) {
      const from = (band * whole.rows + row * patch + y) * whole.columns + column * patch;
      samples.set(whole.samples.subarray(from, from + columns), (band * rows + y) * columns);
    }
  }
  return { samples, rows, columns };
}

/** Root of the mean of squares. */
export function rms(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum / Math.max(1, values.length));
}
