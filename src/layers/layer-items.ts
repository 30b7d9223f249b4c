/** Items of layers, made up from the raw items they are computed from. Nothing of them is stored. */
import { combineItemSources, type ItemSource } from '../catalog/item-source.ts';
import type { StacCollection } from '../catalog/types.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { describeLayerItem } from './describe.ts';
import { layerOf, type Layer } from './layer.ts';

/** The stored catalog, as far as layers need it. */
export interface RawCatalog extends ItemSource {
  collection(id: string): Promise<StacCollection | null>;
  collections(): Promise<readonly StacCollection[]>;
}

/** One item per raw item of a layer's source, under the same id. */
export function layerItems(catalog: RawCatalog, operators: OperatorRegistry): ItemSource {
  return {
    async search(query) {
      const wanted = query.collections && new Set(query.collections);
      const layers = (await catalog.collections())
        .filter(({ id }) => !wanted || wanted.has(id))
        .map((collection) => layerOf(collection, operators))
        .filter((layer) => layer !== null);
      return combineItemSources(layers.map((layer) => itemsOf(layer, catalog))).search(query);
    },
    async get(collection, id) {
      const stored = await catalog.collection(collection);
      const layer = stored && layerOf(stored, operators);
      return layer ? itemsOf(layer, catalog).get(collection, id) : null;
    },
  };
}

function itemsOf(layer: Layer, catalog: ItemSource): ItemSource {
  const source = layer.definition.sources[0]!;
  return {
    async search(query) {
      const page = await catalog.search({ ...query, collections: [source] });
      return { ...page, items: page.items.map((raw) => describeLayerItem(layer, raw)) };
    },
    async get(_collection, id) {
      const raw = await catalog.get(source, id);
      return raw && describeLayerItem(layer, raw);
    },
  };
}
