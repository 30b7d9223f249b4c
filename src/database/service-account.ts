/**
 * PostgreSQL refuses to run as root. When we are root, the server runs under another account, and that
 * account must be able to reach the directories without us loosening anybody's permissions.
 */
import { execFile, type SpawnOptions } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

export interface Account {
  /** undefined: our own account. */
  readonly ids?: { readonly uid: number; readonly gid: number };
  /** A directory on the way is closed to the account, so it needs to pass permissions (root's clone in /root). */
  readonly needsPassage: boolean;
}

const SETPRIV = '/usr/bin/setpriv';

/** The account to run the server under: our own, or as root the cluster's owner, 'postgres' (made if need be), 'nobody'. */
export async function chooseAccount(cluster: string, reachable: readonly string[]): Promise<Account> {
  if (process.getuid?.() !== 0) return { needsPassage: false };
  const ids = (await ownerOf(cluster)) ?? (await accountNamed('postgres')) ?? (await makeAccount()) ?? (await accountNamed('nobody'));
  if (!ids) throw new Error('The embedded database can\'t run as root and found no other account. Run Lamina as an ordinary user, or set LAMINA_DATABASE_URL.');
  const closed = await closedDirectory(reachable, ids);
  if (closed !== null && !(await canPass())) {
    throw new Error(`The embedded database runs as an ordinary user (uid ${ids.uid}), which may not enter ${closed}. Run Lamina as an ordinary user, move it, or allow it with chmod o+x.`);
  }
  return { ids, needsPassage: closed !== null };
}

/** How to start a program under the account: what to spawn, with which arguments and options. */
export function runAs({ ids, needsPassage }: Account, program: string, args: readonly string[]): { readonly command: string; readonly args: string[]; readonly spawnOptions: SpawnOptions } {
  const spawnOptions: SpawnOptions = { env: { LC_ALL: 'C', PATH: '/usr/bin:/bin', TZ: 'UTC' }, cwd: '/' };
  if (!ids) return { command: program, args: [...args], spawnOptions };
  if (!needsPassage) return { command: program, args: [...args], spawnOptions: { ...spawnOptions, ...ids } };
  const privileges = [`--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return { command: SETPRIV, args: [...privileges, program, ...args], spawnOptions };
}

async function ownerOf(cluster: string): Promise<Account['ids'] | null> {
  const info = await stat(join(cluster, 'PG_VERSION')).catch(() => null);
  return info !== null && info.uid !== 0 ? { uid: info.uid, gid: info.gid } : null;
}

async function accountNamed(name: string): Promise<Account['ids'] | null> {
  try {
    const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => execute('id', [flag, name])));
    return { uid: Number(uid!.stdout), gid: Number(gid!.stdout) };
  } catch {
    return null;
  }
}

async function makeAccount(): Promise<Account['ids'] | null> {
  try {
    await execute('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
    return await accountNamed('postgres');
  } catch {
    return null;
  }
}

/** The first directory above one of the paths that the account may not enter; null when all are open. */
async function closedDirectory(paths: readonly string[], ids: { uid: number; gid: number }): Promise<string | null> {
  for (const path of paths) {
    for (const directory of ancestors(path)) {
      // The cluster itself is made later, and then by the account.
      const info = await stat(directory).catch(() => null);
      if (info === null) continue;
      const bit = info.uid === ids.uid ? 0o100 : info.gid === ids.gid ? 0o010 : 0o001;
      if (info.isDirectory() && (info.mode & bit) === 0) return directory;
    }
  }
  return null;
}

function ancestors(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...ancestors(parent), path];
}

/** True when setpriv is there and we hold the capability that it shall hand on (containers may take it away). */
async function canPass(): Promise<boolean> {
  try {
    await access(SETPRIV, constants.X_OK);
    await execute(SETPRIV, ['--inh-caps=+dac_override', '--ambient-caps=+dac_override', '/bin/true']);
    return true;
  } catch {
    return false;
  }
}
