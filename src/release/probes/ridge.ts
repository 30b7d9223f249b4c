/** Linear regression with a penalty on the weights (ridge), solved in closed form. */
import type { Samples } from './samples.ts';

/** Weights and intercept of a linear model. */
export interface Linear {
  readonly weights: Float64Array;
  readonly intercept: number;
}

/**
 * Minimises Σ (y − w·x − b)² + penalty·|w|². With fewer samples than columns the smaller system of the
 * dual form is solved; both give the same weights.
 */
export function fitRidge(x: Samples, y: Float64Array, penalty = 1): Linear {
  const means = columnMeans(x);
  const intercept = y.reduce((sum, v) => sum + v, 0) / y.length;
  const centred: Samples = { ...x, values: x.values.map((v, i) => v - means[i % x.width]!) };
  const target = y.map((v) => v - intercept);
  const weights = x.width <= x.count ? primal(centred, target, penalty) : dual(centred, target, penalty);
  return { weights, intercept: intercept - dot(weights, 0, means, 0, x.width) };
}

/** The model's value for every sample. */
export function predictLinear({ weights, intercept }: Linear, { count, width, values }: Samples): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => intercept + dot(values, i * width, weights, 0, width));
}

function columnMeans({ count, width, values }: Samples): Float64Array {
  const means = new Float64Array(width);
  for (let i = 0; i < values.length; i++) means[i % width]! += values[i]! / count;
  return means;
}

/** (XᵀX + λI) w = Xᵀy */
function primal({ count, width, values }: Samples, target: Float64Array, penalty: number): Float64Array {
  const matrix = new Float64Array(width * width);
  const right = new Float64Array(width);
  for (let n = 0; n < count; n++) {
    const at = n * width;
    for (let i = 0; i < width; i++) {
      const v = values[at + i]!;
      right[i]! += v * target[n]!;
      for (let j = 0; j <= i; j++) matrix[i * width + j]! += v * values[at + j]!;
    }
  }
  for (let i = 0; i < width; i++) matrix[i * width + i]! += penalty;
  return solveSymmetric(matrix, right);
}

/** w = Xᵀ (XXᵀ + λI)⁻¹ y */
function dual({ count, width, values }: Samples, target: Float64Array, penalty: number): Float64Array {
  const matrix = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) matrix[i * count + j] = dot(values, i * width, values, j * width, width) + (i === j ? penalty : 0);
  }
  const shares = solveSymmetric(matrix, target.slice());
  const weights = new Float64Array(width);
  for (let n = 0; n < count; n++) for (let i = 0; i < width; i++) weights[i]! += shares[n]! * values[n * width + i]!;
  return weights;
}

/**
 * Solves A·x = b for a symmetric positive definite A by Cholesky's factors. Only the lower triangle is read;
 * both arguments are overwritten.
 */
export function solveSymmetric(a: Float64Array, b: Float64Array): Float64Array {
  const n = b.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = a[i * n + j]! - dot(a, i * n, a, j * n, j);
      if (i !== j) a[i * n + j] = rest / a[j * n + j]!;
      else if (rest > 0) a[i * n + i] = Math.sqrt(rest);
      else throw new RangeError('the matrix is not positive definite');
    }
  }
  for (let i = 0; i < n; i++) b[i] = (b[i]! - dot(a, i * n, b, 0, i)) / a[i * n + i]!;
  for (let i = n - 1; i >= 0; i--) {
    let rest = b[i]!;
    for (let k = i + 1; k < n; k++) rest -= a[k * n + i]! * b[k]!;
    b[i] = rest / a[i * n + i]!;
  }
  return b;
}

function dot(a: Float64Array, at: number, b: Float64Array, bt: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[at + i]! * b[bt + i]!;
  return sum;
}
