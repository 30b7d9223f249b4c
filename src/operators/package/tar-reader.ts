/**
 * Reads tar archives of strangers: plain files and folders only. A link, a device or a path that leads out of the archive is
 * refused before a byte of it is written anywhere.
 */
import { isPackagePath } from '../manifest-fields.ts';
import { BLOCK, checksumOf } from './tar-writer.ts';

export interface TarEntry {
  readonly name: string;
  readonly size: number;
  readonly isExecutable: boolean;
  /** The bytes; read to the end before the next entry is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

const MOST_REMARKS = 2 ** 16;

/** What an archive can't be. The message says which entry and why. */
export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused';
}

/** The files of an archive, one after the other. Throws ArchiveRefused. */
export async function* tarEntries(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const source = new Pieces(bytes);
  for (;;) {
    const block = await source.exactly(BLOCK);
    if (block === null) throw new ArchiveRefused('the archive ends in the middle');
    if (block.every((byte) => byte === 0)) return;
    const entry = entryOf(block);
    if (entry.type === 'file') yield { ...entry, content: source.next(entry.size) };
    else if (entry.type === 'remarks') refuseRemarks(await remarksOf(source, entry));
    await source.skip((BLOCK - (entry.size % BLOCK)) % BLOCK);
  }
}

/** pax headers are for what ustar can't say. Times and owners don't matter here; other names and sizes than those checked would. */
function refuseRemarks(text: string): void {
  const word = /^\d+ (path|linkpath|size|GNU\.sparse[^=]*)=/m.exec(text)?.[1];
  if (word !== undefined) throw new ArchiveRefused(`it has a pax header with '${word}'; make it with \`lamina operator pack\` or \`tar --format=ustar\``);
}

async function remarksOf(source: Pieces, { size }: { readonly size: number }): Promise<string> {
  if (size > MOST_REMARKS) throw new ArchiveRefused('it has a pax header that is too long');
  return (await source.exactly(size))?.toString('utf8') ?? '';
}

/** What a header says. */
function entryOf(block: Buffer): Omit<TarEntry, 'content'> & { readonly type: 'file' | 'folder' | 'remarks' } {
  const field = (offset: number, length: number) => block.toString('latin1', offset, offset + length).split('\0', 1)[0]!;
  const stored = Number.parseInt(field(148, 8).trim(), 8);
  if (checksumOf(Buffer.concat([block.subarray(0, 148), Buffer.alloc(8, ' '), block.subarray(156)])) !== stored) throw new ArchiveRefused('it is no tar archive, or it is damaged');
  const folder = field(257, 5) === 'ustar' ? field(345, 155) : '';
  const name = `${folder && `${folder}/`}${field(0, 100)}`.replace(/^(\.\/)+/, '');
  const shown = name.slice(0, 100);
  const type = field(156, 1);
  const size = /^[0-7]+ *$/.test(field(124, 12).trim()) ? Number.parseInt(field(124, 12), 8) : NaN;
  if (!Number.isSafeInteger(size)) throw new ArchiveRefused(`'${shown}' has a size that can't be read`);
  if (type === 'x' || type === 'g') return { type: 'remarks', name, size, isExecutable: false };
  if (type === '5') {
    if (name !== '' && name !== '.' && !isPackagePath(name.replace(/\/$/, ''))) throw new ArchiveRefused(`'${shown}' is no path within the package`);
    return { type: 'folder', name, size: 0, isExecutable: false };
  }
  if (type === '1' || type === '2') throw new ArchiveRefused(`'${shown}' is a link, and packages hold only plain files`);
  if (type !== '0' && type !== '') throw new ArchiveRefused(`'${shown}' is of the type '${type}', and packages hold only plain files with paths of 255 characters at most`);
  if (!isPackagePath(name)) throw new ArchiveRefused(`'${shown}' is no path within the package: letters, digits and ._@+- make its parts, which don't begin with '.'`);
  return { type: 'file', name, size, isExecutable: (Number.parseInt(field(100, 8), 8) & 0o100) !== 0 };
}

/** A stream of pieces that is taken by numbers of bytes. */
class Pieces {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** So many bytes, in pieces. */
  async* next(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0;) {
      const piece = await this.#some();
      if (piece === null) throw new ArchiveRefused('the archive ends in the middle');
      const taken = piece.subarray(0, left);
      this.#rest = piece.subarray(taken.length);
      left -= taken.length;
      yield taken;
    }
  }

  /** So many bytes as one; null at the end of the stream. */
  async exactly(count: number): Promise<Buffer | null> {
    const parts: Uint8Array[] = [];
    try {
      for await (const part of this.next(count)) parts.push(part);
    } catch (error) {
      if (error instanceof ArchiveRefused && parts.length === 0) return null;
      throw error;
    }
    return Buffer.concat(parts);
  }

  async skip(count: number): Promise<void> {
    await this.exactly(count);
  }

  async #some(): Promise<Uint8Array | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done) return null;
      this.#rest = value;
    }
    return this.#rest;
  }
}
