/** Answers about items that stay right until an item changes: their keys hold the version of the items (see ItemFacts). */

export class AnswerMemory<T> {
  /** The last used last. */
  readonly #answers = new Map<string, T>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** undefined: not known. */
  find(key: string): T | undefined {
    const answer = this.#answers.get(key);
    if (answer === undefined) return undefined;
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    return answer;
  }

  keep(key: string, answer: T): void {
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    if (this.#answers.size > this.#limit) this.#answers.delete(this.#answers.keys().next().value!);
  }

  /** The answer that is known, else that of `work`. */
  async ask(key: string, work: () => Promise<T>): Promise<T> {
    const known = this.find(key);
    if (known !== undefined) return known;
    const answer = await work();
    this.keep(key, answer);
    return answer;
  }
}
