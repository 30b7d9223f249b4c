/** Batch jobs with blocks that can't be computed: what is done all the same, what the log says, and what a second start does. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StacItem } from '../../src/catalog/types.ts';
import { JobLogs } from '../../src/jobs/logs.ts';
import type { TaskContext } from '../../src/jobs/queue.ts';
import { JobStore } from '../../src/jobs/store.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { EmbedBlocks, type BlockComputer } from '../../src/layers/embed-blocks.ts';
import { ReadingAheadBlocks } from '../../src/layers/read-ahead.ts';
import { silentLog } from '../../src/log.ts';
import type { OperatorRuntime } from '../../src/operators/operator.ts';
import { createEmbedHandler } from '../../src/workers/embed.ts';
import { createBatchHandler, createSyncHandler } from '../../src/workers/processing.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { writeItem, type ToyService } from '../layers/service.ts';
import { openBlockWorld, type BlockWorld } from './block-world.ts';

const signal = new AbortController().signal;
let world: BlockWorld;
beforeAll(async () => {
  world = await openBlockWorld();
}, 60_000);
afterAll(() => world.close());

const graph = {
  load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: null, temporal_extent: null } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
};
/** One block is 128 × 128 pixels; each has a value of its own. */
const [COLUMNS, ROWS] = [10, 5];
const blockOf = (column: number, row: number) => Math.floor(row / 128) * COLUMNS + Math.floor(column / 128);
const tiles = (value: (block: number) => number) => writeItem(world.folder, 'tiles', '2021-05-01T00:00:00Z', (_, column, row) => value(blockOf(column, row)), utmGrid(COLUMNS * 128, ROWS * 128));

interface Bench {
  /** Values that the operator can't stand, and what it says. */
  readonly poison: Map<number, string>;
  /** Values of the blocks whose computation was begun, once for each time. */
  readonly begun: number[];
  readonly store: JobStore;
  readonly start: (kind?: 'batch' | 'sync') => Promise<string>;
  readonly again: (id: string) => Promise<void>;
  readonly logOf: (id: string) => ReturnType<JobLogs['list']>;
  readonly service: ToyService;
}

async function bench(items: readonly StacItem[]): Promise<Bench> {
  const service = await world.serve(items);
  const poison = new Map<number, string>();
  const begun: number[] = [];
  const runtime: OperatorRuntime = {
    async run(operator, input, rows, columns) {
      const value = input[(rows >> 1) * columns + (columns >> 1)]!;
      begun.push(value);
      const reason = poison.get(value);
      if (reason !== undefined) throw new Error(reason);
      return service.runtime.run(operator, input, rows, columns);
    },
    close: async () => {},
  };
  const handler = createEmbedHandler({ engine: service.engine, store: service.store, runtime, log: silentLog, catalog: world.cache });
  // The lane tries a block three times.
  const compute: BlockComputer = async (task) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await handler(task, signal, attempt);
      } catch (error) {
        if (attempt >= 3) throw error;
      }
    }
  };
  const store = new JobStore(world.database);
  const logs = new JobLogs(world.database);
  // A process that remembers nothing from one run to the next.
  const dependencies = (Blocks: typeof EmbedBlocks) => ({
    store, logs, watch: new RunWatch(store), objects: service.store, log: silentLog, scratch: join(world.folder, 'scratch'), syncMaxSamples: 1e9,
    engine: { ...service.engine, blocks: new Blocks({ store: service.store, compute, catalog: world.cache, memoryBytes: 0 }) },
  });
  const context: TaskContext = { taskId: 'x', signal, attempt: 1 };
  const run = async (id: string) => createBatchHandler(dependencies(ReadingAheadBlocks))({ jobId: id, run: (await store.start(id))!.run }, context);
  return {
    poison, begun, store, service,
    async start(kind = 'batch') {
      const definition = { process: { process_graph: graph } };
      if (kind === 'batch') {
        const { id } = await store.create('ann', definition);
        await run(id);
        return id;
      }
      const { id } = await store.createSync('ann', definition);
      await createSyncHandler(dependencies(EmbedBlocks))({ taskId: id, process: definition.process, userId: 'ann', logLevel: 'info' }, { ...context, taskId: id, attempt: 2 });
      return id;
    },
    async again(id) {
      await logs.clear(id);
      begun.splice(0);
      await run(id);
    },
    logOf: (id) => logs.list(id),
  };
}

const distinct = (values: readonly number[]) => [...new Set(values)].toSorted((a, b) => a - b);

