/** Samples that probes learn from: vectors with the group (scene) they came from. */

/** `count` vectors of `width` numbers, one after the other. */
export interface Samples {
  readonly count: number;
  readonly width: number;
  readonly values: Float64Array;
}

/** Vectors in the given rows only. */
export function takeRows({ width, values }: Samples, rows: readonly number[]): Samples {
  const out = new Float64Array(rows.length * width);
  rows.forEach((row, i) => out.set(values.subarray(row * width, (row + 1) * width), i * width));
  return { count: rows.length, width, values: out };
}

/** What brings every column to mean 0 and deviation 1; columns that never change stay 0. */
export interface Standard {
  readonly mean: Float64Array;
  readonly factor: Float64Array;
}

/** Fitted on samples that are learnt from, and used on those that are judged too. */
export function standardOf({ count, width, values }: Samples): Standard {
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (let i = 0; i < values.length; i++) mean[i % width]! += values[i]! / count;
  for (let i = 0; i < values.length; i++) square[i % width]! += (values[i]! - mean[i % width]!) ** 2 / count;
  // A column whose spread is but rounding has nothing to say, and must not be blown up.
  const factor = square.map((v, i) => (Math.sqrt(v) > 1e-12 * Math.max(1, Math.abs(mean[i]!)) ? 1 / Math.sqrt(v) : 0));
  return { mean, factor };
}

/** New samples, standardised. */
export function standardise({ count, width, values }: Samples, { mean, factor }: Standard): Samples {
  return { count, width, values: values.map((v, i) => (v - mean[i % width]!) * factor[i % width]!) };
}
