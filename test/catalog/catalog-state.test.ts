/** What is known of all collections: read again when something changed, and only what changed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacCollection } from '../../src/catalog/types.ts';
import { scene } from '../api/stac/service.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { rawCollection } from '../layers/service.ts';

let fresh: FreshDatabase;
let store: CatalogStore;
/** Of another process. */
let other: CatalogStore;

const named = (id: string, more: object = {}): StacCollection => ({ ...rawCollection, id, ...more }) as StacCollection;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  [store, other] = [new CatalogStore(fresh.database), new CatalogStore(fresh.database)];
  for (const id of ['A', 'B']) await store.putCollection(named(id));
});
afterAll(() => fresh.stop());

it('is the same object for as long as nothing changes', async () => {
  const first = await store.state();
  expect(await store.state()).toBe(first);
  expect([...first.collections.keys()]).toEqual(['A', 'B']);
  expect(first.collections.get('A')).toEqual({ definition: named('A'), isPrivate: false, owner: null, facts: null });
});

it('tells of items as soon as somebody else has put them in, and keeps definitions that stayed', async () => {
  const before = await store.state();
  await other.putItems('A', [scene('A', 'i1', '2021-05-01T00:00:00.123456Z'), scene('A', 'i2', '2021-06-01T00:00:00Z')]);
  const { collections } = await store.state();
  const { bbox: [west, south, east, north] } = scene('A', 'i1', '2021-05-01T00:00:00Z');
  expect(collections.get('A')!.facts).toEqual({
    items: 2, version: expect.any(String), lead: 0, lag: 0, place: [west, south, east, north],
    earliest: Date.parse('2021-05-01T00:00:00.123Z'), latest: Date.parse('2021-06-01T00:00:00Z'),
  });
  // The row of A changed with its items, that of B did not.
  expect(collections.get('B')!.definition).toBe(before.collections.get('B')!.definition);
  expect(collections.get('B')!.facts).toBeNull();
});

it('has another version of the items after every change, also of one that leaves their number', async () => {
  const versions = new Set([(await store.state()).collections.get('A')!.facts!.version]);
  await other.putItems('A', [{ ...scene('A', 'i1', '2021-05-01T00:00:00Z'), bbox: [0, 0, 1, 1] }]);
  versions.add((await store.state()).collections.get('A')!.facts!.version);
  await other.deleteItems('A', ['i1']);
  const { facts } = (await store.state()).collections.get('A')!;
  expect(versions.add(facts!.version).size).toBe(3);
  expect(facts!.items).toBe(1);
});

it('knows collections that come, change, become private, and go', async () => {
  await other.putCollection(named('C', { 'lamina:files': { owner: 'ann', visibility: 'private' } }));
  expect((await store.state()).collections.get('C')).toMatchObject({ isPrivate: true, owner: 'ann' });
  await other.putCollection(named('C', { title: 'Third' }));
  expect((await store.state()).collections.get('C')).toMatchObject({ isPrivate: false, owner: null, definition: { title: 'Third' } });
  await other.deleteCollection('C');
  expect((await store.state()).collections.has('C')).toBe(false);
});

it('tells whether layers have withdrawn items, with nothing else read again', async () => {
  const before = await store.state();
  expect(before.hasWithdrawn).toBe(false);
  await fresh.database.query(`insert into withdrawn_items (collection, id, definition, properties, instant, starts, ends) select 'A', 'w', definition, properties, instant, starts, ends from items limit 1`);
  const after = await store.state();
  expect(after.hasWithdrawn).toBe(true);
  expect(after.collections).toBe(before.collections);
  await fresh.database.query('delete from withdrawn_items');
  expect((await store.state()).hasWithdrawn).toBe(false);
});

it('is right for many who ask at once while it changes', async () => {
  await Promise.all(Array.from({ length: 30 }, async (_, i) => {
    if (i % 3 === 0) await other.putItems('B', [scene('B', `i${i}`, '2021-05-01T00:00:00Z')]);
    await store.search({ collections: ['B'], limit: 100 });
  }));
  expect((await store.state()).collections.get('B')!.facts!.items).toBe(10);
  expect((await store.search({ collections: ['B'], limit: 100 })).numberMatched).toBe(10);
});
