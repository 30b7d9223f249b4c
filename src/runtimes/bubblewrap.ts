/**
 * In a sandbox of bubblewrap (bwrap): a file system of its own with the programs of /usr, the package and the work folder;
 * no network, no other processes, no variables of ours, nothing writable but the work folder and a small /tmp.
 *
 * An ordinary account gets a user namespace. The administrator's account needs none, and a new user namespace would leave it
 * the kernel's exemption from the limit of processes: there the program gets an account number of its own instead.
 */
import { existsSync, readFileSync } from 'node:fs';
import { getuid } from 'node:process';
import { ownAccount } from './accounts.ts';
import { DEVICES } from './devices.ts';
import { usualVariables } from './environment.ts';
import { hostReads, topFolders } from './host-root.ts';
import { INSIDE, refusesImages, type Isolation } from './isolation.ts';
import { limited } from './limits.ts';
import type { CommandLine, Program } from './program.ts';

/** Of /tmp and /dev/shm: what lies there is memory, too. */
const SCRATCH_BYTES = 64 * 2 ** 20;

export const bubblewrap: Isolation = {
  name: 'bubblewrap',
  description: 'a sandbox: sees /usr, its package and its work folder, no network, no other process',
  tool: 'bwrap',
  isSealed: true,
  refuses: refusesImages,
  inside: () => INSIDE,
  // 'bwrap: Creating new namespace failed: Operation not permitted', in many containers.
  failedToStart: (exitCode, output) => (exitCode === 1 ? /^(bwrap: .+)$/m.exec(output)?.[1] ?? null : null),
  commandLine: async (program) => sandboxed(program, getuid?.() === 0),
};

function sandboxed(program: Program, isRoot: boolean): CommandLine {
  const owner = isRoot ? ownAccount() : undefined;
  const account = owner === undefined ? ['--unshare-user', '--uid', '65534', '--gid', '65534', '--disable-userns'] : ['--cap-drop', 'ALL', '--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID', '--cap-add', 'CAP_SETPCAP'];
  const become = owner === undefined ? [] : ['setpriv', `--reuid=${owner}`, `--regid=${owner}`, '--clear-groups', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs', '--', ...withoutNamespaces()];
  return {
    argv: [
      'bwrap', '--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try', ...account,
      '--die-with-parent', '--new-session', ...fileSystem(program), '--chdir', INSIDE.package, '--',
      ...become, ...limited(program.command, program.limits, { processes: true }),
    ],
    env: { ...usualVariables(INSIDE.work, '/tmp'), ...program.variables },
    cwd: '/',
    ...(owner === undefined ? {} : { owner }),
  };
}

/**
 * In a user namespace of its own a program could mount file systems in memory that nobody counts. What is in a namespace can be
 * forbidden to make others, so the account is put into one; where the kernel lets no account make any, there is nothing to forbid.
 */
function withoutNamespaces(): string[] {
  const allows = (name: string) => !existsSync(name) || Number(readFileSync(name, 'utf8')) > 0;
  const canMakeThem = ['/proc/sys/user/max_user_namespaces', '/proc/sys/kernel/unprivileged_userns_clone'].every(allows);
  return canMakeThem ? ['bwrap', '--unshare-user', '--disable-userns', '--die-with-parent', '--dev-bind', '/', '/', '--'] : [];
}

function fileSystem({ folders, reads, gpu }: Program): string[] {
  const scratch = (path: string) => ['--perms', '1777', '--size', String(SCRATCH_BYTES), '--tmpfs', path];
  return [
    ...topFolders().flatMap(([path, target]) => ['--symlink', target, path]),
    '--perms', '0755', '--dir', '/etc', ...hostReads().flatMap((path) => ['--ro-bind', path, path]),
    '--proc', '/proc', '--dev', '/dev', ...scratch('/dev/shm'), ...scratch('/tmp'),
    ...(gpu ? DEVICES.flatMap((path) => ['--dev-bind-try', path, path]) : []),
    ...readable(reads),
    '--ro-bind', folders.package, INSIDE.package, '--bind', folders.work, INSIDE.work,
    '--remount-ro', '/dev', '--remount-ro', '/',
  ];
}

/** The folders above what is shown are made first: bwrap itself would make them for its own account only. */
function readable(reads: readonly string[]): string[] {
  const paths = reads.filter((path) => !path.startsWith('/usr/'));
  const above = new Set(paths.flatMap((path) => path.split('/').slice(1, -1).map((_, i, parts) => `/${parts.slice(0, i + 1).join('/')}`)));
  return [...[...above].toSorted().flatMap((path) => ['--perms', '0755', '--dir', path]), ...paths.flatMap((path) => ['--ro-bind', path, path])];
}
