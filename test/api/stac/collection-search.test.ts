/** Filters and conditions on collections: by their members, their place and their time, over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conformsTo } from '../../../src/api/stac/conformance.ts';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import type { StacCollection } from '../../../src/catalog/types.ts';
import { list, scene, startService, type Answer, type Json, type Service } from './service.ts';

const QUERYABLES = 'http://www.opengis.net/def/rel/ogc/1.0/queryables';

/** A collection that was written by hand. */
function collection(id: string, bbox: readonly (readonly number[])[], interval: readonly [string | null, string | null], more: Readonly<Record<string, unknown>>): StacCollection {
  const derived = deriveCollection(id, [scene(id, 'x', '2020-01-01T00:00:00Z')], {}, null);
  return { ...derived, description: `All of ${id}`, extent: { spatial: { bbox }, temporal: { interval: [interval] } }, ...more };
}

const all = [
  collection('alps', [[5, 45, 15, 48]], ['2015-06-23T00:00:00Z', null], { title: 'Alpine snow', license: 'CC-BY-4.0', keywords: ['snow', 'ice'], gsd: 10, summaries: { 'eo:cloud_cover': { minimum: 0, maximum: 40 }, platform: ['sentinel-2a', 'sentinel-2b'] } }),
  // Across the antimeridian.
  collection('fiji', [[177, -20, -178, -15]], ['2018-01-01T00:00:00Z', '2019-01-01T00:00:00Z'], { title: 'Reefs', license: 'other', keywords: ['coral'], gsd: 3, summaries: { platform: ['dove'] } }),
  // Two places within one large box, which overlap.
  collection('two', [[-10, 35, 30, 60], [-10, 35, 0, 45], [-5, 40, 5, 50]], [null, '2016-01-01T00:00:00Z'], { title: 'Zwei Städte', license: 'other', summaries: { 'eo:cloud_cover': { minimum: 50, maximum: 90 } }, assets: { secret: { href: 'file:///secret/place.json' } } }),
];

let service: Service;
beforeAll(async () => {
  service = await startService();
  for (const one of all) await service.store.putCollection(one);
});
afterAll(() => service.stop());

const ids = (answer: Answer) => (answer.status === 200 ? list(answer.body['collections']!).map((entry) => String(entry['id'])) : answer.text);
const get = (query: Record<string, string>) => service.get(`/collections?${new URLSearchParams(query).toString()}`);
const link = (body: Json, rel: string) => list(body['links']!).find((each) => each['rel'] === rel);
const p = (property: string) => ({ property });
const op = (name: string, ...args: unknown[]) => ({ op: name, args });

it('is announced', () => {
  for (const name of ['filter', 'query', 'fields', 'free-text']) expect(conformsTo).toContain(`https://api.stacspec.org/v1.0.0-rc.1/collection-search#${name}`);
  expect(conformsTo).toContain('https://api.stacspec.org/v1.1.0/collection-search#sort');
});

