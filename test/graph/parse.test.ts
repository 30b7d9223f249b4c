import { describe, expect, it } from 'vitest';
import type { OpenEOError } from '../../src/errors.ts';
import { parse, validate } from '../../src/graph/parse.ts';
import { registry } from '../processes/registry.ts';

const node = (process_id: string, args: Record<string, unknown> = {}, more: object = {}) => ({ process_id, arguments: args, ...more });
const result = { result: true };
const validateGraph = (process_graph: unknown, parameters?: unknown) => validate({ process_graph, parameters }, registry);

/** Code and path of every error. */
const summary = (errors: readonly OpenEOError[]) => errors.map((e) => [e.code, e.path.map((n) => n.node_id).join(' > ')]);

it('accepts a graph with constants, references and callbacks', () => {
  const errors = validateGraph({
    load: node('load_collection', { id: 'S2', spatial_extent: null, temporal_extent: ['2020-01-01', '2020-02-01'] }),
    ndvi: node('reduce_dimension', {
      data: { from_node: 'load' }, dimension: 'bands',
      reducer: { process_graph: {
        nir: node('array_element', { data: { from_parameter: 'data' }, label: 'B08' }),
        red: node('array_element', { data: { from_parameter: 'data' }, label: 'B04' }),
        index: node('normalized_difference', { x: { from_node: 'nir' }, y: { from_node: 'red' } }, result),
      } },
    }, result),
  });
  expect(errors).toEqual([]);
});

describe('the process', () => {
  it.each([['a string', 'x', 'ProcessInvalid'], ['an array', [], 'ProcessInvalid'], ['null', null, 'ProcessInvalid'], ['an empty object', {}, 'ProcessGraphMissing'],
    ['a null graph', { process_graph: null }, 'ProcessGraphMissing']])('must not be %s', (_, definition, code) => {
    expect(summary(validate(definition, registry))).toEqual([[code, '']]);
  });

  it('may leave out with null what JavaScript and R clients write so', () => {
    const definition = { id: null, summary: null, parameters: null, process_graph: { pi1: { process_id: 'pi', namespace: null, description: null, arguments: {}, result: true } } };
    expect(validate(definition, registry)).toEqual([]);
  });

  it('must declare parameters properly', () => {
    const graph = { pi1: node('pi', {}, result) };
    expect(summary(validateGraph(graph, 'x'))).toEqual([['ProcessInvalid', '']]);
    expect(summary(validateGraph(graph, [{ schema: {} }]))).toEqual([['ProcessInvalid', '']]);
    const twice = validateGraph(graph, [{ name: 'a', schema: {} }, { name: 'a', schema: {} }]);
    expect(twice[0]!.message).toContain("'a' is declared twice");
  });
});

