/** The items of a collection that lies in another catalog, searched there as far as that can, and here for the rest. */
import type { ItemField, ItemPage, ItemQuery, ItemSource } from '../catalog/item-query.ts';
import { UpstreamError } from '../catalog/item-query.ts';
import { AnswerMemory } from '../catalog/answer-memory.ts';
import { compareKeys, decodeToken, encodeToken, orderOf, type ItemOrder } from '../catalog/item-order.ts';
import { itemInstant } from '../catalog/load-plan.ts';
import type { LoadQuery } from '../catalog/store.ts';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import { readCapabilities, type Capabilities } from './capabilities.ts';
import { Refused, TOO_SLOW, type UpstreamClient } from './client.ts';
import { Converter } from './convert.ts';
import { decodeCursor, encodeCursor, firstPage, nextMark, type Cursor } from './cursor.ts';
import { upstreamOf, type Upstream } from './definition.ts';
import { readFields } from './fields.ts';
import { columnsOf, keyOf, searchTest } from '../catalog/item-match.ts';
import { UpstreamPages, type Page } from './pages.ts';
import { readStatic, type StaticOptions } from './static-catalog.ts';
import { canSort, translate } from './translate.ts';

export interface SourceOptions {
  readonly collection: StacCollection;
  readonly client: UpstreamClient;
  /** Reads static catalogs. */
  readonly files: StaticOptions;
  /** How long answers are used again, milliseconds; default a minute. */
  readonly freshMs?: number;
  readonly limits?: Partial<SourceLimits>;
}

export interface SourceLimits {
  /** Pages of the catalog that one of ours may be made of. */
  readonly pages: number;
  /** Items that are sorted here, or loaded at once. */
  readonly items: number;
  /** Milliseconds for one search, all requests together. */
  readonly timeMs: number;
}

const defaults: SourceLimits = { pages: 25, items: 2000, timeMs: 30_000 };

/** What a catalog can do is asked again after so long. */
const CAPABILITIES_MS = 3600_000;
/** Items per page that catalogs are asked for where many are looked at. */
const MANY = 200;
/** Fewer are not asked for: a page is used for several of ours. */
const FEW = 10;
/** Single items that are remembered, and bytes of their documents. */
const [CACHED_ITEMS, CACHED_BYTES] = [1000, 16 * 1024 * 1024];

interface Known {
  readonly item: StacItem;
  readonly etag: string | null;
}

interface Placed {
  readonly item: StacItem;
  readonly key: readonly (string | null)[];
}

export class UpstreamSource implements ItemSource {
  readonly #id: string;
  readonly #upstream: Upstream;
  readonly #converter: Converter;
  readonly #options: SourceOptions;
  readonly #limits: SourceLimits;
  readonly #pages: UpstreamPages;
  readonly #items = new AnswerMemory<Known>(CACHED_ITEMS, CACHED_BYTES);
  #can: { readonly value: Promise<Capabilities>; readonly since: number } | null = null;
  /** Until when only the core of the standard is asked for, because the catalog refused more than that. */
  #plainUntil = 0;

  constructor(options: SourceOptions) {
    this.#options = options;
    this.#id = options.collection.id;
    this.#upstream = upstreamOf(options.collection)!;
    this.#converter = new Converter(options.collection);
    this.#limits = { ...defaults, ...options.limits };
    this.#pages = new UpstreamPages({ client: options.client, converter: this.#converter, collection: this.#id, url: this.#url, ...(options.freshMs === undefined ? {} : { freshMs: options.freshMs }) });
  }

