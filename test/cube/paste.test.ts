import { describe, expect, it } from 'vitest';
import { createBlock, createNullBlock, type Block } from '../../src/cube/block.ts';
import { cropBlock, pasteBlock, withoutIdleNulls } from '../../src/cube/paste.ts';

const counted = (shape: number[], nulls: Uint8Array | null = null): Block => {
  const block = createBlock('int16', shape);
  block.data.forEach((_, i) => { block.data[i] = i; });
  return { ...block, nulls };
};

describe('pasteBlock', () => {
  it('copies the common part of two windows', () => {
    const target = createNullBlock('int16', [3, 4]);
    pasteBlock(target, { start: [0, 0], size: [3, 4] }, counted([2, 2]), { start: [2, -1], size: [2, 2] });
    expect([...target.data]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    expect([...target.nulls!]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1]);
  });

  it('agrees with element-wise copying in three dimensions, whichever dimensions are covered whole', () => {
    const source = counted([4, 5, 6]);
    for (const [start, size] of [[[1, 0, 0], [2, 5, 6]], [[0, 2, 0], [4, 2, 6]], [[1, 1, 3], [2, 3, 2]], [[-1, 4, 5], [3, 3, 3]]] as const) {
      const target = createNullBlock('int16', size);
      pasteBlock(target, { start, size }, source, { start: [0, 0, 0], size: [4, 5, 6] });
      for (let a = 0; a < size[0]; a++) for (let b = 0; b < size[1]; b++) for (let c = 0; c < size[2]; c++) {
        const [z, y, x] = [a + start[0], b + start[1], c + start[2]];
        const inside = z >= 0 && z < 4 && y >= 0 && y < 5 && x >= 0 && x < 6;
        const at = (a * size[1] + b) * size[2] + c;
        expect(target.nulls![at]).toBe(inside ? 0 : 1);
        if (inside) expect(target.data[at]).toBe((z * 5 + y) * 6 + x);
      }
    }
  });

  it('gives a target flags when the source has no-data', () => {
    const target = createBlock('int16', [3]);
    pasteBlock(target, { start: [0], size: [3] }, counted([2], Uint8Array.of(1, 0)), { start: [1], size: [2] });
    expect([...target.nulls!]).toEqual([0, 1, 0]);
  });

  it('copies single values of cubes without dimensions', () => {
    const target = createNullBlock('float64', []);
    pasteBlock(target, { start: [], size: [] }, { dtype: 'float64', shape: [], data: Float64Array.of(7), nulls: null }, { start: [], size: [] });
    expect(target.data[0]).toBe(7);
    expect(target.nulls![0]).toBe(0);
  });

  it('copies nothing where windows do not meet', () => {
    const target = createNullBlock('int16', [2]);
    pasteBlock(target, { start: [0], size: [2] }, counted([2]), { start: [2], size: [2] });
    expect([...target.nulls!]).toEqual([1, 1]);
  });
});

describe('cropBlock', () => {
  it('is no-data outside the block and gives no flags inside it', () => {
    const block = counted([2, 2]);
    const window = { start: [10, 10], size: [2, 2] };
    expect(cropBlock(block, window, window)).toBe(block);
    const inside = cropBlock(block, window, { start: [11, 10], size: [1, 2] });
    expect([...inside.data]).toEqual([2, 3]);
    expect(inside.nulls).toBeNull();
    const beyond = cropBlock(block, window, { start: [11, 11], size: [1, 3] });
    expect([...beyond.nulls!]).toEqual([0, 1, 1]);
  });
});

it('withoutIdleNulls drops flags that flag nothing', () => {
  expect(withoutIdleNulls(counted([2], new Uint8Array(2))).nulls).toBeNull();
  expect([...withoutIdleNulls(counted([2], Uint8Array.of(0, 1))).nulls!]).toEqual([0, 1]);
});
