/** The operators that are installed, and what a reference to one means. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MANIFEST_FILE, OperatorPackageInvalid, readOperator } from '../manifest.ts';
import type { Operator, OperatorRegistry } from '../operator.ts';
import { qualifiedName } from '../reference.ts';
import { offered, resolveAmong, type KnownOperator } from './resolve.ts';
import { compareVersions } from './versions.ts';

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
  const known = new Map(sorted.map(({ manifest }) => [qualifiedName(manifest), { tags: {}, versions: versionsOf(sorted, qualifiedName(manifest)) }]));
  const list = offered(known);
  return { list: () => list, resolve: (reference, options) => resolveAmong(known, reference, options) };
}

function versionsOf(operators: readonly Operator[], name: string): readonly KnownOperator[] {
  return operators.filter(({ manifest }) => qualifiedName(manifest) === name).map((operator) => ({ operator, version: operator.manifest.version, digest: operator.digest }));
}

function byNameThenNewest({ manifest: a }: Operator, { manifest: b }: Operator): number {
  const [nameA, nameB] = [qualifiedName(a), qualifiedName(b)];
  return nameA === nameB ? compareVersions(b.version, a.version) : nameA < nameB ? -1 : 1;
}

async function packageFolders(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map((entry) => join(directory, entry.name));
  const held = await Promise.all(folders.map((folder) => stat(join(folder, MANIFEST_FILE)).then(() => true, () => false)));
  return folders.filter((_, i) => held[i]).toSorted();
}
