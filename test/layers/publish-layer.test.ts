/** Layers in their time: published, edited, replaced by new versions, removed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StacCollection } from '../../src/catalog/types.ts';
import { definitionOf, isVisible, layerOf } from '../../src/layers/layer.ts';
import { OpenEOError } from '../../src/errors.ts';
import { layerItems } from '../../src/layers/layer-items.ts';
import { lazyEngine } from '../../src/layers/layer-trial.ts';
import { LayerPublisher } from '../../src/layers/publish-layer.ts';
import { VirtualCatalog } from '../../src/layers/virtual-catalog.ts';
import type { OperatorRegistry } from '../../src/operators/operator.ts';
import { createRegistry } from '../../src/operators/registry/installed.ts';
import { hasSchemas, problemsOf, withCollectionLink } from '../api/stac/validator.ts';
import { BANDS, definition, embed, GRID, itemOf, load, startDefinitions, type Definitions } from './definitions.ts';
import { served } from './service.ts';

const skipped = hasSchemas ? '' : ' (skipped: ../shared/spec/stac/schemas is absent)';
let world: Definitions;
let virtual: VirtualCatalog;
beforeAll(async () => {
  world = await startDefinitions();
  virtual = new VirtualCatalog(world.store, world.operators);
});
afterAll(() => world.fresh.stop());

const graph = (model = 'pca', bands: readonly string[] = BANDS) => ({ load: load('S2', { bands }), embed: embed('load', model) });
const stored = async (id: string) => (await world.store.collection(id))!;
const shown = async (id: string) => virtual.describe(await stored(id));
const links = (collection: StacCollection) => Object.fromEntries(collection.links.filter(({ rel }) => rel.endsWith('-version')).map(({ rel, href }) => [rel, href.split('/').pop()]));

describe('versions', () => {
  it('begin with 1, and stay the same while the values do', async () => {
    expect(await world.publisher.create(definition('V', graph()), 'ann')).toMatchObject({ change: 'created', collection: { version: '1' } });
    await expect(world.publisher.create(definition('V', graph()), 'ann')).rejects.toMatchObject({ code: 'CollectionExists', status: 409 });
    const edited = await world.publisher.replace('V', definition('V', graph(), { views: ['int8'], cache: { max_age_days: 3 } }, { title: 'New' }), 'ann');
    expect(edited).toMatchObject({ change: 'edited', collection: { title: 'New', version: '1', 'lamina:layer': { owner: 'ann', views: ['int8'] } } });
    expect(links(await shown('V'))).toEqual({});
  });

  it('take the files that parts of the layer were written to along when others may see it, or no longer', async () => {
    const files = { ...(await stored('V')), id: 'V.files', 'lamina:layer': undefined, 'lamina:files': { layer: 'V', owner: 'ann' } };
    await world.store.addCollection(files);
    for (const visibility of ['private', 'public'] as const) {
      await world.publisher.replace('V', definition('V', graph(), { views: ['int8'], cache: { max_age_days: 3 }, visibility }, { title: 'New' }), 'ann');
      expect((await stored('V.files'))['lamina:files']).toEqual({ layer: 'V', owner: 'ann', visibility });
      expect(isVisible(await stored('V.files'), 'bob')).toBe(visibility === 'public');
    }
    await world.store.deleteCollection('V.files');
  });

  it('go on with another operator; the old one stays readable under its own id, and who builds on it stays what it was', async () => {
    const first = ['e000', 'e001'];
    await world.publisher.create(definition('UPON', { load: load('V', { bands: first }), f: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: first }, result: true } }), 'bob');
    expect(await world.publisher.replace('V', definition('V', graph('conv')), 'ann')).toMatchObject({ change: 'new version', collection: { id: 'V', version: '2' } });
    expect(await world.publisher.replace('V', definition('V', graph('conv', [...BANDS].reverse())), 'ann')).toMatchObject({ change: 'new version', collection: { version: '3' } });
    const [one, two, three] = [await shown('V.v1'), await shown('V.v2'), await shown('V')];
    expect([one, two, three].map(({ version, deprecated }) => [version, deprecated])).toEqual([['1', true], ['2', true], ['3', undefined]]);
    expect(links(one!)).toEqual({ 'successor-version': 'V.v2', 'latest-version': 'V' });
    expect(links(two!)).toEqual({ 'predecessor-version': 'V.v1', 'successor-version': 'V', 'latest-version': 'V' });
    expect(links(three!)).toEqual({ 'predecessor-version': 'V.v2', 'latest-version': 'V' });
    expect(layerOf(await stored('V.v1'), world.operators)!.operator!.manifest.name).toBe('pca');
    expect(layerOf(await stored('V'), world.operators)!.operator!.manifest.name).toBe('conv');
    expect(definitionOf(await stored('UPON'))).toMatchObject({ sources: ['V.v1'], process_graph: { load: { arguments: { id: 'V.v1' } } } });
  });

  const without = () => createRegistry(world.operators.list().filter(({ manifest }) => manifest.name !== 'pca'));
  /** Knows pca, and does not run it, because a signature is missing or was revoked. */
  const distrusting = (): OperatorRegistry => ({
    list: () => without().list(),
    resolve: (reference) => {
      if (reference.startsWith('pca')) throw new OpenEOError('OperatorUntrusted', { operator: 'pca:1.0.0', reason: 'it is not signed' });
      return without().resolve(reference);
    },
  });

  it.each<[string, () => OperatorRegistry]>([['installed', without], ['trusted', distrusting]])('are shown although their operator is no longer %s', async (_, registryOf) => {
    const poorer = registryOf();
    const old = await new VirtualCatalog(world.store, poorer).describe(await stored('V.v1'));
    expect(old).toMatchObject({ version: '1', deprecated: true, bands: expect.arrayContaining([expect.objectContaining({ name: 'e031' })]) as unknown });
    expect((await layerItems(world.store, poorer).search({ collections: ['V.v1', 'V'], limit: 10 })).items.map((item) => item.collection)).toEqual(['V', 'V', 'V']);
    if (hasSchemas) expect(await problemsOf(served(old))).toEqual([]);
  });

  it.skipIf(!hasSchemas)(`are valid, and so are their items${skipped}`, async () => {
    for (const id of ['V', 'V.v1', 'UPON']) expect([id, await problemsOf(served(await shown(id)))]).toEqual([id, []]);
    await world.publisher.create(definition('NDVI', { load: load('S2', { bands: ['B04', 'B08'] }), ndvi: { process_id: 'ndvi', arguments: { data: { from_node: 'load' }, nir: 'B08', red: 'B04' }, result: true } }), 'ann');
    expect(await problemsOf(served(await shown('NDVI')))).toEqual([]);
    const items = layerItems(world.store, world.operators, world.engine);
    for (const id of ['V', 'UPON', 'NDVI']) expect([id, await problemsOf(withCollectionLink(served((await items.get(id, 's0'))!)))]).toEqual([id, []]);
  });

  it('are taken back with what a client got', async () => {
    const before = await shown('V');
    expect(await world.publisher.replace('V', before, 'ann')).toMatchObject({ change: 'edited', collection: { version: '3' } });
    const after = await shown('V');
    expect({ ...after, keywords: [] }).toEqual({ ...before, keywords: [] });
  });
});

