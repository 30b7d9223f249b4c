/**
 * export_collection: what a run has saved becomes items of a collection, with files that outlive the job.
 *
 * Nodes only note what is to be exported; everything is published together when the run has succeeded.
 */
import { OpenEOError } from '../errors.ts';
import { exportFolder, publishItems, withdrawItems } from '../catalog/publish-items.ts';
import type { CatalogStore } from '../catalog/store.ts';
import type { StacItem } from '../catalog/types.ts';
import { footprint } from '../geo/footprint.ts';
import type { ExportRequest } from '../graph/scope.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import { deleteObjects } from '../jobs/files.ts';
import type { StoredFile } from '../jobs/results.ts';
import type { Publication } from '../jobs/run.ts';
import { isVisible } from '../layers/layer.ts';
import type { Log } from '../log.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { checkTarget, type Exporter } from './export-target.ts';
import { exportedItems, isLoadable } from './exported-items.ts';
import type { SavedResult, SavedResults } from './saved-results.ts';
import { collectionText } from './stac-changes.ts';

/** Where and in whose name a run may publish. */
export interface ExportSettings {
  readonly catalog: CatalogStore;
  readonly editors: ReadonlySet<string>;
  readonly jobId: string;
  readonly run: number;
}

export interface ExportDependencies extends ExportSettings, Exporter {
  readonly saved: SavedResults;
  readonly objects: ObjectStore;
  readonly operators: OperatorRegistry;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Items that are in the catalog now, and those whose place they took. */
interface Done {
  readonly collection: string;
  readonly items: readonly StacItem[];
  readonly before: readonly StacItem[];
}

export class Exports {
  readonly #parts: ExportDependencies;
  /** Collection → what is to be added to it. */
  readonly #wanted = new Map<string, SavedResult[]>();

  constructor(parts: ExportDependencies) {
    this.#parts = parts;
  }

  /** Notes a result for a collection. Throws what can be known before the end of the run. */
  async add({ data, collection }: ExportRequest): Promise<string> {
    const { catalog, log } = this.#parts;
    const saved = this.#parts.saved.get('export_collection', data);
    checkFiles(saved);
    checkTarget(collection, await catalog.collection(collection), this.#parts);
    const other = saved.files.find((file) => !isLoadable(file));
    if (other) log.warning(`export_collection: '${other.name}' is added to '${collection}' for download, but only GeoTIFF files in a reference system with an EPSG code can be loaded by load_collection.`);
    this.#wanted.set(collection, [...(this.#wanted.get(collection) ?? []), saved]);
    return collection;
  }

  /** Publishes everything or nothing. Doing it again, as another try of the same run, is harmless. */
  async publish(): Promise<Publication> {
    const done: Done[] = [];
    try {
      for (const [collection, results] of this.#wanted) {
        await this.#copyFiles(collection, results);
        done.push(await this.#publishOne(collection, results));
      }
    } catch (error) {
      await this.#undo(done);
      throw error;
    }
    return { undo: () => this.#undo(done), settle: () => this.#settle(done) };
  }

  async #copyFiles(collection: string, results: readonly SavedResult[]): Promise<void> {
    const { objects, signal } = this.#parts;
    for (const file of results.flatMap(({ files }) => files)) {
      signal.throwIfAborted();
      const body = await objects.stream(file.objectKey);
      if (!body) throw new Error(`The object '${file.objectKey}' of a result is gone before it was exported.`);
      await objects.put(this.#keyOf(collection, file), body, { contentType: file.mediaType });
    }
  }

  async #publishOne(collection: string, results: readonly SavedResult[]): Promise<Done> {
    const { catalog, operators, jobId, user, log, signal } = this.#parts;
    const keyOf = (file: StoredFile) => this.#keyOf(collection, file);
    const lists: StacItem[][] = [];
    for (const saved of results) lists.push(await exportedItems(saved, { catalog, operators, collection, jobId, keyOf }));
    // The same result exported twice is there once.
    const items = [...new Map(lists.flat().map((item) => [item.id, item])).values()];
    const { providers, ...text } = collectionText(results.flatMap(({ changes }) => changes ?? []));
    const { isPrivate, license } = await this.#inherited(results.map(({ origin }) => origin));
    signal.throwIfAborted();
    const before = await publishItems(catalog, {
      collection, items,
      text: { title: collection, description: `Results of processing that were exported to the collection ${collection}: files, and how each was made.`, license, keywords: ['processed', 'raster'], ...text },
      fields: { ...(providers !== undefined && { providers }), 'lamina:files': { ...(user !== null && { owner: user }), ...(isPrivate && { visibility: 'private' }) } },
      check: (existing) => checkTarget(collection, existing, this.#parts),
    });
    log.info(`export_collection: ${items.length} item(s) are in the collection '${collection}' now.`);
    return { collection, items, before };
  }

  /** What a collection has from those that it was made of: a licence that all agree on, and that one is private. */
  async #inherited(origins: readonly ProcessGraph[]): Promise<{ isPrivate: boolean; license: string }> {
    const ids = origins.flatMap((origin) => Object.values(origin)).filter(({ process_id: id }) => id === 'load_collection').map(({ arguments: args }) => String((args as { id?: unknown }).id));
    const loaded = (await Promise.all([...new Set(ids)].map((id) => this.#parts.catalog.collection(id)))).filter((collection) => collection !== null);
    const [license, ...others] = new Set(loaded.map((collection) => collection.license));
    return { isPrivate: loaded.some((collection) => !isVisible(collection, null)), license: license === undefined || others.length > 0 ? 'other' : license };
  }

  async #undo(done: readonly Done[]): Promise<void> {
    const { catalog, objects } = this.#parts;
    for (const { collection, items, before } of done) await withdrawItems(catalog, collection, items, before);
    for (const collection of this.#wanted.keys()) await deleteObjects(objects, this.#folder(collection));
  }

  /** The files of items that were replaced are of no use any more. */
  async #settle(done: readonly Done[]): Promise<void> {
    for (const { before } of done) {
      const hrefs = before.flatMap(({ assets }) => Object.values(assets)).map(({ href }) => href);
      for (const href of hrefs) if (href.startsWith('object:exports/')) await this.#parts.objects.delete(href.slice('object:'.length));
    }
  }

  #folder(collection: string): string {
    const { jobId, run } = this.#parts;
    return `${exportFolder(collection)}${jobId}/${run}/`;
  }

  #keyOf(collection: string, { name }: StoredFile): string {
    return this.#folder(collection) + name;
  }
}

function checkFiles({ cube, files }: SavedResult): void {
  if (files.some(({ mediaType }) => mediaType === 'application/json')) throw new OpenEOError('FormatUnsuitable', {}, { detail: 'export_collection takes files that hold a raster or a table, not JSON: save the cube as GTiff.' });
  if (!cube.grid || !footprint(cube.grid)) throw new OpenEOError('FormatUnsuitable', {}, { detail: 'export_collection takes cubes with x and y dimensions that lie somewhere on the globe.' });
}
