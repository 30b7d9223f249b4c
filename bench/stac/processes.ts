/** What processes cost: their processor time and memory, read from /proc. */
import { readdirSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';

const TICKS_PER_SECOND = 100;

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number));
}

/** Processor time of a process in seconds, user and system: its own, and that of children which have ended. */
function secondsOf(pid: number | 'self'): { own: number; ended: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the name, which may have blanks in it, the third field is the first.
  const [user, system, endedUser, endedSystem] = text.slice(text.lastIndexOf(')') + 2).split(' ').slice(11, 15).map(Number);
  return { own: (user! + system!) / TICKS_PER_SECOND, ended: (endedUser! + endedSystem!) / TICKS_PER_SECOND };
}

/** A process that ended while it was looked at is counted by its parent the next time. */
function whileThere<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}

/** Processor time in seconds of a process and of all below it, those that have ended among them. */
export function treeSeconds(pid: number): number {
  return whileThere(() => {
    const { own, ended } = secondsOf(pid);
    return childrenOf(pid).reduce((sum, child) => sum + treeSeconds(child), own + ended);
  }, 0);
}

/** Processor time in seconds of the children of this process that have ended. */
export const endedChildrenSeconds = () => secondsOf('self').ended;

/** Memory of a process and of all below it in MB; what several share is counted once (PSS). */
export function treeMegabytes(pid: number): number {
  return whileThere(() => {
    const own = Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1000;
    return childrenOf(pid).reduce((sum, child) => sum + treeMegabytes(child), own);
  }, 0);
}

export const parentOf = (pid: number) => Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);

/** Tells, each time, the load of now and what share of the processors the host took since the last time. */
export function watchMachine(): () => string {
  const look = () => readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.trim().split(/\s+/).slice(1, 9).map(Number);
  let before = look();
  return () => {
    const now = look();
    const passed = now.map((ticks, i) => ticks - before[i]!);
    before = now;
    const all = passed.reduce((sum, ticks) => sum + ticks, 0);
    return `load ${loadavg()[0]!.toFixed(1)}, steal ${((100 * passed[7]!) / Math.max(1, all)).toFixed(0)} %`;
  };
}
