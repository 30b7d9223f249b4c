/** The operators that are installed, and what a reference to one means. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenEOError } from '../../errors.ts';
import { MANIFEST_FILE, OperatorPackageInvalid, readOperator } from '../manifest.ts';
import type { Operator, OperatorRegistry } from '../operator.ts';

const REFERENCE = /^(?<name>[a-z][a-z0-9_-]*)(?::(?<tag>latest|\d+(?:\.\d+){0,2})|@(?<digest>sha256:[0-9a-f]{64}))?$/;

/**
 * Opens every package in a directory: its folders that hold an operator.json. A package that is broken
 * throws OperatorPackageInvalid rather than being left out, and so do two of one name and version.
 */
export async function openRegistry(directory: string): Promise<OperatorRegistry> {
  const operators: Operator[] = [];
  for (const folder of await packageFolders(directory)) operators.push(await readOperator(folder));
  return createRegistry(operators);
}

/** A registry of these operators. */
export function createRegistry(operators: readonly Operator[]): OperatorRegistry {
  const sorted = operators.toSorted(byNameThenNewest);
  sorted.forEach((operator, i) => {
    const next = sorted[i + 1];
    if (next && byNameThenNewest(operator, next) === 0) {
      throw new OperatorPackageInvalid(MANIFEST_FILE, [`two packages are '${operator.manifest.name}' version ${operator.manifest.version}`]);
    }
  });
  return { list: () => sorted, resolve: (reference) => resolveReference(sorted, reference) };
}

/**
 * 'name' and 'name:latest' mean the newest version, 'name:1' and 'name:1.2' the newest that begins so,
 * 'name:1.2.3' exactly that one, 'name@sha256:…' exactly these files.
 */
function resolveReference(newestFirst: readonly Operator[], reference: string): Operator {
  const parts = REFERENCE.exec(reference)?.groups;
  const found = newestFirst.find((operator) => parts !== undefined && answersTo(operator, parts));
  if (found) return found;
  const names = newestFirst.map(({ manifest }) => `${manifest.name}:${manifest.version}`).join(', ');
  const detail = parts ? `There are: ${names || 'none'}.` : `Write 'name', 'name:version' or 'name@sha256:…'. There are: ${names || 'none'}.`;
  throw new OpenEOError('OperatorNotFound', { operator: reference }, { detail });
}

function answersTo({ manifest, digest }: Operator, parts: Record<string, string | undefined>): boolean {
  if (manifest.name !== parts['name']) return false;
  if (parts['digest'] !== undefined) return digest === parts['digest'];
  const tag = parts['tag'] ?? 'latest';
  return tag === 'latest' || `${manifest.version}.`.startsWith(`${tag}.`);
}

function byNameThenNewest(a: Operator, b: Operator): number {
  if (a.manifest.name !== b.manifest.name) return a.manifest.name < b.manifest.name ? -1 : 1;
  const [va, vb] = [a, b].map(({ manifest }) => manifest.version.split('.').map(Number)) as [number[], number[]];
  return va.map((part, i) => vb[i]! - part).find((difference) => difference !== 0) ?? 0;
}

async function packageFolders(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => join(directory, entry.name));
  const held = await Promise.all(folders.map((folder) => stat(join(folder, MANIFEST_FILE)).then(() => true, () => false)));
  return folders.filter((_, i) => held[i]).toSorted();
}
