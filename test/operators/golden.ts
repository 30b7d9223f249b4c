/** The golden vectors of the shipped operators: inputs made from seeds, outputs that Python computed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Operator } from '../../src/operators/operator.ts';

export const operatorsDirectory = fileURLToPath(new URL('../../operators/', import.meta.url));

export interface GoldenCase {
  readonly rows: number;
  readonly columns: number;
  readonly seed: number;
  readonly low: number;
  readonly high: number;
  readonly shape: readonly number[];
  readonly expected: readonly number[];
}

export function readGolden({ manifest }: Operator): { tolerance: number; cases: readonly GoldenCase[] } {
  return JSON.parse(readFileSync(`${operatorsDirectory}${manifest.name}/${manifest.golden}`, 'utf8'));
}

/** Whole numbers in low…high−1 from the generator that golden.json describes. */
export function noise(length: number, { seed, low, high }: Pick<GoldenCase, 'seed' | 'low' | 'high'>): Float32Array {
  const values = new Float32Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = low + Math.floor((state * (high - low)) / 2 ** 32);
  }
  return values;
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let worst = 0;
  // NaN must not pass for equal.
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Number.isNaN(a[i]! - b[i]!) ? Infinity : Math.abs(a[i]! - b[i]!));
  return worst;
}
