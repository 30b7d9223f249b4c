/** Items of raw collections written through the STAC API, on a real database. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createStacRouter } from '../../../src/api/stac/router.ts';
import { ItemEditor } from '../../../src/catalog/ingest/edit-items.ts';
import { mergePatch } from '../../../src/catalog/ingest/merge-patch.ts';
import { guardedFetch } from '../../../src/catalog/remote/guarded-fetch.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import type { StacItem } from '../../../src/catalog/types.ts';
import { Watches } from '../../../src/catalog/watches.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { silentLog } from '../../../src/log.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { layerCollection, rawCollection, writeItem } from '../../layers/service.ts';

let fresh: FreshDatabase;
let store: CatalogStore;
let folder: string;
let stored: StacItem;
let files: Server;
let api: Server;
let url: string;
let fileUrl: string;
const rasters = new RasterCache();

const portOf = (server: Server) => (server.address() as AddressInfo).port;
const listening = (server: Server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', done));

beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
  folder = await mkdtemp(join(tmpdir(), 'lamina-items-'));
  stored = await writeItem(folder, 'old', '2021-05-01T00:00:00Z', (band) => 20 + band * 40);
  const path = fileURLToPath(stored.assets['data']!.href);
  files = createServer((request, response) => {
    void (async () => {
      if (request.url !== '/scene.tif') return response.writeHead(404).end();
      const { size } = await stat(path);
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? ['', '0', String(size - 1)];
      const end = Math.min(Number(to), size - 1);
      response.writeHead(206, { 'content-range': `bytes ${from}-${end}/${size}`, 'content-length': end - Number(from) + 1, etag: '"1"' });
      return createReadStream(path, { start: Number(from), end }).pipe(response);
    })();
  });
  await listening(files);
  fileUrl = `http://127.0.0.1:${portOf(files)}`;
  const allowedHosts = [`127.0.0.1:${portOf(files)}`];
  const guarded = rasters.forUrls({ fetch: guardedFetch({ allowedHosts }), attempts: 1 });
  const editor = new ItemEditor({ store, watches: new Watches(fresh.database), rasters: guarded, allowedHosts, editors: new Set(['ann']), ownBucket: 'lamina' });
  const app = express();
  api = createServer(app);
  await listening(api);
  url = `http://127.0.0.1:${portOf(api)}/stac`;
  app.use('/stac', createStacRouter({
    baseUrl: url, title: 'T', description: 'T', collections: store, items: store, editor, log: silentLog,
    visitor: async (request) => (request.headers['x-user'] as string | undefined) ?? null,
    signAsset: (collection, item, key) => `/assets/items/${collection}/${item}/${key}?expires=${Math.random()}`,
  }));
});
afterAll(async () => {
  for (const server of [api, files]) {
    server.closeAllConnections();
    server.close();
  }
  await rasters.close();
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await store.deleteCollection('LAYER');
  await store.deleteCollection('RAW');
  await store.putCollection(rawCollection);
  await store.putCollection(layerCollection);
});

async function ask(method: string, path: string, body?: unknown, user: string | null = 'ann', headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, { method, headers: { 'content-type': 'application/geo+json', ...(user ? { 'x-user': user } : {}), ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: (text === '' ? null : JSON.parse(text)) as { code?: string; description?: string; [key: string]: unknown } };
}

const at = '/collections/RAW/items';
/** Without projection and bands: they are in the file. */
const fresher = (id = 'new', more: object = {}) => ({
  type: 'Feature', stac_version: '1.0.0', id, collection: 'RAW', geometry: stored.geometry, bbox: stored.bbox, links: [],
  properties: { datetime: '2021-08-01T10:00:00Z', 'eo:cloud_cover': '3.14' },
  assets: { data: { href: `${fileUrl}/scene.tif`, type: 'image/tiff; application=geotiff', roles: ['data'] } }, ...more,
});
const withHref = (href: string) => fresher('bad', { assets: { data: { href, type: 'image/tiff' } } });

