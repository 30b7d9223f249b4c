/** Our server for the benchmark of searches: `lamina api` as people start it, on the PostgreSQL that comes with the service. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CatalogStore } from '../../src/catalog/store.ts';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrations.ts';
import { silentLog } from '../../src/log.ts';
import { collections } from './items.ts';
import { parentOf } from './processes.ts';
import type { Api, StacServer } from './server.ts';

/** Settings that the peer's PostgreSQL gets too. */
const SHARED = ['shared_buffers', 'effective_cache_size', 'random_page_cost', 'max_wal_size', 'checkpoint_timeout'];

export interface OurServer extends StacServer {
  /** Of its PostgreSQL, as `postgres -c` takes them. */
  readonly settings: Readonly<Record<string, string>>;
}

export async function startOurs(folder: string): Promise<OurServer> {
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'postgres'), log: silentLog });
  const database = openDatabase(postgres.url);
  await migrate(database);
  const [backend] = await database.query<{ pid: number; version: string }>("select pg_backend_pid() as pid, current_setting('server_version') as version");
  const settings = await database.query<{ name: string; value: string }>('select name, current_setting(name) as value from unnest($1::text[]) as name', [SHARED]);
  return {
    name: 'ours',
    about: `PostgreSQL ${backend!.version} of npm, one API process on Node ${process.version}`,
    settings: Object.fromEntries(settings.map(({ name, value }) => [name, value])),
    databasePid: parentOf(backend!.pid),
    async putCollections() {
      const store = new CatalogStore(database);
      for (const collection of collections) await store.putCollection(collection);
    },
    putItems: (paths) => putItems(postgres.url, paths),
    settle: () => database.query('vacuum analyze items').then(() => undefined),
    bytes: () => sizeOf(database),
    startApi: () => startApi(folder, postgres.url),
    async stop() {
      await database.close();
      await postgres.stop();
    },
  };
}

async function putItems(url: string, paths: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'put.ts'), url, ...paths], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`items were not put in (exit status ${code})`);
}

async function sizeOf(database: Database): Promise<number> {
  const [size] = await database.query<{ bytes: number }>("select pg_total_relation_size('items') as bytes");
  return size!.bytes;
}

async function startApi(folder: string, databaseUrl: string): Promise<Api> {
  const env = { PATH: process.env['PATH'], LAMINA_DATA: folder, LAMINA_PORT: '0', LAMINA_DATABASE_URL: databaseUrl };
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/lamina.mjs'), 'api'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`lamina api ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /answers on (http:\/\/[\w.]+:\d+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
  return {
    url: `${url}/stac/search`,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
