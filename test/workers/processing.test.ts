/** The handlers of the lanes 'sync' and 'batch' over a real engine; the job store, its logs and the watch are small stand-ins. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseBilling } from '../../src/jobs/billing-file.ts';
import type { Job } from '../../src/jobs/job.ts';
import type { JobLogs } from '../../src/jobs/logs.ts';
import type { TaskContext } from '../../src/jobs/queue.ts';
import type { JobResult } from '../../src/jobs/results.ts';
import type { Account, JobStore } from '../../src/jobs/store.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import { CpuShares } from '../../src/workers/cpu-shares.ts';
import { costsUnder, createBatchHandler, createSyncHandler, type ProcessingDependencies } from '../../src/workers/processing.ts';
import { hasSchemas, problemsOf } from '../api/stac/validator.ts';
import { seriesItem } from '../../src/api/openeo/result-collection.ts';
import { resultDocument } from '../../src/api/openeo/results-served.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

let folder: string;
let service: ToyService;
let store: FakeStore;
let logged: LogEntry[];
let dependencies: ProcessingDependencies;

/** One job, and what was done to it. */
class FakeStore {
  readonly calls: string[] = [];
  result: JobResult | null = null;
  usage: unknown = null;
  costs: number | null = null;
  stages: Job['stages'] = null;
  readonly partial: string[][] = [];
  isCanceled = false;
  readonly job: Job;

  constructor(kind: Job['kind'], process: Record<string, unknown>) {
    this.job = {
      id: 'job-1', kind, userId: 'ann', definition: { process: { process_graph: {}, ...process }, log_level: 'debug' }, status: 'running', run: 1, turn: 1, begun: 1, progress: 0,
      created: '2024-01-01T00:00:00.000Z', updated: '2024-01-01T00:00:00.000Z', queued: null, started: null, finished: '2024-01-01T00:01:00.000Z', stages: null, usage: null, costs: null, linkSeries: 0, result: null,
    };
  }

  async begin() {
    this.calls.push('begin');
    return this.isCanceled ? null : this.job;
  }

  async finish(_run: unknown, result: JobResult, { usage, costs }: Account) {
    this.calls.push('finish');
    [this.result, this.usage, this.costs] = [result, usage, costs];
    return this.isCanceled ? null : this.job;
  }

  async fail() {
    this.calls.push('fail');
    return this.job;
  }

  async giveBack() {
    this.calls.push('giveBack');
  }

  async current(runs: readonly unknown[]) {
    return this.isCanceled ? [] : [...runs];
  }

  async find() {
    return this.job;
  }

  async report() {}

  async noteStages(_run: unknown, stages: Job['stages']) {
    this.stages = stages;
  }

  async account() {}

  async keepPartial(_run: unknown, result: JobResult) {
    this.partial.push(result.files.map(({ name }) => name));
  }
}

function prepare(kind: Job['kind'], process: Record<string, unknown>): void {
  logged = [];
  store = new FakeStore(kind, process);
  const jobStore = store as unknown as JobStore;
  const logs = { open: () => ({ log: createLog((entry) => logged.push(entry), 'debug'), flush: async () => {} }) } as unknown as JobLogs;
  dependencies = {
    store: jobStore, logs, watch: new RunWatch(jobStore, 20), objects: service.store, log: silentLog,
    engine: service.engine, scratch: join(folder, 'scratch'), syncMaxSamples: 100_000, cpu: new CpuShares(),
  };
}

