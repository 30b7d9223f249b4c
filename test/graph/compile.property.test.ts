/** Compiled callbacks give exactly what the interpreter gives, whatever the graph, the types and the data. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocate, type DType } from '../../src/cube/dtype.ts';
import type { KernelInput } from '../../src/graph/kernel.ts';
import { LabeledArray, type Value } from '../../src/graph/value.ts';
import type { ProcessGraph } from '../../src/graph/wire.ts';
import { callbackFrom, samples } from './kernels.ts';

type Type = 'number' | 'boolean' | 'numbers' | 'booleans';
type Signature = readonly [result: Type, parameters: Readonly<Record<string, Type>>, settings?: () => fc.Arbitrary<Record<string, unknown>>];

const ignore = () => fc.record({ ignore_nodata: fc.boolean() });
const reducer: Signature = ['number', { data: 'numbers' }, ignore];
const unary: Signature = ['number', { x: 'number' }];
const binary: Signature = ['number', { x: 'number', y: 'number' }];
const relation: Signature = ['boolean', { x: 'number', y: 'number' }];
const connective: Signature = ['boolean', { x: 'boolean', y: 'boolean' }];
const parameter = (name: string) => ({ from_parameter: name });
const callback = (process_id: string, args: object) => ({ process_graph: { only: { process_id, arguments: args, result: true } } });

const signatures: Record<string, Signature> = {
  absolute: unary, floor: unary, int: unary, sgn: unary, sqrt: unary, ceil: unary,
  round: ['number', { x: 'number' }, () => fc.record({ p: fc.integer({ min: -2, max: 3 }) })],
  add: binary, subtract: binary, multiply: binary, divide: binary, mod: binary, normalized_difference: binary,
  clip: ['number', { x: 'number' }, () => fc.constant({ min: -3, max: 7.5 })],
  linear_scale_range: ['number', { x: 'number' }, () => fc.constant({ inputMin: -5, inputMax: 20, outputMax: 255 })],
  eq: relation, neq: relation, gt: relation, gte: relation, lt: relation, lte: relation,
  between: ['boolean', { x: 'number', min: 'number', max: 'number' }, () => fc.record({ exclude_max: fc.boolean() })],
  is_nan: ['boolean', { x: 'number' }], is_nodata: ['boolean', { x: 'number' }], is_valid: ['boolean', { x: 'number' }], is_infinite: ['boolean', { x: 'number' }],
  and: connective, or: connective, xor: connective, not: ['boolean', { x: 'boolean' }],
  if: ['number', { value: 'boolean', accept: 'number', reject: 'number' }],
  mean: reducer, sum: reducer, product: reducer, min: reducer, max: reducer, median: reducer, sd: reducer, variance: reducer, first: reducer, last: reducer,
  count: ['number', { data: 'numbers' }, () => fc.constantFrom({}, { condition: true }, { condition: callback('gt', { x: parameter('x'), y: 1 }) })],
  all: ['boolean', { data: 'booleans' }, ignore], any: ['boolean', { data: 'booleans' }, ignore],
  array_contains: ['boolean', { data: 'numbers', value: 'number' }],
  array_find: ['number', { data: 'numbers', value: 'number' }, () => fc.record({ reverse: fc.boolean() })],
  array_element: ['number', { data: 'numbers' }, () => fc.record({ index: fc.nat(4), return_nodata: fc.constant(true) })],
  array_append: ['numbers', { data: 'numbers', value: 'number' }],
  array_create: ['numbers', { data: 'numbers' }, () => fc.record({ repeat: fc.integer({ min: 1, max: 2 }) })],
  array_interpolate_linear: ['numbers', { data: 'numbers' }],
  cummax: ['numbers', { data: 'numbers' }, ignore], cumsum: ['numbers', { data: 'numbers' }, ignore],
  extrema: ['numbers', { data: 'numbers' }, ignore],
  quantiles: ['numbers', { data: 'numbers' }, () => fc.constantFrom({ probabilities: [0, 0.3, 1] }, { probabilities: 4, ignore_nodata: false })],
  sort: ['numbers', { data: 'numbers' }, () => fc.record({ asc: fc.boolean(), nodata: fc.constantFrom(null, true, false) })],
  order: ['numbers', { data: 'numbers' }, () => fc.record({ asc: fc.boolean(), nodata: fc.constantFrom(null, true, false) })],
  array_apply: ['numbers', { data: 'numbers', context: 'number' }, () => fc.constantFrom(
    { process: callback('add', { x: parameter('x'), y: parameter('context') }) },
    { process: callback('multiply', { x: parameter('index'), y: parameter('x') }) },
    { process: callback('if', { value: parameter('flag'), accept: parameter('x') }) },
  )],
  array_filter: ['numbers', { data: 'numbers' }, () => fc.constantFrom(
    { condition: callback('gt', { x: parameter('x'), y: 0 }) },
    { condition: callback('eq', { x: parameter('label'), y: 'b' }) },
  )],
};

const inputTypes: Record<string, Type> = { x: 'number', flag: 'boolean', data: 'numbers', flags: 'booleans' };
const numbers = fc.oneof(
  fc.integer({ min: -9, max: 9 }), fc.double({ min: -100, max: 100, noNaN: true }), fc.constantFrom(NaN, Infinity, -Infinity, 0, 0.5, 1e9),
);

/** Their schemas take numbers only; no-data reaches them through references all the same. */
const refusesNull = new Set(['between', 'normalized_difference']);

