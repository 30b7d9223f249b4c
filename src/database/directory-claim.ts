/** A directory belongs to one living process at a time: a lock file that a killed owner can't leave behind for good. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Claim {
  release(): Promise<void>;
}

/** Throws an Error with one clear line when another living process holds the directory. */
export async function claimDirectory(directory: string): Promise<Claim> {
  const file = join(directory, 'owner');
  const mine = await identity(process.pid);
  for (;;) {
    try {
      await writeFile(file, mine, { flag: 'wx', mode: 0o600 });
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = (await readFile(file, 'utf8').catch(() => '')).trim();
    const pid = Number(owner.split(' ')[0]);
    if (owner !== '' && (await identity(pid)) === owner) {
      throw new Error(`The data directory ${directory} is in use by process ${pid}. Stop it, or choose another directory with LAMINA_DATA.`);
    }
    await rm(file, { force: true });
  }
}

/** True for a process that runs; false for one that has ended, also while its parent has not noticed (zombie). */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, but belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return (await processState(pid))?.state !== 'Z';
}

/** Process number and start time: numbers come round again, most of all in containers. '' when it does not run. */
async function identity(pid: number): Promise<string> {
  if (!(await isAlive(pid))) return '';
  return `${pid} ${(await processState(pid))?.started ?? '-'}`;
}

/** null where /proc is absent. */
async function processState(pid: number): Promise<{ state: string; started: string } | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  // The second field is the program's name in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, started: fields[19]! };
}
