/** The database of a data directory, for commands that run beside a service or without one. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { startEmbeddedPostgres } from './database/embedded.ts';
import { createStreamLog } from './log.ts';
import { runFile } from './serve.ts';

export interface ReachedDatabase {
  readonly url: string;
  /** False when nobody but us uses it: nothing that is queued will be done before a service is started. */
  readonly isShared: boolean;
  readonly stop: () => Promise<void>;
}

/** The configured database, that of the service running on the data, or one of our own for the moment. */
export async function reachDatabase(config: Config): Promise<ReachedDatabase> {
  if (config.databaseUrl !== null) return { url: config.databaseUrl, isShared: true, stop: async () => {} };
  const running = await runningDatabase(config.data);
  if (running !== null) return { url: running, isShared: true, stop: async () => {} };
  await mkdir(config.data, { recursive: true });
  const postgres = await startEmbeddedPostgres({ directory: join(config.data, 'postgres'), log: createStreamLog(process.stderr, 'warning') });
  return { url: postgres.url, isShared: false, stop: () => postgres.stop() };
}

async function runningDatabase(data: string): Promise<string | null> {
  try {
    const { pid, databaseUrl } = JSON.parse(await readFile(runFile(data), 'utf8')) as { pid: number; databaseUrl: string };
    process.kill(pid, 0);
    return databaseUrl;
  } catch {
    return null;
  }
}
