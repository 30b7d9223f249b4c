/** Jobs from creation to their end: state machine, logs, cancellation, recovery; on a real database and queue. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/connection.ts';
import type { Database } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrations.ts';
import { invalidArgument } from '../../src/errors.ts';
import { openTaskQueues } from '../../src/jobs/bullmq-queues.ts';
import { taskIdOf } from '../../src/jobs/job.ts';
import type { JobStatus } from '../../src/jobs/job.ts';
import { JobLogs } from '../../src/jobs/logs.ts';
import type { BatchTask, SyncTask } from '../../src/jobs/payloads.ts';
import type { TaskQueues } from '../../src/jobs/queue.ts';
import type { JobResult, StoredFile } from '../../src/jobs/results.ts';
import { runJob } from '../../src/jobs/run.ts';
import type { RunContext } from '../../src/jobs/run.ts';
import { Jobs } from '../../src/jobs/service.ts';
import { JobStore } from '../../src/jobs/store.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { silentLog } from '../../src/log.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { startPostgres } from './servers.ts';
import type { TestServer } from './servers.ts';

let server: TestServer;
let folder: string;
let database: Database;
let queues: TaskQueues;
let jobs: Jobs;
let store: JobStore;
let logs: JobLogs;
let objects: ReturnType<typeof createLocalStore>;
let round = 0;

const definition = { process: { process_graph: { one: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } } };
const empty: JobResult = { files: [], properties: {}, bbox: null, geometry: null, links: [], stacExtensions: [] };
const fileAt = (objectKey: string): StoredFile => ({ objectKey, name: 'a.json', mediaType: 'application/json', roles: ['data'], sizeBytes: 2, metadata: {} });

beforeAll(async () => {
  server = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'lamina-jobs-'));
  database = openDatabase(server.url);
  await migrate(database);
});
afterAll(async () => {
  await database.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  queues = await openTaskQueues({ connection: { database: openDatabase(server.url, { searchPath: 'bullmq', maxConnections: 16 }) }, name: `jobs${round++}`, lockMs: 2000 });
  store = new JobStore(database);
  logs = new JobLogs(database);
  objects = createLocalStore(join(folder, `objects${round}`));
  jobs = new Jobs({ store, logs, queues, objects, log: silentLog });
});
afterEach(async () => {
  await queues.close();
  await database.query('delete from jobs');
});

/** A worker for both lanes that does `work` and keeps its result's files. */
async function work(what: (context: RunContext) => Promise<JobResult>) {
  const dependencies = { store, logs, watch: new RunWatch(store, 100), objects, log: silentLog };
  const run = async (context: RunContext) => ({ result: await what(context), usage: { blocks: { value: 3, unit: 'block' } } });
  await queues.work('batch', 1, (task: BatchTask, context) => runJob(dependencies, task, context, run));
  await queues.work('sync', 1, (task: SyncTask, context) => runJob(dependencies, { jobId: task.taskId, run: 1 }, context, run));
}

async function until(jobId: string, ...wanted: JobStatus[]) {
  for (let i = 0; i < 400; i++) {
    const job = await store.find(jobId);
    if (job !== null && wanted.includes(job.status)) return job;
    await delay(25);
  }
  throw new Error(`The job became ${(await store.find(jobId))?.status}, not ${wanted.join(' or ')}.`);
}

const messages = async (jobId: string) => (await logs.list(jobId)).map((entry) => `${entry.level} ${entry.message}`);

async function writes({ folder: into }: RunContext): Promise<JobResult> {
  await objects.put(`${into}a.json`, Buffer.from('42'));
  return { ...empty, files: [fileAt(`${into}a.json`)] };
}

