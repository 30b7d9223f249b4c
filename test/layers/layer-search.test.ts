/** Searching by properties, and sorting, when some items are stored and others made up: against JavaScript on the same items. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { combineItemSources, type ItemSource } from '../../src/catalog/item-source.ts';
import type { PropertyCondition } from '../../src/catalog/item-property.ts';
import { LayerStates } from '../../src/catalog/layer-states.ts';
import { CatalogStore } from '../../src/catalog/store.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { layerItems } from '../../src/layers/layer-items.ts';
import { scene } from '../api/stac/service.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { registry } from './fixtures.ts';
import { layerCollection, rawCollection } from './service.ts';

let fresh: FreshDatabase;
let source: ItemSource;
let everything: readonly StacItem[];
beforeAll(async () => {
  fresh = await startFreshDatabase();
  const store = new CatalogStore(fresh.database);
  const states = new LayerStates(fresh.database);
  await store.putCollection(rawCollection);
  await store.putCollection(layerCollection);
  const items = Array.from({ length: 20 }, (_, i) => {
    const item = scene('RAW', `i${String(i).padStart(2, '0')}`, `2021-05-${String(1 + (i * 7) % 28).padStart(2, '0')}T00:00:00Z`, i, 10);
    return { ...item, properties: { ...item.properties, ...(i % 3 === 0 ? {} : { 'eo:cloud_cover': (i * 13) % 50 }), 'proj:code': i % 2 ? 'EPSG:32631' : 'EPSG:32632', gsd: 10 + (i % 2) } };
  });
  await store.putItems('RAW', items);
  await states.expect('LAYER', 'RAW', ['i03', 'i04', 'i05', 'i06'].map((item) => ({ item, task: `t-${item}` })));
  for (const item of ['i03', 'i04', 'i06']) {
    const version = await states.version({ layer: 'LAYER', item }, 'RAW');
    await states.finish({ layer: 'LAYER', item }, 'RAW', { digest: (version as unknown as { digest: string }).digest, blocks: 1, bytes: 1 });
  }
  await store.deleteItems('RAW', ['i06']);
  source = combineItemSources([store, layerItems(store, registry, undefined, states)]);
  everything = (await source.search({ limit: 100 })).items;
});
afterAll(() => fresh.stop());

const key = ({ collection, id }: StacItem) => `${collection}/${id}`;
const value = (item: StacItem, name: string) => (name === 'id' || name === 'collection' ? item[name] : name === 'datetime' ? Date.parse(item.properties.datetime!) : item.properties[name] ?? null);

/** Numbers before texts, absent values last, equal ones by collection and id. */
function sorted(items: readonly StacItem[], fields: readonly { property: string; direction: 'asc' | 'desc' }[]): string[] {
  const compare = (a: StacItem, b: StacItem): number => {
    for (const { property, direction } of [...fields, { property: 'collection', direction: 'asc' }, { property: 'id', direction: 'asc' }]) {
      const [left, right] = [value(a, property), value(b, property)] as [string | number | null, string | number | null];
      if (left === right) continue;
      if (left === null || right === null) return left === null ? 1 : -1;
      if (typeof left !== typeof right) return typeof left === 'number' ? -1 : 1;
      return (left < right ? -1 : 1) * (direction === 'desc' ? -1 : 1);
    }
    return 0;
  };
  return items.toSorted(compare).map(key);
}

