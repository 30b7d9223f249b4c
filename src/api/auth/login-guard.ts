/** Slows down guessing of passwords: after some failures a name is locked for an address, for a while. */
const maxFailures = 10;
const windowMs = 5 * 60_000;
/** Bounds the memory that somebody who invents names can take. */
const maxEntries = 10_000;

export class LoginGuard {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Seconds until the next attempt is looked at; 0: now. */
  waitSeconds(name: string, address: string): number {
    const entry = this.#entry(name, address);
    return entry !== undefined && entry.count >= maxFailures ? Math.ceil((entry.until - this.#now()) / 1000) : 0;
  }

  failed(name: string, address: string): void {
    const entry = this.#entry(name, address) ?? { count: 0, until: this.#now() + windowMs };
    entry.count++;
    // Deleted first, so that the oldest entry is the first of the map.
    this.#failures.delete(key(name, address));
    this.#failures.set(key(name, address), entry);
    if (this.#failures.size > maxEntries) this.#failures.delete(this.#failures.keys().next().value!);
  }

  succeeded(name: string, address: string): void {
    this.#failures.delete(key(name, address));
  }

  #entry(name: string, address: string) {
    const entry = this.#failures.get(key(name, address));
    return entry !== undefined && entry.until > this.#now() ? entry : undefined;
  }
}

function key(name: string, address: string): string {
  return `${address} ${name}`;
}
