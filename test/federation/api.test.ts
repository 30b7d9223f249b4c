/** Collections of other catalogs through the STAC API: what clients see, also when a catalog fails. */
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import express from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createStacRouter } from '../../src/api/stac/router.ts';
import { silentLog } from '../../src/log.ts';
import { startDouble, type Double } from './double.ts';
import { federated, plain, square, squares, startFederation, type Federation } from './federation.ts';

let double: Double;
let federation: Federation;
let server: Server;
let url: string;
const items = squares('s2', 25);

beforeAll(async () => {
  double = await startDouble({ collection: 's2', items });
  federation = await startFederation(double.host, { timeoutMs: 2000 });
  const { catalog } = federation;
  await catalog.putCollection(federated('away', { url: double.url, collection: 's2' }));
  await catalog.putCollection(plain('here'));
  await catalog.putItems('here', [square('here', 'ours', '2024-01-01T00:00:00Z', 0, 0)]);
  const app = express();
  server = app.listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stac`;
  app.use('/stac', createStacRouter({ baseUrl: url, title: 'T', description: 'D', collections: catalog, items: catalog, signAsset: (_c, _i, key) => `/signed/${key}`, log: silentLog }));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await federation.stop();
  await double.close();
});
afterEach(() => {
  double.trouble = null;
  double.items = items;
});

type Body = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- answers are looked into freely

async function get(path: string): Promise<{ status: number; headers: Headers; body: Body }> {
  const response = await fetch(path.startsWith('http') ? path : `${url}${path}`);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
}

const failing = () => {
  double.trouble = (_, response) => {
    response.writeHead(429, { 'retry-after': '7' }).end();
    return true;
  };
};

describe('the STAC API', () => {
  it('pages through all of a collection that lies elsewhere, by GET and by POST', async () => {
    const ids: string[] = [];
    for (let next: string | undefined = '/collections/away/items?limit=10'; next !== undefined;) {
      const { body } = await get(next);
      ids.push(...(body['features'] as Body[]).map((item) => String(item['id'])));
      next = (body['links'] as Body[]).find((link) => link['rel'] === 'next')?.['href'] as string | undefined;
    }
    expect(ids.toSorted()).toEqual(items.map(({ id }) => id).toSorted());
    const posted = new Set<string>();
    for (let body: object | undefined = { collections: ['away'], limit: 10, query: { platform: { eq: 'sentinel-2a' } } }; body !== undefined;) {
      const answer = (await (await fetch(`${url}/search`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json()) as Body;
      for (const item of answer['features'] as Body[]) posted.add(String(item['id']));
      body = (answer['links'] as Body[]).find((link) => link['rel'] === 'next')?.['body'] as object | undefined;
    }
    expect(posted.size).toBe(13);
  });

  it('links items to this service, and their files to where they are', async () => {
    const { body } = await get('/collections/away/items/item-001');
    expect(body).toMatchObject({ collection: 'away', assets: { red: { href: 'https://example.org/red.tif' } } });
    expect((body['links'] as Body[]).filter((link) => link['rel'] !== 'via').every((link) => String(link['href']).startsWith(url))).toBe(true);
  });

  it('never gives out files of its own under the name of others', async () => {
    const evil = (href: string) => ({ href, type: 'image/tiff; application=geotiff', bands: [{ name: 'B04' }] });
    double.items = [{ ...items[0], assets: { a: evil('file:///etc/passwd'), b: evil('object:secret/of-others'), c: evil('data:text/html,x'), d: evil('https://example.org/ok.tif') }, links: [{ rel: 'self', href: 'javascript:alert(1)' }] }];
    const { body } = await get('/collections/away/items/item-000');
    expect(Object.keys(body['assets'] as object)).toEqual(['d']);
    expect(JSON.stringify(body)).not.toMatch(/signed|passwd|javascript/);
    expect((await federation.catalog.items({ collection: 'away', bbox: null, interval: null })).flatMap((item) => Object.keys(item.assets))).toEqual(['d']);
  });

  it('counts what it can read', async () => {
    const { body } = await get('/aggregate?collections=away&aggregations=total_count,collection_frequency');
    expect((body['aggregations'] as Body[])[0]).toMatchObject({ name: 'total_count', value: 25 });
  });

  // From here on the catalog has failed, and is left alone for a while.
  it('tells which collections are missing in a search of all', async () => {
    failing();
    const { status, body } = await get('/search?limit=5');
    expect(status).toBe(200);
    expect((body['features'] as Body[]).map((item) => item['id'])).toEqual(['ours']);
    expect(body['lamina:missing']).toEqual([{ collection: 'away', code: 'UpstreamUnavailable', description: expect.stringContaining('away') as string }]);
    expect(body).not.toHaveProperty('numberMatched');
  });

  it.each(['/search?collections=away', '/collections/away/items', '/collections/away/items/item-002'])('answers %s with 503 and when to come back', async (path) => {
    failing();
    const { status, headers, body } = await get(path);
    expect([status, body['code']]).toEqual([503, 'UpstreamUnavailable']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1:\d+\/v1|stack/);
  });

  it('describes the collection without its catalog', async () => {
    failing();
    expect((await get('/collections/away')).status).toBe(200);
    expect((await get('/collections')).body['collections']).toHaveLength(2);
    expect((await get('/collections/away/queryables')).status).toBe(200);
  });
});
