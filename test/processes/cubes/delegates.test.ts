import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/graph/evaluate.ts';
import { callback, codeOf, grid, recordingScope, registry, run, sample } from './harness.ts';

const quantizations = ['float32', 'float16', 'int8', 'int8_power2', 'int8_per_vector', 'binary'];
const cube = sample({ bands: ['B02'], grid: grid(2, 2) });

describe('load_collection', () => {
  const load = async (args: object) => {
    const { scope, loads } = recordingScope(sample({ grid: grid(8, 8, { crs: 'EPSG:4326', originX: 5, originY: 51, stepX: 0.125, stepY: 0.125 }) }));
    await run('load_collection', { id: 'c', spatial_extent: null, temporal_extent: null, ...args }, scope);
    return loads[0]!;
  };

  it('asks for everything when nothing is limited', async () => {
    expect(await load({})).toEqual({ id: 'c', spatialExtent: null, temporalExtent: null, bands: null, properties: null });
  });

  it('reads boxes, degrees unless told otherwise', async () => {
    const box = { west: 5, south: 50, east: 6, north: 51 };
    expect((await load({ spatial_extent: box })).spatialExtent).toEqual({ ...box, crs: 'EPSG:4326' });
    expect((await load({ spatial_extent: { ...box, crs: 'EPSG:32631' } })).spatialExtent).toEqual({ ...box, crs: 'EPSG:32631' });
  });

  it.each([
    ['a polygon', { type: 'Polygon', coordinates: [[[5, 50], [6, 50.5], [5.5, 51], [5, 50]]] }],
    ['a feature', { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[5, 50], [6, 50.5], [5.5, 51], [5, 50]]] } }],
    ['features', { type: 'FeatureCollection', features: [
      { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[5, 50], [5.2, 50], [5.2, 50.2], [5, 50]]] } },
      { type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [[[5.8, 50.9], [6, 50.9], [6, 51], [5.8, 50.9]]] } }] }],
  ])('takes the box around %s', async (_, extent) => {
    expect((await load({ spatial_extent: extent })).spatialExtent).toEqual({ west: 5, south: 50, east: 6, north: 51, crs: 'EPSG:4326' });
  });

  it('reads dates as midnight in UTC', async () => {
    expect((await load({ temporal_extent: ['2024-01-01', '2024-02-01T12:00:00+02:00'] })).temporalExtent).toEqual(['2024-01-01T00:00:00Z', '2024-02-01T10:00:00Z']);
    expect((await load({ temporal_extent: [null, '2024-02-01'] })).temporalExtent).toEqual([null, '2024-02-01T00:00:00Z']);
  });

  it('makes predicates of conditions', async () => {
    const condition = callback('lt', { x: { from_parameter: 'value' }, y: 20 });
    const { properties } = await load({ properties: { 'eo:cloud_cover': condition } });
    expect([5, 25, null].map((v) => properties!['eo:cloud_cover']!(v))).toEqual([true, false, false]);
  });

  it.each([
    ['TemporalExtentEmpty', { temporal_extent: ['2024-02-01', '2024-01-01'] }],
    ['ProcessParameterInvalid', { temporal_extent: ['soon', null] }],
    ['ProcessParameterInvalid', { spatial_extent: { west: 5, south: 51, east: 6, north: 50 } }],
    ['ProcessParameterInvalid', { spatial_extent: { type: 'Polygon', coordinates: [[[5, 50], [6, 50]]] } }],
    ['ProcessParameterInvalid', { bands: [] }],
  ])('refuses with %s: %j', async (code, args) => {
    expect(await codeOf(load(args))).toBe(code);
  });
});

