/**
 * How many items there are of which collection, time and value: what aggregations are added up from. The
 * database counts; only what a geometry has to decide is looked at one by one.
 */
import { binder, type Bind, type Queryable } from '../database/connection.ts';
import { OpenEOError } from '../errors.ts';
import { conditionOf } from './item-conditions.ts';
import { numberSql } from './item-property.ts';
import type { ItemGroup, ItemGroupQuery, ItemTable } from './item-query.ts';
import { exactTest } from './item-search.ts';
import type { StacItem } from './types.ts';

/** So many items are tested against a geometry. */
const MAX_TESTED = 20_000;

interface Tested extends ItemGroup {
  readonly definition: StacItem;
  readonly properties: StacItem['properties'];
}

/** Throws ProcessParameterInvalid when more items than can be tested touch a geometry. */
export async function groupItems(database: Queryable, query: ItemGroupQuery, table: ItemTable = 'items'): Promise<ItemGroup[]> {
  const { from, sql, params: bound } = conditionOf(query, table);
  const params = [...bound];
  const bind = binder(params);
  const text = (instant: string) => `to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
  const slot = `date_trunc(${bind(query.interval)}::text, instant, 'UTC')`;
  const value = valueSql(query, bind);
  const test = exactTest(query);
  if (!test) {
    // Texts are made of the groups, not of every item.
    return database.query<ItemGroup>(
      `select collection, ${text('slot')} as time, value, count, ${text('first')} as first, ${text('last')} as last from
         (select collection, ${slot} as slot, ${value} as value, count(*)::int as count, min(instant) as first, max(instant) as last from ${from} where ${sql} group by 1, 2, 3) as groups
       order by 1, 2, 3`,
      params,
    );
  }
  const rows = await database.query<Tested>(`select collection, ${text(slot)} as time, ${value} as value, 1 as count, ${text('instant')} as first, ${text('instant')} as last, definition, properties from ${from} where ${sql} limit ${MAX_TESTED + 1}`, params);
  if (rows.length > MAX_TESTED) throw new OpenEOError('ProcessParameterInvalid', { process: 'aggregate', parameter: 'bbox', reason: `more than ${MAX_TESTED} items would have to be compared with a geometry; ask for a shorter time or fewer collections` });
  return rows.filter(({ definition, collection, properties }) => test({ ...definition, collection, properties })).map(({ collection, time, value, count, first, last }) => ({ collection, time, value, count, first, last }));
}

/** Lower end of the step, or null. */
function valueSql({ property, step }: ItemGroupQuery, bind: Bind): string {
  if (property === undefined || step === undefined) return 'null::float8';
  const width = `${bind(step)}::float8`;
  return `floor(${numberSql(property, bind)} / ${width}) * ${width}`;
}
