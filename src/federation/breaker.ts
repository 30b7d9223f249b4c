/**
 * Keeps a catalog that fails from being asked again and again: after some failures in a row it is left alone
 * for a while, then one request tries it, and whether that succeeds decides.
 */

export interface BreakerOptions {
  /** Failures in a row before it opens; default 4. */
  readonly failures?: number;
  /** How long it stays open the first time, milliseconds; doubles up to sixteen times that. Default 15 s. */
  readonly restMs?: number;
  /** For tests. */
  readonly now?: () => number;
}

const LONGEST_FACTOR = 16;

export class Breaker {
  readonly #limit: number;
  readonly #restMs: number;
  readonly #now: () => number;
  #failures = 0;
  #openUntil = 0;
  #factor = 1;
  #isTrying = false;

  constructor({ failures = 4, restMs = 15_000, now = Date.now }: BreakerOptions = {}) {
    this.#limit = failures;
    this.#restMs = restMs;
    this.#now = now;
  }

  /** Milliseconds until the next try makes sense; 0 when one may be made now. Whoever got 0 must say how it went. */
  wait(): number {
    const left = this.#openUntil - this.#now();
    if (left > 0) return left;
    if (this.#openUntil === 0) return 0;
    if (this.#isTrying) return this.#restMs;
    this.#isTrying = true;
    return 0;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntil = 0;
    this.#factor = 1;
    this.#isTrying = false;
  }

  /** The try was given up by who asked: it says nothing of the catalog. */
  dropped(): void {
    this.#isTrying = false;
  }

  /** @param afterMs when the catalog itself wants to be asked again; it is left alone until then */
  failed(afterMs = 0): void {
    const wasTrying = this.#isTrying;
    this.#isTrying = false;
    this.#failures++;
    if (afterMs > 0) this.#openUntil = Math.max(this.#openUntil, this.#now() + afterMs);
    if (!wasTrying && this.#failures < this.#limit) return;
    this.#openUntil = Math.max(this.#openUntil, this.#now() + this.#restMs * this.#factor);
    this.#factor = Math.min(LONGEST_FACTOR, this.#factor * 2);
  }
}
