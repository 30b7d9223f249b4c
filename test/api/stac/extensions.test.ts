/** The extensions sort, fields and query, against what JavaScript says of the same items. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import type { StacItem } from '../../../src/catalog/types.ts';
import { fill, list, scene, startService, type Answer, type Service } from './service.ts';

type Properties = Readonly<Record<string, unknown>>;

/** Properties of all kinds: absent, null, equal, mixed, nested, with signs that mean something to SQL and to JSON. */
const properties: readonly Properties[] = [
  { 'eo:cloud_cover': 10, mission: 'sentinel-2a', tags: ['a', 'b'], orbit: { number: 5 } },
  { 'eo:cloud_cover': 2.5, mission: 'sentinel-2b', tags: ['b'], orbit: { number: 4 } },
  { 'eo:cloud_cover': 2.5, mission: 'Sentinel-2a', orbit: { number: 3 } },
  { 'eo:cloud_cover': null, mission: null },
  { mission: '100%_\\' },
  { 'eo:cloud_cover': 'many', mission: 'é\'; drop table items; --' },
  { 'eo:cloud_cover': true, mission: '🛰' },
  { 'eo:cloud_cover': -1e300, mission: 'ｚ' },
  { 'eo:cloud_cover': 100 },
];
const mixed: readonly StacItem[] = properties.map((more, i) => {
  const item = scene('MIXED', `x${i}`, `2021-0${9 - i}-01T00:00:00Z`, i, 10);
  return { ...item, properties: { ...item.properties, ...more } };
});

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
  const span = scene('MIXED', 'span', '2021-01-01T00:00:00Z');
  const all = [...mixed, { ...span, properties: { ...span.properties, datetime: null, start_datetime: '2021-06-10T00:00:00Z', end_datetime: '2021-06-20T00:00:00Z' } }];
  await service.store.putCollection(deriveCollection('MIXED', all, {}, null));
  await service.store.putItems('MIXED', all);
});
afterAll(() => service.stop());

const ids = (answer: Answer) => list(answer.body['features']!).map((feature) => feature['id']!);
const post = async (body: object) => service.post('/search', { collections: ['MIXED'], limit: 100, ...body });
const get = async (query: Record<string, string>, path = '/search') => service.get(`${path}?${new URLSearchParams({ ...(path === '/search' ? { collections: 'MIXED' } : {}), ...query }).toString()}`);

describe('sort', () => {
  // Numbers, then texts in the order of their bytes, then what is absent; equal ones by id.
  const ascending = ['x7', 'x1', 'x2', 'x0', 'x8', 'x5', 'x6', 'span', 'x3', 'x4'];
  const descending = ['x8', 'x0', 'x1', 'x2', 'x7', 'x6', 'x5', 'span', 'x3', 'x4'];

  it.each([['eo:cloud_cover', ascending], ['+eo:cloud_cover', ascending], [' properties.eo:cloud_cover', ascending], ['-properties.eo:cloud_cover', descending]])('by "%s"', async (sortby, expected) => {
    expect(ids(await get({ sortby }))).toEqual(expected);
    expect(ids(await get({ sortby }, '/collections/MIXED/items'))).toEqual(expected);
    const field = sortby.replace(/^[+ -]/, '');
    expect(ids(await post({ sortby: [{ field, direction: sortby.startsWith('-') ? 'desc' : 'asc' }] }))).toEqual(expected);
  });

  it('by texts of any script, by times, by id, by what lies deeper', async () => {
    expect(ids(await post({ sortby: [{ field: 'mission' }] }))).toEqual(['x4', 'x2', 'x0', 'x1', 'x5', 'x7', 'x6', 'span', 'x3', 'x8']);
    expect(ids(await get({ sortby: 'datetime' }))).toEqual(['x8', 'x7', 'x6', 'x5', 'x4', 'x3', 'span', 'x2', 'x1', 'x0']);
    expect(ids(await get({ sortby: 'end_datetime,-datetime', limit: '3' }))).toEqual(['span', 'x0', 'x1']);
    expect(ids(await get({ sortby: '-id', limit: '2' }))).toEqual(['x8', 'x7']);
    expect(ids(await get({ sortby: 'orbit.number', limit: '4' }))).toEqual(['x2', 'x1', 'x0', 'span']);
    expect(ids(await get({ sortby: 'constructor,nothing', limit: '2' }))).toEqual(['span', 'x0']);
  });

  it.each(['eo:cloud_cover', '-eo:cloud_cover', '-mission', 'datetime', '-end_datetime', 'tags,-id', '-id'])('by %s pages through everything once, one item on a page', async (sortby) => {
    const whole = ids(await get({ sortby }));
    const paged: string[] = [];
    for (let url: string | undefined = `/search?collections=MIXED&limit=1&sortby=${encodeURIComponent(sortby)}`; url !== undefined;) {
      const answer: Answer = await service.get(url);
      expect([answer.status, answer.body['numberMatched']]).toEqual([200, 10]);
      paged.push(...ids(answer));
      url = list(answer.body['links']!).find((l) => l['rel'] === 'next')?.['href'];
    }
    expect(paged).toEqual(whole);
  });

  it('goes over all collections', async () => {
    expect(ids(await service.post('/search', { sortby: [{ field: 'datetime', direction: 'asc' }], limit: 4 }))).toEqual(['a1', 'm01', 'm02', 'm03']);
    expect(ids(await service.post('/search', { sortby: [{ field: 'collection', direction: 'desc' }, { field: 'id', direction: 'desc' }], limit: 2 }))).toEqual(['m12', 'm11']);
  });

  it.each([['-'], ['a,,b'], ['geometry'], ['a.'], ['x'.repeat(300)], ['a,'.repeat(11) + 'b']])('refuses "%s"', async (sortby) => {
    expect([(await get({ sortby })).status, (await get({ sortby })).body['description']]).toEqual([400, expect.stringContaining('sortby')]);
  });

  it.each([[7], [[{}]], [[{ field: 'a', direction: 'up' }]], [[{ field: 1 }]], [['a']]])('refuses %j in a body', async (sortby) => {
    expect((await post({ sortby })).status).toBe(400);
  });

  it('refuses a token of another order', async () => {
    const next = list((await get({ sortby: 'mission', limit: '1' })).body['links']!).find((l) => l['rel'] === 'next')!;
    const token = new URL(next['href']!).searchParams.get('token')!;
    expect((await get({ sortby: 'mission', limit: '1', token })).status).toBe(200);
    for (const sortby of ['-mission', 'gsd', '']) expect((await get({ sortby, token })).status).toBe(400);
    const forged = Buffer.from(JSON.stringify(['+eo:cloud_cover', 'NaN', '1', 'a', 'b'])).toString('base64url');
    expect((await get({ sortby: 'eo:cloud_cover', token: forged })).status).toBe(400);
  });
});