describe('the items of layers', () => {
  it('are there, with states, beside the stored ones', () => {
    const status = everything.filter((item) => item.collection === 'LAYER').map((item) => item.properties['lamina:status']);
    expect(everything).toHaveLength(39);
    expect(new Set(status)).toEqual(new Set(['virtual', 'computed', 'computing', 'withdrawn']));
  });

  it.each(['eo:cloud_cover', 'gsd', 'lamina:status', 'proj:code', 'datetime', 'emb:quantization', 'id', 'collection', 'updated', 'deprecated', 'nothing'])('are sorted by %s together with the stored ones, in pages of any size', async (property) => {
    for (const direction of ['asc', 'desc'] as const) {
      const expected = property === 'deprecated' || property === 'emb:quantization' ? null : sorted(everything, [{ property, direction }]);
      const whole = (await source.search({ limit: 100, sortby: [{ property, direction }] })).items.map(key);
      if (expected) expect(whole).toEqual(expected);
      expect(whole.toSorted()).toEqual(everything.map(key).toSorted());
      const paged: string[] = [];
      for (let token: string | null | undefined; token !== null;) {
        const page = await source.search({ limit: 4, sortby: [{ property, direction }], ...(token === undefined ? {} : { token }) });
        expect(page.numberMatched).toBe(39);
        paged.push(...page.items.map(key));
        token = page.next;
      }
      expect(paged).toEqual(whole);
    }
  });

  it.each<[string, PropertyCondition, (item: StacItem) => boolean]>([
    ['a state', { property: 'lamina:status', comparison: 'eq', value: 'computed' }, (item) => item.properties['lamina:status'] === 'computed'],
    ['no state', { property: 'lamina:status', comparison: 'neq', value: 'virtual' }, (item) => !['virtual', undefined].includes(item.properties['lamina:status'] as string)],
    ['what only stored items have', { property: 'eo:cloud_cover', comparison: 'lt', value: 20 }, (item) => Number(item.properties['eo:cloud_cover'] ?? 99) < 20],
    ['what is the same in all items of the layer', { property: 'gsd', comparison: 'gte', value: 11 }, (item) => Number(item.properties['gsd']) >= 11],
    ['what the layer passes on', { property: 'proj:code', comparison: 'eq', value: 'EPSG:32631' }, (item) => item.properties['proj:code'] === 'EPSG:32631'],
    ['a time', { property: 'datetime', comparison: 'lt', value: '2021-05-10T00:00:00Z' }, (item) => Date.parse(item.properties.datetime!) < Date.UTC(2021, 4, 10)],
    ['their collection', { property: 'collection', comparison: 'eq', value: 'LAYER' }, (item) => item.collection === 'LAYER'],
    ['having been withdrawn', { property: 'deprecated', comparison: 'eq', value: true }, (item) => item.properties['deprecated'] === true],
  ])('are found by %s', async (_, condition, test) => {
    const { items, numberMatched } = await source.search({ limit: 100, where: [condition] });
    const expected = everything.filter(test).map(key).toSorted();
    expect(expected.length).toBeGreaterThan(0);
    expect(items.map(key).toSorted()).toEqual(expected);
    expect(numberMatched).toBe(expected.length);
  });

  it('are counted by collection, place and state', async () => {
    const count = async (query: object) => Object.groupBy(await source.groups!({ interval: 'year', ...query }), ({ collection }) => collection);
    expect(Object.entries(await count({})).map(([id, groups]) => [id, groups!.reduce((total, group) => total + group.count, 0)])).toEqual([['RAW', 19], ['LAYER', 20]]);
    const near = await count({ bbox: [3, 10, 5.5, 11], where: [{ property: 'lamina:status', comparison: 'eq', value: 'computed' }] });
    expect(near).toEqual({ LAYER: [expect.objectContaining({ count: 1, first: expect.stringMatching(/^2021-05-/) as unknown }), expect.objectContaining({ count: 1 })] });
  });

  it('tell which properties they have', async () => {
    const fields = await source.fields!({ collections: ['LAYER'] });
    const named = Object.fromEntries(fields.map((field) => [field.name, field]));
    expect(named['lamina:status']).toEqual({ name: 'lamina:status', types: ['string'], values: ['computed', 'computing', 'virtual'] });
    expect(named).not.toHaveProperty('eo:cloud_cover');
    const covers = everything.map((item) => item.properties['eo:cloud_cover']).filter((cover) => typeof cover === 'number');
    const own = Object.fromEntries((await source.fields!({ collections: ['RAW'] })).map((field) => [field.name, field]));
    expect(own['eo:cloud_cover']).toEqual({ name: 'eo:cloud_cover', types: ['number'], range: [Math.min(...covers), Math.max(...covers)] });
    const all = Object.fromEntries((await source.fields!({})).map((field) => [field.name, field]));
    expect(all['gsd']!.range).toEqual([10, Math.max(...everything.map((item) => Number(item.properties['gsd'])))]);
    expect(all['proj:code']!.values).toEqual(['EPSG:32631', 'EPSG:32632']);
  });
});
