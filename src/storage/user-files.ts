/** The files of users: each has a workspace of his own in the object store, with a quota. */
import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { OpenEOError } from '../errors.ts';
import { checkUserFilePath } from './file-path.ts';
import type { ByteRange, ObjectInfo, ObjectStore } from './object-store.ts';
import { Room } from './room.ts';

export interface UserFile {
  /** Relative to the workspace, without a leading slash. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Changes whenever the content does. */
  readonly etag: string;
  /** RFC 3339, UTC, to the second. */
  readonly modified: string;
  /** Where it lies in the object store. */
  readonly objectKey: string;
}

export interface UserFileLimits {
  /** Bytes that the files of one user may have together. */
  readonly quotaBytes: number;
  /** Bytes of the largest file. */
  readonly fileBytes: number;
}

/** What comes in. */
export interface Upload {
  readonly body: AsyncIterable<Uint8Array>;
  /** Size, where it is known before; null otherwise. */
  readonly sizeBytes: number | null;
  readonly contentType?: string;
}

/** Listings look at every file, and empty files count for nothing in the quota. */
const MAX_FILES = 10_000;

/** What a file system says when a file and a folder want the same name. */
const TAKEN = new Set(['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY']);

/** Ids of other identity providers may be long. */
const MAX_ID = 150;

/** The folder of a user in the object store. It is one segment for every id, also for '..' and for ids with slashes. */
export function userFolder(user: string): string {
  const name = encodeURIComponent(user);
  return `files/user-${name.length <= MAX_ID ? name : `#${hash('sha256', user)}`}/`;
}

export class UserFiles {
  readonly limits: UserFileLimits;
  readonly #objects: ObjectStore;
  /** Users who are uploading now. */
  readonly #rooms = new Map<string, Promise<Room>>();

  constructor(objects: ObjectStore, limits: UserFileLimits) {
    this.#objects = objects;
    this.limits = limits;
  }

  /** All files of a user, sorted by path. */
  async list(user: string): Promise<UserFile[]> {
    const folder = userFolder(user);
    const files: UserFile[] = [];
    for await (const info of this.#objects.list(folder)) files.push(fileOf(info, folder));
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Bytes that the files of a user have together. */
  async usedBytes(user: string): Promise<number> {
    return sizeOf(await this.list(user));
  }

  /** Throws FilePathInvalid, FileNotFound, and FileOperationUnsupported for a folder. */
  async get(user: string, path: string): Promise<UserFile> {
    const file = await this.find(user, path);
    if (file !== null) return file;
    await this.#refuseFolder(user, path);
    throw new OpenEOError('FileNotFound', { file: path });
  }

  /** null when there is no such file. Throws FilePathInvalid. */
  async find(user: string, path: string): Promise<UserFile | null> {
    const info = await this.#objects.head(this.#keyOf(user, path));
    return info && fileOf(info, userFolder(user));
  }

  /** The bytes of a file; null when it vanished. */
  stream(file: UserFile, range?: ByteRange): Promise<Readable | null> {
    return this.#objects.stream(file.objectKey, range);
  }

  /**
   * Stores a file whole or not at all; what had the path before is there until then.
   *
   * @throws FilePathInvalid, FileOperationUnsupported where a file would have to be a folder, FileSizeExceeded,
   *   StorageQuotaExceeded, StorageFailure, and what the body throws
   */
  async put(user: string, path: string, upload: Upload): Promise<UserFile> {
    const key = this.#keyOf(user, path);
    if (upload.sizeBytes !== null && upload.sizeBytes > this.limits.fileBytes) throw tooLarge(this.limits.fileBytes);
    await this.#refuseConflicts(user, path);
    const room = await this.#enter(user);
    const claim = room.claim(path);
    try {
      claim.check(upload.sizeBytes ?? 0);
      const body = Readable.from(bounded(upload.body, this.limits.fileBytes, (bytes) => claim.grow(bytes)), { objectMode: false });
      const info = await this.#objects.put(key, body, upload.contentType === undefined ? {} : { contentType: upload.contentType });
      claim.keep(info!.sizeBytes);
      return fileOf(info!, userFolder(user));
    } catch (error) {
      if (TAKEN.has((error as NodeJS.ErrnoException).code ?? '')) throw taken(path, error);
      throw error;
    } finally {
      if (claim.end()) this.#rooms.delete(user);
    }
  }

  /** Deletes a file; a folder that becomes empty goes too. Throws as `get` does. */
  async delete(user: string, path: string): Promise<void> {
    const file = await this.get(user, path);
    await this.#objects.delete(file.objectKey);
    void this.#rooms.get(user)?.then((room) => room.forget(path));
  }

  #keyOf(user: string, path: string): string {
    return userFolder(user) + checkUserFilePath(path);
  }

  /** What the uploads of a user share: the sizes of his files, read when the first of them begins. */
  #enter(user: string): Promise<Room> {
    const open = this.#rooms.get(user);
    if (open) return open.then((room) => (room.isClosed ? this.#enter(user) : room));
    const room = this.list(user).then((files) => new Room(new Map(files.map(({ path, sizeBytes }) => [path, sizeBytes])), this.limits.quotaBytes, MAX_FILES));
    this.#rooms.set(user, room);
    room.catch(() => this.#rooms.delete(user));
    return room;
  }

  async #refuseFolder(user: string, path: string): Promise<void> {
    for await (const _ of this.#objects.list(`${this.#keyOf(user, path)}/`)) {
      throw new OpenEOError('FileOperationUnsupported', {}, { detail: `'${path}' is a folder; name a file in it.` });
    }
  }

  /** In a file system no name is a file and a folder; so it is everywhere. */
  async #refuseConflicts(user: string, path: string): Promise<void> {
    await this.#refuseFolder(user, path);
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      const folder = names.slice(0, depth).join('/');
      if (await this.find(user, folder)) throw taken(folder);
    }
  }
}

/** The chunks as long as they are no more than a file may have, and there is room for them. */
async function* bounded(body: AsyncIterable<Uint8Array>, fileBytes: number, take: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of body) {
    received += chunk.length;
    if (received > fileBytes) throw tooLarge(fileBytes);
    take(chunk.length);
    yield chunk;
  }
}

function fileOf({ key, sizeBytes, etag, modified }: ObjectInfo, folder: string): UserFile {
  // Stores tell fractions of a second in listings only.
  return { path: key.slice(folder.length), sizeBytes, etag, modified: modified.replace(/\.\d+Z$/, 'Z'), objectKey: key };
}

const sizeOf = (files: readonly UserFile[]) => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

function tooLarge(fileBytes: number): OpenEOError {
  return new OpenEOError('FileSizeExceeded', { size: `${fileBytes} bytes` });
}

function taken(path: string, cause?: unknown): OpenEOError {
  return new OpenEOError('FileOperationUnsupported', {}, { detail: `A file and a folder can't have the same path ('${path}').`, cause });
}
