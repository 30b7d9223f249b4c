/** Canceling a job ends all its work: also blocks that wait for a worker on its behalf, and no one else's. On a real queue and database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrations.ts';
import { parseBilling } from '../../src/jobs/billing-file.ts';
import { openTaskQueues } from '../../src/jobs/bullmq-queues.ts';
import { JobLogs } from '../../src/jobs/logs.ts';
import type { BatchTask } from '../../src/jobs/payloads.ts';
import type { TaskQueues } from '../../src/jobs/queue.ts';
import { Jobs } from '../../src/jobs/service.ts';
import { JobStore } from '../../src/jobs/store.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { EmbedBlocks, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { ReadingAheadBlocks } from '../../src/layers/read-ahead.ts';
import { silentLog } from '../../src/log.ts';
import { createEmbedHandler, directComputer } from '../../src/workers/embed.ts';
import { costsUnder, createBatchHandler } from '../../src/workers/processing.ts';
import { queuedComputer } from '../../src/workers/queued-computer.ts';
import { startPostgres, type TestServer } from '../jobs/servers.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

/** Of 512 × 512 pixels: 16 blocks a date. */
const BLOCKS = 32;
const BLOCK_MS = 150;

let server: TestServer;
let folder: string;
let database: Database;
let queues: TaskQueues;
let service: ToyService;
let jobs: Jobs;
let store: JobStore;
let computed: string[];

beforeAll(async () => {
  server = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'lamina-cancel-'));
  database = openDatabase(server.url);
  await migrate(database);
});
afterAll(async () => {
  await database.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  const own = await mkdtemp(join(folder, 'service-'));
  const grid = utmGrid(512, 512);
  service = await toyService(own, [await writeItem(own, 'a', '2021-05-01T00:00:00Z', (band, x) => 20 + band + x, grid), await writeItem(own, 'b', '2021-06-01T00:00:00Z', (_band, x) => 7 + x, grid)]);
  queues = await openTaskQueues({ connection: { database: openDatabase(server.url, { searchPath: 'bullmq', maxConnections: 16 }) }, name: `cancel${Date.now()}`, lockMs: 5000 });
  store = new JobStore(database);
  const [logs, objects] = [new JobLogs(database), service.store];
  jobs = new Jobs({ store, logs, queues, objects, log: silentLog });
  computed = [];
  const inner = { ...service.engine, blocks: new EmbedBlocks({ store: objects, compute: directComputer(objects, service.runtime) }) };
  const embed = createEmbedHandler({ engine: inner, store: objects, runtime: service.runtime, log: silentLog });
  await queues.work<BlockTask, unknown>('embed', 2, async (task, { signal, attempt }) => {
    // Counted when it begins: one that has begun ends, also when its task is gone.
    computed.push(task.key);
    await delay(BLOCK_MS);
    return embed(task, signal, attempt);
  });
  const engine = { ...service.engine, blocks: new ReadingAheadBlocks({ store: objects, compute: queuedComputer(queues, objects, 'batch') }) };
  const batch = createBatchHandler({ store, logs, watch: new RunWatch(store), objects, log: silentLog, billing, costs: costsUnder(billing), engine, scratch: join(own, 'scratch'), syncMaxSamples: 1e9 });
  await queues.work<BatchTask, void>('batch', 2, batch);
});
afterEach(async () => {
  await queues.close();
  await service.close();
});

const billing = parseBilling({ currency: 'credits', default_plan: 'pro', plans: [{ name: 'pro', description: 'p', paid: true, prices: { embedding_blocks: 1 } }] }, 'plans');

const definition = (date: string | null = null) => ({ process: { process_graph: {
  load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: null, temporal_extent: date && [date, date.replace('-01', '-02')] } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
} } });

async function started(user: string, date?: string): Promise<string> {
  const { id } = await store.create(user, definition(date));
  await jobs.start(user, id);
  return id;
}

