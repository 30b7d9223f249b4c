/** The clock of an object store, by which ages of objects are told: clocks of workers may differ. */
import type { ObjectStore } from '../storage/object-store.ts';

/** How long the difference to our own steady clock is taken to stay the same. */
const TRUSTED_MS = 30_000;

export class StoreClock {
  readonly #store: ObjectStore;
  readonly #key: string;
  #offset = 0;
  #asked = -Infinity;

  /** @param key an object of this process alone, written to see what time the store gives it */
  constructor(store: ObjectStore, key: string) {
    this.#store = store;
    this.#key = key;
  }

  /** Milliseconds since 1970; never later than the store's own time, so nothing looks older than it is. */
  async now(): Promise<number> {
    if (performance.now() - this.#asked > TRUSTED_MS) {
      const written = await this.#store.put(this.#key, new Uint8Array());
      this.#asked = performance.now();
      this.#offset = Date.parse(written!.modified) - this.#asked;
    }
    return this.#offset + performance.now();
  }

  async forget(): Promise<void> {
    if (this.#asked > -Infinity) await this.#store.delete(this.#key);
  }
}
