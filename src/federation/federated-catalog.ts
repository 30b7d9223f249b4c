/**
 * The catalog with collections whose items lie in other catalogs. Those collections are stored like all others,
 * with `lamina:upstream`; whoever asks for items need not know where they are.
 */
import { fixAnchors } from '../catalog/ingest/register.ts';
import type { ItemField, ItemGroup, ItemGroupQuery, ItemPage, ItemQuery, ItemSource, ItemView, WholeQuery } from '../catalog/item-query.ts';
import { UpstreamError } from '../catalog/item-query.ts';
import { combineItemSources } from '../catalog/item-source.ts';
import { CatalogStore, type LoadQuery } from '../catalog/store.ts';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import type { Database } from '../database/connection.ts';
import type { Fetch } from '../formats/http-source.ts';
import type { Log } from '../log.ts';
import { assetFetch, type AssetAccess } from './asset-fetch.ts';
import { Breaker } from './breaker.ts';
import { UpstreamClient } from './client.ts';
import { checkUpstream, upstreamOf } from './definition.ts';
import { groupsOf } from './groups.ts';
import { headersOf, type Secrets } from './secrets.ts';
import { UpstreamSource, type SourceLimits } from './upstream-source.ts';
import { viewedSource } from './viewed-source.ts';

export interface FederationOptions {
  /** Reaches only what may be reached (guardedFetch). */
  readonly fetch: Fetch;
  readonly secrets: Secrets;
  readonly log: Log;
  /** How long definitions and answers of catalogs are used again, milliseconds; defaults 5 s and a minute. */
  readonly definitionsMs?: number;
  readonly freshMs?: number;
  readonly limits?: Partial<SourceLimits>;
  /** Time for one request where a definition names none, milliseconds; default 10 s. */
  readonly timeoutMs?: number;
}

/** What a search of many collections waits for one of them. */
const PATIENCE_MS = 8000;

/** More hours than anybody keeps a picture. */
const HOURS = 1_000_000;

interface Opened {
  /** The definition as text: a changed one is opened anew. */
  readonly definition: string;
  readonly source: UpstreamSource;
  /** The same with less patience, for searches of many collections. */
  readonly hasty: UpstreamSource;
}

export class FederatedCatalog extends CatalogStore {
  readonly #options: FederationOptions;
  readonly #opened = new Map<string, Opened>();
  /** One per catalog and not per collection: it is the catalog that fails. */
  readonly #breakers = new Map<string, Breaker>();
  #definitions: { readonly value: Promise<ReadonlyMap<string, StacCollection>>; readonly since: number } | null = null;

  constructor(database: Database, options: FederationOptions) {
    super(database);
    this.#options = options;
  }

