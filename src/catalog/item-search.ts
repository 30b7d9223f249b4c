/**
 * Item search in PostgreSQL. The index finds candidates by bounding box; where a box says less than the
 * geometry, JSTS decides. Pages are cut by key (instant, collection, id), so that items which arrive
 * between two pages are neither skipped nor doubled.
 */
import type { Queryable } from '../database/connection.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { boxGeometry, boxOf, intersectionTest, turnsOf, type Box, type Geometry } from '../geo/geometry.ts';
import { ItemTokenError, type ItemPage, type ItemQuery } from './item-source.ts';
import type { StacItem } from './types.ts';

/** Matches are counted up to this; a larger number is not told, because finding it would cost more than the page. */
const MAX_COUNT = 20_000;
/** Up to so many candidates are tested exactly for the count. */
const MAX_TESTED = 1000;

/** Tables of the same columns: items, and those that layers still tell of after they were withdrawn. */
export type ItemTable = 'items' | 'withdrawn_items';

interface Condition {
  readonly from: ItemTable;
  readonly sql: string;
  readonly params: readonly unknown[];
}

interface Row {
  readonly definition: StacItem;
  readonly key: string;
  readonly collection: string;
  readonly id: string;
}

type Key = readonly [instant: string, collection: string, id: string];

/** Items that meet all conditions of the query, newest first. Throws ItemTokenError. */
export async function searchItems(database: Queryable, query: ItemQuery, from: ItemTable = 'items'): Promise<ItemPage> {
  const condition = conditionOf(query, from);
  const test = exactTest(query);
  const after = query.token === undefined ? null : decodeToken(query.token);
  const found: Row[] = [];
  let position: Key | null = after;
  // Candidates come in portions: the exact test may refuse any number of them.
  for (;;) {
    const portion = query.limit + 1 - found.length;
    const size = test ? Math.max(portion, 100) : portion;
    const rows = await candidates(database, condition, position, size);
    found.push(...rows.filter((row) => test === null || test(row.definition)).slice(0, portion));
    const last = rows.at(-1);
    if (rows.length < size || found.length > query.limit || last === undefined) break;
    position = keyOf(last);
  }
  const page = found.slice(0, query.limit);
  const next = found.length > query.limit ? encodeToken(keyOf(page.at(-1)!)) : null;
  const whole = after === null && next === null;
  return { items: page.map((row) => row.definition), numberMatched: whole ? page.length : await countMatches(database, query, test, from), next };
}

async function candidates(database: Queryable, condition: Condition, after: Key | null, size: number): Promise<Row[]> {
  const params = [...condition.params];
  const bind = (value: unknown) => `$${params.push(value)}`;
  // Rows are compared column by column because the instant runs down and the names run up.
  const page = after === null ? 'true' : keysetCondition(after, bind);
  return database.query<{ definition: StacItem; key: string; collection: string; id: string }>(
    `select definition, collection, id, to_char(instant at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as key
     from ${condition.from} where ${condition.sql} and ${page}
     order by instant desc, collection, id limit ${bind(size)}`,
    params,
  );
}

function keysetCondition([instant, collection, id]: Key, bind: (value: unknown) => string): string {
  const [t, c, i] = [`${bind(instant)}::timestamp at time zone 'UTC'`, bind(storable(collection)), bind(storable(id))];
  return `(instant <= ${t} and (instant < ${t} or (collection, id) > (${c}, ${i})))`;
}

const keyOf = (row: Row): Key => [row.key, row.collection, row.id];

/** null when there are too many to count. */
async function countMatches(database: Queryable, query: ItemQuery, test: ((item: StacItem) => boolean) | null, from: ItemTable): Promise<number | null> {
  const condition = conditionOf(query, from);
  if (!test) return capped(database, condition);
  const { params, sql } = condition;
  // What lies wholly inside a searched box needs no test; only what its border cuts does.
  const all = [...params];
  const inside = query.bbox?.length === 4 && !query.intersects ? insideCondition(flatBox(query.bbox), (value) => `$${all.push(value)}`) : 'false';
  const tested = await database.query<{ definition: StacItem }>(`select definition from ${from} where ${sql} and not ${inside} limit ${MAX_TESTED + 1}`, all);
  if (tested.length > MAX_TESTED) return null;
  const certain = inside === 'false' ? 0 : await capped(database, { from, sql: `${sql} and ${inside}`, params: all });
  return certain === null ? null : certain + tested.filter(({ definition }) => test(definition)).length;
}

async function capped(database: Queryable, { from, sql, params }: Condition): Promise<number | null> {
  const [row] = await database.query<{ count: number }>(`select count(*) as count from (select 1 from ${from} where ${sql} limit ${MAX_COUNT + 1}) as matches`, params);
  return row!.count > MAX_COUNT ? null : row!.count;
}

/** PostgreSQL has no text with a NUL character; no stored id has one either, so any other sign will do. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD');
}

function conditionOf(query: ItemQuery, from: ItemTable): Condition {
  const params: unknown[] = [];
  const bind = (value: unknown) => `$${params.push(value)}`;
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

function encodeToken(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

function decodeToken(token: string): Key {
  try {
    const key = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown;
    const isKey = Array.isArray(key) && key.length === 3 && key.every((part) => typeof part === 'string');
    if (isKey && /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/.test(key[0] as string)) return key as unknown as Key;
  } catch {
    // Not JSON: refused below like any other strange token.
  }
  throw new ItemTokenError();
}
