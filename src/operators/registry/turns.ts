/** Long work that one process of a machine does while the others wait. */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Who has the turn shows every BEAT that he lives; after DEAD without it the turn is free. */
const BEAT_MS = 2000;
const DEAD_MS = 12_000;
const PAUSE_MS = 60;

/**
 * Does `work` when it is this process's turn; `path` is the file that says whose it is. That two work at once is rare (a process that
 * was stopped for long and goes on) and must do no harm: who waits should see first whether there is anything left to do.
 */
export async function takeTurns<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  while (!await take(path)) {
    await freeWhenDead(path);
    await delay(PAUSE_MS * (0.5 + Math.random()));
  }
  const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** One of those who wait renames the file away; for the others it is gone then. */
async function freeWhenDead(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found || Date.now() - found.mtimeMs < DEAD_MS) return;
  const grave = `${path}.${randomUUID()}`;
  await rename(path, grave).then(() => rm(grave, { force: true }), () => {});
}
