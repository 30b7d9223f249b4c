/** Whatever comes in, nothing but openEO errors comes out, and compiled code gives what the interpreter gives. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OpenEOError } from '../../src/errors.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import { linkDefinitions } from '../../src/graph/link.ts';
import { validate } from '../../src/graph/parse.ts';
import { LabeledArray, type Value } from '../../src/graph/value.ts';
import { scalarProcesses } from '../../src/processes/index.ts';
import { emptyScope, registry } from '../processes/registry.ts';
import { asInput, callbackFrom, cellResult } from './kernels.ts';

type Json = Record<string, unknown>;
const from = (name: string) => ({ from_parameter: name });
const of = (id: string) => ({ from_node: id });

/** True for errors that clients may see, and for the ones of a scope that has nothing. */
const isExpected = (error: unknown) => error instanceof OpenEOError || (error instanceof Error && error.message.startsWith('The test scope can\'t'));

async function outcome(work: () => Value | Promise<Value>): Promise<{ value: Value } | { error: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (isExpected(error)) return { error };
    throw error;
  }
}

/** Validates, and runs what is valid. */
async function tryProcess(process: unknown): Promise<void> {
  const errors = validate(process, registry);
  for (const error of errors) expect(error).toBeInstanceOf(OpenEOError);
  const run = await outcome(() => evaluate(process, registry, emptyScope()));
  if (errors.length > 0) expect(run).toHaveProperty('error');
}

const words = fc.constantFrom('process_id', 'arguments', 'process_graph', 'result', 'parameters', 'from_node', 'from_parameter', 'namespace', 'name', 'schema', 'data', 'x', '__proto__', 'constructor', 'toString', 'add', 'a');
const leaf = fc.oneof(words, fc.string(), fc.double(), fc.integer(), fc.boolean(), fc.constant(null), fc.constantFrom(NaN, Infinity, -Infinity));
const anyJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 5, withCrossShrink: true }, leaf, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(fc.oneof(words, fc.string()), tie('value'), { maxKeys: 4, noNullPrototype: false })),
})).value;

it('any JSON is either valid or refused', async () => {
  await fc.assert(fc.asyncProperty(anyJson, async (value) => {
    await tryProcess(value);
    await tryProcess({ process_graph: value });
    await tryProcess({ process_graph: { a: value }, parameters: value });
    await tryProcess({ process_graph: { a: { process_id: 'array_apply', arguments: { data: value, process: value }, result: true } } });
    const source = { ofUser: async () => new Map([['a', value], ['add', value]]), at: async () => value };
    const linked = await linkDefinitions({ process_graph: { a: { process_id: 'a', result: true } } }, registry, source, { user: 'ann', signal: new AbortController().signal });
    await outcome(() => evaluate({ process_graph: { a: { process_id: 'a', result: true } } }, linked, emptyScope()));
  }), { numRuns: 150 });
});

const valid: Json[] = [
  { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: of('b') }, result: true }, b: { process_id: 'array_element', arguments: { data: [1, 2, null], index: 1 } } } },
  { parameters: [{ name: 'p', schema: { type: 'array', items: { type: 'number' } }, default: [3, 1, 2] }], process_graph: {
    a: { process_id: 'array_filter', arguments: { data: from('p'), condition: { process_graph: { c: { process_id: 'gt', arguments: { x: from('x'), y: 1 }, result: true } } } } },
    s: { process_id: 'sort', arguments: { data: of('a'), asc: false }, result: true },
  } },
  { process_graph: {
    l: { process_id: 'load_collection', arguments: { id: 'S2', spatial_extent: { west: 1, south: 2, east: 3, north: 4, crs: 32631 }, temporal_extent: ['2020-01-01', '2021-01-01'], bands: ['B04'] } },
    r: { process_id: 'reduce_dimension', arguments: { data: of('l'), dimension: 't', reducer: { process_graph: { q: { process_id: 'quantiles', arguments: { data: from('data'), probabilities: [0.5] } }, e: { process_id: 'array_element', arguments: { data: of('q'), index: 0 }, result: true } } } } },
    s: { process_id: 'save_result', arguments: { data: of('r'), format: 'GTiff', options: {} }, result: true },
  } },
  { process_graph: { d: { process_id: 'date_shift', arguments: { date: '2020-02-29T10:00:00+02:00', value: 1, unit: 'month' } }, b: { process_id: 'date_between', arguments: { x: of('d'), min: '2019-01-01', max: '2021-01-01' }, result: true } } },
  { process_graph: { c: { process_id: 'create_data_cube', arguments: {} }, d: { process_id: 'add_dimension', arguments: { data: of('c'), name: 'b', label: 'x', type: 'bands' } }, n: { process_id: 'apply', arguments: { data: of('d'), process: { process_graph: { a: { process_id: 'absolute', arguments: { x: from('x') }, result: true } } } }, result: true } } },
];

/** Every place in a JSON value, as the object that holds it and its key. */
function placesIn(value: unknown): [Json, string][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.keys(value).flatMap((key) => [[value as Json, key] as [Json, string], ...placesIn((value as Json)[key])]);
}

const change = fc.record({ at: fc.nat(), other: fc.nat(), what: fc.constantFrom('replace', 'remove', 'copy', 'rename'), value: anyJson, name: fc.oneof(words, fc.string()) });

