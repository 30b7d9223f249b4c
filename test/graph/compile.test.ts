import { describe, expect, it } from 'vitest';
import type { DType } from '../../src/cube/dtype.ts';
import type { KernelInput } from '../../src/graph/kernel.ts';
import type { Value } from '../../src/graph/value.ts';
import type { ProcessGraph } from '../../src/graph/wire.ts';
import { callbackFrom, cellResult, samples } from './kernels.ts';

const node = (process_id: string, args: Record<string, unknown> = {}, more: object = {}) => ({ process_id, arguments: args, ...more });
const result = { result: true };
const from = (name: string) => ({ from_parameter: name });
const one = (process_id: string, args: Record<string, unknown>): ProcessGraph => ({ only: node(process_id, args, result) });
const array = (dtype: DType, labels: readonly (string | number)[] = ['a', 'b', 'c']): KernelInput => ({ name: 'data', kind: 'array', dtype, labels });
const scalar = (name: string, dtype: DType): KernelInput => ({ name, kind: 'scalar', dtype });
const compileArray = (graph: ProcessGraph, dtype: DType = 'float64', labels?: readonly (string | number)[]) => callbackFrom(graph, ['data', 'context']).compile([array(dtype, labels)], { context: null });

it('works on [outer, length, inner] blocks', () => {
  const kernel = compileArray(one('mean', { data: from('data') }));
  const data = Float64Array.from({ length: 2 * 3 * 4 }, (_, i) => i);
  // Cell (o, i) has the elements (3o + k)·4 + i for k = 0, 1, 2: their mean is that of k = 1.
  expect([...kernel.run([{ data, nulls: null }], 2, 4).data]).toEqual([4, 5, 6, 7, 16, 17, 18, 19]);
});

it('works on more cells than one call of the loop takes', () => {
  const kernel = callbackFrom(one('add', { x: from('x'), y: 1 }), ['x']).compile([scalar('x', 'int32')]);
  const data = Int32Array.from({ length: 3 * 10_000 }, (_, i) => i);
  expect(kernel.run([{ data, nulls: null }], 3, 10_000).data.every((v, i) => v === i + 1)).toBe(true);
  expect(kernel.run([{ data, nulls: null }], 10_000, 3).data.every((v, i) => v === i + 1)).toBe(true);
});

it('gives arrays as [outer, length, inner] with their labels', () => {
  const kernel = compileArray(one('cumsum', { data: from('data') }));
  expect([kernel.length, kernel.labels]).toEqual([3, ['a', 'b', 'c']]);
  expect([...kernel.run([{ data: Float64Array.of(1, 10, 2, 20, 3, 30), nulls: null }], 1, 2).data]).toEqual([1, 10, 3, 30, 6, 60]);
  expect(compileArray(one('extrema', { data: from('data') })).labels).toBeNull();
  expect(compileArray(one('array_create_labeled', { data: from('data'), labels: ['x', 'y', 'z'] })).labels).toEqual(['x', 'y', 'z']);
});

it('fills arrays that are shorter in some cells with no-data', () => {
  const kernel = compileArray(one('sort', { data: from('data') }));
  expect(cellResult(kernel, [samples([3, null, 1], 'float64')])).toEqual([1, 3, null]);
  const filtered = compileArray(one('array_filter', { data: from('data'), condition: { process_graph: one('gt', { x: from('x'), y: 1 }) } }));
  expect([filtered.length, filtered.isInterpreted]).toEqual([3, false]);
  expect(cellResult(filtered, [samples([3, 0, 2], 'float64')])).toEqual([3, 2, null]);
});