describe('the nodes', () => {
  it.each([['an array', []], ['a string', 'x'], ['empty', {}]])('must not be %s', (_, graph) => {
    expect(summary(validateGraph(graph))).toEqual([['ProcessGraphInvalid', '']]);
  });

  it('must have exactly one result', () => {
    expect(validateGraph({ a: node('pi'), b: node('e') })[0]!.message).toContain('none has');
    const two = validateGraph({ a: node('pi', {}, result), b: node('e', {}, result) });
    expect(two[0]!.message).toContain("'a', 'b'");
    expect(two[0]!.code).toBe('ProcessGraphInvalid');
  });

  it('must have one result in callbacks too', () => {
    const errors = validateGraph({ a: node('array_apply', { data: [1], process: { process_graph: { b: node('pi') } } }, result) });
    expect(summary(errors)).toEqual([['ProcessGraphInvalid', 'a']]);
  });

  it.each([
    ['no object', 5], ['without process_id', { arguments: {}, result: true }], ['with arguments in an array', { process_id: 'pi', arguments: [], result: true }],
    ['with a result that is no boolean', { process_id: 'pi', arguments: {}, result: 'yes' }],
  ])('must not be %s', (_, broken) => {
    const errors = validateGraph({ broken, fine: node('pi', {}, { result: typeof broken !== 'object' || broken.result !== true }) });
    expect(summary(errors)).toContainEqual(['ProcessGraphInvalid', 'broken']);
  });

  it('must not form a circle, which is shown', () => {
    const errors = validateGraph({
      a: node('add', { x: { from_node: 'c' }, y: 1 }), b: node('add', { x: { from_node: 'a' }, y: 1 }), c: node('add', { x: { from_node: 'b' }, y: 1 }),
      end: node('add', { x: { from_node: 'a' }, y: 1 }, result),
    });
    expect(summary(errors)).toEqual([['ProcessGraphInvalid', '']]);
    expect(errors[0]!.message).toMatch(/'a' → 'c' → 'b' → 'a'/);
  });

  it('must not depend on themselves', () => {
    expect(validateGraph({ a: node('add', { x: { from_node: 'a' }, y: 1 }, result) })[0]!.message).toContain("'a' → 'a'");
  });

  it('may be called like members of Object', () => {
    expect(validateGraph(JSON.parse('{"__proto__": {"process_id": "pi", "arguments": {}, "result": true}}'))).toEqual([]);
    expect(summary(validateGraph({ a: node('add', { x: { from_node: 'toString' }, y: 1 }, result) }))).toEqual([['ProcessGraphInvalid', 'a']]);
  });

  it('must not be nested without end', () => {
    let graph: object = { leaf: node('pi', {}, result) };
    for (let i = 0; i < 150; i++) graph = { n: node('array_apply', { data: [1], process: { process_graph: graph } }, result) };
    expect(summary(validateGraph(graph))[0]![0]).toBe('ProcessGraphInvalid');
    const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown;
    expect(validateGraph({ a: node('constant', { x: deep }, result) })[0]!.message).toContain('nested more than 100 deep');
  });
});

describe('processes', () => {
  it('must be known', () => {
    const errors = validateGraph({ a: node('nonsense', {}, result) });
    expect(summary(errors)).toEqual([['ProcessUnsupported', 'a']]);
    expect(errors[0]!.message).toContain("'nonsense' is not available in namespace 'backend'. (node 'a')");
  });

  it.each([undefined, null, 'backend'])('are looked up in namespace %s', (namespace) => {
    expect(validateGraph({ a: node('pi', {}, { namespace, ...result }) })).toEqual([]);
  });

  it('of other namespaces are not supported', () => {
    expect(validateGraph({ a: node('pi', {}, { namespace: 'user', ...result }) })[0]!.message).toContain("namespace 'user'");
  });
});

