/** Graphs of the 1.x processes: what was renamed is understood, and nobody lists it. */
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../src/graph/evaluate.ts';
import { parse, validate } from '../../src/graph/parse.ts';
import type { LoadStacRequest } from '../../src/graph/scope.ts';
import { createLog, type LogEntry } from '../../src/log.ts';
import { createRegistry } from '../../src/processes/index.ts';
import { recordingScope, sample } from './cubes/harness.ts';
import { descriptions, emptyScope, registry } from './registry.ts';

const node = (process_id: string, args: Record<string, unknown> = {}) => ({ process_graph: { a: { process_id, arguments: args, result: true } } });

it('runs processes under their former ids, with a hint in the log', async () => {
  const log: LogEntry[] = [];
  const scope = { ...emptyScope(), log: createLog((entry) => log.push(entry)) };
  expect(await evaluate(node('text_merge', { data: ['a', 'b'], separator: '-' }), registry, scope)).toBe('a-b');
  expect(log).toMatchObject([{ level: 'info', message: "The process 'text_merge' is called 'text_concat' today.", path: [{ node_id: 'a', process_id: 'text_merge' }] }]);
  expect(await evaluate(node('create_raster_cube'), registry, emptyScope())).toMatchObject({ dimensions: [] });
  expect(await evaluate(node('debug', { data: 5 }), registry, emptyScope())).toBe(5);
});

it('knows them in callbacks, and writes histories with the names of today', async () => {
  const { graph } = parse(node('array_apply', { data: ['a'], process: node('text_merge', { data: [{ from_parameter: 'x' }] }) }), registry);
  const argument = graph.result.arguments.get('process')!;
  expect(argument.kind === 'callback' && argument.graph.result.process.description.id).toBe('text_concat');
});

it('lists none of them', () => {
  for (const id of ['text_merge', 'create_raster_cube', 'load_result', 'debug']) expect([...registry.keys()], id).not.toContain(id);
  expect([...registry.former!.keys()].sort()).toEqual(['create_raster_cube', 'debug', 'load_result', 'text_merge']);
});

it('checks arguments as today', () => {
  expect(validate(node('text_merge', { data: 5 }), registry)).toMatchObject([{ code: 'ProcessParameterInvalid' }]);
  expect(validate(node('load_result', {}), registry)).toMatchObject([{ code: 'ProcessParameterRequired' }]);
  expect(validate(node('load_result', { url: 'https://example.org' }), registry).map((e) => e.code)).toEqual(['ProcessParameterUnsupported', 'ProcessParameterRequired']);
});

describe('parameters', () => {
  const any = (name: string) => ({ name, description: '', schema: {} });
  const describeProcess = (id: string, ...names: string[]): [string, { id: string; parameters: ReturnType<typeof any>[]; returns: { schema: object } }] => [id, { id, parameters: names.map(any), returns: { schema: {} } }];
  const own = createRegistry(
    new Map([...descriptions, describeProcess('apply_polygon', 'data', 'geometries'), describeProcess('climatological_normal', 'climatology_period')]),
    { apply_polygon: { run: (args) => args['geometries'] ?? null }, climatological_normal: { run: (args) => args['climatology_period'] ?? null } },
  );
  const run = (id: string, args: Record<string, unknown>) => evaluate(node(id, args), own, emptyScope());

  it('go by their former names, unless both are given', async () => {
    expect(await run('apply_polygon', { data: 1, polygons: 'p' })).toBe('p');
    expect(await run('apply_polygon', { data: 1, geometries: 'g' })).toBe('g');
    expect(validate(node('apply_polygon', { data: 1, geometries: 'g', polygons: 'p' }), own)).toMatchObject([{ code: 'ProcessParameterUnsupported' }]);
  });

  it('take years as texts', async () => {
    expect(await run('climatological_normal', { climatology_period: ['1981', '2010'] })).toEqual([1981, 2010]);
    expect(await run('climatological_normal', { climatology_period: [1981, 2010] })).toEqual([1981, 2010]);
    expect(await run('climatological_normal', { climatology_period: ['1981', 'x'] })).toEqual(['1981', 'x']);
  });
});

describe('load_result', () => {
  const load = async (args: Record<string, unknown>): Promise<LoadStacRequest> => {
    const { scope, stacs } = recordingScope(sample({ bands: ['B04'] }));
    await evaluate(node('load_result', args), registry, scope);
    return stacs[0]!;
  };

  it('takes the id of a job or a URL, with the limits of load_stac', async () => {
    expect(await load({ id: 'a3cca2b2' })).toMatchObject({ url: 'job:a3cca2b2', spatialExtent: null, temporalExtent: null, bands: null });
    expect(await load({ id: 'https://example.org/r?sig=1#x', bands: ['B04'] })).toMatchObject({ url: 'https://example.org/r?sig=1', bands: ['B04'] });
  });

  it('refuses what is neither', async () => {
    await expect(load({ id: '' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
    await expect(load({ id: 'https://user:secret@example.org' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
  });

  it('load_stac itself takes URLs only', async () => {
    await expect(evaluate(node('load_stac', { url: 'job:a3cca2b2' }), registry, recordingScope().scope)).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
  });
});
