/** What all answers have in common: names of requests, CORS, copies that clients keep, pages of lists. */
import { request as httpRequest } from 'node:http';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import express from 'express';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStacRouter } from '../../src/api/stac/router.ts';
import { silentLog } from '../../src/log.ts';
import { collection, startService, writing } from './service.ts';
import type { TestService } from './service.ts';

const collections = ['A', 'B', 'C', 'D', 'E'].map((id) => ({ ...collection, id }));
const catalog = {
  collections: async () => [collection, ...collections],
  collection: async (id: string) => [collection, ...collections].find((each) => each.id === id) ?? null,
  item: async () => null,
};

let service: TestService;
let bearer: Record<string, string>;
beforeAll(async () => {
  service = await startService({ catalog, mounts: [
    { path: '/broken', handler: () => () => {
      throw new Error('secret of the house');
    } },
    { path: '/stac', handler: () => createStacRouter({
      baseUrl: 'http://stac.example/stac', title: 'Lamina', description: 'D', collections: catalog, signAsset: () => '/', log: silentLog,
      items: { search: async () => ({ items: [], next: null, numberMatched: 0 }), get: async () => null },
    }) },
    { path: '/picture', handler: () => express.Router().get('/', (_request, response) => void response.type('image/png').send(Buffer.alloc(5000))) },
  ] });
  bearer = await service.token();
});
afterAll(() => service.close());

const call = (path: string, init: RequestInit = {}) => fetch(service.url + path, init);

/** A request as it is written, without what fetch adds. */
function plain(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; headers: Record<string, string | undefined>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    httpRequest(service.url + path, { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers as Record<string, string>, body: Buffer.concat(chunks) }));
    }).on('error', reject).end();
  });
}

describe('the name of a request', () => {
  it.each(['/openeo/1.3/', '/openeo/1.3/me', '/nothing', '/stac/collections/nope', '/broken', '/health'])('is in every answer, and in the error object of %s', async (path) => {
    const answer = await call(path);
    const name = answer.headers.get('x-request-id');
    expect(name).toMatch(/^[\da-f-]{36}$/);
    expect(answer.headers.get('access-control-expose-headers')).toContain('X-Request-Id');
    if (!answer.ok) expect(await answer.json()).toMatchObject({ id: name, code: expect.any(String), message: expect.any(String) });
  });

  it('is the one that the client gave', async () => {
    const answer = await call('/openeo/1.3/me', { headers: { 'X-Request-Id': 'proxy-1:a/b=c+d@e.f' } });
    expect(answer.headers.get('x-request-id')).toBe('proxy-1:a/b=c+d@e.f');
    expect(await answer.json()).toMatchObject({ id: 'proxy-1:a/b=c+d@e.f' });
  });

  it.each(['a b', 'a"b', '<script>', 'ä', 'x'.repeat(129), ''])('is not %j', async (given) => {
    const { headers } = await plain('/health', { 'X-Request-Id': Buffer.from(given).toString('latin1') });
    expect(headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
  });

  it('stands in the log, beside what went wrong', async () => {
    await call('/broken', { headers: { 'X-Request-Id': 'find-me' } });
    await expect.poll(() => service.logged.filter(({ data }) => JSON.stringify(data ?? {}).includes('find-me')).map(({ level }) => level).toSorted()).toEqual(['error', 'warning']);
  });
});

describe('a script of another origin', () => {
  it.each(['/openeo/1.3/', '/openeo/1.3/me', '/nothing', '/stac', '/stac/nothing', '/broken', '/%ff', '/openeo/1.3/files/%2e%2e', '/picture'])('may read the answer of %s, without cookies', async (path) => {
    const { headers } = await call(path, { headers: { Origin: 'https://evil.example' } });
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.has('access-control-allow-credentials')).toBe(false);
    const exposed = headers.get('access-control-expose-headers')!.split(', ');
    expect(exposed).toEqual(expect.arrayContaining(['OpenEO-Identifier', 'OpenEO-Costs', 'Link', 'Location', 'ETag', 'Retry-After', 'X-Request-Id']));
    for (const safe of ['Cache-Control', 'Content-Language', 'Content-Length', 'Content-Type', 'Expires', 'Last-Modified', 'Pragma']) expect(exposed).not.toContain(safe);
  });

  it.each(['/openeo/1.3/jobs', '/nothing', '/openeo/9.9/x', '/%ff', '//openeo//1.3', '/stac/search', '/broken', '/openeo/1.3/collections/%2e%2e%2f', '/?f=html'])('may ask what %s takes', async (path) => {
    const { status, headers, body } = await plain(path, { Origin: 'https://x.example', 'Access-Control-Request-Method': 'PATCH', 'Access-Control-Request-Headers': 'authorization' }, 'OPTIONS');
    expect([status, body.length, headers['access-control-allow-origin']]).toEqual([204, 0, '*']);
    expect(headers['access-control-allow-methods']).toMatch(/GET.*POST.*PUT.*PATCH.*DELETE/);
    for (const name of ['Authorization', 'Content-Type', 'Range', 'If-None-Match']) expect(headers['access-control-allow-headers']).toContain(name);
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });
});

