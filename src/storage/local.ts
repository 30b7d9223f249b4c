/** Objects as files of a local directory. Several processes may share it. */
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, createReadStream, createWriteStream, fstatSync, openSync, readFileSync, readSync, renameSync, statSync } from 'node:fs';
import type { Dirent, Stats } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exclusively } from './exclusive.ts';
import { diskFailure } from './failures.ts';
import { checkKey, temporaryPrefix } from './keys.ts';
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions } from './object-store.ts';

/** Files up to this size are read at once, without a detour over other threads. */
const AT_ONCE_BYTES = 2 ** 20;

/** Times that a folder may vanish before it counts as an error. */
const MAX_ATTEMPTS = 20;

type Body = Parameters<ObjectStore['put']>[1];

/**
 * An object store in `directory`, which is made when missing.
 *
 * An object is written under a temporary name, flushed, and then renamed (or linked, when it must not
 * exist yet), so that a reader or a killed process never leaves half an object behind. A full disk is told
 * as StorageFailure.
 */
export function createLocalStore(directory: string): ObjectStore {
  const root = resolve(directory);
  const pathOf = (key: string) => root + sep + checkKey(key).replaceAll('/', sep);
  const room = new Uint8Array(AT_ONCE_BYTES);
  return {
    async put(key, body, options: PutOptions = {}) {
      const path = pathOf(key);
      const temporary = join(dirname(path), temporaryPrefix + randomUUID());
      try {
        await retryWhenFolderVanishes(path, () => writeBody(temporary, body));
        // Asked before it has its name: afterwards somebody else may have replaced it already.
        const info = await infoOf(key, temporary);
        return await commit(temporary, path, options) ? info : null;
      } catch (error) {
        throw diskFailure(error);
      } finally {
        await rm(temporary, { force: true });
      }
    },
    head: (key) => infoOf(key, pathOf(key)),
    async get(key, range) {
      const path = pathOf(key);
      if (range === undefined) return readWhole(path);
      const file = await openOrNull(path);
      if (file === null) return null;
      try {
        const { size } = await file.stat();
        const { first, last } = clamp(range, size);
        const bytes = new Uint8Array(Math.max(0, last - first + 1));
        if (bytes.length > 0) await readFully(file, bytes, first);
        return bytes;
      } finally {
        await file.close();
      }
    },
    async read(key, known) {
      const path = pathOf(key);
      const file = await openOrNull(path);
      if (file === null) return null;
      try {
        const info = describe(key, await file.stat());
        return info.etag === known ? 'unchanged' : { info, bytes: await file.readFile() };
      } finally {
        await file.close();
      }
    },
    glance: (key) => readSmall(pathOf(key), room),
    async stream(key, range) {
      const path = pathOf(key);
      // Opened here, so that an object deleted meanwhile is null and not an error halfway.
      const file = await openOrNull(path);
      if (file === null) return null;
      const { first, last } = clamp(range, (await file.stat()).size);
      if (last < first) {
        await file.close();
        return Readable.from([]);
      }
      return createReadStream(path, { fd: file, start: first, end: last, autoClose: true });
    },
    list: (prefix) => listObjects(directory, prefix),
    async delete(key) {
      const path = pathOf(key);
      await rm(path, { force: true });
      await removeEmptyFolders(directory, dirname(path));
    },
  };
}

/**
 * A whole file; null when there is none. Cached blocks and tiles are small and mostly in the page cache:
 * handing such a read to a thread costs ten times what it takes.
 */
async function readWhole(path: string): Promise<Uint8Array | null> {
  try {
    const file = openSync(path, 'r');
    try {
      const found = fstatSync(file);
      if (!found.isFile()) return null;
      if (found.size <= AT_ONCE_BYTES) return readFileSync(file);
    } finally {
      closeSync(file);
    }
    return await readFile(path);
  } catch (error) {
    return nullWhenAbsent(error);
  }
}

