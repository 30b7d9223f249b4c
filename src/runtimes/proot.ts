/**
 * Under PRoot: the program sees a file system of its own, because PRoot rewrites the paths of its system calls. That needs
 * neither rights nor namespaces, so it works on the most restricted of clusters. It keeps an operator from depending on the machine;
 * it keeps no determined attacker in, and the network is open.
 */
import { usualVariables } from './environment.ts';
import { hostReads, makeRoot } from './host-root.ts';
import { INSIDE, refusesImages, type Isolation } from './isolation.ts';
import { limited } from './limits.ts';

export const proot: Isolation = {
  name: 'proot',
  description: 'its own file system without any rights; the network is open, and it is no protection against attackers',
  tool: 'proot',
  isSealed: false,
  refuses: refusesImages,
  inside: () => INSIDE,
  async commandLine({ command, variables, folders, reads, limits }, run) {
    const root = await makeRoot(run.folder);
    const shown = [...hostReads(), '/proc', '/dev', ...reads.filter((path) => !path.startsWith('/usr/'))];
    return {
      argv: [
        'proot', '-r', root, ...shown.flatMap((path) => ['-b', path]), '-b', `${folders.package}:${INSIDE.package}`, '-b', `${folders.work}:${INSIDE.work}`,
        '-w', INSIDE.package, ...limited(command, limits, { processes: false }),
      ],
      env: { ...usualVariables(INSIDE.work, '/tmp'), ...variables },
      cwd: '/',
    };
  },
};
