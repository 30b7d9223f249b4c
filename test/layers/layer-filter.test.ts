/** CQL2 filters when some items are stored and others made up: what the search finds against the evaluator on the items that clients see. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filterTest } from '../../src/catalog/cql2/evaluate.ts';
import { readFilter } from '../../src/catalog/cql2/filter.ts';
import { combineItemSources, type ItemSource } from '../../src/catalog/item-source.ts';
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
  await store.putItems('RAW', Array.from({ length: 20 }, (_, i) => {
    const item = scene('RAW', `i${String(i).padStart(2, '0')}`, `2021-05-${String(1 + i).padStart(2, '0')}T00:00:00Z`, i, 10);
    return { ...item, properties: { ...item.properties, ...(i % 3 === 0 ? {} : { 'eo:cloud_cover': i }) } };
  }));
  await states.expect('LAYER', 'RAW', ['i03', 'i04', 'i06'].map((item) => ({ item, task: `t-${item}` })));
  const version = await states.version({ layer: 'LAYER', item: 'i06' }, 'RAW');
  await states.finish({ layer: 'LAYER', item: 'i06' }, 'RAW', { digest: (version as unknown as { digest: string }).digest, blocks: 1, bytes: 1 });
  await store.deleteItems('RAW', ['i06']);
  source = combineItemSources([store, layerItems(store, registry, undefined, states)]);
  everything = (await source.search({ limit: 100 })).items;
});
afterAll(() => fresh.stop());

const key = ({ collection, id }: StacItem) => `${collection}/${id}`;

describe('a filter', () => {
  it.each([
    'collection = \'LAYER\'', 'collection <> \'LAYER\' AND id < \'i05\'', 'lamina:status = \'computing\'', 'lamina:status = \'withdrawn\'', 'lamina:status IS NULL', '"lamina:status" IN (\'virtual\', \'computed\')',
    'eo:cloud_cover > 5', 'NOT eo:cloud_cover > 5', 'eo:cloud_cover IS NULL', 'deprecated = TRUE', 'datetime > TIMESTAMP(\'2021-05-10T00:00:00Z\') AND collection = \'LAYER\'',
    'S_INTERSECTS(geometry, BBOX(3.2, 10.2, 5.1, 10.8))', 'S_INTERSECTS(geometry, BBOX(2, 10, 9, 11)) AND lamina:status = \'virtual\'', 'S_DISJOINT(geometry, BBOX(2, 10, 9, 11)) AND collection = \'LAYER\'', 'NOT S_WITHIN(geometry, BBOX(0, 0, 12.5, 20)) OR lamina:status = \'withdrawn\'',
    'updated > TIMESTAMP(\'2020-01-01T00:00:00Z\')', 'T_DURING(datetime, INTERVAL(\'2021-05-03\', \'2021-05-08\'))', 'FALSE', 'proj:code = proj:code',
  ])('%s', async (text) => {
    const filter = readFilter(text, 'cql2-text');
    const expected = everything.filter(filterTest(filter)).map(key);
    expect((await source.search({ limit: 100, filter })).items.map(key)).toEqual(expected);
    const paged: string[] = [];
    for (let token: string | null | undefined; token !== null;) {
      const page = await source.search({ limit: 3, filter, ...(token === undefined ? {} : { token }) });
      expect(page.numberMatched).toBe(expected.length);
      paged.push(...page.items.map(key));
      token = page.next;
    }
    expect(paged).toEqual(expected);
    const sorted = await source.search({ limit: 100, filter, sortby: [{ property: 'id', direction: 'desc' }] });
    expect(sorted.items.map(key).toSorted()).toEqual(expected.toSorted());
  });

  it('tells the two kinds apart', () => {
    const count = (text: string) => everything.filter(filterTest(readFilter(text, 'cql2-text'))).length;
    expect([count('collection = \'LAYER\''), count('lamina:status = \'withdrawn\''), count('eo:cloud_cover > 5'), count('deprecated = TRUE')]).toEqual([20, 1, 9, 1]);
  });
});
