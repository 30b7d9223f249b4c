/**
 * Item search in PostgreSQL. The index finds candidates by bounding box; where a box says less than the
 * geometry, JSTS decides. Pages are cut by key (see item-order.ts), so that items which arrive between two
 * pages are neither skipped nor doubled.
 */
import { binder, type Queryable } from '../database/connection.ts';
import type { Box } from '../geo/geometry.ts';
import type { AnswerMemory } from './answer-memory.ts';
import { lookOf, namesOf, selected, type Candidate, type Look } from './item-candidates.ts';
import { boxesOf, conditionOf, unindexed } from './item-conditions.ts';
import { countMatches } from './item-counts.ts';
import type { CatalogState } from './catalog-state.ts';
import { factsOf, type ItemFacts } from './item-facts.ts';
import { afterSql, decodeToken, encodeToken, keySql, namedTerms, orderBy, orderOf } from './item-order.ts';
import type { ItemKey, ItemPage, ItemQuery, ItemTable } from './item-query.ts';
import type { PlaceSample } from './place-sample.ts';
import type { StacItem } from './types.ts';

export { boxCondition, flatBox } from './item-conditions.ts';
export { exactTest } from './item-test.ts';
export { storable } from './storable.ts';

/** So many candidates are read at once at most, unless a larger page is wanted. */
const MAX_PORTION = 800;
/** Of so few items around a place all are looked at for the first page: they are counted in passing. */
const FEW_NEARBY = 300;
/**
 * Up to so many items of a place are found first and then put into order; of more of them an order soon meets
 * enough. Both ways look at about as many items where `nearby` is the root of the limit times all items; putting
 * them into order is the cheaper look.
 */
const mostOfPlace = (limit: number, { items }: ItemFacts) => 3 * Math.sqrt(limit * items);

/** What a search of the table `items` knows beforehand, and what its process remembers between searches. */
export interface SearchMemory {
  readonly state: CatalogState;
  readonly counts: AnswerMemory<number | null>;
  readonly places: PlaceSample;
}

interface Row extends Candidate {
  readonly key: ItemKey;
}

/** A search on its way: what is the same for all of its statements. */
interface Search {
  readonly database: Queryable;
  readonly query: ItemQuery;
  readonly table: ItemTable;
  readonly facts: ItemFacts | null;
  readonly look: Look;
  /** Whether what meets the conditions is found before it is put into order; else the order is followed until there is enough. */
  readonly isFoundFirst: boolean;
  /** Whether so many items touch the place that is asked for that its index is no help. */
  readonly isPlaceWide: boolean;
  /** About how many items touch the place that is asked for; null where none is, or nobody knows. */
  readonly nearby: number | null;
}

/** What was found for a page. */
interface Found {
  /** The rows of the page and one more, where there is one. */
  readonly rows: readonly Row[];
  /** All that matches from where the page begins, where the search has come to its end; else null. */
  readonly total: number | null;
}

/** Items that meet all conditions of the query, in its order. Throws ItemTokenError. */
export async function searchItems(database: Queryable, query: ItemQuery, table: ItemTable = 'items', memory?: SearchMemory): Promise<ItemPage> {
  const after = query.token === undefined ? null : decodeToken(orderOf(query, () => ''), query.token);
  const facts = memory ? factsOf(memory.state, query) : null;
  if (facts?.items === 0) return { items: [], ...(query.sortby ? { keys: [] } : {}), numberMatched: 0, next: null };
  const nearby = facts && memory ? await itemsNearby(database, boxesOf(query), facts, memory.places) : null;
  const isPlaceWide = nearby !== null && nearby > mostOfPlace(query.limit, facts!);
  const isFoundFirst = (query.ids?.length ?? 0) > 0 || (nearby !== null && !isPlaceWide);
  const search: Search = { database, query, table, facts, look: lookOf(query, table, facts), isFoundFirst, isPlaceWide, nearby };
  const found = await findRows(search, after);
  const rows = found.rows.slice(0, query.limit);
  const next = found.rows.length > query.limit ? encodeToken(orderOf(query, () => ''), rows.at(-1)!.key) : null;
  const page = await fetchItems(search, rows);
  return {
    items: page.map(({ item }) => item),
    ...(query.sortby ? { keys: page.map(({ key }) => key) } : {}),
    numberMatched: after === null && found.total !== null ? found.total : await countMatches(database, query, table, { facts, nearby }, memory?.counts),
    next,
  };
}

