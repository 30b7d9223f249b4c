/** Graphs that are too deep, too large or named to do harm: a clear error or a right result, never a crash. */
import { describe, expect, it } from 'vitest';
import { evaluate, evaluateTraced } from '../../src/graph/evaluate.ts';
import { linkDefinitions } from '../../src/graph/link.ts';
import { isDeeperThan, MAX_JSON_DEPTH } from '../../src/graph/json-depth.ts';
import { parse, validate } from '../../src/graph/parse.ts';
import { restrictSchema } from '../../src/graph/schema.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { emptyScope, registry } from '../processes/registry.ts';
import { grid, recordingScope, sample, values } from '../processes/cubes/harness.ts';
import { callbackFrom, samples } from './kernels.ts';

type Json = Record<string, unknown>;
const node = (process_id: string, args: Json = {}, more: Json = {}) => ({ process_id, arguments: args, ...more });
const result = (process_id: string, args: Json = {}) => node(process_id, args, { result: true });
const x = { from_parameter: 'x' };
const errors = (process_graph: unknown, more: Json = {}) => validate({ process_graph, ...more }, registry).map((e) => [e.code, e.message]);
const run = (process_graph: unknown) => evaluate({ process_graph }, registry, emptyScope());
/** JSON as a client sends it: '__proto__' is a key like others. */
const json = (text: string) => JSON.parse(text) as Json;
const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

/** array_apply inside of array_apply …, `data` of each being what `data` says. */
function nested(depth: number, data: unknown): Json {
  let graph: Json = { a: result('add', { x, y: 1 }) };
  for (let i = 0; i < depth; i++) graph = { a: node('array_apply', { data, process: { process_graph: graph } }), s: result('sum', { data: { from_node: 'a' } }) };
  return graph;
}

describe('depth', () => {
  it('of callbacks is limited', () => {
    expect(errors(nested(5000, [1]))).toEqual([['ProcessGraphInvalid', expect.stringContaining('nested more than 100 deep') as unknown]]);
    expect(errors(nested(99, [1]))).toEqual([]);
  });

  it('of values, parameters and everything else is no matter', () => {
    expect(errors({ a: result('sum', { data: deep(100_000) }) })).toMatchObject([['ProcessParameterInvalid', expect.stringContaining('more than 100 deep')]]);
    expect(errors({ a: result('sum', { data: { from_parameter: deep(100_000) } }) })).toMatchObject([['ProcessGraphInvalid', expect.stringContaining('an array')]]);
    expect(errors({ a: result('sum', { data: { from_node: deep(100_000) } }) })).toMatchObject([['ProcessGraphInvalid', expect.anything()]]);
    expect(errors({ a: { ...result('pi'), namespace: deep(100_000) } })).toMatchObject([['ProcessGraphInvalid', expect.stringContaining('namespace')]]);
    expect(errors({ a: result('pi') }, { parameters: [{ name: 'p', schema: deep(100_000), default: deep(100_000) }] })).toEqual([]);
  });

  it('of a whole body is limited before anything is done with it', () => {
    expect([isDeeperThan(deep(1000), 1000), isDeeperThan(deep(1002), 1000), isDeeperThan(deep(1_000_000), 1000)]).toEqual([false, true, true]);
    expect([isDeeperThan(5, 0), isDeeperThan(null, 0), isDeeperThan({ a: [] }, 1), isDeeperThan({ a: [[]] }, 1)]).toEqual([false, false, false, true]);
    expect(isDeeperThan({ process: { process_graph: nested(99, [1]) } }, MAX_JSON_DEPTH)).toBe(false);
  });

  it('of definitions is limited', async () => {
    const source = { ofUser: async () => new Map([['f', { process_graph: { a: result('pi') }, parameters: [{ name: 'p', default: deep(5000), schema: {} }] }]]), at: () => Promise.reject(new Error('no')) };
    const process = { process_graph: { a: result('f') } };
    const linked = await linkDefinitions(process, registry, source, { user: 'ann', signal: new AbortController().signal });
    expect(validate(process, linked)).toMatchObject([{ code: 'ProcessGraphInvalid', message: expect.stringContaining('more than 1000 deep') as unknown }]);
  });

  it('is no matter when definitions are looked for', async () => {
    const none = { ofUser: async () => new Map(), at: () => Promise.reject(new Error('no')) };
    await expect(linkDefinitions({ process_graph: deep(100_000) }, registry, none, { user: 'ann', signal: new AbortController().signal })).resolves.toBeDefined();
  });
});

