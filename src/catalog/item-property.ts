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

/** Texts are sorted by so many of their first characters: an index has room for that, and so has a token. */
const SORTED_CHARACTERS = 200;

/** A property with columns of its own for what it is sorted by (migration 0024-cloud-columns). */
interface Columns {
  /** Its value as float8; null where it is no number. */
  readonly number: string;
  /** The beginning of a value that is none. */
  readonly text: string;
}

const columns: Readonly<Record<string, Columns>> = { 'eo:cloud_cover': { number: 'cloud_number', text: 'cloud_text' } };
const columnsOf = (property: string): Columns | null => (Object.hasOwn(columns, property) ? columns[property]! : null);

/** A value of jsonb as float8; null where it is no number. */
const asNumber = (json: string): string => `(case jsonb_typeof(${json}) when 'number' then (${json})::float8 end)`;

/** What a value of jsonb that is no number is sorted by. */
const asText = (json: string): string => `left(case when jsonb_typeof(${json}) not in ('number', 'null') then (${json}) #>> '{}' end, ${SORTED_CHARACTERS})`;

/** The same of a text. */
export function sortedPart(text: string): string {
  return text.length <= SORTED_CHARACTERS ? text : Array.from(text).slice(0, SORTED_CHARACTERS).join('');
}

/** Columns made of the properties, for a query that has only these. */
export const columnsOfProperties = Object.entries(columns)
  .flatMap(([property, { number, text }]) => [`${asNumber(`(properties -> '${property}')`)} as ${number}`, `${asText(`(properties -> '${property}')`)} as ${text}`]).join(', ');

/** The value of a property as jsonb; null where it is absent. */
export function propertySql(property: string, bind: Bind): string {
  if (property === 'id' || property === 'collection') return `to_jsonb(${property})`;
  return `(properties #> ${bind(property.split('.').map(storable))}::text[])`;
}

/** The value of a property as float8; null where it is no number. */
export function numberSql(property: string, bind: Bind): string {
  return numberColumn(property) ?? asNumber(propertySql(property, bind));
}

/** The column that has the numbers of a property; null where none has. */
export const numberColumn = (property: string): string | null => columnsOf(property)?.number ?? null;

/** SQL that takes a value out of the properties once, and what is made of it. */
export interface Derived {
  readonly value: string;
  readonly write: (value: string) => string;
}

/** What a property is sorted by: first numbers, then texts. */
export function sortedSql(property: string, bind: Bind): { readonly number: string | Derived; readonly text: string | Derived } {
  const own = columnsOf(property);
  if (own) return own;
  const value = propertySql(property, bind);
  return { number: { value, write: asNumber }, text: { value, write: asText } };
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
  if (typeof value === 'number' && /^[lg]te?$/.test(comparison)) return `${numberSql(property, bind)} ${operators[comparison]} ${bind(value)}::float8`;
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
    case 'lt': case 'lte': case 'gt': case 'gte': return `${text} collate "C" ${operators[comparison]} ${bind(storable(value as string))}::text`;
  }
}

/** A text contains another; a list has it as a member. */
function containsSql(stored: string, text: string, value: unknown, json: (value: unknown) => string, bind: Bind): string {
  const member = `(jsonb_typeof(${stored}) = 'array' and ${stored} @> ${json([value])})`;
  return typeof value === 'string' ? `(strpos(${text}, ${bind(storable(value))}) > 0 or ${member})` : member;
}
