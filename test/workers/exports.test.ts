/** export_collection in whole runs, on a real database: what appears, for whom, and what must not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { readAll } from '../../src/cube/array-cube.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import type { Publication } from '../../src/jobs/run.ts';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { EngineScope, type Engine } from '../../src/layers/scope.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import { directComputer } from '../../src/workers/embed.ts';
import { runProcess, type RunRequest } from '../../src/workers/run-process.ts';
import { hasSchemas, problemsOf } from '../api/stac/validator.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { layerCollection, rawCollection, toyService, writeItem, type ToyService } from '../layers/service.ts';

let fresh: FreshDatabase;
let folder: string;
let catalog: CatalogStore;
let service: ToyService;
let rasters: RasterCache;
let logged: LogEntry[];

beforeAll(async () => {
  fresh = await startFreshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lamina-exports-'));
  catalog = new CatalogStore(fresh.database);
});
afterAll(async () => {
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  logged = [];
  for (const { id } of await catalog.collections()) await catalog.deleteCollection(id);
  await catalog.putCollection(rawCollection);
  await catalog.putCollection(layerCollection);
  await catalog.fixAnchor('RAW', { crs: 'EPSG:32631', x: 600_000, y: 5_600_000, stepX: 10, stepY: 10 });
  await catalog.putItems('RAW', [
    await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band, column, row) => 20 + band * 40 + ((column * 7 + row) % 13)),
    await writeItem(folder, 'b', '2021-06-01T00:00:00Z', (band, column, row) => (column < 64 ? 0 : 90 + band * 10 + (row % 5))),
  ]);
  service = await toyService(await mkdtemp(join(folder, 'service-')), []);
  rasters = new RasterCache({ store: service.store });
});
afterEach(async () => {
  await rasters.close();
  await service.close();
});

const engine = (): Engine => ({ ...service.engine, catalog, rasters, blocks: new EmbedBlocks({ store: service.store, compute: directComputer(service.store, service.runtime) }) });

interface Node {
  readonly process_id: string;
  readonly arguments: Record<string, unknown>;
  readonly result?: true;
}
const load = (id: string): Node => ({ process_id: 'load_collection', arguments: { id, spatial_extent: null, temporal_extent: null } });
const save = (format = 'GTiff', from = 'load'): Node => ({ process_id: 'save_result', arguments: { data: { from_node: from }, format } });
const exported = (collection: string, data: unknown = { from_node: 'save' }): Node => ({ process_id: 'export_collection', arguments: { data, collection }, result: true });
const graphOf = (collection: string, { source = 'RAW', format = 'GTiff' } = {}) => ({ load: load(source), save: save(format), export: exported(collection) });

interface Who {
  readonly user?: string;
  readonly jobId?: string;
  readonly run?: number;
  readonly editors?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Runs without publishing. */
function run(process_graph: object, { user = 'ann', jobId = 'job-1', run: number = 1, editors = [], signal = new AbortController().signal }: Who = {}) {
  return runProcess(engine(), service.store, {
    process: { process_graph: process_graph as RunRequest['process']['process_graph'] }, prefix: `results/${jobId}/${number}`, scratch: join(folder, 'scratch'),
    log: createLog((entry) => logged.push(entry), 'debug'), signal, user, exports: { catalog, editors: new Set(editors), jobId, run: number },
  });
}

/** Runs to the end. */
async function exportNow(process_graph: object, who?: Who): Promise<Publication> {
  const publication = await (await run(process_graph, who)).publish();
  await publication.settle();
  return publication;
}

const itemsOf = (collection: string): Promise<StacItem[]> => catalog.items({ collection, bbox: null, interval: null });
const keys = async (prefix: string) => (await Array.fromAsync(service.store.list(prefix))).map(({ key }) => key).sort();

async function read(id: string, user: string | null = null) {
  const scope = new EngineScope(engine(), { signal: new AbortController().signal, log: silentLog, user });
  return readAll(await scope.loadCollection({ id, spatialExtent: null, temporalExtent: null, bands: null, properties: null }));
}