describe('arguments', () => {
  const add = (args: Record<string, unknown>) => validateGraph({ add1: node('add', args, result) });

  it('must be parameters of the process', () => {
    const errors = add({ x: 1, y: 2, z: 3 });
    expect(summary(errors)).toEqual([['ProcessParameterUnsupported', 'add1']]);
    expect(errors[0]!.message).toContain("It has 'x', 'y'");
  });

  it('must not lack', () => {
    const errors = add({ x: 1 });
    expect(summary(errors)).toEqual([['ProcessParameterRequired', 'add1']]);
    expect(errors[0]!.message).toBe("Process 'add' parameter 'y' is required. (node 'add1')");
  });

  it('must be of the right type', () => {
    const errors = add({ x: 'one', y: 2 });
    expect(summary(errors)).toEqual([['ProcessParameterInvalid', 'add1']]);
    expect(errors[0]!.message).toBe(`The value passed for parameter 'x' in process 'add' is invalid: it must be a number or null, not the string "one" (node 'add1')`);
  });

  it('may be null where the parameter is optional', () => {
    expect(validateGraph({ a: node('array_element', { data: [1], index: 0, label: null, return_nodata: null }, result) })).toEqual([]);
  });

  it('may lie outside the domain of a function, which gives NaN then', () => {
    expect(validateGraph({ a: node('arccos', { x: 2 }, result) })).toEqual([]);
  });

  it('refer to nodes of the same graph only', () => {
    expect(add({ x: { from_node: 'absent' }, y: 1 })[0]!.message).toContain("there is no node 'absent'");
    expect(add({ x: { from_node: 5 }, y: 1 })[0]!.message).toContain('must be the id of a node');
    const errors = validateGraph({
      outer: node('constant', { x: 1 }),
      apply: node('array_apply', { data: [1], process: { process_graph: { inner: node('add', { x: { from_parameter: 'x' }, y: { from_node: 'outer' } }, result) } } }, result),
    });
    expect(summary(errors)).toEqual([['ProcessGraphInvalid', 'apply > inner']]);
    expect(errors[0]!.message).toContain('context');
  });

  it('refer to parameters of the callback, of its parents and of the process', () => {
    const inner = { inner: node('array_apply', { data: { from_parameter: 'outer' }, process: { process_graph: { sum: node('add', { x: { from_parameter: 'x' }, y: { from_parameter: 'scale' } }, result) } } }, result) };
    expect(validateGraph(inner, [{ name: 'outer', schema: {} }, { name: 'scale', schema: {} }])).toEqual([]);
    const errors = validateGraph(inner, [{ name: 'outer', schema: {} }]);
    expect(summary(errors)).toEqual([['ProcessGraphInvalid', 'inner > sum']]);
    expect(errors[0]!.message).toContain("there is no parameter 'scale'. Known are 'outer', 'x', 'index', 'label', 'context'.");
  });

  it('must be callbacks where callbacks are wanted', () => {
    const errors = validateGraph({ a: node('array_apply', { data: [1], process: 'add' }, result) });
    expect(errors[0]!.message).toContain('it must be a process graph');
  });

  it.each([
    ['a bounding box without east', { id: 'S2', spatial_extent: { west: 1, south: 2, north: 3 }, temporal_extent: null }, 'spatial_extent'],
    ['an interval of one', { id: 'S2', spatial_extent: null, temporal_extent: ['2020-01-01'] }, 'temporal_extent'],
    ['a date that no calendar has', { id: 'S2', spatial_extent: null, temporal_extent: ['2021-02-29', '2021-03-01'] }, 'temporal_extent'],
    ['a number for the id', { id: 5, spatial_extent: null, temporal_extent: null }, 'id'],
  ])('must not be %s', (_, args, parameter) => {
    const errors = validateGraph({ load: node('load_collection', args, result) });
    expect(summary(errors)).toEqual([['ProcessParameterInvalid', 'load']]);
    expect(errors[0]!.message).toContain(`'${parameter}'`);
  });

  it('must not be values where a cube is wanted', () => {
    expect(validateGraph({ a: node('ndvi', { data: 5 }, result) })[0]!.message).toMatch(/must be a (raster )?data cube, not the number 5/);
  });
});

it('takes callbacks inside objects, such as the conditions on metadata', () => {
  const condition = (parameter: string) => ({ process_graph: { c: node('lte', { x: { from_parameter: parameter }, y: 20 }, result) } });
  const load = (cover: unknown) => validateGraph({ load: node('load_collection', { id: 'S2', spatial_extent: null, temporal_extent: null, properties: { 'eo:cloud_cover': cover } }, result) });
  expect(load(condition('value'))).toEqual([]);
  expect(summary(load(condition('x')))).toEqual([['ProcessGraphInvalid', 'load > c']]);
  expect(summary(load(20))).toEqual([['ProcessParameterInvalid', 'load']]);
});

it('reports everything that is wrong at once, and throws the first of it', () => {
  const graph = { a: node('add', { x: 'one' }), b: node('nonsense'), c: node('constant', { x: { from_parameter: 'p' } }, result) };
  expect(summary(validateGraph(graph))).toEqual([
    ['ProcessParameterInvalid', 'a'], ['ProcessParameterRequired', 'a'], ['ProcessUnsupported', 'b'], ['ProcessGraphInvalid', 'c'],
  ]);
  expect(() => parse({ process_graph: graph }, registry)).toThrow(/invalid: it must be a number or null/);
});
