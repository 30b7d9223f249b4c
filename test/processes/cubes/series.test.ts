import { describe, expect, it } from 'vitest';
import { Cube } from '../../../src/cube/cube.ts';
import { Callback } from '../../../src/graph/callback.ts';
import type { Kernel, KernelInput } from '../../../src/graph/kernel.ts';
import type { Call } from '../../../src/graph/process.ts';
import { cubeProcesses } from '../../../src/processes/cubes/index.ts';
import { callback, codeOf, fingerprint, grid, reducer, run, runCube, sample, values } from './harness.ts';

const days = ['2024-01-01T00:00:00Z', '2024-01-11T00:00:00Z', '2024-02-21T00:00:00Z'];

/** A callback that costs nothing: the first value of the series. */
class FirstOf extends Callback {
  readonly processGraph = {};
  compile([input]: readonly KernelInput[]): Kernel {
    const { dtype, labels } = input!;
    const run: Kernel['run'] = ([series], outer, inner) => {
      const data = series!.data.slice(0, outer * inner);
      for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) data[o * inner + i] = series!.data[o * labels!.length * inner + i]!;
      return { data, nulls: null };
    };
    return { length: null, labels: null, dtype, run };
  }
  interpret(): null {
    return null;
  }
}

describe('reduce_dimension', () => {
  const cube = sample({ t: days, bands: ['a', 'b'], grid: grid(2, 1), attributes: { bands: [{ name: 'a' }, { name: 'b' }], operator: 'x@sha256:0', encoding: { method: 'int8', dtype: 'int8', nodata: -128 }, sources: ['c/i'] } });

  it('reduces the first, a middle and the last dimension', async () => {
    expect(await values(await runCube('reduce_dimension', { data: cube, dimension: 't', reducer: reducer('mean') }))).toEqual([4, 5, 6, 7]);
    expect(await values(await runCube('reduce_dimension', { data: cube, dimension: 'bands', reducer: reducer('sum') }))).toEqual([2, 4, 10, 12, 18, 20]);
    expect(await values(await runCube('reduce_dimension', { data: cube, dimension: 'x', reducer: reducer('max') }))).toEqual([1, 3, 5, 7, 9, 11]);
  });

  it('keeps the grid and the sources, and drops what the values no longer are', async () => {
    const reduced = await runCube('reduce_dimension', { data: cube, dimension: 't', reducer: reducer('mean') });
    expect(reduced.grid).toEqual(cube.grid);
    expect(reduced.attributes).toEqual({ bands: [{ name: 'a' }, { name: 'b' }], sources: ['c/i'] });
    const flat = await runCube('reduce_dimension', { data: cube, dimension: 'x', reducer: reducer('mean') });
    expect(flat.grid).toBeNull();
    expect(flat.labels('y')).toEqual([5_599_995]);
  });

  it('gives the same in windows as at once, also beyond the extent', async () => {
    const reduced = await runCube('reduce_dimension', { data: cube, dimension: 't', reducer: reducer('mean') });
    expect(await values(reduced, [1, 0, 1], [1, 1, 2])).toEqual([7, null]);
  });

  it('leaves no-data out, and makes it of nothing', async () => {
    const gaps = sample({ t: days, grid: grid(2, 1), value: (i) => (i === 0 || i % 2 ? null : i) });
    expect(await values(await runCube('reduce_dimension', { data: gaps, dimension: 't', reducer: reducer('mean') }))).toEqual([3, null]);
  });

  it('says so when there is no such dimension or no single value', async () => {
    expect(await codeOf(run('reduce_dimension', { data: cube, dimension: 'z', reducer: reducer('mean') }))).toBe('DimensionNotAvailable');
    expect(await codeOf(run('reduce_dimension', { data: cube, dimension: 't', reducer: reducer('extrema') }))).toBe('ProcessParameterInvalid');
  });

  it('reads a long series over space in pieces', async () => {
    const sizes: number[] = [];
    const long = sample({ t: ['2024-01-01T00:00:00Z'], grid: grid(4, 4) });
    const huge = new Cube({
      dimensions: [{ name: 'y', type: 'spatial', axis: 'y', size: 3000 }, { name: 'x', type: 'spatial', axis: 'x', size: 50_000 }],
      grid: null, dtype: 'uint8', fingerprint: long.fingerprint.bind(long),
      read: async ({ size }) => {
        const length = size[0]! * size[1]!;
        sizes.push(length);
        return { dtype: 'uint8', shape: size, data: new Uint8Array(length).fill(1), nulls: null };
      },
    });
    const flat = await cubeProcesses['reduce_dimension']!.run({ data: huge, dimension: 'x', reducer: new FirstOf() }, {} as Call) as Cube;
    const block = await flat.read({ start: [0], size: [3000] });
    expect(new Set(block.data)).toEqual(new Set([1]));
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1 << 27);
  });

  it('has a fingerprint of its process, arguments and pixels', async () => {
    const of = async (name: string, data = cube) => fingerprint(await runCube('reduce_dimension', { data, dimension: 't', reducer: reducer(name) }));
    expect(await of('mean')).toBe(await of('mean'));
    expect(await of('mean')).not.toBe(await of('median'));
    expect(await of('mean')).not.toBe(await of('mean', sample({ t: days, bands: ['a', 'b'], grid: grid(2, 1), value: (i) => i + 1 })));
  });
});