describe('export_collection', () => {
  it('makes a collection that loads with the values that were saved', async () => {
    await exportNow(graphOf('mine'));
    const [before, after] = [await read('RAW'), await read('mine')];
    expect(after.shape).toEqual(before.shape);
    expect(after.nulls).toEqual(before.nulls);
    expect([...after.data].filter((_, i) => !after.nulls?.[i])).toEqual([...before.data].filter((_, i) => !before.nulls?.[i]));
    expect(await catalog.collection('mine')).toMatchObject({
      title: 'mine', license: 'CC0-1.0', bands: [{ name: 'B02' }, { name: 'B08' }], 'lamina:files': { owner: 'ann' },
      extent: { temporal: { interval: [['2021-05-01T00:00:00Z', '2021-06-01T00:00:00Z']] } },
    });
    expect(JSON.stringify(await catalog.collection('mine'))).not.toContain('statistics');
    expect((await catalog.anchors('mine')).get('EPSG:32631')).toMatchObject({ x: 600_000, y: 5_600_000, stepX: 10 });
    expect(logged.map(({ message }) => message)).toContain(`export_collection: 2 item(s) are in the collection 'mine' now.`);
  });

  it('tells of each item when it was, where it came from and how it was made', async () => {
    await exportNow(graphOf('mine'));
    const items = await itemsOf('mine');
    expect(items.map(({ id, properties }) => [id, properties.datetime])).toEqual([
      ['job-1_result_2021-05-01', '2021-05-01T00:00:00Z'], ['job-1_result_2021-06-01', '2021-06-01T00:00:00Z'],
    ]);
    expect(items[0]!.links).toEqual([{ rel: 'derived_from', href: '/stac/collections/RAW/items/a', type: 'application/geo+json', title: 'a' }]);
    expect(items[0]!.properties).toMatchObject({ gsd: 10, 'lamina:job': 'job-1', 'processing:expression': { format: 'openeo' } });
    expect(items[0]!.assets['data']).toMatchObject({ href: 'object:exports/mine/job-1/1/result_2021-05-01.tif', roles: ['data'], 'proj:code': 'EPSG:32631', 'proj:shape': [128, 128] });
  });

  it('keeps the files when those of the job are deleted', async () => {
    await exportNow(graphOf('mine'));
    for (const key of await keys('results/')) await service.store.delete(key);
    expect((await read('mine')).shape).toEqual([2, 2, 128, 128]);
  });

  it('describes embeddings as such', async () => {
    await exportNow(graphOf('vectors', { source: 'LAYER' }));
    const [item] = await itemsOf('vectors');
    expect(item!.properties).toMatchObject({ 'emb:runtime_parameters': { operator: 'toy@sha256:00' }, 'processing:lineage': 'compress_embed with toy@sha256:00' });
    expect(Object.keys(item!.assets)).toEqual(['embeddings']);
    const [layer, files] = [await read('LAYER'), await read('vectors')];
    expect(files.nulls).toEqual(layer.nulls);
    expect([...files.data].filter((_, i) => !files.nulls?.[i])).toEqual([...layer.data].filter((_, i) => !layer.nulls?.[i]));
  });

  it('keeps codes and the scales of their vectors together', async () => {
    const embed = { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: 'toy', quantization: 'int8_per_vector' } };
    await exportNow({ load: load('RAW'), embed, save: save('GTiff', 'embed'), export: exported('codes') });
    const [item] = await itemsOf('codes');
    expect(Object.entries(item!.assets).map(([key, asset]) => [key, asset.href])).toEqual([
      ['embeddings', 'object:exports/codes/job-1/1/result_2021-05-01.tif'], ['embeddings_scale', 'object:exports/codes/job-1/1/result_2021-05-01_scale.tif'],
    ]);
    expect(item!.properties).toMatchObject({ 'emb:quantization': { quantized_dtype: 'int8' }, 'lamina:quantization': { method: 'per_pixel_scale' } });
    const bands = (await catalog.collection('codes'))!.bands!.map(({ name }) => name);
    expect((await read('codes')).shape).toEqual([2, bands.length, 32, 32]);
    expect(bands.at(-1)).toBe('scale');
  });

  it.each([['Zarr', 'zarr'], ['Parquet', 'vectors'], ['PNG', 'picture'], ['netCDF', 'netcdf']])('offers %s for download only', async (format, key) => {
    const one = { ...load('RAW'), arguments: { ...load('RAW').arguments, temporal_extent: ['2021-05-01T00:00:00Z', '2021-05-02T00:00:00Z'], bands: ['B02'] } };
    await exportNow({ load: one, save: save(format), export: exported('other') });
    const [item, ...others] = await itemsOf('other');
    expect([Object.keys(item!.assets), others, item!.properties.datetime]).toEqual([[key], [], '2021-05-01T00:00:00Z']);
    expect(item!.geometry).not.toBeNull();
    await expect(read('other')).rejects.toMatchObject({ code: expect.stringMatching(/^(NoDataAvailable|FormatUnsuitable)$/) as unknown });
  });

  it('takes the time of a cube without dates from what it was made of', async () => {
    const mean = { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 't', reducer: { process_graph: { m: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } } } } };
    await exportNow({ load: load('RAW'), mean, save: save('GTiff', 'mean'), export: exported('means') });
    const [item, ...others] = await itemsOf('means');
    expect(others).toEqual([]);
    expect(item!.properties).toMatchObject({ datetime: null, start_datetime: '2021-05-01T00:00:00Z', end_datetime: '2021-06-01T00:00:00Z' });
    expect((await read('means')).shape).toEqual([1, 2, 128, 128]);
  });

  it.skipIf(!hasSchemas)(`writes valid STAC${hasSchemas ? '' : ' (skipped: ../shared/spec/stac/schemas is absent)'}`, async () => {
    await exportNow(graphOf('mine'));
    await exportNow(graphOf('vectors', { source: 'LAYER' }));
    for (const id of ['mine', 'vectors']) {
      const [item] = await itemsOf(id);
      // As the API shows them: with links, and with addresses in place of keys.
      const shown = (object: object) => JSON.parse(JSON.stringify({ ...object, links: [{ rel: 'self', href: 'https://example.org/x' }, { rel: 'collection', href: 'https://example.org/c' }] }).replaceAll('"object:', '"https://example.org/')) as object;
      expect([id, await problemsOf(shown((await catalog.collection(id))!))]).toEqual([id, []]);
      expect([id, await problemsOf(shown(item!))]).toEqual([id, []]);
    }
  }, 60_000);

  it('adds other formats for download, with a warning, and does not load them', async () => {
    await exportNow({ load: load('RAW'), save: save('netCDF'), tif: save('GTiff'), export: exported('both'), other: { ...exported('both', { from_node: 'tif' }), result: undefined } });
    expect((await itemsOf('both')).map(({ id, assets }) => [id, Object.keys(assets)])).toEqual([
      ['job-1_result_2021-05-01', ['data']], ['job-1_result_nc', ['netcdf']], ['job-1_result_2021-06-01', ['data']],
    ]);
    expect(logged.filter(({ level }) => level === 'warning').map(({ message }) => message)).toEqual([expect.stringContaining(`'result.nc' is added to 'both' for download`)]);
    expect((await read('both')).shape).toEqual([2, 2, 128, 128]);
  });
});

