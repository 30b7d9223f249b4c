/**
 * export_workspace: what a run has saved is copied to workspaces, as a static STAC catalog: a Collection, an Item
 * per date, and the files. Nodes only note what is to be copied; all of it is copied when the run has succeeded.
 */
import { invalidArgument } from '../errors.ts';
import type { CatalogStore } from '../catalog/store.ts';
import type { StacItem } from '../catalog/types.ts';
import type { WorkspaceRequest } from '../graph/scope.ts';
import type { Value } from '../graph/value.ts';
import type { StoredFile } from '../jobs/results.ts';
import type { Publication } from '../jobs/run.ts';
import type { Log } from '../log.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { checkFilePath } from '../storage/file-path.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { OWN_WORKSPACE, type Workspace, type Workspaces } from '../storage/workspaces.ts';
import { exportedItems } from './exported-items.ts';
import type { SavedResult, SavedResults } from './saved-results.ts';
import { collectionText } from './stac-changes.ts';
import { extendedCollection, itemDocument, newCollection, readCollection, withoutItems } from './workspace-documents.ts';

/** Which workspaces there are, and how runs take turns in them. */
export interface WorkspaceSettings {
  readonly workspaces: Workspaces;
  /** Runs some work while no other process runs one of the same name. */
  readonly exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

export interface WorkspaceDependencies extends WorkspaceSettings {
  readonly saved: SavedResults;
  readonly objects: ObjectStore;
  readonly catalog: Pick<CatalogStore, 'get'>;
  readonly operators: OperatorRegistry;
  readonly jobId: string;
  readonly user: string | null;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A result on its way to a Collection in a workspace. */
interface Delivery {
  readonly name: string;
  readonly workspace: Workspace;
  /** Folder of the Collection, '' or with a slash at its end. */
  readonly folder: string;
  readonly document: string;
  readonly saved: SavedResult;
}

const PROCESS = 'export_workspace';

export class WorkspaceExports {
  readonly #parts: WorkspaceDependencies;
  readonly #wanted: Delivery[] = [];

  constructor(parts: WorkspaceDependencies) {
    this.#parts = parts;
  }

  /** Notes a result for a workspace. Throws what can be known before the end of the run. */
  async add({ data, workspace: name, merge }: WorkspaceRequest): Promise<Value> {
    const { workspaces, user, jobId } = this.#parts;
    const saved = this.#parts.saved.get(PROCESS, data);
    const workspace = await workspaces.find(name, user);
    if (workspace === null) throw invalidArgument(PROCESS, 'workspace', `there is no workspace '${name}'; there ${workspaces.names.length > 1 ? `are ${workspaces.names.join(', ')}` : `is '${workspaces.names[0]}'`}`);
    const place = merge === null ? { folder: `${jobId}/`, document: 'collection.json' } : placeOf(merge);
    // Only a Collection can be added to.
    await readCollection(workspace, place.folder + place.document);
    this.#wanted.push({ name, workspace, ...place, saved });
    return data;
  }

  /** Copies everything; what is not complete is taken back. Doing it again, as another try of the run, is harmless. */
  async publish(): Promise<Publication> {
    const written: Written[] = [];
    const undo = async () => {
      for (const each of written.reverse()) await each.undo();
    };
    try {
      for (const delivery of this.#wanted) {
        const into = new Written(delivery.workspace);
        written.push(into);
        await this.#deliver(delivery, into);
      }
    } catch (error) {
      await undo();
      throw error;
    }
    return { undo, settle: async () => {} };
  }

  /** Files first, then the items that lead to them; the Collection makes them known. */
  async #deliver(delivery: Delivery, written: Written): Promise<void> {
    const { workspace, folder, document, saved } = delivery;
    const { catalog, operators, jobId, signal } = this.#parts;
    const existing = await readCollection(workspace, folder + document);
    const id = existing === null ? idOf(folder, jobId) : String(existing['id']);
    const files = new Map(saved.files.map((file) => [`object:${file.objectKey}`, file]));
    const items = await exportedItems(saved, { catalog, operators, collection: id, jobId, keyOf: (file) => file.objectKey });
    for (const item of items) {
      signal.throwIfAborted();
      await checkItem(workspace, `${folder}${item.id}/${item.id}.json`, item, jobId);
      for (const { href } of Object.values(item.assets)) await this.#copy(files.get(href)!, `${folder}${item.id}/`, written);
      await written.put(`${folder}${item.id}/${item.id}.json`, bytesOf(itemDocument(item, files, document)), 'application/geo+json');
    }
    await this.#register(delivery, id, items);
    written.onUndo(() => this.#withdraw(delivery, items));
  }

