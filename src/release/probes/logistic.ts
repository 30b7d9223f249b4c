/** Multinomial logistic regression: the linear probe for classes. */
import { minimise } from './minimise.ts';
import type { Samples } from './samples.ts';

/** [class][column], the intercept last. */
export interface Classifier {
  readonly classes: number;
  readonly width: number;
  readonly weights: Float64Array;
}

/**
 * Minimises Σ −log p(class) + |w|²/2 over samples with classes 0…classes−1; intercepts are free. Same objective as
 * scikit-learn's LogisticRegression with C = 1. Samples should be standardised.
 */
export function fitLogistic(x: Samples, labels: Uint8Array, classes: number): Classifier {
  const { count, width, values } = x;
  const row = width + 1;
  const probabilities = new Float64Array(classes);
  const objective = (w: Float64Array, gradient: Float64Array): number => {
    let loss = penalise(w, gradient, width);
    for (let n = 0; n < count; n++) {
      const at = n * width;
      loss -= logProbabilities(w, values, at, width, probabilities)[labels[n]!]!;
      for (let k = 0; k < classes; k++) {
        const error = Math.exp(probabilities[k]!) - (k === labels[n] ? 1 : 0);
        // What was learnt moves nothing any more.
        if (error < 1e-9 && error > -1e-9) continue;
        const to = k * row;
        for (let i = 0; i < width; i++) gradient[to + i]! += error * values[at + i]!;
        gradient[to + width]! += error;
      }
    }
    return loss;
  };
  // The gradient is a sum over samples: what counts as flat grows with them.
  return { classes, width, weights: minimise(objective, new Float64Array(classes * row), { tolerance: 1e-3 * Math.sqrt(count), iterations: 100 }) };
}

/** The likeliest class of every sample. */
export function predictClasses({ classes, width, weights }: Classifier, { count, values }: Samples): Uint8Array {
  const scores = new Float64Array(classes);
  return Uint8Array.from({ length: count }, (_, n) => {
    logProbabilities(weights, values, n * width, width, scores);
    return scores.indexOf(Math.max(...scores));
  });
}

/** Begins a gradient: |w|²/2 without the intercepts. */
function penalise(w: Float64Array, gradient: Float64Array, width: number): number {
  let loss = 0;
  for (let i = 0; i < w.length; i++) {
    const isIntercept = i % (width + 1) === width;
    gradient[i] = isIntercept ? 0 : w[i]!;
    if (!isIntercept) loss += w[i]! ** 2 / 2;
  }
  return loss;
}

function logProbabilities(w: Float64Array, values: Float64Array, at: number, width: number, out: Float64Array): Float64Array {
  const row = width + 1;
  let most = -Infinity;
  for (let k = 0; k < out.length; k++) {
    let score = w[k * row + width]!;
    for (let i = 0; i < width; i++) score += w[k * row + i]! * values[at + i]!;
    out[k] = score;
    if (score > most) most = score;
  }
  let sum = 0;
  for (const score of out) sum += Math.exp(score - most);
  const norm = most + Math.log(sum);
  for (let k = 0; k < out.length; k++) out[k]! -= norm;
  return out;
}