/** About how many items touch the boxes of a search; null where that is no question. */
async function itemsNearby(database: Queryable, boxes: readonly Box[], facts: ItemFacts, places: PlaceSample): Promise<number | null> {
  if (boxes.length === 0) return null;
  return Math.min(...(await Promise.all(boxes.map((box) => places.touching(database, box, facts)))));
}

async function findRows(search: Search, after: ItemKey | null): Promise<Found> {
  const { query: { limit }, look: { test, isWhole }, nearby } = search;
  const found: Row[] = [];
  let [position, total] = [after, 0];
  const isCounted = after === null && !isWhole && nearby !== null && nearby <= FEW_NEARBY;
  // Candidates come in portions, which grow: the exact test may refuse any number of them.
  for (let least = isCounted ? 2 * FEW_NEARBY : limit + 8; ; least = Math.min(3 * least, MAX_PORTION)) {
    const portion = limit + 1 - found.length;
    const size = test ? Math.max(portion, least) : portion;
    const rows = await candidates(search, position, size);
    const matching = test ? rows.filter(test) : rows;
    found.push(...matching.slice(0, portion));
    total += matching.length;
    const isEnd = rows.length < size;
    if (isEnd || found.length > limit) return { rows: found, total: isEnd ? total : null };
    position = rows.at(-1)!.key;
  }
}

/** First what is in indexes is read, then put into order and cut, and only of what is left the rest. */
function candidates({ database, query, table, facts, look, isFoundFirst, isPlaceWide }: Search, after: ItemKey | null, size: number): Promise<Row[]> {
  const { from, sql, bounds, params: bound } = conditionOf(query, table, facts, { isPlaceWide });
  const params = [...bound];
  const bind = binder(params);
  const order = orderOf(query, bind);
  // Of what a place or a time leaves, the index of a property would find everything else too.
  const condition = isFoundFirst && sql !== bounds ? `${bounds} and ${unindexed(sql)}` : sql;
  const { columns, order: named } = namedTerms(order);
  const read = look.columns(bind);
  const all = `select ${selected(read)}, ${columns} from ${from} where ${condition}${after === null ? '' : ` and ${afterSql(order, after, bind)}`}`;
  const limit = `limit ${bind(size)}`;
  const chosen = isFoundFirst
    ? `with near as materialized (${all}) select * from near order by ${orderBy(named)} ${limit}`
    : `${all} order by ${orderBy(order)} ${limit}`;
  return database.query<Row & Record<string, unknown>>(`select ${namesOf(look, read)}, ${keySql(named)} as key from (${chosen}) as r order by ${orderBy(named)}`, params);
}

/** The items of rows of which only the shape was read; one that has gone meanwhile is left out. */
async function fetchItems({ database, look, table }: Search, rows: readonly Row[]): Promise<{ item: StacItem; key: ItemKey }[]> {
  if (look.isWhole || rows.length === 0) return rows.map(({ definition, key }) => ({ item: definition!, key }));
  const found = await database.query<{ place: number; definition: StacItem }>(
    `select w.place, i.definition from unnest($1::text[], $2::text[]) with ordinality as w (collection, id, place) join ${table} i on i.collection = w.collection and i.id = w.id order by w.place`,
    [rows.map(({ collection }) => collection), rows.map(({ id }) => id)],
    `whole-${table}`,
  );
  return found.map(({ place, definition }) => ({ item: definition, key: rows[place - 1]!.key }));
}
