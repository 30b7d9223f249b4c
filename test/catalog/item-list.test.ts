/** A list of items answers as the database does that stores the same items. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFilter } from '../../src/catalog/cql2/filter.ts';
import { deriveCollection } from '../../src/catalog/ingest/collection.ts';
import { fieldsOfList, groupList, searchList } from '../../src/catalog/item-list.ts';
import { groupIntervals, ItemTokenError, type ItemGroup, type ItemQuery } from '../../src/catalog/item-query.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { scene } from '../api/stac/service.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

/** Thirty of them: some of the same time, some without clouds or place, with texts and numbers under one name. */
const items: StacItem[] = Array.from({ length: 30 }, (_, i) => {
  const made = scene('A', `i${i}`, `2021-${String(1 + (i % 7)).padStart(2, '0')}-1${i % 3}T0${i % 5}:00:00Z`, 5 + (i % 10) / 2, 45 + (i % 4));
  const properties = { ...made.properties, ...(i % 3 === 0 ? {} : { 'eo:cloud_cover': (i * 37) % 101 }), mixed: i % 2 === 0 ? i : `t${i}`, title: i % 4 === 0 ? null : `Title ${i % 6}`, list: [i % 3] };
  return { ...made, properties, ...(i % 11 === 10 ? { geometry: null } : {}) };
});

const searches: readonly Partial<ItemQuery>[] = [
  {},
  { bbox: [6, 46, 7.2, 46.5] },
  { bbox: [170, -10, -170, 10] },
  { datetime: ['2021-02-01T00:00:00Z', '2021-04-11T02:00:00Z'] },
  { datetime: [null, '2021-03-01T00:00:00Z'] },
  { ids: ['i3', 'i4', 'nothing'] },
  { intersects: { type: 'Polygon', coordinates: [[[5, 45], [8, 45], [5, 48], [5, 45]]] } },
  { where: [{ property: 'eo:cloud_cover', comparison: 'gte', value: 40 }, { property: 'title', comparison: 'startsWith', value: 'Title' }] },
  { filter: readFilter('"eo:cloud_cover" < 50 or mixed = \'t3\'', 'cql2-text') },
  { collections: ['A'], bbox: [5, 45, 9, 47], filter: readFilter('title is null', 'cql2-text') },
  { collections: ['B'] },
];

const orders: readonly NonNullable<ItemQuery['sortby']>[] = [
  [],
  [{ property: 'id', direction: 'desc' }],
  [{ property: 'datetime', direction: 'asc' }],
  [{ property: 'eo:cloud_cover', direction: 'asc' }],
  [{ property: 'eo:cloud_cover', direction: 'desc' }, { property: 'title', direction: 'asc' }],
  [{ property: 'mixed', direction: 'desc' }],
];

let fresh: FreshDatabase;
let store: CatalogStore;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
  await store.putCollection(deriveCollection('A', items, {}, null));
  await store.putItems('A', items);
});
afterAll(() => fresh.stop());

const idsOf = ({ items: found }: { items: readonly StacItem[] }) => found.map(({ id }) => id);

/** What a geometry decides the database gives item by item: whoever asks adds them up. */
function summed(groups: readonly ItemGroup[]): Map<string, readonly [number, string, string]> {
  const sums = new Map<string, readonly [number, string, string]>();
  for (const { collection, time, value, count, first, last } of groups) {
    const key = `${collection} ${time} ${value}`;
    const [known, earliest, latest] = sums.get(key) ?? [0, first, last];
    sums.set(key, [known + count, first < earliest ? first : earliest, last > latest ? last : latest]);
  }
  return sums;
}

describe('a list of items', () => {
  it.each(searches)('finds the same, in every order: %j', async (search) => {
    for (const sortby of orders) {
      const query = { ...search, sortby, limit: 100 };
      const [own, stored] = [searchList(items, query), await store.search(query)];
      expect([sortby, idsOf(own)]).toEqual([sortby, idsOf(stored)]);
      expect(own.numberMatched).toBe(stored.numberMatched);
    }
  });

  it.each(orders.map((sortby) => ({ sortby })))('has the same pages, whose tokens the database understands: %j', async ({ sortby }) => {
    const query = { sortby, limit: 7 };
    const seen: string[] = [];
    for (let token: string | undefined; ;) {
      const asked = { ...query, ...(token === undefined ? {} : { token }) };
      const [own, stored] = [searchList(items, asked), await store.search(asked)];
      expect([idsOf(own), own.next]).toEqual([idsOf(stored), stored.next]);
      seen.push(...idsOf(own));
      if (own.next === null) break;
      token = own.next;
    }
    expect(new Set(seen).size).toBe(30);
    expect(seen).toHaveLength(30);
  });

  it('refuses tokens that are none', () => {
    expect(() => searchList(items, { limit: 1, token: 'nonsense' })).toThrow(ItemTokenError);
  });

  it.each(groupIntervals)('counts the same by %s', async (interval) => {
    for (const search of searches) {
      const query = { ...search, interval, property: 'eo:cloud_cover', step: 10 };
      expect(summed(groupList(items, query))).toEqual(summed(await store.groups(query)));
    }
  });

  it('has the same properties', async () => {
    expect(fieldsOfList(items)).toEqual(await store.fields({ collections: ['A'] }));
  });
});
