/**
 * Slows down guessing of passwords: after some failures a name is locked for an address, and after many
 * failures with whatever names the address is, for a while.
 */
const maxFailures = { ofName: 10, ofAddress: 100 };
const windowMs = 5 * 60_000;
/** Bounds the memory that somebody who invents names can take. */
const maxEntries = 10_000;

interface Failures {
  count: number;
  until: number;
}

export class LoginGuard {
  readonly #failures = new Map<string, Failures>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Seconds until the next attempt is looked at; 0: now. */
  waitSeconds(name: string, address: string): number {
    return Math.max(this.#wait(keyOf(address, name), maxFailures.ofName), this.#wait(keyOf(address), maxFailures.ofAddress));
  }

  failed(name: string, address: string): void {
    this.#count(keyOf(address, name));
    this.#count(keyOf(address));
  }

  succeeded(name: string, address: string): void {
    this.#failures.delete(keyOf(address, name));
  }

  #wait(key: string, most: number): number {
    const entry = this.#entry(key);
    return entry !== undefined && entry.count >= most ? Math.ceil((entry.until - this.#now()) / 1000) : 0;
  }

  #count(key: string): void {
    const entry = this.#entry(key) ?? { count: 0, until: this.#now() + windowMs };
    entry.count++;
    // Deleted first, so that the oldest entry is the first of the map.
    this.#failures.delete(key);
    this.#failures.set(key, entry);
    if (this.#failures.size > maxEntries) this.#failures.delete(this.#failures.keys().next().value!);
  }

  #entry(key: string): Failures | undefined {
    const entry = this.#failures.get(key);
    return entry !== undefined && entry.until > this.#now() ? entry : undefined;
  }
}

/** Addresses have no blank. */
function keyOf(address: string, name?: string): string {
  return name === undefined ? address : `${address} ${name}`;
}
