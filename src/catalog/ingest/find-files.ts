/** The raster files behind a list of folders and files. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Refusal } from './report.ts';

const RASTER = /\.tiff?$/i;

export interface FoundFiles {
  /** Absolute paths, sorted. */
  readonly files: readonly string[];
  readonly refused: readonly Refusal[];
}

/** Looks through folders at any depth; files that are named are taken whatever they are called. */
export async function findFiles(paths: readonly string[]): Promise<FoundFiles> {
  const files = new Set<string>();
  const refused: Refusal[] = [];
  for (const path of paths) {
    try {
      const found = await filesUnder(resolve(path));
      for (const file of found) files.add(file);
      if (found.length === 0) refused.push({ source: path, reason: 'it has no GeoTIFF file (*.tif, *.tiff)' });
    } catch (error) {
      refused.push({ source: path, reason: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it does not exist' : (error as Error).message });
    }
  }
  return { files: [...files].sort(), refused };
}

async function filesUnder(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory() && RASTER.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
}
