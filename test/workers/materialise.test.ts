/** Materialising the toy layer, on a real database: files, items, going on after an interruption, reading the files back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BlockCatalogStore } from '../../src/catalog/block-catalog.ts';
import { Materialisations, type MaterialisationRequest } from '../../src/catalog/materialisations.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import { readAll } from '../../src/cube/array-cube.ts';
import type { Block } from '../../src/cube/block.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import type { TaskContext } from '../../src/jobs/queue.ts';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { filedBlocks } from '../../src/layers/filed-block.ts';
import { EngineScope, type Engine } from '../../src/layers/scope.ts';
import { silentLog } from '../../src/log.ts';
import { directComputer } from '../../src/workers/embed.ts';
import { createMaterialiseHandler } from '../../src/workers/materialise/materialise.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { layerCollection, rawCollection, toyService, writeItem, type ToyService } from '../layers/service.ts';

const ALL: MaterialisationRequest = { layer: 'LAYER', files: 'LAYER.files', bbox: null, interval: null, formats: ['GTiff', 'Zarr', 'Parquet'], view: 'float32' };
const context = (signal = new AbortController().signal, attempt = 1): TaskContext => ({ taskId: 't', signal, attempt });

let fresh: FreshDatabase;
let folder: string;
let catalog: CatalogStore;
let store: Materialisations;
let blocks: BlockCatalogStore;
let service: ToyService;
let rasters: RasterCache;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lamina-material-'));
  catalog = new CatalogStore(fresh.database);
  store = new Materialisations(fresh.database);
});
afterAll(async () => {
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const { id } of await catalog.collections()) await catalog.deleteCollection(id);
  await fresh.database.query('truncate cache_objects');
  await catalog.putCollection(rawCollection);
  await catalog.putCollection(layerCollection);
  await catalog.fixAnchor('RAW', { crs: 'EPSG:32631', x: 600_000, y: 5_600_000, stepX: 10, stepY: 10 });
  await catalog.putItems('RAW', [
    await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band, column, row) => 20 + band * 40 + ((column * 7 + row) % 13)),
    // Half of the second scene has no data.
    await writeItem(folder, 'b', '2021-06-01T00:00:00Z', (band, column, row) => (column < 64 ? 0 : 90 + band * 10 + (row % 5))),
  ]);
  service = await toyService(await mkdtemp(join(folder, 'service-')), []);
  blocks = new BlockCatalogStore(fresh.database, { flushMs: 60_000 });
  rasters = new RasterCache({ store: service.store });
});
afterEach(async () => {
  await blocks.close();
  await rasters.close();
  await service.close();
});

/** As a process that knows nothing yet: only what is stored counts. */
function freshEngine(): Engine {
  const compute = directComputer(service.store, service.runtime, blocks);
  return { ...service.engine, catalog, rasters, blocks: new EmbedBlocks({ store: service.store, compute, catalog: blocks, fromFile: filedBlocks(rasters) }) };
}

const handler = () => createMaterialiseHandler({ engine: freshEngine(), catalog, blocks, store, objects: service.store, scratch: folder, log: silentLog });

async function loadLayer(id = 'LAYER') {
  const scope = new EngineScope(freshEngine(), { signal: new AbortController().signal, log: silentLog });
  return readAll(await scope.loadCollection({ id, spatialExtent: null, temporalExtent: null, bands: null, properties: null }));
}

/** What is under no-data is arbitrary. */
const valid = ({ data, nulls }: Block) => data.filter((_, i) => !nulls?.[i]);

async function materialise(request: Partial<MaterialisationRequest> = {}): Promise<string> {
  const { id } = await store.create({ ...ALL, ...request }, 'ann');
  await handler()({ id }, context());
  return id;
}

