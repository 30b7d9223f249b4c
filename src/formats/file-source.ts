/** Bytes of local files, through a bounded set of open handles. */
import { statSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { missing, unreadable } from './byte-source.ts';
import type { ByteSource } from './raster-file.ts';

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  readers: number;
  evicted: boolean;
}

/**
 * Opens files when they are read and keeps the most recently used handles, at most `limit`. A handle
 * that is being read from is closed after the read.
 */
export class FileHandles {
  readonly #limit: number;
  readonly #files = new Map<string, OpenFile>();

  constructor(limit = 128) {
    this.#limit = limit;
  }

  /** Number of handles open now. */
  get size(): number {
    return this.#files.size;
  }

  /** Lends the handle of a file. `version` keeps a replaced file apart from its successor. */
  async use<T>(path: string, version: string, action: (handle: FileHandle) => Promise<T>): Promise<T> {
    const key = `${path}\0${version}`;
    const file = this.#files.get(key) ?? { handle: open(path, 'r'), readers: 0, evicted: false };
    this.#files.delete(key);
    this.#files.set(key, file);
    file.readers++;
    this.#evict();
    try {
      return await action(await file.handle);
    } catch (error) {
      this.#drop(key, file);
      throw error;
    } finally {
      file.readers--;
      if (file.evicted && file.readers === 0) await closeQuietly(file);
    }
  }

  /** Closes every handle; those being read from afterwards. */
  async close(): Promise<void> {
    const files = [...this.#files.entries()];
    for (const [key, file] of files) this.#drop(key, file);
    await Promise.all(files.filter(([, file]) => file.readers === 0).map(([, file]) => closeQuietly(file)));
  }

  #evict(): void {
    for (const [key, file] of this.#files) {
      if (this.#files.size <= this.#limit) return;
      this.#drop(key, file);
      if (file.readers === 0) void closeQuietly(file);
    }
  }

  #drop(key: string, file: OpenFile): void {
    if (this.#files.get(key) === file) this.#files.delete(key);
    file.evicted = true;
  }
}

/**
 * The bytes of a local file. Throws FileNotFound when there is none, FileContentInvalid when it is not
 * a regular file or has changed since it was opened.
 */
export async function openFileSource(path: string, handles: FileHandles): Promise<ByteSource> {
  const info = infoOf(path);
  if (!info.isFile()) throw unreadable({ id: path }, 'it is not a regular file');
  const version = versionOf(info);
  return {
    id: path,
    sizeBytes: info.size,
    version,
    read: (offset, length, signal) => {
      signal?.throwIfAborted();
      return handles.use(path, version, (handle) => readFully(handle, path, version, offset, Math.min(length, info.size - offset)));
    },
  };
}

/** At once: asked for each block that is looked up, and a detour over another thread costs ten times as much. */
function infoOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw missing(path, cause);
  }
}

async function readFully(handle: FileHandle, path: string, version: string, offset: number, length: number): Promise<Uint8Array> {
  if (length <= 0) return new Uint8Array(0);
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw unreadable({ id: path }, versionOf(await handle.stat()) === version ? 'it ends early' : 'it changed while it was read');
    filled += bytesRead;
  }
  return buffer;
}

const versionOf = (info: { readonly size: number; readonly mtimeMs: number }) => `${info.size}-${info.mtimeMs}`;

async function closeQuietly(file: OpenFile): Promise<void> {
  // A handle that never opened has nothing to close, and its error was thrown to who wanted to read.
  await file.handle.then((handle) => handle.close()).catch(() => {});
}
