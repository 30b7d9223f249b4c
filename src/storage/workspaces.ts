/** Workspaces: places where results are put for others to fetch. A user's own, and those of the operator. */
import { Readable } from 'node:stream';
import { OpenEOError } from '../errors.ts';
import { checkFilePath } from './file-path.ts';
import { createLocalStore } from './local.ts';
import type { ObjectStore } from './object-store.ts';
import { openS3Store, type S3Settings } from './s3.ts';
import type { UserFiles } from './user-files.ts';

/** Paths are checked like those of files. */
export interface Workspace {
  /** null when there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  exists(path: string): Promise<boolean>;
  write(path: string, body: Uint8Array | Readable, mediaType: string): Promise<void>;
  delete(path: string): Promise<void>;
}

/** The user's own: what is written counts against his quota. */
function userWorkspace(files: UserFiles, user: string): Workspace {
  return {
    async read(path) {
      const file = await files.find(user, path);
      const stream = file && await files.stream(file);
      return stream && Buffer.concat(await Array.fromAsync(stream) as Uint8Array[]);
    },
    exists: async (path) => (await files.find(user, path)) !== null,
    async write(path, body, contentType) {
      await files.put(user, path, { body: body instanceof Readable ? body : Readable.from([body]), sizeBytes: body instanceof Readable ? null : body.byteLength, contentType });
    },
    async delete(path) {
      if (await files.find(user, path)) await files.delete(user, path);
    },
  };
}

/** Below a prefix of a store; '' for all of it. */
function storeWorkspace(store: ObjectStore, prefix = ''): Workspace {
  const keyOf = (path: string) => prefix + checkFilePath(path);
  return {
    read: (path) => store.get(keyOf(path)),
    exists: async (path) => (await store.head(keyOf(path))) !== null,
    async write(path, body, contentType) {
      await store.put(keyOf(path), body, { contentType });
    },
    delete: (path) => store.delete(keyOf(path)),
  };
}

/** Where a workspace of the operator lies. */
export type WorkspacePlace = { readonly directory: string } | { readonly bucket: string; readonly prefix: string };

/** The name of the workspace that every user has. */
export const OWN_WORKSPACE = 'user';

export class Workspaces {
  readonly #places: ReadonlyMap<string, WorkspacePlace>;
  readonly #s3: S3Settings | null;
  readonly #files: UserFiles;
  readonly #open = new Map<string, Promise<Workspace>>();

  /** @param s3 the server that buckets are on; null: there is none */
  constructor(files: UserFiles, places: ReadonlyMap<string, WorkspacePlace>, s3: S3Settings | null) {
    this.#files = files;
    this.#places = places;
    this.#s3 = s3;
  }

  /** By name: 'user', and what the operator has set up. */
  get names(): readonly string[] {
    return [OWN_WORKSPACE, ...this.#places.keys()];
  }

  /** Opens a workspace for a user; null when there is none of this name, or nobody whose own it could be. */
  async find(name: string, user: string | null): Promise<Workspace | null> {
    if (name === OWN_WORKSPACE) return user === null ? null : userWorkspace(this.#files, user);
    const place = this.#places.get(name);
    if (place === undefined) return null;
    const known = this.#open.get(name) ?? this.#openPlace(place);
    this.#open.set(name, known);
    known.catch(() => this.#open.delete(name));
    return known;
  }

  async #openPlace(place: WorkspacePlace): Promise<Workspace> {
    if ('directory' in place) return storeWorkspace(createLocalStore(place.directory));
    if (this.#s3 === null) throw new OpenEOError('StorageFailure', {}, { detail: 'The workspace lies on an S3 server, and none is configured.' });
    return storeWorkspace(await openS3Store({ ...this.#s3, bucket: place.bucket }), place.prefix);
  }
}
