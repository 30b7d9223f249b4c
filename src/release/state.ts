/** What an interrupted release leaves, so that the next run goes on where it ended: one JSON file, replaced whole after every stage. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digest } from '../cube/digest.ts';
import type { ReleaseSettings } from './context.ts';
import type { Findings, SourceFacts, StageName, StageReport } from './report.ts';

export const STATE_FILE = 'state.json';

export interface ReleaseState {
  /** Of everything that the finished stages depend on. */
  readonly fingerprint: string;
  readonly stages: Partial<Record<StageName, StageReport>>;
  readonly found: Findings;
}

/** Other files, another task set or another excuse: then nothing of an earlier run counts. */
export function fingerprintOf({ files }: SourceFacts, { sets, allowRegression, registry, laminaVersion }: ReleaseSettings): string {
  return digest({ files, sets: sets.map((set) => set.digest), allowRegression: allowRegression ?? null, registry: registry !== null, laminaVersion });
}

/** null: there is none, or none that can be read, or it belongs to something else. */
export async function readState(out: string, fingerprint: string): Promise<ReleaseState | null> {
  try {
    const state = JSON.parse(await readFile(join(out, STATE_FILE), 'utf8')) as ReleaseState;
    return state.fingerprint === fingerprint ? state : null;
  } catch {
    return null;
  }
}

export async function writeState(out: string, state: ReleaseState): Promise<void> {
  await writeWhole(join(out, STATE_FILE), JSON.stringify(state, null, 2));
}

/** Whoever reads the file finds the old or the new content, never a part. */
export async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.part`, `${text}\n`);
  await rename(`${path}.part`, path);
}
