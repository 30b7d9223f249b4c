/**
 * How many items meet a search: exact, or not told (ADR 0040). All items of collections are counted beforehand;
 * of few items all are looked at; of many only as many as an index finds quickly. What was counted is remembered
 * for as long as none of the items changes.
 */
import { binder, type Queryable } from '../database/connection.ts';
import { conditionOf, flatBox, insideCondition, type Condition } from './item-conditions.ts';
import { type Candidate, type Look, lookOf } from './item-candidates.ts';
import type { ItemFacts } from './item-facts.ts';
import type { ItemQuery, ItemTable } from './item-query.ts';

/** How many items are looked at, and how many of them compared with a geometry, before the number is left out. */
interface Budget {
  readonly items: number;
  readonly tested: number;
}

/** Where all searched collections together have no more items than that, every search is counted. */
export const FEW_ITEMS = 20_000;
const ofFew: Budget = { items: FEW_ITEMS, tested: 1000 };
const ofMany: Budget = { items: 1000, tested: 500 };

/** Counts that were found, the last used last. */
export class CountMemory {
  readonly #counts = new Map<string, number | null>();
  readonly #limit: number;

  constructor(limit = 2000) {
    this.#limit = limit;
  }

  /** undefined: not known. */
  find(key: string): number | null | undefined {
    const count = this.#counts.get(key);
    if (count === undefined) return undefined;
    this.#counts.delete(key);
    this.#counts.set(key, count);
    return count;
  }

  keep(key: string, count: number | null): void {
    this.#counts.set(key, count);
    if (this.#counts.size > this.#limit) this.#counts.delete(this.#counts.keys().next().value!);
  }
}

/**
 * Matches over all pages; null when counting them would cost too much.
 *
 * @param facts null for a table that has none
 */
export async function countMatches(database: Queryable, query: ItemQuery, table: ItemTable, facts: ItemFacts | null, memory?: CountMemory): Promise<number | null> {
  const { limit: _, token: __, sortby: ___, user: ____, ...conditions } = query;
  if (facts && isUnfiltered(conditions)) return facts.items;
  // What a layer shows of an item changes without the item.
  const key = facts && memory && !query.view ? JSON.stringify([facts.version, facts.collections, conditions]) : null;
  const known = key === null ? undefined : memory!.find(key);
  if (known !== undefined) return known;
  const budget = facts && facts.items > FEW_ITEMS ? ofMany : ofFew;
  const condition = conditionOf(query, table, facts);
  const look = lookOf(query, table);
  const count = await (look.test ? countTested(database, query, condition, look, budget) : countExact(database, condition, budget));
  if (key !== null) memory!.keep(key, count);
  return count;
}

const isUnfiltered = ({ collections: _, view: __, ...conditions }: Omit<ItemQuery, 'limit'>) => Object.values(conditions).every((value) => value === undefined || (Array.isArray(value) && value.length === 0));

async function countExact(database: Queryable, { from, sql, bounds, params }: Condition, budget: Budget): Promise<number | null> {
  const [row] = await database.query<{ seen: number; count: number }>(
    `select count(*) as seen, count(*) filter (where matches) as count from (select ${sql === bounds ? 'true' : `(${sql})`} as matches from ${from} where ${bounds} limit ${budget.items + 1}) as candidates`,
    params,
  );
  return row!.seen > budget.items ? null : row!.count;
}

/** What lies wholly inside a searched box needs no test; only what its border cuts does. */
async function countTested(database: Queryable, query: ItemQuery, { from, sql, params }: Condition, look: Look, budget: Budget): Promise<number | null> {
  const all = [...params];
  const inside = query.bbox && !query.intersects && !look.isWhole ? insideCondition(flatBox(query.bbox), binder(all)) : 'false';
  const [row] = await database.query<{ seen: number; certain: number }>(
    `select count(*) as seen, count(*) filter (where inside) as certain from (select ${inside} as inside from ${from} where ${sql} limit ${budget.items + 1}) as candidates`,
    all,
  );
  const { seen, certain } = row!;
  if (seen > budget.items || seen - certain > budget.tested) return null;
  if (seen === certain) return certain;
  const rows = await database.query<Candidate & Record<string, unknown>>(`select ${look.columns} from ${from} where ${sql} and not ${inside} limit ${budget.tested}`, all);
  return certain + rows.filter((one) => look.test!(one)).length;
}