describe('compress_embed and save_result', () => {
  const graph = (quantization: string | undefined) => ({
    process_graph: {
      load: { process_id: 'load_collection', arguments: { id: 'c', spatial_extent: null, temporal_extent: null } },
      bands: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['B02'] } },
      embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'bands' }, model: 'pca', ...(quantization && { quantization }) } },
      save: { process_id: 'save_result', arguments: { data: { from_node: 'bands' }, format: 'GTiff', options: { tile_size: 256 } }, result: true },
    },
  });

  it('hand the scope the cube and the graph that makes it', async () => {
    const recorded = recordingScope(cube);
    expect(await evaluate(graph(undefined), registry, recorded.scope)).toBe('saved');
    expect(recorded.embeds[0]).toMatchObject({ model: 'pca', quantization: 'float32', dimensions: null });
    expect(Object.values(recorded.embeds[0]!.origin).map((n) => n.process_id)).toEqual(['load_collection', 'filter_bands']);
    expect(recorded.saves[0]).toMatchObject({ format: 'GTiff', options: { tile_size: 256 } });
  });

  it.each(quantizations)('know the quantization %s', async (quantization) => {
    const recorded = recordingScope(cube);
    await evaluate(graph(quantization), registry, recorded.scope);
    expect(recorded.embeds.map((e) => e.quantization)).toEqual([quantization]);
  });

  it('hand the parameters of an operator on, and none where none are given', async () => {
    const given = async (options?: unknown) => {
      const recorded = recordingScope(cube);
      const nodes = graph('float32') as unknown as { process_graph: Record<string, { process_id: string; arguments: Record<string, unknown> }> };
      const embed = Object.values(nodes.process_graph).find((node) => node.process_id === 'compress_embed')!;
      if (options !== undefined) embed.arguments['options'] = options;
      await evaluate(nodes as never, registry, recorded.scope);
      return recorded.embeds[0]!.options;
    };
    expect(await given({ gain: 2, label: 'a b', bands: ['B02'] })).toEqual({ gain: 2, label: 'a b', bands: ['B02'] });
    expect([await given(), await given({}), await given(null)]).toEqual([undefined, undefined, undefined]);
  });

  it('refuse an unknown quantization by name', async () => {
    await expect(evaluate(graph('int4'), registry, recordingScope(cube).scope)).rejects.toThrow(/quantization.*int4|int4.*quantization/);
  });

  it('refuse cubes without a grid, without bands, and of embeddings', async () => {
    const embed = (data: unknown) => codeOf(run('compress_embed', { data, model: 'pca' }));
    expect(await embed(sample({ bands: ['B02'] }))).toBe('ProcessParameterInvalid');
    expect(await embed(sample({ grid: grid(2, 2) }))).toBe('DimensionMissing');
    expect(await embed(sample({ bands: ['e000'], grid: grid(2, 2), attributes: { operator: 'pca@sha256:0' } }))).toBe('ProcessParameterInvalid');
  });
});

describe('inspect', () => {
  it('logs the metadata of a cube and hands it on', async () => {
    const { scope, log } = recordingScope();
    expect(await run('inspect', { data: cube, message: 'here', level: 'warning', code: 'Mine' }, scope)).toBe(cube);
    // What the process itself says; that it ran is a debug entry.
    expect(log.filter(({ level }) => level !== 'debug')).toMatchObject([{ level: 'warning', message: 'here', code: 'Mine', data: { type: 'datacube', data_type: 'float32' }, path: [{ process_id: 'inspect' }] }]);
  });
});

describe('embedding_quantize', () => {
  const view = async (args: object) => {
    const { scope, views } = recordingScope();
    await run('embedding_quantize', { data: cube, ...args }, scope);
    return views[0]!;
  };

  it('asks the scope for a view, int8 of all dimensions unless told otherwise', async () => {
    expect(await view({})).toMatchObject({ process: 'embedding_quantize', quantization: 'int8', dimensions: null });
    expect((await view({})).data).toBe(cube);
    expect(await view({ quantization: 'int8_per_vector', dimensions: 8 })).toMatchObject({ quantization: 'int8_per_vector', dimensions: 8 });
  });

  it.each(quantizations)('knows %s', async (quantization) => {
    expect((await view({ quantization })).quantization).toBe(quantization);
  });

  it.each([{ quantization: 'int4' }, { dimensions: 0 }, { dimensions: 1.5 }, { data: 3 }])('refuses %j', async (args) => {
    expect(await codeOf(view(args))).toBe('ProcessParameterInvalid');
  });
});
