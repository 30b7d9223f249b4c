import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../../src/cube/array-cube.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { blockObjectKey, writeBlock } from '../../src/layers/embed-block.ts';
import { computeBlock, type EmbedSource } from '../../src/layers/compute-block.ts';
import { EmbedBlocks, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { embeddedCube } from '../../src/layers/embedded-cube.ts';
import type { EmbedRequest } from '../../src/graph/scope.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { rawCube, registry, toyRuntime } from './fixtures.ts';

let directory: string;
let store: ObjectStore;
const signal = new AbortController().signal;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lamina-embed-'));
  store = createLocalStore(directory);
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Embeds through fresh memory, as another process would; tells what was computed. */
function embed(data: Cube, options: Partial<EmbedRequest> = {}): { cube: Cube; facts: { cached: number; computed: number }; tasks: BlockTask[]; runtime: ReturnType<typeof toyRuntime> } {
  const runtime = toyRuntime();
  const facts = { cached: 0, computed: 0 };
  const tasks: BlockTask[] = [];
  const blocks = new EmbedBlocks({
    store,
    compute: async (task, source, position) => {
      tasks.push(task);
      await writeBlock(store, task.key, await computeBlock(source as EmbedSource, position, task.block, runtime, signal));
    },
  });
  const cube = embeddedCube({ data, origin: {}, model: 'toy', quantization: 'float32', dimensions: null, ...options }, { operators: registry, blocks, wish: { user: null, layer: null, facts } });
  return { cube, facts, tasks, runtime };
}

describe('embeddedCube', () => {
  it('puts the embedding in the place of the bands, on the patch grid', () => {
    const { cube } = embed(rawCube(300, 60));
    expect(cube.dimensions.map((d) => [d.name, d.size])).toEqual([['t', 2], ['embedding', 2], ['y', 15], ['x', 75]]);
    expect(cube.labels('embedding')).toEqual(['e000', 'e001']);
    expect(cube.grid).toMatchObject({ stepX: 40, stepY: 40, width: 75, height: 15 });
  });

  it('computes each block once, and none that is stored', async () => {
    const first = embed(rawCube(300, 60));
    // 75 × 15 patches in blocks of 32: three blocks a date, two dates.
    await Promise.all([readAll(first.cube), readAll(first.cube)]);
    expect(first.runtime.runs).toBe(6);
    const second = embed(rawCube(300, 60));
    await readAll(second.cube);
    expect(second.facts).toEqual({ cached: 6, computed: 0 });
  });

  it('gives the same vectors in one window and in many', async () => {
    const { cube } = embed(rawCube(300, 60));
    const whole = await readAll(cube);
    const part = await cube.read({ start: [1, 0, 3, 30], size: [1, 2, 5, 9] });
    for (let e = 0; e < 2; e++) for (let y = 0; y < 5; y++) for (let x = 0; x < 9; x++) {
      expect(part.data[(e * 5 + y) * 9 + x]).toBe(whole.data[((2 + e) * 15 + 3 + y) * 75 + 30 + x]);
    }
  });

  it('quantises as a view: the blocks are shared by all methods', async () => {
    const exact = await readAll(embed(rawCube(40, 40)).cube);
    const { cube, facts } = embed(rawCube(40, 40), { quantization: 'int8' });
    const rounded = await readAll(cube);
    expect(facts.computed).toBe(0);
    expect(cube.attributes.encoding).toMatchObject({ method: 'int8', scale: [1, 2], offset: [0, 10], nodata: -128 });
    expect(rounded.data[0]).toBe(Math.round(exact.data[0]!));
    expect(rounded.data[100]).toBe(Math.round((exact.data[100]! - 10) / 2) * 2 + 10);
  });

  it('keeps a prefix of the dimensions', async () => {
    const { cube } = embed(rawCube(40, 40), { dimensions: 1 });
    expect((await readAll(cube)).shape).toEqual([2, 1, 10, 10]);
    expect(() => embed(rawCube(40, 40), { dimensions: 3 })).toThrow("operator 'toy' has 1 to 2 dimensions, not 3");
  });

  it('computes a damaged block again', async () => {
    const first = embed(rawCube(40, 40));
    const before = await readAll(first.cube);
    await store.put(blockObjectKey(first.tasks[0]!.key), new Uint8Array([1, 2, 3]));
    const second = embed(rawCube(40, 40));
    expect((await readAll(second.cube)).data).toEqual(before.data);
    expect(second.facts.computed).toBe(1);
  });

  it('names another key when a pixel of the block or of its halo changes, and only then', async () => {
    const keys = async (change?: number) => {
      const cube = rawCube(300, 60);
      if (change !== undefined) {
        const block = await cube.read(cube.fullWindow());
        block.data[change] = 7;
      }
      const { cube: embedded, tasks } = embed(cube);
      await embedded.read({ start: [0, 0, 0, 0], size: [1, 2, 1, 1] });
      return tasks[0]?.key ?? 'cached';
    };
    const original = await keys();
    expect(await keys()).toBe('cached');
    // Column 200 is outside of block 0 (0–127) and its halo of two pixels; column 129 is inside.
    expect(await keys(200)).toBe('cached');
    const changed = await keys(129);
    expect(changed).not.toBe('cached');
    expect(changed).not.toBe(original);
  });

  it('names the bands it lacks', () => {
    const cube = rawCube(40, 40).with({ attributes: { bands: [{ name: 'B08' }, { name: 'B04' }] } });
    expect(() => embed(cube)).toThrow(/needs bands that the data cube lacks: .*B02/);
  });
});
