/** For tests: a real PostgreSQL on a directory of its own, with the schema up to date. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrations.ts';
import { silentLog } from '../../src/log.ts';

export interface FreshDatabase {
  readonly database: Database;
  readonly url: string;
  stop(): Promise<void>;
}

export async function startFreshDatabase(): Promise<FreshDatabase> {
  const directory = await mkdtemp(join(tmpdir(), 'lamina-test-'));
  const server = await startEmbeddedPostgres({ directory, log: silentLog, durable: false });
  const database = openDatabase(server.url);
  await migrate(database);
  return {
    database,
    url: server.url,
    async stop() {
      await database.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
