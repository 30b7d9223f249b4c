/** Copies of objects on the local disk, for readers that can only read files. */
import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { diskFailure } from './failures.ts';

/** What to copy. */
export interface Original {
  /** Content that has the same id is the same. */
  readonly id: string;
  readonly sizeBytes: number;
  open(): Promise<Readable>;
}

interface Copy {
  readonly path: Promise<string>;
  readonly sizeBytes: number;
  users: number;
}

const MAX_BYTES = 4 * 1024 ** 3;

export class LocalCopies {
  readonly #directory: string;
  readonly #maxBytes: number;
  /** The most recently used last. */
  readonly #copies = new Map<string, Copy>();

  /** @param directory where to put them; its own folder in it is made at the first copy */
  constructor(directory: string, maxBytes = MAX_BYTES) {
    this.#directory = join(directory, `copies-${randomUUID()}`);
    this.#maxBytes = maxBytes;
  }

  /** Lends the path of a copy, which stays until the work is done. Throws what opening throws, and StorageFailure for a full disk. */
  async use<T>(original: Original, work: (path: string) => T | Promise<T>): Promise<T> {
    const copy = await this.#take(original);
    try {
      return await work(await copy.path);
    } finally {
      copy.users--;
      await this.#makeRoom();
    }
  }

  /** Deletes all copies. */
  async close(): Promise<void> {
    this.#copies.clear();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** The copy, with one user more: nobody may make room of it from now on. */
  async #take(original: Original): Promise<Copy> {
    const known = this.#copies.get(original.id);
    // Whoever tidies the disk up may have taken it for a leftover.
    const isThere = known !== undefined && await known.path.then((path) => stat(path)).then(() => true, () => false);
    const current = this.#copies.get(original.id);
    // Meanwhile it may have been copied anew, or have made room.
    const usable = current !== known ? current : isThere ? known : undefined;
    const copy = usable ?? { path: this.#write(original), sizeBytes: original.sizeBytes, users: 0 };
    copy.users++;
    this.#copies.delete(original.id);
    this.#copies.set(original.id, copy);
    copy.path.catch(() => {
      if (this.#copies.get(original.id) === copy) this.#copies.delete(original.id);
    });
    return copy;
  }

  async #write(original: Original): Promise<string> {
    await mkdir(this.#directory, { recursive: true });
    const path = join(this.#directory, randomUUID());
    try {
      await pipeline(await original.open(), createWriteStream(path, { flags: 'wx' }));
      return path;
    } catch (error) {
      await rm(path, { force: true });
      throw diskFailure(error);
    }
  }

  /** Those that were not used for longest go first; those in use stay. */
  async #makeRoom(): Promise<void> {
    let total = [...this.#copies.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const [id, copy] of this.#copies) {
      if (total <= this.#maxBytes) return;
      if (copy.users > 0) continue;
      this.#copies.delete(id);
      total -= copy.sizeBytes;
      await copy.path.then((path) => rm(path, { force: true }), () => {});
    }
  }
}
