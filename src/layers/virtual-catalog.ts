/** The catalog as clients see it: raw collections as stored, layers described from their source and operator. */
import { OpenEOError } from '../errors.ts';
import type { StacCollection } from '../catalog/types.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { describeLayer } from './describe.ts';
import { layerOf, type Layer } from './layer.ts';

/** Where stored collections come from. */
export interface CollectionStore {
  collection(id: string): Promise<StacCollection | null>;
}

export class VirtualCatalog {
  readonly #store: CollectionStore;
  readonly #operators: OperatorRegistry;

  constructor(store: CollectionStore, operators: OperatorRegistry) {
    this.#store = store;
    this.#operators = operators;
  }

  /** The layer behind a collection id; null for raw and unknown collections. */
  async layer(id: string): Promise<Layer | null> {
    const stored = await this.#store.collection(id);
    return stored && layerOf(stored, this.#operators);
  }

  /** A stored collection as it is shown: raw ones unchanged, layers completed. Throws CollectionNotFound when a layer's source is gone. */
  async describe(stored: StacCollection): Promise<StacCollection> {
    const layer = layerOf(stored, this.#operators);
    if (!layer) return stored;
    const id = layer.definition.sources[0]!;
    const source = await this.#store.collection(id);
    if (!source) throw new OpenEOError('CollectionNotFound', { identifier: id }, { detail: `It is the source of layer '${layer.id}'.` });
    return describeLayer(layer, stored, source);
  }
}
