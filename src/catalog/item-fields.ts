/**
 * Which properties items have, found in the items themselves. The newest items of each collection are looked
 * at; only where these are all of them the range and the values of a property are told too.
 */
import { binder, type Queryable } from '../database/connection.ts';
import { conditionOf } from './item-conditions.ts';
import { storable } from './storable.ts';
import type { ItemField, ItemQuery, ItemTable } from './item-query.ts';

const SAMPLE = 1000;
/** Over all collections together. */
const LARGEST_SAMPLE = 10_000;
/** More different texts are no list to choose from. */
export const MAX_VALUES = 50;

interface Row {
  readonly name: string;
  readonly types: string[];
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly values: string[] | null;
  readonly complete: boolean;
}

/** The properties of what a query finds, by name; those that are nowhere but null are left out. */
export async function describeFields(database: Queryable, query: Omit<ItemQuery, 'limit'>, table: ItemTable = 'items'): Promise<ItemField[]> {
  const { from, sql, params: bound } = conditionOf(query, table);
  const params = [...bound];
  const bind = binder(params);
  const wanted = query.collections && query.collections.length > 0 ? `id = any(${bind(query.collections.map(storable))})` : 'true';
  const rows = await database.query<Row>(
    `with sample as materialized (
       select one.id as owner, newest.properties from (select id from collections where ${wanted} order by id) as one
       cross join lateral (select properties from ${from} where ${sql} and collection = one.id order by instant desc limit ${SAMPLE}) as newest limit ${LARGEST_SAMPLE}),
     seen as (select key, value, jsonb_typeof(value) as type, value #>> '{}' as text from sample, jsonb_each(properties) where jsonb_typeof(value) <> 'null')
     select key as name, array_agg(distinct type order by type) as types,
       min(case type when 'number' then value::float8 end) as minimum, max(case type when 'number' then value::float8 end) as maximum,
       case when count(distinct text) <= ${MAX_VALUES} then array_agg(distinct text order by text) end as values,
       (select count(*) from sample) < ${LARGEST_SAMPLE} and not exists (select 1 from sample group by owner having count(*) >= ${SAMPLE}) as complete
     from seen group by key order by key`,
    params,
  );
  return rows.map(({ name, types, minimum, maximum, values, complete }) => ({
    name,
    types,
    ...(complete && types.length === 1 && minimum !== null && maximum !== null ? { range: [minimum, maximum] as const } : {}),
    ...(complete && types.length === 1 && types[0] === 'string' && values !== null ? { values } : {}),
  }));
}
