/** The two readings of a filter, SQL and the evaluator, find the same items. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filterTest } from '../../../src/catalog/cql2/evaluate.ts';
import { readFilter, Cql2Error, type Filter } from '../../../src/catalog/cql2/filter.ts';
import { filterCondition } from '../../../src/catalog/cql2/sql.ts';
import { boxCondition } from '../../../src/catalog/item-search.ts';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { COLLECTION, filter, itemsOf } from './world.ts';

const items = itemsOf(60, 7);
let fresh: FreshDatabase;

beforeAll(async () => {
  fresh = await startFreshDatabase();
  const store = new CatalogStore(fresh.database);
  await store.putCollection(deriveCollection(COLLECTION, items, {}, null));
  await store.putItems(COLLECTION, items);
});
afterAll(() => fresh.stop());

/** null for a filter that the checker refuses. */
function checked(json: unknown): Filter | null {
  try {
    return readFilter(json, 'cql2-json');
  } catch (error) {
    if (error instanceof Cql2Error) return null;
    throw error;
  }
}

async function foundBySql(checkedFilter: Filter): Promise<{ ids: string[]; isExact: boolean; sql: string }> {
  const params: unknown[] = [];
  const { sql, isExact } = filterCondition(checkedFilter, (value) => `$${params.push(value)}`, boxCondition);
  const rows = await fresh.database.query<{ id: string }>(`select id from items where ${sql}`, params);
  return { ids: rows.map(({ id }) => id), isExact, sql };
}

describe('SQL and the evaluator', () => {
  it('agree about 10,000 filters made at random', async () => {
    const seen = { refused: 0, exact: 0, inexact: 0, some: 0 };
    await fc.assert(fc.asyncProperty(filter, async (json) => {
      const read = checked(json);
      if (!read) return void seen.refused++;
      const test = filterTest(read);
      const byEvaluator = items.filter(test).map(({ id }) => id);
      const { ids, isExact } = await foundBySql(read);
      seen[isExact ? 'exact' : 'inexact']++;
      if (byEvaluator.length > 0 && byEvaluator.length < items.length) seen.some++;
      // Where SQL only knows boxes it may let too much pass, never too little.
      const bySql = isExact ? ids : ids.filter((id) => test(items[Number(id.slice(1))]!));
      expect(bySql.toSorted()).toEqual(byEvaluator.toSorted());
    }), { numRuns: 10_000, seed: 20261122, endOnFailure: false });
    // The generator must not have gone blind.
    expect(seen.refused).toBeLessThan(3000);
    expect(seen.exact).toBeGreaterThan(4000);
    expect(seen.inexact).toBeGreaterThan(500);
    expect(seen.some).toBeGreaterThan(2500);
  }, 300_000);
});
