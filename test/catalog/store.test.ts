import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { combineItemSources, type ItemQuery, type ItemSource } from '../../src/catalog/item-source.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

let fresh: FreshDatabase;
let store: CatalogStore;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
});
afterAll(() => fresh.stop());

const collection = (id: string): StacCollection => ({
  type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id, description: id, license: 'other', summaries: {}, links: [],
  extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [[null, null]] } },
  'cube:dimensions': { y: {}, x: {}, bands: { type: 'bands', values: ['b', 'a'] } },
});

interface Wish { id: string; datetime?: string | null; start?: string; end?: string; box?: readonly number[]; geometry?: StacItem['geometry'] }

const rectangle = ([w, s, e, n]: readonly number[]) => [[[w, s], [e, s], [e, n], [w, n], [w, s]]];

function item(of: string, { id, datetime = '2020-06-01T00:00:00Z', start, end, box = [0, 0, 1, 1], geometry }: Wish): StacItem {
  const flat = box.length === 6 ? [box[0]!, box[1]!, box[3]!, box[4]!] : box;
  const crosses = flat[0]! > flat[2]!;
  const own = crosses
    ? { type: 'MultiPolygon', coordinates: [rectangle([box[0]!, box[1]!, 180, box[3]!]), rectangle([-180, box[1]!, box[2]!, box[3]!])] }
    : { type: 'Polygon', coordinates: rectangle(flat) };
  return {
    type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id, collection: of, links: [], assets: {}, bbox: box, geometry: geometry === undefined ? own : geometry,
    properties: { datetime, ...(start ? { start_datetime: start } : {}), ...(end ? { end_datetime: end } : {}) },
  };
}

const search = async (query: Partial<ItemQuery>) => (await store.search({ limit: 100, ...query })).items.map((found) => found.id);

describe('collections', () => {
  it('come back as they were put, keys in order', async () => {
    expect(await store.putCollection(collection('kept'))).toBe(true);
    expect(Object.keys((await store.collection('kept'))!['cube:dimensions'])).toEqual(['y', 'x', 'bands']);
    expect(await store.collection('none')).toBeNull();
  });

  it('count their changes, and putting the same again is none', async () => {
    await store.putCollection(collection('counted'));
    expect(await store.revision('counted')).toBe(1);
    expect(await store.putCollection(collection('counted'))).toBe(false);
    const one = item('counted', { id: 'one' });
    expect(await store.putItems('counted', [one])).toBe(1);
    expect(await store.putItems('counted', [one])).toBe(0);
    expect(await store.revision('counted')).toBe(2);
    expect(await store.revision('none')).toBe(0);
    expect(await store.deleteCollection('counted')).toBe(true);
    expect(await store.get('counted', 'one')).toBeNull();
  });

  it('keep the first anchor of each CRS', async () => {
    await store.putCollection(collection('anchored'));
    await store.fixAnchor('anchored', { crs: 'EPSG:32631', x: 600000, y: 5600000, stepX: 10, stepY: 10 });
    await store.fixAnchor('anchored', { crs: 'EPSG:32631', x: 1, y: 2, stepX: 20, stepY: 20 });
    expect(await store.anchor('anchored', 'EPSG:32631')).toEqual({ crs: 'EPSG:32631', x: 600000, y: 5600000, stepX: 10, stepY: 10 });
    expect(await store.anchor('anchored', 'EPSG:32632')).toBeNull();
  });
});

describe('items', () => {
  it('are refused whole when one has no time or another collection', async () => {
    await store.putCollection(collection('strict'));
    const good = item('strict', { id: 'good' });
    await expect(store.putItems('strict', [good, item('strict', { id: 'timeless', datetime: null })])).rejects.toThrow('\'timeless\' has neither');
    await expect(store.putItems('strict', [good, item('other', { id: 'stray' })])).rejects.toThrow('not \'strict\'');
    expect(await store.get('strict', 'good')).toBeNull();
  });

  it('are loaded by instant in a left-closed interval', async () => {
    await store.putCollection(collection('months'));
    await store.putItems('months', [1, 2, 3].map((m) => item('months', { id: `m${m}`, datetime: `2021-0${m}-01T00:00:00Z` })));
    const load = async (from: string | null, to: string | null) => (await store.items({ collection: 'months', bbox: null, interval: [from, to] })).map((i) => i.id);
    expect(await load('2021-01-01', '2021-03-01')).toEqual(['m1', 'm2']);
    expect(await load('2021-02-01T00:00:00Z', null)).toEqual(['m2', 'm3']);
    expect((await store.items({ collection: 'months', bbox: [5, 5, 6, 6], interval: null }))).toEqual([]);
  });
});

