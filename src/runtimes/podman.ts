/**
 * In a container, of podman or of Docker. Images run as they are. Models and programs need no image with podman: they get an empty root
 * into which the programs of this machine are bound, read only. No network, no rights, no way to get any, a file system that can't be written.
 */
import { getuid } from 'node:process';
import { join } from 'node:path';
import { ownAccount } from './accounts.ts';
import { usualVariables } from './environment.ts';
import { hostReads, makeRoot } from './host-root.ts';
import { INSIDE, type Isolation, type RunPlace } from './isolation.ts';
import { beyond, limited } from './limits.ts';
import { MARK } from './process-tree.ts';
import type { CommandLine, Limits, Program } from './program.ts';

const DESCRIPTION = 'a container: sees its image or /usr, its package and its work folder, no network';
const SCRATCH = '64m';

export const podman: Isolation = {
  name: 'podman',
  description: DESCRIPTION,
  tool: 'podman',
  isSealed: true,
  refuses: () => null,
  inside: () => INSIDE,
  commandLine: (program, run) => contained(program, run, podmanFlags(run)),
};

export const docker: Isolation = {
  name: 'docker',
  description: DESCRIPTION,
  tool: 'docker',
  isSealed: true,
  refuses: (kind) => (kind === 'image' ? null : 'Docker runs images only; podman runs models and programs as well'),
  inside: () => INSIDE,
  commandLine: async (program, run) => ({ ...await contained(program, run, []), isElsewhere: true }),
};

/** What only podman knows. The container's first process is told, because it is a child of none of ours. */
function podmanFlags(run: RunPlace): string[] {
  return ['--pidfile', pidFile(run), '--read-only-tmpfs=false', '--no-hosts'];
}

const pidFile = ({ folder }: RunPlace) => join(folder, 'container.pid');

async function contained(program: Program, run: RunPlace, own: readonly string[]): Promise<CommandLine> {
  const isPodman = own.length > 0;
  const tool = isPodman ? 'podman' : 'docker';
  // Without administrator's rights 0 is the account of the service itself: it is mapped so.
  const owner = getuid?.() === 0 ? ownAccount() : undefined;
  const account = owner ?? 0;
  return {
    argv: [
      tool, 'run', '--rm', '--name', run.name, ...own, '--network', 'none', '--cap-drop', 'all', '--security-opt', 'no-new-privileges',
      '--read-only', '--tmpfs', `/tmp:rw,size=${SCRATCH},mode=1777`, '--shm-size', SCRATCH, '--user', `${account}:${account}`, '--hostname', 'operator', '--log-driver', 'none',
      ...limitFlags(program.limits), ...(program.gpu ? ['--device', 'nvidia.com/gpu=all'] : []), ...variableFlags(program),
      '-v', `${program.folders.package}:${INSIDE.package}:ro`, '-v', `${program.folders.work}:${INSIDE.work}:rw`,
      ...await whatIsRun(program, run),
    ],
    env: { ...program.variables, ...run.toolEnvironment },
    cwd: '/',
    ...(owner === undefined ? {} : { owner }),
    ...(isPodman ? { processFile: pidFile(run) } : {}),
    cleanUp: isPodman ? ['podman', 'rm', '--force', '--time', '0', '--ignore', run.name] : ['docker', 'rm', '--force', run.name],
    killedMeans: 'memory',
  };
}

/** Swap would only delay the end, so memory and swap together have the same limit. */
function limitFlags({ memoryBytes, processes, diskBytes }: Limits): string[] {
  const memory = String(beyond(memoryBytes));
  const most = String(beyond(processes));
  return [
    '--memory', memory, '--memory-swap', memory, '--pids-limit', most,
    // All that have a default are set: engines without the right to raise limits can't start containers with their own.
    '--ulimit', 'nofile=1024:1024', '--ulimit', `nproc=${most}:${most}`, '--ulimit', 'core=0:0', '--ulimit', `fsize=${diskBytes}:${diskBytes}`,
  ];
}

/** A name without a value is taken from the engine's own variables: values stand on no command line, which everybody on the machine can read. */
function variableFlags({ variables, image }: Program): string[] {
  const { PATH, ...usual } = usualVariables(INSIDE.work, '/tmp');
  // An image has a search path of its own.
  const own = Object.entries(image === null ? { ...usual, PATH } : usual).map(([name, value]) => `${name}=${value}`);
  return [...own, ...Object.keys(variables), MARK].flatMap((entry) => ['-e', entry]);
}

async function whatIsRun({ image, command, reads, limits }: Program, run: RunPlace): Promise<string[]> {
  const [program, ...rest] = command;
  if (image !== null) return program === undefined ? [image] : ['--entrypoint', program, image, ...rest];
  const shown = [...hostReads(), ...reads.filter((path) => !path.startsWith('/usr/'))];
  return [...shown.flatMap((path) => ['-v', `${path}:${path}:ro`]), '--workdir', INSIDE.package, '--rootfs', await makeRoot(run.folder), ...limited(command, limits, { processes: false })];
}