describe('who may', () => {
  it('change and remove a layer is its owner', async () => {
    await expect(world.publisher.replace('V', definition('V', graph()), 'bob')).rejects.toMatchObject({ code: 'PermissionsInsufficient' });
    await expect(world.publisher.delete('V', 'bob')).rejects.toMatchObject({ code: 'PermissionsInsufficient' });
    await expect(world.publisher.delete('S2', 'ann')).rejects.toMatchObject({ code: 'PermissionsInsufficient', message: expect.stringMatching(/no layer/) as unknown });
    await expect(world.publisher.delete('NONE', 'ann')).rejects.toMatchObject({ code: 'CollectionNotFound' });
    await world.publisher.create(definition('HERS', graph(), { visibility: 'private' }), 'ann');
    await expect(world.publisher.delete('HERS', 'bob')).rejects.toMatchObject({ code: 'CollectionNotFound' });
    await expect(world.publisher.replace('V', definition('W', graph()), 'ann')).rejects.toMatchObject({ code: 'LayerInvalid', message: expect.stringMatching(/\/id must be 'V'/) as unknown });
  });

  it('remove a layer only when nothing builds on it', async () => {
    await expect(world.publisher.delete('V', 'ann')).rejects.toMatchObject({ code: 'CollectionInUse', status: 409, message: expect.stringMatching(/'UPON'/) as unknown });
    await world.publisher.delete('UPON', 'bob');
    await world.publisher.delete('V.v2', 'ann');
    expect(await world.store.collection('V')).not.toBeNull();
    await world.publisher.delete('V', 'ann');
    expect([await world.store.collection('V'), await world.store.collection('V.v1')]).toEqual([null, null]);
  });

  it('remove exported results, files and all, is who exported them', async () => {
    const gone: string[] = [];
    const publisher = new LayerPublisher(world.store, world.engine, async (id) => void gone.push(id));
    await world.fill('EXPORTED', [itemOf('EXPORTED', 'x', '2021-05-01T10:00:00Z')]);
    await world.store.putCollection({ ...(await stored('EXPORTED')), 'lamina:files': { owner: 'ann' } });
    await world.store.putCollection({ ...(await stored('S2')), id: 'V.files', 'lamina:files': { layer: 'V', owner: 'ann' } });
    await expect(publisher.delete('EXPORTED', 'bob')).rejects.toMatchObject({ code: 'PermissionsInsufficient' });
    await expect(publisher.delete('V.files', 'ann')).rejects.toMatchObject({ code: 'PermissionsInsufficient' });
    await publisher.create(definition('OF_EXPORTED', { load: load('EXPORTED'), embed: embed() }), 'bob');
    await expect(publisher.delete('EXPORTED', 'ann')).rejects.toMatchObject({ code: 'CollectionInUse' });
    await publisher.delete('OF_EXPORTED', 'bob');
    expect(gone).toEqual([]);
    await publisher.delete('EXPORTED', 'ann');
    expect([await world.store.collection('EXPORTED'), gone]).toEqual([null, ['EXPORTED']]);
    await world.store.deleteCollection('V.files');
  });

  it('take the files along that parts of them were written to, each version its own', async () => {
    const gone: string[] = [];
    const publisher = new LayerPublisher(world.store, world.engine, async (id) => void gone.push(id));
    await publisher.create(definition('W', graph()), 'ann');
    await publisher.replace('W', definition('W', graph('conv')), 'ann');
    for (const id of ['W.files', 'W.v2.files']) await world.store.putCollection({ ...(await stored('S2')), id, 'lamina:files': { layer: 'W', owner: 'ann' } });
    await publisher.delete('W.v1', 'ann');
    expect([gone, (await stored('W.v2.files')).id]).toEqual([['W.files'], 'W.v2.files']);
    await publisher.delete('W', 'ann');
    expect([gone, await world.store.collection('W.v2.files'), await world.store.collection('W.files')]).toEqual([['W.files', 'W.v2.files'], null, null]);
  });

  it('see the items of a private layer', async () => {
    const items = layerItems(world.store, world.operators);
    const seen = async (user: string | null | undefined) => (await items.search({ collections: ['HERS'], limit: 10, ...(user === undefined ? {} : { user }) })).items.length;
    expect([await seen('ann'), await seen('bob'), await seen(null), await seen(undefined)]).toEqual([3, 0, 0, 3]);
    expect([(await virtual.layer('HERS', 'ann'))?.id, await virtual.layer('HERS', 'bob'), await virtual.layer('HERS', null)]).toEqual(['HERS', null, null]);
  });
});

