/** The room that a user has left while he uploads: concurrent uploads must not have it twice. */
import { OpenEOError } from '../errors.ts';

export class Room {
  /** Path → bytes of the files that are there. */
  readonly #files: Map<string, number>;
  readonly #quotaBytes: number;
  readonly #maxFiles: number;
  #used: number;
  /** Bytes of uploads under way. */
  #arriving = 0;
  #uploads = 0;
  /** The last upload has ended: what is known here may be old. */
  isClosed = false;

  constructor(files: Map<string, number>, quotaBytes: number, maxFiles: number) {
    this.#files = files;
    this.#used = [...files.values()].reduce((sum, size) => sum + size, 0);
    this.#quotaBytes = quotaBytes;
    this.#maxFiles = maxFiles;
  }

  /** Begins an upload. */
  claim(path: string): Claim {
    this.#uploads++;
    let bytes = 0;
    return {
      check: (more) => this.#check(path, more),
      grow: (more) => {
        this.#check(path, more);
        this.#arriving += more;
        bytes += more;
      },
      keep: (size) => this.#set(path, size),
      end: () => {
        this.#arriving -= bytes;
        this.#uploads--;
        this.isClosed = this.#uploads === 0;
        return this.isClosed;
      },
    };
  }

  /** A file was deleted meanwhile. */
  forget(path: string): void {
    this.#set(path, 0);
    this.#files.delete(path);
  }

  #set(path: string, size: number): void {
    this.#used += size - (this.#files.get(path) ?? 0);
    this.#files.set(path, size);
  }

  #check(path: string, more: number): void {
    const known = this.#files.get(path);
    if (known === undefined && this.#files.size + this.#uploads > this.#maxFiles) throw full(`A user may have ${this.#maxFiles} files; delete some first.`);
    const free = this.#quotaBytes - this.#used + (known ?? 0) - this.#arriving;
    if (more > free) throw full(`Of ${this.#quotaBytes} bytes ${Math.max(0, free)} are free; delete files first.`);
  }
}

/** One upload. */
export interface Claim {
  /** Throws StorageQuotaExceeded when there is no room for one file or for so many bytes more. */
  check(bytes: number): void;
  /** So many bytes more have come; throws as `check` does. */
  grow(bytes: number): void;
  /** The file is there now. */
  keep(sizeBytes: number): void;
  /** The upload is over, well or not. True when it was the last one. */
  end(): boolean;
}

function full(detail: string): OpenEOError {
  return new OpenEOError('StorageQuotaExceeded', {}, { detail });
}
