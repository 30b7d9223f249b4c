/** A search of everything asks only those layers whose source may have something for it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { combineItemSources, type ItemQuery, type ItemSource } from '../../src/catalog/item-source.ts';
import { LayerStates } from '../../src/catalog/layer-states.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { Database } from '../../src/database/connection.ts';
import { layerItems } from '../../src/layers/layer-items.ts';
import { scene } from '../api/stac/service.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { registry } from './fixtures.ts';
import { layerCollection, rawCollection } from './service.ts';

const SOURCES = 6;
let fresh: FreshDatabase;
let store: CatalogStore;
let statements: string[] = [];
let source: ItemSource;
let asksAll: ItemSource;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  const counted: Database = { ...fresh.database, query: (sql, params) => (statements.push(sql), fresh.database.query(sql, params)) };
  store = new CatalogStore(counted);
  const states = new LayerStates(counted);
  for (let i = 0; i < SOURCES; i++) {
    await store.putCollection({ ...rawCollection, id: `RAW${i}` });
    for (const name of ['A', 'B']) await store.putCollection({ ...layerCollection, id: `LAYER${i}${name}`, 'lamina:layer': { ...(layerCollection['lamina:layer'] as object), sources: [`RAW${i}`] } });
    // Each by 20 degrees and a year further than the one before.
    await store.putItems(`RAW${i}`, Array.from({ length: 3 }, (_, k) => scene(`RAW${i}`, `r${i}-${k}`, `${2015 + i}-0${1 + k}-01T00:00:00Z`, -60 + 20 * i + k, 10)));
  }
  // Withdrawn, so only the layer tells of it.
  await states.expect('LAYER5A', 'RAW5', [{ item: 'r5-2', task: 't' }]);
  const version = await states.version({ layer: 'LAYER5A', item: 'r5-2' }, 'RAW5');
  await states.finish({ layer: 'LAYER5A', item: 'r5-2' }, 'RAW5', { digest: version!.digest, blocks: 1, bytes: 1 });
  await store.deleteItems('RAW5', ['r5-2']);
  source = combineItemSources([store, layerItems(store, registry, undefined, states)]);
  class AskingAll extends CatalogStore {
    override collectionsWithout(): Promise<ReadonlySet<string>> {
      return Promise.resolve(new Set());
    }
  }
  const all = new AskingAll(fresh.database);
  asksAll = combineItemSources([all, layerItems(all, registry, undefined, states)]);
});
afterAll(() => fresh.stop());

async function everyPage(from: ItemSource, query: Omit<ItemQuery, 'limit' | 'token'>): Promise<string[]> {
  const found: string[] = [];
  for (let token: string | undefined; ;) {
    const page = await from.search({ ...query, limit: 4, ...(token === undefined ? {} : { token }) });
    found.push(...page.items.map(({ collection, id }) => `${collection}/${id}`));
    if (page.next === null) return found;
    token = page.next;
  }
}

const point = (x: number, y: number) => ({ type: 'Point', coordinates: [x, y] }) as const;

it.each<[string, Omit<ItemQuery, 'limit'>, number]>([
  ['a box around one of them', { bbox: [-21, 9, -17, 12] }, 9],
  ['a point', { intersects: point(-0.5, 10.5) }, 0],
  ['a box over the antimeridian', { bbox: [39, 0, -61, 20] }, 7],
  ['a time', { datetime: ['2017-01-15T00:00:00Z', '2018-01-15T00:00:00Z'] }, 9],
  ['an open time', { datetime: ['2020-02-15T00:00:00Z', null] }, 1],
  ['ids', { ids: ['r3-1', 'r4-2'] }, 6],
  ['a place and a time that do not meet', { bbox: [-21, 9, -17, 12], datetime: ['2020-01-01T00:00:00Z', null] }, 0],
  ['everything', {}, 52],
  ['everything, in an order', { sortby: [{ property: 'id', direction: 'desc' }] }, 52],
  ['a box, in an order', { bbox: [-21, 9, 3, 12], sortby: [{ property: 'datetime', direction: 'asc' }] }, 18],
])('finds the same for %s as when all are asked', async (_, query, count) => {
  const found = await everyPage(source, query);
  expect(found).toEqual(await everyPage(asksAll, query));
  expect(found).toHaveLength(count);
});

it('asks no layer whose source is elsewhere', async () => {
  statements = [];
  await source.search({ bbox: [100, -50, 101, -49], limit: 10 });
  const far = statements.length;
  statements = [];
  await source.search({ bbox: [-21, 9, -17, 12], limit: 10 });
  expect(far).toBeLessThanOrEqual(6);
  expect(statements.length).toBeGreaterThan(far);
});

it('knows where items are as soon as they come, move or were there before', async () => {
  const far = { bbox: [100, -50, 102, -48], limit: 10 };
  expect((await source.search(far)).items).toEqual([]);
  await store.putItems('RAW1', [scene('RAW1', 'new', '2030-01-01T00:00:00Z', 100.5, -49.5)]);
  expect((await source.search(far)).items.map(({ collection }) => collection)).toEqual(['RAW1', 'LAYER1A', 'LAYER1B']);
  await store.putItems('RAW2', [scene('RAW2', 'r2-0', '2017-01-01T00:00:00Z', 100.5, -49.5)]);
  expect((await source.search({ ...far, datetime: [null, '2018-01-01T00:00:00Z'] })).items.map(({ collection }) => collection)).toEqual(['RAW2', 'LAYER2A', 'LAYER2B']);
  await store.deleteItems('RAW1', ['new']);
  expect((await source.search(far)).items.map(({ collection }) => collection)).toEqual(['RAW2', 'LAYER2A', 'LAYER2B']);
});
