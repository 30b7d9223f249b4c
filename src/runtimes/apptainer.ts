/**
 * In a container of Apptainer, which clusters have where they have no podman. Written after its manual (1.3) and never run: it is in no
 * Debian, and only its command line is tested. An operator that must be isolated is therefore not given to it.
 */
import { usualVariables } from './environment.ts';
import { hostReads, makeRoot } from './host-root.ts';
import { INSIDE, type Isolation, type RunPlace } from './isolation.ts';
import { limited } from './limits.ts';
import type { CommandLine, Program } from './program.ts';

export const apptainer: Isolation = {
  name: 'apptainer',
  description: 'a container: sees its image or /usr, its package and its work folder, no network; not tried with a real Apptainer',
  tool: 'apptainer',
  // Nobody has tried to get out.
  isSealed: false,
  refuses: () => null,
  inside: () => INSIDE,
  // 'FATAL:   While making image from oci registry: …'
  failedToStart: (exitCode, output) => (exitCode === 255 ? /^FATAL:\s+(.+)$/m.exec(output)?.[1] ?? null : null),
  commandLine: contained,
};

async function contained(program: Program, run: RunPlace): Promise<CommandLine> {
  const { folders, image, command, reads, gpu, limits } = program;
  const shown = image === null ? [...hostReads(), ...reads.filter((path) => !path.startsWith('/usr/'))].flatMap((path) => ['--bind', `${path}:${path}:ro`]) : [];
  const flags = [
    '--containall', '--cleanenv', '--no-home', '--net', '--network', 'none', '--no-privs', ...(gpu ? ['--nv'] : []), ...shown,
    '--bind', `${folders.package}:${INSIDE.package}:ro`, '--bind', `${folders.work}:${INSIDE.work}:rw`,
  ];
  // An image without a command begins as its maker wants it to.
  const what = image === null ? ['exec', ...flags, '--pwd', INSIDE.package, await makeRoot(run.folder), ...limited(command, limits, { processes: false })]
    : [command.length === 0 ? 'run' : 'exec', ...flags, `docker://${image}`, ...command];
  return { argv: ['apptainer', '--quiet', ...what], env: { ...variablesInside(program), ...run.toolEnvironment }, cwd: '/' };
}

/** Variables with this prefix are the container's, without it: values stand on no command line. PATH has a name of its own, and is the image's where there is one. */
function variablesInside({ variables, image }: Program): Record<string, string> {
  const { PATH, ...usual } = usualVariables(INSIDE.work, '/tmp');
  const own = Object.fromEntries(Object.entries({ ...usual, ...variables }).map(([name, value]) => [`APPTAINERENV_${name}`, value]));
  return image === null ? { ...own, APPTAINERENV_PREPEND_PATH: PATH! } : own;
}