describe('filter', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['id = \'alps\'', op('=', p('id'), 'alps'), ['alps']],
    ['collection IN (\'fiji\', \'two\')', op('in', p('collection'), ['fiji', 'two']), ['fiji', 'two']],
    ['title LIKE \'%snow\'', op('like', p('title'), '%snow'), ['alps']],
    ['CASEI(ACCENTI(title)) LIKE \'%stadte\'', op('like', op('casei', op('accenti', p('title'))), '%stadte'), ['two']],
    ['license = \'other\' AND gsd < 5', op('and', op('=', p('license'), 'other'), op('<', p('gsd'), 5)), ['fiji']],
    ['gsd IS NULL', op('isNull', p('gsd')), ['two']],
    ['A_CONTAINS(keywords, [\'snow\'])', op('a_contains', p('keywords'), ['snow']), ['alps']],
    ['A_OVERLAPS(summaries.platform, [\'dove\', \'sentinel-2a\'])', op('a_overlaps', p('summaries.platform'), ['dove', 'sentinel-2a']), ['alps', 'fiji']],
    ['summaries.eo:cloud_cover.minimum <= 20', op('<=', p('summaries.eo:cloud_cover.minimum'), 20), ['alps']],
    ['properties.gsd = 10', op('=', p('properties.gsd'), 10), ['alps']],
    ['S_INTERSECTS(geometry, POINT(7 46))', op('s_intersects', p('geometry'), { type: 'Point', coordinates: [7, 46] }), ['alps']],
    ['S_INTERSECTS(geometry, POINT(-179 -18))', op('s_intersects', p('geometry'), { type: 'Point', coordinates: [-179, -18] }), ['fiji']],
    ['S_INTERSECTS(geometry, BBOX(176, -30, -179.5, 0))', op('s_intersects', p('geometry'), { bbox: [176, -30, -179.5, 0] }), ['fiji']],
    // Within the box of everything, but in neither of the two places.
    ['S_INTERSECTS(geometry, POINT(20 55))', op('s_intersects', p('geometry'), { type: 'Point', coordinates: [20, 55] }), []],
    ['S_CONTAINS(geometry, POINT(-4 41))', op('s_contains', p('geometry'), { type: 'Point', coordinates: [-4, 41] }), ['two']],
    ['S_WITHIN(geometry, BBOX(-20, 30, 20, 60))', op('s_within', p('geometry'), { bbox: [-20, 30, 20, 60] }), ['alps', 'two']],
    ['S_DISJOINT(geometry, BBOX(0, 0, 90, 90))', op('s_disjoint', p('geometry'), { bbox: [0, 0, 90, 90] }), ['fiji']],
    ['T_INTERSECTS(datetime, INTERVAL(\'2030-01-01\', \'..\'))', op('t_intersects', p('datetime'), { interval: ['2030-01-01', '..'] }), ['alps']],
    ['T_INTERSECTS(datetime, INTERVAL(\'..\', \'1990-01-01\'))', op('t_intersects', p('datetime'), { interval: ['..', '1990-01-01'] }), ['two']],
    ['T_DURING(datetime, INTERVAL(\'2017-01-01\', \'2020-01-01\'))', op('t_during', p('datetime'), { interval: ['2017-01-01', '2020-01-01'] }), ['fiji']],
    ['datetime >= DATE(\'2016-01-01\')', op('>=', p('datetime'), { date: '2016-01-01' }), ['fiji']],
    ['end_datetime IS NULL', op('isNull', p('end_datetime')), ['alps']],
    ['NOT gsd > 5', op('not', op('>', p('gsd'), 5)), ['fiji']],
    ['constructor = 1 OR __proto__ IS NULL', op('or', op('=', p('constructor'), 1), op('isNull', p('__proto__'))), ['alps', 'fiji', 'two']],
    // Where files lie can't be asked for.
    ['assets IS NULL AND assets.secret.href IS NULL AND links IS NULL', op('and', op('isNull', p('assets')), op('isNull', p('assets.secret.href')), op('isNull', p('links'))), ['alps', 'fiji', 'two']],
  ])('%s', async (text, json, expected) => {
    expect(ids(await get({ filter: text }))).toEqual(expected);
    expect(ids(await get({ filter: JSON.stringify(json), 'filter-lang': 'cql2-json' }))).toEqual(expected);
  });

  it('goes together with words, place, time, conditions, order, fields and pages', async () => {
    const query = { filter: 'license = \'other\'', query: '{"gsd":{"lt":100}}', bbox: '100,-80,-100,80', datetime: '2018-06-01T00:00:00Z', q: 'reefs,nothing', sortby: '-title', fields: 'id,title', limit: '1' };
    const found = await get(query);
    expect(found.body).toMatchObject({ numberMatched: 1, collections: [{ id: 'fiji', title: 'Reefs' }] });
    expect(list(found.body['collections']!)[0]).not.toHaveProperty('extent');

    const first = await get({ filter: JSON.stringify(op('<>', p('id'), 'fiji')), 'filter-lang': 'cql2-json', sortby: '-id', limit: '1' });
    expect([ids(first), first.body['numberMatched']]).toEqual([['two'], 2]);
    const second = await service.get(link(first.body, 'next')!['href']!);
    expect([ids(second), second.body['numberMatched'], link(second.body, 'next')]).toEqual([['alps'], 2, undefined]);
  });

  it.each<[Record<string, string>, string, string]>([
    [{ filter: 'title = ' }, 'filter', 'at character 9: expected a property'], [{ filter: 'title = 5' }, 'filter', 'at character 9: expected a text'], [{ filter: 'S_WITHIN(keywords, POINT(1 1))' }, 'filter', 'the property \'keywords\' is no geometry'],
    [{ filter: '{"op":"=","args":[{"property":"gsd"}]}', 'filter-lang': 'cql2-json' }, 'filter', 'at filter: \'=\' takes 2 arguments'], [{ filter: 'a = 1', 'filter-lang': 'sql' }, 'filter-lang', 'cql2-text'], [{ filter: 'a = 1', 'filter-crs': 'EPSG:3857' }, 'filter-crs', 'CRS84'],
    [{ query: '{"gsd":{"near":1}}' }, 'query', '\'near\''], [{ query: '{' }, 'query', 'not JSON'],
  ])('%j is refused with its place', async (query, parameter, reason) => {
    const { status, body } = await get(query);
    expect([status, body['code']]).toEqual([400, 'InvalidParameterValue']);
    expect(body['description']).toContain(`'${parameter}'`);
    expect(body['description']).toContain(reason);
  });
});

