/**
 * The peer of the benchmark of searches: stac-fastapi over pgstac (the server of the Planetary Computer) on Debian's
 * PostgreSQL with PostGIS. One uvicorn worker with its fast loop and parser, as ours is one process; ten connections,
 * as ours has; settings of PostgreSQL as ours. Everything else is as it comes, so: no partitions by time, and answers
 * without `numberMatched` (`context` is off), which ours count. `eo:cloud_cover` has an index, as in ours.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openDatabase } from '../../src/database/connection.ts';
import { debianPostgres, startPostgres } from '../../test/system/debian-services.ts';
import { freePort, start, until } from '../../test/system/processes.ts';
import { collections } from './items.ts';
import type { Api, StacServer } from './server.ts';

const run = promisify(execFile);
/** Its environment of Python: python -m venv .venv-federation, then pip install -r test/federation/requirements.txt. */
const bin = resolve(process.env['LAMINA_STAC_PEER'] ?? join(import.meta.dirname, '../../.venv-federation'), 'bin');

/** Why the peer can't run here; null when it can. */
export function missingPgstac(): string | null {
  if (!existsSync(join(bin, 'pypgstac'))) return 'pypgstac is not in .venv-federation (test/federation/requirements.txt; another environment: LAMINA_STAC_PEER)';
  const postgres = debianPostgres();
  const version = postgres?.split('/').at(-2);
  if (!existsSync(`/usr/share/postgresql/${version}/extension/postgis.control`)) return 'PostgreSQL with PostGIS is not installed (apt: postgresql-postgis)';
  return null;
}

type Environment = Readonly<Record<string, string>>;

export async function startPgstac(folder: string, settings: Readonly<Record<string, string>>): Promise<StacServer> {
  const postgres = await startPostgres(join(folder, 'pgstac'), settings);
  const { port, username } = new URL(postgres.url);
  const environment = { PATH: process.env['PATH']!, PGHOST: '127.0.0.1', PGPORT: port, PGUSER: username, PGPASSWORD: 'x', PGDATABASE: 'lamina' };
  const pypgstac = (...args: string[]) => run(join(bin, 'pypgstac'), args, { env: environment });
  await pypgstac('migrate');
  const database = openDatabase(postgres.url, { searchPath: 'pgstac,public' });
  return {
    name: 'stac-fastapi-pgstac',
    about: await versions(database.query('select pgstac.get_version() as pgstac, postgis_lib_version() as postgis, current_setting(\'server_version\') as postgres')),
    databasePid: postgres.child.pid!,
    async putCollections() {
      const [lines, queryables] = [join(folder, 'collections.ndjson'), join(folder, 'queryables.json')];
      await writeFile(lines, collections.map((collection) => `${JSON.stringify(collection)}\n`).join(''));
      await writeFile(queryables, JSON.stringify({ properties: { 'eo:cloud_cover': { type: 'number' } } }));
      await pypgstac('load', 'collections', lines);
      await pypgstac('load_queryables', queryables, '--index_fields', '["eo:cloud_cover"]');
    },
    // Its fastest way in: COPY straight into the partition of a collection, without a look at what is there.
    putItems: async (paths) => void (await Promise.all(paths.map((path) => pypgstac('load', 'items', path, '--method', 'insert')))),
    settle: () => database.query('vacuum analyze').then(() => undefined),
    async bytes() {
      const [size] = await database.query<{ bytes: number }>("select sum(pg_total_relation_size(relid)) as bytes from pg_partition_tree('pgstac.items')");
      return Number(size!.bytes);
    },
    startApi: () => startApi(environment),
    async stop() {
      await database.close();
      await postgres.end();
    },
  };
}

async function versions(rows: Promise<{ pgstac?: string; postgis?: string; postgres?: string }[]>): Promise<string> {
  const [row] = await rows;
  const { stdout } = await run(join(bin, 'python'), ['-c', "import sys; from importlib.metadata import version; print(*(version(p) for p in ('stac-fastapi-pgstac', 'uvicorn')), sys.version.split()[0])"]);
  const [fastapi, uvicorn, python] = stdout.trim().split(' ');
  return `stac-fastapi-pgstac ${fastapi}, pgstac ${row!.pgstac}, PostGIS ${row!.postgis}, PostgreSQL ${row!.postgres}, one uvicorn ${uvicorn} worker on Python ${python}`;
}

async function startApi(environment: Environment): Promise<Api> {
  const port = await freePort();
  const server = start(join(bin, 'python'), ['-m', 'uvicorn', 'stac_fastapi.pgstac.app:create_app', '--factory', '--host', '127.0.0.1', '--port', String(port), '--no-access-log'], environment);
  await until(async () => ((await fetch(`http://127.0.0.1:${port}/`).catch(() => null))?.ok ? true : null), 'stac-fastapi-pgstac', 60_000, server);
  return { url: `http://127.0.0.1:${port}/search`, pid: server.child.pid!, stop: () => server.end().then(() => undefined) };
}
