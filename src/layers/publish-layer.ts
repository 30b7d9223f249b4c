/** Publishes layers: new ones, new versions of old ones, and away with them again. */
import { OpenEOError } from '../errors.ts';
import type { ItemSource } from '../catalog/item-source.ts';
import type { StacCollection } from '../catalog/types.ts';
import { completeLayer, draftLayer, type DefinedLayer } from './define-layer.ts';
import { LayerInvalid } from './layer-faults.ts';
import { baseOf, isStoredAs, nextVersion, rebased } from './layer-versions.ts';
import { definitionOf, filesCollection, filesMarkOf, isVisible, markOfFiles } from './layer.ts';
import type { Engine } from './scope.ts';

/** Where collections are kept; the catalog store is one. */
export interface LayerStore extends ItemSource {
  collection(id: string): Promise<StacCollection | null>;
  collections(): Promise<readonly StacCollection[]>;
  addCollection(collection: StacCollection, options?: { readonly fromFile?: boolean }): Promise<boolean>;
  changeCollection(id: string, change: (current: StacCollection) => Promise<readonly StacCollection[]>): Promise<readonly StacCollection[] | null>;
  deleteCollection(id: string): Promise<boolean>;
  layersFromFiles(): Promise<readonly string[]>;
}

export interface PublishedLayer {
  readonly collection: StacCollection;
  /** Operators as they were written → as they are pinned. */
  readonly resolved: ReadonlyMap<string, string>;
  /** What happened to it. */
  readonly change: 'created' | 'new version' | 'edited' | 'unchanged';
}

/** Whether what is stored is what the client means to change. */
export type LayerCondition = (stored: StacCollection) => boolean;

function requireCurrent(condition: LayerCondition | undefined, stored: StacCollection): void {
  if (condition && !condition(stored)) throw new OpenEOError('PreconditionFailed', { what: `Collection '${stored.id}'` });
}

export class LayerPublisher {
  readonly #store: LayerStore;
  readonly #engine: Engine;
  readonly #deleteFiles: (collection: string) => Promise<void>;

  /**
   * @param engine opens cubes; `lazyEngine` is enough
   * @param deleteFiles deletes from the object store what was exported or materialised to a collection
   */
  constructor(store: LayerStore, engine: Engine, deleteFiles: (collection: string) => Promise<void> = () => Promise.resolve()) {
    this.#store = store;
    this.#engine = engine;
    this.#deleteFiles = deleteFiles;
  }

  /**
   * Publishes a new layer in the name of a user; null: of the deployment. Throws LayerInvalid, and
   * CollectionExists when the id is taken.
   */
  async create(body: unknown, author: string | null): Promise<PublishedLayer> {
    const layer = await this.#define(body, author);
    return this.#add(layer, false);
  }