describe('size', () => {
  const chain = (length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}`, node('add', { x: i === 0 ? 1 : { from_node: `n${i - 1}` }, y: 1 }, { result: i === length - 1 })]));

  it('of a graph is limited', async () => {
    expect(await run(chain(3000))).toBe(3001);
    expect(errors(chain(20_001))).toMatchObject([['ProcessGraphInvalid', expect.stringContaining('at most 20000')]]);
  });

  it('of a callback is no matter for blocks that are computed by lanes', () => {
    const long = (step: (previous: unknown) => Json, length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}`, { ...step(i === 0 ? x : { from_node: `n${i - 1}` }), result: i === length - 1 }]));
    const cells = 1 << 14;
    const products = callbackFrom(long((previous) => node('multiply', { x: previous, y: x }), 4000) as never, ['x']).compile([{ name: 'x', kind: 'scalar', dtype: 'float32' }]);
    expect(products.run([{ data: new Float32Array(cells).fill(1), nulls: null }], 1, cells).data[cells - 1]).toBe(1);
    const appended = Array.from({ length: 100 }, (_, i) => [
      [`a${i}`, node('array_append', { data: { from_parameter: 'data' }, value: i === 0 ? 1 : { from_node: `s${i - 1}` } })], [`s${i}`, node('sum', { data: { from_node: `a${i}` } }, { result: i === 99 })],
    ]).flat();
    const sums = callbackFrom(Object.fromEntries(appended) as never, ['data']).compile([{ name: 'data', kind: 'array', dtype: 'float32', labels: Array.from({ length: 100 }, (_, i) => i) }]);
    expect(sums.run([{ data: new Float32Array(100 * cells), nulls: null }], 1, cells).data[cells - 1]).toBe(1);
  }, 60_000);

  it('of a circle is no matter, and it is shown in short', () => {
    const circle = { ...chain(5000), n0: node('add', { x: { from_node: 'n4999' }, y: 1 }) };
    expect(errors(circle)[0]![1]).toMatch(/circle: 'n0' → 'n4999' → .* → … → .* → 'n0'/);
  });

  it('of the list of errors is limited', () => {
    expect(errors(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`n${i}`, node('nope')])))).toHaveLength(100);
  });

  it('of a schema is limited', () => {
    const wide = { anyOf: Array.from({ length: 300 }, () => ({ anyOf: Array.from({ length: 300 }, () => ({ type: 'string' })) })) };
    expect(JSON.stringify(restrictSchema(wide)).length).toBeLessThan(100_000);
  });
});

describe('loops inside of loops', () => {
  const apply = (depth: number, length: number, data: unknown) => {
    const kernel = callbackFrom(nested(depth, data) as never, ['data', 'x']).compile(
      [{ name: 'data', kind: 'array', dtype: 'float32', labels: Array.from({ length }, (_, i) => i) }, { name: 'x', kind: 'scalar', dtype: 'float32' }]);
    return kernel.run([samples(Array<number>(length).fill(1), 'float32'), samples([1], 'float32')], 1, 1).data[0];
  };

  it('may not take millions of steps for one value', () => {
    expect(apply(2, 100, { from_parameter: 'data' })).toBe(20_000);
    expect(() => apply(4, 1000, { from_parameter: 'data' })).toThrow('too many steps');
    expect(() => apply(40, 12, { from_parameter: 'data' })).toThrow('too many steps');
  });

  it('do not take the compiler for ever', () => {
    expect(() => apply(40, 1, [x, 1])).toThrow('too many steps');
  }, 60_000);

  it('are stopped in the interpreter too', async () => {
    const many = Array<number>(2000).fill(1);
    await expect(run({ a: result('array_apply', { data: many, process: { process_graph: nested(1, many) } }) })).rejects.toMatchObject({ code: 'ProcessGraphInvalid' });
  }, 60_000);
});

