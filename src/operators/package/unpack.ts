/** Unpacks archives of operators, which may come from anybody: into a new folder, checked, whole or not at all. */
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { LARGEST_MANIFEST, MANIFEST_FILE, OperatorPackageInvalid, parseManifest, readOperator } from '../manifest.ts';
import type { Operator, OperatorManifest } from '../operator.ts';
import { ArchiveRefused, tarEntries, type TarEntry } from './tar-reader.ts';

export interface UnpackLimits {
  /** Of all files together, unpacked. */
  readonly bytes: number;
  readonly files: number;
}

/** Beyond these an archive is refused while it is read. */
export const usualLimits: UnpackLimits = { bytes: 16 * 2 ** 30, files: 10_000 };

/**
 * Unpacks an archive (its path, or its bytes as they arrive) into `folder`, which must not exist yet, and checks every file
 * against the manifest. Throws OperatorPackageInvalid for links, paths that lead out, files that are too large, too many,
 * twice there or not listed, and for whatever readOperator finds; then nothing of it remains.
 */
export async function unpackOperator(archive: string | AsyncIterable<Uint8Array>, folder: string, limits = usualLimits): Promise<Operator> {
  const shown = typeof archive === 'string' ? basename(archive) : 'the archive';
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(`${folder}.`);
  try {
    const names: string[] = [];
    await refusing(shown, async () => {
      for await (const entry of entriesOf(archive, limits)) {
        await write(entry, draft);
        names.push(entry.name);
      }
    });
    const operator = await readOperator(draft);
    refuseUnlisted(names, operator.manifest, shown);
    // Programs may run as another user.
    await chmod(draft, 0o755);
    await rename(draft, folder);
    return { ...operator, folder: async () => folder };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The manifest of an archive; reads no further than to it. Throws OperatorPackageInvalid. */
export async function manifestOfArchive(archive: string): Promise<OperatorManifest> {
  const shown = basename(archive);
  return refusing(shown, async () => {
    for await (const entry of entriesOf(archive, usualLimits)) {
      if (entry.name !== MANIFEST_FILE) break;
      if (entry.size > LARGEST_MANIFEST) throw new ArchiveRefused(`${MANIFEST_FILE} is larger than the ${LARGEST_MANIFEST} bytes that are read`);
      return parseManifest(Buffer.concat(await Array.fromAsync(entry.content)).toString('utf8'), `${shown}/${MANIFEST_FILE}`);
    }
    throw new ArchiveRefused(`${MANIFEST_FILE} is not its first file`);
  });
}

/** Faults of gzip and tar in the words of a package's faults. */
async function refusing<T>(shown: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ArchiveRefused) throw new OperatorPackageInvalid(shown, [error.message], { cause: error });
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code.startsWith('Z_')) throw new OperatorPackageInvalid(shown, [`is no whole gzip file (${code})`], { cause: error });
    if (code === 'ENOENT' || code === 'EISDIR') throw new OperatorPackageInvalid(shown, [`can't be read (${code})`], { cause: error });
    throw error;
  }
}

/** The files of an archive without the folder that they all lie in, within the limits. */
async function* entriesOf(archive: string | AsyncIterable<Uint8Array>, limits: UnpackLimits): AsyncGenerator<TarEntry> {
  const source = typeof archive === 'string' ? createReadStream(archive) : Readable.from(archive);
  const gunzip = createGunzip();
  // Whoever reads the unpacked bytes hears of the error.
  source.on('error', (error: Error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    yield* within(limits, tarEntries(gunzip));
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

async function* within(limits: UnpackLimits, entries: AsyncIterable<TarEntry>): AsyncGenerator<TarEntry> {
  const names = new Set<string>();
  let bytes = 0;
  let root: string | null = null;
  for await (const entry of entries) {
    const slash = entry.name.indexOf('/');
    root ??= entry.name.endsWith(`/${MANIFEST_FILE}`) && slash === entry.name.lastIndexOf('/') ? entry.name.slice(0, slash + 1) : '';
    if (!entry.name.startsWith(root)) throw new ArchiveRefused(`'${entry.name}' does not lie in '${root}', as ${MANIFEST_FILE} does, which must be the first file`);
    const name = entry.name.slice(root.length);
    bytes += entry.size;
    if (bytes > limits.bytes) throw new ArchiveRefused(`it unpacks to more than ${limits.bytes} bytes`);
    if (names.has(name)) throw new ArchiveRefused(`'${name}' is in it twice`);
    names.add(name);
    if (names.size > limits.files) throw new ArchiveRefused(`it has more than ${limits.files} files`);
    yield { ...entry, name };
  }
  if (names.size === 0) throw new ArchiveRefused('it is empty');
}

/** 'wx', because on a file system that does not tell upper from lower case two names may be one file. */
async function write(entry: TarEntry, folder: string): Promise<void> {
  const path = join(folder, entry.name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(entry.content, createWriteStream(path, { flags: 'wx', mode: entry.isExecutable ? 0o755 : 0o644 }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOTDIR') throw new ArchiveRefused(`'${entry.name}' is in it twice, or a file and a folder`, { cause: error });
    throw error;
  }
}

/** A digest names the listed files only, so there must be no others that the program could read. */
function refuseUnlisted(names: readonly string[], { files }: OperatorManifest, shown: string): void {
  if (!files) return;
  const unlisted = names.filter((name) => name !== MANIFEST_FILE && !Object.hasOwn(files, name)).map((name) => `'${name}' is in the archive and not in 'files'`);
  if (unlisted.length > 0) throw new OperatorPackageInvalid(shown, unlisted.slice(0, 20));
}
