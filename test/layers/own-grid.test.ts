import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../../src/cube/array-cube.ts';
import { warpCube } from '../../src/cube/resample.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { computeBlock, type EmbedSource } from '../../src/layers/compute-block.ts';
import { writeBlock } from '../../src/layers/embed-block.ts';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { embeddedCube } from '../../src/layers/embedded-cube.ts';
import type { Grid } from '../../src/geo/grid.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { rawCube, registry, toyRuntime } from './fixtures.ts';

let directory: string;
const signal = new AbortController().signal;
beforeEach(async () => { directory = await mkdtemp(join(tmpdir(), 'lamina-grid-')); });
afterEach(() => rm(directory, { recursive: true, force: true }));

function embed(data: Cube): { cube: Cube; keys: Set<string> } {
  const store = createLocalStore(directory);
  const keys = new Set<string>();
  const blocks = new EmbedBlocks({
    store,
    compute: async (task, source, position) => {
      keys.add(task.key);
      await writeBlock(store, task.key, await computeBlock(source as EmbedSource, position, task.block, toyRuntime(), signal));
    },
  });
  const cube = embeddedCube({ data, origin: {}, model: 'toy', quantization: 'float32', dimensions: null }, { operators: registry, blocks, wish: { user: null, layer: null, facts: { cached: 0, computed: 0 } } });
  return { cube, keys };
}

/** Cells of 4 pixels of 15 m, 20 m off the lattice of the raw pixels. */
const wanted: Grid = { crs: 'EPSG:32631', originX: 600_120, originY: 5_599_860, stepX: 60, stepY: 60, width: 12, height: 9 };

describe('embeddings on another grid', () => {
  it('are those of the raw pixels on that grid', async () => {
    const raw = rawCube(200, 200);
    const out = embed(raw).cube.regrid!(wanted, 'bilinear');
    expect(out.grid).toEqual(wanted);
    const pixels = { ...wanted, stepX: 15, stepY: 15, width: 48, height: 36 };
    const around: Grid = { ...pixels, originX: pixels.originX - 30, originY: pixels.originY + 30, width: 52, height: 40 };
    const by = warpCube(raw, around, 'bilinear');
    const input = await readAll(by);
    // Channel order of the operator is B02, B08; the cube has B08, B02.
    const plane = 52 * 40;
    const channels = new Float32Array([...input.data.subarray(plane, 2 * plane), ...input.data.subarray(0, plane)]);
    const expected = await toyRuntime().run(registry.resolve('toy'), channels, 40, 52);
    const got = await out.read({ start: [0, 0, 0, 0], size: [1, 2, 9, 12] });
    got.data.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 3));
  });

  it('share their blocks when the grids share a lattice', async () => {
    const { cube, keys } = embed(rawCube(200, 200));
    await readAll(cube.regrid!(wanted, 'near'));
    const before = keys.size;
    const part = await readAll(cube.regrid!({ ...wanted, originX: wanted.originX + 120, originY: wanted.originY - 60, width: 3, height: 3 }, 'near'));
    expect(keys.size).toBe(before);
    const whole = await readAll(cube.regrid!(wanted, 'near'));
    expect(part.data[0]).toBe(whole.data[1 * 12 + 2]);
  });

  it('keep the view that was chosen', () => {
    const raw = rawCube(100, 100);
    const blocks = new EmbedBlocks({ store: createLocalStore(directory), compute: async () => {} });
    const cube = embeddedCube({ data: raw, origin: {}, model: 'toy', quantization: 'int8', dimensions: 1 }, { operators: registry, blocks, wish: { user: null, layer: null, facts: { cached: 0, computed: 0 } } });
    const out = cube.regrid!(wanted, 'near');
    expect(out.attributes.encoding?.method).toBe('int8');
    expect(out.find('bands')!.labels).toEqual(['e000']);
  });

  it.each([
    [{ ...wanted, stepX: 10, stepY: 10 }, /2\.5 m.*20 to 80 m/],
    [{ ...wanted, stepX: 200, stepY: 200 }, /50 m/],
    [{ ...wanted, crs: 'EPSG:4326', stepX: 0.001, stepY: 0.001 }, /degrees/],
  ])('are refused where the operator has no meaning %#', (grid, reason) => {
    expect(() => embed(rawCube(100, 100)).cube.regrid!(grid, 'near')).toThrow(expect.objectContaining({ code: 'OperatorGridUnsuitable', message: expect.stringMatching(reason) as string }));
  });
});