describe('items', () => {
  it('tell where their cells lie', async () => {
    await world.publisher.create(definition('PCA', graph('pca'), { views: ['float32', 'int8'] }), null);
    const item = (await layerItems(world.store, world.operators, world.engine).get('PCA', 's0'))!;
    // 1003 × 517 pixels in patches of 8, counted from the anchor, which is the corner of the file.
    expect(item.assets['embeddings']).toMatchObject({ 'proj:shape': [65, 125], 'proj:transform': [80, 0, GRID.originX, 0, -80, GRID.originY], data_type: 'float32', nodata: 'nan', href: '/layers/PCA/s0/embeddings.tif' });
    expect(item.assets['embeddings_int8']).toMatchObject({ 'proj:shape': [65, 125], data_type: 'int8', nodata: -128, href: '/layers/PCA/s0/embeddings.tif?view=int8' });
    expect(item.properties).toMatchObject({ gsd: 80, 'proj:code': 'EPSG:32631' });
  });

  it('lie on the grid of the layer', async () => {
    await world.publisher.create(definition('ON20', graph('pca'), { grid: { crs: 'EPSG:32631', resolution: 5 } }), null);
    const { assets, properties } = (await layerItems(world.store, world.operators, world.engine).get('ON20', 's0'))!;
    const [step, , west, , , north] = assets['embeddings']!['proj:transform'] as number[];
    expect([step, west! % 40, north! % 40, properties['gsd']]).toEqual([40, 0, 0, 40]);
  });

  it('are those that the graph does not leave out; a composite has none', async () => {
    const clear = { 'eo:cloud_cover': { process_graph: { lt: { process_id: 'lt', arguments: { x: { from_parameter: 'value' }, y: 50 }, result: true } } } };
    await world.publisher.create(definition('CLEAR', { load: load('S2', { properties: clear }), embed: embed() }), null);
    const items = layerItems(world.store, world.operators, world.engine);
    const page = await items.search({ collections: ['CLEAR'], limit: 10 });
    expect([page.items.map(({ id }) => id), page.numberMatched]).toEqual([['s1', 's0'], null]);
    expect(await items.get('CLEAR', 's2')).toBeNull();
    const mean = { process_graph: { m: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } } };
    await world.publisher.create(definition('MEAN', { load: load('S2'), mean: { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 't', reducer: mean } }, embed: embed('mean') }), null);
    expect((await items.search({ collections: ['MEAN'], limit: 10 })).items).toEqual([]);
    expect(await shown('MEAN')).not.toHaveProperty('item_assets');
  });
});

