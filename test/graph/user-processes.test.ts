/** Processes made of others: run in place of their node, compiled in callbacks, written into histories. */
import { describe, expect, it } from 'vitest';
import { evaluateTraced, evaluate } from '../../src/graph/evaluate.ts';
import { withInlineDefinitions } from '../../src/graph/definition-url.ts';
import { linkDefinitions, type DefinitionSource } from '../../src/graph/link.ts';
import { GraphCallback } from '../../src/graph/graph-callback.ts';
import { parse, validate } from '../../src/graph/parse.ts';
import type { ProcessRegistry } from '../../src/graph/process.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { createLog, type LogEntry } from '../../src/log.ts';
import { emptyScope, registry } from '../processes/registry.ts';
import { fingerprint, grid, recordingScope, sample, values } from '../processes/cubes/harness.ts';

type Json = Record<string, unknown>;
const node = (process_id: string, args: Json = {}, more: Json = {}) => ({ process_id, arguments: args, ...more });
const result = (process_id: string, args: Json = {}, more: Json = {}) => node(process_id, args, { ...more, result: true });
const from = (name: string) => ({ from_parameter: name });
const of = (id: string) => ({ from_node: id });
const number = (name: string, more: Json = {}) => ({ name, description: '', schema: { type: 'number' }, ...more });

/** f(x, factor = 10) = x · factor + 1 */
const scale = { parameters: [number('x'), number('factor', { default: 10 })], process_graph: { m: node('multiply', { x: from('x'), y: from('factor') }), a: result('add', { x: of('m'), y: 1 }) } };

function sourceOf(users: Record<string, Record<string, unknown>>, urls: Record<string, unknown> = {}): DefinitionSource {
  return {
    ofUser: async (user, ids, onlyPublic) => new Map(ids.flatMap((id) => {
      const process = users[user] && Object.hasOwn(users[user], id) ? users[user][id] as Json : undefined;
      return process && (!onlyPublic || process['public']) ? [[id, process]] : [];
    })),
    at: async (url) => {
      if (!Object.hasOwn(urls, url)) throw new Error('it can\'t be reached');
      return urls[url];
    },
  };
}

async function linked(process: unknown, users: Record<string, Record<string, unknown>>, urls: Record<string, unknown> = {}, user: string | null = 'ann'): Promise<ProcessRegistry> {
  return linkDefinitions(process, registry, sourceOf(users, urls), { user, signal: new AbortController().signal });
}

async function run(process_graph: Json, own: Record<string, unknown>, urls: Record<string, unknown> = {}) {
  const process = { process_graph };
  return evaluate(process, await linked(process, { ann: own }, urls), emptyScope());
}

async function faults(process_graph: Json, own: Record<string, unknown>, urls: Record<string, unknown> = {}) {
  const process = { process_graph };
  return validate(process, await linked(process, { ann: own }, urls)).map((e) => [e.code, e.message, e.path.map((n) => n.node_id).join(' > ')]);
}

