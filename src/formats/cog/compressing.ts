/** Work that goes on beside the reading of an image: a few tiles are compressed at a time. */

/** Tiles being compressed at a time. */
const PLACES = 6;

export class Compressing {
  readonly #running = new Set<Promise<void>>();
  #failure: Error | undefined;

  /** Starts a piece of work after waiting for a free place. Rejects when an earlier piece has failed. */
  async add(work: () => Promise<void>): Promise<void> {
    while (this.#running.size >= PLACES) await Promise.race(this.#running);
    if (this.#failure) throw this.#failure;
    const task = work()
      .catch((error: Error) => {
        this.#failure ??= error;
      })
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  /** Waits for all work; rejects when a piece has failed. */
  async finish(): Promise<void> {
    await this.settle();
    if (this.#failure) throw this.#failure;
  }

  /** Waits for all work, whatever comes of it. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }
}
