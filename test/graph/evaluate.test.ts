import { describe, expect, it } from 'vitest';
import { Cube } from '../../src/cube/cube.ts';
import { createBlock } from '../../src/cube/block.ts';
import { isOpenEOError } from '../../src/errors.ts';
import type { Callback } from '../../src/graph/callback.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { Implementation } from '../../src/graph/process.ts';
import { LabeledArray, type Value } from '../../src/graph/value.ts';
import type { ProcessDescription, ProcessGraph } from '../../src/graph/wire.ts';
import { allProcesses, createRegistry } from '../../src/processes/index.ts';
import { descriptions, emptyScope, registry } from '../processes/registry.ts';

const node = (process_id: string, args: Record<string, unknown> = {}, more: object = {}) => ({ process_id, arguments: args, ...more });
const result = { result: true };
const run = (process_graph: unknown, parameters?: unknown, values?: Record<string, Value>) => evaluate({ process_graph, parameters }, registry, emptyScope(), values);

const cube = () => new Cube({ dimensions: [], grid: null, dtype: 'float32', read: async () => createBlock('float32', []), fingerprint: async () => 'x' });

/** The registry with processes of the test's own. */
function registryWith(more: Readonly<Record<string, { parameters: ProcessDescription['parameters']; run: Implementation['run'] }>>) {
  const described = Object.entries(more).map(([id, { parameters }]): [string, ProcessDescription] => [id, { id, parameters, returns: { schema: {} } }]);
  return createRegistry(new Map([...descriptions, ...described]), { ...allProcesses, ...Object.fromEntries(Object.entries(more).map(([id, p]) => [id, { run: p.run }])) });
}

const any = (name: string, more: object = {}) => ({ name, description: name, schema: {}, ...more });

it('runs nodes in the order of their dependencies', async () => {
  expect(await run({
    twice: node('multiply', { x: { from_node: 'sum' }, y: 2 }, result),
    sum: node('sum', { data: [1, { from_node: 'three' }, null] }),
    three: node('constant', { x: 3 }),
  })).toBe(8);
});

it('runs every node once, end nodes without result too', async () => {
  const ran: unknown[] = [];
  const counting = registryWith({ note: { parameters: [any('x')], run: (args) => { ran.push(args['x']); return args['x'] ?? null; } } });
  const graph = {
    a: node('note', { x: 1 }), b: node('add', { x: { from_node: 'a' }, y: { from_node: 'a' } }, result), end: node('note', { x: { from_node: 'b' } }),
  };
  expect(await evaluate({ process_graph: graph }, counting, emptyScope())).toBe(2);
  expect(ran).toEqual([1, 2]);
});

it('fills in defaults and takes null for them', async () => {
  expect(await run({ a: node('linear_scale_range', { x: 5, inputMin: 0, inputMax: 10, outputMax: null }, result) })).toBe(0.5);
});

it('resolves references inside arrays and objects', async () => {
  expect(await run({ three: node('constant', { x: 3 }), all: node('constant', { x: { list: [1, { from_node: 'three' }], p: { from_parameter: 'p' } } }, result) }, [any('p')], { p: 'v' }))
    .toEqual({ list: [1, 3], p: 'v' });
});

it('hands callbacks inside objects to the process', async () => {
  const conditional = registryWith({ test: {
    parameters: [any('conditions', { schema: { type: 'object', subtype: 'metadata-filter', additionalProperties: { type: 'object', subtype: 'process-graph', parameters: [any('value')] } } })],
    run: (args) => (args['conditions'] as unknown as { a: Callback }).a.interpret({ value: 5 }),
  } });
  const callback = { process_graph: { c: node('lte', { x: { from_parameter: 'value' }, y: { from_parameter: 'limit' } }, result) } };
  const graph = { t: node('test', { conditions: { a: callback } }, result) };
  expect(await evaluate({ process_graph: graph }, conditional, emptyScope(), { limit: 5 })).toBe(true);
  expect(await evaluate({ process_graph: graph }, conditional, emptyScope(), { limit: 4 })).toBe(false);
});

describe('parameters of the process', () => {
  const graph = { a: node('add', { x: { from_parameter: 'x' }, y: 1 }, result) };

  it('take the given value, or their default', async () => {
    expect(await run(graph, [any('x')], { x: 4 })).toBe(5);
    expect(await run(graph, [any('x', { default: 7, optional: true })])).toBe(8);
    expect(await run(graph, [any('x', { optional: true })])).toBeNull();
  });

  it('are required without a default', async () => {
    await expect(run(graph, [any('x')])).rejects.toMatchObject({ code: 'ProcessParameterRequired' });
  });

  it('are checked against their schema, whose pattern is not run', async () => {
    const schema = { type: 'string', pattern: '(a+)+$' };
    await expect(run(graph, [any('x', { schema })], { x: 5 })).rejects.toThrow("it must be a string, not the number 5");
    await expect(evaluate({ process_graph: { a: node('constant', { x: { from_parameter: 'x' } }, result) }, parameters: [any('x', { schema })] },
      registry, emptyScope(), { x: `${'a'.repeat(40)}!` })).resolves.toContain('!');
  });

  it('need no declaration when the service sets them', async () => {
    expect(await run(graph, undefined, { x: 1 })).toBe(2);
  });
});