describe('no-data and NaN', () => {
  it('are different', () => {
    const kernel = compileArray(one('count', { data: from('data'), condition: { process_graph: one('is_nan', { x: from('x') }) } }));
    expect(cellResult(kernel, [samples([NaN, null, 1], 'float64')])).toBe(1);
    expect(cellResult(compileArray(one('sum', { data: from('data') })), [samples([NaN, null, 1], 'float64')])).toBe(NaN);
  });

  it('appear in `nulls` only where there is no-data', () => {
    const kernel = compileArray(one('max', { data: from('data') }), 'uint16');
    expect(kernel.run([samples([1, 2, null], 'uint16')], 1, 1).nulls).toBeNull();
    const out = kernel.run([{ data: Uint16Array.of(7, 7, 7, 7, 7, 7), nulls: Uint8Array.of(1, 0, 1, 0, 1, 0) }], 1, 2);
    expect([[...out.nulls!], out.data[1]]).toEqual([[1, 0], 7]);
  });

  it('may be in one input and not in another', () => {
    const kernel = callbackFrom(one('add', { x: from('x'), y: from('y') }), ['x', 'y']).compile([scalar('x', 'float32'), scalar('y', 'float32')]);
    expect(cellResult(kernel, [samples([1], 'float32'), samples([null], 'float32')])).toBeNull();
    expect(cellResult(kernel, [samples([1], 'float32'), samples([2], 'float32')])).toBe(3);
  });

  it('hides what lies under a flag, NaN too', () => {
    const data = { data: Float32Array.of(NaN, 4, 2), nulls: Uint8Array.of(1, 0, 0) };
    for (const [process, expected] of [['median', 3], ['mean', 3], ['max', 4], ['sd', Math.fround(Math.SQRT2)]] as const) {
      expect(cellResult(compileArray(one(process, { data: from('data') }), 'float32'), [data]), process).toBe(expected);
    }
  });
});

describe('the type of the result', () => {
  const typeOf = (process: string, dtype: DType, args: object = {}) => compileArray(one(process, { data: from('data'), ...args }), dtype).dtype;
  const single = (process: string, dtype: DType, args: object = {}) => callbackFrom(one(process, { x: from('x'), ...args }), ['x']).compile([scalar('x', dtype)]).dtype;

  it('is kept by selections', () => {
    for (const process of ['first', 'last', 'min', 'max', 'sort', 'extrema']) expect(typeOf(process, 'uint16'), process).toBe('uint16');
    expect(typeOf('array_element', 'int8', { index: 1 })).toBe('int8');
    expect(single('clip', 'uint8', { min: 0, max: 100 })).toBe('uint8');
    expect(single('clip', 'uint8', { min: 0.5, max: 100 })).toBe('float32');
    expect(single('clip', 'uint8', { min: -1, max: 100 })).toBe('int16');
  });

  it('is float for arithmetic, as wide as the input needs', () => {
    for (const process of ['mean', 'sum', 'median', 'variance']) {
      expect(typeOf(process, 'uint16')).toBe('float32');
      expect(typeOf(process, 'int32')).toBe('float64');
      expect(typeOf(process, 'float64')).toBe('float64');
    }
    expect(single('multiply', 'float32', { y: 0.1 })).toBe('float32');
  });

  it('is bool for comparisons and logic', () => {
    expect(single('gt', 'float32', { y: 5 })).toBe('bool');
    expect(callbackFrom(one('not', { x: from('x') }), ['x']).compile([scalar('x', 'bool')]).dtype).toBe('bool');
  });
});

