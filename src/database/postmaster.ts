/** postmaster.pid: the note in which a PostgreSQL server says who it is and how far it has come. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './directory-claim.ts';

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** It accepts connections. */
  readonly isReady: boolean;
  /** The process lives and is a server on this very cluster, not another one that got the old number. */
  readonly isOurs: boolean;
}

/** null when no server has left its note. Lines: pid, directory, start time, port, socket, address, shared memory, status. */
export async function readPostmaster(cluster: string): Promise<Postmaster | null> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => null);
  if (text === null) return null;
  const lines = text.split('\n');
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isInteger(pid) || pid === 0) return null;
  const isReady = lines[7]?.trim() === 'ready';
  return { pid, port: Number(lines[3]), isReady, isOurs: (await isAlive(pid)) && (await serves(pid, cluster)) };
}

/**
 * Removes the note when a stranger has its process number: PostgreSQL would take the stranger for a
 * server. When nobody has it, the note stays, because PostgreSQL finds orphaned back-ends by it.
 */
export async function clearStaleMark(cluster: string, mark: Postmaster): Promise<void> {
  if (await isAlive(mark.pid)) await rm(join(cluster, 'postmaster.pid'), { force: true });
}

/** Where /proc is absent (macOS) a living process with that number is taken for the server. */
async function serves(pid: number, cluster: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.split('\0').includes(cluster);
}
