/** How good guesses are, and what a handful of scores says together. */

/** Mean over the classes that occur (as truth or as guess) of F1 = 2·hits / (2·hits + misses + false alarms). */
export function macroF1(truth: Uint8Array, guess: Uint8Array, classes: number): number {
  const hits = new Float64Array(classes);
  const wrong = new Float64Array(classes);
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] === guess[i]) hits[truth[i]!]!++;
    else {
      wrong[truth[i]!]!++;
      wrong[guess[i]!]!++;
    }
  }
  const scores = [...hits].flatMap((h, k) => (h + wrong[k]! > 0 ? [(2 * h) / (2 * h + wrong[k]!)] : []));
  return scores.length === 0 ? 0 : mean(scores);
}

/** Share of the variance that is explained: 1 − Σ(y − ŷ)² / Σ(y − mean)². 0 where nothing varies. */
export function r2(truth: Float64Array, guess: Float64Array): number {
  const middle = mean(truth);
  let error = 0;
  let spread = 0;
  for (let i = 0; i < truth.length; i++) {
    error += (truth[i]! - guess[i]!) ** 2;
    spread += (truth[i]! - middle) ** 2;
  }
  return spread === 0 ? 0 : 1 - error / spread;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return values.length === 0 ? 0 : sum / values.length;
}

/** Standard deviation of a sample (n − 1); 0 for one value. */
export function deviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i]! - middle) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/** NeuCo-Bench's quality: a high score that does not change between folds. Q = 2·mean / (0.02 + deviation). */
export function neucoQuality(scores: ArrayLike<number>): number {
  return (2 * mean(scores)) / (0.02 + deviation(scores));
}