describe('a batch job of 50 blocks with 3 that can\'t be computed', () => {
  it('computes the other 47, names the 3 in its log, and a second start computes exactly those', async () => {
    const { poison, begun, start, again, logOf, store, service } = await bench([await tiles((block) => 10 + block)]);
    for (const block of [7, 23, 42]) poison.set(10 + block, `the operator broke at tile ${block}`);
    const id = await start();

    expect(await store.find(id)).toMatchObject({ status: 'error', result: null, stages: { infer: { count: 47, isFailed: true, unit: 'blocks' }, resolve: { isOver: true } } });
    expect(distinct(begun)).toEqual(Array.from({ length: 50 }, (_, i) => 10 + i));
    const errors = (await logOf(id)).filter(({ level }) => level === 'error');
    expect(errors.map(({ data }) => (data as { block?: unknown }).block)).toEqual(expect.arrayContaining([{ x: 7, y: 0 }, { x: 3, y: 2 }, { x: 2, y: 4 }]));
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatchObject({
      message: expect.stringMatching(/^The block \d\/\d of 2021-05-01T00:00:00Z with toy could not be computed: an unforeseen error/) as unknown,
      data: { stage: 'infer', operator: 'toy@sha256:00', layer: 'LAYER', datetime: '2021-05-01T00:00:00Z', bbox: [expect.any(Number), expect.any(Number), expect.any(Number), expect.any(Number)] },
    });
    // What the caller gets instead of results.
    expect(errors.at(-1)).toMatchObject({ code: 'Internal', message: expect.stringMatching(/3 blocks could not be computed; the log names them with the reason\. 47 blocks were computed and are kept/) as unknown });
    expect(JSON.stringify(errors)).not.toContain('operator broke');

    poison.clear();
    await again(id);
    expect(begun.toSorted((a, b) => a - b)).toEqual([17, 33, 52]);
    const finished = (await store.find(id))!;
    expect(finished).toMatchObject({ status: 'finished', progress: 100, stages: { infer: { count: 3, cached: 47 }, write: { count: 1 } } });
    expect(await service.store.head(finished.result!.files[0]!.objectKey)).not.toBeNull();
  }, 60_000);

  it('tries what failed again when it is started again, although the blocks are set aside', async () => {
    const { poison, begun, start, again, store } = await bench([await tiles((block) => 100 + block)]);
    poison.set(105, 'still broken');
    const id = await start();
    await again(id);
    expect(distinct(begun)).toEqual([105]);
    expect((await store.find(id))!.status).toBe('error');
  }, 60_000);
});

describe('a batch job over 50 scenes, 3 of whose files are damaged', () => {
  it('says which, in the stage of reading, and when they are mended computes exactly those', async () => {
    // Each in the middle of a block: one at the edge would be part of its neighbours, too.
    const scenes = await Promise.all(Array.from({ length: 50 }, (_, i) => writeItem(world.folder, `scene-${i}`, '2021-05-01T00:00:00Z', () => 500 + i, { ...utmGrid(100, 100), originX: 600_100 + (i % 10) * 1280, originY: 5_599_900 - Math.floor(i / 10) * 1280 })));
    const { begun, start, again, logOf, store } = await bench(scenes);
    const damaged = [4, 18, 31].map((i) => fileURLToPath(scenes[i]!.assets['data']!.href));
    const good = await Promise.all(damaged.map((path) => readFile(path)));
    for (const [i, path] of damaged.entries()) await writeFile(path, good[i]!.subarray(0, 600));
    const id = await start();
    const errors = (await logOf(id)).filter(({ level }) => level === 'error');
    expect(errors[0]!.message).toMatch(/^The block \d\/\d of 2021-05-01T00:00:00Z with toy could not be computed: File content is invalid\. 'result\.tif' can't be read/);
    expect([(await store.find(id))!.status, errors.length, (errors[0]!.data as { stage: string }).stage]).toEqual(['error', 4, 'read']);
    for (const [i, path] of damaged.entries()) await writeFile(path, good[i]!);
    await again(id);
    expect(begun.toSorted((a, b) => a - b)).toEqual([504, 518, 531]);
    expect((await store.find(id))!.status).toBe('finished');
  }, 60_000);
});

describe('failures that are alike', () => {
  it('end a job after five in a row, and not after all of its blocks', async () => {
    const { poison, begun, start, logOf, store } = await bench([await tiles((block) => 200 + block)]);
    for (let block = 0; block < 50; block++) poison.set(200 + block, `no such instruction at ${block * 4096}`);
    const id = await start();
    expect((await store.find(id))!.status).toBe('error');
    // Eight are under way at a time, and as many may have been asked for ahead.
    expect(distinct(begun).length).toBeLessThan(25);
    const errors = (await logOf(id)).filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(6);
    expect(errors.at(-1)!.message).toMatch(/5 blocks in a row failed alike, so the rest was not tried: /);
  }, 60_000);

  it('do not, when blocks are computed in between', async () => {
    const { poison, start, logOf, store } = await bench([await tiles((block) => 300 + block)]);
    for (let block = 0; block < 50; block += 4) poison.set(300 + block, 'bad tile');
    const id = await start();
    const errors = (await logOf(id)).filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(14);
    expect((await store.find(id))!.stages!.infer!.count).toBe(37);
  }, 60_000);
});

it('a synchronous request is told of the first block that fails', async () => {
  const { poison, start, begun } = await bench([await tiles((block) => 400 + block)]);
  poison.set(400, 'broken');
  await expect(start('sync')).rejects.toMatchObject({ code: 'Internal' });
  expect(distinct(begun).length).toBeLessThan(50);
}, 60_000);
