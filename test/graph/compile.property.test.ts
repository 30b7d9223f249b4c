/** Compiled callbacks give exactly what the interpreter gives, whatever the graph, the types and the data. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocate, type DType } from '../../src/cube/dtype.ts';
import type { KernelInput } from '../../src/graph/kernel.ts';
import { LabeledArray, type Value } from '../../src/graph/value.ts';
import { callbackFrom, samples } from './kernels.ts';
import { binary, buildGraph, callback, commonSignatures, inputTypes, nodeOf, parameter, relation, type Node, type Signatures } from './random-graphs.ts';

const signatures: Signatures = {
  ...commonSignatures,
  mod: binary, eq: relation,
  clip: ['number', { x: 'number' }, () => fc.constant({ min: -3, max: 7.5 })],
  linear_scale_range: ['number', { x: 'number' }, () => fc.constant({ inputMin: -5, inputMax: 20, outputMax: 255 })],
  between: ['boolean', { x: 'number', min: 'number', max: 'number' }, () => fc.record({ exclude_max: fc.boolean() })],
  array_element: ['number', { data: 'numbers' }, () => fc.record({ index: fc.nat(4), return_nodata: fc.constant(true) })],
  quantiles: ['numbers', { data: 'numbers' }, () => fc.constantFrom({ probabilities: [0, 0.3, 1] }, { probabilities: 4, ignore_nodata: false })],
  sort: ['numbers', { data: 'numbers' }, () => fc.record({ asc: fc.boolean(), nodata: fc.constantFrom(null, true, false) })],
  order: ['numbers', { data: 'numbers' }, () => fc.record({ asc: fc.boolean(), nodata: fc.constantFrom(null, true, false) })],
  array_filter: ['numbers', { data: 'numbers' }, () => fc.constantFrom(
    { condition: callback('gt', { x: parameter('x'), y: 0 }) },
    { condition: callback('eq', { x: parameter('label'), y: 'b' }) },
  )],
};

const numbers = fc.oneof(
  fc.integer({ min: -9, max: 9 }), fc.double({ min: -100, max: 100, noNaN: true }), fc.constantFrom(NaN, Infinity, -Infinity, 0, 0.5, 1e9),
);
const nodes = nodeOf(signatures, Object.keys(signatures), fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constant(0.25)));

const labels = ['a', 'b', 'c', 'd'];

interface Case { readonly nodes: readonly Node[]; readonly dtype: DType; readonly length: number; readonly hasNulls: boolean; readonly cells: readonly (readonly Value[])[] }

const cellCount = 5;
const caseArbitrary: fc.Arbitrary<Case> = fc.record({
  nodes: fc.array(nodes, { minLength: 1, maxLength: 6 }),
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
    const child = callbackFrom(buildGraph(signatures, given.nodes, (literal) => [[literal, parameter('x'), null], [literal, 2, 3]]), Object.keys(inputTypes));
    const interpret = (cell: number) => child.interpret(Object.fromEntries(inputs.map(({ input, data, size }) => {
      const values = Array.from({ length: size }, (_, k): Value => {
        const at = k * cellCount + cell;
        if (data.nulls?.[at]) return null;
        return input.dtype === 'bool' ? data.data[at] !== 0 : data.data[at]!;
      });
      return [input.name, input.kind === 'array' ? new LabeledArray(values, input.labels!) : values[0]!];
    })));
    const kernel = child.compile(inputs.map((i) => i.input));
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
