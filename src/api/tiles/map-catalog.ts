/** Collections as maps: what tiles, TileJSON, WMTS and the viewer know of them. Looked up once a second, not once a tile. */
import type { Request } from 'express';
import { OpenEOError } from '../../errors.ts';
import { collectionBands } from '../../catalog/load-plan.ts';
import type { StacCollection } from '../../catalog/types.ts';
import { embeddingLabels } from '../../layers/describe.ts';
import { definitionOf, isVisible, rootOf, type Layer } from '../../layers/layer.ts';
import { withoutHeights } from '../../geo/bbox.ts';
import type { VirtualCatalog } from '../../layers/virtual-catalog.ts';

/** The stored catalog, as far as maps need it. */
export interface MapStore {
  collection(id: string): Promise<StacCollection | null>;
  collections(): Promise<readonly StacCollection[]>;
  revision(id: string): Promise<number>;
  /** Days (YYYY-MM-DD) on which a raw collection has items, oldest first. */
  days(id: string): Promise<readonly string[]>;
}

export interface MapCollection {
  readonly stored: StacCollection;
  /** null: a raw collection. */
  readonly layer: Layer | null;
  /** Changes whenever anything that a tile is drawn from may have changed. */
  readonly state: string;
}

/** A collection with what maps say about it. */
export interface MapDescription {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** West, south, east, north in degrees. */
  readonly bounds: readonly [number, number, number, number];
  /** Names of ways to draw it, the default first: 'pca' or 'default', then single bands. */
  readonly styles: readonly [string, ...string[]];
  /** Days with data, oldest first; may be empty. */
  readonly days: readonly string[];
  readonly isVirtual: boolean;
  /** Metres per cell; null when unknown. */
  readonly cellMetres: number | null;
}

export interface MapCatalogOptions {
  /** How long an answer of the catalog is believed. Default: a second. */
  readonly believedMs?: number;
  readonly now?: () => number;
}

export class MapCatalog {
  readonly #store: MapStore;
  readonly #virtual: VirtualCatalog;
  readonly #believedMs: number;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly until: number; readonly value: Promise<unknown> }>();

  constructor(store: MapStore, virtual: VirtualCatalog, { believedMs = 1000, now = () => performance.now() }: MapCatalogOptions = {}) {
    this.#store = store;
    this.#virtual = virtual;
    this.#believedMs = believedMs;
    this.#now = now;
  }

  /** The collection and the state of all that it is made of; null when there is none. */
  find(id: string): Promise<MapCollection | null> {
    return this.#remembered(`state ${id}`, async () => {
      const stored = await this.#store.collection(id);
      if (!stored) return null;
      const layer = await this.#virtual.layer(id);
      const revisions = await Promise.all((await this.#ancestors(stored)).map((each) => this.#store.revision(each)));
      return { stored, layer, state: layer ? [...revisions, layer.operator?.digest ?? ''].join('.') : String(revisions[0]) };
    });
  }

  /** What maps say about a collection. Throws CollectionNotFound when its source is gone. */
  describe({ stored, layer }: MapCollection): Promise<MapDescription> {
    return this.#remembered(`description ${stored.id}`, async () => {
      const [described, root] = await Promise.all([this.#virtual.describe(stored), rootOf(stored, (id) => this.#store.collection(id))]);
      const box = described.extent.spatial.bbox[0]!;
      const gsd = described['gsd'];
      return {
        id: stored.id,
        title: described.title ?? stored.id,
        description: described.description,
        bounds: withoutHeights(box),
        styles: stylesOf(described, layer),
        days: await this.#store.days(root.id),
        isVirtual: definitionOf(stored) !== undefined,
        cellMetres: typeof gsd === 'number' ? gsd : null,
      };
    });
  }

  /** The collections that a layer is made of directly, for showing them beside it. */
  async sources({ layer }: MapCollection): Promise<MapCollection[]> {
    const found = await Promise.all((layer?.definition.sources ?? []).map((id) => this.find(id)));
    return found.filter((each) => each !== null);
  }

  /** All collections by id. */
  async all(): Promise<MapCollection[]> {
    const found = await Promise.all((await this.#store.collections()).map(({ id }) => this.find(id)));
    return found.filter((each) => each !== null);
  }

  /** The collection's id, and those of everything that it is made of. */
  async #ancestors(stored: StacCollection): Promise<string[]> {
    const ids = [stored.id];
    let level: readonly (StacCollection | null)[] = [stored];
    // Layers can't be circular; what is gone has no sources.
    while (level.length > 0) {
      const sources = [...new Set(level.flatMap((each) => (each && definitionOf(each)?.sources) ?? []))].filter((id) => !ids.includes(id));
      ids.push(...sources);
      level = await Promise.all(sources.map((id) => this.#store.collection(id)));
    }
    return ids;
  }

  #remembered<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const now = this.#now();
    const known = this.#known.get(name);
    if (known && known.until > now) return known.value as Promise<T>;
    for (const [other, { until }] of this.#known) if (until <= now) this.#known.delete(other);
    const value = ask();
    this.#known.set(name, { until: now + this.#believedMs, value });
    // What went wrong is asked again.
    value.catch(() => this.#known.delete(name));
    return value;
  }
}

/** The collection, if whoever asks may see it. Throws CollectionNotFound. */
export async function shownCollection(catalog: MapCatalog, id: string, visitor: () => Promise<string | null>): Promise<MapCollection & { readonly isPrivate: boolean }> {
  const found = await catalog.find(id);
  const isPrivate = found !== null && !isVisible(found.stored, null);
  const user = isPrivate ? await visitor() : null;
  if (!found || !isVisible(found.stored, user)) throw new OpenEOError('CollectionNotFound', { identifier: id });
  return { ...found, isPrivate };
}

/** Finds out who asks; absent: everybody is a visitor. */
export type Visitor = (request: Request) => Promise<string | null>;

function stylesOf(described: StacCollection, layer: Layer | null): [string, ...string[]] {
  if (!layer?.operator) return ['default', ...collectionBands(described).map((band) => band.name)];
  return ['pca', ...embeddingLabels(layer.operator.manifest.output.dimensions)];
}
