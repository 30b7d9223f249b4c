/** Statistics of bands, gathered while they are written. */

export interface BandStatistics {
  readonly minimum: number;
  readonly maximum: number;
  readonly mean: number;
  readonly stddev: number;
  readonly valid_percent: number;
}

/** Sums of one band. Values are shifted by the first one, so that squares of large values lose no digits. */
export class StatisticsGatherer {
  #minimum = Number.POSITIVE_INFINITY;
  #maximum = Number.NEGATIVE_INFINITY;
  #shift = 0;
  #sum = 0;
  #squares = 0;
  #valid = 0;
  #cells = 0;
  /** A cell that is not no-data holds NaN. */
  hasNaN = false;

  /** Adds the valid, finite values of `values[start..end)`. */
  add(values: ArrayLike<number>, nulls: Uint8Array | null, start: number, end: number): void {
    this.#cells += end - start;
    let [minimum, maximum, sum, squares, valid] = [this.#minimum, this.#maximum, 0, 0, 0];
    let shift = this.#shift;
    const isFirst = this.#valid === 0;
    for (let i = start; i < end; i++) {
      const value = values[i]!;
      if (nulls !== null && nulls[i] === 1) continue;
      if (!(Math.abs(value) < Number.POSITIVE_INFINITY)) {
        // NaN is the one value that does not equal itself.
        if (value !== value) this.hasNaN = true;
        continue;
      }
      if (isFirst && valid === 0) shift = value;
      valid++;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
      sum += value - shift;
      squares += (value - shift) * (value - shift);
    }
    this.#minimum = minimum;
    this.#maximum = maximum;
    this.#shift = shift;
    this.#sum += sum;
    this.#squares += squares;
    this.#valid += valid;
  }

  /** The statistics so far; null when nothing valid was seen. */
  result(): BandStatistics | null {
    if (this.#valid === 0) return null;
    const mean = this.#sum / this.#valid;
    const variance = Math.max(0, this.#squares / this.#valid - mean * mean);
    return {
      minimum: this.#minimum,
      maximum: this.#maximum,
      mean: this.#shift + mean,
      stddev: Math.sqrt(variance),
      valid_percent: (100 * this.#valid) / this.#cells,
    };
  }
}