describe('If-Match', () => {
  const tagOf = async (path: string) => (await ask('GET', path)).headers.get('etag')!;
  const only = (tag: string) => ({ 'if-match': tag });

  it('lets one of two clients change an item that both have read', async () => {
    await ask('POST', at, fresher());
    const [first, second] = [await tagOf(`${at}/new`), await tagOf(`${at}/new`)];
    // Signed links differ from answer to answer; the state is the same.
    expect(first).toMatch(/^W\/"[\w-]{22}\.[\w-]{22}"$/);
    expect((await ask('PATCH', `${at}/new`, { properties: { a: 1 } }, 'ann', only(first))).status).toBe(204);
    const late = await ask('PATCH', `${at}/new`, { properties: { a: 2 } }, 'ann', only(second));
    expect([late.status, late.body.code, late.body.description]).toEqual([412, 'PreconditionFailed', expect.stringContaining('\'new\'')]);
    expect((await ask('PUT', `${at}/new`, fresher(), 'ann', only(second))).status).toBe(412);
    expect((await ask('DELETE', `${at}/new`, undefined, 'ann', only(second))).status).toBe(412);
    expect((await store.get('RAW', 'new'))!.properties['a']).toBe(1);
    expect((await ask('DELETE', `${at}/new`, undefined, 'ann', only(`"other", ${await tagOf(`${at}/new`)}`))).status).toBe(204);
    expect((await ask('DELETE', `${at}/new`, undefined, 'ann', only('*'))).status).toBe(412);
  });

  it('holds also against those who change the item while its files are opened', async () => {
    await ask('POST', at, fresher());
    const tag = await tagOf(`${at}/new`);
    const all = await Promise.all([1, 2, 3, 4].map((a) => ask('PATCH', `${at}/new`, { properties: { a } }, 'ann', only(tag))));
    expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 412, 412, 412]);
  });

  it('is for collections, too, whatever else they show', async () => {
    expect(await tagOf('/collections/RAW')).toMatch(/^W\/"[\w-]{22}\.[\w-]{22}"$/);
    await store.putCollection({ ...rawCollection, title: 'Another' });
    expect(await tagOf('/collections/RAW')).not.toBe(await tagOf('/collections/LAYER'));
  });
});

