/** The filter extension: CQL2 in item search, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformsTo } from '../../../src/api/stac/conformance.ts';
import { fill, list, scene, startService, type Answer, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
  await service.store.putItems('AWAY', [{ ...scene('AWAY', 'a2', '2019-07-01T00:00:00Z', -101, -40), properties: { datetime: '2019-07-01T00:00:00Z', 'eo:cloud_cover': 12, platform: 'Sentinel-2A', keywords: ['snow', 'ice'] } }]);
});
afterAll(() => service.stop());

const ids = (answer: Answer) => (answer.status === 200 ? list(answer.body['features']!).map((feature) => String(feature['id'])) : answer.text);
const get = (filter: string, more: Record<string, string> = {}) => service.get(`/search?${new URLSearchParams({ filter, limit: '100', ...more }).toString()}`);
const post = (filter: unknown, more: object = {}) => service.post('/search', { filter, limit: 100, ...more });
const property = (name: string) => ({ property: name });

describe('filter', () => {
  it.each<[string, unknown, string[]]>([
    ['collection = \'EAST\'', { op: '=', args: [property('collection'), 'EAST'] }, ['e1']],
    ['eo:cloud_cover BETWEEN 0 AND 50', { op: 'between', args: [property('eo:cloud_cover'), 0, 50] }, ['a2']],
    ['properties.eo:cloud_cover <= 12', { op: '<=', args: [property('properties.eo:cloud_cover'), 12] }, ['a2']],
    ['datetime >= TIMESTAMP(\'2020-12-01T00:00:00Z\')', { op: '>=', args: [property('datetime'), { timestamp: '2020-12-01T00:00:00Z' }] }, ['m12']],
    ['CASEI(platform) LIKE CASEI(\'SENTINEL-2_\')', { op: 'like', args: [{ op: 'casei', args: [property('platform')] }, { op: 'casei', args: ['SENTINEL-2_'] }] }, ['a2']],
    ['S_INTERSECTS(geometry, POINT(100.5 0.5))', { op: 's_intersects', args: [property('geometry'), { type: 'Point', coordinates: [100.5, 0.5] }] }, ['e1']],
    ['S_WITHIN(geometry, BBOX(99, -1, 102, 2)) AND id <> \'x\'', { op: 'and', args: [{ op: 's_within', args: [property('geometry'), { bbox: [99, -1, 102, 2] }] }, { op: '<>', args: [property('id'), 'x'] }] }, ['e1']],
    ['T_DURING(datetime, INTERVAL(\'2020-02-01\', \'2020-03-15\'))', { op: 't_during', args: [property('datetime'), { interval: ['2020-02-01', '2020-03-15'] }] }, ['m03', 'm02']],
    ['A_CONTAINS(keywords, [\'ice\'])', { op: 'a_contains', args: [property('keywords'), ['ice']] }, ['a2']],
    ['eo:cloud_cover * 2 + 1 = 25', { op: '=', args: [{ op: '+', args: [{ op: '*', args: [property('eo:cloud_cover'), 2] }, 1] }, 25] }, ['a2']],
    ['array_length(keywords) = 2', { op: '=', args: [{ op: 'array_length', args: [property('keywords')] }, 2] }, ['a2']],
    ['gsd IS NULL', { op: 'isNull', args: [property('gsd')] }, ['a2']],
    ['id IN (\'m01\', \'e1\')', { op: 'in', args: [property('id'), ['m01', 'e1']] }, ['e1', 'm01']],
  ])('%s', async (text, json, expected) => {
    expect(ids(await get(text))).toEqual(expected);
    expect(ids(await get(JSON.stringify(json), { 'filter-lang': 'cql2-json' }))).toEqual(expected);
    expect(ids(await post(json))).toEqual(expected);
    expect(ids(await post(text, { 'filter-lang': 'cql2-text' }))).toEqual(expected);
  });

  it('goes together with other parameters, over pages and in the items of a collection', async () => {
    const first = await service.get(`/collections/MONTHS/items?${new URLSearchParams({ filter: 'S_INTERSECTS(geometry, POINT(5.5 50.5)) AND datetime > DATE(\'2020-06-01\')', limit: '4' }).toString()}`);
    expect(ids(first)).toEqual(['m12', 'm11', 'm10', 'm09']);
    expect(first.body['numberMatched']).toBe(7);
    const next = list(first.body['links']!).find((link) => link['rel'] === 'next' as unknown)!['href']!;
    expect(ids(await service.get(next))).toEqual(['m08', 'm07', 'm06']);
    expect(ids(await post({ op: 'isNull', args: [property('gsd')] }, { bbox: [0, 0, 1, 1] }))).toEqual([]);
  });

  it('counts exactly where its geometry cuts a searched box', async () => {
    const answer = await post({ op: 's_disjoint', args: [property('geometry'), { type: 'Point', coordinates: [5.5, 50.5] }] }, { bbox: [4, 49, 101, 52], limit: 1 });
    expect([ids(answer), answer.body['numberMatched']]).toEqual([[], 0]);
  });

  it('takes an offset whose + was not encoded', async () => {
    expect(ids(await service.get('/search?filter=datetime=TIMESTAMP(\'2020-05-15T12:00:00+02:00\')'))).toEqual(['m05']);
  });

  it('is empty when it is null or an empty text', async () => {
    expect((await get('')).status).toBe(200);
    expect((await post(null)).status).toBe(200);
  });
});

describe('what is wrong', () => {
  it.each([
    ['eo:cloud_cover <', 'character 17', 'expected a property'], ['bogus ((', 'character 1', 'no function \'bogus\''], ['a = 1 ((', 'character 7', 'expected AND, OR'], ['a = \'x', 'character 5', 'no closing'],
    ['nofunction(a) = 1', 'character 1', 'no function \'nofunction\''], ['datetime > 5', 'character 12', 'a point in time'], ['a = 1; drop table items', 'character 6', '\';\''],
  ])('%s is told with its place', async (filter, place, reason) => {
    const { status, body } = await get(filter);
    expect([status, body['code']]).toEqual([400, 'InvalidParameterValue']);
    expect(body['description']).toContain(place);
    expect(body['description']).toContain(reason);
  });

  it('a path tells the place in JSON', async () => {
    const { status, body } = await post({ op: 'and', args: [true, { op: '=', args: [{ property: 7 }, 1] }] });
    expect([status, body['description']]).toEqual([400, 'The parameter \'filter\' is invalid: at filter.args[1].args[0].property: expected a text.']);
  });

  it.each<[Record<string, string>, string]>([[{ 'filter-lang': 'cql-text' }, 'filter-lang'], [{ 'filter-crs': 'http://www.opengis.net/def/crs/EPSG/0/3857' }, 'filter-crs'], [{ 'filter-lang': 'cql2-json' }, 'filter']])('%j', async (more, name) => {
    const { status, body } = await get('id = \'x\'', more);
    expect([status, body['description']!.includes(`'${name}'`)]).toEqual([400, true]);
  });
});

it('names its functions, and each of them is one of the filter language', async () => {
  expect(conformsTo).toContain('http://www.opengis.net/spec/cql2/1.0/conf/functions');
  const { status, body } = await service.get('/functions');
  expect(status).toBe(200);
  for (const { name, arguments: given } of list(body['functions']!) as unknown as { name: string; arguments: { type: string[] }[] }[]) {
    expect(given).toHaveLength(1);
    const argument = { number: '1', string: '\'x\'', array: '[1]' }[given[0]!.type[0]!];
    expect((await get(`${name}(${argument}) = 1`)).status, name).toBe(200);
  }
});
