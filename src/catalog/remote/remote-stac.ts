/** load_stac: a lazy cube of what lies behind a STAC URL. Metadata are read now, pixels when somebody asks. */
import type { Cube } from '../../cube/cube.ts';
import { OpenEOError } from '../../errors.ts';
import type { Fetch } from '../../formats/http-source.ts';
import type { Grid } from '../../geo/grid.ts';
import type { Value } from '../../graph/value.ts';
import type { LoadStacRequest } from '../../graph/scope.ts';
import type { Log } from '../../log.ts';
import { takeOver } from '../ingest/stac-source.ts';
import { loadedCube } from '../load.ts';
import { itemInstant, planLoad } from '../load-plan.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { StacBand, StacCollection, StacItem } from '../types.ts';
import { collectionNames, nothingToRead, readyItem, type ReadyItem, type Recipe } from './assets.ts';
import { badUrl, DocumentReader, remoteLimits, type Fields, type RemoteLimits } from './documents.ts';
import { embeddingFacts } from './facts.ts';
import { remoteRasters } from './remote-rasters.ts';
import { boxesMeet, findItems, flatBox, type FoundItem, type ItemWish } from './walk.ts';

export interface RemoteStacOptions {
  /** Reaches only what a user may reach (guardedFetch). */
  readonly fetch: Fetch;
  /** Opens asset files through the same guard. */
  readonly rasters: RasterOpener;
  readonly limits?: Partial<RemoteLimits>;
  /** How long the items found under a URL are used again, milliseconds; default 60 s. */
  readonly freshMs?: number;
}

export interface RemoteLoad {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** The box around the spatial extent in which items are looked for, WGS 84. */
  readonly bbox: ItemWish['bbox'];
  /** Load on this grid instead of the native one. */
  readonly target?: Grid;
  readonly onRead?: (samples: number) => void;
}

/** Searches that are remembered: blocks of layers ask the same again and again. */
const REMEMBERED = 8;
const PARALLEL_ITEMS = 8;

interface Remembered {
  readonly items: Promise<FoundItem[]>;
  readonly since: number;
}

export class RemoteStac {
  readonly #options: RemoteStacOptions;
  readonly #limits: RemoteLimits;
  readonly #searches = new Map<string, Remembered>();

  constructor(options: RemoteStacOptions) {
    this.#options = options;
    this.#limits = { ...remoteLimits, ...options.limits };
  }

  /**
   * The cube of the items at a URL, [t, bands, y, x]. Stored values are given as they are, except those of
   * embeddings, which are decoded to float32. Throws NoDataAvailable, and ProcessParameterInvalid (load_stac)
   * for a URL that leads to no readable raster, and for bands that there are not.
   */
  async load(request: LoadStacRequest, run: RemoteLoad): Promise<Cube> {
    try {
      return await this.#load(request, run);
    } catch (error) {
      // What others publish may have any shape; where that is met first does not matter to who asked.
      if (error instanceof TypeError || error instanceof RangeError) throw badUrl('a document that it leads to is not valid STAC', error);
      throw error;
    }
  }

