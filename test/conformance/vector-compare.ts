/**
 * Compares a result with what a test vector expects, by upstream's rules: single numbers relative to
 * `delta`, numbers in arrays, objects and cubes absolutely; NaN equals NaN only; everything else exactly.
 */
import { expect } from 'vitest';
import { Cube } from '../../src/cube/cube.ts';
import { LabeledArray, type Value } from '../../src/graph/value.ts';
import { dimensionVectors, isCubeVector, isNodata, samplesOf, type CubeVector } from './vector-cubes.ts';
import { toValue } from './vectors.ts';

/** Asserts that `actual` is what the vector `returns`. */
export async function expectReturned(actual: Value, returns: unknown, delta = 1e-10): Promise<void> {
  if (isCubeVector(returns)) return expectCube(actual, returns, delta);
  if (isDatetime(returns)) {
    expect(Date.parse(String(actual)), String(actual)).toBe(Date.parse(returns.value));
    return;
  }
  const difference = compare(actual, toValue(returns), delta, true);
  expect(difference, `${show(actual)} instead of ${show(returns)}`).toBeNull();
}

async function expectCube(actual: Value, expected: CubeVector, delta: number): Promise<void> {
  expect(actual).toBeInstanceOf(Cube);
  const cube = actual as Cube;
  const named = dimensionVectors(expected);
  expect(cube.dimensions.map((d) => d.name)).toEqual(named.map(([name]) => name));
  named.forEach(([name, d], i) => {
    expect(cube.dimensions[i]!.type, name).toBe(d.type);
    if (d.axis) expect(cube.dimensions[i]!.axis, name).toBe(d.axis);
    expectLabels(cube.labels(name), (d.values ?? []).map((v) => toValue(v) as string | number), name);
  });
  if (expected.data === null || expected.data === undefined) return;
  const wanted = [expected.data].flat(Infinity as 1) as unknown[];
  const samples = await samplesOf(cube);
  expect(samples.length).toBe(wanted.length);
  samples.forEach((sample, i) => {
    // Where upstream uses NaN as no-data, a computed NaN and no-data can't be told apart.
    const got = isNodata(expected, sample) ? null : sample;
    const want = isNodata(expected, wanted[i]) ? null : toValue(wanted[i]);
    expect(compare(got, want, delta, false), `sample ${i}: ${show(sample)} instead of ${show(wanted[i])}`).toBeNull();
  });
}

/** Temporal labels are instants: '…Z' and '….000Z' are the same. */
function expectLabels(actual: readonly (string | number)[], expected: readonly (string | number)[], name: string): void {
  const plain = (labels: readonly (string | number)[]) =>
    labels.map((l) => (typeof l === 'string' && /^\d{4}-\d\d-\d\dT/.test(l) ? new Date(l).toISOString() : l));
  expect(plain(actual), `labels of ${name}`).toEqual(plain(expected));
}

/** null when equal, otherwise where they differ. */
export function compare(actual: Value | undefined, expected: Value | undefined, delta: number, relative: boolean, at = 'value'): string | null {
  if (typeof expected === 'number' && typeof actual === 'number') return isClose(actual, expected, delta, relative) ? null : at;
  if (expected instanceof LabeledArray) {
    if (!(actual instanceof LabeledArray)) return `${at}: no labeled array`;
    return compare(actual.labels, expected.labels, 0, false, `${at}.labels`) ?? compare(actual.values, expected.values, delta, false, at);
  }
  if (Array.isArray(expected)) {
    // Upstream writes the expected values of a labeled array without labels when only they matter.
    const values = actual instanceof LabeledArray ? actual.values : actual;
    if (!Array.isArray(values) || values.length !== expected.length) return `${at}: length`;
    return firstDifference(expected.keys(), (i) => compare(values[i] as Value, expected[i] as Value, delta, false, `${at}[${i}]`));
  }
  if (typeof expected === 'object' && expected !== null && typeof actual === 'object' && actual !== null) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return firstDifference(keys, (k) => compare((actual as Record<string, Value>)[k], (expected as Record<string, Value>)[k], delta, false, `${at}.${k}`));
  }
  return Object.is(actual, expected) ? null : at;
}

function firstDifference<T>(keys: Iterable<T>, check: (key: T) => string | null): string | null {
  for (const key of keys) {
    const difference = check(key);
    if (difference !== null) return difference;
  }
  return null;
}

function isClose(actual: number, expected: number, delta: number, relative: boolean): boolean {
  if (actual === expected || (Number.isNaN(actual) && Number.isNaN(expected))) return true;
  if (!Number.isFinite(expected) || !Number.isFinite(actual)) return false;
  // pytest.approx adds an absolute tolerance of 1e-12 so that sin(pi) may be expected to be 0.
  const tolerance = relative ? Math.max(delta * Math.abs(expected), 1e-12) : delta;
  return Math.abs(actual - expected) <= tolerance;
}

const isDatetime = (raw: unknown): raw is { value: string } =>
  typeof raw === 'object' && raw !== null && 'type' in raw && raw.type === 'datetime';

function show(value: unknown): string {
  if (value instanceof Cube) return `a cube of ${value.shape.join(' × ')}`;
  if (value instanceof LabeledArray) return `{${value.labels.map((l, i) => `${l}: ${show(value.values[i])}`).join(', ')}}`;
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
