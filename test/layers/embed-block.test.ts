import { describe, expect, it } from 'vitest';
import { computeBlock } from '../../src/layers/compute-block.ts';
import { decodeBlock, encodeBlock } from '../../src/layers/embed-block.ts';
import { patchLattice } from '../../src/layers/patch-lattice.ts';
import { operator, rawCube, toyRuntime, utmGrid } from './fixtures.ts';

const signal = new AbortController().signal;
const source = (cube = rawCube(16, 16)) => ({ cube, operator, bands: [1, 0], lattice: patchLattice(utmGrid(16, 16), cube.attributes.anchor, operator.manifest) });

describe('computeBlock', () => {
  it('reads the bands in the order of the operator, with halo, and fills what is outside', async () => {
    const cube = rawCube(16, 16);
    const block = await computeBlock(source(cube), { t: 1 }, { x: 0, y: 0 }, toyRuntime(), signal);
    const blue = (await cube.read({ start: [1, 1, -2, -2], size: [1, 1, 8, 8] })).data;
    const nir = (await cube.read({ start: [1, 0, 0, 0], size: [1, 1, 4, 4] })).data;
    const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
    // Outside the cube samples are 0 in the block and the operator's fill is 0 too.
    expect(block.vectors[0]).toBeCloseTo(mean(blue), 4);
    expect(block.vectors[32 * 32]).toBeCloseTo(mean(nir), 4);
  });

  it('makes patches without enough valid pixels no-data and leaves an empty block to nobody', async () => {
    const nulls = new Uint8Array(2 * 2 * 16 * 16);
    // Patch (0, 0) of the first date loses 9 of its 16 pixels, patch (0, 1) loses 8: half is enough.
    for (let i = 0; i < 9; i++) nulls[Math.floor(i / 4) * 16 + (i % 4)] = 1;
    for (let i = 0; i < 8; i++) nulls[Math.floor(i / 4) * 16 + 4 + (i % 4)] = 1;
    const runtime = toyRuntime();
    const block = await computeBlock(source(rawCube(16, 16, nulls)), { t: 0 }, { x: 0, y: 0 }, runtime, signal);
    expect([block.nulls[0], block.nulls[1], block.nulls[2]]).toEqual([1, 0, 0]);
    const far = await computeBlock(source(), { t: 0 }, { x: 9, y: 9 }, runtime, signal);
    expect(far.nulls.every((n) => n === 1)).toBe(true);
    expect(runtime.runs).toBe(1);
  });
});

describe('a stored block', () => {
  it('comes back bit by bit, and damage is noticed', async () => {
    const block = await computeBlock(source(), { t: 0 }, { x: 0, y: 0 }, toyRuntime(), signal);
    const bytes = await encodeBlock(block);
    expect(await decodeBlock(bytes)).toEqual(block);
    for (const at of [0, 5, 17, bytes.length - 3]) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0x40;
      expect(await decodeBlock(damaged)).toBeNull();
    }
    expect(await decodeBlock(bytes.subarray(0, 10))).toBeNull();
  });
});
