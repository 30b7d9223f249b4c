/** Makes the archive of an operator: the same folder gives the same bytes, wherever, whenever and by whomever it is packed. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MANIFEST_FILE, OperatorPackageInvalid, readOperator } from '../manifest.ts';
import type { Operator } from '../operator.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { describeFiles, filesToPack } from './package-files.ts';
import { storedGzip } from './stored-gzip.ts';
import { tarOf, type TarFile } from './tar-writer.ts';

export interface PackedOperator {
  readonly operator: Operator;
  /** Path of the archive. */
  readonly path: string;
  /** Of the archive's bytes, in hexadecimal digits. */
  readonly sha256: string;
  readonly size: number;
}

/** 'ai-compressor-1.2.0.tar.gz' */
export function archiveName({ manifest: { name, version } }: Pick<Operator, 'manifest'>): string {
  return `${name}-${version}.tar.gz`;
}

/**
 * Packs the operator in `folder` as `<name>-<version>.tar.gz` in the folder `to`; an archive of that name is replaced whole or
 * not at all. Throws OperatorPackageInvalid when the package is not what its manifest says.
 */
export async function packOperator(folder: string, to: string): Promise<PackedOperator> {
  const operator = await readOperator(folder);
  const root = `${operator.manifest.name}-${operator.manifest.version}`;
  const manifest = { path: MANIFEST_FILE, size: (await stat(join(folder, MANIFEST_FILE))).size, isExecutable: false };
  // The manifest comes first: who only wants to know what it is reads no further.
  const files: TarFile[] = [manifest, ...await filesToPack(folder, operator.manifest)].map(({ path, size, isExecutable }) => ({ name: `${root}/${path}`, path: join(folder, path), size, isExecutable }));
  const path = join(to, archiveName(operator));
  const { sha256, size } = await writeWhole(path, storedGzip(tarOf(files)));
  return { operator, path, sha256, size };
}

async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<{ sha256: string; size: number }> {
  const sum = createHash('sha256');
  let size = 0;
  const draft = `${path}.${process.pid}.part`;
  try {
    await pipeline(async function* counted() {
      for await (const piece of pieces) {
        sum.update(piece);
        size += piece.length;
        yield piece;
      }
    }, createWriteStream(draft));
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  return { sha256: sum.digest('hex'), size };
}

/**
 * Brings what operator.json says about files up to date: `files` where it has them or is a program, and the digest of the
 * model. Returns true when something changed. Throws OperatorPackageInvalid when there is no manifest to update.
 */
export async function updateFiles(folder: string): Promise<boolean> {
  const path = join(folder, MANIFEST_FILE);
  const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new OperatorPackageInvalid(`${basename(folder)}/${MANIFEST_FILE}`, [`can't be read (${error.code})`], { cause: error });
  });
  const manifest = manifestObject(before, `${basename(folder)}/${MANIFEST_FILE}`);
  const model = manifest['model'] as { file?: unknown; sha256?: unknown } | undefined;
  if (typeof model?.file === 'string') manifest['model'] = { ...model, sha256: await fileDigest(join(folder, model.file)) };
  if (manifest['kind'] === 'exec' || manifest['files'] !== undefined) manifest['files'] = await describeFiles(folder);
  if (JSON.stringify(manifest) === JSON.stringify(JSON.parse(before))) return false;
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
  return true;
}

function manifestObject(json: string, shown: string): Record<string, unknown> {
  try {
    const content: unknown = JSON.parse(json);
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as Record<string, unknown>;
  } catch (error) {
    throw new OperatorPackageInvalid(shown, [`is not JSON: ${(error as Error).message}`], { cause: error });
  }
  throw new OperatorPackageInvalid(shown, ['the document must be an object']);
}