describe('query', () => {
  it.each<[object, readonly string[]]>([
    [{ 'eo:cloud_cover': { eq: 2.5 } }, ['x1', 'x2']],
    [{ 'eo:cloud_cover': { neq: 2.5 } }, ['x0', 'x5', 'x6', 'x7', 'x8']],
    [{ 'eo:cloud_cover': { lt: 10 } }, ['x1', 'x2', 'x7']],
    [{ 'properties.eo:cloud_cover': { lte: 10, gt: 2 } }, ['x0', 'x1', 'x2']],
    [{ 'eo:cloud_cover': { gte: 10 } }, ['x0', 'x8']],
    [{ 'eo:cloud_cover': { in: [10, 'many', true] } }, ['x0', 'x5', 'x6']],
    [{ tags: { in: ['a', 'c'] } }, ['x0']],
    [{ tags: { in: [['b'], 'c'] } }, ['x1']],
    [{ 'eo:cloud_cover': { eq: null } }, ['x3']],
    [{ 'eo:cloud_cover': { in: [] } }, []],
    [{ mission: { startsWith: 'sentinel' } }, ['x0', 'x1']],
    [{ mission: { endsWith: '2a' } }, ['x0', 'x2']],
    [{ mission: { contains: '%_' } }, ['x4']],
    [{ mission: { contains: '%' } }, ['x4']],
    [{ mission: { endsWith: '\\' } }, ['x4']],
    [{ mission: { eq: 'é\'; drop table items; --' } }, ['x5']],
    [{ mission: { gt: 'ｚ' } }, ['x6']],
    [{ 'eo:cloud_cover': { eq: '2.5' } }, ['x1', 'x2']],
    [{ 'eo:cloud_cover': { neq: '2.5' } }, ['x0', 'x5', 'x6', 'x7', 'x8']],
    [{ 'eo:cloud_cover': { lt: '1e1' } }, ['x1', 'x2', 'x7']],
    [{ mission: { lt: '5' } }, ['x4']],
    [{ tags: { contains: 'b' } }, ['x0', 'x1']],
    [{ tags: { eq: ['a', 'b'] } }, ['x0']],
    [{ 'orbit.number': { gte: 4 } }, ['x0', 'x1']],
    [{ id: { in: ['x1', 'none'] } }, ['x1']],
    [{ collection: { eq: 'OTHER' } }, []],
    [{ datetime: { gte: '2021-08-01T02:00:00+02:00' } }, ['x0', 'x1']],
    [{ datetime: { eq: '2021-09-01T00:00:00Z' } }, ['x0']],
    [{ start_datetime: { lt: '2022-01-01T00:00:00Z' } }, ['span']],
    [{ end_datetime: { in: ['2021-06-20T00:00:00.000Z'] } }, ['span']],
    [{ datetime: { startsWith: '2021-09' } }, ['x0']],
    [{ 'eo:cloud_cover': { lt: 50 }, mission: { contains: 'entinel' }, orbit: { eq: { number: 3 } } }, ['x2']],
    [{ '\'; drop table items; --': { eq: '"}\'::jsonb; drop table items; --' } }, []],
    [{ nothing: { neq: 1 } }, []],
    [{ mission: { eq: '\0' } }, []],
  ])('%j finds %j', async (query, expected) => {
    for (const answer of [await post({ query }), await get({ query: JSON.stringify(query) }), await get({ query: JSON.stringify(query) }, '/collections/MIXED/items')]) {
      expect(answer.status, answer.text).toBe(200);
      expect(ids(answer).toSorted()).toEqual(expected);
      expect(answer.body['numberMatched']).toBe(expected.length);
    }
  });

  it.each([[[]], ['x'], [7], [{ a: 1 }], [{ a: { like: 'x' } }], [{ a: { lt: true } }], [{ a: { in: 1 } }], [{ a: { startsWith: 1 } }], [{ datetime: { gt: 'x' } }], [{ datetime: { gt: 7 } }], [{ datetime: { in: ['2021-09-01T00:00:00Z/..'] } }], [{ geometry: { eq: 1 } }], [{ '': { eq: 1 } }], [{ a: { __proto__x: 1 } }]])('refuses %j and says where', async (query) => {
    for (const { status, body } of [await post({ query }), await get({ query: JSON.stringify(query) })]) expect([status, body['description']]).toEqual([400, expect.stringContaining('query')]);
  });

  it('refuses what is not JSON', async () => {
    expect((await get({ query: '{' })).status).toBe(400);
  });

  it('leaves the table as it was', async () => {
    expect((await get({ limit: '100' })).body['numberReturned']).toBe(10);
  });
});

