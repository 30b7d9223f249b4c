/** Items of layers, made up from the raw items they are computed from. Nothing of them is stored. */
import { isOpenEOError } from '../errors.ts';
import type { CatalogState } from '../catalog/catalog-state.ts';
import type { ItemField, ItemGroup, ItemGroupQuery, ItemView, WholeQuery } from '../catalog/item-query.ts';
import { combineItemSources, noItems, type ItemPage, type ItemQuery, type ItemSource } from '../catalog/item-source.ts';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { describeLayerItem } from './describe.ts';
import { definitionOf, isVisible, layerOf, rootOf, type Layer } from './layer.ts';
import { needsView, viewOf } from './item-view.ts';
import { withStates, type StateSource } from './layer-state.ts';
import { openItem, rememberingEngine } from './layer-trial.ts';
import type { Engine } from './scope.ts';

/** So many items are looked at to find one that a layer shows. */
const TRIED = 10;

/** The stored catalog, as far as layers need it. */
export interface RawCatalog extends ItemSource {
  collection(id: string): Promise<StacCollection | null>;
  state(): Promise<CatalogState>;
  /** Which of some collections plainly have no item that meets a search. */
  collectionsWithout(collections: readonly string[], query: Omit<ItemQuery, 'limit'>): Promise<ReadonlySet<string>>;
}

/** A layer that has items, and the collection they are made from. */
interface OpenedLayer {
  readonly layer: Layer;
  readonly root: string;
}

/**
 * One item per raw item of a layer's first source, under the same id, but for those that the layer's graph
 * leaves out. With an engine (see `lazyEngine`) they tell on which grid their files lie.
 */
export function layerItems(catalog: RawCatalog, operators: OperatorRegistry, engine?: Engine, states?: StateSource): ItemSource {
  const livingOf = ({ layer, root }: OpenedLayer) => new LayerItems(layer, root, catalog, engine ? rememberingEngine(engine) : null, states !== undefined);
  const opened = async (collection: StacCollection, stored: (id: string) => Promise<StacCollection | null>): Promise<OpenedLayer | null> => {
    const layer = openLayer(collection, operators);
    if (!layer || layer.definition.has_items === false) return null;
    return { layer, root: (await rootOf(collection, stored)).id };
  };
  /** A catalog has many layers, so what can be told of all of them at once is not asked of each. */
  const sourcesFor = async (query: Omit<ItemQuery, 'limit'>): Promise<ItemSource> => {
    const { collections, user } = query;
    const wanted = collections && new Set(collections);
    const { collections: all, hasWithdrawn } = query.state ?? (await catalog.state());
    const shown = [...all.values()].map(({ definition }) => definition).filter((c) => (!wanted || wanted.has(c.id)) && isVisible(c, user));
    const layers = (await Promise.all(shown.map((collection) => opened(collection, (id) => Promise.resolve(all.get(id)?.definition ?? null))))).filter((layer) => layer !== null);
    const [without, withdrawn] = await Promise.all([
      layers.length > 1 ? catalog.collectionsWithout([...new Set(layers.map(({ root }) => root))], query) : new Set(),
      states && hasWithdrawn && layers.length > 0 ? states.haveWithdrawn(layers.map(({ layer }) => layer.id)) : new Set(),
    ]);
    return combineItemSources(layers.map((each) => withStates(without.has(each.root) ? noItems : livingOf(each), each.layer, states, withdrawn.has(each.layer.id))));
  };
  return {
    search: async (query) => (await sourcesFor(query)).search(query),
    groups: async (query) => (await (await sourcesFor(query)).groups?.(query)) ?? [],
    fields: async (query) => (await (await sourcesFor(query)).fields?.(query)) ?? [],
    async get(collection, id) {
      const stored = await catalog.collection(collection);
      const layer = stored && (await opened(stored, (source) => catalog.collection(source)));
      return layer ? withStates(livingOf(layer), layer.layer, states).get(collection, id) : null;
    },
  };
}

