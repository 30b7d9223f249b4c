/** What may be published as a layer, and what is said of everything else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completeLayer, draftLayer } from '../../src/layers/define-layer.ts';
import { LayerInvalid } from '../../src/layers/layer-faults.ts';
import type { LayerDefinition } from '../../src/layers/layer.ts';
import { BANDS, definition, embed, itemOf, load, startDefinitions, type Definitions } from './definitions.ts';

let world: Definitions;
beforeAll(async () => {
  world = await startDefinitions();
});
afterAll(() => world.fresh.stop());

async function define(body: unknown, author: string | null = null) {
  const context = { engine: world.engine, items: world.store };
  return completeLayer(await draftLayer(body, context, author), context);
}

async function faultsOf(body: unknown, author: string | null = null): Promise<[path: string, message: string, code: string][]> {
  const error: unknown = await define(body, author).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(LayerInvalid);
  return (error as LayerInvalid).faults.map(({ path, message, code }) => [path, message, code]);
}

const layerOf = (collection: object) => (collection as { 'lamina:layer': LayerDefinition })['lamina:layer'];
const simple = { load: load('S2'), embed: embed() };
const reducer = (process: string) => ({ process_graph: { one: { process_id: process, arguments: { data: { from_parameter: 'data' } }, result: true } } });

describe('a layer', () => {
  it('is pinned to the operator that a name stands for today', async () => {
    const pinned = world.operators.resolve('pca').reference;
    const { collection, resolved } = await define(definition('A', { load: load('S2'), embed: embed('load', { from_parameter: 'operator' }) }, { operator: 'pca:latest' }));
    expect(layerOf(collection)).toMatchObject({ sources: ['S2'], operator: pinned, process_graph: { embed: { arguments: { model: pinned } } } });
    expect([...resolved]).toEqual([['pca:latest', pinned]]);
    expect(layerOf((await define(definition('A', simple))).collection)).toMatchObject({ operator: pinned, process_graph: { embed: { arguments: { model: pinned } } } });
  });

  it('may choose bands and items', async () => {
    const clear = { 'eo:cloud_cover': { process_graph: { lt: { process_id: 'lt', arguments: { x: { from_parameter: 'value' }, y: 10 }, result: true } } } };
    const { collection } = await define(definition('A', { load: load('S2', { bands: BANDS, properties: clear }), embed: embed() }));
    expect(collection).toMatchObject({ data_type: 'float32', gsd: 80, 'cube:dimensions': { embedding: { type: 'bands' }, t: { type: 'temporal' } } });
    expect(collection.bands).toHaveLength(32);
  });

  it('may be an index without any operator', async () => {
    const { collection } = await define(definition('NDVI', { load: load('S2', { bands: ['B04', 'B08'] }), ndvi: { process_id: 'ndvi', arguments: { data: { from_node: 'load' }, nir: 'B08', red: 'B04' }, result: true } }));
    expect(layerOf(collection).operator).toBeUndefined();
    expect(layerOf(collection).has_items).toBeUndefined();
    expect(Object.keys(collection['cube:dimensions']).sort()).toEqual(['t', 'x', 'y']);
    expect(collection).toMatchObject({ data_type: expect.stringMatching(/^float/) as unknown, gsd: 10 });
  });

  it('may embed a monthly median, and has no items then', async () => {
    const { collection } = await define(definition('M', {
      load: load('S2'),
      month: { process_id: 'aggregate_temporal_period', arguments: { data: { from_node: 'load' }, period: 'month', reducer: reducer('median') } },
      embed: embed('month'),
    }));
    expect(layerOf(collection)).toMatchObject({ has_items: false, operator: world.operators.resolve('pca').reference });
  });

  it('may merge collections, and build on a layer', async () => {
    const merged = await define(definition('MERGED', { a: load('S2', { bands: ['B04'] }), b: load('RADAR'), both: { process_id: 'merge_cubes', arguments: { cube1: { from_node: 'a' }, cube2: { from_node: 'b' } }, result: true } }));
    expect(layerOf(merged.collection).sources).toEqual(['S2', 'RADAR']);
    expect(merged.collection.bands?.map((band) => band.name)).toEqual(['B04', 'VV']);
    await world.store.putCollection((await define(definition('BASE', simple))).collection);
    const upon = await define(definition('UPON', { load: load('BASE', { bands: ['e000', 'e001'] }), same: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['e001'] }, result: true } }));
    expect(layerOf(upon.collection)).toMatchObject({ sources: ['BASE'], operator: world.operators.resolve('pca').reference });
    expect(upon.collection.bands?.map((band) => band.name)).toEqual(['e001']);
  });

  it('may lie on a grid of its own, also over degrees', async () => {
    const { collection } = await define(definition('G', { load: load('GEO'), embed: embed() }, { grid: { crs: 32631, resolution: 10 } }));
    expect(layerOf(collection)).toMatchObject({ grid: { crs: 'EPSG:32631', resolution: 10 }, process_graph: { load: { process_id: 'resample_to_grid', arguments: { crs: 'EPSG:32631', resolution: 10 } }, load_source: { process_id: 'load_collection' } } });
    // Sent back as it came, it is put on the grid once.
    const again = await define(definition('G', layerOf(collection).process_graph, { grid: { crs: 32631, resolution: 10 } }));
    expect(layerOf(again.collection).process_graph).toEqual(layerOf(collection).process_graph);
  });
});

describe('what is refused', () => {
  const one = async (body: unknown, path: string, message: RegExp, code = 'LayerInvalid') => expect(await faultsOf(body)).toEqual([[path, expect.stringMatching(message), code]]);
  const layer = '/lamina:layer';

  it('is named all at once, each with its place', async () => {
    const faults = await faultsOf({ id: 'a/b', description: '', licence: 'x', license: 'x', 'lamina:layer': { process_graph: simple, colour: 1, policy: 'now', visibility: 'secret', grid: { crs: 'EPSG:1', resolution: -1 }, cache: { max_age_days: 0, pinned: [[5, 50, 4, 51]] } } });
    expect(faults.map(([path]) => path).sort()).toEqual(['/description', '/id', '/lamina:layer/cache/max_age_days', '/lamina:layer/cache/pinned/0', '/lamina:layer/colour', '/lamina:layer/grid/crs', '/lamina:layer/grid/resolution', '/lamina:layer/policy', '/lamina:layer/visibility', '/licence']);
  });

  it('has to be a layer', async () => {
    await one([], '', /JSON object/);
    await one({ id: 'A', description: 'x', license: 'x' }, layer, /missing.*lamina ingest/);
    await one(definition('A.v2', simple), '/id', /older versions/);
    await one(definition('A', {}), `${layer}/process_graph`, /process graph/);
  });

  it('is a graph that does not end in a cube on a grid', async () => {
    await one(definition('A', { load: load('S2'), save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true } }), `${layer}/process_graph/save`, /no result to save/, 'ProcessUnsupported');
    await one(definition('A', { load: load('S2'), one: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } }), `${layer}/process_graph`, /must end in a data cube/);
    const flat = (dimension: string, from: string, more = {}) => ({ process_id: 'reduce_dimension', arguments: { data: { from_node: from }, dimension, reducer: reducer('mean') }, ...more });
    await one(definition('A', { load: load('S2'), a: flat('x', 'load'), b: flat('y', 'a', { result: true }) }), `${layer}/process_graph`, /x and y, but these are gone/);
    await one(definition('A', { load: load('S2'), nope: { process_id: 'nope', arguments: {}, result: true } }), `${layer}/process_graph/nope`, /nope/, 'ProcessUnsupported');
  });

  it('is a source that does not exist, has no items, or is not what the graph loads', async () => {
    await one(definition('A', { load: load('NONE'), embed: embed() }), `${layer}/process_graph`, /'NONE', which does not exist/, 'CollectionNotFound');
    await one(definition('A', { load: load('EMPTY'), embed: embed() }), `${layer}/process_graph`, /no items yet/);
    await one(definition('A', simple, { sources: ['RADAR'] }), `${layer}/sources`, /must be \[S2\]/);
  });

  it('is a circle of layers', async () => {
    await one(definition('A', { load: load('A'), embed: embed() }), `${layer}/process_graph`, /itself: A → A/);
    await world.store.putCollection((await define(definition('C1', simple))).collection);
    await world.store.putCollection((await define(definition('C2', { load: load('C1', { bands: ['e000'] }), f: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['e000'] }, result: true } }))).collection);
    await one(definition('C1', { load: load('C2', { bands: ['e000'] }), f: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['e000'] }, result: true } }), `${layer}/process_graph`, /circle: C1 → C2 → C1/);
  });

  it('is an operator that there is not, or that does not fit the bands or the pixels', async () => {
    await one(definition('A', { load: load('S2'), embed: embed('load', 'pcb') }), `${layer}/process_graph/embed/arguments/model`, /pcb.*There are: /, 'OperatorNotFound');
    await one(definition('A', { load: load('S2'), embed: embed('load', { from_parameter: 'operator' }) }), `${layer}/operator`, /missing/);
    await one(definition('A', simple, { operator: 'conv' }), `${layer}/operator`, /used by no node/);
    await one(definition('A', { load: load('S2', { bands: ['B04'] }), embed: embed() }), `${layer}/process_graph/embed/arguments/data`, /B02/, 'OperatorBandsMissing');
    await one(definition('A', { load: load('COARSE'), embed: embed() }), `${layer}/process_graph/embed/arguments/data`, /60 m/, 'OperatorGridUnsuitable');
    await one(definition('A', { load: load('GEO'), embed: embed() }), `${layer}/process_graph/embed/arguments/data`, /degrees/, 'OperatorGridUnsuitable');
  });

  it('is a grid that does not divide, or that the operator can not use', async () => {
    await one(definition('A', simple, { grid: { crs: 'EPSG:32631', resolution: 12 } }), `${layer}/grid/resolution`, /whole multiple or a whole part of 10/);
    await one(definition('A', simple, { grid: { crs: 'EPSG:32631', resolution: 100 } }), `${layer}/grid/resolution`, /100 m.*resolution × patch/, 'OperatorGridUnsuitable');
    await one(definition('A', simple, { grid: { crs: 'EPSG:4326', resolution: 0.0001 } }), `${layer}/grid/crs`, /projected/, 'OperatorGridUnsuitable');
  });

  it('is a cache that can not hold one block, and views that there are not', async () => {
    await one(definition('A', simple, { cache: { max_bytes: 32 * 32 * 32 * 4 } }), `${layer}/cache/max_bytes`, /132096 at least.*32 × 32 vectors/);
    await expect(define(definition('A', simple, { cache: { max_bytes: 132_096 } }))).resolves.toBeDefined();
    await one(definition('A', simple, { views: ['float32', 'first8'] }), `${layer}/views/1`, /first dimensions are no view/);
    await one(definition('A', simple, { views: ['int8', 'int8'] }), `${layer}/views/1`, /already/);
    await one(definition('A', { load: load('S2') && { ...load('S2'), result: true } }, { views: ['int8'] }), `${layer}/views`, /result of this graph is none/);
  });

  it('is a private layer of nobody, a stranger\'s name, and somebody else\'s private source', async () => {
    await one(definition('A', simple, { visibility: 'private' }), `${layer}/visibility`, /without an owner/);
    expect(await faultsOf(definition('A', simple, { owner: 'bob' }), 'ann')).toEqual([[`${layer}/owner`, expect.stringMatching(/must be you/), 'LayerInvalid']]);
    await world.store.putCollection((await define(definition('HERS', simple, { visibility: 'private' }), 'ann')).collection);
    const upon = definition('A', { load: load('HERS'), f: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['e000'] }, result: true } });
    expect(await faultsOf(upon, 'bob')).toEqual([[`${layer}/process_graph`, expect.stringMatching(/HERS.*does not exist/), 'CollectionNotFound']]);
    await expect(define(upon, 'ann')).resolves.toBeDefined();
  });

  it('tells of an unknown place in time what a source without data there says', async () => {
    await world.fill('CLOUDY', [itemOf('CLOUDY', 'c', '2021-05-01T10:00:00Z', BANDS, undefined, { 'eo:cloud_cover': 90 })]);
    const clear = { 'eo:cloud_cover': { process_graph: { lt: { process_id: 'lt', arguments: { x: { from_parameter: 'value' }, y: 10 }, result: true } } } };
    await one(definition('A', { load: load('CLOUDY', { properties: clear }), embed: embed() }), `${layer}/process_graph/load`, /no item/, 'NoDataAvailable');
  });
});