describe('query', () => {
  it.each<[object, readonly string[]]>([
    [{ gsd: { gte: 10 } }, ['alps']], [{ license: { eq: 'other' }, title: { startsWith: 'R' } }, ['fiji']], [{ keywords: { contains: 'ice' } }, ['alps']], [{ 'summaries.platform': { in: ['dove'] } }, ['fiji']],
    [{ id: { neq: 'alps' } }, ['fiji', 'two']], [{ start_datetime: { lt: '2016-01-01T00:00:00Z' } }, ['alps']], [{ 'assets.secret.href': { contains: 'secret' } }, []],
  ])('%j', async (query, expected) => {
    expect(ids(await get({ query: JSON.stringify(query) }))).toEqual(expected);
  });
});

describe('queryables and sortables of collections', () => {
  it.each(['queryables', 'sortables'])('%s are linked from the list of collections, and are not those of items', async (kind) => {
    const { href, type } = link((await service.get('/collections')).body, `http://www.opengis.net/def/rel/ogc/1.0/${kind}`) as unknown as { href: string; type: string };
    expect(href).toBe(`${service.url}/collections-${kind}`);
    const answer = await service.get(href);
    expect([type, answer.type]).toEqual(['application/schema+json', 'application/schema+json']);
    expect(answer.body).toMatchObject({ $schema: 'https://json-schema.org/draft/2019-09/schema', $id: href, type: 'object', additionalProperties: true });
  });

  it('tell what the collections have', async () => {
    const { properties } = (await service.get(link((await service.get('/collections')).body, QUERYABLES)!['href']!)).body as unknown as { properties: Record<string, { type?: unknown }> };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['id', 'title', 'description', 'license', 'keywords', 'geometry', 'datetime', 'gsd', 'summaries.platform', 'summaries.eo:cloud_cover.minimum', 'summaries.eo:cloud_cover.maximum']));
    expect([properties['gsd'], properties['summaries.platform']]).toEqual([{ title: 'gsd', type: 'number' }, { title: 'summaries.platform', type: 'array' }]);
    for (const name of ['links', 'assets', 'extent', 'type', 'summaries']) expect(properties).not.toHaveProperty([name]);
    const sortable = (await service.get('/collections-sortables')).body['properties'] as unknown as object;
    expect(Object.keys(sortable)).toEqual(expect.arrayContaining(['id', 'title', 'datetime', 'gsd']));
    for (const name of ['keywords', 'geometry', 'summaries.platform']) expect(sortable).not.toHaveProperty([name]);
  });

  it('can all be asked for', async () => {
    for (const kind of ['queryables', 'sortables']) {
      for (const name of Object.keys((await service.get(`/collections-${kind}`)).body['properties']!)) {
        const answer = await get(kind === 'sortables' ? { sortby: `-${name}` } : { filter: `"${name}" IS NOT NULL` });
        expect(ids(answer), name).not.toEqual([]);
        expect(answer.status, name).toBe(200);
      }
    }
    expect(ids(await get({ sortby: '-datetime' }))).toEqual(['fiji', 'alps', 'two']);
  });
});
