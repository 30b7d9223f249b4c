/**
 * Item search in PostgreSQL. The index finds candidates by bounding box; where a box says less than the
 * geometry, JSTS decides. Pages are cut by key (see item-order.ts), so that items which arrive between two
 * pages are neither skipped nor doubled.
 */
import { binder, type Queryable } from '../database/connection.ts';
import { boxGeometry, boxOf, intersectionTest, turnsOf, type Geometry } from '../geo/geometry.ts';
import { filterTest } from './cql2/evaluate.ts';
import { needsTest } from './cql2/sql.ts';
import { conditionOf, flatBox, insideCondition, type Condition } from './item-conditions.ts';
import { afterSql, decodeToken, encodeToken, keySql, orderBy, orderOf } from './item-order.ts';
import type { ItemKey, ItemPage, ItemQuery, ItemTable } from './item-query.ts';
import type { StacItem } from './types.ts';

export { boxCondition, flatBox } from './item-conditions.ts';
export { storable } from './storable.ts';

/** So many items are looked at to count matches; where there are more, the number is not told: finding it would cost more than the page. */
const MAX_COUNT = 20_000;
/** So many candidates are read at once at most, unless a larger page is wanted. */
const MAX_PORTION = 800;
/** Up to so many candidates are tested exactly for the count. */
const MAX_TESTED = 1000;

interface Candidate {
  readonly definition: StacItem;
  /** What a view makes of them; absent without one. */
  readonly collection?: string;
  readonly properties?: StacItem['properties'];
}

interface Row extends Candidate {
  readonly key: ItemKey;
}

/** Items that meet all conditions of the query, in its order. Throws ItemTokenError. */
export async function searchItems(database: Queryable, query: ItemQuery, from: ItemTable = 'items'): Promise<ItemPage> {
  const test = exactTest(query);
  const after = query.token === undefined ? null : decodeToken(orderOf(query, () => ''), query.token);
  const found: Row[] = [];
  let position: ItemKey | null = after;
  // Candidates come in portions, which grow: the exact test may refuse any number of them.
  for (let least = 100; ; least = Math.min(2 * least, MAX_PORTION)) {
    const portion = query.limit + 1 - found.length;
    const size = test ? Math.max(portion, least) : portion;
    const rows = await candidates(database, query, from, position, size);
    found.push(...rows.filter((row) => test === null || test(shown(row))).slice(0, portion));
    const last = rows.at(-1);
    if (rows.length < size || found.length > query.limit || last === undefined) break;
    position = last.key;
  }
  const page = found.slice(0, query.limit);
  const next = found.length > query.limit ? encodeToken(orderOf(query, () => ''), page.at(-1)!.key) : null;
  const whole = after === null && next === null;
  return {
    items: page.map((row) => row.definition),
    ...(query.sortby ? { keys: page.map((row) => row.key) } : {}),
    numberMatched: whole ? page.length : await countMatches(database, query, test, from),
    next,
  };
}

function candidates(database: Queryable, query: ItemQuery, table: ItemTable, after: ItemKey | null, size: number): Promise<Row[]> {
  const { from, sql, params: bound } = conditionOf(query, table);
  const params = [...bound];
  const bind = binder(params);
  const order = orderOf(query, bind);
  const page = after === null ? 'true' : afterSql(order, after, bind);
  return database.query<Row>(`select ${columns(query)}, ${keySql(order)} as key from ${from} where ${sql} and ${page} order by ${orderBy(order)} limit ${bind(size)}`, params);
}

/** A filter that SQL can't decide looks at what the view shows. */
const columns = ({ view, filter }: ItemQuery) => (view && filter ? 'definition, collection, properties' : 'definition');

const shown = ({ definition, collection, properties }: Candidate): StacItem => (collection !== undefined && properties ? { ...definition, collection, properties } : definition);

/** null when there are too many to count. */
async function countMatches(database: Queryable, query: ItemQuery, test: ((item: StacItem) => boolean) | null, from: ItemTable): Promise<number | null> {
  const condition = conditionOf(query, from);
  if (!test) return capped(database, condition);
  const { params, sql } = condition;
  // What lies wholly inside a searched box needs no test; only what its border cuts does.
  const all = [...params];
  const inside = query.bbox?.length === 4 && !query.intersects && !(query.filter && needsTest(query.filter)) ? insideCondition(flatBox(query.bbox), binder(all)) : 'false';
  const tested = await database.query<Candidate>(`select ${columns(query)} from ${condition.from} where ${sql} and not ${inside} limit ${MAX_TESTED + 1}`, all);
  if (tested.length > MAX_TESTED) return null;
  const certain = inside === 'false' ? 0 : await capped(database, { from: condition.from, sql: `${sql} and ${inside}`, bounds: `${condition.bounds} and ${inside}`, params: all });
  return certain === null ? null : certain + tested.filter((row) => test(shown(row))).length;
}

async function capped(database: Queryable, { from, sql, bounds, params }: Condition): Promise<number | null> {
  const [row] = await database.query<{ seen: number; count: number }>(
    `select count(*) as seen, count(*) filter (where matches) as count from (select ${sql === bounds ? 'true' : `(${sql})`} as matches from ${from} where ${bounds} limit ${MAX_COUNT + 1}) as candidates`,
    params,
  );
  return row!.seen > MAX_COUNT ? null : row!.count;
}

/** What the boxes can't decide; null when there is nothing of the kind. */
export function exactTest(query: Omit<ItemQuery, 'limit'>): ((item: StacItem) => boolean) | null {
  const tests: ((item: StacItem) => boolean)[] = [];
  if (query.intersects) tests.push(geometryTest(query.intersects));
  if (query.bbox) tests.push(geometryTest(boxGeometry(flatBox(query.bbox))));
  if (query.bbox?.length === 6) tests.push(heightTest(query.bbox[2]!, query.bbox[5]!));
  if (query.filter && needsTest(query.filter)) tests.push(filterTest(query.filter));
  return tests.length === 0 ? null : (item) => tests.every((test) => test(item));
}

function geometryTest(geometry: Geometry): (item: StacItem) => boolean {
  const intersects = intersectionTest(geometry);
  const boxes = geometry.type === 'Polygon' && isBox(geometry) ? turnsOf(geometry).map(boxOf) : [];
  return (item) => {
    if (item.geometry === null) return false;
    // Most items of a search lie wholly inside its box: no need to ask JSTS.
    const own = flatBox(item.bbox);
    if (boxes.some((box) => own[0] >= box[0] && own[1] >= box[1] && own[2] <= box[2] && own[3] <= box[3])) return true;
    return intersects(item.geometry as Geometry);
  };
}

function isBox(geometry: Geometry): boolean {
  return JSON.stringify(boxGeometry(boxOf(geometry)).coordinates) === JSON.stringify(geometry.coordinates);
}

/** Items without heights are everywhere. */
function heightTest(lowest: number, highest: number): (item: StacItem) => boolean {
  return ({ bbox }) => bbox.length !== 6 || (bbox[5]! >= lowest && bbox[2]! <= highest);
}
