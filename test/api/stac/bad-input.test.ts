/** Whatever is sent to the STAC API: it is answered with an error object or as if it were sound, never with 500. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

async function send(method: string, path: string, init: { body?: string | Buffer; headers?: Record<string, string> } = {}): Promise<{ status: number; text: string }> {
  const answer = await fetch(service.url + path, { method, headers: init.headers ?? {}, ...(init.body === undefined ? {} : { body: typeof init.body === 'string' ? init.body : new Uint8Array(init.body) }) });
  const text = await answer.text();
  // 501: this catalog can only be read.
  if (answer.status !== 501) expect(answer.status, `${method} ${path} ${text}`).toBeLessThan(500);
  expect(text).not.toMatch(/node_modules|\/src\/|\bat .*\.ts:\d/);
  if (answer.status >= 400 && method !== 'HEAD') expect(JSON.parse(text), path).toMatchObject({ id: expect.any(String), code: expect.any(String), message: expect.any(String), description: expect.any(String) });
  return { status: answer.status, text };
}

const routes = ['/', '/conformance', '/api', '/api.html', '/queryables', '/collections', '/collections/x', '/collections/x/queryables', '/sortables', '/collections-queryables', '/collections-sortables', '/aggregations', '/aggregate', '/children', '/collections/x/catalog', '/collections/x/items', '/collections/x/items/y', '/search'];

describe('the STAC API', () => {
  it('has no method that it does not know', async () => {
    for (const path of [...routes, '/nothing']) for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'HEAD']) await send(method, path);
    expect((await send('DELETE', '/search')).status).toBe(405);
    expect((await send('DELETE', '/api.html')).status).toBe(405);
    expect((await send('DELETE', '/apixhtml')).status).toBe(404);
  });

  it.each(['%', '%ff', '%00', '..%2f..%2fetc', '%2e%2e', 'a%0d%0aX: y', '__proto__', 'constructor', 'x'.repeat(5000), '\'; drop table items; --'])('finds nothing at %s', async (id) => {
    // fetch walks '..' itself, as every client does.
    for (const path of id === '%2e%2e' ? ['/collections/..%2fx'] : ['/collections/ID', '/collections/ID/queryables', '/collections/ID/items', '/collections/x/items/ID', '/ID']) {
      const { status } = await send('GET', path.replace('ID', id.includes('%') ? id : encodeURIComponent(id)));
      expect([400, 404], path).toContain(status);
    }
  });

  it('refuses queries of nonsense', async () => {
    const names = ['limit', 'bbox', 'datetime', 'token', 'ids', 'collections', 'intersects', 'f', 'after', 'sortby', 'query', 'fields', 'q', 'aggregations', 'datetime_frequency_interval', 'filter', '__proto__', 'a[b]', 'limit[]'];
    await fc.assert(fc.asyncProperty(fc.constantFrom('/search', '/aggregate', '/children', '/collections', '/collections/x/items', '/collections/x/catalog', '/'), fc.array(fc.tuple(fc.constantFrom(...names), fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('1', '-1', '1e999', 'NaN', '{', '{"type":"Point"}', '1,2,3,4', '../..', '\u0000'))), { maxLength: 4 }), async (path, query) => {
      await send('GET', `${path}?${query.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`).join('&')}`);
    }), { numRuns: 150, endOnFailure: true });
  });

  it.each([
    ['deep', `{"intersects":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 400], ['deep objects', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, 400],
    ['huge', `{"ids":["${'x'.repeat(9 * 1024 * 1024)}"]}`, 413], ['no JSON', '{', 400], ['a list', '[]', 400], ['null', 'null', 400], ['a text', '"x"', 400], ['a number', '7', 400],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
  ])('refuses a body that is %s', async (_, body, status) => {
    for (const headers of [{ 'Content-Type': 'application/json' }, { 'Content-Type': 'application/geo+json' }]) expect((await send('POST', '/search', { body, headers })).status).toBe(status);
    for (const [method, path] of [['POST', '/collections'], ['PUT', '/collections/x'], ['POST', '/collections/x/items'], ['PUT', '/collections/x/items/y'], ['PATCH', '/collections/x/items/y']] as const) {
      expect((await send(method, path, { body, headers: { 'Content-Type': 'application/json' } })).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('refuses or ignores headers of nonsense', async () => {
    const names = ['Accept', 'Accept-Encoding', 'Accept-Language', 'If-None-Match', 'Range', 'Authorization', 'X-Request-Id', 'Content-Type', 'Origin', 'Cookie', 'X-Forwarded-For'];
    const value = fc.oneof(fc.constantFrom('*/*;q=x', ',,,', 'text/html;q=0', 'text/html, ;', 'W/', '"', 'bytes=-', 'Bearer', 'Bearer a/b/c', 'Basic ===', 'gzip;q=2,br;q=-1'), fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')));
    await fc.assert(fc.asyncProperty(fc.constantFrom(...routes), fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 }), async (path, headers) => {
      await send('GET', path, { headers });
    }), { numRuns: 150, endOnFailure: true });
  });
});