describe('POST items', () => {
  it('creates an item, with what only its file knows, and the collection reaches as far', async () => {
    const made = await ask('POST', at, fresher());
    expect([made.status, made.headers.get('content-type'), made.headers.get('location')]).toEqual([201, 'application/geo+json', `${url}${at}/new`]);
    const item = (await store.get('RAW', 'new'))!;
    expect(item).toMatchObject({ stac_version: '1.1.0', assets: { data: { 'proj:code': 'EPSG:32631', 'proj:shape': [128, 128], data_type: 'uint16' } } });
    expect(item.assets['data']!.bands!.map((band) => band.name)).toEqual(['B02', 'B08']);
    expect((await store.anchors('RAW')).get('EPSG:32631')).toMatchObject({ x: 600_000, y: 5_600_000 });
    expect((await store.collection('RAW'))!.extent.temporal.interval[0]![1]).toBe('2021-08-01T10:00:00Z');
    expect((await ask('POST', at, fresher())).body).toMatchObject({ code: 'ItemExists' });
    expect((await ask('POST', at, fresher())).status).toBe(409);
  });

  it('creates all items of an ItemCollection or none', async () => {
    await store.putItems('RAW', [stored]);
    const all = (ids: string[]) => ({ type: 'FeatureCollection', features: ids.map((id) => fresher(id)) });
    expect((await ask('POST', at, all(['a', 'old']))).status).toBe(409);
    expect((await ask('POST', at, all(['a', 'a']))).body.description).toContain('twice');
    expect((await ask('POST', at, { type: 'FeatureCollection', features: [] })).status).toBe(400);
    expect(await store.get('RAW', 'a')).toBeNull();
    expect((await ask('POST', at, all(['a', 'b']))).body['features']).toHaveLength(2);
  });

  it('is for editors, and for raw collections', async () => {
    const visitor = await ask('POST', at, fresher(), null);
    expect([visitor.status, visitor.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="Lamina"']);
    expect((await ask('POST', at, fresher(), 'bob')).body).toMatchObject({ code: 'PermissionsInsufficient', description: expect.stringContaining('LAMINA_EDITORS') });
    const layer = await ask('POST', '/collections/LAYER/items', fresher());
    expect([layer.status, layer.body.description]).toEqual([403, expect.stringContaining('\'LAYER\' is a layer')]);
    expect((await ask('POST', '/collections/NONE/items', fresher())).status).toBe(404);
    expect(await store.get('RAW', 'new')).toBeNull();
  });

  it('refuses places that a client must not name', async () => {
    const bad: [string, string][] = [
      ['file:///etc/passwd', 'must be an absolute http'], ['/etc/passwd', 'must be an absolute http'], ['s3://bucket/x.tif', 'must be an absolute http'],
      ['http://ann:secret@example.org/x.tif', 'without a password'], ['object:blocks/secret', 'only below a prefix'], ['http://169.254.169.254/latest', 'not a public address'],
      ['http://127.0.0.1:1/x.tif', 'not a public address'], ['http://[::1]/x.tif', 'not a public address'], [`${fileUrl}/none.tif`, 'can\'t be read'],
    ];
    for (const [href, why] of bad) {
      const { status, body } = await ask('POST', at, withHref(href));
      expect([href, status, body.code, body.description]).toEqual([href, 400, 'ItemInvalid', expect.stringContaining(why)]);
    }
  });

  it('refuses texts that can\'t be stored, wherever they stand', async () => {
    await store.putItems('RAW', [stored]);
    for (const text of ['a\0b', '\ud800', 'a\udfff']) {
      const places: object[] = [
        { id: text }, { properties: { datetime: '2021-08-01T10:00:00Z', note: text } }, { properties: { datetime: '2021-08-01T10:00:00Z', [text]: 1 } }, { properties: { datetime: '2021-08-01T10:00:00Z', deep: [{ list: [text] }] } },
        { assets: { [text]: fresher().assets.data } }, { assets: { data: { ...fresher().assets.data, title: text } } }, { links: [{ rel: 'via', href: 'https://example.org/', title: text }] }, { [text]: 1 },
      ];
      for (const more of places) {
        const { status, body } = await ask('POST', at, fresher('odd', more));
        expect([JSON.stringify(more), status, body.code, body.description], JSON.stringify(body)).toEqual([JSON.stringify(more), 400, 'ItemInvalid', expect.stringMatching(/`id`|`(note|deep|assets|links|properties|a.b|.{1,2})[^`]*` has a NUL character or half of a surrogate pair/)]);
      }
      expect((await ask('POST', at, fresher('odd', { properties: { datetime: '2021-08-01T10:00:00Z', deep: [1, { list: ['x', text] }] } }))).body.description).toContain('`properties.deep[1].list[1]`');
      expect((await ask('PATCH', `${at}/old`, { properties: { note: text } })).status).toBe(400);
    }
    expect(await store.get('RAW', 'odd')).toBeNull();
    // The six signs themselves are a text like any other.
    const six = { datetime: '2021-08-01T10:00:00Z', note: '\\u0000 \\ud800' };
    expect((await ask('POST', at, fresher('six', { properties: six }))).status).toBe(201);
    expect((await store.get('RAW', 'six'))!.properties['note']).toBe(six.note);
  });

  it('takes an item whose file can\'t be reached now, says so, and completes it later', async () => {
    const { 'proj:code': _, 'proj:shape': __, 'proj:transform': ___, bands: ____, ...bare } = stored.assets['data']! as Record<string, unknown>;
    const sent = fresher('far', { assets: { data: { ...bare, href: 'https://far.invalid/scene.tif' } } });
    const created = await fetch(`${url}${at}`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-user': 'ann' }, body: JSON.stringify(sent) });
    expect([created.status, created.headers.get('warning')]).toEqual([201, expect.stringContaining('asset \'data\' could not be reached')]);
    expect((await store.get('RAW', 'far'))!.properties['lamina:incomplete']).toEqual(['data']);
    // The same file behind a server that answers.
    expect((await ask('PATCH', `${at}/far`, { assets: { data: { href: `${fileUrl}/scene.tif` } } })).status).toBe(204);
    const completed = (await store.get('RAW', 'far'))!;
    expect(completed.properties).not.toHaveProperty('lamina:incomplete');
    expect(completed.assets['data']).toMatchObject({ 'proj:code': 'EPSG:32631', bands: [expect.anything(), expect.anything()] });
  });

  it('takes objects below a prefix that the collection watches, and nothing beside it', async () => {
    await new Watches(fresh.database).put({ bucket: 'lamina', prefix: 'incoming/', collection: 'RAW', url: null, bands: null, datetime: null });
    const full = (href: string) => fresher('o', { assets: { data: { ...stored.assets['data'], 'proj:code': 'EPSG:32631', href } } });
    expect((await ask('POST', at, full('object:incoming/../blocks/x'))).status).toBe(400);
    expect((await ask('POST', at, full('object:incoming/x.tif'))).status).toBe(201);
  });

  it('names the field that is wrong', async () => {
    const bad: [object, string][] = [
      [{ id: 'a/b' }, '`id`'], [{ id: undefined }, '`id`'], [{ type: 'Point' }, '`type`'], [{ stac_version: '0.9.0' }, '`stac_version`'], [{ collection: 'OTHER' }, '`collection`'],
      [{ geometry: null }, '`geometry`'], [{ geometry: { type: 'Polygon', coordinates: [[[0, 0]]] } }, '`geometry`'], [{ bbox: [1, 2, 3] }, '`bbox`'], [{ bbox: [0, 50, 1, 40] }, '`bbox`'],
      [{ properties: null }, '`properties`'], [{ properties: { datetime: '2021-08-01' } }, '`properties.datetime`'], [{ properties: { datetime: null } }, 'start_datetime'], [{ properties: {} }, '`properties.datetime`'],
      [{ properties: { datetime: '2021-08-01T00:00:00Z', note: 'a\u0000b' } }, 'NUL'], [{ assets: [] }, '`assets`'], [{ assets: { x: {} } }, '`assets.x.href`'],
    ];
    for (const [change, why] of bad) {
      const { status, body } = await ask('POST', at, fresher('n', change));
      expect([change, status, body.description]).toEqual([change, 400, expect.stringContaining(why)]);
    }
    expect((await ask('POST', at, [])).status).toBe(400);
    expect((await ask('POST', at, null)).status).toBe(400);
  });
});

describe('PUT, PATCH and DELETE of an item', () => {
  beforeEach(() => store.putItems('RAW', [stored]));

  it('takes an item back as it was given, and its file stays where it is', async () => {
    const shown = (await ask('GET', `${at}/old`)).body;
    expect(JSON.stringify(shown)).not.toContain('file:');
    const changed = { ...shown, properties: { ...(shown['properties'] as object), note: 'seen' } };
    expect(await ask('PUT', `${at}/old`, changed)).toMatchObject({ status: 204, text: '' });
    expect(await store.get('RAW', 'old')).toMatchObject({ properties: { note: 'seen' }, assets: { data: { href: stored.assets['data']!.href } }, links: [] });
  });

  it('changes fields by a merge patch', async () => {
    expect((await ask('PATCH', `${at}/old`, { properties: { note: 'new', old: 1 } })).status).toBe(204);
    expect((await ask('PATCH', `${at}/old`, { properties: { old: null } })).status).toBe(204);
    const { properties, assets } = (await store.get('RAW', 'old'))!;
    expect(properties).toMatchObject({ note: 'new', datetime: stored.properties.datetime });
    expect(properties).not.toHaveProperty('old');
    expect(assets['data']!.href).toBe(stored.assets['data']!.href);
    expect((await ask('PATCH', `${at}/old`, { assets: { data: { href: 'file:///etc/passwd' } } })).status).toBe(400);
    expect((await ask('PATCH', `${at}/old`, [1])).status).toBe(400);
  });

  it('is about items that there are, under their own id', async () => {
    expect((await ask('PUT', `${at}/none`, fresher('none'))).status).toBe(404);
    expect((await ask('PUT', `${at}/old`, fresher('other'))).body.description).toContain('not that of the path');
    expect((await ask('PUT', `${at}/old`, fresher('old', { collection: 'OTHER' }))).status).toBe(400);
    expect((await ask('DELETE', `${at}/old`, undefined, 'bob')).status).toBe(403);
    expect((await ask('DELETE', `${at}/old`)).status).toBe(204);
    expect((await ask('GET', `${at}/old`)).status).toBe(404);
    const again = await ask('DELETE', `${at}/old`);
    expect([again.status, again.headers.get('content-type')]).toEqual([204, null]);
  });

  it('is promised in the conformance classes', async () => {
    expect((await ask('GET', '/conformance')).body['conformsTo']).toEqual(expect.arrayContaining(['https://api.stacspec.org/v1.0.0/ogcapi-features/extensions/transaction']));
  });
});

describe('mergePatch', () => {
  it('does what the examples of RFC 7386 say', () => {
    const examples: [unknown, unknown, unknown][] = [
      [{ a: 'b' }, { a: 'c' }, { a: 'c' }], [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }], [{ a: 'b' }, { a: null }, {}], [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
      [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }], [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }], [['a', 'b'], ['c', 'd'], ['c', 'd']],
      [{ a: 'b' }, ['c'], ['c']], [{ e: null }, { a: 1 }, { e: null, a: 1 }], [[1, 2], { a: 'b', c: null }, { a: 'b' }], [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    ];
    for (const [target, patch, result] of examples) expect(mergePatch(target, patch)).toEqual(result);
    expect(Object.keys(mergePatch({}, JSON.parse('{"__proto__":{"x":1}}')) as object)).toEqual(['__proto__']);
  });
});