describe('when a run does not end well', () => {
  it('has published nothing before the end', async () => {
    await run(graphOf('mine'));
    expect(await catalog.collection('mine')).toBeNull();
    expect(await keys('exports/')).toEqual([]);
  });

  it('has published nothing when a later node fails', async () => {
    const graph = { ...graphOf('mine'), broken: load('NONE') };
    await expect(run(graph)).rejects.toMatchObject({ code: 'CollectionNotFound' });
    expect(await catalog.collection('mine')).toBeNull();
  });

  it('takes all back, the collection too', async () => {
    const publication = await (await run(graphOf('mine'))).publish();
    expect(await itemsOf('mine')).toHaveLength(2);
    await publication.undo();
    expect(await catalog.collection('mine')).toBeNull();
    expect(await keys('exports/')).toEqual([]);
  });

  it('gives back what an earlier run of the job has published', async () => {
    await exportNow(graphOf('mine'));
    const before = await itemsOf('mine');
    const second = await (await run(graphOf('mine'), { run: 2 })).publish();
    expect((await itemsOf('mine')).map(({ assets }) => assets['data']!.href)).toEqual(['object:exports/mine/job-1/2/result_2021-05-01.tif', 'object:exports/mine/job-1/2/result_2021-06-01.tif']);
    await second.undo();
    expect(await itemsOf('mine')).toEqual(before);
    expect((await read('mine')).shape).toEqual([2, 2, 128, 128]);
  });

  it('publishes nothing at all when one of two collections is taken meanwhile', async () => {
    const { publish } = await run({ ...graphOf('mine'), second: { ...exported('later'), result: undefined } });
    await catalog.putCollection({ ...rawCollection, id: 'later', 'lamina:files': { owner: 'bob' } });
    await expect(publish()).rejects.toMatchObject({ code: 'PermissionsInsufficient' });
    expect(await catalog.collection('mine')).toBeNull();
    expect(await itemsOf('later')).toEqual([]);
    expect(await keys('exports/')).toEqual([]);
  });

  it('stops at a cancelation while files are copied', async () => {
    const controller = new AbortController();
    const { publish } = await run(graphOf('mine'), { signal: controller.signal });
    controller.abort(new Error('canceled'));
    await expect(publish()).rejects.toThrow('canceled');
    expect(await catalog.collection('mine')).toBeNull();
  });
});