const context = (changes: Partial<TaskContext> = {}): TaskContext => ({ taskId: 'job-1', signal: new AbortController().signal, attempt: 1, ...changes });
const sync = (changes?: Partial<TaskContext>) => createSyncHandler(dependencies)({ taskId: 'job-1', process: store.job.definition.process, userId: 'ann', logLevel: 'debug' }, context(changes));
const batch = (changes?: Partial<TaskContext>) => createBatchHandler(dependencies)({ jobId: 'job-1', run: 1 }, context(changes));
const saveOf = (id: string) => ({
  load: { process_id: 'load_collection', arguments: { id, spatial_extent: null, temporal_extent: null } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
});

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-processing-'))));
beforeEach(async () => {
  const own = await mkdtemp(join(folder, 'service-'));
  service = await toyService(own, [await writeItem(own, 'a', '2021-05-01T00:00:00Z', (band) => 20 + band * 40), await writeItem(own, 'b', '2021-06-01T00:00:00Z', () => 7)]);
});
afterEach(() => service.close());
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the handler of batch jobs', () => {
  it('finishes a job with its files, metadata and usage', async () => {
    prepare('batch', { process_graph: saveOf('LAYER') });
    await batch();
    expect(store.calls).toEqual(['begin', 'finish']);
    expect(store.result!.files).toHaveLength(2);
    expect(store.result!.files[0]!.objectKey).toMatch(/^results\/job-1\/1\//);
    expect(store.result!).toMatchObject({
      properties: { datetime: null, start_datetime: '2021-05-01T00:00:00Z', end_datetime: '2021-06-01T00:00:00Z', 'processing:lineage': 'compress_embed with toy@sha256:00' },
      links: [{ rel: 'derived_from', href: 'item:RAW/a' }, { rel: 'derived_from', href: 'item:RAW/b' }],
    });
    expect(store.usage).toMatchObject({ duration: { unit: 's' }, cpu: { unit: 'cpu-seconds' }, embedding_blocks: { value: 2, unit: 'blocks' } });
    expect(logged.map((entry) => entry.message).join('\n')).toMatch(/embedding blocks: 0 cached, 2 computed/);
  });

  it.skipIf(!hasSchemas)(`describes its result as a valid STAC collection and as valid items${hasSchemas ? '' : ' (skipped: ../shared/spec/stac/schemas is absent)'}`, async () => {
    const signer = { sign: () => ({ expires: '2030-01-01T00:00:00Z', signature: 's', path: '/x' }) };
    for (const id of ['RAW', 'LAYER']) {
      prepare('batch', { process_graph: saveOf(id) });
      await batch();
      const settings = { base: 'https://example.org', signer: signer as never, partial: false, self: 'https://example.org/openeo/1.3/jobs/job-1/results', resultDays: 3 };
      const collection = resultDocument(store.job, store.result!, settings);
      const item = resultDocument(store.job, store.result!, settings, true);
      expect([collection.type, item.type]).toEqual(['Collection', 'Feature']);
      for (const document of [collection, item, seriesItem(store.job, store.result!, 1, settings)!]) expect([id, await problemsOf(document)]).toEqual([id, []]);
    }
  }, 60_000);

  it('keeps every file as soon as it is there', async () => {
    prepare('batch', { process_graph: saveOf('RAW') });
    await batch();
    const names = store.result!.files.map(({ name }) => name);
    expect(names).toHaveLength(2);
    expect(store.partial[0]).toEqual(names.slice(0, 1));
    for (const { objectKey, sizeBytes, metadata } of store.result!.files) {
      const bytes = (await service.store.get(objectKey))!;
      expect([bytes.length, metadata['file:checksum']]).toEqual([sizeBytes, `1220${createHash('sha256').update(bytes).digest('hex')}`]);
    }
  });

  it('reports progress over all that is saved, and never backwards', async () => {
    const { load } = saveOf('RAW');
    const save = (result: boolean) => ({ process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result });
    prepare('batch', { process_graph: { load, one: save(false), two: save(true) } });
    const shares: number[] = [];
    dependencies = { ...dependencies, store: Object.assign(store, { report: async (_run: unknown, share: number) => void shares.push(share) }) as unknown as JobStore };
    // Reports are written once a second; here all of them count.
    const now = vi.spyOn(performance, 'now');
    let ms = 0;
    now.mockImplementation(() => (ms += 2000));
    await batch();
    now.mockRestore();
    expect(shares.length).toBeGreaterThan(3);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.some((share) => share > 0 && share <= 0.5) && shares.some((share) => share > 0.5)).toBe(true);
  });

  it('tells in its log what was loaded, read and written, at which node', async () => {
    prepare('batch', { process_graph: saveOf('RAW') });
    await batch();
    const entry = (text: RegExp) => logged.find(({ message }) => text.test(message));
    expect(entry(/^Loads 'RAW': 2 items of 2 dates, 2 bands, 128 × 128 pixels/)).toMatchObject({ level: 'info', path: [{ node_id: 'load', process_id: 'load_collection' }], data: { items: 2 } });
    expect(entry(/^load_collection: a data cube with t 2 × bands 2 × y 128 × x 128/)).toMatchObject({ level: 'debug', path: [{ node_id: 'load' }], data: { ms: expect.any(Number) } });
    expect(entry(/^Wrote 2 files/)).toMatchObject({
      level: 'info', path: [{ node_id: 'save', process_id: 'save_result' }],
      data: { samples_read: 2 * 2 * 128 * 128, bytes_read: 2 * 2 * 2 * 128 * 128, bytes_written: store.result!.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) },
    });
    expect(entry(/^Finished in/)).toMatchObject({ data: { files_opened: 2 } });
    expect(logged.length).toBeLessThan(12);
  });

  it('names the nodes inside of a layer behind the one that loads it, and counts its blocks', async () => {
    prepare('batch', { process_graph: saveOf('LAYER') });
    await batch();
    expect(logged.find(({ message }) => message.startsWith('Loads \'RAW\''))!.path!.map(({ node_id: id }) => id)).toEqual(['load', 'load']);
    expect(logged.find(({ message }) => message.startsWith('Wrote'))).toMatchObject({ data: { blocks_cached: 0, blocks_computed: 2 } });
    expect(store.usage).toMatchObject({ input_pixel: { value: expect.any(Number), unit: 'samples' }, storage: { value: store.result!.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) } });
    expect((store.usage as Record<string, { value: number }>)['cpu']!.value).toBeGreaterThan(0);
    expect((store.usage as Record<string, { value: number }>)['input_pixel']!.value).toBeGreaterThanOrEqual(2 * 2 * 128 * 128);
  });

  describe('under a plan with prices', () => {
    const billing = parseBilling({ currency: 'credits', default_plan: 'pro', plans: [{ name: 'pro', description: 'p', paid: true, prices: { job: 1, embedding_blocks: 10 } }] }, 'plans');
    const priced = (id: string, budget: number | undefined, lane: Job['kind'] = 'batch') => {
      prepare(lane, { process_graph: saveOf(id) });
      Object.assign(store.job.definition, { plan: 'pro', ...(budget !== undefined && { budget }) });
      dependencies = { ...dependencies, billing, costs: costsUnder(billing) };
    };

    it('has costs; blocks of the cache are free', async () => {
      priced('LAYER', undefined);
      await batch();
      expect(store.costs).toBe(21);
      priced('LAYER', 1);
      await batch();
      expect([store.calls, store.costs]).toEqual([['begin', 'finish'], 1]);
    });

    it('is stopped before the block that its budget does not pay, and keeps the file before it', async () => {
      priced('LAYER', 15);
      await batch();
      expect(store.calls).toEqual(['begin', 'fail']);
      expect(logged.at(-1)).toMatchObject({ level: 'error', code: 'BudgetInvalid', message: expect.stringContaining('15 credits') });
      expect(store.partial.map((names) => names.length)).toEqual([1]);
      expect((await Array.fromAsync(service.store.list('results/'))).map(({ key }) => key)).toHaveLength(1);
      expect((await Array.fromAsync(service.store.list('blocks/')))).toHaveLength(1);
    });

    it('refuses a synchronous request that costs more', async () => {
      priced('LAYER', 5, 'sync');
      await expect(sync()).rejects.toMatchObject({ code: 'BudgetInvalid', status: 400 });
    });
  });

  it('uses the defaults of the parameters that a process declares', async () => {
    prepare('batch', {
      process_graph: { add: { process_id: 'add', arguments: { x: { from_parameter: 'base' }, y: 2 }, result: true } },
      parameters: [{ name: 'base', description: 'b', schema: { type: 'number' }, optional: true, default: 40 }],
    });
    await batch();
    expect(JSON.parse(Buffer.from((await service.store.get(store.result!.files[0]!.objectKey))!).toString())).toBe(42);
  });

  it('fails a job whose graph is wrong and tells its user where', async () => {
    prepare('batch', { process_graph: saveOf('NONE') });
    await batch();
    expect(store.calls).toEqual(['begin', 'fail']);
    expect(logged.at(-1)).toMatchObject({ level: 'error', code: 'CollectionNotFound', path: [{ node_id: 'load', process_id: 'load_collection' }] });
  });

  it('tells the user nothing of what went wrong inside, and tries again', async () => {
    prepare('batch', { process_graph: saveOf('RAW') });
    const engine = { ...service.engine, catalog: { ...service.engine.catalog, items: () => Promise.reject(new Error('password of /secret/path')) } };
    dependencies = { ...dependencies, engine };
    await expect(batch()).rejects.toThrow('password');
    expect(store.calls).toEqual(['begin']);
    await batch({ attempt: 3 });
    expect(store.calls).toEqual(['begin', 'begin', 'fail']);
    expect(JSON.stringify(logged)).not.toContain('secret');
  });

  it('leaves no file of a job that was canceled on the way', async () => {
    prepare('batch', { process_graph: saveOf('RAW') });
    const original = service.engine.catalog;
    const engine = { ...service.engine, catalog: { ...original, items: async (query: Parameters<typeof original.items>[0]) => {
      store.isCanceled = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return original.items(query);
    } } };
    dependencies = { ...dependencies, engine };
    await batch();
    expect(store.calls).not.toContain('fail');
    expect(await Array.fromAsync(service.store.list('results/'))).toEqual([]);
  });

  it('gives a job back when the worker shuts down', async () => {
    prepare('batch', { process_graph: saveOf('RAW') });
    await expect(batch({ signal: AbortSignal.abort(new Error('shutdown')) })).rejects.toThrow('shutdown');
    expect(store.calls).toEqual(['begin', 'giveBack']);
  });
});

describe('the handler of synchronous requests', () => {
  it('gives the files and how the blocks were come by', async () => {
    prepare('sync', { process_graph: saveOf('LAYER') });
    const answer = await sync();
    expect(answer.facts).toEqual({ blocks_cached: 0, blocks_computed: 2 });
    expect(answer.files).toHaveLength(2);
    expect((await sync()).facts).toEqual({ blocks_cached: 2, blocks_computed: 0 });
  });

  it('refuses what is too large to wait for', async () => {
    prepare('sync', { process_graph: saveOf('RAW') });
    dependencies = { ...dependencies, syncMaxSamples: 100 };
    await expect(sync()).rejects.toMatchObject({ code: 'ProcessGraphComplexity' });
    expect(store.calls).toEqual(['begin', 'fail']);
  });

  it('answers nobody when the request was canceled before', async () => {
    prepare('sync', { process_graph: saveOf('RAW') });
    store.isCanceled = true;
    await expect(sync()).rejects.toMatchObject({ code: 'RequestTimeout' });
  });
});