describe('fields', () => {
  const identity = ['collection', 'id', 'stac_version', 'type'];
  const least = ['assets', 'bbox', 'geometry', 'id', 'links', 'properties', 'stac_version', 'type'];
  const shown = async (fields: unknown, byGet?: string): Promise<Answer[]> => [await post({ ids: ['x0'], fields }), ...(byGet === undefined ? [] : [await get({ ids: 'x0', fields: byGet }), await get({ limit: '1', fields: byGet }, '/collections/MIXED/items')])];
  const first = (answer: Answer) => list(answer.body['features']!)[0]!;

  it.each<[unknown, string | undefined, readonly string[], readonly string[]]>([
    [{}, '', least, ['datetime']],
    [{ include: null, exclude: null }, undefined, least, ['datetime']],
    [{ include: [], exclude: [] }, '+', least, ['datetime']],
    [{ include: ['id'] }, '+id', identity, []],
    [{ include: ['id', 'properties.eo:cloud_cover'] }, 'id,properties.eo:cloud_cover', ['collection', 'id', 'properties', 'stac_version', 'type'], ['eo:cloud_cover']],
    [{ exclude: ['stac_version', 'type'], include: ['properties.orbit.number', 'nothing'] }, 'properties.orbit.number,nothing,-type,-stac_version', ['collection', 'id', 'properties'], ['orbit']],
    [{ exclude: ['geometry'], include: [] }, undefined, least.filter((name) => name !== 'geometry'), ['datetime']],
    [{ exclude: ['geometry', 'assets', 'links', 'properties'] }, '-geometry,-assets,-links,-properties', ['bbox', 'collection', 'id', 'stac_extensions', 'stac_version', 'type'], []],
    [{ include: ['properties.mission'], exclude: ['properties'] }, '-properties,+properties.mission', ['collection', 'id', 'properties', 'stac_version', 'type'], ['mission']],
    [{ include: ['geometry'], exclude: ['geometry'] }, '+geometry,-geometry', ['collection', 'geometry', 'id', 'stac_version', 'type'], []],
    [{ include: ['properties.orbit', 'id'], exclude: ['properties.orbit.number', 'id'] }, undefined, ['collection', 'id', 'properties', 'stac_version', 'type'], ['orbit']],
  ])('%j', async (fields, byGet, members, names) => {
    for (const answer of await shown(fields, byGet)) {
      const item = first(answer);
      expect(Object.keys(item).toSorted()).toEqual(members);
      expect(Object.keys(item['properties'] ?? {}).toSorted()).toEqual(names);
    }
  });

  it('goes as deep as it is told', async () => {
    const [answer] = await shown({ exclude: ['properties.orbit.number', 'assets.data.href', 'nothing.at.all'] });
    expect(first(answer!)['properties']!['orbit']).toEqual({});
    expect(first(answer!)['assets']!['data']).not.toHaveProperty('href');
    expect(first(answer!)['assets']!['public']).toHaveProperty('href');
    expect(first(answer!)['properties']!['mission']).toBe('sentinel-2a');
  });

  it('is repeated in links to other pages', async () => {
    const answer = await get({ limit: '1', fields: 'id' });
    expect(list(answer.body['links']!).find((l) => l['rel'] === 'next')!['href']).toContain('fields=id');
  });

  it.each([[null], ['id'], [[]], [7], [{ include: 'id' }], [{ exclude: [1] }], [{ include: Array.from({ length: 1001 }, () => 'id') }]])('%j is refused', async (fields) => {
    for (const { status } of await shown(fields)) expect(status).toBe(400);
  });
});
