/**
 * Answers that are remembered, within bounds of number and weight. Whether one is still right is for who asks: its key holds the version
 * of what it is about (see ItemFacts), or it tells when it was given.
 */

interface Kept<T> {
  readonly answer: T;
  readonly weight: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What was not used for longest goes first. */
export class AnswerMemory<T> {
  /** The last used last. */
  readonly #kept = new Map<string, Kept<T>>();
  readonly #most: number;
  readonly #heaviest: number;
  #weight = 0;

  /**
   * @param most how many answers
   * @param heaviest of all together, in whatever unit their weights have; default: what they weigh does not matter
   */
  constructor(most: number, heaviest = Infinity) {
    this.#most = most;
    this.#heaviest = heaviest;
  }

  /** undefined: not known. */
  find(key: string): T | undefined {
    return this.look(key)?.answer;
  }

  /** As `find`, with the weight and the age of the answer. */
  look(key: string): Kept<T> | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept;
  }

  /** One that is too heavy to be kept with others is not kept at all. */
  keep(key: string, answer: T, weight = 0): void {
    this.forget(key);
    if (weight > this.#heaviest) return;
    this.#kept.set(key, { answer, weight, since: Date.now() });
    this.#weight += weight;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most && this.#weight <= this.#heaviest) break;
      this.forget(oldest);
    }
  }

  forget(key: string): void {
    const kept = this.#kept.get(key);
    if (!kept) return;
    this.#kept.delete(key);
    this.#weight -= kept.weight;
  }

  /** The answer that is known, else that of `work`. */
  async ask(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.look(key);
    if (known) return known.answer;
    const answer = await work();
    this.keep(key, answer);
    return answer;
  }
}
