/** A collection that lies in a second Lamina gives what the same items give when they are stored here. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readFilter } from '../../src/catalog/cql2/filter.ts';
import type { ItemPage, ItemQuery, ItemSource } from '../../src/catalog/item-query.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { startService, type Service } from '../api/stac/service.ts';
import { federated, plain, square, squares, startFederation, type Federation } from './federation.ts';

let upstream: Service;
let federation: Federation;
const items = squares('scenes', 90);

beforeAll(async () => {
  upstream = await startService();
  await upstream.store.putCollection(plain('scenes'));
  await upstream.store.putItems('scenes', items);
  federation = await startFederation(new URL(upstream.url).host);
  const { catalog } = federation;
  await catalog.putCollection(federated('away', { url: upstream.url, collection: 'scenes' }));
  // The same items here, to compare with.
  await catalog.putCollection(plain('twin'));
  await catalog.putItems('twin', items.map((item) => ({ ...item, collection: 'twin' })));
});
afterAll(async () => {
  await federation.stop();
  await upstream.stop();
});

/** Pages until there are no more; gives all items and how many pages it were. */
async function walk(source: Pick<ItemSource, 'search'>, query: ItemQuery): Promise<{ items: StacItem[]; pages: ItemPage[] }> {
  const [found, pages]: [StacItem[], ItemPage[]] = [[], []];
  for (let token: string | undefined; ;) {
    const page: ItemPage = await source.search({ ...query, ...(token === undefined ? {} : { token }) });
    found.push(...page.items);
    pages.push(page);
    if (page.next === null || pages.length > 200) return { items: found, pages };
    token = page.next;
  }
}

const idsOf = (list: readonly StacItem[]) => list.map(({ id }) => id);
const cql = (text: string) => readFilter(text, 'cql2-text');

const queries: Record<string, Partial<ItemQuery>> = {
  everything: {},
  'a box': { bbox: [-10, -20, 3, 2] },
  'a box over the antimeridian': { bbox: [170, -80, 5, 80] },
  'a time': { datetime: ['2024-01-05T00:00:00Z', '2024-01-09T12:00:00Z'] },
  'an open time': { datetime: ['2024-01-20T00:00:00Z', null] },
  'ids': { ids: ['item-003', 'item-050', 'nobody'] },
  'a polygon': { intersects: { type: 'Polygon', coordinates: [[[-10, -20], [10, -20], [-10, 20], [-10, -20]]] } },
  'a property': { where: [{ property: 'eo:cloud_cover', comparison: 'lt', value: 30 }] },
  'a property that is not': { where: [{ property: 'eo:cloud_cover', comparison: 'neq', value: 37 }] },
  'a text in a list': { where: [{ property: 'platform', comparison: 'in', value: ['sentinel-2a', 'x'] }] },
  'a number as text': { where: [{ property: 'eo:cloud_cover', comparison: 'eq', value: '37' }] },
  'cql2: and, or, not': { filter: cql("eo:cloud_cover < 50 AND (platform = 'sentinel-2a' OR NOT (eo:cloud_cover > 10))") },
  'cql2: missing': { filter: cql('eo:cloud_cover IS NULL') },
  'cql2: letters': { filter: cql("CASEI(ACCENTI(title)) = CASEI('ETE 2')") },
  'cql2: our collection': { filter: cql("collection = 'away' OR collection = 'twin'") },
  'cql2: space and time': { filter: cql("S_WITHIN(geometry, BBOX(-12,-22,4,4)) AND T_AFTER(datetime, TIMESTAMP('2024-01-03T00:00:00Z'))") },
  'cql2: own functions': { filter: cql('floor(eo:cloud_cover / 10) = 3') },
};

describe.each(Object.entries(queries))('%s', (_, query) => {
  it('finds the same items as stored ones', async () => {
    const [away, twin] = await Promise.all(['away', 'twin'].map((id) => walk(federation.catalog, { ...query, collections: [id], limit: 11 })));
    expect(idsOf(away!.items).toSorted()).toEqual(idsOf(twin!.items).toSorted());
    expect(new Set(idsOf(away!.items)).size).toBe(away!.items.length);
    expect(away!.items.every(({ collection }) => collection === 'away')).toBe(true);
    for (const page of away!.pages) if (page.numberMatched !== null) expect(page.numberMatched).toBe(twin!.items.length);
  });

});

describe.each(['everything', 'a property', 'cql2: and, or, not', 'cql2: own functions'].map((name) => [name, queries[name]!] as const))('%s, in an order', (_, query) => {
  it.each([
    [[{ property: 'datetime', direction: 'asc' }]], [[{ property: 'datetime', direction: 'desc' }]], [[{ property: 'id', direction: 'desc' }]],
    [[{ property: 'eo:cloud_cover', direction: 'asc' }]], [[{ property: 'eo:cloud_cover', direction: 'desc' }, { property: 'datetime', direction: 'asc' }]],
    [[{ property: 'platform', direction: 'desc' }, { property: 'id', direction: 'desc' }]], [[{ property: 'collection', direction: 'asc' }]],
  ] as const)('comes as stored items do by %j', async (sortby) => {
    const [away, twin] = await Promise.all(['away', 'twin'].map((id) => walk(federation.catalog, { ...query, sortby, collections: [id], limit: 13 })));
    expect(idsOf(away!.items)).toEqual(idsOf(twin!.items));
  });
});

