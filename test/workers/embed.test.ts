import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StacItem } from '../../src/catalog/types.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { blockObjectKey, readBlock, writeBlock } from '../../src/layers/embed-block.ts';
import { EmbedBlocks, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { EngineScope } from '../../src/layers/scope.ts';
import { TaskRemoved, type Lane, type Task, type TaskQueues } from '../../src/jobs/queue.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import { createEmbedHandler } from '../../src/workers/embed.ts';
import { queuedComputer } from '../../src/workers/queued-computer.ts';
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
    expect(await handler(task, signal)).toEqual({ computed: true });
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
    expect(await handler(task, signal)).toEqual({ computed: true });
    expect(await readBlock(service.store, task.key)).not.toBeNull();
  });

  it('refuses when the source is not what the key was made of', async () => {
    const task = await taskOf(service);
    await expect(handler({ ...task, key: '0'.repeat(64) }, signal)).rejects.toMatchObject({ code: 'Internal', message: expect.stringContaining('source data changed') as unknown });
    expect(service.runtime.runs).toBe(0);
    expect(await readBlock(service.store, '0'.repeat(64))).toBeNull();
    // The stale source is forgotten: the right task works at once.
    expect(await handler(task, signal)).toEqual({ computed: true });
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

describe('queuedComputer', () => {
  /** A queue that runs a task when it is added and remembers its id, as the real one does. */
  function queueOf(run: (task: BlockTask) => Promise<void>): { queues: TaskQueues; added: { lane: Lane; task: Task<BlockTask> }[]; removed: string[] } {
    const added: { lane: Lane; task: Task<BlockTask> }[] = [];
    const removed: string[] = [];
    const known = new Map<string, Promise<void>>();
    const queues = {
      add: async (lane: Lane, task: Task<BlockTask>) => {
        added.push({ lane, task });
        if (!known.has(task.id)) known.set(task.id, run(task.payload));
      },
      result: (_: Lane, id: string) => known.get(id),
      remove: async (_: Lane, id: string) => {
        removed.push(id);
        known.delete(id);
      },
    } as unknown as TaskQueues;
    return { queues, added, removed };
  }

  it('adds one task under the key, with the urgency of who waits', async () => {
    const service = await startService();
    const task = await taskOf(service);
    const block = { dimensions: 2, edge: 32, vectors: new Float32Array(2048), nulls: new Uint8Array(1024) };
    const { queues, added, removed } = queueOf(({ key }) => writeBlock(service.store, key, block));
    const unused = undefined as never;
    await queuedComputer(queues, service.store, 'tile')(task, unused, unused, { user: null, layer: null, facts: { cached: 0, computed: 0 }, signal });
    expect(added).toEqual([{ lane: 'embed', task: { id: task.key, payload: task, priority: 1 } }]);
    expect(removed).toEqual([]);

    // The queue remembers the task as done, but its block was deleted meanwhile.
    await service.store.delete(blockObjectKey(task.key));
    await queuedComputer(queues, service.store, 'batch')(task, unused, unused, { user: null, layer: null, facts: { cached: 0, computed: 0 }, signal });
    expect(removed).toEqual([task.key]);
    expect(await readBlock(service.store, task.key)).not.toBeNull();
  });

  /** A queue whose tasks somebody else removes so many times, and that ends none. */
  function lossyQueue(losses: number): { queues: TaskQueues; calls: string[] } {
    const calls: string[] = [];
    const queues = {
      add: async () => void calls.push('add'),
      result: async (_: Lane, __: string, stopped: AbortSignal) => {
        if (losses-- > 0) throw new TaskRemoved();
        return new Promise((_resolve, reject) => stopped.addEventListener('abort', () => reject(stopped.reason as Error)));
      },
      remove: async () => void calls.push('remove'),
    } as unknown as TaskQueues;
    return { queues, calls };
  }

  it('adds a task again that somebody who was canceled has removed, and removes it when canceled itself', async () => {
    const service = await startService();
    const task = await taskOf(service);
    const { queues, calls } = lossyQueue(2);
    const cancel = new AbortController();
    const computing = queuedComputer(queues, service.store, 'batch')(task, undefined as never, undefined as never, { user: null, layer: null, facts: { cached: 0, computed: 0 }, signal: cancel.signal });
    await expect.poll(() => calls).toEqual(['add', 'add', 'add']);
    cancel.abort(new Error('canceled'));
    await expect(computing).rejects.toThrow('canceled');
    expect(calls).toEqual(['add', 'add', 'add', 'remove']);
  });
});