it('a valid process that was tampered with is either valid or refused', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(valid.length - 1), fc.array(change, { minLength: 1, maxLength: 4 }), async (which, changes) => {
    const process = structuredClone(valid[which]!);
    for (const { at, other, what, value, name } of changes) {
      const places = placesIn(process);
      if (places.length === 0) break;
      const [holder, key] = places[at % places.length]!;
      const [otherHolder, otherKey] = places[other % places.length]!;
      if (what === 'replace') holder[key] = value;
      else if (what === 'remove') delete holder[key];
      else if (what === 'copy') holder[key] = structuredClone(otherHolder[otherKey]);
      else if (!Array.isArray(holder)) {
        Object.defineProperty(holder, name, { value: holder[key], enumerable: true, configurable: true, writable: true });
        if (name !== key) delete holder[key];
      }
    }
    await tryProcess(process);
  }), { numRuns: 250 });
});

const numbers = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.double(), fc.constantFrom(NaN, Infinity, -Infinity, -0, 1e300));
const literals = fc.oneof(
  { weight: 6, arbitrary: numbers }, { weight: 2, arbitrary: fc.boolean() }, { weight: 3, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom('a', '', '2020-01-01', '2020-01-01T00:00:00Z', 'day', 'x', '__proto__') },
  { weight: 2, arbitrary: fc.array(fc.oneof(numbers, fc.constant(null), fc.boolean()), { maxLength: 5 }) },
);
const callbacks = fc.constantFrom('absolute', 'is_nan', 'sum', 'not', 'is_valid', 'pi').map((process_id) => {
  const parameter = registry.get(process_id)!.description.parameters[0]?.name;
  return { process_graph: { only: { process_id, arguments: parameter === undefined ? {} : { [parameter]: from('x') }, result: true } } };
});

interface Step { readonly process: string; readonly picks: readonly { readonly kind: number; readonly literal: unknown; readonly callback: unknown }[] }

const step: fc.Arbitrary<Step> = fc.record({
  process: fc.constantFrom(...Object.keys(scalarProcesses)),
  picks: fc.array(fc.record({ kind: fc.nat(9), literal: literals, callback: callbacks }), { minLength: 7, maxLength: 7 }),
});

/** A graph in which every reference leads somewhere; whether the types fit is left to chance. */
function graphOf(steps: readonly Step[]): Json {
  return Object.fromEntries(steps.map(({ process, picks }, n) => {
    const { parameters } = registry.get(process)!.description;
    const args = parameters.flatMap(({ name, schema, optional }, i): [string, unknown][] => {
      const { kind, literal, callback } = picks[i % picks.length]!;
      if (optional === true && kind % 3 === 0) return [];
      if (JSON.stringify(schema).includes('process-graph')) return [[name, callback]];
      const isArray = JSON.stringify(schema).includes('"array"');
      if (kind < 4) return [[name, from(isArray ? 'data' : 'x')]];
      return [[name, kind < 7 && n > 0 ? of(`n${kind % n}`) : literal]];
    });
    return [`n${n}`, { process_id: process, arguments: Object.fromEntries(args), ...(n === steps.length - 1 && { result: true }) }];
  }));
}

const same = (a: Value, b: Value): boolean => {
  const [left, right] = [a, b].map((v) => (v instanceof LabeledArray ? v.values : v));
  if (Array.isArray(left) && Array.isArray(right)) return left.length === right.length && left.every((v, i) => same(v as Value, right[i] as Value));
  if (typeof left === 'number' && typeof right === 'number') return left === right || (Number.isNaN(left) && Number.isNaN(right)) || Math.abs(left - right) <= 1e-9 * Math.abs(left);
  return left === right;
};

it('random callbacks give the same compiled and interpreted, or an openEO error', async () => {
  let compared = 0;
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), fc.oneof(numbers, fc.constant(null)), fc.array(fc.oneof(numbers, fc.constant(null)), { minLength: 1, maxLength: 4 }), async (steps, x, data) => {
    const graph = graphOf(steps);
    const parameters = [{ name: 'x', schema: {} }, { name: 'data', schema: {} }];
    if (validate({ process_graph: graph, parameters }, registry).length > 0) return;
    const callback = callbackFrom(graph as never, ['x', 'data']);
    const [scalar, array] = [asInput('x', x)!, asInput('data', data)!];
    const labeled = new LabeledArray(data, array.input.labels!);
    const compiled = await outcome(() => cellResult(callback.compile([scalar.input, array.input]), [scalar.data, array.data]));
    const interpreted = await outcome(() => callback.interpret({ x, data: labeled }));
    if (!('value' in compiled) || !('value' in interpreted)) return;
    compared += 1;
    // Cubes have one length for all cells: what is shorter than possible is filled up with no-data.
    const [wide, narrow] = [compiled.value, interpreted.value].map((v) => (v instanceof LabeledArray ? v.values : v));
    const given = Array.isArray(wide) && Array.isArray(narrow) && wide.slice(narrow.length).every((v) => v === null) ? wide.slice(0, narrow.length) : wide!;
    if (!same(given as Value, narrow as Value)) throw new Error(`compiled ${JSON.stringify(given)} ≠ interpreted ${JSON.stringify(narrow)} for ${JSON.stringify(graph)} of ${String(x)}, ${String(data)}`);
  }), { numRuns: 1500 });
  expect(compared).toBeGreaterThan(100);
}, 60_000);
