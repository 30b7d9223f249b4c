/** Writes the files of a bundle: into a folder, or as a .tar.gz that unpacks to one. */
import { createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { tarOf } from '../operators/package/tar-writer.ts';

export interface BundledFile {
  /** Path in the bundle, with '/'. */
  readonly name: string;
  /** Path of the file that is copied. */
  readonly path: string;
  readonly isExecutable?: boolean;
}

/** What was written. */
export interface WrittenBundle {
  readonly files: number;
  /** Of all files, before they are compressed. */
  readonly bytes: number;
}

const ARCHIVE = /\.(tar\.gz|tgz)$/;

/** `target`: an archive by its ending, else a folder that is empty or not there yet. Throws an Error for one that is not; a failure leaves nothing. */
export async function writeBundle(files: readonly BundledFile[], target: string): Promise<WrittenBundle> {
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
  if (ARCHIVE.test(target)) await writeArchive(files.map((file, i) => ({ ...file, size: sizes[i]! })), resolve(target));
  else await writeFolder(files, resolve(target));
  return { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function writeArchive(files: readonly (BundledFile & { size: number })[], target: string): Promise<void> {
  const root = basename(target).replace(ARCHIVE, '');
  const draft = `${target}.${process.pid}.part`;
  await mkdir(dirname(target), { recursive: true });
  try {
    const entries = files.map(({ name, path, size, isExecutable = false }) => ({ name: `${root}/${name}`, path, size, isExecutable }));
    await pipeline(tarOf(entries), createGzip(), createWriteStream(draft));
    await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
}

async function writeFolder(files: readonly BundledFile[], target: string): Promise<void> {
  const found = await readdir(target).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Error(error.code === 'ENOTDIR' ? `${target} is a file: a bundle is a folder, or a file that ends in .tar.gz` : error.message, { cause: error });
  });
  if (found !== null && found.length > 0) throw new Error(`${target} is not empty: a bundle goes into a folder of its own`);
  try {
    for (const { name, path, isExecutable = false } of files) {
      const to = join(target, name);
      await mkdir(dirname(to), { recursive: true });
      await copyFile(path, to);
      await chmod(to, isExecutable ? 0o755 : 0o644);
    }
  } catch (error) {
    await rm(target, { recursive: true, force: true });
    throw error;
  }
}
