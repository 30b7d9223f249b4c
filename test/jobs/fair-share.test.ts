/** Who asks for much does not push out the others; who asks for too much is told when to come again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrations.ts';
import { openTaskQueues } from '../../src/jobs/bullmq-queues.ts';
import { defaultLimits, type JobLimits } from '../../src/jobs/limits.ts';
import { JobLogs } from '../../src/jobs/logs.ts';
import type { BatchTask, SyncTask } from '../../src/jobs/payloads.ts';
import type { TaskQueues } from '../../src/jobs/queue.ts';
import { runJob } from '../../src/jobs/run.ts';
import { Jobs } from '../../src/jobs/service.ts';
import { JobStore } from '../../src/jobs/store.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { silentLog } from '../../src/log.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { hasRedis, redisBinary, startPostgres, startRedis, type TestServer } from './servers.ts';

const definition = { process: { process_graph: { one: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } } };
const empty = { files: [], properties: {}, bbox: null, geometry: null, links: [], stacExtensions: [] };

let postgres: TestServer;
let database: Database;
let folder: string;
let store: JobStore;

beforeAll(async () => {
  postgres = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'lamina-share-'));
  database = openDatabase(postgres.url);
  await migrate(database);
  store = new JobStore(database);
});
afterAll(async () => {
  await database.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

describe.each(['postgres', 'redis'])('users who share one worker, with queues on %s', (kind) => {
  if (kind === 'redis' && !hasRedis) return void it.skip(`skipped: ${redisBinary} is absent`, () => {});

  let server: TestServer;
  let queues: TaskQueues;
  let round = 0;

  beforeAll(async () => {
    server = kind === 'redis' ? await startRedis() : postgres;
  });
  afterAll(() => (kind === 'redis' ? server.stop() : undefined));
  beforeEach(async () => {
    const connection = kind === 'redis' ? { redisUrl: server.url } : { database: openDatabase(server.url, { searchPath: 'bullmq', maxConnections: 16 }) };
    queues = await openTaskQueues({ connection, name: `share-${kind}-${round++}` });
  });
  afterEach(async () => {
    await queues.close();
    await database.query('delete from jobs');
  });

  const open = (limits: Partial<JobLimits> = {}) =>
    new Jobs({ store, logs: new JobLogs(database), queues, objects: createLocalStore(join(folder, 'objects')), log: silentLog, limits: { ...defaultLimits, ...limits } });

  async function submit(jobs: Jobs, user: string, count: number, names: Map<string, string>): Promise<void> {
    const from = [...names.values()].filter((name) => name.startsWith(user)).length;
    for (let i = 1; i <= count; i++) {
      const { id } = await store.create(user, definition);
      names.set(id, `${user}${from + i}`);
      await jobs.start(user, id);
    }
  }

  /** One worker; tells in which order jobs begin, and holds each until it is let go. */
  async function work() {
    const order: string[] = [];
    let hold = Promise.withResolvers<void>();
    const dependencies = { store, logs: new JobLogs(database), watch: new RunWatch(store, 100), objects: createLocalStore(join(folder, 'objects')), log: silentLog };
    await queues.work('batch', 1, (task: BatchTask, context) => runJob(dependencies, task, context, async ({ job }) => {
      order.push(job.id);
      await hold.promise;
      return { result: empty };
    }));
    const step = () => {
      const before = hold;
      hold = Promise.withResolvers();
      before.resolve();
    };
    const all = () => {
      hold.resolve();
      return hold.promise;
    };
    return { order, step, all };
  }

  it('runs the one job of B after the first of A\'s twenty, and each user\'s jobs in their order', async () => {
    const jobs = open();
    const names = new Map<string, string>();
    await submit(jobs, 'A', 20, names);
    await submit(jobs, 'B', 1, names);
    const { order, all } = await work();
    await all();
    await expect.poll(() => order.length, { timeout: 20_000 }).toBe(21);
    expect(order.map((id) => names.get(id))).toEqual(['A1', 'B1', ...Array.from({ length: 19 }, (_, i) => `A${i + 2}`)]);
  }, 30_000);

  it('serves users in turn also when they come while others are served, and saves nobody\'s turns up', async () => {
    const jobs = open();
    const names = new Map<string, string>();
    const { order, step, all } = await work();
    await submit(jobs, 'A', 6, names);
    await expect.poll(() => order.length).toBe(1);
    step();
    await expect.poll(() => order.length).toBe(2);
    // A2 is at work. A's further jobs stay behind A6; B and C take turns with A.
    await submit(jobs, 'B', 3, names);
    await submit(jobs, 'A', 1, names);
    await submit(jobs, 'C', 1, names);
    await all();
    await expect.poll(() => order.length, { timeout: 20_000 }).toBe(11);
    expect(order.map((id) => names.get(id))).toEqual(['A1', 'A2', 'B1', 'C1', 'A3', 'B2', 'A4', 'B3', 'A5', 'A6', 'A7']);
  }, 30_000);

  it('turns a user\'s job away when as many are queued as one may have, and nobody else\'s', async () => {
    const jobs = open({ jobsMaxQueued: 2 });
    const names = new Map<string, string>();
    await submit(jobs, 'A', 2, names);
    const { id } = await store.create('A', definition);
    await expect(jobs.start('A', id)).rejects.toMatchObject({ code: 'TooManyRequests', status: 429, retryAfterSeconds: 60, message: expect.stringContaining('2 queued batch jobs') });
    expect(await store.find(id)).toMatchObject({ status: 'created' });
    // Starting a queued job again changes nothing, so it is no further job.
    await jobs.start('A', [...names.keys()][0]!);
    await submit(jobs, 'B', 1, names);
    await jobs.cancel('A', [...names.keys()][0]!);
    await jobs.start('A', id);
    expect(await queues.depth('batch')).toEqual({ waiting: 3, active: 0 });
  });

  it('turns synchronous requests away: 429 for one user\'s, 503 when too many wait in all', async () => {
    const jobs = open({ syncMaxPerUser: 1, syncMaxWaiting: 2 });
    const leave = new AbortController();
    const ask = async (user: string) => {
      const accepted = Promise.withResolvers<void>();
      const answer = jobs.compute(user, definition, leave.signal, { onAccepted: () => accepted.resolve(), isLimited: true });
      answer.catch(() => {});
      await Promise.race([accepted.promise, answer]);
      return answer;
    };
    const first = ask('A');
    await expect.poll(() => queues.depth('sync')).toEqual({ waiting: 1, active: 0 });
    await expect(ask('A')).rejects.toMatchObject({ code: 'TooManyRequests', retryAfterSeconds: 5 });
    const second = ask('B');
    await expect.poll(() => queues.depth('sync')).toEqual({ waiting: 2, active: 0 });
    await expect(ask('C')).rejects.toMatchObject({ code: 'InfrastructureBusy', status: 503, retryAfterSeconds: 5 });
    // Who leaves makes room.
    leave.abort(new Error('gone'));
    const gone = await Promise.allSettled([first, second]);
    expect(gone.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message)).toEqual(['gone', 'gone']);
    await expect.poll(() => queues.depth('sync')).toEqual({ waiting: 0, active: 0 });
  });

  it('lets in no more than the limits when many ask in the same moment', async () => {
    const jobs = open({ syncMaxPerUser: 2, syncMaxWaiting: 5, jobsMaxQueued: 2 });
    const leave = new AbortController();
    const ended = ['A', 'B', 'C', 'D'].flatMap((user) => [1, 2, 3, 4].map(async () => {
      const [outcome] = await Promise.allSettled([jobs.compute(user, definition, leave.signal, { isLimited: true })]);
      return (outcome!.status === 'rejected' && (outcome!.reason as { code?: string }).code) || 'let in';
    }));
    await expect.poll(() => queues.depth('sync')).toEqual({ waiting: 5, active: 0 });
    const ids = await Promise.all([1, 2, 3, 4].map(async () => (await store.create('A', definition)).id));
    const started = await Promise.allSettled(ids.map((id) => jobs.start('A', id)));
    expect(started.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    leave.abort(new Error('gone'));
    const words = await Promise.all(ended);
    expect(words.filter((word) => word === 'let in')).toHaveLength(5);
    expect(new Set(words)).toEqual(new Set(['let in', 'InfrastructureBusy', ...(words.includes('TooManyRequests') ? ['TooManyRequests'] : [])]));
  });

  it('does not begin a synchronous request whose time was up before its turn', async () => {
    const jobs = open({ syncTimeoutSeconds: 1 });
    const answer = jobs.compute('A', definition, new AbortController().signal);
    answer.catch(() => {});
    await expect.poll(() => queues.depth('sync')).toEqual({ waiting: 1, active: 0 });
    await new Promise((resolve) => setTimeout(resolve, 1200));
    let begun = 0;
    await queues.work<SyncTask, void>('sync', 1, async () => void begun++);
    await expect(answer).rejects.toMatchObject({ code: 'RequestTimeout' });
    expect(begun).toBe(0);
  });
});
