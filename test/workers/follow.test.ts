/** An eager layer over a small collection, on a real database and a real queue. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ChangeFeed } from '../../src/catalog/changes.ts';
import { LayerStates } from '../../src/catalog/layer-states.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { openDatabase } from '../../src/database/connection.ts';
import { openTaskQueues } from '../../src/jobs/bullmq-queues.ts';
import type { TaskContext, TaskQueues, TaskWorker } from '../../src/jobs/queue.ts';
import { layerItems } from '../../src/layers/layer-items.ts';
import { silentLog } from '../../src/log.ts';
import { createBackfillHandler, type BackfillTask } from '../../src/workers/backfill.ts';
import { eagerLayers, Follower } from '../../src/workers/follow.ts';
import { createFollowHandler } from '../../src/workers/follow-item.ts';
import { hasSchemas, problemsOf, withCollectionLink } from '../api/stac/validator.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { registry as operators } from '../layers/fixtures.ts';
import { layerCollection, rawCollection, toyService, writeItem, type ToyService } from '../layers/service.ts';

const EAGER: StacCollection = { ...layerCollection, 'lamina:layer': { ...(layerCollection['lamina:layer'] as object), policy: 'eager' } };

let fresh: FreshDatabase;
let folder: string;
let store: CatalogStore;
let feed: ChangeFeed;
let states: LayerStates;
let service: ToyService;
let queues: TaskQueues;
let worker: TaskWorker | undefined;
let items: ReturnType<typeof layerItems>;
let first: StacItem;
let second: StacItem;
let tries = 0;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lamina-follow-'));
  store = new CatalogStore(fresh.database);
  feed = new ChangeFeed(fresh.database);
  states = new LayerStates(fresh.database);
  items = layerItems(store, operators, undefined, states);
  first = await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band) => 20 + band * 40);
  second = await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band, column) => 50 + band * 40 + (column % 7));
});
afterAll(async () => {
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const { id } of await store.collections()) await store.deleteCollection(id);
  await fresh.database.query('truncate item_changes');
  await store.putCollection(rawCollection);
  await store.putCollection(EAGER);
  await store.fixAnchor('RAW', { crs: 'EPSG:32631', x: 600_000, y: 5_600_000, stepX: 10, stepY: 10 });
  service = await toyService(await mkdtemp(join(folder, 'service-')), []);
  queues = await openQueues();
});
afterEach(async () => {
  await worker?.close();
  worker = undefined;
  await queues.close();
  await service.close();
});

function openQueues(): Promise<TaskQueues> {
  return openTaskQueues({ connection: { database: openDatabase(fresh.url, { searchPath: 'bullmq', maxConnections: 16 }) }, name: `follow-${++tries}`, lockMs: 1000 });
}

const handler = () => createFollowHandler({ engine: { ...service.engine, catalog: store }, catalog: store, states, log: silentLog });
const follower = (options = {}) => new Follower({ feed, states, catalog: store, queues, log: silentLog }, options);
const work = async () => (worker = await queues.work<BackfillTask, unknown>('backfill', 1, createBackfillHandler({ follow: handler() })));
const put = (item: StacItem) => store.putItems('RAW', [item]);
const statusOf = async (id = 'a') => (await items.get('LAYER', id))?.properties['lamina:status'];
const context: TaskContext = { taskId: 't', signal: new AbortController().signal, attempt: 1 };

describe('an eager layer', () => {
  it('computes an item that arrives, once, and the item says so from the beginning', async () => {
    await put(first);
    expect(await statusOf()).toBe('virtual');
    expect(await follower().follow()).toBe(1);
    expect(await statusOf()).toBe('computing');
    expect(service.runtime.runs).toBe(0);
    await work();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    expect(service.runtime.runs).toBe(1);
    const item = (await items.get('LAYER', 'a'))!;
    expect(Date.parse(String(item.properties['processing:datetime']))).toBeGreaterThan(Date.now() - 60_000);
    expect(item.properties['updated']).toBe(item.properties['processing:datetime']);
    if (hasSchemas) expect(await problemsOf(withCollectionLink(item))).toEqual([]);
    expect((await states.find('LAYER', ['a'])).get('a')).toMatchObject({ blocks: 1, bytes: 2 * 32 * 32 * 4, reason: null });
  });

  it('says outdated from the moment in which the source changes, and computes other vectors', async () => {
    await put(first);
    await follower().follow();
    await work();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    await put(second);
    expect(await statusOf()).toBe('outdated');
    await follower().follow();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    expect(service.runtime.runs).toBe(2);
    expect(await keys()).toHaveLength(2);
  });

  it('takes a change back without computing anything', async () => {
    await put(first);
    await follower().follow();
    await work();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    await put({ ...first, properties: { ...first.properties, note: 'new' } });
    expect(await statusOf()).toBe('outdated');
    await put(first);
    expect(await statusOf()).toBe('computed');
    expect(await put({ ...first, links: [{ rel: 'about', href: 'https://example.org' }] })).toBe(1);
    expect(await statusOf()).toBe('computed');
    expect(await follower().follow()).toBe(2);
    await expect.poll(async () => (await queues.depth('backfill')).waiting + (await queues.depth('backfill')).active).toBe(0);
    expect(service.runtime.runs).toBe(1);
  });

  it('keeps telling of an item that was withdrawn, without an asset, and takes it up again when it comes back', async () => {
    await put(first);
    await follower().follow();
    await work();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    expect(await store.deleteItems('RAW', ['a', 'none'])).toBe(1);
    await follower().follow();
    const item = (await items.get('LAYER', 'a'))!;
    expect(item).toMatchObject({ assets: {}, properties: { deprecated: true, 'lamina:status': 'withdrawn' } });
    if (hasSchemas) expect(await problemsOf(withCollectionLink(item))).toEqual([]);
    const found = await items.search({ collections: ['LAYER'], bbox: [...first.bbox], limit: 10 });
    expect(found.items.map(({ id }) => id)).toEqual(['a']);
    expect((await items.search({ collections: ['LAYER'], bbox: [100, 0, 101, 1], limit: 10 })).items).toEqual([]);
    await put(first);
    expect(await statusOf()).toBe('computed');
    expect((await items.search({ collections: ['LAYER'], limit: 10 })).items.map(({ properties }) => properties['deprecated'])).toEqual([undefined]);
  });

  it('lets the blocks of a withdrawn item go first, unless a neighbour of the same time may use them', async () => {
    await put(first);
    await follower().follow();
    await work();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    await worker!.close();
    const [west, south, east, north] = first.bbox as [number, number, number, number];
    const next = { ...first, id: 'next', bbox: [east, south, east + 0.1, north], geometry: { type: 'Polygon', coordinates: [[[east, south], [east + 0.1, south], [east + 0.1, north], [east, north], [east, south]]] } };
    await put({ ...next, properties: { ...next.properties, datetime: '2021-05-01T02:00:00+02:00' } });
    await fresh.database.query('truncate cache_objects');
    const rows = [['own', '2021-05-01T00:00:00Z', west], ['shared', '2021-05-01T00:00:00Z', east + 0.01], ['other time', '2021-06-01T00:00:00Z', west]] as const;
    for (const [key, label, edge] of rows) {
      await fresh.database.query(
        `insert into cache_objects (object_key, kind, layer, state, label, footprint) values ($1, 'block', 'LAYER', 'stored', $2, box(point($3, $4), point($5, $6)))`,
        [key, label, west - 0.01, south, edge, north],
      );
    }
    await store.deleteItems('RAW', ['a']);
    await follower().follow();
    expect(await fresh.database.query('select object_key from cache_objects where used < \'2000-01-01\'')).toEqual([{ object_key: 'own' }]);
  });

  it('forgets an item that was withdrawn before it was computed', async () => {
    await put(first);
    await follower().follow();
    await store.deleteItems('RAW', ['a']);
    expect(await items.get('LAYER', 'a')).toBeNull();
    expect(await handler()({ layer: 'LAYER', item: 'a', source: 'RAW' }, context)).toEqual({ did: 'gone' });
  });

  it('says why an item can\'t be computed', async () => {
    await put({ ...first, assets: { data: { ...first.assets['data']!, href: 'file:///nowhere/gone.tif' } } });
    await follower().follow();
    await work();
    await expect.poll(() => statusOf(), { timeout: 20_000 }).toBe('failed');
    expect(String((await items.get('LAYER', 'a'))!.properties['lamina:reason'])).not.toContain('/nowhere');
    await put(first);
    await follower().follow();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
  });
});

describe('the follower', () => {
  it('loses nothing when it dies between the change and the task', async () => {
    await put(first);
    const dying = { ...queues, depth: () => queues.depth('backfill'), add: async () => { throw new Error('killed'); } } as TaskQueues;
    await expect(new Follower({ feed, states, catalog: store, queues: dying, log: silentLog }).follow()).rejects.toThrow('killed');
    await work();
    expect(await follower().follow()).toBe(1);
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    expect(service.runtime.runs).toBe(1);
  });

  it('does no harm when a change or a task comes twice', async () => {
    await put(first);
    await follower().follow();
    await fresh.database.query('update item_changes set handled = null');
    await follower().follow();
    expect((await queues.depth('backfill')).waiting).toBe(1);
    expect(await handler()({ layer: 'LAYER', item: 'a', source: 'RAW' }, context)).toEqual({ did: 'computed' });
    expect(await handler()({ layer: 'LAYER', item: 'a', source: 'RAW' }, context)).toEqual({ did: 'known' });
    expect(service.runtime.runs).toBe(1);
  });

  it('is one of two: the other one waits', async () => {
    await put(first);
    let inside = 0;
    let most = 0;
    const slowly = async () => {
      most = Math.max(most, ++inside);
      await new Promise((done) => setTimeout(done, 200));
      inside--;
    };
    const counts = await Promise.all([feed.take(10, slowly), new ChangeFeed(fresh.database).take(10, slowly)]);
    expect(most).toBe(1);
    expect(counts).toEqual(expect.arrayContaining([1, null]));
    expect(await feed.take(10, slowly)).toBe(0);
  });

  it('begins tasks anew that were lost with their queue, and gives up in the end', async () => {
    await put(first);
    await follower().follow();
    await queues.close();
    queues = await openQueues();
    const quick = follower({ staleSeconds: 0 });
    await quick.tidy();
    expect((await queues.depth('backfill')).waiting).toBe(1);
    await work();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    await worker!.close();
    await put(second);
    await follower().follow();
    for (let i = 0; i < 4; i++) {
      await queues.close();
      queues = await openQueues();
      await follower({ staleSeconds: 0 }).tidy();
    }
    expect(await statusOf()).toBe('failed');
  });

  it('works by itself once started, and ends when told', async () => {
    await work();
    const running = follower({ pollMs: 20 });
    running.start();
    await put(first);
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    await running.close();
    await put(second);
    await new Promise((done) => setTimeout(done, 100));
    expect(await fresh.database.query('select 1 from item_changes where handled is null')).toHaveLength(1);
  });

  it('follows an item into layers on layers, and leaves lazy ones alone', async () => {
    const over = (id: string, source: string, more: object): StacCollection => ({ ...EAGER, id, 'lamina:layer': { ...(EAGER['lamina:layer'] as object), sources: [source], policy: 'eager', ...more } });
    const found = eagerLayers([rawCollection, { ...rawCollection, id: 'DEM' }, over('A', 'RAW', { policy: 'lazy' }), over('B', 'A', { sources: ['A', 'DEM'] }), over('C', 'GONE', {}), over('D', 'RAW', { has_items: false })]);
    expect(found).toEqual([{ id: 'B', root: 'RAW', others: new Set(['DEM']) }]);
    await put(first);
    await store.putCollection({ ...rawCollection, id: 'DEM' });
    await store.putCollection({ ...EAGER, 'lamina:layer': { ...(EAGER['lamina:layer'] as object), sources: ['RAW', 'DEM'] } });
    await follower().follow();
    await work();
    await expect.poll(() => statusOf(), { timeout: 10_000 }).toBe('computed');
    await store.putItems('DEM', [{ ...first, collection: 'DEM', id: 'height' }]);
    await worker!.close();
    await follower().follow();
    expect(await statusOf()).toBe('outdated');
    await store.putCollection(layerCollection);
    await put(second);
    await follower().follow();
    expect(await statusOf()).toBe('virtual');
  });

  it('forgets old changes', async () => {
    await put(first);
    await follower().follow();
    await fresh.database.query('update item_changes set handled = now() - interval \'8 days\'');
    await follower().tidy();
    expect(await fresh.database.query('select 1 from item_changes')).toEqual([]);
  });
});

/** Blocks in the store. */
async function keys(): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of service.store.list('')) found.push(key);
  return found;
}
