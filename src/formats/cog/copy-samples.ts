/** Strided copying between sample arrays: takes one band out of pixel-interleaved blocks. */
import type { Samples } from '../../cube/dtype.ts';

export interface Copy {
  readonly source: Samples;
  readonly sourceStart: number;
  /** Distance between neighbouring samples of a row. */
  readonly sourceStep: number;
  readonly sourceRow: number;
  readonly target: Samples;
  readonly targetStart: number;
  /** Negative to turn the rows upside down. */
  readonly targetRow: number;
  readonly width: number;
  readonly height: number;
}

/** Copies a rectangle of samples; both arrays must have the same type. */
export function copySamples(copy: Copy): void {
  if (copy.sourceStep === 1) copyRows(copy);
  else if (copy.source.BYTES_PER_ELEMENT === 1) copyBytes(copy, words(copy.source, Uint8Array), words(copy.target, Uint8Array));
  else if (copy.source.BYTES_PER_ELEMENT === 2) copyWords(copy, words(copy.source, Uint16Array), words(copy.target, Uint16Array));
  else if (copy.source.BYTES_PER_ELEMENT === 4) copyLongs(copy, words(copy.source, Uint32Array), words(copy.target, Uint32Array));
  else copyDoubles(copy, words(copy.source, Float64Array), words(copy.target, Float64Array));
}

function copyRows(copy: Copy): void {
  for (let row = 0; row < copy.height; row++) {
    const from = copy.sourceStart + row * copy.sourceRow;
    copy.target.set(copy.source.subarray(from, from + copy.width), copy.targetStart + row * copy.targetRow);
  }
}

type View<T> = new (buffer: ArrayBufferLike, offset: number, length: number) => T;

function words<T>(samples: Samples, type: View<T>): T {
  return new type(samples.buffer, samples.byteOffset, samples.length);
}

// The same loop four times: V8 compiles a loop for the array types it has met, and one that has met four
// of them is three times slower (measured on 4 × 4096² uint16).

function copyBytes(copy: Copy, source: Uint8Array, target: Uint8Array): void {
  const { sourceStep, width } = copy;
  for (let row = 0; row < copy.height; row++) {
    let from = copy.sourceStart + row * copy.sourceRow;
    const start = copy.targetStart + row * copy.targetRow;
    for (let to = start; to < start + width; to++, from += sourceStep) target[to] = source[from]!;
  }
}

function copyWords(copy: Copy, source: Uint16Array, target: Uint16Array): void {
  const { sourceStep, width } = copy;
  for (let row = 0; row < copy.height; row++) {
    let from = copy.sourceStart + row * copy.sourceRow;
    const start = copy.targetStart + row * copy.targetRow;
    for (let to = start; to < start + width; to++, from += sourceStep) target[to] = source[from]!;
  }
}

function copyLongs(copy: Copy, source: Uint32Array, target: Uint32Array): void {
  const { sourceStep, width } = copy;
  for (let row = 0; row < copy.height; row++) {
    let from = copy.sourceStart + row * copy.sourceRow;
    const start = copy.targetStart + row * copy.targetRow;
    for (let to = start; to < start + width; to++, from += sourceStep) target[to] = source[from]!;
  }
}

function copyDoubles(copy: Copy, source: Float64Array, target: Float64Array): void {
  const { sourceStep, width } = copy;
  for (let row = 0; row < copy.height; row++) {
    let from = copy.sourceStart + row * copy.sourceRow;
    const start = copy.targetStart + row * copy.targetRow;
    for (let to = start; to < start + width; to++, from += sourceStep) target[to] = source[from]!;
  }
}
