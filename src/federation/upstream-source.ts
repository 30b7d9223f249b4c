/** The items of a collection that lies in another catalog, searched there as far as that can, and here for the rest. */
import { searchTest } from '../catalog/item-match.ts';
import type { ItemField, ItemPage, ItemQuery, ItemSource } from '../catalog/item-query.ts';
import { itemInstant } from '../catalog/load-plan.ts';
import type { LoadQuery } from '../catalog/store.ts';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import { allOf, MANY, pageOf, type Manner, type Searched, type SearchLimits } from './catalog-order.ts';
import { TOO_SLOW, type UpstreamClient } from './client.ts';
import { Converter } from './convert.ts';
import { upstreamOf } from './definition.ts';
import { readFields } from './fields.ts';
import { KnownCapabilities } from './known-capabilities.ts';
import { UpstreamPages } from './pages.ts';
import { sortedPage } from './search-order.ts';
import { SingleItems } from './single-items.ts';
import { readStatic, type StaticOptions } from './static-catalog.ts';

export interface SourceOptions {
  readonly collection: StacCollection;
  readonly client: UpstreamClient;
  /** Reads static catalogs. */
  readonly files: StaticOptions;
  /** How long answers are used again, milliseconds; default a minute. */
  readonly freshMs?: number;
  readonly limits?: Partial<SourceLimits>;
}

export interface SourceLimits extends SearchLimits {
  /** Milliseconds for one search, all requests together. */
  readonly timeMs: number;
}

const defaults: SourceLimits = { pages: 25, items: 2000, timeMs: 30_000 };

export class UpstreamSource implements ItemSource {
  readonly #options: SourceOptions;
  /** The catalog, and the collection in it. */
  readonly #url: string;
  readonly #place: string;
  readonly #timeMs: number;
  readonly #converter: Converter;
  readonly #capabilities: KnownCapabilities;
  readonly #searched: Searched;
  readonly #single: SingleItems;

  constructor(options: SourceOptions) {
    const { collection, client, freshMs } = options;
    const upstream = upstreamOf(collection)!;
    const { timeMs, ...limits } = { ...defaults, ...options.limits };
    const [own, theirs, url] = [collection.id, upstream.collection, upstream.url.replace(/\/+$/, '')];
    const converter = new Converter(collection);
    const fresh = freshMs === undefined ? {} : { freshMs };
    this.#options = options;
    this.#url = url;
    this.#place = `${url}/collections/${encodeURIComponent(theirs)}`;
    this.#timeMs = timeMs;
    this.#converter = converter;
    this.#capabilities = new KnownCapabilities({ client, url, collection: { own, theirs } });
    this.#searched = { own, theirs, limits, pages: new UpstreamPages({ client, converter, collection: own, url, ...fresh }) };
    this.#single = new SingleItems({ client, converter, url: `${this.#place}/items`, ...fresh });
  }

  /** Throws UpstreamError, and ItemTokenError for a token of another search. */
  async search(query: ItemQuery): Promise<ItemPage> {
    const isSorted = (query.sortby?.length ?? 0) > 0;
    return this.#asking((manner) => {
      if (!isSorted && manner.can.kind === 'api') return pageOf(this.#searched, query, manner);
      return sortedPage(this.#searched, query, manner, () => this.#all(query, manner));
    });
  }

  /** The item under our collection; where the catalog fails, a copy of it that is known. */
  async get(_collection: string, id: string): Promise<StacItem | null> {
    return this.#within(async (signal) => {
      const can = await this.#capabilities.said(signal).catch((error: unknown) => this.#single.copy(id, error));
      if ('type' in can) return can;
      if (can.kind === 'static') return (await this.#all({ limit: 1, ids: [id] }, { can, signal }))[0] ?? null;
      return this.#single.get(id, signal);
    });
  }

  /** All items that may have pixels in a box and time, as they are read. Throws UpstreamError. */
  async items({ bbox, interval }: LoadQuery): Promise<StacItem[]> {
    const [start, end] = interval ?? [null, null];
    const query: ItemQuery = { limit: MANY, ...(bbox ? { bbox } : {}), ...(interval ? { datetime: interval } : {}) };
    const found = await this.#asking((manner) => this.#all(query, manner));
    const times = new Map(found.map((item) => [item, Date.parse(itemInstant(item))]));
    // The standard's intervals are closed, those of load_collection end before their end.
    const wanted = found.filter((item) => !(start !== null && times.get(item)! < Date.parse(start)) && !(end !== null && times.get(item)! >= Date.parse(end)));
    return wanted.toSorted((a, b) => times.get(a)! - times.get(b)! || (a.id < b.id ? -1 : 1)).map((item) => this.#converter.readable(item));
  }

  /** What the catalog says of the properties of its items; [] where it says nothing. */
  async fields(): Promise<readonly ItemField[]> {
    return this.#within(async (signal) => {
      const can = await this.#capabilities.said(signal);
      return can.kind === 'api' ? readFields(this.#options.client, `${this.#place}/queryables`, signal) : [];
    });
  }

  #asking<T>(work: (manner: Manner) => Promise<T>): Promise<T> {
    return this.#within((signal) => this.#capabilities.asking(signal, (can) => work({ can, signal })));
  }

  async #within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(TOO_SLOW), this.#timeMs);
    try {
      return await work(controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** All that matches, in no order. */
  async #all(query: ItemQuery, manner: Manner): Promise<StacItem[]> {
    if (manner.can.kind === 'api') return allOf(this.#searched, query, manner);
    const found = await readStatic(this.#url, this.#searched.own, this.#options.files, manner.signal);
    const { token: _, sortby: __, ...conditions } = query;
    return found.map(({ fields, base }) => this.#converter.item(fields, base)).filter((item) => item !== null).filter(searchTest(conditions));
  }
}
