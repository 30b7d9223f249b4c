/** How the files of two packages differ. */
import { join } from 'node:path';
import { MANIFEST_FILE } from '../manifest.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { findFiles } from './package-files.ts';

export interface FileDifference {
  readonly path: string;
  /** 'added': only in the second folder; 'mode': the same bytes, but only one of them can be executed. */
  readonly change: 'added' | 'removed' | 'changed' | 'mode';
}

/** What has to happen to the package in the first folder to become that of the second, by path. Throws OperatorPackageInvalid for links and odd names. */
export async function differenceOf(first: string, second: string): Promise<readonly FileDifference[]> {
  const [before, after] = await Promise.all([filesOf(first), filesOf(second)]);
  const paths = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  return paths.flatMap((path): FileDifference[] => {
    const [old, now] = [before.get(path), after.get(path)];
    if (!old) return [{ path, change: 'added' }];
    if (!now) return [{ path, change: 'removed' }];
    if (old.sha256 !== now.sha256) return [{ path, change: 'changed' }];
    return old.isExecutable === now.isExecutable ? [] : [{ path, change: 'mode' }];
  });
}

async function filesOf(folder: string): Promise<Map<string, { readonly sha256: string; readonly isExecutable: boolean }>> {
  const files = [{ path: MANIFEST_FILE, isExecutable: false }, ...await findFiles(folder)];
  return new Map(await Promise.all(files.map(async ({ path, isExecutable }) => [path, { sha256: await fileDigest(join(folder, path)), isExecutable }] as const)));
}