describe('files', () => {
  const fileOf = (id: string, model: string, more: object = {}) => definition(id, { load: load('S2', { bands: BANDS }), embed: embed('load', model) }, more);
  const upon = (id: string) => definition(id, { load: load('F1', { bands: ['e000'] }), f: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['e000'] }, result: true } });
  const publish = async (files: Record<string, unknown>) => (await world.publisher.publishFiles(new Map(Object.entries(files)))).map(({ collection, change }) => [collection.id, change]);

  it('are published in the order in which they build on each other, and not tried again', async () => {
    const files = { '/a.json': upon('A1'), '/f.json': fileOf('F1', 'pca') };
    expect(await publish(files)).toEqual([['F1', 'created'], ['A1', 'created']]);
    expect(await publish(files)).toEqual([['F1', 'unchanged'], ['A1', 'unchanged']]);
    expect(await world.store.revision('F1')).toBe(1);
  });

  it('make a new version when the operator of a name is another one', async () => {
    // The package was upgraded: 'pca' now leads to other files.
    const [pca, conv] = ['pca', 'conv'].map((name) => world.operators.resolve(name)) as [ReturnType<typeof world.operators.resolve>, ReturnType<typeof world.operators.resolve>];
    const upgraded = { list: () => [conv, pca], resolve: (reference: string) => (reference === 'pca' ? conv : world.operators.resolve(reference)) };
    const later = new LayerPublisher(world.store, lazyEngine({ catalog: world.store, registry: world.engine.registry, operators: upgraded }));
    const changes = await later.publishFiles(new Map<string, unknown>([['/a.json', upon('A1')], ['/f.json', fileOf('F1', 'pca')]]));
    expect(changes.map(({ collection, change }) => [collection.id, change])).toEqual([['F1', 'new version'], ['A1', 'new version']]);
    expect(definitionOf(await stored('F1.v1'))!.operator).toBe(pca.reference);
    expect(definitionOf(await stored('A1.v1'))!.sources).toEqual(['F1.v1']);
  });

  it('that are gone take their layers along, but for those that others build on', async () => {
    await world.publisher.create({ ...upon('MINE') }, 'ann');
    await world.publisher.create(definition('OTHERS', graph()), 'ann');
    await publish({});
    expect([await world.store.collection('A1'), await world.store.collection('A1.v1')]).toEqual([null, null]);
    expect(await world.store.collection('F1')).not.toBeNull();
    expect(await world.store.collection('OTHERS')).not.toBeNull();
    await expect(world.publisher.delete('F1', null)).rejects.toMatchObject({ message: expect.stringMatching(/comes from a file/) as unknown });
    await world.publisher.delete('MINE', 'ann');
    await publish({});
    expect(await world.store.collection('F1')).toBeNull();
  });

  it('name what is wrong with them', async () => {
    await expect(publish({ '/x/BAD.json': fileOf('BAD', 'pcb') })).rejects.toThrow(/^\/x\/BAD\.json: .*\/lamina:layer\/process_graph\/embed\/arguments\/model .*pcb/);
    const circle = (id: string, source: string) => definition(id, { load: load(source, {}), embed: embed() });
    await expect(publish({ '/P.json': circle('P', 'Q'), '/Q.json': circle('Q', 'P') })).rejects.toThrow(/P\.json, \/Q\.json.*circle/);
    await expect(publish({ '/OTHERS.json': fileOf('OTHERS', 'pca') })).rejects.toThrow(/comes from no file/);
  });
});
