/** `lamina serve`: everything on one machine. Database (if none is given), API, and one worker process beside it. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';
import { startEmbeddedPostgres } from './database/embedded.ts';
import type { Log } from './log.ts';
import { checkPort, startServer, type RunningServer } from './server.ts';
import { WORKER_FLAGS, withAllocation } from './workers/process-settings.ts';

export interface RunningService {
  readonly server: RunningServer;
  close(): Promise<void>;
}

/** Where the command line finds a service that runs on the same data. */
export function runFile(data: string): string {
  return join(data, 'service.json');
}

/** Starts everything and resolves when requests and tasks are served. Ends all of it when a part can't start. */
export async function startService(config: Config, environment: NodeJS.ProcessEnv, log: Log): Promise<RunningService> {
  await checkPort(config);
  await mkdir(config.data, { recursive: true });
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer().catch((error: unknown) => log.error(`Closing failed: ${String(error)}`));
  };
  try {
    const databaseUrl = config.databaseUrl ?? (await startDatabase(config, log, closers));
    // The server migrates the database first; the worker may not find it half made.
    const server = await startServer(config, databaseUrl, log);
    closers.push(() => server.close());
    // Beside people's own lines on this terminal only warnings are of interest, unless they ask for more.
    const level = environment['LAMINA_LOG_LEVEL'] || 'warning';
    const worker = new WorkerProcess({ ...environment, LAMINA_DATABASE_URL: databaseUrl, LAMINA_DATA: config.data, LAMINA_LOG_LEVEL: level }, log);
    closers.push(() => worker.close());
    await worker.start();
    await writeFile(runFile(config.data), JSON.stringify({ pid: process.pid, databaseUrl, url: server.url }), { mode: 0o600 });
    closers.push(() => rm(runFile(config.data), { force: true }));
    return { server, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startDatabase(config: Config, log: Log, closers: (() => Promise<void>)[]): Promise<string> {
  const postgres = await startEmbeddedPostgres({ directory: join(config.data, 'postgres'), log });
  closers.push(() => postgres.stop());
  return postgres.url;
}

const RESTART_MS = 500;
const KILL_AFTER_MS = 8000;

/** The worker process: started again when it dies, because its tasks go on with the next one. */
class WorkerProcess {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #closing = false;

  constructor(environment: NodeJS.ProcessEnv, log: Log) {
    this.#environment = environment;
    this.#log = log;
  }

  /** Resolves when the first worker takes tasks. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = this.#spawn();
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`The worker ended with code ${code} while it was starting.`)));
    });
  }

  #spawn(): ChildProcess {
    const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), { env: withAllocation(this.#environment), execArgv: [...process.execArgv, ...WORKER_FLAGS], stdio: ['ignore', process.stderr.fd, process.stderr.fd, 'ipc'], detached: true });
    this.#child = child;
    child.once('exit', (code, signal) => {
      if (this.#closing || this.#child !== child) return;
      this.#log.error(`The worker died (${signal ?? `code ${code}`}); another one is started.`);
      setTimeout(() => this.#closing || this.#spawn(), RESTART_MS);
    });
    return child;
  }

  async close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    await ended;
    clearTimeout(patience);
  }
}
