/** The files of a ZIP archive, or of a folder, of a stranger: looked at before a byte of them is written. */
import { createReadStream } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { ImportRefused } from './draft.ts';

export interface BundleFile {
  /** With '/', relative to the archive or folder; never leads out of it. */
  readonly path: string;
  /** Bytes; reading gives no more. */
  readonly size: number;
  /** False for links and devices, which are never followed. */
  readonly isPlain: boolean;
  open(): Promise<Readable>;
}

/** Entries that are looked at, folders included. */
const MOST_ENTRIES = 200_000;

/** What lies at `path`. `close` ends reading. Throws ImportRefused for archives that are damaged, encrypted, or lead out of themselves. */
export async function openBundle(path: string): Promise<{ readonly files: readonly BundleFile[]; close(): void }> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    throw new ImportRefused(`${basename(path)} can't be read (${error.code})`, { cause: error });
  });
  if (found.isDirectory()) return { files: await Array.fromAsync(filesOfFolder(path)), close: () => {} };
  return openZip(path);
}

async function openZip(path: string): Promise<{ readonly files: readonly BundleFile[]; close(): void }> {
  let zip: ZipFile | null = null;
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true, strictFileNames: true });
    const files: BundleFile[] = [];
    // yauzl refuses absolute names, '..' and backslashes.
    for await (const entry of zip.eachEntry()) {
      if (zip.entriesRead > MOST_ENTRIES) throw new ImportRefused(`${basename(path)} has more than ${MOST_ENTRIES} entries`);
      if (!entry.fileName.endsWith('/')) files.push(zippedFile(zip, entry, basename(path)));
    }
    const opened = zip;
    return { files, close: () => opened.close() };
  } catch (error) {
    zip?.close();
    throw error instanceof ImportRefused ? error : new ImportRefused(`${basename(path)} is no ZIP archive that can be read: ${(error as Error).message}`, { cause: error });
  }
}

/** The type of a file in the upper half of its attributes, where the archive was made on Unix. */
const TYPE = 0o170000;
const PLAIN = 0o100000;

function zippedFile(zip: ZipFile, entry: Entry, shown: string): BundleFile {
  const type = (entry.externalFileAttributes >>> 16) & TYPE;
  return {
    path: entry.fileName, size: entry.uncompressedSize, isPlain: type === 0 || type === PLAIN,
    async open() {
      if (entry.isEncrypted() || !entry.canDecodeFileData()) throw new ImportRefused(`${shown}: '${entry.fileName}' is encrypted, or packed in a way that is not read; pack it with \`zip -r\``);
      // What unpacks to more than it says is an error of the stream.
      return zip.openReadStreamPromise(entry);
    },
  };
}

async function* filesOfFolder(folder: string): AsyncGenerator<BundleFile> {
  let count = 0;
  for await (const entry of await opendir(folder, { recursive: true })) {
    if (++count > MOST_ENTRIES) throw new ImportRefused(`${basename(folder)} has more than ${MOST_ENTRIES} entries`);
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    yield { path: relative(folder, path), size: entry.isFile() ? (await lstat(path)).size : 0, isPlain: entry.isFile(), open: async () => createReadStream(path) };
  }
}
