/** Limits that the kernel keeps for each process: a second line behind the watch, which sees all processes of a run together. */
import type { OperatorManifest } from '../operators/operator.ts';
import type { Limits } from './program.ts';

/** For operators whose manifest says nothing. */
const USUAL: Limits = { seconds: 300, memoryBytes: 2 * 2 ** 30, processes: 256, diskBytes: 2 * 2 ** 30 };

/** The limits of a call: what the manifest asks for, but not more than `most` allows. */
export function limitsOf({ resources }: OperatorManifest, most: Partial<Limits> = {}): Limits {
  const wanted: Limits = {
    ...USUAL,
    ...(resources?.seconds === undefined ? {} : { seconds: resources.seconds }),
    ...(resources?.memory_mib === undefined ? {} : { memoryBytes: resources.memory_mib * 2 ** 20 }),
  };
  const least = (key: keyof Limits) => Math.min(wanted[key], most[key] ?? Number.POSITIVE_INFINITY);
  return { seconds: least('seconds'), memoryBytes: least('memoryBytes'), processes: least('processes'), diskBytes: least('diskBytes') };
}

/** Limits of the kernel lie above those of the watch, which says why it ends a run; the kernel stops what is quicker than the watch. */
export function beyond(limit: number): number {
  return Math.ceil(limit * 1.25);
}

/**
 * The command under prlimit (util-linux). Data is limited and not address space: a Node reserves gigabytes that it
 * never touches. The number of processes is that of an account, so it is limited only where the account is the run's own.
 */
export function limited(command: readonly string[], limits: Limits, { processes }: { processes: boolean }): string[] {
  const flags = [`--data=${limits.memoryBytes}`, `--fsize=${limits.diskBytes}`, '--core=0', '--nofile=1024', ...(processes ? [`--nproc=${beyond(limits.processes)}`] : [])];
  return ['prlimit', ...flags, '--', ...command];
}
