/** Whether the operator gives here what it gave where it was made: the golden vectors of the package. */
import type { Operator } from '../../operators/operator.ts';
import { goldenInput, largestDifference, operatorOfCase, readGolden, type GoldenCase } from '../../operators/package/golden.ts';
import { judged, type Check } from './check.ts';
import { embedOne, type Subject } from './subject.ts';

/** A file may be looser than this, and then proves nothing. Relative to the largest number it expects. */
const LARGEST_TOLERANCE = 1e-3;
const LEAST_COSINE = 0.9999;

/** @param subjectOf for cases with parameters of their own; absent: all are run with those of the subject */
export async function checkGolden(subject: Subject, signal?: AbortSignal, subjectOf: (operator: Operator) => Subject | null = () => null): Promise<Check> {
  const { operator } = subject;
  const { tolerance, cases } = await readGolden(operator);
  let worst = 0;
  let cosine = 1;
  let largest = 0;
  for (const golden of cases) {
    const { rows, columns, expected } = golden;
    const called = golden.params === undefined ? subject : subjectOf(operatorOfCase(operator, golden)) ?? subject;
    const vectors = await embedOne(called, { samples: goldenInput(operator.manifest.input.bands.length * rows * columns, golden), rows, columns }, signal);
    worst = Math.max(worst, largestDifference(vectors, expected));
    cosine = Math.min(cosine, leastCosine(vectors, golden));
    largest = expected.reduce((most, v) => Math.max(most, Math.abs(v)), largest);
  }
  return judged('golden', [
    { name: 'largest difference', value: worst, at_most: tolerance },
    { name: 'least cosine', value: cosine, at_least: LEAST_COSINE },
    { name: 'tolerance of the file, relative', value: tolerance / Math.max(largest, 1e-12), at_most: LARGEST_TOLERANCE },
  ], `${cases.length} cases give the vectors that ${operator.manifest.golden} has.`);
}

/**
 * The operator as it can be called: with the parameters of its first golden case where it requires some. What is wrong with the
 * golden vectors is told when they are checked.
 */
export async function callable(operator: Operator): Promise<Operator> {
  if ((operator.manifest.params ?? []).every((parameter) => parameter.default !== undefined || Object.hasOwn(operator.params, parameter.name))) return operator;
  const golden = await readGolden(operator).catch(() => null);
  return golden === null ? operator : operatorOfCase(operator, golden.cases[0]!);
}

/** Of the vectors of one case, patch by patch; NaN where there is one. */
function leastCosine(vectors: Float32Array, { shape, expected }: GoldenCase): number {
  const patches = (shape[1] ?? 1) * (shape[2] ?? 1);
  const dimensions = expected.length / patches;
  let least = 1;
  for (let p = 0; p < patches; p++) {
    let [product, a, b] = [0, 0, 0];
    for (let d = 0; d < dimensions; d++) {
      const [x, y] = [vectors[d * patches + p]!, expected[d * patches + p]!];
      product += x * y;
      a += x * x;
      b += y * y;
    }
    const cosine = a === 0 && b === 0 ? 1 : product / Math.sqrt(a * b);
    least = cosine < least || Number.isNaN(cosine) ? cosine : least;
  }
  return least;
}