describe('apply', () => {
  it('keeps NaN and no-data apart', async () => {
    const cube = sample({ bands: ['a', 'b', 'c'], value: (i) => [1, NaN, null][i]! });
    const process = callback('multiply', { x: { from_parameter: 'x' }, y: 2 });
    expect(await values(await runCube('apply', { data: cube, process }))).toEqual([2, NaN, null]);
  });

  it('gives booleans for comparisons', async () => {
    const result = await runCube('apply', { data: sample({ bands: ['a', 'b'] }), process: callback('gt', { x: { from_parameter: 'x' }, y: 0 }) });
    expect(result.dtype).toBe('bool');
    expect(await values(result)).toEqual([false, true]);
  });

  it('hands the context on', async () => {
    const process = callback('add', { x: { from_parameter: 'x' }, y: { from_parameter: 'context' } });
    expect(await values(await runCube('apply', { data: sample({ bands: ['a'] }), process, context: 5 }))).toEqual([5]);
  });
});

describe('apply_dimension', () => {
  const cube = sample({ t: days, bands: ['a', 'b'], grid: grid(2, 1) });
  const sorted = callback('extrema', { data: { from_parameter: 'data' } });

  it('replaces the series and counts its labels when their number changes', async () => {
    const result = await runCube('apply_dimension', { data: cube, dimension: 't', process: sorted });
    expect(result.labels('t')).toEqual([0, 1]);
    expect(result.dimension('t').type).toBe('temporal');
    expect(await values(result)).toEqual([0, 1, 2, 3, 8, 9, 10, 11]);
    expect(await values(result, [1, 0, 0, 0], [1, 1, 1, 2])).toEqual([8, 9]);
  });

  it('moves the series to a new dimension in its place', async () => {
    const result = await runCube('apply_dimension', { data: cube, dimension: 't', target_dimension: 'range', process: sorted });
    expect(result.dimensions.map((d) => d.name)).toEqual(['range', 'bands', 'y', 'x']);
    expect(result.dimension('range')).toMatchObject({ type: 'other', size: 2, labels: [0, 1] });
  });

  it('fills an existing dimension that has one label, wherever it stands', async () => {
    const one = sample({ t: days, bands: ['a'], grid: grid(2, 1) });
    const result = await runCube('apply_dimension', { data: one, dimension: 't', target_dimension: 'bands', process: sorted });
    expect(result.dimensions.map((d) => [d.name, d.size])).toEqual([['bands', 2], ['y', 1], ['x', 2]]);
    expect(await values(result)).toEqual([0, 1, 4, 5]);
    const flat = await runCube('reduce_dimension', { data: sample({ t: ['2024-01-01'], bands: ['a', 'b'], grid: grid(2, 1) }), dimension: 'y', reducer: reducer('max') });
    const back = await runCube('apply_dimension', { data: flat, dimension: 'bands', target_dimension: 't', process: sorted });
    expect(back.dimensions.map((d) => [d.name, d.size])).toEqual([['t', 2], ['x', 2]]);
    expect(await values(back)).toEqual([0, 1, 2, 3]);
  });

  it('refuses a target with more labels, and a single value', async () => {
    expect(await codeOf(run('apply_dimension', { data: cube, dimension: 't', target_dimension: 'bands', process: sorted }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('apply_dimension', { data: cube, dimension: 't', process: reducer('mean') }))).toBe('ProcessParameterInvalid');
  });
});

describe('aggregate_temporal', () => {
  const cube = sample({ t: days, grid: grid(2, 1) });

  it('gives no-data for an interval without observations', async () => {
    const intervals = [['2024-01-01', '2024-02-01'], ['2024-03-01', '2024-04-01'], ['2024-02-01', null]];
    const result = await runCube('aggregate_temporal', { data: cube, intervals, reducer: reducer('mean') });
    expect(result.labels('t')).toEqual(['2024-01-01', '2024-03-01', '2024-02-01']);
    expect(await values(result)).toEqual([1, 2, null, null, 4, 5]);
    expect(await values(result, [2, 0, 1], [1, 1, 1])).toEqual([5]);
  });

  it('counts months with aggregate_temporal_period', async () => {
    const result = await runCube('aggregate_temporal_period', { data: cube, period: 'month', reducer: reducer('max') });
    expect(result.labels('t')).toEqual(['2024-01', '2024-02']);
    expect(await values(result)).toEqual([2, 3, 4, 5]);
  });

  it('asks for as many labels as intervals', async () => {
    expect(await codeOf(run('aggregate_temporal', { data: cube, intervals: [['2024-01-01', '2024-02-01']], labels: ['a', 'b'], reducer: reducer('mean') }))).toBe('ProcessParameterInvalid');
  });
});