  async #load(request: LoadStacRequest, run: RemoteLoad): Promise<Cube> {
    const found = await this.#find(request.url, { bbox: run.bbox, interval: request.temporalExtent }, run.signal);
    const wanted = matching(found, request, run);
    if (wanted.length === 0) throw new OpenEOError('NoDataAvailable', {}, { detail: 'No item at the URL of load_stac lies there and then, or meets the conditions.' });
    const ready = await this.#ready(wanted, run.signal);
    const usable = ready.filter(({ item }) => Object.keys(item.assets).length > 0);
    if (usable.length === 0) throw nothingToRead(wanted.length, ready.flatMap(({ passed }) => passed), request.url);
    return this.#cube(usable, wanted, request, run);
  }

  #cube(ready: readonly ReadyItem[], wanted: readonly Wanted[], request: LoadStacRequest, run: RemoteLoad): Cube {
    const { collection: origin } = wanted[0]!;
    const recipes = new Map(ready.flatMap((entry) => [...entry.recipes]));
    const collection = describeCollection(ready.map(({ item }) => item), origin);
    const { target, onRead, log } = run;
    const plan = planLoad({ collection, items: ready.map(({ item }) => item), bands: request.bands, extent: request.spatialExtent, anchor: () => undefined, process: 'load_stac', ...(target ? { target } : {}) });
    log.debug(`load_stac: ${plan.dates.length} dates, ${plan.bands.length} bands, ${plan.grid.width} × ${plan.grid.height} pixels in ${plan.grid.crs}`);
    const isVectors = plan.dates.some((date) => date.items.some(({ bands }) => bands.some((source) => isDecoded(source?.href, recipes))));
    const facts = isVectors ? embeddingFacts(wanted[0]!.raw, origin, plan.bands.length, plan.grid) : null;
    return loadedCube(plan, {
      collectionId: collection.id,
      anchor: undefined,
      rasters: remoteRasters(this.#options.rasters, recipes),
      isPicture: target !== undefined,
      ...(onRead ? { onRead } : {}),
      bandsName: bandsDimensionName(origin) ?? (isVectors ? 'embedding' : 'bands'),
      attributes: { sources: plan.dates.flatMap((date) => date.items.map(({ item }) => sourceOf(item))), ...(facts ? { embedding: facts } : {}) },
    });
  }

  async #ready(wanted: readonly Wanted[], signal: AbortSignal): Promise<ReadyItem[]> {
    const out: ReadyItem[] = [];
    const queue = wanted.entries();
    const lane = async () => {
      for (const [i, { item, collection }] of queue) {
        signal.throwIfAborted();
        out[i] = await readyItem(item, collection, this.#options.rasters);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL_ITEMS, wanted.length) }, lane));
    return out;
  }

  /** Searches are shared between runs, so none of them ends one: each only stops waiting. */
  async #find(url: string, wish: ItemWish, signal: AbortSignal): Promise<FoundItem[]> {
    const key = JSON.stringify([url, wish]);
    const known = this.#searches.get(key);
    const isFresh = known !== undefined && Date.now() - known.since < (this.#options.freshMs ?? 60_000);
    const search = isFresh ? known : this.#remember(key, findItems(url, wish, new DocumentReader(this.#options.fetch, this.#limits, new AbortController().signal), this.#limits));
    return untilAborted(search.items, signal);
  }

  #remember(key: string, items: Promise<FoundItem[]>): Remembered {
    const search = { items, since: Date.now() };
    this.#searches.delete(key);
    this.#searches.set(key, search);
    for (const oldest of [...this.#searches.keys()].slice(0, -REMEMBERED)) this.#searches.delete(oldest);
    items.catch(() => {
      if (this.#searches.get(key) === search) this.#searches.delete(key);
    });
    return search;
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((done, fail) => {
    const stop = () => fail(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    work.then(done, fail).finally(() => signal.removeEventListener('abort', stop));
  });
}

interface Wanted {
  readonly item: StacItem;
  readonly raw: Fields;
  readonly collection: Fields | null;
}

/** Items as STAC 1.1 that lie in the extents and meet the conditions; what is no item is passed over with a word in the log. */
function matching(found: readonly FoundItem[], { temporalExtent, properties }: LoadStacRequest, { bbox, log }: RemoteLoad): Wanted[] {
  return found.flatMap(({ document, collection }) => {
    const item = takeOver(withSharedFields(document.fields, collection), document.base, nameOf(collection?.['id'], document.fields['collection']));
    if ('reason' in item) {
      log.warning(`load_stac passes over '${item.source}': ${item.reason}`);
      return [];
    }
    const box = flatBox(item.bbox)!;
    if (bbox !== null && !boxesMeet(box, bbox)) return [];
    if (!isWithin(itemInstant(item), temporalExtent)) return [];
    const holds = Object.entries(properties ?? {}).every(([name, condition]) => condition((item.properties[name] ?? null) as Value));
    return holds ? [{ item, raw: document.fields, collection }] : [];
  });
}

const nameOf = (...candidates: readonly unknown[]) => candidates.find((name) => typeof name === 'string') ?? 'remote';

/** `item_assets` of a collection tell what all its items have in common. */
function withSharedFields(item: Fields, collection: Fields | null): Fields {
  const shared = collection?.['item_assets'] as Record<string, Fields> | undefined;
  const assets = item['assets'];
  if (!shared || typeof assets !== 'object' || assets === null) return item;
  return { ...item, assets: Object.fromEntries(Object.entries(assets as Record<string, Fields>).map(([key, asset]) => [key, { ...shared[key], ...asset }])) };
}

function isWithin(instant: string, interval: LoadStacRequest['temporalExtent']): boolean {
  const [start, end] = interval ?? [null, null];
  const time = Date.parse(instant);
  return !(start !== null && time < Date.parse(start)) && !(end !== null && time >= Date.parse(end));
}

function isDecoded(href: string | undefined, recipes: ReadonlyMap<string, Recipe>): boolean {
  return href !== undefined && recipes.get(href)?.decode !== null;
}

/** As much of a collection as planning needs: the bands that there are, in the order of the collection where it tells one. */
export function describeCollection(items: readonly StacItem[], origin: Fields | null): StacCollection {
  const bands = new Map<string, StacBand>();
  for (const asset of items.flatMap((item) => Object.values(item.assets))) {
    for (const band of asset.bands!) if (!bands.has(band.name!)) bands.set(band.name!, band);
  }
  const listed = collectionNames(origin).filter((name) => bands.has(name));
  const names = [...new Set([...listed, ...bands.keys()])];
  return {
    type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id: items[0]!.collection, description: '', license: 'other',
    extent: { spatial: { bbox: [] }, temporal: { interval: [] } }, summaries: {}, links: [], 'cube:dimensions': {},
    bands: names.map((name) => bands.get(name)!),
  };
}

function bandsDimensionName(collection: Fields | null): string | undefined {
  const dimensions = Object.entries((collection?.['cube:dimensions'] ?? {}) as Record<string, Fields>);
  return dimensions.find(([, dimension]) => dimension?.['type'] === 'bands')?.[0];
}

/** Where an item came from, without what may be a secret in its URL; its name where it came from nowhere. */
function sourceOf(item: StacItem): string {
  const href = item.links.find((link) => link.rel === 'via')?.href;
  if (href === undefined || !URL.canParse(href)) return `${item.collection}/${item.id}`;
  const { origin, pathname } = new URL(href);
  return origin + pathname;
}