/** Works until told to stop. */
function hangs(begun: { count: number }) {
  return ({ signal }: RunContext) => new Promise<JobResult>((_, reject) => {
    begun.count++;
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

describe('a batch job', () => {
  it('goes from created over queued and running to finished', async () => {
    const seen: unknown[] = [];
    const { id } = await store.create('alice', { ...definition, title: 'A', job_options: { memory: 'much' } });
    expect(await store.get('alice', id)).toMatchObject({
      status: 'created', progress: 0, run: 0, queued: null, started: null, definition: { title: 'A', job_options: { memory: 'much' } },
    });
    await jobs.start('alice', id);
    expect(await store.find(id)).toMatchObject({ status: 'queued', progress: 0, run: 1, queued: expect.any(String) });
    await work(async (context) => {
      context.report(0.5);
      await delay(100);
      seen.push(await store.find(id));
      context.log.info('halfway', { path: [{ node_id: 'one' }] });
      return writes(context);
    });
    const job = await until(id, 'finished', 'error');
    expect(seen[0]).toMatchObject({ status: 'running', progress: 50, started: expect.any(String) });
    expect(job).toMatchObject({ status: 'finished', progress: 100, usage: { blocks: { value: 3 }, duration: { unit: 's' } } });
    expect(job.usage!.duration!.value).toBeGreaterThan(0.05);
    expect(job.result!.files[0]!.objectKey).toBe(`results/${id}/1/a.json`);
    expect(await logs.list(id)).toMatchObject([{ level: 'info', message: 'halfway', path: [{ node_id: 'one' }] }]);
    expect([job.created, job.queued!, job.started!, job.finished!]).toEqual([job.created, job.queued!, job.started!, job.finished!].sort());
  });

  it('ends with status error, and the error in its log, when the work fails', async () => {
    const { id } = await store.create('alice', definition);
    await jobs.start('alice', id);
    await work(async () => {
      const error = invalidArgument('ndvi', 'red', 'there is no such band');
      error.path = [{ node_id: 'n1', process_id: 'ndvi' }];
      throw error;
    });
    expect(await until(id, 'error')).toMatchObject({ status: 'error', result: null });
    expect(await logs.lastError(id)).toMatchObject({ code: 'ProcessParameterInvalid', path: [{ node_id: 'n1', process_id: 'ndvi' }], message: expect.stringContaining('no such band') });
  });

  it('is tried again after an unforeseen error, and does not show its text', async () => {
    const { id } = await store.create('alice', definition);
    await jobs.start('alice', id);
    let runs = 0;
    await work(async (context) => {
      if (++runs < 2) throw new Error('secret');
      return writes(context);
    });
    await until(id, 'finished');
    expect(await messages(id)).toEqual(['warning The processing failed and is tried again (1 of 3).']);
    expect(runs).toBe(2);
  });

  it('gives up after three unforeseen errors', async () => {
    const { id } = await store.create('alice', definition);
    await jobs.start('alice', id);
    await work(async () => {
      throw new Error('secret');
    });
    await until(id, 'error');
    expect(await logs.lastError(id)).toMatchObject({ code: 'Internal' });
    expect((await messages(id)).join()).not.toContain('secret');
  });

  it('can be started again from finished, which discards files and log', async () => {
    const { id } = await store.create('alice', definition);
    await work(async (context) => {
      context.log.info(`run ${context.job.run}`);
      return writes(context);
    });
    await jobs.start('alice', id);
    await until(id, 'finished');
    await jobs.start('alice', id);
    const job = await until(id, 'finished');
    expect(job.run).toBe(2);
    expect(await messages(id)).toEqual(['info run 2']);
    expect(await objects.head(`results/${id}/1/a.json`)).toBeNull();
    expect(await objects.head(`results/${id}/2/a.json`)).not.toBeNull();
  });

  it('does nothing when it is started twice', async () => {
    const { id } = await store.create('alice', definition);
    await jobs.start('alice', id);
    const { queued } = (await store.find(id))!;
    await jobs.start('alice', id);
    expect(await store.find(id)).toMatchObject({ run: 1, queued });
    expect(await queues.depth('batch')).toMatchObject({ waiting: 1 });
  });

  it('goes back to created when it is canceled while queued, and its task is gone', async () => {
    const { id } = await store.create('alice', definition);
    await jobs.start('alice', id);
    await jobs.cancel('alice', id);
    expect(await store.find(id)).toMatchObject({ status: 'created', queued: null, progress: 0 });
    expect(await queues.depth('batch')).toEqual({ waiting: 0, active: 0 });
    await jobs.cancel('alice', id);
    expect(await store.find(id)).toMatchObject({ status: 'created' });
  });

  it('stops the worker within two seconds when it is canceled while running', async () => {
    const begun = { count: 0 };
    const { id } = await store.create('alice', definition);
    await work(hangs(begun));
    await jobs.start('alice', id);
    await until(id, 'running');
    while (begun.count === 0) await delay(20);
    const canceled = performance.now();
    await jobs.cancel('alice', id);
    expect(await store.find(id)).toMatchObject({ status: 'created', started: null });
    while ((await queues.depth('batch')).active > 0) await delay(20);
    expect(performance.now() - canceled).toBeLessThan(2000);
    expect(await store.find(id)).toMatchObject({ status: 'created', result: null });
  });

  it('becomes canceled and keeps its files when there are some already', async () => {
    const { id } = await store.create('alice', definition);
    await work(async (context) => {
      await store.keepPartial({ jobId: id, run: context.job.run }, await writes(context));
      return hangs({ count: 0 })(context);
    });
    await jobs.start('alice', id);
    while ((await store.find(id))!.result === null) await delay(20);
    await jobs.cancel('alice', id);
    while ((await queues.depth('batch')).active > 0) await delay(20);
    expect(await store.find(id)).toMatchObject({ status: 'canceled', result: { files: [{ name: 'a.json' }] } });
    expect(await objects.head(`results/${id}/1/a.json`)).not.toBeNull();
  });

  it('can be deleted while running; the worker stops and leaves no file', async () => {
    const begun = { count: 0 };
    const { id } = await store.create('alice', definition);
    await work(async (context) => {
      await writes(context);
      return hangs(begun)(context);
    });
    await jobs.start('alice', id);
    while (begun.count === 0) await delay(20);
    await jobs.delete('alice', id);
    await expect(store.get('alice', id)).rejects.toMatchObject({ code: 'JobNotFound' });
    while ((await queues.depth('batch')).active > 0) await delay(20);
    expect(await objects.head(`results/${id}/1/a.json`)).toBeNull();
    expect(await logs.list(id)).toEqual([]);
  });

  it('ignores what a worker of an earlier run reports', async () => {
    const { id } = await store.create('alice', definition);
    await store.start(id);
    const old = { jobId: id, run: 1 };
    expect(await store.begin(old)).toMatchObject({ status: 'running' });
    await store.cancel(id);
    await store.start(id);
    const { run } = (await store.find(id))!;
    await store.begin({ jobId: id, run });
    await store.report(old, 0.9);
    expect(await store.finish(old, empty)).toBeNull();
    expect(await store.fail(old)).toBeNull();
    expect(await store.begin(old)).toBeNull();
    expect(await store.find(id)).toMatchObject({ status: 'running', progress: 0 });
  });

  it('never goes back in its progress, also when another worker begins anew', async () => {
    const { id } = await store.create('alice', definition);
    await store.start(id);
    const run = { jobId: id, run: 1 };
    await store.begin(run);
    for (const [share, percent] of [[0.4, 40], [0.2, 40], [0.7, 70], [2, 99.9], [-1, 99.9]] as const) {
      await store.report(run, share);
      expect((await store.find(id))!.progress).toBe(percent);
    }
    await store.begin(run);
    await store.report(run, 0.1);
    expect((await store.find(id))!.progress).toBe(99.9);
    await store.fail(run);
    await store.start(id);
    expect((await store.find(id))!.progress).toBe(0);
  });

  it('notes what a canceled run took, unless it was started again', async () => {
    const { id } = await store.create('alice', definition);
    await store.start(id);
    await store.begin({ jobId: id, run: 1 });
    await store.cancel(id);
    const account = { usage: { cpu: { value: 3, unit: 'cpu-seconds' } }, costs: 1.5 };
    await store.account({ jobId: id, run: 1 }, account);
    expect(await store.find(id)).toMatchObject(account);
    await store.start(id);
    expect(await store.find(id)).toMatchObject({ usage: null, costs: null });
    await store.account({ jobId: id, run: 1 }, account);
    expect(await store.find(id)).toMatchObject({ usage: null, costs: null });
  });

  it('loses its results when they have been kept for long enough, and no other job does', async () => {
    const [old, young, running] = await Promise.all([1, 2, 3].map(() => store.create('alice', definition)));
    for (const job of [old, young, running]) {
      await store.start(job!.id);
      await store.begin({ jobId: job!.id, run: 1 });
      await store.keepPartial({ jobId: job!.id, run: 1 }, empty);
    }
    for (const job of [old, young]) await store.finish({ jobId: job!.id, run: 1 }, empty);
    for (const job of [old, running]) await database.query(`update jobs set updated = now() - interval '2 days' where id = $1`, [job!.id]);
    expect(await store.forgetResults(86_400)).toEqual([old!.id]);
    expect((await store.find(old!.id))!.result).toBeNull();
    expect((await store.find(running!.id))!.result).not.toBeNull();
  });

  it('is edited only when it is not under way', async () => {
    const { id } = await store.create('alice', { ...definition, title: 'old' });
    await store.update('alice', id, (before) => ({ ...before, title: 'new' }));
    expect((await store.find(id))!.definition).toEqual({ ...definition, title: 'new' });
    await store.start(id);
    await expect(store.update('alice', id, (before) => before)).rejects.toMatchObject({ code: 'JobLocked' });
  });

  it('belongs to its user', async () => {
    const { id } = await store.create('alice', definition);
    const attempts = [
      () => store.get('bob', id), () => jobs.start('bob', id), () => jobs.cancel('bob', id), () => jobs.delete('bob', id),
      () => store.get('alice', 'nothing'), () => store.get('alice', 'a\0b'),
    ];
    for (const attempt of attempts) await expect(attempt()).rejects.toMatchObject({ code: 'JobNotFound' });
    expect((await store.list('bob')).jobs).toEqual([]);
  });

  it('is listed newest first, in pages', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift((await store.create('alice', definition)).id);
    expect((await store.list('alice')).jobs.map((job) => job.id)).toEqual(ids);
    const first = await store.list('alice', { limit: 2 });
    const second = await store.list('alice', { limit: 2, after: first.next! });
    const last = await store.list('alice', { limit: 2, after: second.next! });
    expect([first, second, last].flatMap((page) => page.jobs.map((job) => job.id))).toEqual(ids);
    expect(last.next).toBeNull();
  });

  it('keeps a process graph as it came: order of nodes, NUL and half surrogates', async () => {
    const process = { process_graph: { z: { process_id: 'a', arguments: { x: 'a\u0000b\ud800' } }, a: { process_id: 'b', arguments: {} } } };
    const { id } = await store.create('alice', { process });
    expect(JSON.stringify((await store.find(id))!.definition.process)).toBe(JSON.stringify(process));
    await logs.append(id, [{ level: 'info', message: 'a\u0000b', time: '2020-01-01T00:00:00Z' }]);
    expect((await logs.list(id))[0]!.message).toBe('a\u0000b');
  });

  it('gets a new task when the queue lost its own', async () => {
    const { id } = await store.create('alice', definition);
    await jobs.start('alice', id);
    await queues.remove('batch', taskIdOf(id, 1));
    await jobs.requeueLost(0);
    await jobs.requeueLost(0);
    expect(await queues.depth('batch')).toEqual({ waiting: 1, active: 0 });
    await work(writes);
    await until(id, 'finished');
    // The job is finished a moment before its task is.
    while ((await queues.depth('batch')).active > 0) await delay(20);
    await jobs.requeueLost(0);
    expect(await queues.depth('batch')).toEqual({ waiting: 0, active: 0 });
  });

  it('is given up when its workers die again and again', async () => {
    const { id } = await store.create('alice', definition);
    await store.start(id);
    for (let i = 0; i < 5; i++) await store.begin({ jobId: id, run: 1 });
    await jobs.requeueLost(0);
    await work(writes);
    await until(id, 'error');
    expect((await logs.lastError(id))!.message).toContain('lost 5 times');
  });
});

describe('a synchronous request', () => {
  it('gives its files, and forgets them when told so', async () => {
    await work(writes);
    let accepted = '';
    const answer = await jobs.compute('alice', definition, AbortSignal.timeout(10_000), { onAccepted: (id) => void (accepted = id) });
    expect(answer).toMatchObject({ id: accepted, files: [{ name: 'a.json', objectKey: `results/${accepted}/1/a.json` }] });
    expect((await store.list('alice')).jobs).toEqual([]);
    await answer.discard();
    expect(await objects.head(answer.files[0]!.objectKey)).toBeNull();
    await jobs.sweepSync(0);
    expect(await store.find(accepted)).toBeNull();
  });

  it('throws what the work threw, and keeps it in the log', async () => {
    let id = '';
    await work(async () => {
      throw invalidArgument('ndvi', 'red', 'there is no such band');
    });
    await expect(jobs.compute('alice', definition, AbortSignal.timeout(10_000), { onAccepted: (accepted) => void (id = accepted) })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
    expect(await logs.lastError(id)).toMatchObject({ code: 'ProcessParameterInvalid' });
  });

  it('stops within two seconds when the client goes away', async () => {
    const begun = { count: 0 };
    await work(hangs(begun));
    const client = new AbortController();
    const answer = jobs.compute('alice', definition, client.signal);
    while (begun.count === 0) await delay(20);
    client.abort(new Error('gone'));
    await expect(answer).rejects.toThrow('gone');
    const gone = performance.now();
    while ((await queues.depth('sync')).active > 0) await delay(20);
    expect(performance.now() - gone).toBeLessThan(2000);
  });

  it('ends with RequestTimeout when it takes too long', async () => {
    await expect(jobs.compute('alice', definition, AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'RequestTimeout', status: 408 });
    expect(await queues.depth('sync')).toEqual({ waiting: 0, active: 0 });
  });
});

describe('a log', () => {
  it('is read from an offset, by level, with a limit; ids are strings', async () => {
    const { id } = await store.create('alice', definition);
    const { log, flush } = logs.open(id, 'info');
    log.debug('unseen');
    for (const level of ['info', 'warning', 'error'] as const) log[level](`a ${level}`);
    log.info('last', { data: { cacheHits: 3 } });
    await flush();
    const all = await logs.list(id);
    expect(all.map((entry) => entry.message)).toEqual(['a info', 'a warning', 'a error', 'last']);
    expect(all.every((entry) => typeof entry.id === 'string')).toBe(true);
    expect(all[3]).toMatchObject({ data: { cacheHits: 3 } });
    expect((await logs.list(id, { offset: all[1]!.id })).map((entry) => entry.message)).toEqual(['a error', 'last']);
    expect((await logs.list(id, { level: 'warning' })).map((entry) => entry.message)).toEqual(['a warning', 'a error']);
    expect((await logs.list(id, { limit: 1 })).map((entry) => entry.message)).toEqual(['a info']);
    expect(await logs.lastError(id)).toMatchObject({ message: 'a error' });
  });

  it('has an end', async () => {
    const { id } = await store.create('alice', definition);
    const { log, flush } = logs.open(id, 'debug');
    for (let i = 0; i < 6000; i++) log.debug(`entry ${i}`);
    await flush();
    const all = await logs.list(id);
    expect(all).toHaveLength(5000);
    expect(all.at(-1)).toMatchObject({ level: 'warning', message: expect.stringContaining('5000') });
  });

  it('stores by itself after a moment, and says nothing for a deleted job', async () => {
    const { id } = await store.create('alice', definition);
    const { log } = logs.open(id, 'info');
    log.info('soon');
    await delay(600);
    expect(await messages(id)).toEqual(['info soon']);
    await store.remove(id);
    log.info('nobody hears it');
    await delay(400);
    expect(await messages(id)).toEqual([]);
  });
});
