/** So many requests a minute: who asks faster is told when to ask again. Counted in each process on its own. */
import type { NextFunction, Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';

/** Bounds the memory that somebody with many addresses can take. */
const maxKeys = 20_000;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** A bucket of tokens for everybody: full for a minute's requests, filled again at that rate. */
export class RateLimiter {
  readonly perMinute: number;
  readonly #now: () => number;
  /** Least lately used first. */
  readonly #buckets = new Map<string, Bucket>();

  /** @param perMinute 0: no limit */
  constructor(perMinute: number, now: () => number = Date.now) {
    this.perMinute = perMinute;
    this.#now = now;
  }

  /** Counts one request; seconds until the next one is answered when it is one too many, else 0. */
  take(key: string): number {
    if (this.perMinute === 0) return 0;
    const bucket = this.#filled(key);
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > maxKeys) this.#buckets.delete(this.#buckets.keys().next().value!);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil(((1 - bucket.tokens) / this.perMinute) * 60));
    bucket.tokens--;
    return 0;
  }

  #filled(key: string): Bucket {
    const now = this.#now();
    const { tokens, filledAt } = this.#buckets.get(key) ?? { tokens: this.perMinute, filledAt: now };
    return { tokens: Math.min(this.perMinute, tokens + ((now - filledAt) / 60_000) * this.perMinute), filledAt: now };
  }
}

/** Throws RateLimitExceeded. */
export function refuseTooMany(limiter: RateLimiter, key: string, from: string): void {
  const seconds = limiter.take(key);
  if (seconds > 0) throw new OpenEOError('RateLimitExceeded', { from, limit: limiter.perMinute, seconds }, { retryAfterSeconds: seconds });
}

/** Counts every request against the address it comes from. */
export function limitAddresses(limiter: RateLimiter): (request: Request, response: Response, next: NextFunction) => void {
  return (request, _response, next) => {
    refuseTooMany(limiter, request.ip ?? '', 'from your address');
    next();
  };
}