  /** Others may add to the same Collection now: one after the other. */
  async #register(delivery: Delivery, id: string, items: readonly StacItem[]): Promise<void> {
    const { name, workspace, folder, document, saved } = delivery;
    await this.#inTurn(delivery, async () => {
      const existing = await readCollection(workspace, folder + document);
      const collection = existing === null ? newCollection(id, items, collectionText(saved.changes ?? []), document) : extendedCollection(existing, items);
      await workspace.write(folder + document, bytesOf(collection), 'application/json');
    });
    this.#parts.log.info(`${PROCESS}: ${items.length} item(s) are in '${folder}${document}' of the workspace '${name}' now.`);
  }

  async #withdraw(delivery: Delivery, items: readonly StacItem[]): Promise<void> {
    const { workspace, folder, document } = delivery;
    await this.#inTurn(delivery, async () => {
      const existing = await readCollection(workspace, folder + document);
      if (existing === null) return;
      const left = withoutItems(existing, items);
      if (left === null) await workspace.delete(folder + document);
      else await workspace.write(folder + document, bytesOf(left), 'application/json');
    });
  }

  #inTurn(delivery: Delivery, work: () => Promise<void>): Promise<void> {
    const owner = delivery.name === OWN_WORKSPACE ? `${this.#parts.user} ` : '';
    return this.#parts.exclusively(`workspace ${delivery.name} ${owner}${delivery.folder}${delivery.document}`, work);
  }

  async #copy({ objectKey, name, mediaType }: StoredFile, folder: string, written: Written): Promise<void> {
    const body = await this.#parts.objects.stream(objectKey);
    if (!body) throw new Error(`The object '${objectKey}' of a result is gone before it was exported.`);
    await written.put(folder + name, body, mediaType);
  }
}

/** What was written to a workspace, for taking it back: files that were there before keep the new content, documents return. */
class Written {
  readonly #workspace: Workspace;
  readonly #steps: (() => Promise<void>)[] = [];

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  async put(path: string, body: Parameters<Workspace['write']>[1], mediaType: string): Promise<void> {
    const isDocument = body instanceof Uint8Array;
    const before = isDocument ? await this.#workspace.read(path) : null;
    const wasThere = isDocument ? before !== null : await this.#workspace.exists(path);
    await this.#workspace.write(path, body, mediaType);
    if (!wasThere) this.#steps.push(() => this.#workspace.delete(path));
    else if (before !== null) this.#steps.push(() => this.#workspace.write(path, before, mediaType));
  }

  onUndo(step: () => Promise<void>): void {
    this.#steps.push(step);
  }

  async undo(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step();
  }
}

/** Another run of the same job may replace its items; nobody else's. */
async function checkItem(workspace: Workspace, path: string, { id }: StacItem, jobId: string): Promise<void> {
  const bytes = await workspace.read(path);
  if (bytes === null) return;
  const job = jobOf(bytes);
  if (job !== jobId) throw invalidArgument(PROCESS, 'data', `there is an item '${id}' in the workspace already, which is not of this job; stac_modify gives yours another id`);
}

function jobOf(bytes: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(bytes).toString()) as { properties?: Record<string, unknown> }).properties?.['lamina:job'];
  } catch {
    return undefined;
  }
}

/** 'a/b', 'a/b/' and 'a/b/collection.json' are the same Collection. */
function placeOf(merge: string): { folder: string; document: string } {
  const path = merge.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
  const full = path.endsWith('.json') ? path : path === '' ? 'collection.json' : `${path}/collection.json`;
  try {
    checkFilePath(full);
  } catch (error) {
    throw invalidArgument(PROCESS, 'merge', (error as Error).message, { cause: error });
  }
  const slash = full.lastIndexOf('/') + 1;
  return { folder: full.slice(0, slash), document: full.slice(slash) };
}

function idOf(folder: string, jobId: string): string {
  return folder.split('/').at(-2) ?? jobId;
}

const bytesOf = (document: object) => Buffer.from(JSON.stringify(document, null, 2));
