/** What killed processes leave on a disk: half-written objects and the directories they worked in. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { temporaryPrefix } from './keys.ts';

/** Nothing that is alive stays untouched for so long. */
const DEAD_MS = 24 * 60 * 60 * 1000;
const EVERY_MS = 60 * 60 * 1000;

export interface LeftoverPlaces {
  /** Directory of a local object store; absent with S3. */
  readonly objects?: string;
  /** Holds a directory per run. */
  readonly scratch: string;
}

/** Deletes what nobody has written to for a day. Gives how many files and directories went. */
export async function sweepLeftovers({ objects, scratch }: LeftoverPlaces, now = Date.now()): Promise<number> {
  let gone = 0;
  for await (const path of objects === undefined ? [] : temporariesBelow(objects)) gone += await removeDead(path, now);
  for (const name of await entriesOf(scratch)) gone += await removeDead(join(scratch, name.name), now);
  return gone;
}

/** Sweeps now and every hour. The function that it gives ends that. */
export function startSweeping(places: LeftoverPlaces, log: Log): () => void {
  const sweep = () => sweepLeftovers(places).then(
    (gone) => void (gone > 0 && log.info(`Deleted ${gone} leftovers of processes that were killed.`)),
    (error: unknown) => log.warning(`Leftovers could not be deleted: ${String(error)}`),
  );
  void sweep();
  const timer = setInterval(() => void sweep(), EVERY_MS).unref();
  return () => clearInterval(timer);
}

async function* temporariesBelow(folder: string): AsyncGenerator<string> {
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* temporariesBelow(path);
    else if (entry.name.startsWith(temporaryPrefix)) yield path;
  }
}

async function removeDead(path: string, now: number): Promise<number> {
  if (now - (await lastWritten(path)) < DEAD_MS) return 0;
  await rm(path, { recursive: true, force: true });
  return 1;
}

/** The latest change in a file or in anything below a directory; infinite for what is gone meanwhile. */
async function lastWritten(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (!found) return Number.POSITIVE_INFINITY;
  if (!found.isDirectory()) return found.mtimeMs;
  const inside = await Promise.all((await entriesOf(path)).map(({ name }) => lastWritten(join(path, name))));
  return Math.max(found.mtimeMs, ...inside.filter(Number.isFinite));
}

/** Nothing for a directory that is not there (any more). */
function entriesOf(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}
