/** The contract of the task queues, on each back-end of BullMQ. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/database/connection.ts';
import { invalidArgument, OpenEOError } from '../../src/errors.ts';
import { openTaskQueues } from '../../src/jobs/bullmq-queues.ts';
import { TaskExpired, type TaskQueues } from '../../src/jobs/queue.ts';
import { createLog } from '../../src/log.ts';
import type { LogEntry } from '../../src/log.ts';
import { hasRedis, redisBinary, startPostgres, startRedis } from './servers.ts';
import type { TestServer } from './servers.ts';

const patience = () => AbortSignal.timeout(20_000);

describe.each(['postgres', 'redis'])('task queues on %s', (kind) => {
  if (kind === 'redis' && !hasRedis) return void it.skip(`skipped: ${redisBinary} is absent`, () => {});

  let server: TestServer;
  let name: string;
  let queues: TaskQueues;
  const opened: TaskQueues[] = [];
  const logged: LogEntry[] = [];

  async function open(lockMs = 10_000): Promise<TaskQueues> {
    const connection = kind === 'redis' ? { redisUrl: server.url } : { database: openDatabase(server.url, { searchPath: 'bullmq', maxConnections: 16 }) };
    const made = await openTaskQueues({ connection, name, lockMs, log: createLog((entry) => logged.push(entry)) });
    opened.push(made);
    return made;
  }

  beforeAll(async () => {
    server = await (kind === 'redis' ? startRedis() : startPostgres());
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    name = `test-${randomUUID().slice(0, 8)}`;
    logged.length = 0;
    queues = await open();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
  });

  it('carries a payload to a handler and its answer back, through another connection', async () => {
    const elsewhere = await open();
    await elsewhere.work('sync', 1, async (payload: { n: number }, { taskId, attempt }) => ({ doubled: payload.n * 2, taskId, attempt, nothing: null }));
    await queues.add('sync', { id: 'sync:1', payload: { n: 21 } });
    expect(await queues.result('sync', 'sync:1', patience())).toEqual({ doubled: 42, taskId: 'sync:1', attempt: 1, nothing: null });
  });

  it('carries every JSON value unchanged, also NUL, half surrogates and the order of keys', async () => {
    await queues.work('tile', 1, async (payload: unknown) => payload);
    for (const payload of ['text', [1, 'a'], null, 'a\u0000b', '\ud800', { z: 1, a: { y: [1.5e300], b: null } }]) {
      const id = randomUUID();
      await queues.add('tile', { id, payload });
      expect(JSON.stringify(await queues.result('tile', id, patience()))).toBe(JSON.stringify(payload));
    }
  });

  it('gives null for a handler that gives nothing', async () => {
    await queues.work('tile', 1, async () => {});
    await queues.add('tile', { id: 'nothing', payload: 1 });
    expect(await queues.result('tile', 'nothing', patience())).toBeNull();
  });

  it('runs a task once however often and wherever it is added', async () => {
    let runs = 0;
    await queues.work('embed', 4, async () => {
      await delay(100);
      return ++runs;
    });
    const elsewhere = await open();
    const ask = async (from: TaskQueues) => {
      await from.add('embed', { id: 'sha256:abc', payload: {} });
      return from.result('embed', 'sha256:abc', patience());
    };
    expect(await Promise.all([ask(queues), ask(elsewhere), ask(queues), ask(elsewhere)])).toEqual([1, 1, 1, 1]);
    expect(await ask(queues)).toBe(1);
    expect(runs).toBe(1);
  });

  it('runs a finished task again after it was removed', async () => {
    let runs = 0;
    await queues.work('embed', 1, async () => ++runs);
    for (const expected of [1, 2]) {
      await queues.add('embed', { id: 'block', payload: {} });
      expect(await queues.result('embed', 'block', patience())).toBe(expected);
      await queues.remove('embed', 'block');
    }
    await expect(queues.result('embed', 'block', patience())).rejects.toMatchObject({ code: 'Internal' });
    await queues.remove('embed', 'never added');
  });

  it('hands the handler\'s OpenEOError over with code, message and path, without a second try', async () => {
    let runs = 0;
    await queues.work('sync', 1, async () => {
      runs++;
      const error = invalidArgument('ndvi', 'red', 'there is no such band', { detail: 'Choose one of B02, B03.' });
      error.path = [{ node_id: 'ndvi1', process_id: 'ndvi' }];
      throw error;
    });
    await queues.add('sync', { id: 'a', payload: {} });
    const failure = await queues.result('sync', 'a', patience()).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(OpenEOError);
    expect(failure).toMatchObject({ code: 'ProcessParameterInvalid', status: 400, path: [{ node_id: 'ndvi1', process_id: 'ndvi' }] });
    expect((failure as Error).message).toBe('The value passed for parameter \'red\' in process \'ndvi\' is invalid: there is no such band Choose one of B02, B03.');
    expect(runs).toBe(1);
  });

  it('tries again after unforeseen errors, and tells their text to the log only', async () => {
    let runs = 0;
    await queues.work('batch', 1, async (_, { attempt }) => {
      runs++;
      if (attempt < 2) throw new TypeError('secret of the house');
      return attempt;
    });
    await queues.add('batch', { id: 'a', payload: {} });
    expect(await queues.result('batch', 'a', patience())).toBe(2);
    expect(runs).toBe(2);
    expect(logged.map((entry) => entry.message).join()).toContain('secret of the house');
  });

  it('gives up after some tries with Internal, and lets the id be added again', async () => {
    let healthy = false;
    await queues.work('sync', 1, async () => {
      if (!healthy) throw new Error('secret of the house');
      return 'well';
    });
    await queues.add('sync', { id: 'a', payload: {} });
    const failure = await queues.result('sync', 'a', patience()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'Internal', status: 500 });
    expect((failure as Error).message).not.toContain('secret');
    healthy = true;
    await queues.add('sync', { id: 'a', payload: {} });
    expect(await queues.result('sync', 'a', patience())).toBe('well');
  });

  it('runs lower priorities first and counts what waits', async () => {
    const order: string[] = [];
    for (const [id, priority] of [['late', 9], ['soon', 1], ['now', 0]] as const) await queues.add('batch', { id, priority, payload: {} });
    expect(await queues.depth('batch')).toEqual({ waiting: 3, active: 0 });
    await queues.work('batch', 1, async (_, { taskId }) => void order.push(taskId));
    await Promise.all(['late', 'soon', 'now'].map((id) => queues.result('batch', id, patience())));
    expect(order).toEqual(['now', 'soon', 'late']);
    expect(await queues.depth('batch')).toEqual({ waiting: 0, active: 0 });
  });

  it('runs tasks of equal priority in the order they were added', async () => {
    const order: string[] = [];
    const ids = Array.from({ length: 12 }, (_, i) => `t${i}`);
    for (const id of ids) await queues.add('backfill', { id, priority: 7, payload: {} });
    await queues.work('backfill', 1, async (_, { taskId }) => void order.push(taskId));
    await queues.result('backfill', 't11', patience());
    expect(order).toEqual(ids);
  });

  it('lets a waiting task become more urgent, and not less', async () => {
    const order: string[] = [];
    for (const [id, priority] of [['a', 5], ['b', 5], ['c', 5], ['c', 1], ['a', 9]] as const) await queues.add('embed', { id, priority, payload: id });
    await queues.work('embed', 1, async (_, { taskId }) => void order.push(taskId));
    await Promise.all(['a', 'b', 'c'].map((id) => queues.result('embed', id, patience())));
    expect(order).toEqual(['c', 'a', 'b']);
  });

  it('drops a task unstarted when its time is up, and lets it be added again', async () => {
    let runs = 0;
    await queues.add('embed', { id: 'late', payload: {}, expires: Date.now() - 1 });
    await queues.add('embed', { id: 'soon', payload: {}, expires: Date.now() + 60_000 });
    await queues.work('embed', 1, async () => ++runs);
    await expect(queues.result('embed', 'late', patience())).rejects.toBeInstanceOf(TaskExpired);
    expect(await queues.result('embed', 'soon', patience())).toBe(1);
    await queues.add('embed', { id: 'late', payload: {} });
    expect(await queues.result('embed', 'late', patience())).toBe(2);
  });

  it('keeps a task for whoever wants it longest', async () => {
    const past = Date.now() - 1;
    const later = Date.now() + 60_000;
    const wishes = { forever: [past, undefined], longer: [past, later], unchanged: [undefined, past], shorter: [later, past] };
    for (const [id, expiries] of Object.entries(wishes)) {
      for (const expires of expiries) await queues.add('embed', { id, payload: id, ...(expires === undefined ? {} : { expires }) });
    }
    await queues.work('embed', 1, async (payload: string) => payload);
    for (const id of Object.keys(wishes)) expect(await queues.result('embed', id, patience())).toBe(id);
  });

  it('removes a waiting task, and its waiters learn of it', async () => {
    await queues.add('sync', { id: 'a', payload: {} });
    const waiting = queues.result('sync', 'a', patience());
    await delay(50);
    await queues.remove('sync', 'a');
    await expect(waiting).rejects.toMatchObject({ code: 'Internal' });
    expect(await queues.depth('sync')).toEqual({ waiting: 0, active: 0 });
  });

  it('keeps waiters of a task that is removed and added again at once', async () => {
    await queues.add('embed', { id: 'a', payload: 1 });
    const waiting = queues.result('embed', 'a', patience());
    await delay(50);
    await queues.remove('embed', 'a');
    await delay(100);
    await queues.add('embed', { id: 'a', payload: 2 });
    await queues.work('embed', 1, async (payload: number) => payload);
    expect(await waiting).toBe(2);
  });

  it('stops waiting when the caller goes away', async () => {
    await queues.add('sync', { id: 'a', payload: {} });
    const caller = new AbortController();
    const waiting = queues.result('sync', 'a', caller.signal);
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
  });

  it('answers a short task quickly', async () => {
    await queues.work('tile', 2, async () => 1);
    await queues.add('tile', { id: 'warm', payload: {} });
    await queues.result('tile', 'warm', patience());
    const times: number[] = [];
    for (let i = 0; i < 40; i++) {
      const started = performance.now();
      await queues.add('tile', { id: `t${i}`, payload: {} });
      await queues.result('tile', `t${i}`, patience());
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    expect(times[20]!).toBeLessThan(150);
    expect(times[39]!).toBeLessThan(1500);
  });

  it('gives the running task back to the others when its worker shuts down', async () => {
    const leaving = await open();
    let begun = 0;
    const worker = await leaving.work('embed', 1, async (_, { signal }) => {
      begun++;
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    });
    await queues.add('embed', { id: 'a', payload: {} });
    while (begun === 0) await delay(20);
    await worker.close(50);
    await queues.work('embed', 1, async () => 'done by the other');
    expect(await queues.result('embed', 'a', patience())).toBe('done by the other');
  });

  it('lets the running task end when its worker has time to close', async () => {
    const worker = await queues.work('embed', 1, async () => {
      await delay(300);
      return 'ended';
    });
    await queues.add('embed', { id: 'a', payload: {} });
    while ((await queues.depth('embed')).active === 0) await delay(20);
    await worker.close(10_000);
    expect(await queues.result('embed', 'a', patience())).toBe('ended');
  });

  it('takes up the task of a worker that was killed', async () => {
    const lockMs = 2000;
    const child = spawn(process.execPath, ['test/jobs/doomed-worker.ts', kind, server.url, name, String(lockMs)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('ready');
    await queues.add('embed', { id: 'sha256:orphan', payload: {} });
    expect((await lines.next()).value).toBe('took sha256:orphan');
    child.kill('SIGKILL');
    const started = performance.now();
    const rescuer = await open(lockMs);
    await rescuer.work('embed', 1, async (_, { attempt }) => attempt);
    expect(await queues.result('embed', 'sha256:orphan', patience())).toBe(2);
    expect(performance.now() - started).toBeLessThan(3 * lockMs);
  });
});
