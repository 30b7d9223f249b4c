/** The catalog as clients see it: raw collections as stored, layers described from their source and operator. */
import { isOpenEOError } from '../errors.ts';
import type { StacCollection, StacItem, StacLink } from '../catalog/types.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { describeLayer } from './describe.ts';
import { definitionOf, filesCollection, isVisible, layerOf, rootOf, type Layer } from './layer.ts';
import { baseOf, versionOf, versionedId } from './layer-versions.ts';
import { collectionPicture, pictureLinks, rendersOf } from './renders.ts';

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

  /**
   * The layer behind a collection id; null for raw and unknown collections, and for those that the user
   * must not know of (see isVisible).
   */
  async layer(id: string, user?: string | null): Promise<Layer | null> {
    const stored = await this.#store.collection(id);
    return stored && isVisible(stored, user) ? layerOf(stored, this.#operators) : null;
  }

  /** The raw item that an item of the layer stands for; null when the layer has none of its own. */
  async rawItem(layer: Layer, id: string, items: { get(collection: string, id: string): Promise<StacItem | null> }): Promise<StacItem | null> {
    if (layer.definition.has_items === false) return null;
    const stored = await this.#store.collection(layer.id);
    const root = await rootOf(stored!, (source) => this.#store.collection(source));
    return items.get(root.id, id);
  }

  /** A stored collection as it is shown: raw ones with a picture, layers completed. Throws CollectionNotFound when a layer's source is gone. */
  async describe(stored: StacCollection): Promise<StacCollection> {
    const definition = definitionOf(stored);
    if (!definition) return withPicture(stored);
    const root = await rootOf(stored, (id) => this.#store.collection(id));
    const described = describeLayer(this.#open(stored), stored, root);
    return { ...described, links: [...described.links, ...(await this.#versionLinks(stored))] };
  }

  /** A version whose operator is no longer installed, or no longer trusted, can't be computed, but what it was stays known. */
  #open(stored: StacCollection): Layer {
    try {
      return layerOf(stored, this.#operators)!;
    } catch (error) {
      if (!isOpenEOError(error, 'OperatorNotFound', 'OperatorUntrusted')) throw error;
      return { id: stored.id, definition: { ...definitionOf(stored)!, has_items: false }, operator: null, files: filesCollection(stored) };
    }
  }

  /** Links of the version extension to what there is of other versions. */
  async #versionLinks(stored: StacCollection): Promise<StacLink[]> {
    const number = versionOf(stored);
    const base = baseOf(stored);
    if (number === null || (number === 1 && base === stored.id)) return [];
    const link = (rel: string, id: string): StacLink => ({ rel, href: `/stac/collections/${encodeURIComponent(id)}`, type: 'application/json', title: id });
    const exists = async (id: string) => (await this.#store.collection(id)) !== null;
    const older = versionedId(base, number - 1);
    const newer = versionedId(base, number + 1);
    return [
      ...(number > 1 && (await exists(older)) ? [link('predecessor-version', older)] : []),
      ...(base === stored.id ? [] : [link('successor-version', (await exists(newer)) ? newer : base)]),
      link('latest-version', base),
    ];
  }
}

/** A raw collection with how it is drawn. What its source says of that stays. */
function withPicture(stored: StacCollection): StacCollection {
  if ('renders' in stored) return stored;
  const picture = collectionPicture(stored);
  return picture ? { ...stored, ...rendersOf(picture), links: [...stored.links, ...pictureLinks(picture, stored.id)] } : stored;
}
