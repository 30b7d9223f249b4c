/** What a search asks for, in SQL, as far as columns can tell. Values are bound. */
import { binder, type Bind } from '../database/connection.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { boxOf, type Box } from '../geo/geometry.ts';
import { boxesOfFilter, filterCondition } from './cql2/sql.ts';
import type { ItemFacts } from './item-facts.ts';
import { conditionSql } from './item-property.ts';
import type { ItemQuery, ItemTable } from './item-query.ts';
import { viewSql } from './item-view.ts';
import { storable } from './storable.ts';

/** Ids are looked up in so many collections one by one. */
const MAX_NAMED = 500;

export interface Condition {
  /** A table or a query in brackets. */
  readonly from: string;
  readonly sql: string;
  /** The part of it that asks for collection, id, time and place: true of all that `sql` is true of. */
  readonly bounds: string;
  /** Whether it asks for id, time or place at all. */
  readonly isNarrow: boolean;
  /** Boxes all of which an item must touch. */
  readonly boxes: readonly Box[];
  readonly params: readonly unknown[];
}

/** Items that come into question; of boxes and geometries only the bounding box is compared. With `facts` of the table there are better ways to them; where a place is wide, its index is none. */
export function conditionOf(query: Omit<ItemQuery, 'limit'>, table: ItemTable, facts: ItemFacts | null = null, { isPlaceWide = false } = {}): Condition {
  const place = facts?.place ?? EVERYWHERE;
  const inBox = (box: Box, bound: Bind) => (isPlaceWide ? unindexed(boxCondition(box, bound, place)) : boxCondition(box, bound, place));
  const params: unknown[] = [];
  const bind = binder(params);
  const from = query.view ? viewSql(table, query.view, bind) : table;
  const parts: string[] = [];
  const isNamed = query.collections !== undefined && query.collections.length > 0;
  if (facts && !query.view) parts.push(...collectionParts(query, facts, bind));
  else {
    if (isNamed) parts.push(`collection = any(${bind(query.collections!.map(storable))})`);
    if (query.user !== undefined) parts.push(visibleCondition(query.user, bind));
  }
  const withoutExtent = parts.length;
  if (query.ids && query.ids.length > 0) parts.push(`id = any(${bind(query.ids.map(storable))})`);
  parts.push(...timeParts(query, facts, bind));
  parts.push(...placesOf(query).map((box) => inBox(box, bind)));
  const bounds = [...parts];
  parts.push(...(query.where ?? []).map((condition) => conditionSql(condition, bind)));
  const filter = query.filter && filterCondition(query.filter, bind, inBox);
  if (filter) {
    parts.push(`(${filter.sql})`);
    if (filter.bounds !== 'true') bounds.push(filter.bounds);
  }
  return { from, sql: allOf(parts), bounds: allOf(bounds), isNarrow: bounds.length > withoutExtent, boxes: boxesOf(query), params };
}

const placesOf = ({ bbox, intersects }: Pick<ItemQuery, 'bbox' | 'intersects'>): Box[] => [...(bbox ? [flatBox(bbox)] : []), ...(intersects ? [boxOf(intersects)] : [])];

/** The boxes that all items of a search must touch. */
export function boxesOf(query: Pick<ItemQuery, 'bbox' | 'intersects' | 'filter'>): readonly Box[] {
  return [...placesOf(query), ...(query.filter ? boxesOfFilter(query.filter) : [])];
}

/** A condition that is tested where other conditions lead, and leads nowhere itself. */
export const unindexed = (sql: string): string => `coalesce(${sql}, false)`;

const allOf = (parts: readonly string[]) => parts.join(' and ') || 'true';

/** A key by collection and id needs both, and an order by time within one collection needs to know that it is one. */
function collectionParts({ ids }: Omit<ItemQuery, 'limit'>, { collections, isAll }: ItemFacts, bind: Bind): string[] {
  if (isAll && (!ids || ids.length === 0 || collections.length > MAX_NAMED)) return [];
  return [collections.length === 1 ? `collection = ${bind(collections[0])}` : `collection = any(${bind(collections)})`];
}

/** An index knows the instant of an item; its time touches an interval where it begins and ends around there. */
function timeParts({ datetime }: Omit<ItemQuery, 'limit'>, facts: ItemFacts | null, bind: Bind): string[] {
  const [start, end] = datetime ?? [null, null];
  const areInstants = facts?.lead === 0 && facts.lag === 0;
  const moved = (instant: string, sign: '+' | '-', seconds: number) => `${bind(instant)}::timestamptz${seconds === 0 ? '' : ` ${sign} make_interval(secs => ${bind(seconds)})`}`;
  return [
    ...(start !== null && facts ? [`instant >= ${moved(start, '-', facts.lag)}`] : []),
    ...(end !== null && facts ? [`instant <= ${moved(end, '+', facts.lead)}`] : []),
    ...(start !== null && !areInstants ? [`ends >= ${bind(start)}::timestamptz`] : []),
    ...(end !== null && !areInstants ? [`starts <= ${bind(end)}::timestamptz`] : []),
  ];
}

/** Without the items of collections of files that are private to somebody else (`lamina:files`). */
function visibleCondition(user: string | null, bind: Bind): string {
  return `collection <> all(array(select id from collections where is_private and owner is distinct from ${bind(user)}::text))`;
}

/** Wherever boxes of items are stored: they reach beyond 180 where they cross the antimeridian. */
const EVERYWHERE: Box = [-180, -90, 540, 90];

/**
 * Whether a box that is moved by some degrees touches a place that items are in, as PostgreSQL compares boxes and with a
 * little room.
 */
function reaches([west, south, east, north]: Box, place: Box, turn: number): boolean {
  const room = 1e-5;
  return west + turn <= place[2] + room && east + turn >= place[0] - room && south <= place[3] + room && north >= place[1] - room;
}

/** A search asks for its box one turn to both sides too, as far as there may be items. */
export const turnsOf = (box: Box, place: Box): number[] => [0, 360, -360].filter((turn) => reaches(box, place, turn));

/** @param place that all items are in: a second box in the condition takes the way through the index alone from it */
export function boxCondition(box: Box, bind: Bind, place: Box = EVERYWHERE): string {
  const [west, south, east, north] = box;
  // An index is a detour when everything is wanted.
  if (west <= -180 && south <= -90 && east >= 180 && north >= 90) return 'footprint is not null';
  return anyTurn(box, bind, place, '&&');
}

export function insideCondition(box: Box, bind: Bind, place: Box = EVERYWHERE): string {
  return anyTurn(box, bind, place, '<@');
}

function anyTurn(box: Box, bind: Bind, place: Box, operator: '&&' | '<@'): string {
  const [west, south, east, north] = box;
  const corner = (x: number, y: number) => `point(${bind(x)}, ${bind(y)})`;
  return `(${turnsOf(box, place).map((turn) => `footprint ${operator} box(${corner(west + turn, south)}, ${corner(east + turn, north)})`).join(' or ') || 'false'})`;
}

/** West, south, east, north of a STAC bbox; east is beyond 180 when the box crosses the antimeridian. */
export function flatBox(bbox: readonly number[]): Box {
  const [west, south, east, north] = withoutHeights(bbox);
  return [west, south, east < west ? east + 360 : east, north];
}