describe('what is sent', () => {
  it('is as much as the catalog understands', async () => {
    const requests = upstream.log.length;
    const page = await federation.catalog.search({ collections: ['away'], limit: 5, filter: queries['cql2: letters']!.filter! });
    expect(page.numberMatched).toBeGreaterThan(0);
    expect(page.items).toHaveLength(5);
    expect(upstream.log.length).toBe(requests);
  });
});

describe('all collections together', () => {
  it('come one after the other, without a double', async () => {
    const { items: found, pages } = await walk(federation.catalog, { limit: 25 });
    expect(found.map(({ collection, id }) => `${collection}/${id}`).toSorted()).toEqual([...items.map(({ id }) => `away/${id}`), ...items.map(({ id }) => `twin/${id}`)].toSorted());
    expect(pages[0]!.numberMatched).toBe(180);
  });

  it('are merged in one order', async () => {
    const sortby = [{ property: 'datetime', direction: 'asc' }] as const;
    const { items: found } = await walk(federation.catalog, { limit: 17, sortby });
    const expected = items.flatMap((item) => [{ ...item, collection: 'away' }, { ...item, collection: 'twin' }])
      .toSorted((a, b) => (a.properties.datetime! < b.properties.datetime! ? -1 : a.properties.datetime! > b.properties.datetime! ? 1 : a.collection < b.collection ? -1 : a.collection > b.collection ? 1 : a.id < b.id ? -1 : 1));
    expect(found.map(({ collection, id }) => `${collection}/${id}`)).toEqual(expected.map(({ collection, id }) => `${collection}/${id}`));
  });

  it('page on through items that arrive in the other catalog meanwhile', async () => {
    const sortby = [{ property: 'datetime', direction: 'asc' }] as const;
    const first = await federation.catalog.search({ collections: ['away'], limit: 20, sortby });
    await upstream.store.putItems('scenes', [square('scenes', 'new-early', '2023-12-31T00:00:00Z', 0, 0)]);
    const { items: rest } = await walk(federation.catalog, { collections: ['away'], limit: 20, sortby, token: first.next! });
    await upstream.store.deleteItems('scenes', ['new-early']);
    const all = [...first.items, ...rest];
    expect(idsOf(all).slice(0, 20)).toEqual(idsOf(first.items));
    expect(new Set(idsOf(all)).size).toBe(all.length);
  });
});

describe('single items', () => {
  it('come under our collection, with a link to where they are', async () => {
    const found = await federation.catalog.get('away', 'item-004');
    expect(found).toMatchObject({ id: 'item-004', collection: 'away', stac_version: '1.1.0' });
    expect(found!.links).toContainEqual(expect.objectContaining({ rel: 'via', href: `${upstream.url}/collections/scenes/items/item-004` }));
  });

  it('are null where there is none', async () => {
    expect(await federation.catalog.get('away', 'nobody')).toBeNull();
    expect(await federation.catalog.get('away', '../../scenes')).toBeNull();
  });
});

describe('counts and properties', () => {
  it('count what is there', async () => {
    const count = async (collection: string) => (await federation.catalog.groups({ collections: [collection], interval: 'month', property: 'eo:cloud_cover', step: 10 })).map((group) => ({ ...group, collection: '' }));
    const order = (groups: { time: string; value: number | null }[]) => groups.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : (a.value ?? 1e9) - (b.value ?? 1e9)));
    expect(order(await count('away'))).toEqual(order(await count('twin')));
  });

  it('tell what the other catalog tells of its properties', async () => {
    expect((await federation.catalog.fields({ collections: ['away'] })).map(({ name }) => name)).toEqual(expect.arrayContaining(['eo:cloud_cover', 'platform', 'title']));
  });
});

describe('what is made of items', () => {
  afterEach(() => void vi.useRealTimers());

  it('is made anew after an hour, because nobody tells when they change', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1, 10, 10) });
    const revisions = async () => Promise.all(['away', 'twin'].map((id) => federation.catalog.revision(id)));
    const first = await revisions();
    vi.setSystemTime(Date.UTC(2026, 0, 1, 10, 50));
    expect(await revisions()).toEqual(first);
    vi.setSystemTime(Date.UTC(2026, 0, 1, 11, 10));
    expect(await revisions()).toEqual([first[0]! + 1, first[1]]);
  });
});

describe('strange tokens', () => {
  it.each(['', 'x', 'eyJ9', Buffer.from(JSON.stringify(['other', null, 0, 0, ''])).toString('base64url'), Buffer.from(JSON.stringify(['away', { add: {}, path: '/../secret' }, 0, 0, ''])).toString('base64url')])('%s is refused', async (token) => {
    await expect(federation.catalog.search({ collections: ['away'], limit: 5, token })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
  });
});