describe('a user-defined process', () => {
  it('runs with its arguments, and with defaults for what is not given', async () => {
    expect(await run({ f: result('scale', { x: 2 }) }, { scale })).toBe(21);
    expect(await run({ f: result('scale', { x: 2, factor: 3 }) }, { scale })).toBe(7);
    expect(await run({ f: result('scale', { x: 2, factor: null }) }, { scale })).toBe(21);
    expect(await run({ p: node('pi'), f: result('scale', { x: of('p'), factor: 1 }) }, { scale })).toBe(Math.PI + 1);
  });

  it('sees its own parameters only', async () => {
    const leaking = { process_graph: { a: result('add', { x: from('outer'), y: 1 }) } };
    const process = { parameters: [number('outer', { default: 1 })], process_graph: { f: result('leaking') } };
    expect(validate(process, await linked(process, { ann: { leaking } }))).toMatchObject([{ code: 'ProcessGraphInvalid' }]);
  });

  it('gives null for an optional parameter without default', async () => {
    const nothing = { parameters: [number('x', { optional: true })], process_graph: { a: result('is_nodata', { x: from('x') }) } };
    expect(await run({ f: result('nothing') }, { nothing })).toBe(true);
  });

  it('passes parameters on to callbacks inside of it, and takes callbacks as arguments', async () => {
    const each = {
      parameters: [{ name: 'data', description: '', schema: { type: 'array' } }, { name: 'what', description: '', schema: { type: 'object', subtype: 'process-graph', parameters: [{ name: 'x', description: '', schema: {} }] } }, number('plus')],
      process_graph: {
        first: node('array_apply', { data: from('data'), process: from('what') }),
        second: result('array_apply', { data: of('first'), process: { process_graph: { a: result('add', { x: from('x'), y: from('plus') }) } } }),
      },
    };
    const what = { process_graph: { s: result('multiply', { x: from('x'), y: from('x') }) } };
    expect(await run({ f: result('each', { data: [1, 2, 3], what, plus: 10 }) }, { each })).toEqual([11, 14, 19]);
  });

  it('may use others, and is told apart by namespace', async () => {
    const twice = { parameters: [number('x')], process_graph: { a: node('scale', { x: from('x') }), b: result('scale', { x: of('a') }, { namespace: 'user' }) } };
    expect(await run({ f: result('twice', { x: 1 }) }, { twice, scale })).toBe(111);
    const absolute = { parameters: [number('x')], process_graph: { a: result('absolute', { x: from('x') }, { namespace: 'backend' }), b: node('add', { x: 1, y: 1 }) } };
    const shadow = { ...absolute, process_graph: { a: result('multiply', { x: from('x'), y: 100 }) } };
    expect(await run({ f: result('absolute', { x: -1 }) }, { absolute: shadow })).toBe(-100);
    expect(await run({ f: result('absolute', { x: -1 }, { namespace: 'backend' }) }, { absolute: shadow })).toBe(1);
    expect(await run({ f: result('absolute', { x: -1 }) }, { absolute })).toBe(1);
  });

  it('means the names of its author, whoever runs it', async () => {
    const shared = { public: true, parameters: [number('x')], process_graph: { a: result('helper', { x: from('x') }) } };
    const helper = (y: number) => ({ parameters: [number('x')], process_graph: { a: result('add', { x: from('x'), y }) } });
    const process = { process_graph: { f: result('shared', { x: 1 }, { namespace: '@bob' }) } };
    const users = { ann: { helper: helper(1000) }, bob: { shared, helper: helper(1) } };
    expect(await evaluate(process, await linked(process, users), emptyScope())).toBe(2);
    const remote = { id: 'far', parameters: [number('x')], process_graph: { a: result('helper', { x: from('x') }) } };
    expect(await faults({ f: result('far', { x: 1 }, { namespace: 'https://example.org/far' }) }, users.ann, { 'https://example.org/far': remote })).toMatchObject([['ProcessUnsupported', expect.anything(), 'f > a']]);
    const list = { processes: [remote, { id: 'helper', ...helper(7) }] };
    expect(await run({ f: result('far', { x: 1 }, { namespace: 'https://example.org/far' }) }, users.ann, { 'https://example.org/far': list })).toBe(8);
  });

  it('tells errors with the nodes that led there', async () => {
    const broken = { parameters: [number('x')], process_graph: { a: result('nope', { x: from('x') }) } };
    expect(await faults({ f: result('broken', { x: 1 }) }, { broken })).toMatchObject([['ProcessUnsupported', expect.anything(), 'f > a']]);
    const late = { parameters: [{ name: 'data', description: '', schema: {} }], process_graph: { a: result('array_element', { data: from('data'), index: 9 }) } };
    await expect(run({ f: result('late', { data: [1] }) }, { late })).rejects.toMatchObject({ code: 'ArrayElementNotAvailable', path: [{ node_id: 'f' }, { node_id: 'a' }] });
  });

  it.each([
    ['no process', 5, 'ProcessInvalid'], ['no graph', { id: 'f' }, 'ProcessGraphMissing'], ['an empty graph', { process_graph: {} }, 'ProcessGraphInvalid'],
    ['parameters that are none', { process_graph: { a: result('pi') }, parameters: [5] }, 'ProcessInvalid'],
  ])('that is stored as %s is an error', async (_, f, code) => {
    expect((await faults({ a: result('f') }, { f }))[0]![0]).toBe(code);
  });

  it('logs which process was taken', async () => {
    const entries: LogEntry[] = [];
    const process = { process_graph: { a: node('scale', { x: 1 }), f: result('absolute', { x: -1 }) } };
    const scope = { ...emptyScope(), log: createLog((entry) => entries.push(entry), 'debug') };
    await evaluate(process, await linked(process, { ann: { scale, absolute: scale } }), scope);
    // After these come what became of the nodes.
    expect(entries.slice(0, 2).map(({ level, path }) => [level, path![0]!.node_id])).toEqual([['debug', 'a'], ['info', 'f']]);
    expect(entries.slice(2).every(({ level }) => level === 'debug')).toBe(true);
  });
});

describe('recursion', () => {
  const calls = (...ids: string[]) => ({ process_graph: Object.fromEntries(ids.map((id, i) => [`n${i}`, i === 0 ? result(id) : node(id)])) });

  it('is refused, direct or through others, and the circle is named', async () => {
    expect(await faults({ a: result('f') }, { f: calls('f') })).toMatchObject([['ProcessGraphInvalid', expect.stringContaining("'f' → 'f'"), 'a > n0']]);
    expect(await faults({ a: result('f') }, { f: calls('g'), g: calls('h'), h: calls('pi', 'g') })).toMatchObject([['ProcessGraphInvalid', expect.stringContaining("'g' → 'h' → 'g'"), 'a > n0 > n0 > n1']]);
  });

  it('is refused inside callbacks too', async () => {
    const f = { process_graph: { a: result('array_apply', { data: [1], process: { process_graph: { b: result('f') } } }) } };
    expect(await faults({ a: result('f') }, { f })).toMatchObject([['ProcessGraphInvalid', expect.stringContaining("'f' → 'f'"), 'a > a > b']]);
  });

  it('may go no deeper than a hundred graphs', async () => {
    const chain = (length: number) => Object.fromEntries(Array.from({ length }, (_, i) => [`f${i}`, i === length - 1 ? calls('pi') : calls(`f${i + 1}`)]));
    expect(await run({ a: result('f0') }, chain(100))).toBe(Math.PI);
    expect(await faults({ a: result('f0') }, chain(101))).toMatchObject([['ProcessGraphInvalid', expect.stringContaining('nested more than 100 deep'), expect.anything()]]);
    expect((await faults({ a: result('f0') }, chain(5000)))[0]![1]).toMatch(/more than 200 user-defined|more than 100 deep/);
  });

  it('may not multiply without end', async () => {
    const doubling = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, i === 39 ? calls('pi') : calls(`f${i + 1}`, `f${i + 1}`)]));
    expect((await faults({ a: result('f0') }, doubling))[0]).toMatchObject(['ProcessGraphInvalid', expect.stringContaining('at most 20000 are possible'), expect.anything()]);
  });
});

