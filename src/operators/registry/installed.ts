/** The operators that are installed, and what a reference to one means. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { OpenEOError } from '../../errors.ts';
import { calledOperator } from '../called-operator.ts';
import { MANIFEST_FILE, OperatorPackageInvalid, readOperator } from '../manifest.ts';
import type { Operator, OperatorRegistry } from '../operator.ts';
import { parseReference, qualifiedName } from '../reference.ts';
import { chooseVersion, compareVersions } from './versions.ts';

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
  return { list: () => sorted, resolve: (reference, options) => resolveReference(sorted, reference, options) };
}

/**
 * 'name' and 'name:latest' mean the newest release, 'name:1' and 'name:1.2' the newest that begins so,
 * 'name:1.2.3' exactly that one, 'name@sha256:…' exactly these files; see reference.ts for what may stand around it.
 */
function resolveReference(newestFirst: readonly Operator[], text: string, options?: Readonly<Record<string, unknown>>): Operator {
  const reference = parseReference(text);
  const versions = newestFirst.filter(({ manifest }) => qualifiedName(manifest) === qualifiedName(reference))
    .map((operator) => ({ operator, version: operator.manifest.version, digest: operator.digest }));
  const found = reference.digest === undefined
    ? chooseVersion(versions, {}, reference.tag)
    : versions.find(({ digest }) => digest === reference.digest);
  if (found) return calledOperator(found.operator, reference, options);
  const names = newestFirst.map(({ manifest }) => `${qualifiedName(manifest)}:${manifest.version}`).join(', ');
  throw new OpenEOError('OperatorNotFound', { operator: text }, { detail: `There are: ${names || 'none'}.` });
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
