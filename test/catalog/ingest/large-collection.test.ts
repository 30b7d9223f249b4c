import { afterAll, beforeAll, expect, it } from 'vitest';
import { settleItems } from '../../../src/catalog/ingest/register.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import type { StacCollection, StacItem } from '../../../src/catalog/types.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';

let fresh: FreshDatabase;
let store: CatalogStore;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
});
afterAll(() => fresh.stop());

const described: StacCollection = {
  type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id: 'large', description: 'Written by hand.', license: 'other', links: [], bands: [{ name: 'red' }],
  extent: { spatial: { bbox: [[0, 0, 10, 10]] }, temporal: { interval: [['2020-01-01T00:00:00Z', '2020-12-31T00:00:00Z']] } },
  summaries: { 'proj:code': ['EPSG:32631'] }, 'cube:dimensions': { t: { type: 'temporal', extent: ['2020-01-01T00:00:00Z', '2020-12-31T00:00:00Z'] }, bands: { type: 'bands', values: ['red'] } },
};

const farAway: StacItem = {
  type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: 'far', collection: 'large', bbox: [20, 20, 21, 21], links: [],
  geometry: { type: 'Polygon', coordinates: [[[20, 20], [21, 20], [21, 21], [20, 21], [20, 20]]] }, properties: { datetime: '2022-05-01T00:00:00Z' },
  assets: { data: { href: 'https://example.org/far.tif', bands: [{ name: 'nir' }] } },
};

it('a large collection grows by an item that goes beyond it, and what it says of the others stays', async () => {
  await store.putCollection(described);
  // None of these could be described: whoever read them would have to say so.
  await fresh.database.query(
    `insert into items (collection, id, definition, properties, instant, starts, ends, footprint)
     select 'large', 'i' || n, '{}', '{}', now(), now(), now(), box(point(0, 0), point(1, 1)) from generate_series(1, 20000) as n`,
  );
  expect(await store.count('large')).toBe(20_000);
  await store.putItems('large', [farAway]);
  await settleItems('large', [farAway], store);
  const grown = (await store.collection('large'))!;
  expect(grown.extent).toEqual({ spatial: { bbox: [[0, 0, 21, 21]] }, temporal: { interval: [['2020-01-01T00:00:00Z', '2022-05-01T00:00:00Z']] } });
  expect([grown.bands!.map(({ name }) => name), grown.summaries['proj:code'], grown.description]).toEqual([['red', 'nir'], ['EPSG:32631'], 'Written by hand.']);
});