describe('a materialisation', () => {
  it('writes every format once and lists the files as items', async () => {
    const id = await materialise();
    expect(await store.find(id)).toMatchObject({ status: 'finished', progress: 1, user: 'ann', message: null });
    expect((await store.files(id)).map((file) => file.name)).toEqual(['2021-05-01/embeddings.tif', '2021-06-01/embeddings.tif', 'embeddings.parquet', 'embeddings.zarr']);
    expect(service.runtime.runs).toBe(2);
    const items = await catalog.items({ collection: 'LAYER.files', bbox: null, interval: null });
    expect(Object.fromEntries(items.map((item) => [item.properties.datetime, Object.keys(item.assets)]))).toEqual({
      '2021-05-01T00:00:00Z': ['embeddings'], '2021-06-01T00:00:00Z': ['embeddings'], null: ['zarr', 'vectors'],
    });
    const may = items.find((item) => item.properties.datetime === '2021-05-01T00:00:00Z')!;
    expect(may.links.filter((link) => link.rel === 'derived_from').map((link) => link.title)).toEqual(['a']);
    expect(await catalog.collection('LAYER.files')).toMatchObject({ 'lamina:files': { layer: 'LAYER' }, license: 'CC0-1.0' });
  });

  it('gives files that load with the values of the layer, and that later requests read instead of computing', async () => {
    const before = await loadLayer();
    await materialise();
    const computed = service.runtime.runs;
    const keys: string[] = [];
    for await (const { key } of service.store.list('blocks/')) keys.push(key);
    expect(keys).toEqual([]);
    const after = await loadLayer();
    expect(valid(after)).toEqual(valid(before));
    expect(after.nulls).toEqual(before.nulls);
    expect(service.runtime.runs).toBe(computed);
    const files = await loadLayer('LAYER.files');
    expect(files.shape).toEqual(before.shape);
    expect(valid(files)).toEqual(valid(before));
  });

  it('goes on where a try was interrupted', async () => {
    const { id } = await store.create(ALL, null);
    const interrupted = new AbortController();
    const working = handler()({ id }, context(interrupted.signal));
    working.catch(() => {});
    await expect.poll(async () => (await store.files(id)).length, { interval: 2 }).toBeGreaterThan(0);
    interrupted.abort(new Error('the worker shuts down'));
    await expect(working).rejects.toThrow('shuts down');
    expect((await store.find(id))!.status).toBe('running');
    const done = new Map<string, string>();
    for (const { objectKey } of await store.files(id)) done.set(objectKey, (await service.store.head(objectKey))!.etag);
    await handler()({ id }, context(undefined, 2));
    expect((await store.find(id))!.status).toBe('finished');
    for (const [key, etag] of done) expect((await service.store.head(key))!.etag).toBe(etag);
    expect(service.runtime.runs).toBe(2);
    const left: string[] = [];
    for await (const { key } of service.store.list(`materialised/${id}/progress/`)) left.push(key);
    expect(left).toEqual([]);
  });

  it('only fills the cache when no format is asked for', async () => {
    const id = await materialise({ formats: [] });
    expect(await store.files(id)).toEqual([]);
    expect(await catalog.collection('LAYER.files')).toBeNull();
    await loadLayer();
    expect(service.runtime.runs).toBe(2);
  });

  it('computes again what a deleted file held', async () => {
    const before = await loadLayer();
    await materialise({ formats: ['GTiff'] });
    for await (const { key } of service.store.list('materialised/')) await service.store.delete(key);
    const after = await loadLayer();
    expect(valid(after)).toEqual(valid(before));
    expect(service.runtime.runs).toBe(4);
  });

  it('keeps the files of versions apart, and never writes one for another', async () => {
    await materialise({ formats: ['GTiff'] });
    await catalog.putCollection({ ...layerCollection, version: '2' });
    await materialise({ formats: ['GTiff'], files: 'LAYER.v2.files' });
    const items = (collection: string) => catalog.items({ collection, bbox: null, interval: null });
    expect([(await items('LAYER.files')).length, (await items('LAYER.v2.files')).length]).toEqual([2, 2]);
    const { id } = await store.create({ ...ALL, formats: ['GTiff'] }, null);
    await expect(handler()({ id }, context())).rejects.toMatchObject({ code: 'CollectionNotFound' });
    expect(await store.find(id)).toMatchObject({ status: 'error', message: expect.stringContaining('another version') as string });
  });

  it('does nothing when it was canceled, and tells why it failed', async () => {
    const { id } = await store.create(ALL, null);
    expect(await store.cancel(id)).toBe(true);
    await handler()({ id }, context());
    expect(await store.find(id)).toMatchObject({ status: 'canceled' });
    expect(service.runtime.runs).toBe(0);
    const { id: nowhere } = await store.create({ ...ALL, bbox: [100, 10, 101, 11] }, null);
    await expect(handler()({ id: nowhere }, context())).rejects.toMatchObject({ code: 'NoDataAvailable' });
    expect(await store.find(nowhere)).toMatchObject({ status: 'error', message: expect.stringContaining('no data available') as string });
  });
});
