/** WebAssembly, JavaScript and interpreter give the same, whatever the graph, the types and the data. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { allocate, type DType } from '../../../src/cube/dtype.ts';
import type { Kernel, KernelData, KernelInput } from '../../../src/graph/kernel.ts';
import { runLanes } from '../../../src/graph/lanes/lane-run.ts';
import { encodeProgram } from '../../../src/graph/lanes/program.ts';
import { LabeledArray, type Value } from '../../../src/graph/value.ts';
import { callbackFrom } from '../kernels.ts';
import { buildGraph, commonSignatures, ignore, inputTypes, nodeOf, parameter, type Node, type Signatures } from '../random-graphs.ts';

/** Processes with a form for lanes. */
const signatures: Signatures = {
  ...commonSignatures,
  power: ['number', {}, () => fc.record({ base: fc.constant(parameter('x')), p: fc.constantFrom(1, 2) })],
  clip: ['number', { x: 'number' }, () => fc.constantFrom({ min: -3, max: 7.5 }, { min: 2, max: 100 })],
  linear_scale_range: ['number', { x: 'number' }, () => fc.constantFrom({ inputMin: -5, inputMax: 20, outputMax: 255 }, { inputMin: 20, inputMax: -5 })],
  eq: ['boolean', { x: 'number', y: 'number' }, () => fc.constantFrom({}, { delta: 1.5 })],
  between: ['boolean', { x: 'number' }, () => fc.record({ min: fc.constantFrom(-2, 0.5), max: fc.constant(9), exclude_max: fc.boolean() })],
  array_element: ['number', { data: 'numbers' }, () => fc.record({ index: fc.nat(6), return_nodata: fc.constant(true) })],
  array_concat: ['numbers', {}, () => fc.constant({ array1: parameter('data'), array2: [1, 0.5, null] })],
  cummin: ['numbers', { data: 'numbers' }, ignore], cumproduct: ['numbers', { data: 'numbers' }, ignore],
  quantiles: ['numbers', { data: 'numbers' }, () => fc.constantFrom({ probabilities: [0, 0.3, 1] }, { probabilities: [0.05, 0.5, 0.77], ignore_nodata: false }, { q: 4 })],
};

const node = (processes: readonly string[], literals: readonly number[]) => nodeOf(signatures, processes, fc.constantFrom(...literals));

const labels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm'];

interface Case { readonly nodes: readonly Node[]; readonly dtype: DType; readonly length: number; readonly gaps: number; readonly cells: number; readonly seed: number }

const allTypes = ['float64', 'float32', 'uint16', 'int16', 'uint8', 'int8', 'int32', 'uint32'] as const;

const caseOf = (node: fc.Arbitrary<Node>, maxLength: number, dtypes: readonly DType[]): fc.Arbitrary<Case> => fc.record({
  nodes: fc.array(node, { minLength: 1, maxLength }),
  dtype: fc.constantFrom(...dtypes),
  length: fc.integer({ min: 1, max: labels.length }),
  /** Tenths of the samples that are no-data. */
  gaps: fc.constantFrom(0, 0, 1, 4, 10),
  cells: fc.integer({ min: 1, max: 75 }),
  seed: fc.nat(),
});

/** Special values, small integers and anything, no-data among them; fast-check chooses the seed only. */
function fill(dtype: DType, length: number, gaps: number, random: () => number): KernelData {
  const special = [NaN, Infinity, -Infinity, 0, -0, 0.5, 1e9, 5e-324, 3e38, 1.7e308, 255, 65535];
  const data = allocate(dtype, length);
  for (let i = 0; i < length; i++) {
    const kind = random();
    const value = kind < 0.15 ? special[Math.floor(random() * special.length)]! : kind < 0.6 ? Math.floor(random() * 19) - 9 : (random() - 0.5) * 10 ** Math.floor(random() * 12);
    data[i] = dtype === 'bool' ? Number(random() < 0.5) : value;
  }
  const nulls = gaps === 0 ? null : Uint8Array.from({ length }, () => Number(random() * 10 < gaps));
  return { data, nulls };
}

function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Given { readonly inputs: readonly KernelInput[]; readonly data: readonly KernelData[] }

