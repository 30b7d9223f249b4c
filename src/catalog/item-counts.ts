/**
 * How many items meet a search: exact, or not told (ADR 0040). All items of collections are counted beforehand;
 * of few items all are looked at; of many only as many as an index finds quickly. What was counted is remembered
 * for as long as none of the items changes.
 */
import { binder, type Queryable } from '../database/connection.ts';
import { conditionOf, type Condition } from './item-conditions.ts';
import { type Candidate, type Columns, type Look, lookOf, namesOf, selected } from './item-candidates.ts';
import type { ItemFacts } from './item-facts.ts';
import type { AnswerMemory } from './answer-memory.ts';
import type { ItemQuery, ItemTable } from './item-query.ts';

/** How many items are looked at, and how many of them compared with a geometry, before the number is left out. */
interface Budget {
  readonly items: number;
  readonly tested: number;
}

/** Where all searched collections together have no more items than that, every search is counted. */
const FEW_ITEMS = 20_000;
const ofFew: Budget = { items: FEW_ITEMS, tested: 1000 };
const ofMany: Budget = { items: 1000, tested: 500 };
/** A place needs no order, so more items of it can be looked at. */
const ofPlace: Budget = { items: 2000, tested: 1000 };

/** What is known beforehand of the items that are counted. */
export interface Known {
  readonly facts: ItemFacts | null;
  readonly nearby: number | null;
}

/**
 * Matches over all pages; null when counting them would cost too much.
 *
 * @param facts null for a table that has none
 * @param nearby about how many items touch the boxes that are asked for; null when none are, or nobody knows
 */
export async function countMatches(database: Queryable, query: ItemQuery, table: ItemTable, { facts, nearby }: Known, memory?: AnswerMemory<number | null>): Promise<number | null> {
  const { limit: _, token: __, sortby: ___, user: ____, state: _____, ...conditions } = query;
  if (facts && isUnfiltered(conditions)) return facts.items;
  // What a layer shows of an item changes without the item.
  const key = facts && memory && !query.view ? JSON.stringify([facts.version, facts.collections, conditions]) : null;
  const known = key === null ? undefined : memory!.find(key);
  if (known !== undefined) return known;
  const condition = conditionOf(query, table, facts);
  const look = lookOf(query, table, facts);
  const budget = budgetOf(condition, { facts, nearby });
  const count = budget && (await (look.test ? countTested(database, condition, look, budget) : countExact(database, condition, budget)));
  if (key !== null) memory!.keep(key, count);
  return count;
}

/** null: it is plain that there are too many. */
function budgetOf({ isNarrow, boxes }: Condition, { facts, nearby }: Known): Budget | null {
  if (!facts || facts.items <= FEW_ITEMS) return ofFew;
  if (!isNarrow) return null;
  if (boxes.length === 0 || nearby === null) return ofMany;
  // The estimate may be half of the truth.
  return nearby <= 2 * ofPlace.items ? ofPlace : null;
}

function isUnfiltered(conditions: Omit<ItemQuery, 'limit'>): boolean {
  const isEmpty = (value: unknown) => value === undefined || (Array.isArray(value) && value.length === 0);
  return Object.entries(conditions).every(([name, value]) => name === 'collections' || name === 'view' || isEmpty(value));
}

/** Of what place and time leave, one after the other; where it is a place, the index of places must find them. */
function looked(column: string, { from, bounds, boxes }: Condition, { items }: Budget): string {
  const all = `select ${column} from ${from} where ${bounds}`;
  return boxes.length > 0 ? `(with near as materialized (${all}) select * from near limit ${items + 1})` : `(${all} limit ${items + 1})`;
}

async function countExact(database: Queryable, condition: Condition, budget: Budget): Promise<number | null> {
  const { sql, bounds, params } = condition;
  const candidates = looked(`${sql === bounds ? 'true' : `(${sql})`} as matches`, condition, budget);
  if (budget === ofMany && sql !== bounds) {
    // An index alone tells whether there are too many; the server leaves out a column that nobody asks for.
    const [all] = await database.query<{ seen: number }>(`select count(*) as seen from ${candidates} as candidates`, params);
    if (all!.seen > budget.items) return null;
  }
  const [row] = await database.query<{ seen: number; count: number }>(`select count(*) as seen, count(*) filter (where matches) as count from ${candidates} as candidates`, params);
  return row!.seen > budget.items ? null : row!.count;
}

/** What lies wholly inside a searched box needs no test; only what its border cuts does. */
async function countTested(database: Queryable, condition: Condition, look: Look, budget: Budget): Promise<number | null> {
  const { sql, bounds, params } = condition;
  const all = [...params];
  const columns = look.columns(binder(all));
  const inside = columns['inside'] ?? 'false';
  const matches = sql === bounds ? 'true' : `(${sql})`;
  const [row] = await database.query<{ seen: number; matching: number; certain: number }>(
    `select count(*) as seen, count(*) filter (where matches) as matching, count(*) filter (where matches and inside) as certain
     from ${looked(`${matches} as matches, ${inside} as inside`, condition, budget)} as candidates`,
    all,
  );
  const { seen, matching, certain } = row!;
  if (seen > budget.items || matching - certain > budget.tested) return null;
  if (matching === certain) return certain;
  const border = await candidatesOf(database, { ...condition, sql: `${sql} and not ${inside}`, params: all }, look, columns);
  return certain + border.filter((one) => look.test!(one)).length;
}

/** What meets the conditions, in one document: many small rows take longer to read. */
async function candidatesOf(database: Queryable, { from, sql, params }: Condition, look: Look, columns: Columns): Promise<readonly Candidate[]> {
  const [row] = await database.query<{ rows: readonly Candidate[] | null }>(
    `with near as materialized (select ${selected(columns)} from ${from} where ${sql}) select json_agg(one) as rows from (select ${namesOf(look, columns)} from near as r) as one`,
    params,
  );
  return row!.rows ?? [];
}
