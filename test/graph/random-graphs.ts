/** Random process graphs of numbers, truth values and arrays, for tests that compare ways to compute them. */
import fc from 'fast-check';
import type { ProcessGraph } from '../../src/graph/wire.ts';

export type Type = 'number' | 'boolean' | 'numbers' | 'booleans';

/** What a process gives, which of its parameters take values of the graph, and its other arguments. */
export type Signature = readonly [result: Type, parameters: Readonly<Record<string, Type>>, settings?: () => fc.Arbitrary<Record<string, unknown>>];
export type Signatures = Readonly<Record<string, Signature>>;

export const ignore = () => fc.record({ ignore_nodata: fc.boolean() });
export const binary: Signature = ['number', { x: 'number', y: 'number' }];
export const relation: Signature = ['boolean', { x: 'number', y: 'number' }];
const reducer: Signature = ['number', { data: 'numbers' }, ignore];
const unary: Signature = ['number', { x: 'number' }];
const connective: Signature = ['boolean', { x: 'boolean', y: 'boolean' }];

export const callback = (process_id: string, args: object) => ({ process_graph: { only: { process_id, arguments: args, result: true } } });
export const parameter = (name: string) => ({ from_parameter: name });

/** Processes that every way to compute has a form for. */
export const commonSignatures: Signatures = {
  absolute: unary, floor: unary, int: unary, sgn: unary, sqrt: unary, ceil: unary,
  add: binary, subtract: binary, multiply: binary, divide: binary, normalized_difference: binary,
  neq: relation, gt: relation, gte: relation, lt: relation, lte: relation,
  is_nan: ['boolean', { x: 'number' }], is_nodata: ['boolean', { x: 'number' }], is_valid: ['boolean', { x: 'number' }], is_infinite: ['boolean', { x: 'number' }],
  and: connective, or: connective, xor: connective, not: ['boolean', { x: 'boolean' }],
  if: ['number', { value: 'boolean', accept: 'number', reject: 'number' }],
  mean: reducer, sum: reducer, product: reducer, min: reducer, max: reducer, median: reducer, sd: reducer, variance: reducer, first: reducer, last: reducer,
  all: ['boolean', { data: 'booleans' }, ignore], any: ['boolean', { data: 'booleans' }, ignore],
  round: ['number', { x: 'number' }, () => fc.record({ p: fc.integer({ min: -2, max: 3 }) })],
  count: ['number', { data: 'numbers' }, () => fc.constantFrom({}, { condition: true }, { condition: callback('gt', { x: parameter('x'), y: 1 }) })],
  array_contains: ['boolean', { data: 'numbers', value: 'number' }],
  array_find: ['number', { data: 'numbers', value: 'number' }, () => fc.record({ reverse: fc.boolean() })],
  array_append: ['numbers', { data: 'numbers', value: 'number' }],
  array_create: ['numbers', { data: 'numbers' }, () => fc.record({ repeat: fc.integer({ min: 1, max: 2 }) })],
  array_interpolate_linear: ['numbers', { data: 'numbers' }],
  cummax: ['numbers', { data: 'numbers' }, ignore], cumsum: ['numbers', { data: 'numbers' }, ignore],
  array_apply: ['numbers', { data: 'numbers', context: 'number' }, () => fc.constantFrom(
    { process: callback('add', { x: parameter('x'), y: parameter('context') }) },
    { process: callback('multiply', { x: parameter('index'), y: parameter('x') }) },
    { process: callback('if', { value: parameter('flag'), accept: parameter('x') }) },
  )],
  extrema: ['numbers', { data: 'numbers' }, ignore],
};

export const inputTypes: Readonly<Record<string, Type>> = { x: 'number', flag: 'boolean', data: 'numbers', flags: 'booleans' };

/** Their schemas take numbers only; no-data reaches them through references all the same. */
const refusesNull = new Set(['between', 'normalized_difference']);

export interface Node {
  readonly process: string;
  readonly settings: Record<string, unknown>;
  readonly picks: readonly number[];
  readonly literal: number;
}

export const nodeOf = (signatures: Signatures, processes: readonly string[], literal: fc.Arbitrary<number>): fc.Arbitrary<Node> =>
  fc.constantFrom(...processes).chain((process) => fc.record({
    process: fc.constant(process),
    settings: signatures[process]![2]?.() ?? fc.constant({}),
    picks: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
    literal,
  }));

/**
 * Each node takes its arguments from the inputs, from nodes before it, or from a literal.
 *
 * @param arrays what an array may be besides, made of the literal
 */
export function buildGraph(signatures: Signatures, nodes: readonly Node[], arrays: (literal: number) => readonly unknown[]): ProcessGraph {
  const available: [unknown, Type][] = Object.entries(inputTypes).map(([name, type]) => [parameter(name), type]);
  const graph: Record<string, ProcessGraph[string]> = {};
  nodes.forEach(({ process, settings, picks, literal }, n) => {
    const [type, parameters] = signatures[process]!;
    const args = Object.entries(parameters).map(([name, wanted], p) => {
      const choices: unknown[] = available.filter(([, t]) => t === wanted).map(([reference]) => reference);
      if (wanted === 'number') choices.push(literal, ...(refusesNull.has(process) ? [] : [null]));
      if (wanted === 'numbers') choices.push(...arrays(literal));
      return [name, choices[picks[p]! % choices.length]];
    });
    graph[`n${n}`] = { process_id: process, arguments: { ...Object.fromEntries(args) as object, ...settings }, ...(n === nodes.length - 1 && { result: true }) };
    available.push([{ from_node: `n${n}` }, type]);
  });
  return graph;
}
