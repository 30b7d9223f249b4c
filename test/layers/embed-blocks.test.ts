import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { computeBlock, type EmbedSource } from '../../src/layers/compute-block.ts';
import { noCatalog, type CacheRow } from '../../src/layers/block-catalog.ts';
import { storedBlock, writeBlock } from '../../src/layers/embed-block.ts';
import { EmbedBlocks, type BlockComputer } from '../../src/layers/embed-blocks.ts';
import { embedSource } from '../../src/layers/embedded-cube.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { rawCube, registry, toyRuntime } from './fixtures.ts';

let directory: string;
let store: ObjectStore;
const source = embedSource({ data: rawCube(60, 60), model: 'toy' }, registry);
const facts = () => ({ cached: 0, computed: 0 });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lamina-blocks-'));
  store = createLocalStore(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A computer that waits until it is let go, or canceled. */
function heldComputer(): { compute: BlockComputer; begun: () => number; letGo: () => void } {
  let begun = 0;
  const gate = Promise.withResolvers<void>();
  const compute: BlockComputer = async (task, from, position, { signal }) => {
    begun++;
    const canceled = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    canceled.catch(() => {});
    await Promise.race([gate.promise, canceled]);
    await writeBlock(store, task.key, await computeBlock(from as EmbedSource, position, task.block, toyRuntime(), signal));
  };
  return { compute, begun: () => begun, letGo: () => gate.resolve() };
}

function heldAndLetGo(): BlockComputer {
  const { compute, letGo } = heldComputer();
  letGo();
  return compute;
}

describe('EmbedBlocks', () => {
  const get = (blocks: EmbedBlocks, signal: AbortSignal) => blocks.get(source, { origin: {} }, { x: 0, y: 0 }, { t: 0 }, { user: null, layer: null, facts: facts(), signal });

  it('computes a block once for all who want it at the same time', async () => {
    const held = heldComputer();
    const blocks = new EmbedBlocks({ store, compute: held.compute });
    const signal = new AbortController().signal;
    const all = Promise.all([get(blocks, signal), get(blocks, signal), get(blocks, signal)]);
    await expect.poll(held.begun).toBe(1);
    held.letGo();
    const [first, second] = await all;
    expect(first.vectors).toEqual(second.vectors);
    expect(held.begun()).toBe(1);
  });

  it('goes on for the others when the one who began is canceled', async () => {
    const held = heldComputer();
    const blocks = new EmbedBlocks({ store, compute: held.compute });
    const cancel = new AbortController();
    const canceled = get(blocks, cancel.signal);
    canceled.catch(() => {});
    await expect.poll(held.begun).toBe(1);
    const patient = get(blocks, new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    cancel.abort(new Error('canceled'));
    await expect(canceled).rejects.toThrow('canceled');
    held.letGo();
    expect((await patient).edge).toBe(32);
    expect(held.begun()).toBe(2);
  });

  it('reads a block out of the file into which it was moved while it was waited for', async () => {
    const filed = storedBlock(await computeBlock(source, { t: 0 }, { x: 0, y: 0 }, toyRuntime(), new AbortController().signal));
    const pointer = { href: 'file:///a.tif', band: 0, window: { x: 0, y: 0, width: 32, height: 32 } };
    let isFiled = false;
    const found = async (keys: readonly string[]) => new Map(isFiled ? keys.map((key) => [key, { state: 'filed', pointer } as CacheRow]) : []);
    const told: (boolean | undefined)[] = [];
    const blocks = new EmbedBlocks({
      store,
      catalog: { ...noCatalog, find: found },
      fromFile: async () => filed,
      compute: async (_task, _source, _position, { isElsewhere }) => {
        told.push(await isElsewhere?.());
        isFiled = true;
        told.push(await isElsewhere?.());
      },
    });
    const block = await get(blocks, new AbortController().signal);
    expect(told).toEqual([false, true]);
    expect(block.vectors).toEqual(filed.data);
  });

  it('keeps in memory what is asked for again, and gives the same samples every time', async () => {
    await get(new EmbedBlocks({ store, compute: heldAndLetGo() }), new AbortController().signal);
    const calls: string[] = [];
    const watched: ObjectStore = {
      ...store,
      glance: (key) => (calls.push('glance'), store.glance!(key)),
      get: (key, range) => (calls.push('get'), store.get(key, range)),
    };
    const blocks = new EmbedBlocks({ store: watched, compute: () => Promise.reject(new Error('it is there')) });
    const read: Float32Array[] = [];
    for (let i = 0; i < 4; i++) read.push((await get(blocks, new AbortController().signal)).vectors);
    expect(calls).toEqual(['glance', 'get']);
    expect(read.slice(1)).toEqual([read[0], read[0], read[0]]);
  });

  it('computes a damaged block again, also when it only glanced at it', async () => {
    const signal = new AbortController().signal;
    const whole = await get(new EmbedBlocks({ store, compute: heldAndLetGo() }), signal);
    for await (const { key } of store.list('blocks/')) {
      const bytes = (await store.get(key))!;
      bytes[bytes.length - 1]! ^= 1;
      await store.put(key, bytes);
    }
    const counted = facts();
    const again = await new EmbedBlocks({ store, compute: heldAndLetGo() }).get(source, { origin: {} }, { x: 0, y: 0 }, { t: 0 }, { user: null, layer: null, facts: counted, signal });
    expect(counted).toEqual({ cached: 0, computed: 1 });
    expect(again).toEqual(whole);
  });

  it('tells all of them when the work itself fails', async () => {
    const blocks = new EmbedBlocks({ store, compute: async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error('broken model');
    } });
    const signal = new AbortController().signal;
    const outcomes = await Promise.allSettled([get(blocks, signal), get(blocks, signal)]);
    expect(outcomes.map((o) => (o as PromiseRejectedResult).reason as unknown)).toEqual([new Error('broken model'), new Error('broken model')]);
  });
});