describe('errors', () => {
  it('name the node, also inside callbacks, outermost first', async () => {
    const graph = { apply1: node('array_apply', { data: [1], process: { process_graph: { clip1: node('clip', { x: { from_parameter: 'x' }, min: 2, max: 1 }, result) } } }, result) };
    const error = await run(graph).catch((e: unknown) => e);
    expect(isOpenEOError(error, 'MinMaxSwapped') && error.path).toEqual([{ node_id: 'apply1', process_id: 'array_apply' }, { node_id: 'clip1', process_id: 'clip' }]);
    expect(String(error)).toContain("(node 'apply1' > 'clip1')");
  });

  it('come from values that a node gave', async () => {
    await expect(run({ a: node('text_concat', { data: ['x'] }), b: node('add', { x: { from_node: 'a' }, y: 1 }, result) }))
      .rejects.toThrow(`parameter 'x' in process 'add' is invalid: it must be a number or null, not the string "x" (node 'b')`);
  });

  it('tell what to do with cubes', async () => {
    await expect(run({ a: node('add', { x: { from_parameter: 'c' }, y: 1 }, result) }, [any('c')], { c: cube() })).rejects.toThrow('Use apply');
  });

  it('are kept as they are when they are not openEO’s', async () => {
    const failing = registryWith({ fail: { parameters: [], run: () => { throw new TypeError('oops'); } } });
    await expect(evaluate({ process_graph: { a: node('fail', {}, result) } }, failing, emptyScope())).rejects.toThrow(new TypeError('oops'));
  });

  it('refuse asynchronous processes in callbacks', async () => {
    const slow = registryWith({ slow: { parameters: [any('x')], run: async () => 1 } });
    const graph = { a: node('array_apply', { data: [1], process: { process_graph: { s: node('slow', { x: 1 }, result) } } }, result) };
    await expect(evaluate({ process_graph: graph }, slow, emptyScope())).rejects.toThrow("'slow' can’t be used inside a callback");
  });
});

it('stops between nodes when the scope is aborted', async () => {
  const controller = new AbortController();
  let after = false;
  const aborting = registryWith({
    abort: { parameters: [], run: () => { controller.abort(new Error('enough')); return 1; } },
    next: { parameters: [any('x')], run: () => { after = true; return 1; } },
  });
  const graph = { a: node('abort'), b: node('next', { x: { from_node: 'a' } }, result) };
  await expect(evaluate({ process_graph: graph }, aborting, emptyScope(controller.signal))).rejects.toThrow('enough');
  expect(after).toBe(false);
});

it('passes no-data on, whatever the schema says', async () => {
  expect(await run({ n: node('constant', { x: null }), nd: node('normalized_difference', { x: { from_node: 'n' }, y: 1 }, result) })).toBeNull();
});

describe('the origin of a cube', () => {
  const make = { parameters: [any('id'), any('option', { optional: true, default: 5 }), any('more', { optional: true, default: null })], run: () => cube() };
  const join = { parameters: [any('a'), any('b'), any('f', { optional: true, default: null, schema: [{ type: 'object', subtype: 'process-graph', parameters: [any('x')] }, { type: 'null' }] })], run: () => cube() };
  const origins = (id: string): Record<string, { parameters: ProcessDescription['parameters']; run: Implementation['run'] }> => {
    const found: ProcessGraph[] = [];
    return {
      make, join,
      origin: { parameters: [any(id)], run: (args, call) => { found.push(call.originOf(args[id] as Cube)); return found.at(-1)! as unknown as Value; } },
    };
  };
  const originOf = (graph: object, parameters: object[] = [], values: Record<string, Value> = {}) =>
    evaluate({ process_graph: graph, parameters }, registryWith(origins('c')), emptyScope(), values);

  it('is the graph before it: values instead of parameters, defaults left out, other nodes dropped', async () => {
    expect(await originOf({
      unused: node('pi'), name: node('text_concat', { data: ['S', 2] }),
      l: node('make', { id: { from_node: 'name' }, option: 5, more: { from_parameter: 'p' } }), o: node('origin', { c: { from_node: 'l' } }, result),
    }, [any('p')], { p: { deep: [1, 'x'] } })).toEqual({ make1: { process_id: 'make', arguments: { id: 'S2', more: { deep: [1, 'x'] } }, result: true } });
  });

  it('has shared cubes once, and callbacks with the values they see', async () => {
    const callback = { process_graph: { s: node('add', { x: { from_parameter: 'x' }, y: { from_parameter: 'p' } }, result) } };
    expect(await originOf({
      l: node('make', { id: 'A' }), j: node('join', { a: { from_node: 'l' }, b: [{ from_node: 'l' }], f: callback }), o: node('origin', { c: { from_node: 'j' } }, result),
    }, [any('p')], { p: 3 })).toEqual({
      make1: { process_id: 'make', arguments: { id: 'A' } },
      join1: {
        process_id: 'join', result: true,
        arguments: { a: { from_node: 'make1' }, b: [{ from_node: 'make1' }], f: { process_graph: { s: { process_id: 'add', arguments: { x: { from_parameter: 'x' }, y: 3 }, result: true } } } },
      },
    });
  });

  it('writes what JSON lacks as nodes, and can be run again', async () => {
    const values = { p: new LabeledArray([NaN, -Infinity], ['a', 'b']) };
    const graph = await originOf({ l: node('make', { id: { from_parameter: 'p' } }), o: node('origin', { c: { from_node: 'l' } }, result) }, [any('p')], values);
    expect(graph).toEqual({
      nan1: { process_id: 'nan', arguments: {} },
      divide1: { process_id: 'divide', arguments: { x: -1, y: 0 } },
      array_create_labeled1: { process_id: 'array_create_labeled', arguments: { data: [{ from_node: 'nan1' }, { from_node: 'divide1' }], labels: ['a', 'b'] } },
      make1: { process_id: 'make', arguments: { id: { from_node: 'array_create_labeled1' } }, result: true },
    });
    expect(await evaluate({ process_graph: JSON.parse(JSON.stringify(graph)) as unknown }, registryWith(origins('c')), emptyScope())).toBeInstanceOf(Cube);
  });
});