  async #add({ collection, resolved }: DefinedLayer, fromFile: boolean): Promise<PublishedLayer> {
    const first = { ...collection, version: '1' };
    if (!(await this.#store.addCollection(first, { fromFile }))) throw new OpenEOError('CollectionExists', { identifier: collection.id }, { detail: 'PUT, or `lamina layer create --replace`, puts another in its place.' });
    return { collection: first, resolved, change: 'created' };
  }

  /**
   * Replaces a layer of the user. Another graph, operator or grid makes a new version, and the old one
   * stays as '<id>.v<N>'; everything else is edited in place. Throws LayerInvalid, CollectionNotFound and
   * PermissionsInsufficient.
   */
  async replace(id: string, body: unknown, author: string | null, condition?: LayerCondition): Promise<PublishedLayer> {
    const owner = definitionOf(await this.#ownedLayer(id, author))!.owner;
    const named = typeof body === 'object' && body !== null && !Array.isArray(body) ? { id, ...body } : body;
    if ((named as { id?: unknown } | null)?.id !== id) throw new LayerInvalid(id, [{ path: '/id', code: 'LayerInvalid', message: `must be '${id}', like the address` }]);
    return this.#exchange(await this.#define(named, author ?? owner ?? null), condition);
  }

  async #exchange({ collection, resolved }: DefinedLayer, condition?: LayerCondition): Promise<PublishedLayer> {
    let isOther = false;
    const put = await this.#store.changeCollection(collection.id, async (current) => {
      requireCurrent(condition, current);
      const [next, older] = nextVersion(current, collection);
      isOther = older !== undefined;
      const files = await this.#markedFiles(next);
      if (!older) return [next, ...files];
      // Who builds on it must not change under the feet of its users.
      const dependents = await this.#dependents(collection.id);
      return [older, next, ...files, ...dependents.map((layer) => rebased(layer, collection.id, older.id))];
    });
    if (!put) throw new OpenEOError('CollectionNotFound', { identifier: collection.id });
    return { collection: put.find(({ id }) => id === collection.id)!, resolved, change: isOther ? 'new version' : 'edited' };
  }

  /** A collection as it is stored, which conditions of changes are about; null when there is none. */
  stored(id: string): Promise<StacCollection | null> {
    return this.#store.collection(id);
  }

  /** The collections that parts of a layer were written to, with who may see them now. */
  async #markedFiles(layer: StacCollection): Promise<StacCollection[]> {
    const mark = markOfFiles(layer.id, definitionOf(layer)!);
    return (await this.#store.collections()).filter((c) => filesMarkOf(c)?.layer === layer.id).map((files) => ({ ...files, ...mark }));
  }

  /**
   * Removes a layer with its older versions, or one older version; or a collection of exported results with
   * its files. Throws CollectionNotFound, PermissionsInsufficient, CollectionInUse and PreconditionFailed.
   */
  async delete(id: string, author: string | null, condition?: LayerCondition): Promise<void> {
    const exported = await this.#ownedExport(id, author);
    if (exported) {
      requireCurrent(condition, exported);
      await this.#remove(exported);
      return this.#deleteFiles(id);
    }
    const layer = await this.#ownedLayer(id, author);
    if ((await this.#store.layersFromFiles()).includes(id)) throw new OpenEOError('PermissionsInsufficient', {}, { detail: `'${id}' comes from a file of the deployment and goes when that file is taken away.` });
    requireCurrent(condition, layer);
    await this.#remove(layer);
  }

  async #remove(layer: StacCollection): Promise<void> {
    const all = await this.#store.collections();
    const versions = layer.deprecated === true || !definitionOf(layer) ? [layer] : all.filter((c) => definitionOf(c) && baseOf(c) === layer.id);
    const ids = versions.map(({ id }) => id);
    const dependents = all.filter((c) => !ids.includes(c.id) && definitionOf(c)?.sources.some((source) => ids.includes(source)));
    if (dependents.length > 0) throw new OpenEOError('CollectionInUse', { identifier: layer.id, dependents: dependents.map(({ id }) => `'${id}'`).join(', ') }, { detail: 'Remove what builds on it first.' });
    for (const version of versions) {
      await this.#removeFiles(version, all);
      await this.#store.deleteCollection(version.id);
    }
  }

  /** What parts of a layer were written to goes with it. */
  async #removeFiles(layer: StacCollection, all: readonly StacCollection[]): Promise<void> {
    const files = filesCollection(layer);
    if (!definitionOf(layer) || !all.some(({ id }) => id === files)) return;
    await this.#store.deleteCollection(files);
    await this.#deleteFiles(files);
  }

  /**
   * Publishes the layers of files, those that others build on first, and removes layers whose file is gone
   * and on which nothing builds. `files`: what to call a file in a message → its content. What is stored
   * already is not tried again. Throws an Error that names the file and every fault.
   */
  async publishFiles(files: ReadonlyMap<string, unknown>): Promise<PublishedLayer[]> {
    const waiting = new Map([...files].map(([file, body]) => [(body as { id: string }).id, { file, body }]));
    const published: PublishedLayer[] = [];
    while (waiting.size > 0) {
      const ready = [...waiting].filter(([id, { body }]) => !loads(body).some((source) => source !== id && waiting.has(source)));
      if (ready.length === 0) throw new Error(`${[...waiting.values()].map(({ file }) => file).join(', ')}: these layers build on each other in a circle`);
      for (const [id, { file, body }] of ready) {
        published.push(await inFile(file, () => this.#publishFile(body)));
        waiting.delete(id);
      }
    }
    const kept = new Set(published.map(({ collection }) => collection.id));
    for (const id of await this.#store.layersFromFiles()) if (!kept.has(id)) await this.#removeGone(id);
    return published;
  }

  async #publishFile(body: unknown): Promise<PublishedLayer> {
    const drafted = await draftLayer(body, this.#context, null);
    const stored = await this.#store.collection(drafted.text.id);
    if (stored && !(await this.#store.layersFromFiles()).includes(stored.id)) throw new Error(`there is a collection '${stored.id}' already that comes from no file`);
    if (stored && isStoredAs(stored, { ...drafted.text, 'lamina:layer': drafted.definition } as unknown as StacCollection)) return { collection: stored, resolved: drafted.resolved, change: 'unchanged' };
    const layer = await completeLayer(drafted, this.#context);
    return stored ? this.#exchange(layer) : this.#add(layer, true);
  }

  async #removeGone(id: string): Promise<void> {
    const layer = await this.#store.collection(id);
    try {
      if (layer) await this.#remove(layer);
    } catch (error) {
      // A user's layer builds on it: it stays until that one is gone.
      if (!(error instanceof OpenEOError) || error.code !== 'CollectionInUse') throw error;
    }
  }

  get #context() {
    return { engine: this.#engine, items: this.#store };
  }

  async #define(body: unknown, author: string | null): Promise<DefinedLayer> {
    return completeLayer(await draftLayer(body, this.#context, author), this.#context);
  }

  /** A collection of results that the user has exported; null when it is none, or not the user's. */
  async #ownedExport(id: string, author: string | null): Promise<StacCollection | null> {
    const stored = await this.#store.collection(id);
    const mark = stored && filesMarkOf(stored);
    return mark && mark.layer === undefined && (author === null || mark.owner === author) ? stored : null;
  }

  /** A layer that the user may change; null: the deployment may change all of them. */
  async #ownedLayer(id: string, author: string | null): Promise<StacCollection> {
    const stored = await this.#store.collection(id);
    if (!stored || !isVisible(stored, author ?? undefined)) throw new OpenEOError('CollectionNotFound', { identifier: id });
    const definition = definitionOf(stored);
    if (!definition) throw new OpenEOError('PermissionsInsufficient', {}, { detail: `'${id}' is no layer; \`lamina ingest\` makes and changes collections of files.` });
    if (author !== null && definition.owner !== author) throw new OpenEOError('PermissionsInsufficient', {}, { detail: `Layer '${id}' is not yours.` });
    return stored;
  }

  async #dependents(id: string): Promise<StacCollection[]> {
    return (await this.#store.collections()).filter((c) => definitionOf(c)?.sources.includes(id));
  }
}

/** The collections that a definition loads, as far as one can tell before it is checked. */
function loads(body: unknown): string[] {
  const graph = (body as { 'lamina:layer'?: { process_graph?: unknown } })['lamina:layer']?.process_graph;
  if (typeof graph !== 'object' || graph === null) return [];
  return Object.values(graph).flatMap((node: { process_id?: unknown; arguments?: { id?: unknown } } | null) => (node?.process_id === 'load_collection' && typeof node.arguments?.id === 'string' ? [node.arguments.id] : []));
}

async function inFile<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}