describe('search', () => {
  beforeAll(async () => {
    for (const id of ['s', 'dateline', 'shapes']) await store.putCollection(collection(id));
    await store.putItems('s', [
      item('s', { id: 'a', datetime: '2020-01-01T00:00:00Z', box: [0, 0, 1, 1] }),
      item('s', { id: 'b', datetime: '2020-02-01T00:00:00.123456Z', box: [2, 0, 3, 1] }),
      item('s', { id: 'c', datetime: null, start: '2020-03-01T00:00:00Z', end: '2020-03-31T23:59:59Z', box: [0, 2, 5, 1, 3, 9] }),
      item('s', { id: 'nowhere', datetime: '2019-01-01T00:00:00Z', geometry: null }),
    ]);
    await store.putItems('dateline', [
      item('dateline', { id: 'across', box: [179, -1, -179, 1] }),
      item('dateline', { id: 'west', box: [-178, -1, -177, 1] }),
      item('dateline', { id: 'east', box: [177, -1, 178, 1] }),
    ]);
    await store.putItems('shapes', [item('shapes', { id: 'triangle', box: [10, 10, 20, 20], geometry: { type: 'Polygon', coordinates: [[[10, 10], [20, 10], [10, 20], [10, 10]]] } })]);
  });

  it('takes all conditions together', async () => {
    expect(await search({ collections: ['s'] })).toEqual(['c', 'b', 'a', 'nowhere']);
    expect(await search({ ids: ['a', 'across'] })).toEqual(['across', 'a']);
    expect(await search({ ids: ['a'], bbox: [2, 0, 3, 1] })).toEqual([]);
    expect(await search({ collections: ['s', 'dateline'], ids: ['b'] })).toEqual(['b']);
  });

  it('finds by time what touches the interval, ends included', async () => {
    const at = (start: string | null, end: string | null) => search({ collections: ['s'], datetime: [start, end] });
    expect(await at('2020-02-01T00:00:00.123456Z', '2020-02-01T00:00:00.123456Z')).toEqual(['b']);
    expect(await at('2020-03-15T00:00:00+02:00', null)).toEqual(['c']);
    expect(await at(null, '2020-01-01T00:00:00Z')).toEqual(['a', 'nowhere']);
    expect(await at('2020-03-31T23:59:59Z', '2021-01-01T00:00:00Z')).toEqual(['c']);
  });

  it('finds by box, borders included, with heights where items have them', async () => {
    expect(await search({ collections: ['s'], bbox: [1, 1, 2, 2] })).toEqual(['c', 'b', 'a']);
    expect(await search({ collections: ['s'], bbox: [0.5, 2.5, 0.5, 2.5] })).toEqual(['c']);
    expect(await search({ collections: ['s'], bbox: [0, 0, 10, 5, 5, 20] })).toEqual(['b', 'a']);
    expect(await search({ collections: ['s'], bbox: [0, 0, 6, 5, 5, 20] })).toEqual(['c', 'b', 'a']);
  });

  it('knows that the antimeridian is one line', async () => {
    const box = (...bbox: number[]) => search({ collections: ['dateline'], bbox }).then((ids) => ids.sort());
    expect(await box(178.5, -1, -178.5, 1)).toEqual(['across']);
    expect(await box(177.5, -1, -177.5, 1)).toEqual(['across', 'east', 'west']);
    expect(await box(-179.5, 0, -178, 1)).toEqual(['across', 'west']);
    expect(await box(-180, -90, 180, 90)).toEqual(['across', 'east', 'west']);
    expect(await box(178.1, -1, 178.9, 1)).toEqual([]);
    const beyond = { type: 'Polygon', coordinates: rectangle([180.5, -0.5, 182.5, 0.5]) };
    expect((await search({ collections: ['dateline'], intersects: beyond })).sort()).toEqual(['across', 'west']);
  });

  it('tests the geometry, not only its box', async () => {
    const point = (x: number, y: number) => search({ collections: ['shapes'], intersects: { type: 'Point', coordinates: [x, y] } });
    expect(await point(12, 12)).toEqual(['triangle']);
    expect(await point(19, 19)).toEqual([]);
    expect(await point(15, 15)).toEqual(['triangle']);
    expect(await search({ collections: ['shapes'], bbox: [18, 18, 19, 19] })).toEqual([]);
    const both = { type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [19, 19] }, { type: 'LineString', coordinates: [[0, 0], [11, 11]] }] };
    expect(await search({ collections: ['shapes'], intersects: both })).toEqual(['triangle']);
    expect((await store.search({ limit: 1, collections: ['shapes'], intersects: { type: 'Point', coordinates: [19, 19] } })).numberMatched).toBe(0);
  });
});

