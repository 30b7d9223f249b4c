import { describe, expect, it } from 'vitest';
import { arrayCube, readAll } from '../../src/cube/array-cube.ts';
import { spatialDimensions } from '../../src/cube/dimension.ts';

const cube = (values: number[], nulls: number[] | null = null) => arrayCube({
  dimensions: spatialDimensions({ width: 2, height: 2 }),
  dtype: 'float32',
  data: Float32Array.from(values),
  nulls: nulls && Uint8Array.from(nulls),
});

describe('arrayCube', () => {
  it('gives no-data beyond its extent', async () => {
    const block = await cube([1, 2, 3, 4]).read({ start: [-1, 1], size: [2, 2] });
    expect([...block.nulls!]).toEqual([1, 1, 0, 1]);
    expect(block.data[2]).toBe(2);
  });

  it('keeps NaN and no-data apart', async () => {
    const block = await readAll(cube([NaN, NaN, 3, 4], [0, 1, 0, 0]));
    expect(block.data[0]).toBeNaN();
    expect([...block.nulls!]).toEqual([0, 1, 0, 0]);
  });

  it('has equal fingerprints exactly for equal content', async () => {
    const of = (c: ReturnType<typeof cube>) => c.fingerprint(c.fullWindow());
    expect(await of(cube([1, 2, 3, 4]))).toBe(await of(cube([1, 2, 3, 4])));
    expect(await of(cube([1, 2, 3, 4]))).not.toBe(await of(cube([1, 2, 3, 5])));
    expect(await of(cube([1, 2, 3, 4], [0, 1, 0, 0]))).toBe(await of(cube([1, 9, 3, 4], [0, 1, 0, 0])));
    expect(await of(cube([1, 0, 3, 4], [0, 1, 0, 0]))).not.toBe(await of(cube([1, 0, 3, 4])));
    expect(await of(cube([1, 0, 3, 4], [0, 0, 0, 0]))).toBe(await of(cube([1, 0, 3, 4])));
  });

  it('stops when the caller has cancelled', async () => {
    await expect(cube([1, 2, 3, 4]).read({ start: [0, 0], size: [1, 1] }, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });

  it('refuses samples that do not fill the dimensions', () => {
    expect(() => cube([1, 2, 3])).toThrow(RangeError);
  });
});
