/** What a search asks for, in SQL, as far as columns can tell. Values are bound. */
import { binder, type Bind } from '../database/connection.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { boxOf, type Box } from '../geo/geometry.ts';
import { filterCondition } from './cql2/sql.ts';
import { conditionSql, isIndexed } from './item-property.ts';
import type { ItemQuery, ItemTable } from './item-query.ts';
import { viewSql } from './item-view.ts';
import { storable } from './storable.ts';

export interface Condition {
  /** A table or a query in brackets. */
  readonly from: string;
  readonly sql: string;
  /** The part of it for which there are indexes: true of all that `sql` is true of. */
  readonly bounds: string;
  readonly params: readonly unknown[];
}

/** Items that come into question; of boxes and geometries only the bounding box is compared. */
export function conditionOf(query: Omit<ItemQuery, 'limit'>, table: ItemTable): Condition {
  const params: unknown[] = [];
  const bind = binder(params);
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
  const bounds = [...parts];
  for (const condition of query.where ?? []) {
    const sql = conditionSql(condition, bind);
    parts.push(sql);
    if (isIndexed(condition.property) && condition.comparison !== 'neq') bounds.push(sql);
  }
  if (query.filter) {
    const filter = filterCondition(query.filter, bind, boxCondition);
    parts.push(`(${filter.sql})`);
    bounds.push(filter.bounds);
  }
  return { from, sql: allOf(parts), bounds: allOf(bounds), params };
}

const allOf = (parts: readonly string[]) => parts.join(' and ') || 'true';

/** Without the items of collections of files that are private to somebody else (`lamina:files`). */
function visibleCondition(user: string | null, bind: Bind): string {
  const mark = (field: string) => `definition -> 'lamina:files' ->> '${field}'`;
  return `collection <> all(array(select id from collections where ${mark('visibility')} = 'private' and ${mark('owner')} is distinct from ${bind(user)}::text))`;
}

/** The stored boxes reach beyond 180 where they cross the antimeridian, so the neighbouring turns are asked too. */
export function boxCondition(box: Box, bind: Bind): string {
  const [west, south, east, north] = box;
  // An index is a detour when everything is wanted.
  if (west <= -180 && south <= -90 && east >= 180 && north >= 90) return 'footprint is not null';
  return `(${turnsOfBox(box, bind).map((turned) => `footprint && ${turned}`).join(' or ')})`;
}

export function insideCondition(box: Box, bind: Bind): string {
  return `(${turnsOfBox(box, bind).map((turned) => `footprint <@ ${turned}`).join(' or ')})`;
}

function turnsOfBox([west, south, east, north]: Box, bind: Bind): string[] {
  const turns = [0, 360, ...(east >= 180 ? [-360] : [])];
  return turns.map((turn) => `box(point(${bind(west + turn)}, ${bind(south)}), point(${bind(east + turn)}, ${bind(north)}))`);
}

/** West, south, east, north of a STAC bbox; east is beyond 180 when the box crosses the antimeridian. */
export function flatBox(bbox: readonly number[]): Box {
  const [west, south, east, north] = withoutHeights(bbox);
  return [west, south, east < west ? east + 360 : east, north];
}
