/** How far ingests of large files have come, so that one that was interrupted goes on where it was. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Records of a source that are in the catalog. */
export interface Progress {
  readonly records: number;
  readonly items: number;
  readonly changed: number;
  readonly refused: number;
}

export interface Checkpoints {
  /** Where an ingest of this content into this collection stopped; null when there was none, or it came to its end. */
  find(collection: string, source: { readonly name: string; readonly version: string }): Promise<Progress | null>;
  keep(collection: string, source: { readonly name: string; readonly version: string }, progress: Progress): Promise<void>;
  drop(collection: string, source: { readonly name: string; readonly version: string }): Promise<void>;
}

/** Kept as files of a folder, one per collection and source. */
export function checkpointsIn(folder: string): Checkpoints {
  const pathOf = (collection: string, name: string) => join(folder, `${createHash('sha256').update(`${collection}\0${name}`).digest('hex').slice(0, 32)}.json`);
  return {
    async find(collection, { name, version }) {
      const text = await readFile(pathOf(collection, name), 'utf8').catch(() => null);
      if (text === null) return null;
      const kept = parsed(text);
      // Another content has other records.
      return kept?.version === version ? kept.progress : null;
    },
    async keep(collection, { name, version }, progress) {
      const path = pathOf(collection, name);
      await mkdir(folder, { recursive: true });
      await writeFile(`${path}.new`, JSON.stringify({ collection, name, version, progress }));
      await rename(`${path}.new`, path);
    },
    drop: (collection, { name }) => rm(pathOf(collection, name), { force: true }),
  };
}

function parsed(text: string): { version: string; progress: Progress } | null {
  try {
    return JSON.parse(text) as { version: string; progress: Progress };
  } catch {
    // Half a file of a machine that stopped: the ingest begins anew, which changes nothing.
    return null;
  }
}
