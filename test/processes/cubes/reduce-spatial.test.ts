import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../../src/cube/block.ts';
import { Cube } from '../../../src/cube/cube.ts';
import { allocate, type DType } from '../../../src/cube/dtype.ts';
import type { Callback } from '../../../src/graph/callback.ts';
import { evaluate } from '../../../src/graph/evaluate.ts';
import type { KernelData } from '../../../src/graph/kernel.ts';
import type { Arguments } from '../../../src/graph/value.ts';
import { mergerOf } from '../../../src/processes/cubes/merge-strips.ts';
import { compileList, type PixelReducer } from '../../../src/processes/cubes/pixel-lists.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../../src/processes/index.ts';
import { callback, codeOf, fingerprint, grid, recordingScope, reducer, run, runCube, sample, values } from './harness.ts';

const ID = 'reduce_spatial';

/** A cube [bands, y, x] too large to have in memory at once: band 0 holds the row, band 1 ones; it notes what is read. */
function large(width: number, height: number) {
  const sizes: number[] = [];
  const { dimensions } = sample({ bands: ['a', 'b'], grid: grid(1, 1) });
  const cube = new Cube({
    dimensions: [dimensions[0]!, { ...dimensions[1]!, size: height }, { ...dimensions[2]!, size: width }], grid: grid(width, height), dtype: 'int16',
    fingerprint: async () => 'large',
    read: async ({ start, size }) => {
      const [bands, rows, columns] = size as [number, number, number];
      const data = new Int16Array(bands * rows * columns);
      sizes.push(data.length);
      for (let i = 0; i < bands * rows; i++) data.fill(start[0]! + Math.floor(i / rows) === 0 ? start[1]! + (i % rows) : 1, i * columns, (i + 1) * columns);
      return { dtype: 'int16', shape: size, data, nulls: null };
    },
  });
  return { cube, sizes };
}

/** A reducer as reduce_spatial gets it. */
async function reducerOf(name: string, given: object = {}): Promise<PixelReducer> {
  let found: unknown;
  const implementations = { ...allProcesses, reduce_spatial: { run: ({ reducer: callbackGiven }: Arguments) => { found = callbackGiven; return null; } } };
  const descriptions = await loadDescriptions(new URL('../../../processes/', import.meta.url));
  const argument = callback(name, { data: { from_parameter: 'data' }, ...given });
  const graph = { node: { process_id: 'reduce_spatial', arguments: { data: { from_parameter: 'cube' }, reducer: argument }, result: true } };
  await evaluate({ process_graph: graph }, createRegistry(descriptions, implementations), recordingScope().scope, { cube: sample({ bands: ['a'] }) });
  return { process: ID, reducer: found as Callback, constants: {} };
}

describe(ID, () => {
  const cube = sample({ t: ['2024-01-01', '2024-01-02'], bands: ['a', 'b'], grid: grid(3, 2), value: (i) => (i === 5 ? null : i) });

  it('reduces all pixels of a layer to a value, and drops x and y', async () => {
    const result = await runCube(ID, { data: cube, reducer: reducer('max') });
    expect(result.dimensions.map((d) => d.name)).toEqual(['t', 'bands']);
    expect(result.grid).toBeNull();
    expect(await values(result)).toEqual([4, 11, 17, 23]);
    expect(await values(result, [1, 0], [1, 2])).toEqual([17, 23]);
    expect(await values(await runCube(ID, { data: cube, reducer: reducer('median') }))).toEqual([2, 8.5, 14.5, 20.5]);
  });

  it('takes x and y wherever they are', async () => {
    const turned = new Cube({ grid: null, dtype: 'float32', dimensions: [cube.dimensions[3]!, cube.dimensions[0]!, cube.dimensions[2]!], read: async ({ size }) => ({ dtype: 'float32', shape: size, data: Float32Array.from({ length: 12 }, (_, i) => i), nulls: null }), fingerprint: async () => '' });
    // [x, t, y] of 3 × 2 × 2.
    expect(await values(await runCube(ID, { data: turned, reducer: reducer('min') }))).toEqual([0, 2]);
    expect(await values(await runCube(ID, { data: turned, reducer: reducer('max') }))).toEqual([9, 11]);
  });

  it('takes reducers of several nodes, and the context', async () => {
    const range = { process_graph: {
      high: { process_id: 'max', arguments: { data: { from_parameter: 'data' } } },
      low: { process_id: 'min', arguments: { data: { from_parameter: 'data' } } },
      range: { process_id: 'subtract', arguments: { x: { from_node: 'high' }, y: { from_node: 'low' } } },
      scaled: { process_id: 'multiply', arguments: { x: { from_node: 'range' }, y: { from_parameter: 'context' } }, result: true },
    } };
    expect(await values(await runCube(ID, { data: cube, reducer: range, context: 2 }))).toEqual([8, 10, 10, 10]);
  });

  it('gives no-data for layers without any', async () => {
    const empty = sample({ bands: ['a'], grid: grid(2, 2), value: () => null });
    expect(await values(await runCube(ID, { data: empty, reducer: reducer('mean') }))).toEqual([null]);
  });

  it('refuses cubes without pixels, and reducers that give no single value', async () => {
    expect(await codeOf(run(ID, { data: sample({ t: ['2024-01-01'] }), reducer: reducer('mean') }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run(ID, { data: cube, reducer: reducer('extrema') }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run(ID, { data: cube }))).toBe('ProcessParameterRequired');
  });

  it('has a fingerprint of process and pixels', async () => {
    const of = async (name: string, data = cube) => fingerprint(await runCube(ID, { data, reducer: reducer(name) }));
    expect(await of('mean')).not.toBe(await of('max'));
    expect(await of('mean')).not.toBe(await of('mean', sample({ t: ['2024-01-01', '2024-01-02'], bands: ['a', 'b'], grid: grid(3, 2) })));
  });
});

describe(`${ID} of more pixels than fit into memory`, () => {
  const { cube, sizes } = large(3000, 1500);
  const of = async (name: string) => values(await runCube(ID, { data: cube, reducer: reducer(name) }));

  it('works strip by strip', async () => {
    expect(await of('mean')).toEqual([749.5, 1]);
    expect(await of('max')).toEqual([1499, 1]);
    expect(await of('count')).toEqual([4_500_000, 4_500_000]);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1 << 22);
    expect(sizes.length).toBeGreaterThanOrEqual(9);
  });

  it('says so when the reducer needs all of them at once', async () => {
    await expect(of('median')).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(/4500000 pixels.*4194304/) as string });
  });
});