  /** Collections whose items lie elsewhere, by id. */
  async federated(): Promise<ReadonlyMap<string, StacCollection>> {
    const known = this.#definitions;
    if (known && Date.now() - known.since < (this.#options.definitionsMs ?? 5000)) return known.value;
    const read = async () => new Map((await super.collections()).filter((each) => upstreamOf(each) !== undefined).map((each) => [each.id, each]));
    const reading = { value: read(), since: Date.now() };
    this.#definitions = reading;
    reading.value.catch(() => {
      if (this.#definitions === reading) this.#definitions = null;
    });
    return reading.value;
  }

  /** How files of the collections are reached that need more than their href. */
  async accesses(): Promise<AssetAccess[]> {
    return [...(await this.federated()).values()].flatMap((each) => (upstreamOf(each)!.access ?? []).map((access) => ({ collection: each.id, access })));
  }

  /** Opens URLs of assets, those of other catalogs with what they ask for; never an address inside. */
  get assetFetch(): Fetch {
    const { fetch, secrets } = this.#options;
    return assetFetch({ fetch, secrets, accesses: () => this.accesses() });
  }

  /** Nobody tells when items of others change: what was made of them an hour ago is made anew. */
  override async revision(id: string): Promise<number> {
    const stored = await super.revision(id);
    const isAway = (await this.federated()).has(id);
    return isAway ? stored * HOURS + (Math.floor(Date.now() / 3_600_000) % HOURS) : stored;
  }

  override async putCollection(collection: StacCollection): Promise<boolean> {
    this.#definitions = null;
    return super.putCollection(collection);
  }

  override async deleteCollection(id: string): Promise<boolean> {
    this.#definitions = null;
    return super.deleteCollection(id);
  }

  override async search(query: ItemQuery): Promise<ItemPage> {
    const all = await this.federated();
    const named = query.view ? [query.view.source] : query.collections;
    const wanted = named && named.length > 0 ? named.filter((id) => all.has(id)) : [...all.keys()];
    if (wanted.length === 0) return super.search(query);
    if (query.view) return this.#viewed(all.get(query.view.source)!, query.view).search(query);
    const isAlone = wanted.length === 1 && named?.length === 1;
    const sources = wanted.toSorted().map((id) => this.#source(all.get(id)!, isAlone));
    if (isAlone) return sources[0]!.search(query);
    // Asked at once, and waited for one after the other: their first pages are then there already.
    if (query.token === undefined) for (const source of sources) source.search(query).catch(() => undefined);
    const own = named?.length === wanted.length ? [] : [{ ...this.#own, search: (each: ItemQuery) => super.search(each) }];
    return this.#reported(await combineItemSources([...own, ...sources]).search(query));
  }

  /** The part of a source that combining needs. */
  readonly #own: Pick<ItemSource, 'get'> = { get: (collection, id) => super.get(collection, id) };

  /** Of the items of others nothing is known beforehand. */
  override async collectionsWithout(collections: readonly string[], query: Omit<ItemQuery, 'limit'>): Promise<ReadonlySet<string>> {
    const away = await this.federated();
    return super.collectionsWithout(collections.filter((id) => !away.has(id)), query);
  }

  override async get(collection: string, id: string): Promise<StacItem | null> {
    const definition = (await this.federated()).get(collection);
    return definition ? this.#source(definition).get(collection, id) : super.get(collection, id);
  }

  /** Also fixes where the lattice of the collection begins, as ingestion does for stored items. */
  override async items(query: LoadQuery): Promise<StacItem[]> {
    const definition = (await this.federated()).get(query.collection);
    if (!definition) return super.items(query);
    const items = await this.#source(definition).items(query);
    const seen = new Set<unknown>();
    for (const item of items) {
      const codes = [item.properties['proj:code'], ...Object.values(item.assets).map((asset) => asset['proj:code'])].join();
      if (!seen.has(codes)) await fixAnchors(item, this);
      seen.add(codes);
    }
    return items;
  }

  override async groups(query: ItemGroupQuery): Promise<ItemGroup[]> {
    const all = await this.federated();
    const named = query.view ? [query.view.source] : (query.collections ?? []);
    const wanted = named.filter((id) => all.has(id));
    // Without names only what is stored is counted: counting all of another catalog would take for ever.
    if (wanted.length === 0) return super.groups(query);
    const sources = wanted.map((id) => (query.view ? this.#viewed(all.get(id)!, query.view) : this.#source(all.get(id)!)));
    const own = named.length === wanted.length ? [] : await super.groups({ ...query, collections: named.filter((id) => !all.has(id)) });
    return [...own, ...(await Promise.all(sources.map((source, i) => groupsOf(source, query, wanted[i]!)))).flat()];
  }

  override async fields(query: WholeQuery): Promise<ItemField[]> {
    const all = await this.federated();
    const named = query.view ? [query.view.source] : query.collections;
    const wanted = named && named.length > 0 ? named.filter((id) => all.has(id)) : [...all.keys()];
    if (wanted.length === 0) return super.fields(query);
    const { log } = this.#options;
    const sources = wanted.map((id): ItemSource => {
      const source = this.#source(all.get(id)!, false);
      return {
        search: (each) => source.search(each),
        get: (collection, item) => source.get(collection, item),
        fields: () => source.fields().catch((error: unknown) => {
          if (!(error instanceof UpstreamError)) throw error;
          log.warning(`What can be asked of '${id}' is not known: ${error.message}`);
          return [];
        }),
      };
    });
    const own = query.view || named?.length === wanted.length ? [] : [{ ...this.#own, search: (each: ItemQuery) => super.search(each), fields: () => super.fields(query) }];
    return [...((await combineItemSources([...own, ...sources]).fields?.(query)) ?? [])];
  }

  #reported(page: ItemPage): ItemPage {
    for (const { collection, description } of page.missing ?? []) this.#options.log.warning(`Items of '${collection}' are missing in a search: ${description}`);
    return page;
  }

  #viewed(definition: StacCollection, view: ItemView): ItemSource {
    return viewedSource(this.#source(definition), view);
  }

  #source(collection: StacCollection, isAlone = true): UpstreamSource {
    const definition = JSON.stringify([upstreamOf(collection), collection.bands]);
    const known = this.#opened.get(collection.id);
    const opened = known?.definition === definition ? known : this.#open(collection, definition);
    return isAlone ? opened.source : opened.hasty;
  }

  #open(collection: StacCollection, definition: string): Opened {
    const upstream = checkUpstream(upstreamOf(collection));
    const { fetch, secrets, freshMs, limits = {}, timeoutMs = 10_000 } = this.#options;
    const breaker = this.#breakers.get(upstream.url) ?? new Breaker();
    this.#breakers.set(upstream.url, breaker);
    const headers = () => headersOf(upstream.headers, secrets, collection.id);
    const sourceIn = (timeMs: number) => new UpstreamSource({
      collection,
      client: new UpstreamClient({ collection: collection.id, fetch, headers, breaker, timeoutMs: Math.min(timeMs, upstream.timeout_seconds === undefined ? timeoutMs : upstream.timeout_seconds * 1000) }),
      files: { fetch, headers },
      limits: { ...limits, timeMs },
      ...(freshMs === undefined ? {} : { freshMs }),
    });
    const timeMs = limits.timeMs ?? 30_000;
    const opened = { definition, source: sourceIn(timeMs), hasty: sourceIn(Math.min(timeMs, PATIENCE_MS)) };
    this.#opened.set(collection.id, opened);
    return opened;
  }
}
