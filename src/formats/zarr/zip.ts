/** A ZIP file of uncompressed entries, written one after the other; beyond 4 GiB it is ZIP64. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/** Entries say no date of their own, so that equal contents give equal files. The earliest that ZIP knows. */
const DATE = new Date(1980, 0, 1);
const READABLE_BY_ALL = 0o100644;

export class ZipWriter {
  readonly #zip = new ZipFile();
  readonly #written: Promise<void>;
  #failure: Error | undefined;

  /** Creates a file at a path where there is none. */
  constructor(path: string, signal: AbortSignal) {
    this.#written = pipeline(this.#zip.outputStream, createWriteStream(path, { flags: 'wx' }), { signal });
    // Seen by the next add() or by finish(); nobody waits for it before.
    this.#written.catch((error: Error) => {
      this.#failure = error;
    });
  }

  /** Adds an entry and waits until it has left memory. Throws what writing threw. */
  async add(name: string, bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    // The archive keeps what an entry was made with until its end: what it keeps must let go of the bytes.
    const held: { bytes: Uint8Array | null } = { bytes };
    const options = { size: bytes.byteLength, compress: false, mtime: DATE, forceDosTimestamp: true, mode: READABLE_BY_ALL };
    const passed = new Promise<void>((resolve, reject) => {
      this.#zip.addReadStreamLazy(name, options, (start) => {
        const source = Readable.from([held.bytes!], { objectMode: false });
        held.bytes = null;
        source.once('close', resolve);
        source.once('error', reject);
        start(null, source);
      });
    });
    await Promise.race([passed, this.#written]);
    if (this.#failure) throw this.#failure;
  }

  /** Writes the directory and waits for the disk. */
  async finish(): Promise<void> {
    this.#zip.end();
    await this.#written;
  }

  /** Gives up: the unfinished file is the caller's to remove. */
  async abandon(): Promise<void> {
    this.#zip.outputStream.unpipe();
    (this.#zip.outputStream as Readable).destroy(new Error('abandoned'));
    await this.#written.catch(() => undefined);
  }
}
