import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TaskExpired, TaskRemoved, type Lane, type Task, type TaskQueues } from '../../src/jobs/queue.ts';
import { blockObjectKey, readBlock, writeBlock } from '../../src/layers/embed-block.ts';
import type { BlockTask } from '../../src/layers/embed-blocks.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { queuedComputer, type Urgency } from '../../src/workers/queued-computer.ts';

let folder: string;
let store: ReturnType<typeof createLocalStore>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-queued-'));
  store = createLocalStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const signal = new AbortController().signal;
const block = { dimensions: 2, edge: 32, vectors: new Float32Array(2048), nulls: new Uint8Array(1024) };
/** A source of cells: its blocks need no accelerator, and nothing else of it is looked at. */
const unused = {} as never;
let keys = 0;
const newTask = (): BlockTask => ({ key: (keys++).toString(16).padStart(64, '0'), origin: {}, operator: 'pca@sha256:1', block: { x: 0, y: 0 }, position: {} });
const wish = (user: string | null = null, stop = signal) => ({ user, layer: null, facts: { cached: 0, computed: 0 }, signal: stop });

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

/** A queue whose tasks end so, one wish after the other, and that ends none after that. */
function failingQueue(...errors: Error[]): { queues: TaskQueues; calls: string[] } {
  const calls: string[] = [];
  const queues = {
    add: async () => void calls.push('add'),
    result: async (_: Lane, __: string, stopped: AbortSignal) => {
      const error = errors.shift();
      if (error) throw error;
      return new Promise((_resolve, reject) => stopped.addEventListener('abort', () => reject(stopped.reason as Error)));
    },
    remove: async () => void calls.push('remove'),
  } as unknown as TaskQueues;
  return { queues, calls };
}

describe('queuedComputer', () => {
  it('adds one task under the key, and again when its block was deleted meanwhile', async () => {
    const task = newTask();
    const { queues, added, removed } = queueOf(({ key }) => writeBlock(store, key, block));
    await queuedComputer(queues, store, 'tile')(task, unused, unused, wish());
    expect(added).toEqual([{ lane: 'embed', task: { id: task.key, payload: task, priority: 1 } }]);
    expect(removed).toEqual([]);

    // The queue remembers the task as done, but its block was deleted meanwhile.
    await store.delete(blockObjectKey(task.key));
    await queuedComputer(queues, store, 'batch')(task, unused, unused, wish());
    expect(removed).toEqual([task.key]);
    expect(await readBlock(store, task.key)).not.toBeNull();
  });

  it('does not ask again for a block that was moved into a file meanwhile', async () => {
    const task = newTask();
    const { queues, added, removed } = queueOf(async () => {});
    await queuedComputer(queues, store, 'batch')(task, unused, unused, { ...wish(), isElsewhere: async () => true });
    expect([added.length, removed]).toEqual([1, []]);
  });

  it('asks by urgency first, then by how many blocks its user has under way', async () => {
    const hold = Promise.withResolvers<void>();
    const { queues, added } = queueOf(async ({ key }) => {
      await hold.promise;
      await writeBlock(store, key, block);
    });
    const asking: Promise<unknown>[] = [];
    const names: string[] = [];
    const ask = (compute: ReturnType<typeof queuedComputer>, user: string, name: string) => {
      names.push(name);
      asking.push(compute(newTask(), unused, unused, wish(user)));
    };
    const of = Object.fromEntries((['backfill', 'batch', 'sync', 'tile'] as const).map((urgency) => [urgency, queuedComputer(queues, store, urgency)])) as Record<Urgency, ReturnType<typeof queuedComputer>>;
    for (const urgency of ['backfill', 'batch', 'sync', 'tile'] as const) for (const i of [1, 2, 3]) ask(of[urgency], 'A', `${urgency} A${i}`);
    ask(of.batch, 'B', 'batch B1');
    ask(of.sync, 'B', 'sync B1');
    await expect.poll(() => added.length).toBe(names.length);
    const order = added.map(({ task }, i) => ({ priority: task.priority!, name: names[i]! })).toSorted((a, b) => a.priority - b.priority).map(({ name }) => name);
    expect(order).toEqual([
      'tile A1', 'tile A2', 'tile A3', 'sync A1', 'sync B1', 'sync A2', 'sync A3', 'batch A1', 'batch B1', 'batch A2', 'batch A3', 'backfill A1', 'backfill A2', 'backfill A3',
    ]);
    hold.resolve();
    await Promise.all(asking);
    // Nothing is under way any more: the next one is the user's first again.
    await of.tile(newTask(), unused, unused, wish('A'));
    expect(added.at(-1)!.task.priority).toBe(1);
  });

  it('gives the tasks of interactive requests a time by which they must begin', async () => {
    const { queues, added } = queueOf(({ key }) => writeBlock(store, key, block));
    const before = Date.now();
    await queuedComputer(queues, store, 'sync', { lifetimeMs: 5000 })(newTask(), unused, unused, wish());
    expect(added[0]!.task.expires).toBeGreaterThanOrEqual(before + 5000);
    expect(added[0]!.task.expires).toBeLessThanOrEqual(Date.now() + 5000);
  });

  it('adds a task again that was dropped because somebody else\'s time was up', async () => {
    const { queues, calls } = failingQueue(new TaskExpired(), new TaskExpired());
    const cancel = new AbortController();
    const computing = queuedComputer(queues, store, 'batch')(newTask(), unused, unused, wish(null, cancel.signal));
    await expect.poll(() => calls).toEqual(['add', 'add', 'add']);
    cancel.abort(new Error('canceled'));
    await expect(computing).rejects.toThrow('canceled');
  });

  it('gives up when its own time is up', async () => {
    const { queues, calls } = failingQueue(new TaskExpired());
    await expect(queuedComputer(queues, store, 'tile', { lifetimeMs: -1 })(newTask(), unused, unused, wish())).rejects.toBeInstanceOf(TaskExpired);
    expect(calls).toEqual(['add']);
  });

  it('adds a task again that somebody who was canceled has removed, and removes it when canceled itself', async () => {
    const { queues, calls } = failingQueue(new TaskRemoved(), new TaskRemoved());
    const cancel = new AbortController();
    const computing = queuedComputer(queues, store, 'batch')(newTask(), unused, unused, wish(null, cancel.signal));
    await expect.poll(() => calls).toEqual(['add', 'add', 'add']);
    cancel.abort(new Error('canceled'));
    await expect(computing).rejects.toThrow('canceled');
    expect(calls).toEqual(['add', 'add', 'add', 'remove']);
  });
});