/** A file that fits into `room`, read into it; whatever is in the way is for `readWhole` to tell. */
function readSmall(path: string, room: Uint8Array): Uint8Array | undefined {
  try {
    const file = openSync(path, 'r');
    try {
      // A file is never changed in place, so one call reads it whole; one that fills the room may be longer.
      const length = readSync(file, room);
      return length < room.length ? room.subarray(0, length) : undefined;
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}

async function writeBody(path: string, body: Body): Promise<void> {
  if (body instanceof Uint8Array) await writeFile(path, body, { flag: 'wx', flush: true });
  else if (body instanceof Readable) await pipeline(body, createWriteStream(path, { flags: 'wx', flush: true }));
  else await copyFile(body.path, path);
}

/** Another process may remove a folder that it found empty between our making and our using it. */
async function retryWhenFolderVanishes(path: string, write: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      // It fails like the writing, or with ENOTDIR, when a folder above goes away while it works its way down.
      await mkdir(dirname(path), { recursive: true });
      return await write();
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR') || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Gives the temporary file its name; false when it had to be new and something has the name, or when another ETag was expected. */
async function commit(temporary: string, path: string, { ifAbsent, ifMatch }: PutOptions): Promise<boolean> {
  if (ifMatch !== undefined) return exclusively(path, () => swap(temporary, path, ifMatch));
  if (!ifAbsent) {
    await rename(temporary, path);
    return true;
  }
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function swap(temporary: string, path: string, ifMatch: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || etagOf(found) !== ifMatch) return false;
  renameSync(temporary, path);
  return true;
}

async function infoOf(key: string, path: string): Promise<ObjectInfo | null> {
  const found = await stat(path, { bigint: false }).catch(nullWhenAbsent);
  return found?.isFile() ? describe(key, found) : null;
}

function describe(key: string, found: Stats): ObjectInfo {
  return { key, sizeBytes: found.size, etag: etagOf(found), modified: found.mtime.toISOString() };
}

/** Made of what changes with every commit: inode, size and modification time. */
function etagOf({ ino, size, mtimeMs }: Stats): string {
  return createHash('sha256').update(`${ino}-${size}-${mtimeMs}`).digest('hex').slice(0, 32);
}

async function* listObjects(directory: string, prefix: string): AsyncIterable<ObjectInfo> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (folder !== '') checkKey(folder.slice(0, -1));
  for await (const path of filesBelow(join(directory, ...folder.split('/')))) {
    const key = relative(directory, path).split(sep).join('/');
    const info = key.startsWith(prefix) ? await infoOf(key, path) : null;
    if (info !== null) yield info;
  }
}

async function* filesBelow(folder: string): AsyncIterable<string> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => nullWhenAbsent(error) ?? []);
  for (const entry of entries.sort((a, b) => compareKeys(a, b))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile() && !entry.name.startsWith(temporaryPrefix)) yield path;
  }
}

/** Order of whole keys, as S3 lists them: a folder sorts as its name with the slash. */
function compareKeys(a: Dirent, b: Dirent): number {
  const [first, second] = [a, b].map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)) as [string, string];
  return first < second ? -1 : 1;
}

async function openOrNull(path: string) {
  const file = await open(path, 'r').catch(nullWhenAbsent);
  if (file === null || (await file.stat()).isFile()) return file;
  await file.close();
  return null;
}

async function readFully(file: Awaited<ReturnType<typeof open>>, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error('The object ended before its size.');
    done += bytesRead;
  }
}

function clamp(range: ByteRange | undefined, size: number): ByteRange {
  return range === undefined ? { first: 0, last: size - 1 } : { first: range.first, last: Math.min(range.last, size - 1) };
}

/** Empty folders go with their last object; a folder that fills meanwhile stays. */
async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let current = folder; current !== root && current.startsWith(root); current = dirname(current)) {
    try {
      await rmdir(current);
    } catch {
      return;
    }
  }
}

function nullWhenAbsent(error: unknown): null {
  if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
  throw error;
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? '');
}