describe('on cubes', () => {
  const scope = recordingScope(sample({ grid: grid(2, 2), value: (i) => i + 1 })).scope;
  const brighten = { parameters: [{ name: 'cube', description: '', schema: { type: 'object', subtype: 'datacube' } }, number('by')], process_graph: {
    a: result('apply', { data: from('cube'), process: { process_graph: { s: result('scale', { x: from('x'), factor: from('by') }) } } }),
  } };
  const users = { ann: { scale, brighten } };

  async function history(process_graph: Json) {
    const process = { process_graph };
    const { value, originOf } = await evaluateTraced(process, await linked(process, users), scope);
    return { cube: value as Cube, origin: originOf(value as Cube) };
  }

  it('a callback that uses one is compiled, not interpreted', async () => {
    const process = { process_graph: { s: result('scale', { x: from('x'), factor: from('x') }) }, parameters: [number('x')] };
    const { graph } = parse(process, await linked(process, users));
    const call = { scope: emptyScope(), path: [], originOf: () => { throw new Error('There are no cubes.'); } };
    const kernel = new GraphCallback(graph, new Map(), call).compile([{ name: 'x', kind: 'scalar', dtype: 'float32' }]);
    expect(kernel.isInterpreted).toBe(false);
    const { data, nulls } = kernel.run([{ data: Float32Array.of(2, 0, 3), nulls: Uint8Array.of(0, 1, 0) }], 1, 3);
    expect([data[0], nulls![1], data[2]]).toEqual([5, 1, 10]);
  });

  it('histories with long chains of processes stay small, and processes of different authors apart', async () => {
    const chain = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`f${i}`, { parameters: [number('x')], process_graph: { a: result(i === 59 ? 'absolute' : `f${i + 1}`, { x: from('x') }) } }]));
    const same = (y: number, inner: Json) => ({ public: true, parameters: [number('x')], process_graph: { b: node('f0', { x: 1 }, { namespace: '@ann' }), a: result('add', { x: from('x'), y }), ...inner } });
    const all = { ann: { ...chain, f0: { ...chain['f0']!, public: true }, same: same(1, { a: node('add', { x: from('x'), y: 1 }), c: result('same', { x: of('a') }, { namespace: '@bob' }) }) }, bob: { same: same(10, {}) } };
    const process = { process_graph: { l: node('load_collection', { id: 'C', spatial_extent: null, temporal_extent: null }), a: result('apply', { data: of('l'), process: { process_graph: { s: result('same', { x: from('x') }) } } }) } };
    const { value, originOf } = await evaluateTraced(process, await linked(process, all), scope);
    expect(await values(value as Cube)).toEqual([12, 13, 14, 15]);
    const origin = originOf(value as Cube);
    expect(JSON.stringify(origin).length).toBeLessThan(30_000);
    expect(await values(await evaluate({ process_graph: origin }, withInlineDefinitions(registry), scope) as Cube)).toEqual([12, 13, 14, 15]);
  });

  it('the cube of a callback that uses one can be made again without the user', async () => {
    const { cube, origin } = await history({ l: node('load_collection', { id: 'C', spatial_extent: null, temporal_extent: null }), f: result('brighten', { cube: of('l'), by: 2 }) });
    expect(await values(cube)).toEqual([3, 5, 7, 9]);
    expect(Object.values(origin).map((n) => n.process_id)).toEqual(['load_collection', 'apply']);
    expect(JSON.stringify(origin)).toContain('"namespace":"data:application/json;base64,');
    const again = await evaluate({ process_graph: origin }, withInlineDefinitions(registry), scope);
    expect(await values(again as Cube)).toEqual([3, 5, 7, 9]);
    expect(await fingerprint(again as Cube)).toBe(await fingerprint(cube));
    // Clients can't send what only the service writes.
    expect(validate({ process_graph: origin }, registry)).toMatchObject([{ code: 'ProcessUnsupported' }]);
    expect(validate({ process_graph: origin }, await linked({ process_graph: origin }, users))).toMatchObject([{ code: 'ProcessUnsupported' }]);
  });
});
