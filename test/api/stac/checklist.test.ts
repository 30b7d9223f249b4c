/** What the STAC API and its extensions ask of links and answers and the validator does not look at. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformsTo } from '../../../src/api/stac/conformance.ts';
import { fill, list, startService, type Json, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
});
afterAll(() => service.stop());

const links = (body: Json, rel: string) => list(body['links']!).filter((link) => link['rel'] === rel) as unknown as { href: string; type: string; method?: string }[];
const queryables = 'http://www.opengis.net/def/rel/ogc/1.0/queryables';
const sortables = 'http://www.opengis.net/def/rel/ogc/1.0/sortables';

describe('the landing page', () => {
  it('has every link once, but search and child, with a type that its target has', async () => {
    const { body } = await service.get('/');
    for (const rel of ['root', 'self', 'service-desc', 'service-doc', 'conformance', 'data', queryables, sortables, 'aggregate', 'aggregations', 'children']) {
      const found = links(body, rel);
      expect([rel, found.length]).toEqual([rel, 1]);
      const answer = await service.get(found[0]!.href, { accept: found[0]!.type });
      expect([rel, answer.status, answer.type?.replace('; charset=utf-8', '')]).toEqual([rel, 200, found[0]!.type]);
    }
    expect(links(body, 'search').map(({ href, type, method }) => [href, type, method])).toEqual([[`${service.url}/search`, 'application/geo+json', 'GET'], [`${service.url}/search`, 'application/geo+json', 'POST']]);
    expect(links(body, 'collections')).toEqual([]);
    expect(links(body, 'conformance')[0]!.href).toMatch(/\/conformance$/);
    expect(links(body, 'children')[0]!.href).toMatch(/\/children$/);
  });

  it('names no class twice, and none of a requirement', () => {
    expect(new Set(conformsTo).size).toBe(conformsTo.length);
    expect(conformsTo.filter((name) => name.includes('/req/'))).toEqual([]);
    expect(conformsTo.filter((name) => !/^https?:\/\/(api\.stacspec\.org\/v\d|www\.opengis\.net\/spec\/)/.test(name))).toEqual([]);
  });
});

describe('every page', () => {
  it.each<[string, readonly string[]]>([
    ['/collections', ['self', 'root', queryables, sortables]], ['/collections/MONTHS', ['self', 'root', 'parent', 'items', queryables, sortables]], ['/collections/MONTHS/items', ['self', 'root', 'next']],
    ['/collections/MONTHS/items/m01', ['self', 'root', 'parent', 'collection']], ['/search', ['self', 'root', 'next']], ['/children', ['self', 'root']], ['/collections/MONTHS/catalog', ['self', 'root']],
  ])('%s has its links, which lead somewhere', async (path, rels) => {
    const { body } = await service.get(path);
    for (const rel of rels) {
      const [link, ...more] = links(body, rel);
      expect([rel, more]).toEqual([rel, []]);
      const answer = await service.get(link!.href);
      expect([rel, answer.status, answer.type]).toEqual([rel, 200, link!.type]);
    }
    expect(links(body, 'self')[0]!.href).toBe(`${service.url}${path}`);
  });

  it('of items tells how many there are, and how many it has', async () => {
    for (const path of ['/search?limit=5', '/collections/MONTHS/items?limit=5', '/search?limit=100', '/search?ids=none']) {
      const { body } = await service.get(path);
      expect(body['numberReturned']).toBe(list(body['features']!).length);
      expect(Number(body['numberMatched'])).toBeGreaterThanOrEqual(Number(body['numberReturned']));
    }
  });

  it('counts the same on every page', async () => {
    const counts: unknown[] = [];
    for (let url: string | undefined = '/search?limit=3&bbox=0,0,90,90'; url !== undefined;) {
      const { body } = await service.get(url);
      counts.push(body['numberMatched']);
      url = links(body, 'next')[0]?.href;
    }
    expect([counts.length, new Set(counts)]).toEqual([4, new Set([12])]);
  });
});

describe('a search', () => {
  const ids = async (query: string) => list((await service.get(`/search?limit=100&${query}`)).body['features']!).map((feature) => String(feature['id'])).toSorted();

  it('takes all of its conditions together', async () => {
    expect(await ids('collections=MONTHS,EAST&ids=m01,m02,e1,a1&bbox=0,0,90,90&datetime=2020-01-20T00:00:00Z/..&query={"gsd":{"eq":10}}&filter=id%20LIKE%20%27m%25%27')).toEqual(['m02']);
  });

  it('finds what only touches its box, also by a box without extent', async () => {
    expect(await ids('bbox=101,1,102,2')).toEqual(['e1']);
    expect(await ids('bbox=100,0,100,0')).toEqual(['e1']);
    expect(await ids('bbox=100.5,-5,100.5,5')).toEqual(['e1']);
  });

  it('has text as the usual language of a filter by GET, and JSON by POST', async () => {
    expect(await ids(`filter=${encodeURIComponent('id = \'m01\'')}`)).toEqual(['m01']);
    const json = { op: '=', args: [{ property: 'id' }, 'm01'] };
    expect((await service.post('/search', { filter: json })).body['numberMatched']).toBe(1);
    expect((await service.post('/search', { filter: 'id = \'m01\'' })).status).toBe(400);
    expect((await service.get(`/search?filter=${encodeURIComponent(JSON.stringify(json))}`)).status).toBe(400);
  });

  it('takes the draft names of classes that the validator looks for', () => {
    for (const name of ['basic-spatial-operators', 'basic-spatial-functions', 'temporal-operators', 'temporal-functions']) expect(conformsTo).toContain(`http://www.opengis.net/spec/cql2/1.0/conf/${name}`);
  });

  it.each(['collection', 'eo:cloud_cover', 'datetime'])('compares %s in each of the six ways, in both forms, as the validator does', async (name) => {
    for (const op of ['=', '<>', '<', '<=', '>', '>=']) {
      const [text, json] = { collection: ['\'MONTHS\'', 'MONTHS'], 'eo:cloud_cover': ['50', 50], datetime: ['TIMESTAMP(\'2020-06-01T00:00:00Z\')', { timestamp: '2020-06-01T00:00:00Z' }] }[name] as [string, unknown];
      const [byText, byJson] = [await service.get(`/search?filter=${encodeURIComponent(`${name} ${op} ${text}`)}`), await service.post('/search', { filter: { op, args: [{ property: name }, json] } })];
      expect([byText.status, byText.type, byJson.status, byJson.type]).toEqual([200, 'application/geo+json', 200, 'application/geo+json']);
      expect(byText.body['numberMatched']).toEqual(byJson.body['numberMatched']);
    }
  });
});