describe('merging strips', () => {
  const sampleValue = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: -50, max: 50 }) }, { weight: 1, arbitrary: fc.constantFrom(null, NaN, Infinity) });
  const strip = (layers: readonly (readonly (number | null)[])[], dtype: DType): Block => {
    const flat = layers.flat();
    const data = allocate(dtype, flat.length);
    data.set(flat.map((v) => v ?? 0));
    return { dtype, shape: [layers.length, layers[0]!.length], data, nulls: flat.includes(null) ? Uint8Array.from(flat, (v) => Number(v === null)) : null };
  };

  /** What comes out of strips, and of all pixels at once. */
  const both = (pixels: PixelReducer, layers: readonly (readonly (number | null)[])[], cuts: readonly number[], dtype: DType) => {
    const merger = mergerOf(pixels, dtype)!;
    const merge = merger.start(layers.length);
    const edges = [0, ...cuts, layers[0]!.length];
    for (let i = 1; i < edges.length; i++) if (edges[i]! > edges[i - 1]!) merge.add(strip(layers.map((l) => l.slice(edges[i - 1], edges[i])), dtype), edges[i]! - edges[i - 1]!);
    const kernel = compileList(pixels, dtype, layers[0]!.length);
    const plain = ({ data, nulls }: KernelData) => Array.from(data, (v, i) => (nulls?.[i] ? null : v));
    return { merged: plain(merge.finish()), whole: plain(kernel.run([strip(layers, dtype)], layers.length, 1)) };
  };

  it.each([
    ['sum', {}], ['sum', { ignore_nodata: false }], ['product', {}], ['min', {}], ['max', {}], ['max', { ignore_nodata: false }],
    ['mean', {}], ['mean', { ignore_nodata: false }], ['count', {}], ['count', { condition: true }],
    ['count', { condition: callback('gt', { x: { from_parameter: 'x' }, y: 0 }) }],
  ] as const)('%s %j gives what it gives for everything (property)', async (name, given) => {
    const pixels = await reducerOf(name, given);
    fc.assert(fc.property(fc.array(sampleValue, { minLength: 2, maxLength: 40 }), fc.array(fc.nat(20), { maxLength: 4 }), (list, cuts) => {
      const half = Math.floor(list.length / 2);
      const layers = [list.slice(0, half), list.slice(half, 2 * half)];
      const { merged, whole } = both(pixels, layers, cuts.map((c) => c % half).sort((a, b) => a - b), 'float32');
      for (const [i, value] of merged.entries()) {
        if (value === null || !Number.isFinite(value)) expect(value).toEqual(whole[i]);
        else expect(Math.abs(value - whole[i]!)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)));
      }
    }), { numRuns: 60 });
  });

  it.each([['any', {}], ['all', {}], ['any', { ignore_nodata: false }], ['all', { ignore_nodata: false }]] as const)('%s %j does so for booleans (property)', async (name, given) => {
    const pixels = await reducerOf(name, given);
    fc.assert(fc.property(fc.array(fc.constantFrom(0, 1, null), { minLength: 1, maxLength: 12 }), fc.nat(11), (list, cut) => {
      const { merged, whole } = both(pixels, [list], [cut % list.length], 'bool');
      expect(merged).toEqual(whole);
    }), { numRuns: 60 });
  });

  it('is not tried for other reducers', async () => {
    for (const name of ['median', 'sd', 'variance', 'first']) expect(mergerOf(await reducerOf(name), 'float32'), name).toBeNull();
  });
});
