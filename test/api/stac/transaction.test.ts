/** Layers through the STAC API: published, replaced, removed, and seen only by those who may. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStacRouter } from '../../../src/api/stac/router.ts';
import { combineItemSources } from '../../../src/catalog/item-source.ts';
import { layerItems } from '../../../src/layers/layer-items.ts';
import { isVisible } from '../../../src/layers/layer.ts';
import { VirtualCatalog } from '../../../src/layers/virtual-catalog.ts';
import { silentLog } from '../../../src/log.ts';
import { definition, embed, load, startDefinitions, type Definitions } from '../../layers/definitions.ts';

let world: Definitions;
let server: Server;
let url: string;

beforeAll(async () => {
  world = await startDefinitions();
  const { store, operators, engine, publisher } = world;
  const virtual = new VirtualCatalog(store, operators);
  const app = express();
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stac`;
  app.use('/stac', createStacRouter({
    baseUrl: url, title: 'Test', description: 'Test', publisher, log: silentLog, signAsset: (_collection, _item, _key, href) => href,
    // Whoever says a name is that user: tokens have tests of their own.
    visitor: async (request) => request.headers.authorization ?? null,
    collections: {
      collections: async (user = null) => Promise.all((await store.collections()).filter((c) => isVisible(c, user)).map((c) => virtual.describe(c))),
      collection: async (id, user = null) => {
        const stored = await store.collection(id);
        return stored && isVisible(stored, user) ? virtual.describe(stored) : null;
      },
    },
    items: combineItemSources([store, layerItems(store, operators, engine)]),
  }));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await world.fresh.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function call(method: string, path: string, user: string | null = null, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const answer = await fetch(url + path, { method, headers: { 'content-type': 'application/json', ...(user === null ? {} : { authorization: user }), ...headers }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
}

const graph = { load: load('S2'), embed: embed() };
const ids = async (user: string | null) => ((await call('GET', '/collections', user)).body['collections'] as { id: string }[]).map(({ id }) => id);

describe('POST /collections', () => {
  it('publishes a layer and tells to which operator its name led', async () => {
    const { status, headers, body } = await call('POST', '/collections', 'ann', definition('L', graph));
    expect([status, headers.get('location')]).toEqual([201, `${url}/collections/L`]);
    expect(body).toMatchObject({ id: 'L', version: '1', 'emb:dimensions': 32, 'lamina:layer': { owner: 'ann', sources: ['S2'] }, 'lamina:published': { change: 'created', operators: { pca: world.operators.resolve('pca').reference } } });
    expect((await call('GET', '/collections/L')).body).not.toHaveProperty('lamina:published');
  });

  it('needs a user, a layer, and an id that is free', async () => {
    const stranger = await call('POST', '/collections', null, definition('X', graph));
    expect([stranger.status, stranger.body['code'], stranger.headers.get('www-authenticate')]).toEqual([401, 'AuthenticationRequired', 'Bearer realm="Lamina"']);
    expect((await call('POST', '/collections', 'ann', '{')).body).toMatchObject({ code: 'InvalidBody' });
    const raw = await call('POST', '/collections', 'ann', { type: 'Collection', id: 'X', description: 'x', license: 'other' });
    expect([raw.status, raw.body['description']]).toEqual([400, expect.stringMatching(/\/lamina:layer is missing.*lamina ingest/)]);
    expect(await call('POST', '/collections', 'bob', definition('L', graph))).toMatchObject({ status: 409, body: { code: 'CollectionExists' } });
    expect(await ids('ann')).not.toContain('X');
  });

  it('names every fault with its path, and the code of a single one', async () => {
    const one = await call('POST', '/collections', 'ann', definition('X', { load: load('S2', { bands: ['B04'] }), embed: embed() }));
    expect(one).toMatchObject({ status: 400, body: { code: 'OperatorBandsMissing', faults: [{ path: '/lamina:layer/process_graph/embed/arguments/data', code: 'OperatorBandsMissing' }] } });
    const two = await call('POST', '/collections', 'ann', definition('X', graph, { policy: 'now', colour: 1 }));
    expect(two.body).toMatchObject({ code: 'LayerInvalid', faults: [{ path: '/lamina:layer/colour' }, { path: '/lamina:layer/policy' }] });
    expect(two.body['description']).toMatch(/\/lamina:layer\/colour is unknown.*; \/lamina:layer\/policy must be 'lazy' or 'eager'/);
  });
});

describe('PUT and DELETE /collections/{collection_id}', () => {
  it('are for the owner', async () => {
    for (const [user, status] of [[null, 401], ['bob', 403]] as const) {
      expect((await call('PUT', '/collections/L', user, definition('L', graph))).status).toBe(status);
      expect((await call('DELETE', '/collections/L', user)).status).toBe(status);
    }
    expect((await call('DELETE', '/collections/S2', 'ann')).status).toBe(403);
    expect((await call('PUT', '/collections/NONE', 'ann', definition('NONE', graph))).status).toBe(404);
  });

  it('change and remove what the client has read, under If-Match', async () => {
    const read = async () => (await call('GET', '/collections/L', 'ann')).headers.get('etag')!;
    const before = await read();
    const titled = (title: string) => ({ ...definition('L', graph), title });
    expect((await call('PUT', '/collections/L', 'ann', titled('One'), { 'if-match': before })).status).toBe(200);
    expect(await call('PUT', '/collections/L', 'ann', titled('Two'), { 'if-match': before })).toMatchObject({ status: 412, body: { code: 'PreconditionFailed' } });
    expect((await call('DELETE', '/collections/L', 'ann', undefined, { 'if-match': before })).status).toBe(412);
    expect((await call('GET', '/collections/L')).body).toMatchObject({ title: 'One' });
    expect((await call('PUT', '/collections/L', 'ann', definition('L', graph), { 'if-match': await read() })).status).toBe(200);
  });

  it('make versions and remove them all', async () => {
    const put = await call('PUT', '/collections/L', 'ann', definition('L', { load: load('S2'), embed: embed('load', 'conv') }));
    expect(put).toMatchObject({ status: 200, body: { version: '2', 'lamina:published': { change: 'new version' } } });
    expect((await call('GET', '/collections/L.v1')).body).toMatchObject({ deprecated: true, version: '1', links: expect.arrayContaining([{ rel: 'successor-version', href: `${url}/collections/L`, type: 'application/json', title: 'L' }]) as unknown });
    expect((await call('GET', '/collections/L.v1/items/s0')).body).toMatchObject({ collection: 'L.v1', assets: { embeddings: { 'proj:shape': [65, 125] } } });
    await call('POST', '/collections', 'bob', definition('UPON', { load: load('L', { bands: ['e000'] }), f: { process_id: 'filter_bands', arguments: { data: { from_node: 'load' }, bands: ['e000'] }, result: true } }));
    expect(await call('DELETE', '/collections/L', 'ann')).toMatchObject({ status: 409, body: { code: 'CollectionInUse', description: expect.stringMatching(/'UPON'/) as unknown } });
    expect((await call('DELETE', '/collections/UPON', 'bob')).status).toBe(204);
    expect((await call('DELETE', '/collections/L', 'ann')).status).toBe(204);
    expect((await ids('ann')).filter((id) => id.startsWith('L'))).toEqual([]);
  });
});

describe('a private layer', () => {
  it('is there for its owner only', async () => {
    expect((await call('POST', '/collections', 'ann', definition('HERS', graph, { visibility: 'private' }))).status).toBe(201);
    for (const [user, status] of [['ann', 200], ['bob', 404], [null, 404]] as const) {
      for (const path of ['/collections/HERS', '/collections/HERS/items', '/collections/HERS/items/s0', '/collections/HERS/queryables']) expect([path, user, (await call('GET', path, user)).status]).toEqual([path, user, status]);
      expect((await ids(user)).includes('HERS')).toBe(status === 200);
      const links = (await call('GET', '/', user)).body['links'] as { href: string }[];
      expect(links.some(({ href }) => href.endsWith('/HERS'))).toBe(status === 200);
      for (const found of [await call('GET', '/search?collections=HERS', user), await call('POST', '/search', user, { collections: ['HERS'] })]) expect(found.body['numberReturned']).toBe(status === 200 ? 3 : 0);
    }
    expect((await call('GET', '/collections/HERS', 'ann')).headers.get('cache-control')).toBe('private, no-cache');
    expect((await call('PUT', '/collections/HERS', 'bob', definition('HERS', graph))).status).toBe(404);
    expect((await call('DELETE', '/collections/HERS', 'bob')).status).toBe(404);
    // Pages over everything hold nothing of it either.
    expect(JSON.stringify((await call('GET', '/search?limit=100')).body)).not.toContain('HERS');
  });
});