describe('a copy that a client keeps', () => {
  const open = ['/openeo/1.3/', '/openeo/1.3/conformance', '/openeo/1.3/file_formats', '/openeo/1.3/processes', '/openeo/1.3/udf_runtimes', '/openeo/1.3/api', '/openeo/1.3/api.html', '/openeo/1.3/processing_parameters'];
  const ofVisitors = ['/openeo/1.3/collections', '/openeo/1.3/collections/A', '/openeo/1.3/collections/A/queryables', '/stac', '/stac/collections', '/stac/collections/A'];

  it.each([...open, ...ofVisitors])('of %s is known by its ETag, however it is packed', async (path) => {
    const first = await plain(path);
    expect(first.headers['etag']).toMatch(/^W\/"[\w-]{27}"$|^W\/"[\w-]{22}\.[\w-]{22}"$/);
    for (const encoding of ['identity', 'gzip', 'br', 'zstd']) {
      for (const method of ['GET', 'HEAD']) {
        const again = await plain(path, { 'If-None-Match': `"x", ${first.headers['etag']!}`, 'Accept-Encoding': encoding }, method);
        expect([again.status, again.body.length, again.headers['etag']]).toEqual([304, 0, first.headers['etag']]);
        expect(again.headers).toMatchObject({ 'cache-control': first.headers['cache-control'], vary: first.headers['vary'] });
        expect(again.headers).not.toHaveProperty('content-encoding');
      }
    }
    expect((await plain(path, { 'If-None-Match': '"another"' })).status).toBe(200);
    expect((await plain(path, { 'If-None-Match': '*' })).status).toBe(304);
  });

  it('may be shared when it is the same for everybody, and only then', async () => {
    for (const path of open) expect((await plain(path, bearer)).headers['cache-control'], path).toBe('public, max-age=60');
    for (const path of ofVisitors.filter((each) => each.startsWith('/openeo'))) {
      const [anonymous, known] = [await plain(path), await plain(path, bearer)];
      expect([anonymous.headers['cache-control'], known.headers['cache-control']]).toEqual(['no-cache', 'private, no-cache']);
      for (const { headers } of [anonymous, known]) expect(headers['vary']).toContain('Authorization');
    }
    for (const path of ['/openeo/1.3/me', '/openeo/1.3/jobs', '/openeo/1.3/files', '/openeo/1.3/process_graphs']) {
      const { headers } = await plain(path, bearer);
      expect([path, headers['cache-control']]).toEqual([path, expect.stringMatching(/private|no-store/)]);
      expect(headers['vary']).toContain('Authorization');
    }
  });

  it('is none of an error, of a login or of a health check', async () => {
    const login = { Authorization: `Basic ${btoa('ann:secret')}` };
    for (const [path, headers] of [['/openeo/1.3/credentials/basic', login], ['/openeo/1.3/me', {}], ['/nothing', {}], ['/stac/collections/nope', {}], ['/health', {}]] as const) {
      const answer = await plain(path, headers);
      expect([path, answer.headers['cache-control'], answer.headers['etag']]).toEqual([path, 'no-store', undefined]);
    }
  });

  it('is packed as the client likes it best, pictures never', async () => {
    const encodingFor = async (accept: string, path = '/openeo/1.3/processes') => (await plain(path, accept === '' ? {} : { 'Accept-Encoding': accept })).headers['content-encoding'];
    expect(await encodingFor('gzip, deflate, br, zstd')).toBe('zstd');
    expect(await encodingFor('gzip, deflate, br')).toBe('br');
    expect(await encodingFor('gzip, deflate')).toBe('gzip');
    expect(await encodingFor('gzip;q=0')).toBeUndefined();
    expect(await encodingFor('identity, gzip;q=0.5')).toBeUndefined();
    expect(await encodingFor('')).toBeUndefined();
    // Clients that say so can't unpack what they have never heard of.
    expect(await encodingFor('*')).toBeUndefined();
    expect(await encodingFor('gzip, br, zstd', '/picture')).toBeUndefined();
    expect(await encodingFor('br', '/openeo/1.3/api.html')).toBe('br');
  });
});

