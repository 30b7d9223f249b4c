/** Catalogs that fail, lie, turn in circles or take for ever: what they do is reported, and harms nobody else. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ItemPage, ItemQuery } from '../../src/catalog/item-query.ts';
import { startDouble, type Double, type DoubleOptions } from './double.ts';
import { federated, plain, square, squares, startFederation, type Federation } from './federation.ts';
import type { FederationOptions } from '../../src/federation/federated-catalog.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { readFilter } from '../../src/catalog/cql2/filter.ts';

let fresh: FreshDatabase;
let double: Double;
let federation: Federation;
const items = squares('s2', 40);

async function start(options: Partial<DoubleOptions> = {}, more: Partial<FederationOptions> = {}): Promise<void> {
  double = await startDouble({ collection: 's2', items, ...options });
  federation = await startFederation(double.host, { timeoutMs: 300, ...more }, fresh.database);
  await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }));
}

beforeAll(async () => {
  fresh = await startFreshDatabase();
});
afterAll(() => fresh.stop());
beforeEach(async (context) => {
  if (!context.task.name.startsWith('own:')) await start();
});
afterEach(async () => {
  await federation.stop();
  await double.close();
});

const search = (query: Partial<ItemQuery> = {}) => federation.catalog.search({ collections: ['away'], limit: 10, ...query });

async function walk(query: Partial<ItemQuery> = {}, most = 100): Promise<string[]> {
  const ids: string[] = [];
  for (let token = query.token, count = 0; count < most; count++) {
    const page: ItemPage = await search({ ...query, ...(token === undefined ? {} : { token }) });
    ids.push(...page.items.map(({ id }) => id));
    if (page.next === null) return ids;
    token = page.next;
  }
  throw new Error(`there were more than ${most} pages`);
}

const all = items.map(({ id }) => id).toSorted();

describe('manners', () => {
  it.each(['earth-search', 'planetary-computer', 'items-only'] as const)('own: pages of %s are followed to the end', async (manner) => {
    await start({ manner, mostPerPage: 7 });
    expect((await walk()).toSorted()).toEqual(all);
    expect((await walk({ bbox: [-10, -20, 0, 20] })).toSorted()).toEqual(items.filter(({ bbox }) => bbox[0]! <= 0).map(({ id }) => id).toSorted());
    const clouds = readFilter('eo:cloud_cover < 20', 'cql2-text');
    expect((await walk({ filter: clouds })).toSorted()).toEqual(items.filter(({ properties }) => Number(properties['eo:cloud_cover'] ?? 100) < 20).map(({ id }) => id).toSorted());
  });

  it.each(['earth-search', 'items-only'] as const)('own: pages of %s that have numbers stay as large as the first when ours do not', async (manner) => {
    await start({ manner, hasPageNumbers: true });
    const first = await search({ limit: 15 });
    const second = await search({ limit: 20, token: first.next! });
    const rest = await walk({ limit: 12, token: second.next! });
    expect([...first.items, ...second.items].map(({ id }) => id).concat(rest).toSorted()).toEqual(all);
  });

  it('what the query extension can say is sent, and the rest done here', async () => {
    const filter = readFilter("eo:cloud_cover < 50 AND platform LIKE '%2a' AND S_INTERSECTS(geometry, BBOX(-10,-20,10,20))", 'cql2-text');
    const ids = await walk({ filter });
    expect(double.bodies[0]).toMatchObject({ query: { 'eo:cloud_cover': { lt: 50 } } });
    expect(double.bodies[0]).not.toHaveProperty('filter');
    expect(ids.toSorted()).toEqual(items.filter(({ bbox, properties }) => Number(properties['eo:cloud_cover'] ?? 100) < 50 && properties['platform'] === 'sentinel-2a' && bbox[0]! <= 10).map(({ id }) => id).toSorted());
  });

  it('a count is not believed where one of two conditions of a kind could not be sent', async () => {
    double.items = items.map((item, i) => ({ ...item, properties: { ...item.properties, kind: i === 0 ? 'b' : 'a' } }));
    const filter = readFilter("kind <> 'x' AND kind <> 'b'", 'cql2-text');
    expect((await search({ filter })).numberMatched).not.toBe(40);
    expect(await walk({ filter })).toHaveLength(39);
    expect((await search({ filter: readFilter("kind <> 'x'", 'cql2-text') })).numberMatched).toBe(40);
  });

  it('times of properties that are texts there are compared here', async () => {
    double.items = items.map((item, i) => ({ ...item, properties: { ...item.properties, updated: i < 5 ? '2024-06-01T02:00:00+02:00' : '2024-06-01T00:00:00.500Z' } }));
    expect(await walk({ filter: readFilter("updated = TIMESTAMP('2024-06-01T00:00:00Z')", 'cql2-text') })).toHaveLength(5);
    expect(await walk({ filter: readFilter("updated > TIMESTAMP('2024-06-01T00:00:00Z') AND datetime > TIMESTAMP('2000-01-01T00:00:00Z')", 'cql2-text') })).toHaveLength(35);
    expect(double.bodies.at(-1)).toMatchObject({ query: { datetime: { gt: '2000-01-01T00:00:00Z' } } });
  });

  it('own: a filter is sent in CQL2 JSON where it is understood', async () => {
    await start({ manner: 'planetary-computer' });
    await search({ filter: readFilter("eo:cloud_cover < 50 AND CASEI(platform) = 'x'", 'cql2-text') }).catch(() => undefined);
    expect(double.bodies[0]).toMatchObject({ 'filter-lang': 'cql2-json', filter: { op: '<', args: [{ property: 'eo:cloud_cover' }, 50] } });
  });

  it('a catalog that ignores what it was asked gives no wrong items', async () => {
    double.trouble = ({ body, path }, response) => {
      if (path !== '/v1/search' || !body) return false;
      const from = Number(body['next'] ?? 0);
      response.end(JSON.stringify({ type: 'FeatureCollection', features: items.slice(from, from + 10), numberMatched: 40, links: from + 10 < 40 ? [{ rel: 'next', href: double.url, method: 'POST', body: { ...body, next: String(from + 10) } }] : [] }));
      return true;
    };
    expect(await walk({ ids: ['item-003', 'item-033'] })).toEqual(['item-003', 'item-033']);
    expect((await search({ ids: ['item-003'] })).numberMatched).not.toBe(40);
  });

  it('a refused extension is done without', async () => {
    double.trouble = ({ body }, response) => {
      if (!body || !('query' in body || 'sortby' in body)) return false;
      response.writeHead(400).end('{"code":"BadRequest"}');
      return true;
    };
    const filter = readFilter('eo:cloud_cover < 20', 'cql2-text');
    expect((await walk({ filter, sortby: [{ property: 'id', direction: 'desc' }] }))).toEqual(items.filter(({ properties }) => Number(properties['eo:cloud_cover'] ?? 100) < 20).map(({ id }) => id).toReversed());
  });
});

describe('failures', () => {
  const fail = (status: number, headers: Record<string, string> = {}) => {
    double.trouble = (_, response) => {
      response.writeHead(status, headers).end('no');
      return true;
    };
  };

  it('of a moment are tried again', async () => {
    double.trouble = ({ count }, response) => {
      if (count % 2 === 0) return false;
      response.writeHead(502).end('<html>');
      return true;
    };
    expect((await search()).items).toHaveLength(10);
  });

  it.each([[500, 'UpstreamUnavailable', 503], [429, 'UpstreamUnavailable', 503], [403, 'UpstreamUnavailable', 503], [418, 'UpstreamInvalid', 502]])('with status %i are %s', async (status, code, ours) => {
    fail(status);
    await expect(search()).rejects.toMatchObject({ code, status: ours, message: expect.stringContaining(`status ${status}`) as string });
  });

  it('say when to come back, as the catalog said', async () => {
    fail(429, { 'retry-after': '120' });
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamUnavailable', retryAfterSeconds: 120 });
    const asked = double.requests.length;
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamUnavailable' });
    expect(double.requests).toHaveLength(asked);
  });

  it('in a row end in being left alone', async () => {
    fail(500);
    for (let i = 0; i < 3; i++) await expect(search()).rejects.toMatchObject({ code: 'UpstreamUnavailable' });
    const asked = double.requests.length;
    await expect(search()).rejects.toMatchObject({ message: expect.stringContaining('left alone') as string });
    expect(double.requests).toHaveLength(asked);
  });

  it('silence is not waited for', async () => {
    double.trouble = () => true;
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamUnavailable', message: expect.stringContaining('in time') as string });
  });

  it('an answer that never ends is not waited for', async () => {
    double.trouble = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"type":');
      return true;
    };
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamUnavailable' });
  });

  it.each(['<html>busy</html>', '{"type": "FeatureColl', '[]', '"hello"', 'null', '{}'])('the answer %s is reported', async (text) => {
    double.trouble = (_, response) => {
      response.end(text);
      return true;
    };
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamInvalid', status: 502 });
  });

  it.each([{}, { type: 'FeatureCollection' }, { type: 'FeatureCollection', features: {} }, { type: 'Feature' }])('the list %j is reported', async (body) => {
    double.trouble = ({ path }, response) => {
      if (path !== '/v1/search') return false;
      response.end(JSON.stringify(body));
      return true;
    };
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamInvalid' });
  });

  it('entries that are no items are left out', async () => {
    const strange: unknown[] = [null, 5, 'x', {}, { type: 'Feature' }, { ...items[0], geometry: 7 }, { ...items[1], properties: null }, { ...items[2], collection: 'of-others' }, { ...items[3], assets: { a: null } }, { ...items[4], geometry: { type: 'Polygon', coordinates: 'x' }, bbox: undefined }, { ...items[5], properties: { datetime: 'never' } }];
    double.items = [...strange.filter((entry) => entry !== null && typeof entry === 'object' && 'bbox' in entry && 'properties' in entry && entry.properties !== null && (entry as { bbox?: unknown }).bbox), ...items.slice(6)] as never;
    double.trouble = ({ path }, response) => {
      if (path !== '/v1/search') return false;
      response.end(JSON.stringify({ type: 'FeatureCollection', features: [...strange, ...items.slice(6, 9)], links: [] }));
      return true;
    };
    const page = await search({ limit: 50 });
    expect(page.items.map(({ id }) => id)).toEqual(['item-006', 'item-007', 'item-008']);
    expect(page.numberMatched).toBe(3);
  });

  it('no address and no secret is in what is said', async () => {
    fail(500);
    const error = (await search().catch((caught: unknown) => caught)) as Error;
    expect(error.message).not.toMatch(/127\.0\.0\.1|http:/);
  });
});

describe('circles', () => {
  it.each([1, 2, 3, 5])('a list of pages that repeats itself after %i comes to an end', async (length) => {
    double.trouble = ({ body, path }, response) => {
      if (path !== '/v1/search' || !body) return false;
      const page = Number(body['next'] ?? 0);
      const at = (page % length) * 5;
      response.end(JSON.stringify({ type: 'FeatureCollection', features: items.slice(at, at + 5), numberMatched: 1e9, links: [{ rel: 'next', href: `${double.url}/search`, method: 'POST', body: { ...body, next: page + 1 } }] }));
      return true;
    };
    const ids = await walk({}, 40);
    expect(new Set(ids).size).toBe(length * 5);
    expect((await federation.catalog.items({ collection: 'away', bbox: null, interval: null })).length).toBe(length * 5);
  });

  it('empty pages with a next one end too', async () => {
    double.trouble = ({ body, path }, response) => {
      if (path !== '/v1/search' || !body) return false;
      response.end(JSON.stringify({ type: 'FeatureCollection', features: [], links: [{ rel: 'next', href: `${double.url}/search`, method: 'POST', body }] }));
      return true;
    };
    expect(await walk()).toEqual([]);
  });

  it.each([-5, 3, 1.5, '40', 1e300, null])('a numberMatched of %s is not repeated', async (numberMatched) => {
    double.trouble = ({ body, path }, response) => {
      if (path !== '/v1/search' || !body) return false;
      response.end(JSON.stringify({ type: 'FeatureCollection', features: items.slice(0, 10), numberMatched, links: [{ rel: 'next', href: `${double.url}/search`, method: 'POST', body: { ...body, next: '10' } }] }));
      return true;
    };
    expect((await search()).numberMatched).toBeNull();
  });

  it('a link to another host leads nowhere else', async () => {
    double.trouble = ({ body, path }, response) => {
      if (path !== '/v1/search' || !body || body['next'] !== undefined) return false;
      response.end(JSON.stringify({ type: 'FeatureCollection', features: items.slice(0, 10), links: [{ rel: 'next', href: 'http://169.254.169.254/latest/meta-data', method: 'POST', body: { ...body, next: '10' } }] }));
      return true;
    };
    expect((await walk()).length).toBeGreaterThan(10);
    expect(new Set(double.requests)).toEqual(new Set(['GET /v1', 'POST /v1/search']));
  });
});

describe('searches that only we can do', () => {
  it('own: that find nothing in very many pages are refused, and not answered with nothing', async () => {
    await start({ mostPerPage: 2, items: squares('s2', 120) });
    await expect(search({ filter: readFilter("title LIKE 'nothing%'", 'cql2-text') })).rejects.toMatchObject({ code: 'UpstreamSearchTooLarge', status: 400 });
  });

  it('own: that load too much say how to load less', async () => {
    await start({}, { limits: { items: 20 } });
    await expect(federation.catalog.items({ collection: 'away', bbox: null, interval: null })).rejects.toMatchObject({ code: 'UpstreamSearchTooLarge', message: expect.stringContaining('smaller extent') as string });
    expect(await federation.catalog.items({ collection: 'away', bbox: null, interval: ['2024-01-01T00:00:00Z', '2024-01-03T00:00:00Z'] })).toHaveLength(6);
  });

  it('own: a catalog that sorts absent values first is sorted here', async () => {
    const sorted = (list: readonly Record<string, unknown>[]) => list;
    await start();
    double.trouble = ({ body, path }, response) => {
      if (path !== '/v1/search' || !body?.['sortby']) return false;
      const cloud = (item: (typeof items)[number]) => Number(item.properties['eo:cloud_cover'] ?? Infinity);
      response.end(JSON.stringify({ type: 'FeatureCollection', features: sorted(items.toSorted((a, b) => cloud(b) - cloud(a)) as never).slice(0, Number(body['limit'])), links: [{ rel: 'next', href: double.url, method: 'POST', body: { ...body, next: '10' } }] }));
      return true;
    };
    const page = await search({ sortby: [{ property: 'eo:cloud_cover', direction: 'desc' }], limit: 3 });
    const expected = items.filter(({ properties }) => properties['eo:cloud_cover'] !== undefined).toSorted((a, b) => Number(b.properties['eo:cloud_cover']) - Number(a.properties['eo:cloud_cover']) || (a.id < b.id ? -1 : 1)).slice(0, 3);
    expect(page.items.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  });
});

describe('beside others', () => {
  beforeEach(async () => {
    await federation.catalog.putCollection(plain('here'));
    await federation.catalog.putItems('here', [square('here', 'ours', '2024-01-01T00:00:00Z', 0, 0)]);
    double.trouble = (_, response) => {
      response.writeHead(500).end();
      return true;
    };
  });

  it.each([[undefined], [[{ property: 'datetime', direction: 'desc' }]]] as const)('a failing catalog is told of, and the rest is found (sorted by %j)', async (sortby) => {
    const page = await federation.catalog.search({ limit: 10, ...(sortby ? { sortby } : {}) });
    expect(page.items.map(({ id }) => id)).toEqual(['ours']);
    expect(page.numberMatched).toBeNull();
    expect(page.missing).toEqual([{ collection: 'away', code: 'UpstreamUnavailable', description: expect.stringContaining('away') as string }]);
    expect(federation.log).toContainEqual(expect.objectContaining({ level: 'warning', message: expect.stringContaining('away') as string }));
  });

  it('one whose secret is missing is told of, and the rest is found', async () => {
    double.trouble = null;
    await federation.catalog.putCollection(federated('locked', { url: double.url, collection: 's2', headers: { 'x-key': 'absent' } }));
    const page = await search({ collections: ['locked', 'away'], limit: 100 });
    expect(page.items.map(({ id }) => id).toSorted()).toEqual(all);
    expect(page.missing).toEqual([{ collection: 'locked', code: 'UpstreamUnavailable', description: expect.stringContaining('\'absent\'') as string }]);
    expect(await federation.catalog.fields({ collections: ['locked'] })).toEqual([]);
    // It is no fault of the catalog, which others ask as well.
    for (let i = 0; i < 5; i++) await search({ collections: ['locked'] }).catch(() => undefined);
    expect((await search()).items).toHaveLength(10);
  });

  it('is an error where it is all that was named', async () => {
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamUnavailable' });
    await expect(federation.catalog.search({ limit: 10, collections: ['here', 'away'], ids: ['nothing'] })).rejects.toMatchObject({ code: 'UpstreamUnavailable' });
    expect((await federation.catalog.search({ limit: 10, collections: ['here', 'away'] })).missing).toHaveLength(1);
    expect((await federation.catalog.search({ limit: 10, collections: ['here'] })).missing).toBeUndefined();
  });

  it('does not keep queryables and stored items from being told', async () => {
    expect(await federation.catalog.fields({})).toEqual(expect.any(Array));
    expect(await federation.catalog.get('here', 'ours')).not.toBeNull();
    await expect(federation.catalog.get('away', 'item-001')).rejects.toMatchObject({ code: 'UpstreamUnavailable' });
  });
});

describe('items that were seen', () => {
  it('are asked for with their version, and used where the catalog fails', async () => {
    const first = await federation.catalog.get('away', 'item-001');
    const seen: (string | undefined)[] = [];
    double.trouble = ({ headers }) => {
      seen.push(headers['if-none-match']);
      return false;
    };
    expect(await federation.catalog.get('away', 'item-001')).toEqual(first);
    expect(seen).toEqual([expect.stringMatching(/^"[0-9a-f]{32}"$/)]);
    double.items = items.map((item) => (item.id === 'item-001' ? { ...item, properties: { ...item.properties, title: 'new' } } : item));
    expect((await federation.catalog.get('away', 'item-001'))!.properties['title']).toBe('new');
    double.trouble = (_, response) => {
      response.writeHead(500).end();
      return true;
    };
    expect((await federation.catalog.get('away', 'item-001'))!.properties['title']).toBe('new');
    double.trouble = null;
    double.items = [];
    await federation.stop();
    federation = await startFederation(double.host, {}, fresh.database);
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }));
    expect(await federation.catalog.get('away', 'item-001')).toBeNull();
  });
});

it('an item that came without a version is not asked for with that of an older one', async () => {
  await federation.catalog.get('away', 'item-001');
  const seen: (string | undefined)[] = [];
  double.trouble = ({ path, headers }, response) => {
    if (!path.endsWith('/item-001')) return false;
    seen.push(headers['if-none-match']);
    response.end(JSON.stringify({ ...items[1], properties: { ...items[1]!.properties, title: 'new' } }));
    return true;
  };
  for (let i = 0; i < 2; i++) expect((await federation.catalog.get('away', 'item-001'))!.properties['title']).toBe('new');
  expect(seen).toEqual([expect.any(String), undefined]);
});

describe('addresses', () => {
  it('own: inside are not asked', async () => {
    await start();
    await federation.stop();
    federation = await startFederation('example.org:1', {}, fresh.database);
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }));
    await expect(search()).rejects.toMatchObject({ code: 'UpstreamUnavailable', message: expect.stringContaining('not a public address') as string });
    expect(double.requests).toEqual([]);
  });
});
