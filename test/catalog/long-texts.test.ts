/** An index row has room for 2,700 bytes; what is longer is stored and sorted all the same. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { searchList } from '../../src/catalog/item-list.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import { rawCollection } from '../layers/service.ts';
import { scene } from '../api/stac/service.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await startFreshDatabase();
});
afterAll(() => fresh.stop());

/** No two parts are equal, so nothing compresses it. */
const long = (start: string) => start + Array.from({ length: 4000 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7919) % 20_000))).join('');

it.each(['eo:cloud_cover', 'note'])('a %s of many kilobytes is sorted by its beginning, page by page', async (property) => {
  const store = new CatalogStore(fresh.database);
  await store.putCollection(rawCollection);
  const values = [long('c'), 20, long('a'), 'b', 3, null];
  await store.putItems('RAW', values.map((value, i) => {
    const item = scene('RAW', `i${i}`, '2021-05-01T00:00:00Z');
    return { ...item, properties: { ...item.properties, [property]: value } };
  }));
  const found: string[] = [];
  for (let token: string | undefined; ;) {
    const page = await store.search({ sortby: [{ property, direction: 'asc' }], limit: 1, ...(token === undefined ? {} : { token }) });
    expect((page.next ?? '').length).toBeLessThan(2000);
    found.push(...page.items.map(({ id }) => id));
    if (page.next === null) break;
    token = page.next;
  }
  expect(found).toEqual(['i4', 'i1', 'i2', 'i3', 'i0', 'i5']);
});

it('a list in memory has the same order and tokens, also where only the end of long texts differs', async () => {
  const store = new CatalogStore(fresh.database);
  await store.putCollection({ ...rawCollection, id: 'ENDS' });
  const start = Array.from(long('\u{1f6f0}')).slice(0, 250).join('');
  const items = ['z', 'a', 'm'].map((end, i) => {
    const item = scene('ENDS', `i${i}`, '2021-05-01T00:00:00Z');
    return { ...item, properties: { ...item.properties, note: `${start}${end}` } };
  });
  await store.putItems('ENDS', items);
  for (let token: string | undefined, seen = 0; ;) {
    const query = { collections: ['ENDS'], sortby: [{ property: 'note', direction: 'asc' as const }], limit: 1, ...(token === undefined ? {} : { token }) };
    const [own, stored] = [searchList(items, query), await store.search(query)];
    expect([own.items.map(({ id }) => id), own.next]).toEqual([[`i${seen}`], stored.next]);
    expect(stored.items[0]!.id).toBe(`i${seen++}`);
    if (own.next === null) break;
    token = own.next;
  }
});