describe('a list', () => {
  const follow = async (path: string, key: string, idOf: (entry: { id: string }) => string = ({ id }) => id) => {
    const seen: string[][] = [];
    for (let href: string | undefined = service.url + path; href !== undefined;) {
      const page = await (await fetch(href.replace('http://stac.example', service.url), { headers: bearer })).json() as Record<string, unknown>;
      seen.push((page[key] as { id: string }[]).map(idOf));
      href = (page['links'] as { rel: string; href: string }[]).find(({ rel }) => rel === 'next')?.href;
    }
    return seen;
  };

  it('comes in pages that hold everything once', async () => {
    expect(await follow('/openeo/1.3/collections?limit=4', 'collections')).toEqual([['S2/L2A', 'A', 'B', 'C'], ['D', 'E']]);
    expect(await follow('/openeo/1.3/collections?limit=6', 'collections')).toHaveLength(1);
    expect(await follow('/openeo/1.3/collections', 'collections')).toHaveLength(1);
    expect(await follow('/openeo/1.3/processes?limit=3', 'processes'), 'never in pages').toEqual([['add', 'load_collection', 'save_result', 'absolute']]);
    expect(await follow('/stac/collections?limit=5', 'collections')).toEqual([['S2/L2A', 'A', 'B', 'C', 'D'], ['E']]);
    for (const path of ['b', 'a/c', 'a/b']) await call(`/openeo/1.3/files/${path}`, { method: 'PUT', headers: bearer, body: 'x' });
    expect(await follow('/openeo/1.3/files?limit=2', 'files', (file) => (file as unknown as { path: string }).path)).toEqual([['a/b', 'a/c'], ['b']]);
  });

  it('goes back, too', async () => {
    const links = async (query: string) => Object.fromEntries(((await (await call(`/openeo/1.3/collections${query}`)).json() as { links: { rel: string; href: string }[] }).links).map(({ rel, href }) => [rel, new URL(href).search]));
    expect(await links('?limit=2&after=B')).toMatchObject({ next: '?limit=2&after=D', prev: '?limit=2&after=S2%2FL2A', first: '?limit=2' });
    expect(await links('?limit=2&after=A')).toMatchObject({ prev: '?limit=2' });
    expect(await links('?limit=2')).not.toHaveProperty('prev');
  });

  it.each(['0', '-1', '1.5', 'all', '1e3', '99999999999999999999', '%00', '2&limit=3'])('has no page of %s entries', async (limit) => {
    for (const path of ['/openeo/1.3/collections', '/openeo/1.3/processes', '/openeo/1.3/files', '/openeo/1.3/process_graphs', '/openeo/1.3/jobs']) {
      const answer = await call(`${path}?limit=${limit}`, { headers: bearer });
      expect([path, answer.status, await answer.json()]).toEqual([path, 400, expect.objectContaining({ code: 'ProcessParameterInvalid', message: expect.stringContaining('limit') })]);
    }
  });

  it('has no page after what is not in it', async () => {
    expect((await call('/openeo/1.3/collections?limit=1&after=nope')).status).toBe(400);
    expect((await call('/stac/collections?limit=0')).status).toBe(400);
  });
});

describe('the STAC API', () => {
  it('says which methods there are', async () => {
    const answer = await call('/stac/collections/A', { method: 'PATCH' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, PUT, DELETE']);
    expect(await answer.json()).toMatchObject({ code: 'MethodNotAllowed', message: expect.any(String), description: expect.any(String) });
  });

  it.each(['/stac', '/stac/collections', '/stac/collections/A', '/stac/api.html'])('has a page at %s', async (path) => {
    const answer = await call(path, { headers: { Accept: 'text/html' } });
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(answer.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(await answer.text()).toContain('<nav aria-label="You are here">');
  });
});

describe('a result that is text', () => {
  const body = JSON.stringify({ process: { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } } });
  const compute = (encoding: string) => new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
    httpRequest(`${service.url}/openeo/1.3/result`, { method: 'POST', headers: { ...bearer, 'Content-Type': 'application/json', 'Accept-Encoding': encoding } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks) }));
    }).on('error', reject).end(body);
  });
  const text = JSON.stringify(Array.from({ length: 2000 }, (_, i) => i % 7));

  it('is packed on its way, a picture is not', async () => {
    service.work(writing(service.objects, { 'a.json': text }));
    const unpack = { zstd: zstdDecompressSync, br: brotliDecompressSync, gzip: gunzipSync };
    for (const [encoding, unpacked] of Object.entries(unpack)) {
      const answer = await compute(encoding);
      expect(answer.headers).toMatchObject({ 'content-encoding': encoding, 'content-type': 'application/json' });
      expect(answer.body.length).toBeLessThan(text.length / 5);
      expect(unpacked(answer.body).toString()).toBe(text);
    }
    expect((await compute('identity')).headers).toMatchObject({ 'content-length': String(text.length) });
    service.work(writing(service.objects, { 'a.tif': text }, 'image/tiff; application=geotiff'));
    const picture = await compute('zstd, br, gzip');
    expect(picture.headers).not.toHaveProperty('content-encoding');
    expect(picture.body.toString()).toBe(text);
  });
});
