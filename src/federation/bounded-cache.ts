/** Answers that are remembered for a while, within bounds of number and size. */

interface Entry<V> {
  readonly value: V;
  readonly weight: number;
  readonly since: number;
}

export interface CacheBounds {
  readonly entries: number;
  /** Of all entries together, in whatever unit their weights have. */
  readonly weight: number;
}

/** What was not used for longest goes first. */
export class BoundedCache<V> {
  readonly #bounds: CacheBounds;
  readonly #entries = new Map<string, Entry<V>>();
  #weight = 0;

  constructor(bounds: CacheBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value and its age in milliseconds. */
  get(key: string): { readonly value: V; readonly ageMs: number } | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return { value: entry.value, ageMs: Date.now() - entry.since };
  }

  set(key: string, value: V, weight: number): void {
    this.delete(key);
    if (weight > this.#bounds.weight) return;
    this.#entries.set(key, { value, weight, since: Date.now() });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#bounds.entries && this.#weight <= this.#bounds.weight) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }
}