function inputsOf({ dtype, length, gaps, cells, seed }: Case): Given {
  const random = generator(seed);
  const inputs = Object.entries(inputTypes).map(([name, type]): KernelInput => {
    const isArray = type.endsWith('s');
    return { name, kind: isArray ? 'array' : 'scalar', dtype: type.startsWith('boolean') ? 'bool' : dtype, ...(isArray && { labels: labels.slice(0, length) }) };
  });
  return { inputs, data: inputs.map((input) => fill(input.dtype, (input.labels?.length ?? 1) * cells, gaps, random)) };
}

function runByLanes(kernel: Kernel, data: readonly KernelData[], cells: number): KernelData {
  const encoded = encodeProgram(kernel.lanes!)!;
  return runLanes({ encoded, plain: null, guarded: null }, data, 1, cells);
}

function cellOf({ inputs, data }: Given, cells: number, cell: number): Record<string, Value> {
  return Object.fromEntries(inputs.map((input, n) => {
    const { data: samples, nulls } = data[n]!;
    const values = Array.from({ length: input.labels?.length ?? 1 }, (_, k): Value => {
      const at = k * cells + cell;
      if (nulls?.[at]) return null;
      return input.dtype === 'bool' ? samples[at] !== 0 : samples[at]!;
    });
    return [input.name, input.kind === 'array' ? new LabeledArray(values, input.labels!) : values[0]!];
  }));
}

/** Sorting takes −0 and 0 for equal, here and there in another way; all else keeps the sign of a zero. */
const sorts = (nodes: readonly Node[]) => nodes.some(({ process }) => process === 'median' || process === 'quantiles');

/** Checks random graphs; returns which share of them has a form for lanes. */
function shareInLanes(cases: fc.Arbitrary<Case>, numRuns: number): number {
  let written = 0;
  let total = 0;
  fc.assert(fc.property(cases, (given) => {
    const { nodes, cells } = given;
    const source = inputsOf(given);
    const whole = callbackFrom(buildGraph(signatures, nodes, (literal) => [[literal, parameter('x'), null]]), Object.keys(inputTypes));
    const kernel = whole.compile(source.inputs);
    total += 1;
    if (!kernel.lanes || !encodeProgram(kernel.lanes)) return;
    written += 1;
    const same = sorts(nodes) ? (a: number, b: number) => a === b || (Number.isNaN(a) && Number.isNaN(b)) : Object.is;
    const script = kernel.run(source.data, 1, cells);
    const lanes = runByLanes(kernel, source.data, cells);
    expect(lanes.data.constructor).toBe(script.data.constructor);
    expect(lanes.nulls === null, 'whether there is no-data').toBe(script.nulls === null);
    for (let at = 0; at < script.data.length; at++) {
      const isNull = script.nulls?.[at] === 1;
      expect(lanes.nulls?.[at] === 1, `no-data at ${at}`).toBe(isNull);
      if (!isNull) expect(same(lanes.data[at]!, script.data[at]!), `${lanes.data[at]} instead of ${script.data[at]} at ${at}`).toBe(true);
    }
    const cell = given.seed % cells;
    const value = whole.interpret(cellOf(source, cells, cell));
    const elements = value instanceof LabeledArray ? value.values : Array.isArray(value) ? value as readonly Value[] : [value];
    elements.forEach((element, k) => {
      const at = k * cells + cell;
      expect(lanes.nulls?.[at] === 1, `no-data in element ${k}`).toBe(element === null);
      if (element === null) return;
      const stored = allocate(kernel.dtype, 1);
      stored[0] = Number(element);
      expect(lanes.data[at] === stored[0] || (Number.isNaN(lanes.data[at]) && Number.isNaN(stored[0])), `${lanes.data[at]} instead of ${stored[0]}`).toBe(true);
    });
  }), { numRuns });
  return written / total;
}

it('gives the same by WebAssembly, by JavaScript and cell by cell', () => {
  expect(shareInLanes(caseOf(node(Object.keys(signatures), [-5, -1, 0, 1, 3, 0.25, 0.1, 1e10]), 6, allTypes), 250)).toBeGreaterThan(0.8);
});

it('gives the same for arithmetic on bands, which runs on float32 and int32 where that is exact', () => {
  const arithmetic = node(['add', 'subtract', 'multiply', 'divide', 'normalized_difference', 'absolute', 'array_element', 'if', 'gt'], [2.5, 6, -7.5, 10_000, 0.0001, 0.1, 0, -1, 1 / 65536]);
  expect(shareInLanes(caseOf(arithmetic, 9, ['uint16', 'int16', 'uint8', 'int8', 'float32']), 250)).toBeGreaterThan(0.9);
});