describe('median', () => {
  const median = (values: readonly Value[], dtype: DType) => cellResult(
    compileArray(one('median', { data: from('data') }), dtype, values.map((_, i) => i)), [samples(values, dtype)],
  );

  it.each<DType>(['float32', 'float64', 'int16', 'uint8', 'int32'])('orders %s of every length', (dtype) => {
    for (let n = 1; n <= 40; n++) {
      const values = Array.from({ length: n }, (_, i) => (i * 37 + 11) % 101 + (dtype.startsWith('float') ? 0.25 : 0));
      const sorted = values.toSorted((a, b) => a - b);
      const expected = (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2;
      expect(median(values, dtype), `${n} values`).toBe(expected);
      expect(median([...values, null, null], dtype), `${n} values and no-data`).toBe(expected);
    }
  });

  it('knows negative numbers, infinities and both NaN', () => {
    expect(median([-5, 3, -7, 0], 'float32')).toBe(-2.5);
    expect(median([-Infinity, 1, Infinity], 'float32')).toBe(1);
    expect(median([Infinity, null, Infinity], 'float32')).toBe(Infinity);
    expect(median([1, NaN, 2], 'float32')).toBe(NaN);
    const negative = new Float32Array(Uint32Array.of(0x3f800000, 0xffc00000, 0x3f800000).buffer);
    expect(cellResult(compileArray(one('median', { data: from('data') }), 'float32'), [{ data: negative, nulls: null }])).toBe(NaN);
    expect(median([null, null, null], 'float32')).toBeNull();
  });
});

it('fuses a chain of nodes into one loop', () => {
  const kernel = compileArray({
    nir: node('array_element', { data: from('data'), label: 'B08' }), red: node('array_element', { data: from('data'), label: 'B04' }),
    difference: node('subtract', { x: { from_node: 'nir' }, y: { from_node: 'red' } }), sum: node('add', { x: { from_node: 'nir' }, y: { from_node: 'red' } }),
    ndvi: node('divide', { x: { from_node: 'difference' }, y: { from_node: 'sum' } }, result),
  }, 'uint16', ['B04', 'B08']);
  expect(kernel.isInterpreted).toBe(false);
  expect(cellResult(kernel, [samples([1000, 3000], 'uint16')])).toBe(0.5);
});

it('uses constants and parameters of the parents', () => {
  const callback = callbackFrom(one('multiply', { x: from('x'), y: from('scale') }), ['x', 'context'], { scale: 4 });
  const kernel = callback.compile([scalar('x', 'float32')], { context: null });
  expect(cellResult(kernel, [samples([2.5], 'float32')])).toBe(10);
});

it('takes texts of the client as data, never as code', () => {
  const label = '"];process.exit(1);//';
  const kernel = compileArray(one('array_element', { data: from('data'), label }), 'float32', [label, 'b']);
  expect(cellResult(kernel, [samples([5, 6], 'float32')])).toBe(5);
  const applied = compileArray(one('array_apply', {
    data: from('data'),
    process: { process_graph: { same: node('eq', { x: from('label'), y: label }), pick: node('if', { value: { from_node: 'same' }, accept: from('x'), reject: -1 }, result) } },
  }), 'float32', [label, 'b']);
  expect([applied.isInterpreted, cellResult(applied, [samples([5, 6], 'float32')])]).toMatchObject([false, { values: [5, -1] }]);
});

describe('what can’t be compiled', () => {
  it('is interpreted', () => {
    const graph = { length: node('text_find', { data: 'abc', pattern: { from_node: 'letter' } }), letter: node('if', { value: { from_node: 'big' }, accept: 'c', reject: 'a' }), big: node('gt', { x: from('x'), y: 1 }), end: node('add', { x: { from_node: 'length' }, y: from('x') }, result) };
    const kernel = callbackFrom(graph, ['x']).compile([scalar('x', 'float64')]);
    expect(kernel.isInterpreted).toBe(true);
    expect(cellResult(kernel, [samples([5], 'float64')])).toBe(7);
    expect(cellResult(kernel, [samples([0], 'float64')])).toBe(0);
  });

  it('must give the same kind of value for every pixel', () => {
    const graph = { big: node('gt', { x: from('x'), y: 10 }), end: node('if', { value: { from_node: 'big' }, accept: true, reject: from('x') }, result) };
    const kernel = callbackFrom(graph, ['x']).compile([scalar('x', 'float64')]);
    expect(() => cellResult(kernel, [samples([11], 'float64')])).toThrow('must return the same kind of value for every pixel');
  });

  it('is refused when the result is a text', () => {
    expect(() => callbackFrom(one('text_concat', { data: [from('x')] }), ['x']).compile([scalar('x', 'float64')])).toThrow('data cubes hold numbers and booleans');
    expect(() => callbackFrom(one('constant', { x: 'a' }), ['x']).compile([scalar('x', 'float64')])).toThrow('data cubes hold numbers and booleans');
  });
});

describe('errors of the graph', () => {
  it('are told when compiling, with the path', () => {
    expect(() => compileArray(one('array_element', { data: from('data'), label: 'z' }))).toThrow(/There is no label "z": the labels are "a", "b", "c"\. \(node 'outer' > 'only'\)/);
    expect(() => compileArray(one('all', { data: from('data') }))).toThrow("its elements must be booleans, not numbers");
    expect(() => callbackFrom(one('and', { x: from('x'), y: true }), ['x']).compile([scalar('x', 'uint8')])).toThrow("parameter 'x' in process 'and' is invalid: it must be a boolean, not a number");
    expect(() => callbackFrom(one('mean', { data: from('x') }), ['x']).compile([scalar('x', 'uint8')])).toThrow('it must be an array, not a number');
  });

  it('that depend on the pixel are told when running', () => {
    const kernel = callbackFrom(one('clip', { x: 5, min: from('x'), max: 3 }), ['x']).compile([scalar('x', 'float64')]);
    expect(cellResult(kernel, [samples([1], 'float64')])).toBe(3);
    expect(() => cellResult(kernel, [samples([4], 'float64')])).toThrow('minimum value should be lower');
  });
});

it('compiles the same callback once', () => {
  const compile = (scale: number) => callbackFrom(one('multiply', { x: from('x'), y: from('scale') }), ['x'], { scale }).compile([scalar('x', 'float32')]);
  expect(compile(2)).toBe(compile(2));
  expect(compile(2)).not.toBe(compile(3));
});

describe('order and rearrange', () => {
  const ordered = (args: object) => compileArray(one('order', { data: from('data'), ...args }));
  const values = samples([5, null, NaN], 'float64');

  it('are compiled, with no-data removed, last or first and NaN last in either direction', () => {
    expect(ordered({}).isInterpreted).toBe(false);
    expect(cellResult(ordered({}), [values])).toEqual([0, 2, null]);
    expect(cellResult(ordered({ nodata: true }), [values])).toEqual([0, 2, 1]);
    expect(cellResult(ordered({ nodata: false, asc: false }), [values])).toEqual([1, 0, 2]);
  });

  it('keeps equal numbers in their order, in long series too', () => {
    const labels = Array.from({ length: 100 }, (_, i) => i);
    for (const length of [40, 100]) {
      const kernel = compileArray(one('order', { data: from('data'), asc: false }), 'float64', labels.slice(0, length));
      const given = labels.slice(0, length).map((i) => i % 7);
      const expected = labels.slice(0, length).sort((a, b) => given[b]! - given[a]! || a - b);
      expect(cellResult(kernel, [samples(given, 'float64')])).toEqual(expected);
    }
  });

  it('puts a series into the order of another one', () => {
    const graph: ProcessGraph = { by: node('order', { data: from('data'), asc: false, nodata: true }), put: node('rearrange', { data: from('data'), order: { from_node: 'by' } }, result) };
    const kernel = compileArray(graph);
    expect(kernel.isInterpreted).toBe(false);
    expect(cellResult(kernel, [samples([1, null, 3], 'float64')])).toEqual([3, 1, null]);
  });

  it('refuses positions that are not there, by name', () => {
    const kernel = compileArray(one('rearrange', { data: from('data'), order: [0, 3] }));
    expect(() => cellResult(kernel, [samples([1, 2, 3], 'float64')])).toThrow(/order.*positions from 0 to 2/s);
  });
});
