import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { computeBlock, type EmbedSource } from '../../src/layers/compute-block.ts';
import { writeBlock } from '../../src/layers/embed-block.ts';
import { EmbedBlocks, type BlockComputer } from '../../src/layers/embed-blocks.ts';
import { embeddedCube } from '../../src/layers/embedded-cube.ts';
import { ReadingAheadBlocks } from '../../src/layers/read-ahead.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { rawCube, registry, toyRuntime } from './fixtures.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lamina-ahead-'));
});
// A block that was being computed when its run ended may still be written.
afterEach(() => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));

const data = rawCube(500, 380);

/** Reads the first date in windows of one block, row by row, and tells what was computed, and how much of it before it was asked for. */
async function readAll(Blocks: typeof EmbedBlocks, name: string, leaveAfter = Infinity) {
  const store = createLocalStore(join(directory, name));
  const computed: string[] = [];
  const asked = new Set<string>();
  let early = 0;
  const compute: BlockComputer = async (task, source, position, { signal }) => {
    signal.throwIfAborted();
    const at = `${task.block.x} ${task.block.y}`;
    computed.push(at);
    if (!asked.has(at)) early++;
    await writeBlock(store, task.key, await computeBlock(source as EmbedSource, position, task.block, toyRuntime(), signal));
  };
  const facts = { cached: 0, computed: 0 };
  const cube = embeddedCube({ data, origin: {}, model: 'toy', quantization: 'float32', dimensions: null }, { operators: registry, blocks: new Blocks({ store, compute }), wish: { user: null, layer: null, facts } });
  const [, bands, rows, columns] = cube.dimensions.map((d) => d.size) as [number, number, number, number];
  const canceler = new AbortController();
  const sums: number[] = [];
  for (let y = 0; y < rows; y += 32) {
    for (let x = 0; x < columns; x += 32) {
      if (sums.length === leaveAfter) canceler.abort(new Error('left'));
      asked.add(`${x / 32} ${y / 32}`);
      const block = await cube.read({ start: [0, 0, y, x], size: [1, bands, Math.min(32, rows - y), Math.min(32, columns - x)] }, canceler.signal);
      sums.push((block.data as Float32Array).reduce((a, b) => a + b, 0));
    }
  }
  return { computed, early, facts, sums };
}

describe('reading ahead', () => {
  it('has blocks computed before their window is read, each once, and counts them once', async () => {
    const plain = await readAll(EmbedBlocks, 'plain');
    expect(plain.early).toBe(0);
    const ahead = await readAll(ReadingAheadBlocks, 'ahead');
    expect(ahead.sums).toEqual(plain.sums);
    expect(ahead.computed.toSorted()).toEqual(plain.computed.toSorted());
    expect(new Set(ahead.computed).size).toBe(ahead.computed.length);
    // Nothing is known before the second read, and whether it goes on by rows before the third.
    expect(ahead.early).toBeGreaterThan(4);
    expect(ahead.early).toBeLessThanOrEqual(ahead.computed.length - 3);
    expect(ahead.facts).toEqual({ cached: 0, computed: plain.computed.length });
  });

  it('counts blocks of the cache as cached', async () => {
    await readAll(EmbedBlocks, 'same');
    const again = await readAll(ReadingAheadBlocks, 'same');
    expect(again).toMatchObject({ computed: [], facts: { cached: 12, computed: 0 } });
  });

  it('ends with the run, without an error that nobody hears', async () => {
    await expect(readAll(ReadingAheadBlocks, 'left', 6)).rejects.toThrow('left');
  });
});
