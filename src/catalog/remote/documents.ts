/** Reads STAC documents from URLs of users, within bounds: how many, how large, how long. */
import type { Fetch } from '../../formats/http-source.ts';
import { invalidArgument, isOpenEOError, type OpenEOError } from '../../errors.ts';
import type { StacLink } from '../types.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A document and the URL that its relative references are relative to. */
export interface StacDocument {
  readonly fields: Fields;
  readonly base: string;
}

export interface RemoteLimits {
  /** Documents that one search may read. */
  readonly documents: number;
  /** Bytes of all of them together. */
  readonly bytes: number;
  /** Bytes of one. */
  readonly documentBytes: number;
  /** Items that may match. */
  readonly items: number;
  /** Levels of child catalogs. */
  readonly depth: number;
  /** Milliseconds for one search, all requests together. */
  readonly timeMs: number;
  /** Milliseconds for one request. */
  readonly requestMs: number;
}

export const remoteLimits: RemoteLimits = {
  documents: 2000, bytes: 128 * 1024 * 1024, documentBytes: 32 * 1024 * 1024, items: 2000, depth: 8, timeMs: 60_000, requestMs: 20_000,
};

/** The error for a URL that can't be loaded; the reason is the end of the sentence. */
export function badUrl(reason: string, cause?: unknown): OpenEOError {
  return invalidArgument('load_stac', 'url', reason, cause === undefined ? {} : { cause });
}

/** The documents of one search. Throws ProcessParameterInvalid (load_stac, url) for what can't be read, and beyond a limit. */
export class DocumentReader {
  readonly #fetch: Fetch;
  readonly #limits: RemoteLimits;
  readonly #signal: AbortSignal;
  readonly #deadline: AbortSignal;
  #documents = 0;
  #bytes = 0;

  constructor(fetch: Fetch, limits: RemoteLimits, signal: AbortSignal) {
    this.#fetch = fetch;
    this.#limits = limits;
    this.#signal = signal;
    this.#deadline = AbortSignal.timeout(limits.timeMs);
  }

  async read(url: string): Promise<StacDocument> {
    if (++this.#documents > this.#limits.documents) throw badUrl(`it leads to more than ${this.#limits.documents} documents; name a smaller catalog, or one item`);
    const { text, base } = await this.#text(url);
    try {
      const fields = JSON.parse(text) as unknown;
      if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) return { fields: fields as Fields, base };
    } catch (error) {
      throw badUrl(`what is at ${shown(url)} is not JSON`, error);
    }
    throw badUrl(`what is at ${shown(url)} is not a STAC document`);
  }

  async #text(url: string): Promise<{ text: string; base: string }> {
    try {
      const signal = AbortSignal.any([this.#signal, this.#deadline, AbortSignal.timeout(this.#limits.requestMs)]);
      const response = await this.#fetch(url, { headers: { accept: 'application/geo+json, application/json' }, signal });
      if (!response.ok) {
        await response.body?.cancel();
        throw badUrl(`the server of ${shown(url)} answered with status ${response.status}`);
      }
      return { text: await this.#body(url, response), base: response.url || url };
    } catch (error) {
      this.#signal.throwIfAborted();
      if (isOpenEOError(error)) throw error;
      if (this.#deadline.aborted) throw badUrl(`reading its documents takes longer than ${this.#limits.timeMs / 1000} s; name a smaller catalog, or one item`);
      throw badUrl(`${shown(url)} can't be reached`, error);
    }
  }

  async #body(url: string, response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      this.#bytes += chunk.byteLength;
      if (length > this.#limits.documentBytes || this.#bytes > this.#limits.bytes) throw badUrl(`what is at ${shown(url)} is too large`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  }
}

/** A URL as messages may show it: without what may be a secret. */
export function shown(url: string): string {
  if (!URL.canParse(url)) return `'${url.slice(0, 100)}'`;
  const { protocol, host, pathname } = new URL(url);
  return `'${protocol}//${host}${pathname}'`;
}

/** The links of a document with a relation. */
export function linksOf({ fields }: StacDocument, rel: string): StacLink[] {
  const links = fields['links'];
  return Array.isArray(links) ? (links as StacLink[]).filter((link) => typeof link === 'object' && link !== null && link.rel === rel && typeof link.href === 'string') : [];
}

/** Where a link leads; undefined for one that leads nowhere on the web. */
export function targetOf(link: StacLink, { base }: StacDocument): string | undefined {
  return URL.canParse(link.href, base) && /^https?:$/.test(new URL(link.href, base).protocol) ? new URL(link.href, base).href : undefined;
}
