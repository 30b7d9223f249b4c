/**
 * Conditions on properties of items, as the query extension of STAC has them, in SQL. A name is a path:
 * 'proj:centroid.lat' is the member `lat` of `proj:centroid`. Names and values are bound, never part of the text.
 * An item without the property meets no condition on it, not even `neq`.
 */
import type { Bind } from '../database/connection.ts';
import { storable, storableJson } from './storable.ts';

export const comparisons = ['eq', 'neq', 'lt', 'lte', 'gt', 'gte', 'in', 'startsWith', 'endsWith', 'contains'] as const;
export type Comparison = (typeof comparisons)[number];

export interface PropertyCondition {
  /** 'id', 'collection', or the name of a property without 'properties.' before it. */
  readonly property: string;
  readonly comparison: Comparison;
  /** A JSON value: a list for `in`, a text for `startsWith` and `endsWith`. Of a time: RFC 3339, microseconds at most. */
  readonly value: unknown;
}

/** Properties that hold times; the catalog has them as such. */
export const times: Readonly<Record<string, string>> = { datetime: 'instant', start_datetime: 'starts', end_datetime: 'ends' };

const operators: Readonly<Partial<Record<Comparison, string>>> = { eq: '=', neq: '<>', lt: '<', lte: '<=', gt: '>', gte: '>=' };

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** Properties with a column of their own and an index (migration 0023-cloud-cover). */
const columns: Readonly<Record<string, string>> = { 'eo:cloud_cover': 'cloud_cover' };

/** Columns made of the properties, for a query that has only these. */
export const columnsOfProperties = Object.entries(columns).map(([property, column]) => `properties -> '${property}' as ${column}`).join(', ');

/** Whether items are found and sorted by a property without looking at all of them. */
export const isIndexed = (property: string): boolean => Object.hasOwn(columns, property);

/** A value that `propertySql` gives as float8; null where it is no number. */
export const numberSql = (json: string): string => `(case jsonb_typeof(${json}) when 'number' then (${json})::float8 end)`;

/** The value of a property as jsonb; null where it is absent. */
export function propertySql(property: string, bind: Bind): string {
  if (property === 'id' || property === 'collection') return `to_jsonb(${property})`;
  if (isIndexed(property)) return columns[property]!;
  return `(properties #> ${bind(property.split('.').map(storable))}::text[])`;
}

export function conditionSql(condition: PropertyCondition, bind: Bind): string {
  return timeSql(condition, bind) ?? valueSql(condition, bind);
}

/** null when the condition is not one that compares times. */
function timeSql({ property, comparison, value }: PropertyCondition, bind: Bind): string | null {
  const column = Object.hasOwn(times, property) ? times[property] : undefined;
  const operator = operators[comparison];
  const values = comparison === 'in' ? (value as readonly unknown[]) : [value];
  if (column === undefined || (operator === undefined && comparison !== 'in')) return null;
  const known = `properties ->> '${property}' is not null`;
  return operator === undefined ? `(${known} and ${column} = any(${bind(values)}::timestamptz[]))` : `(${known} and ${column} ${operator} ${bind(value)}::timestamptz)`;
}

/** The number in a condition that is written as text: it compares with numbers too, as in other services. null: there is none. */
export function writtenNumber({ comparison, value }: Pick<PropertyCondition, 'comparison' | 'value'>): number | null {
  const number = typeof value === 'string' && operators[comparison] !== undefined && NUMBER.test(value) ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}

/** A text that is stored stays a text, also where it looks like a number. */
function valueSql(condition: PropertyCondition, bind: Bind): string {
  const number = writtenNumber(condition);
  if (number === null) return comparedSql(condition, bind);
  const either = [condition, { ...condition, value: number }].map((one) => comparedSql(one, bind));
  return `(${either.join(condition.comparison === 'neq' ? ' and ' : ' or ')})`;
}

function comparedSql({ property, comparison, value }: PropertyCondition, bind: Bind): string {
  const stored = propertySql(property, bind);
  const json = (wanted: unknown) => `${bind(JSON.stringify(storableJson(wanted)))}::jsonb`;
  const text = `(case jsonb_typeof(${stored}) when 'string' then ${stored} #>> '{}' end)`;
  switch (comparison) {
    case 'eq': return `${stored} = ${json(value)}`;
    case 'neq': return `(jsonb_typeof(${stored}) <> 'null' and ${stored} <> ${json(value)})`;
    // Of a list it is enough that one of its members is wanted.
    case 'in': return `exists (select 1 from jsonb_array_elements(${json(value)}) as wanted (value)
      where wanted.value = ${stored} or (jsonb_typeof(${stored}) = 'array' and ${stored} @> jsonb_build_array(wanted.value)))`;
    case 'startsWith': return `starts_with(${text}, ${bind(storable(value as string))})`;
    case 'endsWith': return `right(${text}, length(${bind(storable(value as string))}::text)) = ${bind(storable(value as string))}::text`;
    case 'contains': return containsSql(stored, text, value, json, bind);
    case 'lt': case 'lte': case 'gt': case 'gte': return typeof value === 'number'
      ? `${numberSql(stored)} ${operators[comparison]} ${bind(value)}::float8`
      : `${text} collate "C" ${operators[comparison]} ${bind(storable(value as string))}::text`;
  }
}

/** A text contains another; a list has it as a member. */
function containsSql(stored: string, text: string, value: unknown, json: (value: unknown) => string, bind: Bind): string {
  const member = `(jsonb_typeof(${stored}) = 'array' and ${stored} @> ${json([value])})`;
  return typeof value === 'string' ? `(strpos(${text}, ${bind(storable(value))}) > 0 or ${member})` : member;
}
