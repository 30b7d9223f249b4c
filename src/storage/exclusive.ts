/** One process at a time does something to a file, on file systems that several machines may share. */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OpenEOError } from '../errors.ts';
import { temporaryPrefix } from './keys.ts';

/** The work takes less than a millisecond: a lock this old is of a process that died with it. */
const DEAD_MS = 15_000;
const PATIENCE_MS = 40_000;
const PAUSE_MS = 4;

/**
 * Does `work` while no other process does anything to the same path through this function. The work is
 * synchronous and short, so that nothing can come between its looking and its doing.
 *
 * The lock is a file beside the path, made by `link`, which is atomic also on NFS. One whose process was killed
 * is taken away after some seconds, by exactly one of those who wait.
 *
 * Throws StorageFailure when the lock can't be had for 40 seconds.
 */
export async function exclusively<T>(path: string, work: () => T): Promise<T> {
  const lock = join(dirname(path), `${temporaryPrefix}lock-${basename(path).slice(0, 200)}`);
  await mkdir(dirname(path), { recursive: true });
  const me = randomUUID();
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const result = attempt(lock, me, work);
    if (result !== BUSY) return result;
    if (Date.now() > end) throw new OpenEOError('StorageFailure', {}, { detail: 'An object was locked by others for too long; try again.' });
    await delay(PAUSE_MS * (0.5 + Math.random()));
  }
}

const BUSY = Symbol('busy');

function attempt<T>(lock: string, me: string, work: () => T): T | typeof BUSY {
  if (!take(lock, me)) {
    removeDead(lock);
    return BUSY;
  }
  try {
    return work();
  } finally {
    if (readOrNull(lock) === me) quietly(() => unlinkSync(lock));
  }
}

/** The lock appears with its content or not at all. */
function take(lock: string, me: string): boolean {
  const mine = `${lock}-${me}`;
  try {
    writeFileSync(mine, me);
    linkSync(mine, lock);
    return true;
  } catch (error) {
    // The folder went with its last object: the next attempt finds another one.
    if (['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  } finally {
    quietly(() => unlinkSync(mine));
  }
}

/** A link with the name of exactly this dead lock: only one process can make it, and only that one removes the lock. */
function removeDead(lock: string): void {
  quietly(() => {
    const { ino, mtimeMs } = statSync(lock);
    if (Date.now() - mtimeMs < DEAD_MS) return;
    const grave = `${lock}-dead-${ino}-${Math.round(mtimeMs)}`;
    linkSync(lock, grave);
    // Another process may have removed the dead one meanwhile, and this is the lock of somebody who lives.
    const found = statSync(grave);
    if (found.ino === ino && found.mtimeMs === mtimeMs) quietly(() => unlinkSync(lock));
    unlinkSync(grave);
  });
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Somebody else may have done it, or undone it. */
function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // What is gone needs no removing.
  }
}