const isIdle = async () => {
  const depths = await Promise.all((['batch', 'embed'] as const).map((lane) => queues.depth(lane)));
  return depths.every(({ waiting, active }) => waiting + active === 0);
};

/** Milliseconds until nothing waits and nothing runs. */
async function untilIdle(): Promise<number> {
  const from = performance.now();
  while (!await isIdle()) await delay(20);
  return performance.now() - from;
}

describe('a job whose budget is used up', () => {
  it('ends, keeps the file that was ready, and leaves no block waiting', async () => {
    // The first date has 16 blocks.
    const { id } = await store.create('ann', { ...definition(), plan: 'pro', budget: 20 });
    await jobs.start('ann', id);
    await expect.poll(async () => (await store.find(id))!.status, { timeout: 20_000 }).toBe('error');
    expect(await untilIdle()).toBeLessThan(2000);
    const job = (await store.find(id))!;
    expect(job).toMatchObject({ costs: 20, result: { files: [{ datetime: '2021-05-01T00:00:00Z' }] } });
    expect(await jobs.logs.lastError(id)).toMatchObject({ code: 'BudgetInvalid' });
    // Blocks that were asked for ahead are the service's loss.
    expect(computed.length).toBeLessThan(BLOCKS);
    await store.update('ann', id, (before) => ({ ...before, budget: 16 }));
    await jobs.start('ann', id);
    await expect.poll(async () => (await store.find(id))!.status, { timeout: 20_000 }).toBe('finished');
    expect((await store.find(id))!.costs).toBeLessThanOrEqual(16);
    expect(new Set(computed).size).toBe(BLOCKS);
  }, 60_000);
});

describe('canceling', () => {
  it('ends the job and every block that only it wants, within two seconds', async () => {
    const id = await started('ann');
    while (computed.length < 3) await delay(20);
    await jobs.cancel('ann', id);
    const ms = await untilIdle();
    expect(ms).toBeLessThan(2000);
    expect(computed.length).toBeLessThan(BLOCKS / 2);
    expect(await store.find(id)).toMatchObject({ status: 'created', progress: 0, usage: { embedding_blocks: { value: expect.any(Number) } } });
    const count = computed.length;
    await delay(500);
    expect(computed.length).toBe(count);
  }, 30_000);

  it('keeps the file that was ready, and goes on from the cached blocks when it is started again', async () => {
    const id = await started('ann');
    while ((await store.find(id))!.result === null) await delay(20);
    await jobs.cancel('ann', id);
    expect(await store.find(id)).toMatchObject({ status: 'canceled', result: { files: [{ datetime: '2021-05-01T00:00:00Z' }] } });
    expect((await store.find(id))!.progress).toBeGreaterThanOrEqual(40);
    await untilIdle();
    await jobs.start('ann', id);
    await expect.poll(async () => (await store.find(id))!.status, { timeout: 20_000 }).toBe('finished');
    expect((await store.find(id))!.result!.files).toHaveLength(2);
    expect(new Set(computed).size).toBe(BLOCKS);
    expect(computed).toHaveLength(BLOCKS);
  }, 40_000);

  it('takes no block away from a job of somebody else', async () => {
    const [mine, other] = [await started('ann'), await started('bob')];
    while (computed.length < 4) await delay(20);
    await jobs.cancel('ann', mine);
    await expect.poll(async () => (await store.find(other))!.status, { timeout: 30_000 }).toBe('finished');
    expect(new Set(computed).size).toBe(BLOCKS);
    expect((await store.find(mine))!.status).not.toBe('finished');
  }, 40_000);

  it('ends the work of a job that is deleted', async () => {
    const id = await started('ann');
    while (computed.length < 3) await delay(20);
    await jobs.delete('ann', id);
    expect(await untilIdle()).toBeLessThan(2000);
    expect(await Array.fromAsync(service.store.list(`results/${id}/`))).toEqual([]);
  }, 30_000);
});