interface Node { readonly process: string; readonly settings: Record<string, unknown>; readonly picks: readonly number[]; readonly literal: number }

const nodeArbitrary: fc.Arbitrary<Node> = fc.constantFrom(...Object.keys(signatures)).chain((process) => fc.record({
  process: fc.constant(process),
  settings: signatures[process]![2]?.() ?? fc.constant({}),
  picks: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
  literal: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(0.25)),
}));

/** Each node takes its arguments from the inputs, from nodes before it, or from a literal. */
function buildGraph(nodes: readonly Node[]): ProcessGraph {
  const available: [unknown, Type][] = Object.entries(inputTypes).map(([name, type]) => [parameter(name), type]);
  const graph: Record<string, ProcessGraph[string]> = {};
  nodes.forEach(({ process, settings, picks, literal }, n) => {
    const [type, parameters] = signatures[process]!;
    const args = Object.entries(parameters).map(([name, wanted], p) => {
      const choices: unknown[] = available.filter(([, t]) => t === wanted).map(([reference]) => reference);
      if (wanted === 'number') choices.push(literal, ...(refusesNull.has(process) ? [] : [null]));
      if (wanted === 'numbers') choices.push([literal, parameter('x'), null], [literal, 2, 3]);
      return [name, choices[picks[p]! % choices.length]];
    });
    graph[`n${n}`] = { process_id: process, arguments: { ...Object.fromEntries(args) as object, ...settings }, ...(n === nodes.length - 1 && { result: true }) };
    available.push([{ from_node: `n${n}` }, type]);
  });
  return graph;
}

const labels = ['a', 'b', 'c', 'd'];

interface Case { readonly nodes: readonly Node[]; readonly dtype: DType; readonly length: number; readonly hasNulls: boolean; readonly cells: readonly (readonly Value[])[] }

const cellCount = 5;
const caseArbitrary: fc.Arbitrary<Case> = fc.record({
  nodes: fc.array(nodeArbitrary, { minLength: 1, maxLength: 6 }),
  dtype: fc.constantFrom<DType>('float64', 'float32', 'uint16', 'int8', 'float16'),
  length: fc.nat(4),
  hasNulls: fc.boolean(),
  cells: fc.array(fc.array(fc.option(numbers, { freq: 4 }), { minLength: 9, maxLength: 9 }), { minLength: cellCount, maxLength: cellCount }),
});

/** One input: cells × length samples in the order [cell][element] → [element][cell]. */
function inputOf(name: string, { dtype, length, hasNulls, cells }: Case) {
  const type = inputTypes[name]!;
  const isArray = type.endsWith('s');
  const own = type.startsWith('boolean') ? 'bool' : dtype;
  const size = isArray ? length : 1;
  const offset = Object.keys(inputTypes).indexOf(name);
  const value = (cell: number, k: number): Value => {
    const raw = cells[cell]![(offset * 3 + k) % 9]!;
    if (raw === null) return hasNulls ? null : 1;
    return own === 'bool' ? Number(raw) > 0 : raw;
  };
  const flat = Array.from({ length: size * cellCount }, (_, at) => value(at % cellCount, Math.floor(at / cellCount)));
  const input: KernelInput = { name, kind: isArray ? 'array' : 'scalar', dtype: own, ...(isArray && { labels: labels.slice(0, length) }) };
  return { input, data: samples(flat, own), size };
}

it('agrees with the interpreter', () => {
  let compiled = 0;
  fc.assert(fc.property(caseArbitrary, (given) => {
    const inputs = Object.keys(inputTypes).map((name) => inputOf(name, given));
    const callback = callbackFrom(buildGraph(given.nodes), Object.keys(inputTypes));
    const interpret = (cell: number) => callback.interpret(Object.fromEntries(inputs.map(({ input, data, size }) => {
      const values = Array.from({ length: size }, (_, k): Value => {
        const at = k * cellCount + cell;
        if (data.nulls?.[at]) return null;
        return input.dtype === 'bool' ? data.data[at] !== 0 : data.data[at]!;
      });
      return [input.name, input.kind === 'array' ? new LabeledArray(values, input.labels!) : values[0]!];
    })));
    const kernel = callback.compile(inputs.map((i) => i.input));
    if (!kernel.isInterpreted) compiled += 1;
    const { data, nulls } = kernel.run(inputs.map((i) => i.data), 1, cellCount);
    const length = kernel.length ?? 1;
    for (let cell = 0; cell < cellCount; cell++) {
      const expected = interpret(cell);
      const elements = expected instanceof LabeledArray ? expected.values : Array.isArray(expected) ? expected as readonly Value[] : [expected];
      expect(elements.length).toBeLessThanOrEqual(length);
      for (let k = 0; k < length; k++) {
        const at = k * cellCount + cell;
        const got = nulls?.[at] ? null : data[at]!;
        expect(same(got, stored(elements[k] ?? null, kernel.dtype)), `cell ${cell}, element ${k}: ${got} instead of ${String(elements[k])} (${kernel.dtype})`).toBe(true);
      }
    }
  }), { numRuns: 500 });
  expect(compiled, 'graphs that were compiled').toBeGreaterThan(430);
});

function stored(value: Value, dtype: DType): number | null {
  if (value === null) return null;
  const sample = allocate(dtype, 1);
  sample[0] = Number(value);
  return sample[0];
}

/** Zero has one sign here: max(0, −0) may be either. */
const same = (a: number | null, b: number | null) => a === b || (Number.isNaN(a) && Number.isNaN(b));
