import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/connection.ts';
import { isAlive } from '../../src/database/directory-claim.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded.ts';
import { silentLog } from '../../src/log.ts';

let directory: string;
const running: EmbeddedPostgres[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lamina-embedded-'));
  // As mkdtemp makes it, root's directory is closed to the account that the server runs under.
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  await rm(directory, { recursive: true, force: true });
});

async function start(at = directory): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ directory: at, log: silentLog, durable: false });
  running.push(server);
  return server;
}

async function ask<T>(url: string, sql: string): Promise<T[]> {
  const database = openDatabase(url);
  try {
    return (await database.query(sql)) as T[];
  } finally {
    await database.close();
  }
}

const serverPid = async () => Number((await readFile(join(directory, 'cluster/postmaster.pid'), 'utf8')).split('\n')[0]);

describe('embedded PostgreSQL', () => {
  it('keeps its data over a stop and a start', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 7 as value');
    const pid = await serverPid();
    await first.stop();
    expect(await isAlive(pid)).toBe(false);
    const begun = performance.now();
    const second = await start();
    expect(performance.now() - begun).toBeLessThan(6000);
    expect(await ask(second.url, 'select value from kept')).toEqual([{ value: 7 }]);
  });

  it('refuses a directory that a living server uses, in one line', async () => {
    const first = await start();
    await expect(startEmbeddedPostgres({ directory, log: silentLog })).rejects.toThrow(
      new RegExp(`^The data directory ${directory} is in use by process ${process.pid}\\. Stop it, .*LAMINA_DATA\\.$`),
    );
    expect(await ask(first.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('recovers after the server was killed', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 7 as value');
    process.kill(await serverPid(), 'SIGKILL');
    await first.stop();
    const second = await start();
    expect(await ask(second.url, 'select value from kept')).toEqual([{ value: 7 }]);
  });

  it('takes over from an owner that was killed and left its server behind', async () => {
    const script = `import { startEmbeddedPostgres } from '${process.cwd()}/src/database/embedded.ts';
      const { url } = await startEmbeddedPostgres({ directory: process.argv[1], durable: false, log: { warning() {}, info() {}, error() {}, debug() {} } });
      process.stdout.write(url); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const url = await new Promise<string>((done) => owner.stdout.once('data', (chunk: Buffer) => done(chunk.toString())));
    await ask(url, 'create table kept as select 7 as value');
    const orphan = await serverPid();
    const gone = new Promise((done) => owner.once('exit', done));
    owner.kill('SIGKILL');
    await gone;
    expect(await isAlive(orphan)).toBe(true);
    const second = await start();
    expect(await isAlive(orphan)).toBe(false);
    expect(await ask(second.url, 'select value from kept')).toEqual([{ value: 7 }]);
  });

  it('is not misled by a note of a dead server whose number somebody else has now', async () => {
    await (await start()).stop();
    // Any of our own processes would do; PostgreSQL alone refuses to start when it sees it.
    await writeFile(join(directory, 'cluster/postmaster.pid'), `${process.pid}\n${join(directory, 'cluster')}\n1\n5432\n\n127.0.0.1\n\nready\n`);
    const second = await start();
    expect(await ask(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  const address = 'select client_addr from pg_stat_activity where pid = pg_backend_pid()';

  it('is reached through a socket that lies with the data, and over TCP', async () => {
    const { url } = await start();
    expect(await ask(url, address)).toEqual([{ client_addr: null }]);
    expect(await ask(url.replace(/\?.*/, ''), address)).toEqual([{ client_addr: '127.0.0.1' }]);
    const password = /:([^:@]+)@/.exec(url)![1]!;
    await expect(ask(url.replace(password, 'wrong'), address)).rejects.toThrow(/can't be reached/);
  });

  it('is reached over TCP where the path to a socket would be too long', async () => {
    const deep = join(directory, 'x'.repeat(120));
    const { url } = await start(deep);
    expect(await ask(url, address)).toEqual([{ client_addr: '127.0.0.1' }]);
  });

  it('leaves no sockets of servers that were killed', async () => {
    const sockets = async () => (await readdir(join(directory, 'cluster'))).filter((name) => /^\.s\.PGSQL\.\d+$/.test(name));
    const first = await start();
    process.kill(await serverPid(), 'SIGKILL');
    await first.stop();
    expect(await sockets()).toHaveLength(1);
    await start();
    expect(await sockets()).toHaveLength(1);
  });

  it('starts again when the first start was killed half-way', async () => {
    execFileSync('mkdir', ['-p', join(directory, 'cluster.new')]);
    await writeFile(join(directory, 'cluster.new/PG_VERSION'), '18\n');
    await writeFile(join(directory, 'owner'), '999999999 1');
    const server = await start();
    expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });
});
