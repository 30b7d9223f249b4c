/**
 * What stac-api-validator checks of children, browseable, sort, queryables and of paging, so that it is known
 * without a network. core.test.ts, search.test.ts and extensions.test.ts have its other checks.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import { fill, list, scene, startService, type Answer, type Json, type Service } from './service.ts';
import { hasSchemas, problemsOf } from './validator.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
  const many = Array.from({ length: 450 }, (_, i) => {
    const item = scene('MANY', `n${i}`, new Date(Date.UTC(2018, 0, 1) + (i * 37 % 100) * 3_600_000).toISOString(), i % 40, 10);
    return { ...item, properties: { ...item.properties, ...(i % 5 === 0 ? {} : { 'eo:cloud_cover': i * 7 % 101 }), platform: i % 2 ? 'a' : 'b' } };
  });
  await service.store.putCollection(deriveCollection('MANY', many, { title: 'Many forests', keywords: ['Land Cover'] }, null));
  await service.store.putItems('MANY', many);
});
afterAll(() => service.stop());

const linksOf = (body: Json, rel: string) => list(body['links']!).filter((l) => l['rel'] === rel);
const link = (body: Json, rel: string) => linksOf(body, rel)[0]!;
const ids = (answer: Answer, key = 'features') => list(answer.body[key]!).map((entry) => entry['id']!);

describe('children', () => {
  it('are exactly what the child links of the landing page lead to', async () => {
    const landing = (await service.get('/')).body;
    const { href, type } = link(landing, 'children') as unknown as { href: string; type: string };
    const answer = await service.get(href);
    expect([href, type, answer.type]).toEqual([`${service.url}/children`, 'application/json', 'application/json']);
    expect(link(answer.body, 'self')['href']).toBe(href);
    expect(link(answer.body, 'root')['href']).toBe(`${service.url}/`);
    const linked = await Promise.all(linksOf(landing, 'child').map(async (child) => (await service.get(child['href']!)).body));
    expect(list(answer.body['children']!)).toEqual(linked);
    const page = await service.get('/children?limit=2');
    expect(ids(page, 'children')).toHaveLength(2);
    expect(ids(await service.get(link(page.body, 'next')['href']!), 'children')[0]).toBe(linked[2]!['id']);
  });
});

describe('browsing', () => {
  it('reaches every item over child and item links, and search finds what it reached', async () => {
    const reached: string[] = [];
    const visit = async (url: string): Promise<void> => {
      const { body, status } = await service.get(url);
      expect(status).toBe(200);
      reached.push(...linksOf(body, 'item').map((item) => item['href']!));
      if (body['type'] === 'Catalog') {
        for (const rel of ['self', 'root']) expect(linksOf(body, rel)).toHaveLength(1);
        if (hasSchemas) expect(await problemsOf(body)).toEqual([]);
      }
      for (const child of linksOf(body, 'child')) await visit(child['href']!);
    };
    await visit('/');
    expect(new Set(reached).size).toBe(reached.length);
    expect(reached).toHaveLength(464);
    for (const href of reached.filter((_, i) => i % 50 === 0)) {
      const { body } = await service.get(href);
      expect(ids(await service.get(`/search?ids=${body['id']!}&collections=${body['collection']!}`))).toEqual([body['id']]);
    }
  });

  it('refuses what it did not give', async () => {
    expect((await service.get('/collections/MANY/catalog?token=x')).status).toBe(400);
    expect((await service.get('/collections/NONE/catalog')).status).toBe(404);
  });
});

describe('a page of one hundred', () => {
  it.each([['properties.datetime', 1], ['+properties.datetime', 1], ['-properties.datetime', -1]])('sorted by %s is in order', async (sortby, sign) => {
    const [field, direction] = [sortby.replace(/^[+-]/, ''), sign === 1 ? 'asc' : 'desc'];
    for (const answer of [await service.get(`/search?limit=100&collections=MANY&sortby=${encodeURIComponent(sortby)}`), await service.post('/search', { limit: 100, collections: 'MANY', sortby: [{ field, direction }] })]) {
      const times = list(answer.body['features']!).map((item) => Date.parse(item['properties']!['datetime']!));
      expect(times).toHaveLength(100);
      expect(times).toEqual(times.toSorted((a, b) => sign * (a - b)));
    }
  });
});

describe('paging', () => {
  /** All ids, by following the links as a client does; `between` runs after every page. */
  async function everything(first: Answer, between: () => Promise<void> = async () => {}): Promise<string[]> {
    const seen = [...ids(first)];
    for (let answer = first; linksOf(answer.body, 'next').length > 0;) {
      await between();
      const next = link(answer.body, 'next') as unknown as { href: string; method: string; body?: object };
      answer = next.method === 'POST' ? await service.post(next.href, next.body) : await service.get(next.href);
      expect(answer.status).toBe(200);
      seen.push(...ids(answer));
    }
    return seen;
  }

  it.each([undefined, '-eo:cloud_cover', '+eo:cloud_cover', 'datetime', 'platform,-datetime'])('(sorted by %s) misses and doubles nothing while items come and go', async (sortby) => {
    const stay = ids(await service.get('/search?collections=MANY&limit=1000')).filter((id) => id.startsWith('n'));
    expect(stay).toHaveLength(450);
    let round = 0;
    const tag = `${sortby ?? 'none'}`.replace(/\W/g, '');
    const disturb = async () => {
      round++;
      const added = [0, 1, 2].map((n) => {
        const item = scene('MANY', `z-${tag}-${round}-${n}`, new Date(Date.UTC(2018, 0, 1) + round * n * 3_600_000).toISOString());
        return { ...item, properties: { ...item.properties, ...(n === 0 ? {} : { 'eo:cloud_cover': (round * 31 + n * 17) % 101 }), platform: n ? 'a' : 'b' } };
      });
      await service.store.putItems('MANY', added);
      if (round > 1) await service.store.deleteItems('MANY', [`z-${tag}-${round - 1}-0`]);
    };
    for (const first of [
      await service.get(`/search?collections=MANY&limit=23${sortby ? `&sortby=${encodeURIComponent(sortby)}` : ''}`),
      await service.post('/search', { collections: ['MANY'], limit: 41, ...(sortby ? { sortby } : {}) }),
    ]) {
      const seen = await everything(first, disturb);
      expect(new Set(seen).size).toBe(seen.length);
      expect(stay.filter((id) => !seen.includes(id))).toEqual([]);
    }
  });
});

