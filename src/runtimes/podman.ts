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
  failedToStart,
  async commandLine(program, run) {
    const { owner, flags, what } = await contained(program, run);
    // The container's first process is told, because it is a child of none of ours.
    const own = ['--rm', '--pidfile', pidFile(run), '--read-only-tmpfs=false', '--no-hosts', '--log-driver', 'none'];
    return {
      ...started(['podman', 'run', ...own, ...flags, ...what], program, run, owner),
      processFile: pidFile(run), cleanUp: ['podman', 'rm', '--force', '--time', '0', '--ignore', run.name],
    };
  },
};

/** Step by step: attached to a container that ends at once, `docker run` sometimes loses what it said and how it ended. */
const DOCKER_STEPS = `name=$1; shift
docker create "$@" > /dev/null && docker start "$name" > /dev/null && code=$(docker wait "$name") || exit 125
docker logs --tail 500 "$name"; docker rm --force "$name" > /dev/null; exit "$code"`;

export const docker: Isolation = {
  name: 'docker',
  description: DESCRIPTION,
  tool: 'docker',
  isSealed: true,
  refuses: (kind) => (kind === 'image' ? null : 'Docker runs images only; podman runs models and programs as well'),
  inside: () => INSIDE,
  failedToStart,
  async commandLine(program, run) {
    const { owner, flags, what } = await contained(program, run);
    const create = ['--log-driver', 'json-file', '--log-opt', 'max-size=1m', ...flags, ...what];
    return {
      ...started(['sh', '-c', DOCKER_STEPS, 'docker', run.name, ...create], program, run, owner),
      isElsewhere: true, cleanUp: ['docker', 'rm', '--force', run.name],
    };
  },
};

/** Both engines end with 125 when it is they who fail. */
function failedToStart(exitCode: number, output: string): string | null {
  return exitCode === 125 ? output.split('\n').at(-1)! : null;
}

const pidFile = ({ folder }: RunPlace) => join(folder, 'container.pid');

function started(argv: readonly string[], { variables }: Program, { toolEnvironment }: RunPlace, owner: number | undefined): CommandLine {
  return { argv, env: { ...variables, ...toolEnvironment }, cwd: '/', ...(owner === undefined ? {} : { owner }), killedMeans: 'memory' };
}

/** What both engines understand: how the container is closed off, and what is in it. */
async function contained(program: Program, run: RunPlace): Promise<{ owner: number | undefined; flags: string[]; what: string[] }> {
  // Without administrator's rights 0 is the account of the service itself: it is mapped so.
  const owner = getuid?.() === 0 ? ownAccount() : undefined;
  const account = owner ?? 0;
  const flags = [
    '--name', run.name, '--network', 'none', '--cap-drop', 'all', '--security-opt', 'no-new-privileges', '--read-only',
    '--tmpfs', `/tmp:rw,size=${SCRATCH},mode=1777`, '--shm-size', SCRATCH, '--user', `${account}:${account}`, '--hostname', 'operator',
    ...limitFlags(program.limits), ...(program.gpu ? ['--device', 'nvidia.com/gpu=all'] : []), ...variableFlags(program),
    '-v', `${program.folders.package}:${INSIDE.package}:ro`, '-v', `${program.folders.work}:${INSIDE.work}:rw`,
  ];
  return { owner, flags, what: await whatIsRun(program, run) };
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
function variableFlags({ variables, image, gpu }: Program): string[] {
  const { PATH, ...usual } = usualVariables(INSIDE.work, '/tmp');
  // An image has a search path of its own.
  const own = Object.entries(image === null ? { ...usual, PATH } : usual).map(([name, value]) => `${name}=${value}`);
  // Which devices a batch system has given to the job, where one has.
  return [...own, ...Object.keys(variables), MARK, ...(gpu ? ['CUDA_VISIBLE_DEVICES'] : [])].flatMap((entry) => ['-e', entry]);
}

async function whatIsRun({ image, command, reads, limits }: Program, run: RunPlace): Promise<string[]> {
  const [program, ...rest] = command;
  if (image !== null) return program === undefined ? [image] : ['--entrypoint', program, image, ...rest];
  const shown = [...hostReads(), ...reads.filter((path) => !path.startsWith('/usr/'))];
  return [...shown.flatMap((path) => ['-v', `${path}:${path}:ro`]), '--workdir', INSIDE.package, '--rootfs', await makeRoot(run.folder), ...limited(command, limits, { processes: false })];
}
