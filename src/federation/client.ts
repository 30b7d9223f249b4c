/** Requests to one catalog: bounded in time and size, tried again where that helps, and given up where it does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { UpstreamError } from '../catalog/item-query.ts';
import { Unreadable } from '../catalog/remote/download.ts';
import { isOpenEOError } from '../errors.ts';
import type { Fetch } from '../formats/http-source.ts';
import type { Breaker } from './breaker.ts';

type Fields = Readonly<Record<string, unknown>>;
export type RequestHeaders = Readonly<Record<string, string>>;

export interface ClientOptions {
  /** Our id of the collection, for messages. */
  readonly collection: string;
  /** Reaches only what may be reached (guardedFetch, which throws Unreadable for the rest). */
  readonly fetch: Fetch;
  /** Headers of every request, secrets among them. Throws UpstreamError where this service has not got them. */
  readonly headers: () => RequestHeaders;
  readonly breaker: Breaker;
  /** Longest time of one request, milliseconds. */
  readonly timeoutMs: number;
  /** Tries per request; default 3. */
  readonly attempts?: number;
  /** Wait before the second try, milliseconds; doubles. Default 200. */
  readonly backoffMs?: number;
  /** Largest answer; default 64 MiB. */
  readonly bytes?: number;
}

/** What is asked. */
export interface Ask {
  readonly url: string;
  /** A POST with this body; absent: a GET. */
  readonly body?: unknown;
  /** The version that is known already. */
  readonly etag?: string;
}

export interface Answer {
  /** 200, 304 or 404. */
  readonly status: number;
  /** null for 304 and 404. */
  readonly fields: Fields | null;
  readonly etag: string | null;
  /** What relative references are relative to. */
  readonly base: string;
  readonly bytes: number;
}

/** The catalog understood the request and refuses it: another way of asking may do. */
export class Refused extends UpstreamError {}

const LARGEST = 64 * 1024 * 1024;
/** A catalog that wants to be left alone for longer is not waited for. */
const LONGEST_WAIT_MS = 3000;
/** Statuses after which the same request may succeed. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** A failure that may pass. */
class Passing extends Error {
  readonly afterMs: number;

  constructor(reason: string, afterMs = 0, cause?: unknown) {
    super(reason, { cause });
    this.afterMs = afterMs;
  }
}

export class UpstreamClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * The JSON object that the catalog answers. Throws UpstreamError: UpstreamUnavailable when it does not answer,
   * UpstreamInvalid for what is no JSON object, and Refused for a request that it does not take.
   */
  async ask(ask: Ask, signal: AbortSignal): Promise<Answer> {
    const { attempts = 3, backoffMs = 200, breaker } = this.#options;
    // Before the breaker is asked: what this service lacks says nothing of the catalog.
    const headers = this.#options.headers();
    for (let attempt = 1; ; attempt++) {
      const waitMs = breaker.wait();
      if (waitMs > 0) throw this.#unavailable('it has failed several times and is left alone for a while', waitMs);
      try {
        return await this.#once(ask, headers, signal);
      } catch (error) {
        if (!(error instanceof Passing)) throw error;
        if (attempt >= attempts || error.afterMs > LONGEST_WAIT_MS || signal.aborted) throw this.#unavailable(error.message, error.afterMs, error);
        await sleep(Math.max(error.afterMs, backoffMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)), undefined, { signal }).catch(() => {
          throw this.#unavailable('it did not answer in time', 0, error);
        });
      }
    }
  }

  async #once(ask: Ask, headers: RequestHeaders, signal: AbortSignal): Promise<Answer> {
    const { breaker } = this.#options;
    try {
      const answer = await this.#send(ask, headers, signal);
      breaker.succeeded();
      return answer;
    } catch (error) {
      // A refusal is an answer too; who no longer waits says nothing of the catalog.
      if (error instanceof Refused) breaker.succeeded();
      else if (signal.aborted && signal.reason !== TOO_SLOW) breaker.dropped();
      else breaker.failed(error instanceof Passing ? error.afterMs : 0);
      throw error;
    }
  }

  async #send(ask: Ask, headers: RequestHeaders, signal: AbortSignal): Promise<Answer> {
    const { fetch, timeoutMs, collection } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(ask.url, {
        method: ask.body === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/geo+json, application/json',
          'accept-encoding': 'gzip',
          ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(ask.etag === undefined ? {} : { 'if-none-match': ask.etag }),
          ...headers,
        },
        ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
        signal: AbortSignal.any([signal, timeout]),
      });
      const etag = response.headers.get('etag');
      const base = response.url || ask.url;
      if (response.ok) return { status: 200, etag, base, ...(await this.#body(response)) };
      await response.body?.cancel();
      if (response.status === 304 || response.status === 404) return { status: response.status, fields: null, etag, base, bytes: 0 };
      throw this.#refusal(response);
    } catch (error) {
      if (error instanceof Passing || isOpenEOError(error)) throw error;
      if (timeout.aborted || signal.aborted) throw new Passing('it did not answer in time', 0, error);
      // What the guard refuses stays refused.
      if (error instanceof Unreadable) throw new UpstreamError('UpstreamUnavailable', collection, error.message, { cause: error });
      if (error instanceof SyntaxError) throw new UpstreamError('UpstreamInvalid', collection, 'it is not JSON', { cause: error });
      throw new Passing('it can\'t be reached', 0, error);
    }
  }

  async #body(response: Response): Promise<{ fields: Fields; bytes: number }> {
    const { bytes: most = LARGEST, collection } = this.#options;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > most) throw new UpstreamError('UpstreamInvalid', collection, `it has more than ${Math.floor(most / 1024 / 1024)} MiB`);
      chunks.push(chunk);
    }
    const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new UpstreamError('UpstreamInvalid', collection, 'it is not a JSON object');
    return { fields: value as Fields, bytes };
  }

  #refusal({ status, headers }: Response): Error {
    const { collection } = this.#options;
    if (PASSING.has(status)) return new Passing(`it answers with status ${status}`, retryAfterMs(headers.get('retry-after')));
    if (status === 401 || status === 403) return new UpstreamError('UpstreamUnavailable', collection, `it does not let this service in (status ${status})`);
    return new Refused('UpstreamInvalid', collection, `it refuses the search (status ${status})`);
  }

  #unavailable(reason: string, afterMs: number, cause?: unknown): UpstreamError {
    return new UpstreamError('UpstreamUnavailable', this.#options.collection, reason, { cause, retryAfterSeconds: Math.max(5, Math.ceil(afterMs / 1000)) });
  }
}

/** Why a search is broken off whose time is over: that counts against the catalog. */
export const TOO_SLOW = new Error('The catalog did not answer in time.');

/** Seconds, or a date. */
function retryAfterMs(text: string | null): number {
  if (text === null) return 0;
  const ms = /^\d{1,9}$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 3600_000) : 0;
}