/** null for a raw collection, and for a layer whose operator is no longer installed or trusted: it can't be computed. */
function openLayer(collection: StacCollection, operators: OperatorRegistry): Layer | null {
  if (!definitionOf(collection)) return null;
  try {
    return layerOf(collection, operators);
  } catch (error) {
    if (isOpenEOError(error, 'OperatorNotFound', 'OperatorUntrusted')) return null;
    throw error;
  }
}

class LayerItems implements ItemSource {
  readonly #layer: Layer;
  readonly #root: string;
  readonly #catalog: ItemSource;
  readonly #engine: Engine | null;
  readonly #hasStates: boolean;

  constructor(layer: Layer, root: string, catalog: ItemSource, engine: Engine | null, hasStates: boolean) {
    this.#hasStates = hasStates;
    this.#layer = layer;
    this.#root = root;
    this.#catalog = catalog;
    this.#engine = engine;
  }

  async search(query: ItemQuery): Promise<ItemPage> {
    // Whoever sees a layer sees its items, also those made of what only its author sees.
    const { user: _, ...conditions } = query;
    const view = needsView(query) ? await this.#view(query) : null;
    const raw = view ? { ...conditions, collections: [this.#layer.id], view } : { ...conditions, collections: [this.#root] };
    let page = await this.#page(raw);
    // What the graph leaves out makes pages shorter: an order over several sources needs them full, and clients stop at an empty one.
    while (page.next !== null && page.items.length < (query.sortby ? query.limit : 1)) {
      const more = await this.#page({ ...raw, limit: query.limit - page.items.length, token: page.next });
      page = { items: [...page.items, ...more.items], ...(page.keys ? { keys: [...page.keys, ...more.keys!] } : {}), numberMatched: null, next: more.next };
    }
    return page;
  }

  async #page(query: ItemQuery): Promise<ItemPage> {
    const page = await this.#catalog.search(query);
    const described = await Promise.all(page.items.map((stored) => this.#describe(stored)));
    const items = described.filter((item) => item !== null);
    return {
      ...page,
      items,
      ...(page.keys ? { keys: page.keys.filter((_, i) => described[i] !== null) } : {}),
      // What the graph leaves out is not known before one looks.
      numberMatched: items.length === page.items.length ? page.numberMatched : null,
    };
  }

  async fields({ state }: WholeQuery): Promise<readonly ItemField[]> {
    const view = await this.#view({ state });
    return (view && (await this.#catalog.fields?.({ collections: [this.#layer.id], view, state }))) ?? [];
  }

  /** Of the stored items, among which may be some that the graph leaves out. */
  async groups(query: ItemGroupQuery): Promise<readonly ItemGroup[]> {
    const { user: _, ...conditions } = query;
    const view = await this.#view(query);
    return (view && (await this.#catalog.groups?.({ ...conditions, collections: [this.#layer.id], view }))) ?? [];
  }

  /** null when there are no items. */
  async #view({ state }: Pick<ItemQuery, 'state'>): Promise<ItemView | null> {
    const { items } = await this.#catalog.search({ collections: [this.#root], limit: TRIED, state });
    for (const stored of items) {
      const shown = await this.#describe(stored);
      if (shown) return viewOf(stored, shown, this.#hasStates);
    }
    const [first] = items;
    return first ? viewOf(first, describeLayerItem(this.#layer, first), this.#hasStates) : null;
  }

  async get(_collection: string, id: string): Promise<StacItem | null> {
    const raw = await this.#catalog.get(this.#root, id);
    return raw && this.#describe(raw);
  }

  async #describe(raw: StacItem): Promise<StacItem | null> {
    if (!this.#engine) return describeLayerItem(this.#layer, raw);
    const cube = await openItem(this.#engine, this.#layer.id, raw);
    if (!cube?.grid) return null;
    return describeLayerItem(this.#layer, raw, { grid: cube.grid, bands: cube.attributes.bands ?? [], dtype: cube.dtype, nodata: cube.attributes.nodata ?? null });
  }
}
