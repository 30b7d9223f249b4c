/** Estimates out of plans and rates, and how rates are measured. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase, type Database } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrations.ts';
import { estimateOf, isoDuration, worksOf } from '../../src/jobs/estimate.ts';
import type { RunPlan } from '../../src/jobs/payloads.ts';
import { operatorWork, Throughput, ThroughputStore } from '../../src/jobs/throughput.ts';
import { startPostgres, type TestServer } from './servers.ts';

const run: RunPlan = {
  samplesRead: 900, blocks: [{ work: 'operator:pca', all: 10, cached: 4, samples: 600 }],
  saved: [{ format: 'GTiff', dtype: 'int8', samples: 100, bytes: 100 }], share: 1,
};
const rates = new Map([['operator:pca', 2], ['samples', 1000], ['format:gtiff:int8', 0.5], ['cpu', 1.5]]);
const plan = { name: 'p', description: 'p', paid: true, prices: { job: 1, embedding_blocks: 10, input_pixel: 0.01, storage: 0.1, cpu: 2 } };

describe('an estimate', () => {
  it('adds up the blocks that are missing, the samples, and the bytes that the format has needed before', () => {
    // 1 s to begin, 6 blocks at 2 per second, 1000 samples at 1000 per second.
    expect(estimateOf(run, rates, null)).toEqual({ costs: null, seconds: 1 + 3 + 1, sizeBytes: 50 });
    expect(estimateOf(run, rates, plan).costs).toBeCloseTo(1 + 60 + 15 + 5 + 2 * 5 * 1.5);
    expect(worksOf(run)).toEqual(expect.arrayContaining([...rates.keys()]));
  });

  it('leaves out what nobody knows', () => {
    const unknown = new Map([['samples', 1000]]);
    expect(estimateOf(run, unknown, null)).toEqual({ costs: null, seconds: null, sizeBytes: 100 });
    expect(estimateOf(run, unknown, plan).costs).toBeNull();
    expect(estimateOf(run, unknown, { ...plan, prices: { embedding_blocks: 10 } }).costs).toBe(60);
    expect(estimateOf({ ...run, saved: [{ format: 'JSON', dtype: 'uint8', samples: 10, bytes: 10 }] }, unknown, null).sizeBytes).toBe(240);
  });

  it('does not ask for the speed of what is all cached', () => {
    expect(estimateOf({ ...run, blocks: [{ work: 'operator:new', all: 3, cached: 3, samples: 0 }] }, rates, null).seconds).toBe(2);
  });

  it('is refused when it would be empty', () => {
    expect(() => estimateOf({ ...run, saved: [] }, new Map(), null)).toThrow(expect.objectContaining({ code: 'EstimateComplexity', status: 500 }));
  });

  it('writes durations as ISO 8601', () => {
    expect([0, 0.2, 59.5, 60, 3600, 3725, 90_000, 86_400].map(isoDuration)).toEqual(['PT1S', 'PT1S', 'PT1M', 'PT1M', 'PT1H', 'PT1H2M5S', 'P1DT1H', 'P1D']);
  });
});

describe('what workers measure', () => {
  let server: TestServer;
  let database: Database;
  let store: ThroughputStore;
  beforeAll(async () => {
    server = await startPostgres();
    database = openDatabase(server.url);
    await migrate(database);
    store = new ThroughputStore(database);
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  it('counts the time of tasks that run together once, and none for tasks that did nothing', async () => {
    let now = 0;
    const throughput = new Throughput(store, { now: () => now, flushMs: 1e6 });
    const one = throughput.begin(operatorWork('a'));
    now = 1000;
    const two = throughput.begin(operatorWork('a'));
    now = 2000;
    one(1);
    now = 4000;
    two(1);
    now = 50_000;
    const nothing = throughput.begin(operatorWork('a'));
    now = 60_000;
    nothing(0);
    await throughput.close();
    expect(await store.rates([operatorWork('a'), operatorWork('never')])).toEqual(new Map([['operator:a', 2 / 4]]));
  });

  it('follows a machine that has become faster', async () => {
    await store.add('operator:b', { amount: 600, seconds: 600 });
    expect((await store.rates(['operator:b'])).get('operator:b')).toBe(1);
    await store.add('operator:b', { amount: 6000, seconds: 600 });
    // Half of the old sums are left: (300 + 6000) / (300 + 600).
    expect((await store.rates(['operator:b'])).get('operator:b')).toBeCloseTo(7);
    await store.add('operator:b', { amount: 1, seconds: 0 });
    await store.add('operator:b', { amount: 1e7, seconds: 1e6 });
    expect((await store.rates(['operator:b'])).get('operator:b')).toBeCloseTo(10);
  });

  it('goes on without a database', async () => {
    const throughput = new Throughput({ add: () => Promise.reject(new Error('away')) });
    throughput.note('samples', { amount: 1, seconds: 1 });
    await expect(throughput.close()).resolves.toBeUndefined();
  });
});
