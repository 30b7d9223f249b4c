/**
 * Without a container: the program is a child process like any other, which can do whatever the account of the service can.
 * For operators that one trusts, and on machines where a batch system or a container around everything does the isolation.
 */
import { usualVariables } from './environment.ts';
import { refusesImages, type Isolation } from './isolation.ts';
import { limited } from './limits.ts';

export const containerless: Isolation = {
  name: 'containerless',
  description: 'a process of this account: sees its files and its network',
  tool: null,
  isSealed: false,
  refuses: refusesImages,
  inside: (folders) => folders,
  commandLine: async ({ command, variables, folders, limits }) => ({
    argv: limited(command, limits, { processes: false }),
    env: { ...usualVariables(folders.work, folders.work), ...variables },
    cwd: folders.package,
  }),
};
