/** The checks of stac-api-validator for core, collections and features, against our own service. */
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStacRouter } from '../../../src/api/stac/router.ts';
import { createLog } from '../../../src/log.ts';
import { operations } from '../../../src/api/stac/openapi.ts';
import { fill, list, startService, type Json, type Service } from './service.ts';
import { hasSchemas, problemsOf } from './validator.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
});
afterAll(() => service.stop());

const link = (body: Json, rel: string, method?: string) => list(body['links']!).find((l) => l['rel'] === rel && (method === undefined || l['method'] === method))!;

describe('core', () => {
  it('has a landing page with everything in it', async () => {
    const { status, type, body } = await service.get('/');
    expect([status, type]).toEqual([200, 'application/json']);
    expect(body).toMatchObject({ type: 'Catalog', stac_version: '1.1.0' });
    for (const name of ['core', 'collections', 'ogcapi-features', 'item-search']) expect(body['conformsTo']).toContain(`https://api.stacspec.org/v1.0.0/${name}`);
    expect(list(body['conformsTo']!).every((uri) => !uri.includes('/req/'))).toBe(true);
    expect(link(body, 'root')).toMatchObject({ type: 'application/json', href: `${service.url}/` });
    expect(link(body, 'self')).toMatchObject({ type: 'application/json', href: `${service.url}/` });
  });

  it('describes itself under the media types of its links', async () => {
    const { body } = await service.get('/');
    for (const rel of ['service-desc', 'service-doc', 'conformance', 'data', 'http://www.opengis.net/def/rel/ogc/1.0/queryables']) {
      const { href, type } = link(body, rel) as unknown as { href: string; type: string };
      const answer = await service.get(href, { accept: type });
      expect([rel, answer.status, answer.type?.replace('; charset=utf-8', '')]).toEqual([rel, 200, type]);
    }
    expect((await service.get('/api.html')).text).toContain('nothing &lt;else&gt;');
  });

  it('serves every operation of its OpenAPI document and documents every link', async () => {
    const { body } = await service.get('/api');
    expect(body['openapi']).toBe('3.0.3');
    expect(JSON.stringify(body)).not.toMatch(/"\$ref":"http/);
    for (const [method, path] of operations()) {
      const url = path.replace('{collectionId}', 'MONTHS').replace('{itemId}', 'm01');
      if (method !== 'get' && path !== '/search') {
        // This catalog can only be read: the route is there and says so.
        const refused = await fetch(service.url + url, { method: method.toUpperCase() });
        expect([method, path, (await refused.json() as { code: string }).code]).not.toEqual([method, path, 'NotFound']);
        continue;
      }
      const answer = method === 'get' ? await service.get(url) : await service.post(url, {});
      expect([method, path, answer.status]).toEqual([method, path, 200]);
    }
  });

  it('has the same conformance classes on the landing page and at /conformance', async () => {
    const [landing, conformance] = await Promise.all([service.get('/'), service.get('/conformance')]);
    expect(new Set(conformance.body['conformsTo'])).toEqual(new Set(landing.body['conformsTo']));
  });

  it('leads to all collections through child links', async () => {
    const { body } = await service.get('/');
    const children = list(body['links']!).filter((l) => l['rel'] === 'child');
    expect(children.length).toBe(4);
    for (const child of children) expect((await service.get(child['href']!)).body['type']).toBe('Collection');
  });
});

describe('collections', () => {
  it('are listed, each with its links', async () => {
    const { body, type } = await service.get('/collections');
    expect(type).toBe('application/json');
    expect(body['type']).toBeUndefined();
    expect(link(body, 'self')['href']).toBe(link((await service.get('/')).body, 'data')['href']);
    expect(link(body, 'root')['href']).toBe(`${service.url}/`);
    expect(list(body['collections']!).map((c) => c['id'])).toEqual(['AWAY', 'EAST', 'MONTHS', 'empty one']);
    for (const collection of body['collections']!) {
      const alone = await service.get(link(collection, 'self')['href']!);
      expect(alone.body).toEqual(collection);
      expect(link(collection, 'root')).toBeDefined();
      expect(link(collection, 'parent')).toBeDefined();
      expect((await service.get(link(collection, 'items')['href']!)).status).toBe(200);
    }
  });

  it('that do not exist are not found', async () => {
    for (const path of ['/collections/none', '/collections/none/items', '/collections/none/items/m01', '/collections/none/queryables', '/collections/a%00b', '/nothing']) {
      const { status, body, type } = await service.get(path);
      expect([path, status, type, body['code']]).toEqual([path, 404, 'application/json', 'NotFound']);
    }
  });

  it('answer malformed paths with 400', async () => {
    expect((await service.get('/collections/%E0%A4%A')).status).toBe(400);
  });
});

describe('features', () => {
  it('are listed under the collection with the links of the standard', async () => {
    const { body, type, status } = await service.get('/collections/MONTHS/items');
    expect([status, type]).toEqual([200, 'application/geo+json']);
    expect(body).toMatchObject({ type: 'FeatureCollection', numberMatched: 12, numberReturned: 10 });
    expect(link(body, 'self')['href']).toBe(link((await service.get('/collections/MONTHS')).body, 'items')['href']);
    expect(link(body, 'root')).toBeDefined();
    expect(list(body['features']!)[0]!['id']).toBe('m12');
  });

  it('are found alone and not found when absent', async () => {
    const { body, type } = await service.get('/collections/MONTHS/items/m03');
    expect(type).toBe('application/geo+json');
    expect(link(body, 'self')['href']).toBe(`${service.url}/collections/MONTHS/items/m03`);
    for (const rel of ['root', 'parent', 'collection']) expect(link(body, rel)).toBeDefined();
    expect((await service.get('/collections/MONTHS/items/none')).status).toBe(404);
    expect((await service.get('/collections/EAST/items/m03')).status).toBe(404);
  });

  it('keep links of their source but never show where files lie', async () => {
    const { body, text } = await service.get('/collections/MONTHS/items/m03');
    expect(link(body, 'via')['href']).toBe('https://example.org/source');
    const origin = service.url.replace('/stac', '');
    expect(body['assets']!['data']!['href']).toBe(`${origin}/assets/MONTHS.m03.data`);
    expect(body['assets']!['stored']!['href']).toBe(`${origin}/assets/MONTHS.m03.stored`);
    expect(body['assets']!['public']!['href']).toBe('https://example.org/preview.png');
    for (const path of ['/collections/MONTHS/items/m03', '/collections/MONTHS/items', '/search', '/collections']) expect((await service.get(path)).text).not.toMatch(/secret|object:|file:/);
    expect(text).toContain('/assets/');
  });

  it('come in pages that keep their conditions', async () => {
    const seen: string[] = [];
    let url: string | undefined = '/collections/MONTHS/items?limit=5&datetime=2020-03-01T00:00:00Z/..';
    const sizes: number[] = [];
    while (url !== undefined) {
      const { body } = await service.get(url);
      expect(body['numberMatched']).toBe(10);
      sizes.push(Number(body['numberReturned']));
      seen.push(...list(body['features']!).map((f) => f['id']!));
      const next = link(body, 'next');
      if (next !== undefined) expect(next['href']).not.toBe(url);
      url = next?.['href'];
    }
    expect(sizes).toEqual([5, 5]);
    expect(new Set(seen).size).toBe(10);
  });

  it('answer 304 when the client has them already', async () => {
    // fetch() forbids caches when it sees the header, so this one is plain HTTP.
    const ask = (headers: Record<string, string>) => new Promise<IncomingMessage>((done) => void get(`${service.url}/collections/MONTHS/items/m03`, { headers }, done));
    const first = await ask({});
    first.resume();
    const again = await ask({ 'if-none-match': first.headers.etag! });
    again.resume();
    expect([first.statusCode, again.statusCode]).toEqual([200, 304]);
  });
});

describe('everything served', () => {
  if (!hasSchemas) it.skip('skipped: ../shared/spec/stac/schemas is absent');
  else it('validates against the STAC schemas', async () => {
    const [landing, collections, items] = await Promise.all([service.get('/'), service.get('/collections'), service.get('/search?limit=2')]);
    for (const object of [landing.body, ...list(collections.body['collections']!), ...list(items.body['features']!)]) expect([object['id'], await problemsOf(object)]).toEqual([object['id'], []]);
  });
});

it('answers a failure of its own with 500 and tells the log, not the client', async () => {
  const fail = () => Promise.reject(new Error('password=hunter2 at /srv/secret'));
  const entries: string[] = [];
  const app = express().use('/stac', createStacRouter({
    baseUrl: 'http://localhost/stac', title: 't', description: 'd', collections: { collections: fail, collection: fail }, items: { search: fail, get: fail },
    signAsset: () => '/', log: createLog((entry) => entries.push(entry.message)),
  }));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/stac/search`);
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({ id: expect.stringMatching(/^[\da-f-]{36}$/), code: 'Internal', description: 'The server failed to answer this request.', message: 'The server failed to answer this request.', links: [] });
  expect(entries[0]).toContain('hunter2');
  server.closeAllConnections();
  server.close();
});