  get #url(): string {
    return this.#upstream.url.replace(/\/+$/, '');
  }

  /** Throws UpstreamError, and ItemTokenError for a token of another search. */
  async search(query: ItemQuery): Promise<ItemPage> {
    return this.#within(async (signal) => {
      const can = await this.#capabilities(signal);
      const isSorted = (query.sortby?.length ?? 0) > 0;
      return this.#asking(can, (able) => (isSorted || able.kind === 'static' ? this.#sorted(query, able, signal) : this.#paged(query, able, signal)));
    });
  }

  /** The item under our collection; a copy that is older than a minute is asked for again, and used where the catalog fails. */
  async get(_collection: string, id: string): Promise<StacItem | null> {
    return this.#within(async (signal) => {
      const can = await this.#capabilities(signal).catch((error: unknown) => this.#old(id, error));
      if ('item' in can) return can.item;
      if (can.kind === 'static') return (await this.#all({ limit: 1, ids: [id] }, can, signal))[0] ?? null;
      const known = this.#items.look(id);
      if (known && Date.now() - known.since < (this.#options.freshMs ?? 60_000)) return known.answer.item;
      return this.#fetch(id, known, signal);
    });
  }

  /** All items that may have pixels in a box and time, as they are read. Throws UpstreamError. */
  async items({ bbox, interval }: LoadQuery): Promise<StacItem[]> {
    const [start, end] = interval ?? [null, null];
    const query: ItemQuery = { limit: MANY, ...(bbox ? { bbox } : {}), ...(interval ? { datetime: interval } : {}) };
    const found = await this.#within(async (signal) => {
      const can = await this.#capabilities(signal);
      return this.#asking(can, (able) => this.#all(query, able, signal));
    });
    const times = new Map(found.map((item) => [item, Date.parse(itemInstant(item))]));
    // The standard's intervals are closed, those of load_collection end before their end.
    const wanted = found.filter((item) => !(start !== null && times.get(item)! < Date.parse(start)) && !(end !== null && times.get(item)! >= Date.parse(end)));
    return wanted.toSorted((a, b) => times.get(a)! - times.get(b)! || (a.id < b.id ? -1 : 1)).map((item) => this.#converter.readable(item));
  }

  /** What the catalog says of the properties of its items; [] where it says nothing. */
  async fields(): Promise<readonly ItemField[]> {
    return this.#within(async (signal) => {
      const can = await this.#capabilities(signal);
      return can.kind === 'api' ? readFields(this.#options.client, `${this.#url}/collections/${encodeURIComponent(this.#upstream.collection)}/queryables`, signal) : [];
    });
  }

  async #within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(TOO_SLOW), this.#limits.timeMs);
    try {
      return await work(controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #capabilities(signal: AbortSignal): Promise<Capabilities> {
    if (this.#can && Date.now() - this.#can.since < CAPABILITIES_MS) return this.#can.value;
    const read = async () => {
      const { client } = this.#options;
      const landing = await client.ask({ url: this.#url }, signal);
      return readCapabilities(this.#url, { own: this.#id, theirs: this.#upstream.collection }, landing, async () => (await client.ask({ url: `${this.#url}/conformance` }, signal)).fields);
    };
    const known = { value: read(), since: Date.now() };
    this.#can = known;
    return known.value.catch((error: unknown) => {
      if (this.#can === known) this.#can = null;
      throw error;
    });
  }

  /** Asks in all the words that the catalog says it knows, and in plain ones when it refuses those. */
  async #asking<T>(can: Capabilities, work: (can: Capabilities) => Promise<T>): Promise<T> {
    const plain: Capabilities = { ...can, query: false, sort: false, filter: null };
    if (Date.now() < this.#plainUntil) return work(plain);
    try {
      return await work(can);
    } catch (error) {
      if (!(error instanceof Refused) || (!can.query && !can.sort && can.filter === null)) throw error;
      const result = await work(plain);
      // Only now it is known that the words were the reason.
      this.#plainUntil = Date.now() + CAPABILITIES_MS / 6;
      return result;
    }
  }

  /** In the order of the catalog: as newest first where it can sort. */
  async #paged(query: ItemQuery, can: Capabilities, signal: AbortSignal): Promise<ItemPage> {
    const newest = { property: 'datetime', direction: 'desc' } as const;
    const wish = can.sort ? { ...query, sortby: [newest] } : query;
    let cursor = query.token === undefined ? firstPage : decodeCursor(this.#id, query.token);
    const { parameters, isWhole } = translate(wish, this.#upstream.collection, can);
    const limit = isWhole ? Math.max(FEW, query.limit) : MANY;
    const test = searchTest(query);
    const items: StacItem[] = [];
    let isExact = isWhole;
    let said: number | null = null;
    for (let turned = 0; ; turned++) {
      const page: Page = await this.#pages.page(can, { ...parameters, limit }, cursor.link, signal);
      said = page.numberMatched;
      for (const [i, item] of page.items.entries()) {
        if (i < cursor.skip) continue;
        if (item === null || !test(item)) isExact = false;
        else if (items.length === query.limit) return { items, numberMatched: isExact ? said : null, next: encodeCursor(this.#id, { ...cursor, skip: i }) };
        else items.push(item);
      }
      const next = this.#turn(cursor, page);
      if (next === null) return { items, numberMatched: query.token === undefined ? items.length : isExact ? said : null, next: null };
      if (items.length === query.limit || (items.length > 0 && turned + 1 >= this.#limits.pages)) return { items, numberMatched: isExact ? said : null, next: encodeCursor(this.#id, next) };
      if (turned + 1 >= this.#limits.pages) throw this.#tooLarge(`none of the first ${turned + 1} pages that it sends has an item that meets all conditions`);
      cursor = next;
    }
  }

  /** null at the end; also where the catalog says there is more and sends the same again, or nothing. */
  #turn(cursor: Cursor, { next, items, digest }: Page): Cursor | null {
    if (next === null || items.length === 0) return null;
    const mark = nextMark(cursor, digest);
    return mark === null ? null : { link: next, skip: 0, page: cursor.page + 1, mark };
  }

  /** In an order of the search; tokens tell how far it has come, as those of the database do. */
  async #sorted(query: ItemQuery, can: Capabilities, signal: AbortSignal): Promise<ItemPage> {
    const order = orderOf(query, () => '');
    const after = query.token === undefined ? null : decodeToken(order, query.token);
    const found = (await this.#scan(query, order, after, can, signal)) ?? (await this.#everything(query, can, signal));
    const placed = found.items.filter(({ key }) => after === null || compareKeys(order, key, after) > 0).toSorted((a, b) => compareKeys(order, a.key, b.key));
    const page = placed.slice(0, query.limit);
    const isMore = placed.length > page.length || found.isMore;
    return {
      items: page.map(({ item }) => item),
      keys: page.map(({ key }) => key),
      numberMatched: after === null && !isMore ? page.length : found.numberMatched,
      next: isMore && page.length > 0 ? encodeToken(order, page.at(-1)!.key) : null,
    };
  }

  /** As much of the catalog's own order as the page needs. null where it has no such order, or does not keep it. */
  async #scan(query: ItemQuery, order: ItemOrder, after: readonly (string | null)[] | null, can: Capabilities, signal: AbortSignal): Promise<{ items: Placed[]; isMore: boolean; numberMatched: number | null } | null> {
    const [first] = query.sortby ?? [];
    if (!first || can.kind === 'static' || !canSort(query.sortby!, can) || first.property === 'collection') return null;
    const { parameters, isWhole } = translate(narrowed(query, after), this.#upstream.collection, can);
    const limit = Math.max(FEW, Math.min(MANY, query.limit + 1));
    const test = searchTest(query);
    const columns = columnsOf(first.property);
    const group = (key: readonly (string | null)[]) => JSON.stringify(key.slice(0, columns));
    const items: Placed[] = [];
    let last: Placed | null = null;
    let cursor = firstPage;
    let isExact = isWhole && after === null;
    for (let turned = 0; turned < this.#limits.pages; turned++) {
      const page: Page = await this.#pages.page(can, { ...parameters, limit }, cursor.link, signal);
      for (const item of page.items) {
        if (item === null) continue;
        const placed = { item, key: keyOf(item, query.sortby) };
        // A catalog that puts absent values first, or sorts in another way, can't be read from its beginning.
        if (last && group(last.key) !== group(placed.key) && compareKeys(order, last.key, placed.key) > 0) return null;
        last = placed;
        if (!test(item)) isExact = false;
        else if (after === null || compareKeys(order, placed.key, after) > 0) items.push(placed);
      }
      const next = this.#turn(cursor, page);
      const isPast = items.length > query.limit && last !== null && group(last.key) !== group(items[query.limit]!.key);
      if (next === null || isPast) return { items, isMore: next !== null, numberMatched: isExact ? page.numberMatched : null };
      cursor = next;
    }
    throw this.#tooLarge(`more than ${this.#limits.pages} of its pages are needed for one in this order`);
  }

  async #everything(query: ItemQuery, can: Capabilities, signal: AbortSignal): Promise<{ items: Placed[]; isMore: false; numberMatched: number }> {
    const items = await this.#all(query, can, signal);
    return { items: items.map((item) => ({ item, key: keyOf(item, query.sortby) })), isMore: false, numberMatched: items.length };
  }

  /** All that matches, in no order. */
  async #all(query: ItemQuery, can: Capabilities, signal: AbortSignal): Promise<StacItem[]> {
    const { token: _, sortby: __, ...conditions } = query;
    const test = searchTest(conditions);
    if (can.kind === 'static') return (await this.#static(signal)).filter(test);
    const { parameters } = translate(conditions, this.#upstream.collection, can);
    const found = new Map<string, StacItem>();
    for (let cursor: Cursor | null = firstPage; cursor !== null;) {
      const page: Page = await this.#pages.page(can, { ...parameters, limit: MANY }, cursor.link, signal);
      for (const item of page.items) if (item !== null && test(item)) found.set(item.id, item);
      if (found.size > this.#limits.items) throw this.#tooLarge(`more than ${this.#limits.items} items match; a smaller extent, fewer dates or more conditions stay under the limit`);
      cursor = this.#turn(cursor, page);
      if (cursor !== null && cursor.page > 4 * this.#limits.pages) throw this.#tooLarge(`it sends more than ${cursor.page} pages of items, most of which meet no condition; a smaller extent or fewer dates stay under the limit`);
    }
    return [...found.values()];
  }

  async #static(signal: AbortSignal): Promise<StacItem[]> {
    const found = await readStatic(this.#url, this.#id, this.#options.files, signal);
    return found.map(({ fields, base }) => this.#converter.item(fields, base)).filter((item) => item !== null);
  }

  async #fetch(id: string, kept: { readonly answer: Known; readonly weight: number } | undefined, signal: AbortSignal): Promise<StacItem | null> {
    const known = kept?.answer;
    const url = `${this.#url}/collections/${encodeURIComponent(this.#upstream.collection)}/items/${encodeURIComponent(id)}`;
    try {
      const { status, fields, etag, base, bytes } = await this.#options.client.ask({ url, ...(known?.etag ? { etag: known.etag } : {}) }, signal);
      const item = status === 304 && known ? known.item : this.#converter.item(fields, base);
      if (item === null || item.id !== id) {
        this.#items.forget(id);
        return null;
      }
      // An item that did not change comes without its document.
      this.#items.keep(id, { item, etag: etag ?? known?.etag ?? null }, bytes || (kept?.weight ?? 0));
      return item;
    } catch (error) {
      if (error instanceof Refused) return null;
      return this.#old(id, error).item;
    }
  }

  /** What was known of an item before the catalog failed. Throws the failure where nothing was. */
  #old(id: string, error: unknown): Known {
    const known = this.#items.find(id);
    if (!known || !(error instanceof UpstreamError)) throw error;
    return known;
  }

  #tooLarge(reason: string): UpstreamError {
    return new UpstreamError('UpstreamSearchTooLarge', this.#id, reason);
  }
}

/** By time, pages need not be read from the beginning: what comes after a key is on one side of its instant. */
function narrowed(query: ItemQuery, after: readonly (string | null)[] | null): ItemQuery {
  const [first] = query.sortby!;
  const instant = after?.[0];
  if (first!.property !== 'datetime' || typeof instant !== 'string') return query;
  const [start, end] = query.datetime ?? [null, null];
  // Items that cover a time are sorted by its beginning, which lies in it: they are found on either side.
  return first!.direction === 'desc' ? { ...query, datetime: [start, earlier(end, `${instant}Z`)] } : { ...query, datetime: [later(start, `${instant}Z`), end] };
}

const earlier = (a: string | null, b: string) => (a === null || Date.parse(b) < Date.parse(a) ? b : a);
const later = (a: string | null, b: string) => (a === null || Date.parse(b) > Date.parse(a) ? b : a);
