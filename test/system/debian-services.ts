/** PostgreSQL and Redis as Debian installs them, and an S3 server from npm: the services of docker-compose.yml. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort, start, until, type Started, type StartOptions } from './processes.ts';

/** Folder of the newest installed PostgreSQL server; null when there is none. */
export function debianPostgres(): string | null {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(root, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
  return found ?? null;
}

export const redisServer = existsSync('/usr/bin/redis-server') ? '/usr/bin/redis-server' : null;

/** Why the services can't be started here; null when they can. */
export function missingServices(): string | null {
  const missing = [debianPostgres() ? null : 'PostgreSQL (apt: postgresql)', redisServer ? null : 'Redis (apt: redis-server)'].filter((name) => name !== null);
  return missing.length === 0 ? null : `not installed: ${missing.join(', ')}`;
}

/** PostgreSQL refuses to run as root, so root hands it to the account that Debian made for it. */
function databaseAccount(): StartOptions {
  if (process.getuid?.() !== 0) return {};
  return { account: { uid: Number(execFileSync('id', ['-u', 'postgres'])), gid: Number(execFileSync('id', ['-g', 'postgres'])) } };
}

/** @param settings of the server, as `postgres -c` takes them */
export async function startPostgres(directory: string, settings: Readonly<Record<string, string>> = {}): Promise<Started & { url: string }> {
  const bin = debianPostgres()!;
  const cluster = join(directory, 'cluster');
  const options = databaseAccount();
  mkdirSync(directory, { recursive: true });
  if (options.account) chownSync(directory, options.account.uid, options.account.gid);
  // That account must get through to it: temporary directories are closed to others.
  for (const folder of [dirname(directory), directory]) chmodSync(folder, 0o755);
  execFileSync(join(bin, 'initdb'), ['-D', cluster, '-U', 'lamina', '--auth=trust', '--no-sync'], { stdio: 'pipe', cwd: directory, ...options.account });
  const port = await freePort();
  const started = start(join(bin, 'postgres'), ['-D', cluster, '-p', String(port), '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${directory}`, '-c', 'max_connections=200', ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])], {}, options);
  const ready = () => {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'lamina'], { stdio: 'pipe' });
      return true;
    } catch {
      return null;
    }
  };
  await until(ready, 'PostgreSQL', 120_000, started);
  execFileSync(join(bin, 'createdb'), ['-h', '127.0.0.1', '-p', String(port), '-U', 'lamina', 'lamina'], { stdio: 'pipe' });
  // SIGTERM would wait for clients to leave.
  return { ...started, end: () => started.end('SIGINT'), url: `postgres://lamina@127.0.0.1:${port}/lamina` };
}

/** On a port and directory that it had before, it comes back with what it knew: everything is in its append-only file. */
export async function startRedis(directory: string, port?: number): Promise<Started & { url: string; port: number }> {
  mkdirSync(directory, { recursive: true });
  const at = port ?? (await freePort());
  const started = start(redisServer!, ['--port', String(at), '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'yes']);
  await until(() => (started.output().includes('Ready to accept connections') ? true : null), 'Redis', 60_000, started);
  return { ...started, url: `redis://127.0.0.1:${at}`, port: at };
}
