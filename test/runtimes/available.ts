/** Which runtimes this machine has. What it lacks is skipped, and the reason is printed. */
import { spawnSync } from 'node:child_process';
import type { RuntimeName } from '../../src/operators/reference.ts';
import { noSlurm } from './slurm-cluster.ts';

const tries: Readonly<Record<string, readonly string[]>> = {
  containerless: ['prlimit', '--version'],
  bubblewrap: ['bwrap', '--ro-bind', '/', '/', '--unshare-net', '--unshare-pid', 'true'],
  proot: ['proot', '-r', '/', 'true'],
  podman: ['podman', 'run', '--rm', '--network', 'none', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=64:64', '--rootfs', '/:O', 'true'],
  docker: ['docker', 'info'],
};

/** Why the runtime can't be tried here; null when it can. */
export function whyNot(name: RuntimeName): string | null {
  const [first, second] = name.split('+') as [string, string | undefined];
  const batch = second === undefined ? null : noSlurm() ?? (first === 'pbs' ? missing(['sh', '-c', 'command -v qsub'], 'qsub') : null);
  return batch ?? missing(tries[second ?? first]!, second ?? first);
}

function missing([tool, ...args]: readonly string[], name: string): string | null {
  const { status, error, stderr } = spawnSync(tool!, args, { encoding: 'utf8', timeout: 30_000 });
  if (error) return `${tool} is not installed`;
  return status === 0 ? null : `${name} does not work here: ${stderr.trim().split('\n').at(-1)}`;
}