describe('another try', () => {
  it('of a killed worker publishes once', async () => {
    const { publish } = await run(graphOf('mine'));
    await publish();
    await exportNow(graphOf('mine'));
    expect(await itemsOf('mine')).toHaveLength(2);
    expect(await keys('exports/')).toHaveLength(2);
  });

  it('that fails leaves nothing of the first', async () => {
    await (await run(graphOf('mine'))).publish();
    const again = await (await run(graphOf('mine'))).publish();
    await again.undo();
    expect(await catalog.collection('mine')).toBeNull();
  });

  it('started by its user replaces the items and their files', async () => {
    await exportNow(graphOf('mine'));
    await exportNow(graphOf('mine'), { run: 2 });
    expect(await itemsOf('mine')).toHaveLength(2);
    expect(await keys('exports/')).toEqual(['exports/mine/job-1/2/result_2021-05-01.tif', 'exports/mine/job-1/2/result_2021-06-01.tif']);
  });
});

describe('the collection', () => {
  it('of the user grows with another job', async () => {
    await exportNow(graphOf('mine'));
    await exportNow(graphOf('mine'), { jobId: 'job-2' });
    expect((await itemsOf('mine')).map(({ id }) => id)).toEqual(['job-1_result_2021-05-01', 'job-2_result_2021-05-01', 'job-1_result_2021-06-01', 'job-2_result_2021-06-01']);
  });

  it('may be a raw one for an editor', async () => {
    await exportNow(graphOf('RAW'), { editors: ['ann'] });
    expect(await itemsOf('RAW')).toHaveLength(4);
    expect((await catalog.collection('RAW'))!['lamina:files']).toBeUndefined();
  });

  it('of somebody else, or without an owner, is refused', async () => {
    await exportNow(graphOf('mine'));
    await expect(run(graphOf('mine'), { user: 'bob' })).rejects.toMatchObject({ code: 'PermissionsInsufficient', status: 403, message: expect.stringContaining(`'mine' that is not yours`) as unknown, path: [{ node_id: 'export', process_id: 'export_collection' }] });
    await expect(run(graphOf('RAW'))).rejects.toMatchObject({ code: 'PermissionsInsufficient' });
  });

  it('is private when it is made of a private one', async () => {
    const definition = layerCollection['lamina:layer'] as object;
    await catalog.putCollection({ ...layerCollection, id: 'SECRET', 'lamina:layer': { ...definition, visibility: 'private', owner: 'ann' } });
    await exportNow(graphOf('hidden', { source: 'SECRET' }));
    expect((await catalog.collection('hidden'))!['lamina:files']).toEqual({ owner: 'ann', visibility: 'private' });
    await expect(read('hidden', 'bob')).rejects.toMatchObject({ code: 'CollectionNotFound' });
    expect((await read('hidden', 'ann')).shape[0]).toBe(2);
    const seen = async (user: string | null | undefined) => (await catalog.search({ limit: 10, ...(user !== undefined && { user }) })).items.filter(({ collection }) => collection === 'hidden').length;
    expect([await seen('ann'), await seen('bob'), await seen(null), await seen(undefined)]).toEqual([2, 0, 0, 2]);
    expect((await catalog.search({ limit: 1, user: 'bob', bbox: [-180, -80, 180, 80] })).numberMatched).toBe(2);
    await expect(run(graphOf('hidden'), { user: 'bob', editors: ['bob'] })).rejects.toMatchObject({ code: 'PermissionsInsufficient' });
  });

  it.each([
    ['a layer', 'LAYER', `'LAYER' is a layer`],
    ['the files of a layer', 'LAYER.files', `'LAYER.files' holds what is materialised`],
    ['what could become the files of a layer', 'NEW.files', `end in '.files'`],
    ['an older version', 'NEW.v2', `end in '.files' or in a version`],
    ['a path', 'a/b', 'a new id has letters'],
    ['a parent folder', '..', 'a new id has letters'],
    ['a long one', 'x'.repeat(101), '100 at most'],
  ])('may not be %s', async (_, id, message) => {
    await catalog.putCollection({ ...rawCollection, id: 'LAYER.files', 'lamina:files': { layer: 'LAYER' } });
    await expect(run(graphOf(id), { editors: ['ann'] })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining(message) as unknown });
  });
});

describe('the data', () => {
  it.each([
    ['a cube', { from_node: 'load' }],
    ['a text', 'result.tif'],
    ['an item of the user', { type: 'Item', assets: {} }],
  ])('may not be %s', async (_, data) => {
    await expect(run({ load: load('RAW'), save: save(), export: exported('mine', data) })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('data') as unknown });
  });

  it('may not be JSON', async () => {
    await expect(run(graphOf('mine', { format: 'JSON' }))).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringContaining('save the cube as GTiff') as unknown });
  });
});

it('is refused where there is no catalog to write to', async () => {
  const request = { process: { process_graph: graphOf('mine') as unknown as RunRequest['process']['process_graph'] }, prefix: 'results/j/1', scratch: join(folder, 'scratch'), log: silentLog, signal: new AbortController().signal };
  await expect(runProcess(engine(), service.store, request)).rejects.toMatchObject({ code: 'ProcessUnsupported' });
});