describe('paging', () => {
  const ids = Array.from({ length: 25 }, (_, i) => `p${String(i).padStart(2, '0')}`);
  beforeAll(async () => {
    await store.putCollection(collection('paged'));
    // Few instants, many items: the order inside an instant must hold over the pages.
    await store.putItems('paged', ids.map((id, i) => item('paged', { id, datetime: `2020-01-0${1 + (i % 3)}T00:00:00Z` })));
  });

  async function pages(query: Partial<ItemQuery>, between?: (page: number) => Promise<unknown>): Promise<string[][]> {
    const all: string[][] = [];
    let token: string | null = null;
    do {
      const page = await store.search({ limit: 7, collections: ['paged'], ...query, ...(token === null ? {} : { token }) });
      all.push(page.items.map((i) => i.id));
      token = page.next;
      await between?.(all.length);
    } while (token !== null);
    return all;
  }

  it('gives each item once, newest first, with the same count on each page', async () => {
    const all = await pages({});
    expect(all.map((page) => page.length)).toEqual([7, 7, 7, 4]);
    expect(all.flat().sort()).toEqual(ids);
    expect((await store.search({ limit: 7, collections: ['paged'] })).numberMatched).toBe(25);
    expect((await pages({ intersects: { type: 'Point', coordinates: [0.5, 0.5] } })).flat().sort()).toEqual(ids);
  });

  it('is not disturbed by items that arrive meanwhile', async () => {
    const all = await pages({ ids }, (page) => store.putItems('paged', [
      item('paged', { id: `q${page}new`, datetime: '2020-02-01T00:00:00Z' }), item('paged', { id: `a${page}old`, datetime: '2020-01-02T00:00:00Z' }),
    ]));
    expect(all.flat().sort()).toEqual(ids);
  });

  it.each(['', 'x', '0', Buffer.from('["a","b"]').toString('base64url'), Buffer.from('["2020-01-01","b","c"]').toString('base64url')])('refuses the token %j', async (token) => {
    await expect(store.search({ limit: 1, token })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
  });
});

describe('numberMatched', () => {
  const grow = (id: string, from: number, to: number) => fresh.database.query(
    `insert into items (collection, id, definition, properties, instant, starts, ends, footprint)
     select $4, 'c' || n, $1::json, '{}', t, t, t, box(point(0, 0), point(1, 1)) from generate_series($2::int, $3::int) as n, lateral (select '2020-01-01T00:00:00Z'::timestamptz + make_interval(mins => n) as t) as times`,
    [JSON.stringify(item(id, { id: 'one' })), from, to, id],
  );

  it('of all items is exact, and so is every other up to 20 000 items; of more it is exact where few come into question, else left out', async () => {
    await store.putCollection(collection('crowd'));
    const count = async (more: Partial<ItemQuery>) => (await store.search({ collections: ['crowd'], limit: 1, ...more })).numberMatched;
    await grow('crowd', 1, 20_000);
    expect(await count({})).toBe(20_000);
    expect(await count({ bbox: [-1, -1, 2, 2] })).toBe(20_000);
    expect(await count({ where: [{ property: 'id', comparison: 'startsWith', value: 'c1' }] })).toBe(11_111);
    await grow('crowd', 20_001, 20_001);
    expect(await count({})).toBe(20_001);
    expect(await count({ bbox: [-1, -1, 2, 2] })).toBeNull();
    expect(await count({ bbox: [0.5, 0.5, 2, 2] })).toBeNull();
    expect(await count({ ids: ['c7', 'c8'] })).toBe(2);
    expect(await count({ datetime: ['2020-01-01T01:00:00Z', '2020-01-01T02:00:00Z'] })).toBe(61);
    expect(await count({ datetime: ['2020-01-01T01:00:00Z', '2020-01-01T02:00:00Z'], where: [{ property: 'id', comparison: 'startsWith', value: 'c7' }] })).toBe(10);
    expect(await count({ datetime: ['2020-01-01T01:00:00Z', null] })).toBeNull();
    expect(await count({ where: [{ property: 'id', comparison: 'startsWith', value: 'c7' }] })).toBeNull();
    await fresh.database.query("update items set footprint = box(point(40, 40), point(41, 41)) where collection = 'crowd' and instant < '2020-01-01T01:00:00Z'");
    expect(await count({ ids: ['c7', 'c99'], bbox: [30, 30, 50, 50] })).toBe(1);
    expect(await count({ bbox: [30, 30, 50, 50] })).toBe(59);
    await store.deleteCollection('crowd');
  });

  it('follows every change of the items, also when it is asked for again', async () => {
    await store.putCollection(collection('counted again'));
    const of = (id: string, box: readonly number[]) => item('counted again', { id, box });
    const numbers = async () => [
      (await store.search({ collections: ['counted again'], limit: 1 })).numberMatched,
      (await store.search({ collections: ['counted again'], limit: 1, bbox: [0, 0, 4, 4] })).numberMatched,
    ];
    await store.putItems('counted again', ['a', 'b', 'c'].map((id) => of(id, [1, 1, 2, 2])));
    expect([await numbers(), await numbers()]).toEqual([[3, 3], [3, 3]]);
    await store.putItems('counted again', [of('a', [50, 50, 51, 51]), of('d', [1, 1, 2, 2]), of('e', [1, 1, 2, 2])]);
    expect(await numbers()).toEqual([5, 4]);
    await store.deleteItems('counted again', ['b', 'none']);
    expect(await numbers()).toEqual([4, 3]);
    await fresh.database.query("update items set footprint = null where collection = 'counted again' and id = 'c'");
    expect(await numbers()).toEqual([4, 2]);
    await store.deleteCollection('counted again');
    await store.putCollection(collection('counted again'));
    expect(await numbers()).toEqual([0, 0]);
  });

  it('counts what a visitor may see', async () => {
    const secret = { ...collection('secret'), 'lamina:files': { visibility: 'private', owner: 'ann' } };
    await store.putCollection(secret);
    await store.putItems('secret', ['a', 'b'].map((id) => item('secret', { id })));
    const count = async (user?: string | null) => (await store.search({ collections: ['secret', 'paged'], ids: ['a', 'b', 'p00'], limit: 1, ...(user === undefined ? {} : { user }) })).numberMatched;
    expect([await count(), await count('ann'), await count('bob'), await count(null)]).toEqual([3, 3, 1, 1]);
    expect((await store.search({ collections: ['secret'], limit: 1, user: null })).numberMatched).toBe(0);
    await store.deleteCollection('secret');
  });
});

describe('times of items', () => {
  it('are found however far they reach from their instant, also where longer ones come later', async () => {
    await store.putCollection(collection('spans'));
    const at = (start: string | null, end: string | null) => search({ collections: ['spans'], datetime: [start, end] });
    await store.putItems('spans', [item('spans', { id: 'moment', datetime: '2020-06-01T00:00:00Z' })]);
    expect(await at('2020-05-01T00:00:00Z', '2020-06-01T00:00:00Z')).toEqual(['moment']);
    expect(await at('2020-06-01T00:00:00.000001Z', null)).toEqual([]);
    await store.putItems('spans', [
      item('spans', { id: 'month', datetime: null, start: '2020-03-01T00:00:00Z', end: '2020-03-31T23:59:59.5Z' }),
      item('spans', { id: 'years', datetime: '2010-01-01T00:00:00Z', start: '2001-01-01T00:00:00Z', end: '2019-12-31T00:00:00Z' }),
    ]);
    expect(await at('2020-03-31T23:59:59.5Z', '2020-04-01T00:00:00Z')).toEqual(['month']);
    expect(await at('2019-12-31T00:00:00Z', '2020-02-29T23:59:59Z')).toEqual(['years']);
    expect(await at(null, '2001-01-01T00:00:00Z')).toEqual(['years']);
    expect(await at('2001-02-01T00:00:00Z', '2020-06-01T00:00:00Z')).toEqual(['moment', 'month', 'years']);
    await store.putItems('spans', [item('spans', { id: 'month', datetime: '2020-03-01T00:00:00Z', start: '2020-03-01T00:00:00Z', end: '2020-12-31T00:00:00Z' })]);
    expect(await at('2020-12-31T00:00:00Z', null)).toEqual(['month']);
  });
});

describe('shapes', () => {
  it('are those of the item as it is now, whoever changed it', async () => {
    await store.putCollection(collection('moved'));
    const touching = async (x: number, y: number) => search({ collections: ['moved'], intersects: { type: 'Point', coordinates: [x, y] } });
    const triangle = (x: number): StacItem['geometry'] => ({ type: 'Polygon', coordinates: [[[x, 0], [x + 10, 0], [x, 10], [x, 0]]] });
    await store.putItems('moved', [item('moved', { id: 'one', box: [0, 0, 10, 10], geometry: triangle(0) })]);
    expect([await touching(1, 1), await touching(9, 9)]).toEqual([['one'], []]);
    await store.putItems('moved', [item('moved', { id: 'one', box: [20, 0, 30, 10], geometry: triangle(20) })]);
    expect([await touching(1, 1), await touching(21, 1), await touching(29, 9)]).toEqual([[], ['one'], []]);
    const other = { ...item('moved', { id: 'one', box: [20, 0, 30, 10] }) };
    await fresh.database.query("update items set definition = $1::json where collection = 'moved'", [JSON.stringify(other)]);
    expect(await touching(29, 9)).toEqual(['one']);
  });
});

describe('combined sources', () => {
  const made = (prefix: string, count: number): ItemSource => ({
    search: ({ limit, token }) => {
      const from = Number(token ?? 0);
      const all = Array.from({ length: count }, (_, i) => item(prefix, { id: `${prefix}${i}` }));
      return Promise.resolve({ items: all.slice(from, from + limit), numberMatched: count, next: from + limit < count ? String(from + limit) : null });
    },
    get: (of, id) => Promise.resolve(of === prefix ? item(of, { id }) : null),
  });

  it.each([[0, 0, 0], [3, 2, 4], [4, 4, 4], [0, 5, 0], [8, 0, 1]])('page through %i + %i + %i items without loss', async (a, b, c) => {
    const source = combineItemSources([made('a', a), made('b', b), made('c', c)]);
    const seen: string[] = [];
    let token: string | null = null;
    do {
      const page = await source.search({ limit: 4, ...(token === null ? {} : { token }) });
      expect(page.numberMatched).toBe(a + b + c);
      expect(page.items.length).toBe(Math.min(4, a + b + c - seen.length));
      seen.push(...page.items.map((i) => i.id));
      token = page.next;
    } while (token !== null);
    expect(new Set(seen).size).toBe(a + b + c);
    expect((await source.get('c', 'c0'))?.id).toBe('c0');
    await expect(source.search({ limit: 1, token: '9.x' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
  });
});
