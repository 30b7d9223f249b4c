/**
 * Golden vectors: small inputs that anybody can make from a seed, and the vectors that the author's own program gave for
 * them. An operator that does not give them again is another operator.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '../../cube/digest.ts';
import { OperatorPackageInvalid } from '../manifest.ts';
import { operatorDigest, parametersOf } from '../params.ts';
import type { Operator, OperatorRuntime } from '../operator.ts';

export interface GoldenCase {
  readonly rows: number;
  readonly columns: number;
  readonly seed: number;
  readonly low: number;
  readonly high: number;
  /** Parameters that are not the defaults; required ones must be here. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** [dimensions, rows of patches, columns of patches] */
  readonly shape: readonly number[];
  readonly expected: readonly number[];
}

export interface Golden {
  /** In words, for people and other programs. */
  readonly generator?: string;
  /** The most that a number may differ. */
  readonly tolerance: number;
  readonly cases: readonly GoldenCase[];
}

/** How one case went. */
export interface GoldenResult {
  readonly seed: number;
  readonly shape: readonly number[];
  readonly largestDifference: number;
  readonly isWithin: boolean;
}

const LARGEST_FILE = 64 * 2 ** 20;
/** Numbers that a case makes, so that a small file can't ask for a large memory. */
const LARGEST_INPUT = 2 ** 26;

/** golden.json of an operator, checked against its manifest. Throws OperatorPackageInvalid. */
export async function readGolden({ manifest, folder }: Pick<Operator, 'manifest' | 'folder'>): Promise<Golden> {
  const path = join(await folder(), manifest.golden);
  const refuse = (reason: string, cause?: unknown) => new OperatorPackageInvalid(`${manifest.name}/${manifest.golden}`, [reason], { cause });
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`can't be read (${error.code})`, error);
  });
  if (bytes.length > LARGEST_FILE) throw refuse(`has more than ${LARGEST_FILE} bytes`);
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw refuse(`is not JSON: ${(error as Error).message}`, error);
  }
  const problem = goldenProblem(content, manifest);
  if (problem !== null) throw refuse(problem);
  return content as Golden;
}

function goldenProblem(content: unknown, manifest: Operator['manifest']): string | null {
  const { tolerance, cases } = (typeof content === 'object' && content !== null ? content : {}) as Partial<Golden>;
  if (typeof tolerance !== 'number' || !(tolerance >= 0)) return 'tolerance must be a number, 0 or more';
  if (!Array.isArray(cases) || cases.length === 0) return 'cases must be an array with a case at least';
  const problems = cases.map((golden: unknown) => caseProblem(golden, manifest));
  const at = problems.findIndex((problem) => problem !== null);
  return at < 0 ? null : `cases[${at}] ${problems[at]}`;
}

function caseProblem(golden: unknown, manifest: Operator['manifest']): string | null {
  const { input, patch, halo, output } = manifest;
  const { rows, columns, seed, low, high, shape, expected, params } = (typeof golden === 'object' && golden !== null ? golden : {}) as Partial<GoldenCase>;
  if (![rows, columns, seed].every((n) => Number.isSafeInteger(n) && n! >= 0) || typeof low !== 'number' || typeof high !== 'number') return 'must have rows, columns, seed, low and high';
  if (input.bands.length * rows! * columns! > LARGEST_INPUT) return `must have ${LARGEST_INPUT} samples at most`;
  const vectors = [rows!, columns!].map((pixels) => (pixels - 2 * halo) / patch);
  if (!vectors.every((n) => Number.isInteger(n) && n > 0)) return `must have n · ${patch} + 2 · ${halo} rows and columns`;
  const wanted = [output.dimensions, ...vectors];
  if (String(shape) !== String(wanted)) return `must have the shape [${wanted.join(', ')}]`;
  const wrong = parametersProblem(manifest, params);
  if (wrong !== null) return `must have params that fit: ${wrong}`;
  const isFull = Array.isArray(expected) && expected.length === wanted.reduce((a, b) => a * b, 1) && expected.every((v) => typeof v === 'number' && Number.isFinite(v));
  return isFull ? null : 'must have a number in expected for every place of its shape';
}

function parametersProblem(manifest: Operator['manifest'], params: unknown = {}): string | null {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) return 'they must be an object';
  try {
    parametersOf(manifest, params as Readonly<Record<string, unknown>>);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The operator with the parameters of a case, wherever it runs. */
export function operatorOfCase(operator: Operator, { params = {} }: GoldenCase): Operator {
  const { manifest } = operator;
  const values = parametersOf(manifest, params);
  return { ...operator, params: values, digest: operatorDigest(digest(manifest), manifest, values) };
}

/** Samples of a case: whole numbers in low…high−1 from a linear congruential generator, row-major [band, row, column]. */
export function goldenInput(length: number, { seed, low, high }: Pick<GoldenCase, 'seed' | 'low' | 'high'>): Float32Array<ArrayBuffer> {
  const values = new Float32Array(length);
  let state = seed >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = low + Math.floor((state * (high - low)) / 2 ** 32);
  }
  return values;
}

/** Runs all golden cases. Throws what the runtime throws, and OperatorPackageInvalid for a file that is none. */
export async function checkGolden(operator: Operator, runtime: Pick<OperatorRuntime, 'run'>, signal?: AbortSignal): Promise<readonly GoldenResult[]> {
  const { tolerance, cases } = await readGolden(operator);
  const results: GoldenResult[] = [];
  for (const golden of cases) {
    const input = goldenInput(operator.manifest.input.bands.length * golden.rows * golden.columns, golden);
    const vectors = await runtime.run(operatorOfCase(operator, golden), input, golden.rows, golden.columns, signal);
    const largest = largestDifference(vectors, golden.expected);
    results.push({ seed: golden.seed, shape: golden.shape, largestDifference: largest, isWithin: largest <= tolerance });
  }
  return results;
}

/** Infinity for arrays of another length and wherever there is a NaN, which must not pass for equal. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < found.length; i++) {
    const difference = Math.abs(found[i]! - expected[i]!);
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Infinity : difference;
  }
  return largest;
}
