/**
 * Item search in PostgreSQL. The index finds candidates by bounding box; where a box says less than the
 * geometry, JSTS decides. Pages are cut by key (see item-order.ts), so that items which arrive between two
 * pages are neither skipped nor doubled.
 */
import type { Queryable } from '../database/connection.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { boxGeometry, boxOf, intersectionTest, turnsOf, type Box, type Geometry } from '../geo/geometry.ts';
import { afterSql, decodeToken, encodeToken, keySql, orderBy, orderOf } from './item-order.ts';
import { conditionSql } from './item-property.ts';
import type { ItemKey, ItemPage, ItemQuery, ItemTable } from './item-query.ts';
import { viewSql } from './item-view.ts';
import { storable } from './storable.ts';
import type { StacItem } from './types.ts';

export type { ItemTable } from './item-query.ts';
export { storable } from './storable.ts';

/** Matches are counted up to this; a larger number is not told, because finding it would cost more than the page. */
const MAX_COUNT = 20_000;
/** Up to so many candidates are tested exactly for the count. */
const MAX_TESTED = 1000;

interface Condition {
  /** A table or a query in brackets. */
  readonly from: string;
  readonly sql: string;
  readonly params: readonly unknown[];
}

interface Row {
  readonly definition: StacItem;
  readonly key: ItemKey;
}

/** Items that meet all conditions of the query, in its order. Throws ItemTokenError. */
export async function searchItems(database: Queryable, query: ItemQuery, from: ItemTable = 'items'): Promise<ItemPage> {
  const test = exactTest(query);
  const after = query.token === undefined ? null : decodeToken(orderOf(query, () => ''), query.token);
  const found: Row[] = [];
  let position: ItemKey | null = after;
  // Candidates come in portions: the exact test may refuse any number of them.
  for (;;) {
    const portion = query.limit + 1 - found.length;
    const size = test ? Math.max(portion, 100) : portion;
    const rows = await candidates(database, query, from, position, size);
    found.push(...rows.filter((row) => test === null || test(row.definition)).slice(0, portion));
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
  const bind = (value: unknown) => `$${params.push(value)}`;
  const order = orderOf(query, bind);
  const page = after === null ? 'true' : afterSql(order, after, bind);
  return database.query<Row>(`select definition, ${keySql(order)} as key from ${from} where ${sql} and ${page} order by ${orderBy(order)} limit ${bind(size)}`, params);
}

/** null when there are too many to count. */
async function countMatches(database: Queryable, query: ItemQuery, test: ((item: StacItem) => boolean) | null, from: ItemTable): Promise<number | null> {
  const condition = conditionOf(query, from);
  if (!test) return capped(database, condition);
  const { params, sql } = condition;
  // What lies wholly inside a searched box needs no test; only what its border cuts does.
  const all = [...params];
  const inside = query.bbox?.length === 4 && !query.intersects ? insideCondition(flatBox(query.bbox), (value) => `$${all.push(value)}`) : 'false';
  const tested = await database.query<{ definition: StacItem }>(`select definition from ${condition.from} where ${sql} and not ${inside} limit ${MAX_TESTED + 1}`, all);
  if (tested.length > MAX_TESTED) return null;
  const certain = inside === 'false' ? 0 : await capped(database, { from: condition.from, sql: `${sql} and ${inside}`, params: all });
  return certain === null ? null : certain + tested.filter(({ definition }) => test(definition)).length;
}

async function capped(database: Queryable, { from, sql, params }: Condition): Promise<number | null> {
  const [row] = await database.query<{ count: number }>(`select count(*) as count from (select 1 from ${from} where ${sql} limit ${MAX_COUNT + 1}) as matches`, params);
  return row!.count > MAX_COUNT ? null : row!.count;
}

function conditionOf(query: ItemQuery, table: ItemTable): Condition {
  const params: unknown[] = [];
  const bind = (value: unknown) => `$${params.push(value)}`;
  const from = query.view ? viewSql(table, query.view, bind) : table;
  const parts: string[] = [];
  if (query.collections && query.collections.length > 0) parts.push(`collection = any(${bind(query.collections.map(storable))})`);
  if (query.ids && query.ids.length > 0) parts.push(`id = any(${bind(query.ids.map(storable))})`);
  if (query.user !== undefined) parts.push(visibleCondition(query.user, bind));
  const [start, end] = query.datetime ?? [null, null];
  if (start !== null) parts.push(`ends >= ${bind(start)}::timestamptz`);
  if (end !== null) parts.push(`starts <= ${bind(end)}::timestamptz`);
  for (const box of [query.bbox && flatBox(query.bbox), query.intersects && boxOf(query.intersects)]) {
    if (box) parts.push(boxCondition(box, bind));
  }
  for (const condition of query.where ?? []) parts.push(conditionSql(condition, bind));
  return { from, sql: parts.join(' and ') || 'true', params };
}

/** Without the items of collections of files that are private to somebody else (`lamina:files`). */
function visibleCondition(user: string | null, bind: (value: unknown) => string): string {
  const mark = (field: string) => `definition -> 'lamina:files' ->> '${field}'`;
  return `collection <> all(array(select id from collections where ${mark('visibility')} = 'private' and ${mark('owner')} is distinct from ${bind(user)}::text))`;
}

/** The stored boxes reach beyond 180 where they cross the antimeridian, so the neighbouring turns are asked too. */
export function boxCondition(box: Box, bind: (value: unknown) => string): string {
  const [west, south, east, north] = box;
  // An index is a detour when everything is wanted.
  if (west <= -180 && south <= -90 && east >= 180 && north >= 90) return 'footprint is not null';
  return `(${turnsOfBox(box, bind).map((turned) => `footprint && ${turned}`).join(' or ')})`;
}

function insideCondition(box: Box, bind: (value: unknown) => string): string {
  return `(${turnsOfBox(box, bind).map((turned) => `footprint <@ ${turned}`).join(' or ')})`;
}

function turnsOfBox([west, south, east, north]: Box, bind: (value: unknown) => string): string[] {
  const turns = [0, 360, ...(east >= 180 ? [-360] : [])];
  return turns.map((turn) => `box(point(${bind(west + turn)}, ${bind(south)}), point(${bind(east + turn)}, ${bind(north)}))`);
}

/** West, south, east, north of a STAC bbox; east is beyond 180 when the box crosses the antimeridian. */
export function flatBox(bbox: readonly number[]): Box {
  const [west, south, east, north] = withoutHeights(bbox);
  return [west, south, east < west ? east + 360 : east, north];
}

/** What the boxes can't decide; null when there is nothing of the kind. */
function exactTest(query: ItemQuery): ((item: StacItem) => boolean) | null {
  const tests: ((item: StacItem) => boolean)[] = [];
  if (query.intersects) tests.push(geometryTest(query.intersects));
  if (query.bbox) tests.push(geometryTest(boxGeometry(flatBox(query.bbox))));
  if (query.bbox?.length === 6) tests.push(heightTest(query.bbox[2]!, query.bbox[5]!));
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
