/** Pages of a catalog's searches, one after the other. One that was read a moment ago is not asked for again, and one that is under way only once. */
import { AnswerMemory } from '../catalog/answer-memory.ts';
import { UpstreamError } from '../catalog/item-query.ts';
import type { StacItem } from '../catalog/types.ts';
import type { Capabilities } from './capabilities.ts';
import type { Ask, UpstreamClient } from './client.ts';
import type { Converter } from './convert.ts';
import { nextLink, nextMark, pageDigest, type Cursor, type PageLink } from './cursor.ts';
import { queryString, type Parameters } from './translate.ts';

export interface Page {
  /** null where an entry is no item that can be shown. */
  readonly items: readonly (StacItem | null)[];
  readonly next: PageLink;
  /** What the catalog says of how many match; null where it says nothing believable. */
  readonly numberMatched: number | null;
  /** Tells pages apart by what is on them. */
  readonly digest: string;
}

/** A page, where it stands, and where the next one does; null: it is the last. */
export interface Turn {
  readonly page: Page;
  readonly cursor: Cursor;
  readonly next: Cursor | null;
}

export interface PagesOptions {
  readonly client: UpstreamClient;
  readonly converter: Converter;
  /** Our id of the collection. */
  readonly collection: string;
  /** The catalog. */
  readonly url: string;
  /** How long a page is used again, milliseconds; default a minute. */
  readonly freshMs?: number;
}

const FRESH_MS = 60_000;
/** Of the answers as they come; objects of them take a few times that. */
const CACHED_BYTES = 16 * 1024 * 1024;
const CACHED_PAGES = 200;

export class UpstreamPages {
  readonly #options: PagesOptions;
  readonly #memory = new AnswerMemory<Page>(CACHED_PAGES, CACHED_BYTES);
  readonly #underWay = new Map<string, Promise<Page>>();

  constructor(options: PagesOptions) {
    this.#options = options;
  }

  /** The pages of a search from a place on. Throws UpstreamError, and Refused as the client does. */
  async *from(start: Cursor, can: Capabilities, parameters: Parameters, signal: AbortSignal): AsyncGenerator<Turn, void, undefined> {
    // Where pages have numbers, their size says where they begin: all of them are as large as the first was.
    const limit = start.link?.add['limit'] ?? parameters['limit'];
    for (let cursor: Cursor | null = start; cursor !== null;) {
      const page: Page = await this.#page(can, { ...parameters, limit }, cursor.link, signal);
      const next = nextCursor(cursor, page, limit);
      yield { page, cursor, next };
      cursor = next;
    }
  }

  async #page(can: Capabilities, parameters: Parameters, link: PageLink, signal: AbortSignal): Promise<Page> {
    const ask = askOf(can, this.#options.url, parameters, link);
    const key = JSON.stringify(ask);
    const known = this.#memory.look(key);
    if (known && Date.now() - known.since < (this.#options.freshMs ?? FRESH_MS)) return known.answer;
    const running = this.#underWay.get(key);
    // One who gave up must not take the page from the others: they ask themselves.
    if (running) return running.catch((error: unknown) => (signal.aborted ? Promise.reject(error) : this.#read(can, parameters, ask, signal)));
    const reading = this.#read(can, parameters, ask, signal);
    this.#underWay.set(key, reading);
    try {
      return await reading;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #read(can: Capabilities, parameters: Parameters, ask: Ask, signal: AbortSignal): Promise<Page> {
    const { client, converter, collection, url } = this.#options;
    const { fields, base, bytes } = await client.ask(ask, signal);
    if (fields === null) throw new UpstreamError('UpstreamInvalid', collection, 'there is nothing at the URL of its search');
    const features = fields['features'];
    if (fields['type'] !== 'FeatureCollection' || !Array.isArray(features)) throw new UpstreamError('UpstreamInvalid', collection, 'it is no list of items');
    const raw = features as readonly unknown[];
    const page: Page = {
      items: raw.map((feature) => converter.item(feature, base)),
      next: nextLink(fields, { catalog: url, searchUrl: can.searchUrl, parameters, method: can.method }, base),
      numberMatched: matchedOf(fields, raw.length),
      digest: pageDigest(raw.map((feature) => (feature as { id?: unknown } | null)?.id)),
    };
    this.#memory.keep(JSON.stringify(ask), page, bytes);
    return page;
  }
}

/** null at the end; also where the catalog says there is more and sends the same again, or nothing. */
function nextCursor(cursor: Cursor, { next, items, digest }: Page, limit: unknown): Cursor | null {
  if (next === null || items.length === 0) return null;
  const mark = nextMark(cursor, digest);
  return mark === null ? null : { link: { ...next, add: { limit, ...next.add } }, skip: 0, page: cursor.page + 1, mark };
}

function askOf(can: Capabilities, catalog: string, parameters: Parameters, link: PageLink): Ask {
  const all = { ...parameters, ...link?.add };
  const url = link?.path === undefined ? can.searchUrl : `${catalog}${link.path}`;
  return can.method === 'POST' && link?.path === undefined ? { url, body: all } : { url: `${url}?${queryString(all).toString()}` };
}

/** The number, or that of the former context extension; catalogs have been seen to say less than they send. */
function matchedOf(fields: Readonly<Record<string, unknown>>, returned: number): number | null {
  const said = fields['numberMatched'] ?? fields['numMatched'] ?? (fields['context'] as { matched?: unknown } | undefined)?.matched;
  return Number.isSafeInteger(said) && (said as number) >= returned ? (said as number) : null;
}
