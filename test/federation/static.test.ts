/** Catalogs that are files: a collection with links to its items, a catalog of collections, a list of items. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readFilter } from '../../src/catalog/cql2/filter.ts';
import type { ItemPage, ItemQuery } from '../../src/catalog/item-query.ts';
import { guardedFetch } from '../../src/catalog/remote/guarded-fetch.ts';
import { startStacServer, type StacServer } from '../catalog/remote/stac-server.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { federated, plain, squares, startFederation, type Federation } from './federation.ts';

let fresh: FreshDatabase;
let server: StacServer;
let federation: Federation;
const items = squares('scenes', 30);

beforeAll(async () => {
  fresh = await startFreshDatabase();
});
afterAll(() => fresh.stop());
beforeEach(async () => {
  server = await startStacServer();
  for (const item of items) server.documents.set(`/scenes/${item.id}.json`, { ...item, assets: { red: { href: './red.tif', type: 'image/tiff; application=geotiff' } } });
  server.documents.set('/scenes/collection.json', { ...plain('scenes'), links: items.map(({ id }) => ({ rel: 'item', href: `./${id}.json` })) });
  server.documents.set('/catalog.json', { type: 'Catalog', stac_version: '1.0.0', id: 'root', description: '', links: [{ rel: 'child', href: './scenes/collection.json' }, { rel: 'child', href: './other.json' }] });
  server.documents.set('/other.json', { ...plain('other'), links: [{ rel: 'item', href: './foreign.json' }] });
  server.documents.set('/foreign.json', { ...items[0], id: 'foreign', collection: 'other' });
  server.documents.set('/items.json', { type: 'FeatureCollection', features: items });
  federation = await startFederation(server.host, {}, fresh.database);
});
afterEach(async () => {
  await federation.stop();
  await server.close();
});

async function walk(query: Partial<ItemQuery> = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let token: string | undefined; ;) {
    const page: ItemPage = await federation.catalog.search({ limit: 7, collections: ['away'], ...query, ...(token === undefined ? {} : { token }) });
    ids.push(...page.items.map(({ id }) => id));
    if (page.next === null) return ids;
    token = page.next;
  }
}

describe.each(['/scenes/collection.json', '/catalog.json', '/items.json'])('%s', (path) => {
  beforeEach(() => federation.catalog.putCollection(federated('away', { url: `${server.url}${path}`, collection: 'scenes' })));

  it('is searched and sorted here', async () => {
    const newest = items.toSorted((a, b) => Date.parse(b.properties.datetime!) - Date.parse(a.properties.datetime!) || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
    expect(await walk()).toEqual(newest);
    expect(await walk({ sortby: [{ property: 'id', direction: 'asc' }] })).toEqual(items.map(({ id }) => id));
    const filter = readFilter("eo:cloud_cover < 40 AND CASEI(platform) LIKE CASEI('%2A')", 'cql2-text');
    expect((await walk({ filter })).toSorted()).toEqual(items.filter(({ properties }) => Number(properties['eo:cloud_cover'] ?? 99) < 40 && properties['platform'] === 'sentinel-2a').map(({ id }) => id));
    expect((await federation.catalog.search({ limit: 3, collections: ['away'] })).numberMatched).toBe(30);
  });

  it('gives single items and what is loaded', async () => {
    expect(await federation.catalog.get('away', 'item-007')).toMatchObject({ id: 'item-007', collection: 'away' });
    expect(await federation.catalog.get('away', 'foreign')).toBeNull();
    const loaded = await federation.catalog.items({ collection: 'away', bbox: null, interval: ['2024-01-02T00:00:00Z', '2024-01-04T00:00:00Z'] });
    expect(loaded.map(({ id }) => id)).toEqual(['item-003', 'item-004', 'item-005', 'item-006', 'item-007', 'item-008']);
  });
});

it('all documents of a static catalog are asked for with the headers of its definition, those elsewhere are not', async () => {
  const elsewhere = await startStacServer();
  const sent: (string | undefined)[] = [];
  elsewhere.documents.set('/item.json', (request, response) => {
    sent.push(request.headers['x-key'] as string | undefined);
    response.end(JSON.stringify({ ...items[0], id: 'elsewhere' }));
  });
  server.documents.set('/other.json', { ...plain('scenes'), links: [{ rel: 'item', href: `${elsewhere.url}/item.json` }] });
  for (const [path, document] of server.documents) {
    server.documents.set(path, (request, response) => {
      response.writeHead(request.headers['x-key'] === 'hush' ? 200 : 401).end(JSON.stringify(document));
    });
  }
  const locked = await startFederation(server.host, { secrets: { key: 'hush' }, fetch: guardedFetch({ allowedHosts: [server.host, elsewhere.host] }) }, fresh.database);
  await locked.catalog.putCollection(federated('locked', { url: `${server.url}/catalog.json`, collection: 'scenes', headers: { 'x-key': 'key' } }));
  expect((await locked.catalog.search({ limit: 50, collections: ['locked'] })).numberMatched).toBe(31);
  expect(sent).toEqual([undefined]);
  await elsewhere.close();
});

it('a static catalog with a broken part is reported', async () => {
  await federation.catalog.putCollection(federated('away', { url: `${server.url}/catalog.json`, collection: 'scenes' }));
  server.documents.delete('/other.json');
  await expect(walk()).rejects.toMatchObject({ code: 'UpstreamUnavailable', message: expect.stringContaining('404') as string });
});

it('relative hrefs are relative to the item', async () => {
  await federation.catalog.putCollection(federated('away', { url: `${server.url}/catalog.json`, collection: 'scenes' }));
  expect((await federation.catalog.get('away', 'item-001'))!.assets['red']!.href).toBe(`${server.url}/scenes/red.tif`);
});
