/** What items of layers say of their state: whether all of them is computed, and what became of their source. */
import { combineItemSources, noItems, type ItemSource } from '../catalog/item-source.ts';
import type { LayerItemState } from '../catalog/layer-states.ts';
import type { StacItem } from '../catalog/types.ts';
import { describeLayerItem } from './describe.ts';
import { usedExtensions, VERSION_EXTENSION } from './extensions.ts';
import { needsView, viewOf } from './item-view.ts';
import type { Layer } from './layer.ts';

/** Who knows the states: the catalog's LayerStates is one. */
export interface StateSource {
  /** Item id → state, of those that have one. */
  find(layer: string, items: readonly string[]): Promise<ReadonlyMap<string, LayerItemState>>;
  /** Source items that were withdrawn after the layer had computed them. */
  withdrawn(layer: string): ItemSource;
  /** Which of some layers have such items. */
  haveWithdrawn(layers: readonly string[]): Promise<ReadonlySet<string>>;
}

/**
 * The items of a layer with what is known of their state, and after them those whose source was withdrawn.
 * Without states the items stay as they are.
 *
 * @param hasWithdrawn false: it is known that no source item of the layer was withdrawn
 */
export function withStates(items: ItemSource, layer: Layer, states: StateSource | undefined, hasWithdrawn = true): ItemSource {
  if (!states) return items;
  const say = async (found: readonly StacItem[]) => {
    if (found.length === 0) return [];
    const known = await states.find(layer.id, found.map((item) => item.id));
    return found.map((item) => stated(item, known.get(item.id)));
  };
  const living: ItemSource = {
    async search(query) {
      const page = await items.search(query);
      return { ...page, items: await say(page.items) };
    },
    ...(items.fields ? { fields: (query) => items.fields!(query) } : {}),
    ...(items.groups ? { groups: (query) => items.groups!(query) } : {}),
    async get(collection, id) {
      const item = await items.get(collection, id);
      return item && (await say([item]))[0]!;
    },
  };
  const gone = states.withdrawn(layer.id);
  const viewOfWithdrawn = async () => {
    const [raw] = (await gone.search({ limit: 1 })).items;
    return raw ? viewOf(raw, withdrawnItem(layer, raw, undefined), true) : null;
  };
  const withdrawn: ItemSource = {
    async groups(query) {
      const view = await viewOfWithdrawn();
      return (view && (await gone.groups?.({ ...query, view }))) ?? [];
    },
    async search(query) {
      const view = needsView(query) ? await viewOfWithdrawn() : null;
      const page = await gone.search(view ? { ...query, view } : query);
      const known = await states.find(layer.id, page.items.map((item) => item.id));
      return { ...page, items: page.items.map((raw) => withdrawnItem(layer, raw, known.get(raw.id))) };
    },
    async get(collection, id) {
      const raw = await gone.get(collection, id);
      return raw && withdrawnItem(layer, raw, (await states.find(layer.id, [id])).get(id));
    },
  };
  return combineItemSources([living, hasWithdrawn ? withdrawn : noItems]);
}

/** `lamina:status` is 'virtual' for an item that nobody computed ahead: it is computed where somebody looks. */
function stated(item: StacItem, state: LayerItemState | undefined): StacItem {
  return withProperties(item, { 'lamina:status': state?.status ?? 'virtual', ...timesOf(state), ...(state?.reason ? { 'lamina:reason': state.reason } : {}), ...cachedOf(state) });
}

/** What a withdrawn item once was: without assets, because its pixels can't be read any more. */
function withdrawnItem(layer: Layer, raw: StacItem, state: LayerItemState | undefined): StacItem {
  // The source item is no more, so nothing may lead to it.
  const item = { ...describeLayerItem(layer, raw), stac_extensions: [], links: [], assets: {} };
  const said = withProperties(item, { 'lamina:status': 'withdrawn', ...timesOf(state), deprecated: true });
  return { ...said, stac_extensions: [...said.stac_extensions, VERSION_EXTENSION] };
}

/** What was computed ahead; an item that is outdated has blocks of older pixels, which nobody is given. */
function cachedOf(state: LayerItemState | undefined): Record<string, unknown> {
  if (state?.status !== 'computed' || state.blocks === null) return {};
  return { 'lamina:cached': { blocks: state.blocks, ...(state.bytes === null ? {} : { bytes: state.bytes }) } };
}

/** When the state changed, and when the vectors were computed. */
function timesOf(state: LayerItemState | undefined): Record<string, string> {
  return {
    ...(state ? { updated: state.since.toISOString() } : {}),
    ...(state?.computed ? { 'processing:datetime': state.computed.toISOString() } : {}),
  };
}

function withProperties(item: StacItem, more: Readonly<Record<string, unknown>>): StacItem {
  const properties = { ...item.properties, ...more };
  return { ...item, properties, stac_extensions: [...new Set([...item.stac_extensions, ...usedExtensions(properties)])] };
}