describe('names that mean something in JavaScript', () => {
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString', 'prototype', 'valueOf'];

  it.each(names)('%s may be the id of a node, in callbacks too', async (name) => {
    const graph = json(`{"${name}": {"process_id": "pi", "arguments": {}}, "r": {"process_id": "add", "arguments": {"x": {"from_node": "${name}"}, "y": 0}, "result": true}}`);
    expect(await run(graph)).toBe(Math.PI);
    expect(await run({ a: result('array_apply', { data: [1], process: { process_graph: graph } }) })).toEqual([Math.PI]);
    expect(callbackFrom(graph as never, []).processGraph).toEqual(graph);
    expect(Object.keys(callbackFrom(graph as never, []).processGraph)).toContain(name);
  });

  it.each(names)('%s is no process, parameter or reference by itself', (name) => {
    expect(errors({ a: result(name) })).toMatchObject([['ProcessUnsupported', expect.anything()]]);
    expect(errors({ a: node('add', { x: { from_node: name }, y: { from_parameter: name } }, { result: true }) }).map(([code]) => code)).toEqual(['ProcessGraphInvalid', 'ProcessGraphInvalid']);
    expect(errors({ a: result('pi', json(`{"${name}": 1}`)) })).toMatchObject([['ProcessParameterUnsupported', expect.anything()]]);
    expect(errors({ a: result('sum', { data: json(`{"${name}": 1}`) }) })).toMatchObject([['ProcessParameterInvalid', expect.anything()]]);
  });

  it.each(names)('%s may be the name of a parameter, of user-defined processes too', async (name) => {
    const own = { parameters: [{ name, description: '', schema: { type: 'number' }, default: 7 }], process_graph: { a: result('add', { x: { from_parameter: name }, y: 1 }) } };
    expect(await evaluate(own, registry, emptyScope())).toBe(8);
    expect(await evaluate(own, registry, emptyScope(), json(`{"${name}": 1}`) as never)).toBe(2);
    const source = { ofUser: async () => new Map([['own', own]]), at: () => Promise.reject(new Error('no')) };
    const call = async (args: Json) => {
      const process = { process_graph: { a: result('own', args), b: node('array_apply', { data: [1], process: { process_graph: { c: result('own', args) } } }) } };
      return evaluate(process, await linkDefinitions(process, registry, source, { user: 'ann', signal: new AbortController().signal }), emptyScope());
    };
    expect(await call({})).toBe(8);
    expect(await call(json(`{"${name}": 1}`))).toBe(2);
  });

  it.each(names)('%s may be a label and a key', async (name) => {
    const labeled = { l: node('array_create_labeled', { data: [1, 2], labels: [name, 'b'] }), e: result('array_element', { data: { from_node: 'l' }, label: name }) };
    expect(await run(labeled)).toBe(1);
    expect(await run({ c: result('constant', { x: json(`{"${name}": {"a": 1}}`) }) })).toEqual(json(`{"${name}": {"a": 1}}`));
    const cube = sample({ bands: [name, 'b'], grid: grid(1, 1) });
    const picked = await evaluate({ process_graph: {
      l: node('load_collection', { id: 'C', spatial_extent: null, temporal_extent: null }),
      r: result('reduce_dimension', { data: { from_node: 'l' }, dimension: 'bands', reducer: { process_graph: { e: result('array_element', { data: { from_parameter: 'data' }, label: name }) } } }),
    } }, registry, recordingScope(cube).scope);
    expect(await values(picked as Cube)).toEqual([0]);
  });

  it('a schema of a user may use them', () => {
    const schema = json('{"type": "object", "required": ["__proto__"], "properties": {"__proto__": {"type": "string"}, "constructor": {"type": "number"}}}');
    const check = (value: unknown) => evaluate({ parameters: [{ name: 'p', schema }], process_graph: { a: result('constant', { x: { from_parameter: 'p' } }) } }, registry, emptyScope(), { p: value as never });
    return Promise.all([
      expect(check(json('{"__proto__": "s", "constructor": 1}'))).resolves.toBeDefined(),
      expect(check(json('{"__proto__": 5}'))).rejects.toMatchObject({ code: 'ProcessParameterInvalid' }),
      expect(check(json('{"__proto__": "s", "constructor": "x"}'))).rejects.toMatchObject({ code: 'ProcessParameterInvalid' }),
    ]);
  });

  it('leave prototypes as they are', () => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(({} as Json)['a']).toBeUndefined();
  });
});

describe('texts of the client', () => {
  const evil = '\'];globalThis.hacked=1;//`${globalThis.hacked=1}\u2028\n*/';

  it('never become code, whatever they name', async () => {
    const graph = {
      [evil]: node('array_create_labeled', { data: [x, 2], labels: [evil, 'b'] }),
      e: node('array_element', { data: { from_node: evil }, label: evil }),
      f: node('array_filter', { data: [1, 2], condition: { process_graph: { [evil]: result('eq', { x: evil, y: { from_parameter: 'label' } }) } } }),
      r: result('add', { x: { from_node: 'e' }, y: { from_parameter: evil } }),
    };
    const kernel = callbackFrom(graph as never, ['x', evil]).compile([{ name: 'x', kind: 'scalar', dtype: 'float32' }, { name: evil, kind: 'scalar', dtype: 'float32' }]);
    expect(kernel.run([samples([1], 'float32'), samples([2], 'float32')], 1, 1).data[0]).toBe(3);
    const schema = { type: 'object', required: [evil], properties: { [evil]: { enum: [evil] } } };
    await evaluate({ parameters: [{ name: 'p', schema }], process_graph: { a: result('pi') } }, registry, emptyScope(), { p: { [evil]: evil } });
    expect((globalThis as { hacked?: unknown }).hacked).toBeUndefined();
  });

  it('are not called', () => {
    const called: string[] = [];
    const trap = { toString: () => called.push('toString'), toJSON: () => called.push('toJSON') };
    errors({ a: result('add', { x: { from_node: trap }, y: { from_parameter: trap } }) });
    expect(called).toEqual([]);
  });
});

it('histories of cubes keep nodes whose ids are the names of prototypes', async () => {
  const process = { process_graph: json(`{"__proto__": ${JSON.stringify(node('load_collection', { id: 'C', spatial_extent: null, temporal_extent: null }))},
    "r": ${JSON.stringify(result('rename_dimension', { data: { from_node: '__proto__' }, source: 'bands', target: '__proto__' }))}}`) };
  const { value, originOf } = await evaluateTraced(process, registry, recordingScope(sample({ bands: ['a'], grid: grid(1, 1) })).scope);
  expect(Object.values(originOf(value as Cube)).map((n) => n.process_id)).toEqual(['load_collection', 'rename_dimension']);
  expect(parse({ process_graph: originOf(value as Cube) }, registry).graph.nodes).toHaveLength(2);
});