describe('queryables and sortables', () => {
  it.each(['queryables', 'sortables'])('%s are linked, and are JSON Schemas under their own address', async (kind) => {
    const rel = `http://www.opengis.net/def/rel/ogc/1.0/${kind}`;
    for (const place of ['/', '/collections/MANY']) {
      const { href, type } = link((await service.get(place)).body, rel) as unknown as { href: string; type: string };
      const answer = await service.get(href);
      expect([type, answer.type]).toEqual(['application/schema+json', 'application/schema+json']);
      expect(answer.body).toMatchObject({ $schema: 'https://json-schema.org/draft/2019-09/schema', $id: href, type: 'object', additionalProperties: true });
    }
  });

  it('tell what the items have', async () => {
    const { properties } = (await service.get('/collections/EAST/queryables')).body as unknown as { properties: Record<string, object> };
    expect(properties['gsd']).toEqual({ title: 'gsd', type: 'number', minimum: 10, maximum: 10 });
    expect(properties['proj:code']).toEqual({ title: 'proj:code', type: 'string', enum: ['EPSG:4326'] });
    expect(properties['datetime']).toMatchObject({ format: 'date-time' });
    expect(properties).not.toHaveProperty('platform');
    expect((await service.get('/queryables')).body['properties']!['platform']).toMatchObject({ type: 'string' });
    expect((await service.get('/collections/EAST/sortables')).body['properties']).not.toHaveProperty('geometry');
    expect(Object.keys((await service.get('/collections/empty%20one/queryables')).body['properties']!)).toEqual(['id', 'collection', 'geometry', 'datetime']);
  });
});

describe('search of collections', () => {
  const found = async (query: string) => ids(await service.get(`/collections?${query}`), 'collections');

  it.each<[string, readonly string[]]>([
    ['bbox=99,-1,100,0', ['EAST']],
    ['bbox=-180,-90,-99.5,90', ['AWAY']],
    ['bbox=170,-90,-99.5,90', ['AWAY']],
    ['datetime=2018-01-02T00:00:00Z', ['MANY']],
    ['datetime=../2019-12-31T00:00:00Z', ['AWAY', 'MANY']],
    ['q=forest', ['MANY']],
    ['q=FORESTS,the+away', ['AWAY', 'MANY']],
    ['q="land cover"', ['MANY']],
    ['q=nothing+of+the+kind', []],
    ['bbox=99,-1,100,0&datetime=2018-01-02T00:00:00Z', []],
    ['sortby=-id&limit=2', ['empty one', 'MONTHS']],
    ['sortby=-title,id&q=the+away,the+east,forest', ['EAST', 'AWAY', 'MANY']],
  ])('%s', async (query, expected) => {
    expect(await found(query)).toEqual(expected);
  });

  it('goes on over pages with what was asked for', async () => {
    const first = await service.get('/collections?limit=1&q=the+months,many+forests,one&sortby=-id&fields=id,title');
    expect([ids(first, 'collections'), first.body['numberMatched']]).toEqual([['empty one'], 3]);
    const second = await service.get(link(first.body, 'next')['href']!);
    expect(list(second.body['collections']!)[0]).toEqual({ type: 'Collection', stac_version: '1.1.0', id: 'MONTHS', title: 'The MONTHS' });
    expect(ids(await service.get(link(second.body, 'prev')['href']!), 'collections')).toEqual(['empty one']);
  });

  it.each(['bbox=1', 'datetime=x', 'query={', 'filter=id', 'sortby=-', 'limit=0', 'after=none', 'q=a&q=b'])('refuses %s', async (query) => {
    expect((await service.get(`/collections?${query}`)).status).toBe(400);
  });
});
