import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StacItem } from '../../src/catalog/types.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { blockObjectKey, readBlock } from '../../src/layers/embed-block.ts';
import { EmbedBlocks, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { EngineScope } from '../../src/layers/scope.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import { createEmbedHandler } from '../../src/workers/embed.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

const signal = new AbortController().signal;
let folder: string;
let item: StacItem;
const services: ToyService[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-embed-worker-'));
  item = await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band) => 20 + band * 40);
});
afterAll(async () => {
  for (const service of services) await service.close();
  await rm(folder, { recursive: true, force: true });
});

async function startService(): Promise<ToyService> {
  const service = await toyService(await mkdtemp(join(folder, 'service-')), [item]);
  services.push(service);
  return service;
}

/** The task that a run of the layer would put on the queue. */
async function taskOf(service: ToyService): Promise<BlockTask> {
  const tasks: BlockTask[] = [];
  const noted = new Error('noted');
  const blocks = new EmbedBlocks({ store: service.store, compute: async (task) => {
    tasks.push(task);
    throw noted;
  } });
  const scope = new EngineScope({ ...service.engine, blocks }, { signal, log: silentLog });
  const graph = { load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: null, temporal_extent: null }, result: true } };
  const cube = (await evaluate({ process_graph: graph }, service.engine.registry, scope)) as Cube;
  await expect(cube.read(cube.fullWindow())).rejects.toBe(noted);
  return JSON.parse(JSON.stringify(tasks[0])) as BlockTask;
}

describe('createEmbedHandler', () => {
  let service: ToyService;
  let logged: LogEntry[];
  let handler: ReturnType<typeof createEmbedHandler>;
  beforeEach(async () => {
    service = await startService();
    logged = [];
    handler = createEmbedHandler({ ...service, log: createLog((entry) => logged.push(entry)) });
  });

  it('computes a block from its task alone, stores it and says so', async () => {
    const task = await taskOf(service);
    expect(await handler(task, signal)).toMatchObject({ computed: true, samples: expect.any(Number) });
    const block = (await readBlock(service.store, task.key))!;
    expect([block.dimensions, block.edge]).toEqual([2, 32]);
    // Patch (5, 5): mean of band B02 with halo, mean of band B08.
    expect([block.vectors[5 * 32 + 5], block.vectors[1024 + 5 * 32 + 5]]).toEqual([20, 60]);
    expect(logged).toMatchObject([{ message: 'Computed an embedding block', data: { key: task.key, operator: 'toy@sha256:00' } }]);
  });

  it('does not compute a block that is stored', async () => {
    const task = await taskOf(service);
    await handler(task, signal);
    expect(await handler(task, signal)).toEqual({ computed: false });
    expect(service.runtime.runs).toBe(1);
    expect(logged).toHaveLength(1);
  });

  it('computes a damaged block again', async () => {
    const task = await taskOf(service);
    await handler(task, signal);
    await service.store.put(blockObjectKey(task.key), new Uint8Array([1, 2, 3]));
    expect(await handler(task, signal)).toMatchObject({ computed: true, samples: expect.any(Number) });
    expect(await readBlock(service.store, task.key)).not.toBeNull();
  });

  it('refuses when the source is not what the key was made of', async () => {
    const task = await taskOf(service);
    await expect(handler({ ...task, key: '0'.repeat(64) }, signal)).rejects.toMatchObject({ code: 'Internal', message: expect.stringContaining('source data changed') as unknown });
    expect(service.runtime.runs).toBe(0);
    expect(await readBlock(service.store, '0'.repeat(64))).toBeNull();
    // The stale source is forgotten: the right task works at once.
    expect(await handler(task, signal)).toMatchObject({ computed: true, samples: expect.any(Number) });
  });

  it('refuses a date that is gone', async () => {
    const task = await taskOf(service);
    const gone = { ...task, position: { ...task.position, t: '2001-01-01T00:00:00Z' } };
    await expect(handler(gone, signal)).rejects.toThrow(/no longer has '2001-01-01T00:00:00Z' on dimension 't'/);
  });

  it('stores nothing when it is stopped', async () => {
    const task = await taskOf(service);
    await expect(handler(task, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    expect(await readBlock(service.store, task.key)).toBeNull();
  });
});
