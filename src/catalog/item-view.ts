/** Stored items as a layer shows them, as a query that stands in the place of their table. */
import type { Bind } from '../database/connection.ts';
import { columnsOfProperties } from './item-property.ts';
import type { ItemTable, ItemView } from './item-query.ts';
import { storable, storableJson } from './storable.ts';

/** The columns that searches look at. Constant properties are bound; those of the stored item and of its state come beside them. */
export function viewSql(table: ItemTable, view: ItemView, bind: Bind): string {
  const collection = `${bind(storable(view.collection))}::text`;
  // What was withdrawn is stored under the collection that shows it.
  const source = table === 'items' ? `${bind(storable(view.source))}::text` : collection;
  const kept = `(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(i.properties) where key = any(${bind(view.kept)}::text[]))`;
  const constant = `${bind(JSON.stringify(storableJson(view.properties)))}::jsonb`;
  const states = view.hasStates ? `left join layer_items l on l.layer = ${collection} and l.item = i.id` : '';
  const state = view.hasStates ? ` || ${stateSql(table)}` : '';
  return `(select *, ${columnsOfProperties} from (select i.definition, ${collection} as collection, i.id, i.instant, i.starts, i.ends, i.footprint, ${constant} || ${kept}${state} as properties
    from ${table} i ${states} where i.collection = ${source}) as made) as shown`;
}

/** What layer-state.ts says of an item, under the same names. */
function stateSql(table: ItemTable): string {
  const time = (column: string) => `to_char(l.${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const status = table === 'items' ? `coalesce(l.status, 'virtual')` : `'withdrawn'`;
  const cached = table === 'items' ? `, 'lamina:cached', case when l.status = 'computed' and l.blocks is not null then jsonb_build_object('blocks', l.blocks, 'bytes', l.bytes) end` : '';
  const reason = table === 'items' ? `, 'lamina:reason', nullif(l.reason, '')` : '';
  return `jsonb_strip_nulls(jsonb_build_object('lamina:status', ${status}, 'updated', ${time('since')}, 'processing:datetime', ${time('computed')}${reason}${cached}))`;
}
