import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/cube/block.ts';
import type { OperatorManifest } from '../../src/operators/operator.ts';
import { pictureOf } from '../../src/operators/picture.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { operatorsDirectory } from './golden.ts';

const { manifest: shipped } = (await openRegistry(operatorsDirectory)).resolve('pca');
/** Two dimensions: red is the first less 1, green the second, blue their sum; 0…10 drawn as 0…255. */
const manifest: OperatorManifest = {
  ...shipped,
  output: { dimensions: 2, prefix_truncatable: false },
  rgb: { mean: [1, 0], components: [[1, 0], [0, 1], [1, 1]], low: [0, 0, 0], high: [10, 10, 10] },
};
const block = (shape: number[], values: number[], nulls: Uint8Array | null = null): Block => ({ dtype: 'float32', shape, data: Float32Array.from(values), nulls });

describe('the picture of embeddings', () => {
  it('projects on the three directions, stretches and clamps', () => {
    const picture = pictureOf(block([2, 1, 3], [1, 6, 101, /**/ 2, 0, -5]), manifest);
    // Red (v − 1) · 25.5; green v · 25.5 with 2 · 25.5 = 51; blue (v0 − 1 + v1) · 25.5, 127.5 rounded to even.
    expect(picture).toMatchObject({ dtype: 'uint8', shape: [3, 1, 3], nulls: null });
    expect([...picture.data]).toEqual([0, 128, 255, 51, 0, 0, 51, 128, 255]);
  });

  it('ignores a leading dimension of one date, and keeps no-data', () => {
    const picture = pictureOf(block([1, 2, 2, 1], [1, 6, 0, 0], Uint8Array.of(1, 0, 1, 0)), manifest);
    expect(picture.shape).toEqual([3, 2, 1]);
    expect([...picture.nulls!]).toEqual([1, 0, 1, 0, 1, 0]);
  });

  it('draws the first dimensions as if the others stood at their mean', () => {
    const k = 5;
    const values = shipped.rgb.mean.map((mean, i) => mean + (i < k ? 0.02 * (i + 1) : 0));
    expect(pictureOf(block([k, 1, 1], values.slice(0, k)), shipped).data).toEqual(pictureOf(block([32, 1, 1], values), shipped).data);
  });

  it('refuses more dimensions than there are, and bits', () => {
    expect(() => pictureOf(block([1, 3, 2], [1, 2, 3, 4, 5, 6]), manifest)).toThrow("a picture needs the first 1 to 2 dimensions of 'pca', the block is [1, 3, 2]");
    expect(() => pictureOf({ dtype: 'uint8', shape: [2, 1, 1], data: Uint8Array.of(0, 1), nulls: null }, manifest)).toThrow('a picture needs vectors, and the block holds uint8');
  });

  it('draws the mean embedding of an operator in the middle of the colours', () => {
    const { data } = pictureOf(block([32, 1, 1], [...shipped.rgb.mean]), shipped);
    for (const value of data) {
      expect(value).toBeGreaterThan(20);
      expect(value).toBeLessThan(235);
    }
  });
});
