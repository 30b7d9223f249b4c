/** Tokens with which files of a provider are read for a while, such as those of Microsoft's Planetary Computer. */
import { Unreadable } from '../catalog/remote/download.ts';
import { UpstreamError } from '../catalog/item-query.ts';
import type { Fetch, FetchOptions } from '../formats/http-source.ts';
import type { SasAccess } from './definition.ts';
import { headersOf, type Secrets } from './secrets.ts';

export interface SasOptions {
  readonly fetch: Fetch;
  readonly secrets: Secrets;
  readonly now?: () => number;
}

interface Token {
  readonly query: string;
  readonly until: number;
}

/** A token is not used in its last seconds: reading takes time, and clocks differ. */
const MARGIN_MS = 30_000;
const TIMEOUT_MS = 10_000;
/** A token whose end is not told is asked for again after this. */
const UNTOLD_MS = 5 * 60_000;

/** One request for all who wait for a token, and none while it is good. */
export class SasTokens {
  readonly #options: SasOptions;
  /** By the service that gives them. */
  readonly #tokens = new Map<string, Promise<Token>>();

  constructor(options: SasOptions) {
    this.#options = options;
  }

  /** Reads with the token; one may end before it said, so a refused read is tried once more with a new one. Throws UpstreamError where there is no token. */
  async fetch(url: string, init: FetchOptions, access: SasAccess, collection: string): Promise<Response> {
    const token = await this.#token(access, collection);
    const response = await this.#options.fetch(withQuery(url, token.query), init);
    if (response.status !== 403 && response.status !== 401) return response;
    await response.body?.cancel();
    const next = await this.#token(access, collection, token);
    return this.#options.fetch(withQuery(url, next.query), init);
  }

  /** @param refused one that is no longer good */
  async #token(access: SasAccess, collection: string, refused: Token | null = null): Promise<Token> {
    const { now = Date.now } = this.#options;
    for (;;) {
      const known = this.#tokens.get(access.token_url);
      if (known === undefined) break;
      const token = await known;
      if (token !== refused && token.until - MARGIN_MS > now()) return token;
      // Another one may have asked meanwhile: then that answer counts.
      if (this.#tokens.get(access.token_url) === known) this.#tokens.delete(access.token_url);
    }
    const asked = this.#ask(access, collection);
    this.#tokens.set(access.token_url, asked);
    try {
      return await asked;
    } catch (error) {
      if (this.#tokens.get(access.token_url) === asked) this.#tokens.delete(access.token_url);
      throw error;
    }
  }

  async #ask({ token_url: url, headers }: SasAccess, collection: string): Promise<Token> {
    const { fetch, secrets, now = Date.now } = this.#options;
    const failed = (reason: string, cause?: unknown) => new UpstreamError('UpstreamUnavailable', collection, `it gives no token to read its files: ${reason}`, { cause });
    try {
      const response = await fetch(url, { headers: { accept: 'application/json', ...headersOf(headers, secrets, collection) }, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const text = await response.text();
      if (!response.ok) throw failed(`status ${response.status}`);
      const { token, 'msft:expiry': expiry } = JSON.parse(text) as { token?: unknown; 'msft:expiry'?: unknown };
      if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw failed('its answer has none');
      const until = typeof expiry === 'string' ? Date.parse(expiry) : Number.NaN;
      // One that has ended already is tried: the clock may be ours that is wrong.
      return { query: token.replace(/^\?/, ''), until: Number.isNaN(until) ? now() + UNTOLD_MS : Math.max(until, now() + 2 * MARGIN_MS) };
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      throw failed(error instanceof Unreadable ? error.message : error instanceof SyntaxError ? 'its answer is not JSON' : 'it does not answer', error);
    }
  }
}

function withQuery(url: string, query: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}${query}`;
}
