/** The deployed shape of docker-compose.yml, started natively: one API, any number of workers, PostgreSQL, and Redis and S3 where a test wants them. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { openTaskQueues } from '../../src/jobs/bullmq-queues.ts';
import type { Lane, TaskQueues } from '../../src/jobs/queue.ts';
import { silentLog } from '../../src/log.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openObjectStore } from '../../src/storage/open.ts';
import { startPostgres, startRedis } from './debian-services.ts';
import { Client, freePort, lamina, until, type Started } from './processes.ts';

export const lanes: readonly Lane[] = ['tile', 'sync', 'batch', 'backfill', 'embed', 'plan'];

/** Users of every deployment; their passwords are their names with 'secret-' before them. */
export const users = ['anna', 'ben', 'carl', 'dora', 'emil', 'fritz', 'gerda', 'hanna'] as const;

export interface DeployedOptions {
  /** Queues on Redis; else on PostgreSQL. */
  readonly redis: boolean;
  /** Objects on an S3 server; else in a directory that all processes share. */
  readonly s3: boolean;
  /** Beyond those that connect the parts. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Keys of the blocks that processes say they have computed, in the order of their logs; without those that turned out empty, on demand. */
export function computedBy(workers: readonly Started[], { withEmpty = true } = {}): string[] {
  return workers.flatMap((one) => one.output().split('\n'))
    .filter((line) => line.includes('Computed an embedding block') && line.endsWith('}'))
    .map((line) => (JSON.parse(line) as { data: { key: string; empty?: boolean } }).data)
    .filter(({ empty }) => withEmpty || !empty).map(({ key }) => key);
}

export const sha256 = (bytes: ArrayBuffer | Uint8Array) => createHash('sha256').update(new Uint8Array(bytes)).digest('hex');

export class Deployed {
  readonly directory = mkdtempSync(join(tmpdir(), 'lamina-deployed-'));
  /** Those that run. */
  readonly workers: Started[] = [];
  /** Those that run and those that have ended. */
  readonly everyWorker: Started[] = [];
  redis: Awaited<ReturnType<typeof startRedis>> | null = null;
  environment: Record<string, string> = {};
  url = '';
  api!: Started;
  /** The parts as the processes see them, opened by the test. */
  objects!: ObjectStore;
  database!: Database;
  queues!: TaskQueues;
  readonly #closers: (() => Promise<unknown>)[] = [];

  async start({ redis, s3, settings = {} }: DeployedOptions, workers: number): Promise<void> {
    const postgres = await startPostgres(join(this.directory, 'postgres'));
    this.#closers.push(() => postgres.end());
    if (redis) this.redis = await startRedis(join(this.directory, 'redis'));
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    this.environment = {
      LAMINA_PORT: String(port), LAMINA_DATA: join(this.directory, 'data'), LAMINA_BASIC_USERS: users.map((name) => `${name}:secret-${name}`).join(','), LAMINA_EDITORS: users.join(','),
      LAMINA_DATABASE_URL: postgres.url, ...(this.redis && { LAMINA_REDIS_URL: this.redis.url }),
      ...(s3 && await this.#startS3()), ...settings,
    };
    await this.startApi();
    await Promise.all(Array.from({ length: workers }, () => this.startWorker()));
    await this.#openParts(postgres.url, s3);
  }

  async #startS3(): Promise<Record<string, string>> {
    const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
    this.#closers.push(() => server.stop());
    return { LAMINA_S3_ENDPOINT: `http://127.0.0.1:${server.port}`, LAMINA_S3_ACCESS_KEY: 'test', LAMINA_S3_SECRET_KEY: 'test' };
  }

  async #openParts(databaseUrl: string, s3: boolean): Promise<void> {
    const endpoint = this.environment['LAMINA_S3_ENDPOINT']!;
    this.objects = await openObjectStore({ directory: join(this.directory, 'data', 'objects'), s3: s3 ? { endpoint, bucket: 'lamina', region: 'us-east-1', accessKey: 'test', secretKey: 'test' } : null });
    this.database = openDatabase(databaseUrl, { log: silentLog });
    const connection = this.redis ? { redisUrl: this.redis.url } : { database: openDatabase(databaseUrl, { searchPath: 'bullmq', maxConnections: 16, log: silentLog }) };
    this.queues = await openTaskQueues({ connection });
    this.#closers.push(() => this.database.close(), () => this.queues.close());
  }

  async startApi(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    this.api = lamina(['api'], { ...this.environment, ...settings });
    await until(() => fetch(`${this.url}/health`).then((r) => (r.ok ? true : null), () => null), 'the API', 180_000, this.api);
  }

  async startWorker(settings: Readonly<Record<string, string>> = {}): Promise<Started> {
    const one = lamina(['worker'], { ...this.environment, LAMINA_EMBED_THREADS: '1', ...settings });
    this.workers.push(one);
    this.everyWorker.push(one);
    await until(() => (one.output().includes('The worker is ready') ? true : null), 'a worker', 180_000, one);
    return one;
  }

  /** Ends some of the workers, all by default. */
  async endWorkers(signal: NodeJS.Signals, which: readonly Started[] = [...this.workers]): Promise<void> {
    for (const one of which) this.workers.splice(this.workers.indexOf(one), 1);
    await Promise.all(which.map((one) => one.end(signal)));
  }

  async client(name: (typeof users)[number]): Promise<Client> {
    const client = new Client(this.url);
    await client.login(name, `secret-${name}`);
    return client;
  }

  /** A command on this deployment, run to its end. */
  command(...args: string[]): Started {
    return lamina(args, this.environment);
  }

  /** Keys computed since this was called; one that is computed twice is there twice. */
  counting(): () => string[] {
    const before = new Map(this.everyWorker.map((one) => [one, computedBy([one]).length]));
    return () => this.everyWorker.flatMap((one) => computedBy([one]).slice(before.get(one) ?? 0));
  }

  /** Keys of stored objects. */
  async stored(prefix: string): Promise<string[]> {
    return (await Array.fromAsync(this.objects.list(prefix))).map(({ key }) => key);
  }

  /** Forgets all that was ever cached, so that it is computed again. Workers remember blocks: end them before. */
  async forgetCache(): Promise<void> {
    for (const prefix of ['blocks/', 'tiles/', 'layer-files/']) for (const key of await this.stored(prefix)) await this.objects.delete(key);
    await this.database.query('delete from cache_objects');
  }

  /** Tasks that wait or run, of all lanes. */
  async tasks(): Promise<number> {
    const depths = await Promise.all(lanes.map((lane) => this.queues.depth(lane)));
    return depths.reduce((sum, { waiting, active }) => sum + waiting + active, 0);
  }

  /** Name → SHA-256 of each file of a job's result. */
  async resultOf(client: Client, id: string): Promise<Record<string, string>> {
    const { assets } = await client.json<{ assets: Record<string, { href: string; type: string }> }>(`/jobs/${id}/results`);
    const hashes = await Promise.all(Object.entries(assets).map(async ([name, { href, type }]) => {
      const file = await fetch(href);
      if (file.status !== 200 || file.headers.get('content-type') !== type) throw new Error(`${href}: ${file.status} ${file.headers.get('content-type')}`);
      return [name, sha256(await file.arrayBuffer())] as const;
    }));
    return Object.fromEntries(hashes);
  }

  async close(): Promise<void> {
    await this.endWorkers('SIGTERM');
    await this.api?.end();
    // What depends on others ends first.
    for (const close of this.#closers.reverse()) await close();
    await this.redis?.end();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
