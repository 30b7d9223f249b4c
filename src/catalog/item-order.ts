/**
 * In which order items come, and how a page begins after the last item of the one before. Every order ends
 * with collection and id, so no two items have the same key: what is inserted between two pages is neither
 * doubled nor does it push anything out of sight. Values that are absent come last in both directions.
 */
import type { Bind } from '../database/connection.ts';
import { ItemTokenError, type ItemKey, type ItemQuery, type SortField } from './item-query.ts';
import { sortedSql, times, type Derived } from './item-property.ts';
import { storable } from './storable.ts';

/** One column of the order; a property is two, because it may be a number in one item and a text in another. */
interface Term {
  readonly sql: string;
  readonly kind: 'instant' | 'number' | 'text';
  readonly descending: boolean;
  readonly nullable: boolean;
  /** What `sql` is made of where that is a value of its own: taken out of the properties once, it serves several columns. */
  readonly of?: Derived;
}

export interface ItemOrder {
  readonly terms: readonly Term[];
  /** What tokens of this order carry, so that one of another order is told apart. */
  readonly name: string;
}

const INSTANT = /^\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;

/** Newest first, which an index has ready. */
const newestFirst: ItemOrder = {
  name: '',
  terms: [
    { sql: 'instant', kind: 'instant', descending: true, nullable: false },
    { sql: 'collection', kind: 'text', descending: false, nullable: false },
    { sql: 'id', kind: 'text', descending: false, nullable: false },
  ],
};

/**
 * The order of a search.
 *
 * @param bind puts a value into the statement and gives its name there
 */
export function orderOf({ sortby }: ItemQuery, bind: Bind): ItemOrder {
  if (!sortby || sortby.length === 0) return newestFirst;
  const last = ['collection', 'id'].filter((name) => !sortby.some(({ property }) => property === name));
  const fields: readonly SortField[] = [...sortby, ...last.map((property) => ({ property, direction: 'asc' as const }))];
  return { terms: fields.flatMap((field) => termsOf(field, bind)), name: nameOf(sortby) };
}

const nameOf = (fields: readonly SortField[]) => fields.map(({ property, direction }) => `${direction === 'desc' ? '-' : '+'}${property}`).join(',');

function termsOf({ property, direction }: SortField, bind: Bind): Term[] {
  const descending = direction === 'desc';
  // Byte order, whatever language the database speaks: merging pages of several sources compares them again.
  if (property === 'id' || property === 'collection') return [{ sql: `${property} collate "C"`, kind: 'text', descending, nullable: false }];
  if (property === 'datetime') return [{ sql: 'instant', kind: 'instant', descending, nullable: false }];
  const ends = Object.hasOwn(times, property) ? times[property] : undefined;
  if (ends !== undefined) return [{ sql: `(case when properties ->> '${property}' is not null then ${ends} end)`, kind: 'instant', descending, nullable: true }];
  const { number, text } = sortedSql(property, bind);
  return [termOf(number, 'number', descending), termOf(text, 'text', descending)];
}

function termOf(from: string | Derived, kind: 'number' | 'text', descending: boolean): Term {
  const as = kind === 'text' ? (sql: string) => `${sql} collate "C"` : (sql: string) => sql;
  if (typeof from === 'string') return { sql: as(from), kind, descending, nullable: true };
  const write = (value: string) => as(from.write(value));
  return { sql: write(from.value), kind, descending, nullable: true, of: { value: from.value, write } };
}

export function orderBy({ terms }: ItemOrder): string {
  return terms.map(({ sql, descending, nullable }) => `${sql}${descending ? ' desc' : ''}${nullable ? ' nulls last' : ''}`).join(', ');
}

/** What an order sorts by under names of its own, and the order of these: for rows that are found before they are sorted. */
export function namedTerms(order: ItemOrder): { readonly columns: string; readonly order: ItemOrder } {
  const values = [...new Set(order.terms.map(({ sql, of }) => of?.value ?? sql))];
  const name = (value: string) => `by_${values.indexOf(value)}`;
  return {
    columns: values.map((value) => `${value} as ${name(value)}`).join(', '),
    order: { ...order, terms: order.terms.map((term) => ({ ...term, sql: term.of ? term.of.write(name(term.of.value)) : name(term.sql) })) },
  };
}

/** The key of a row as an array of texts, in JSON: a driver reads that faster than an array. */
export function keySql({ terms }: ItemOrder): string {
  return `json_build_array(${terms.map(({ sql, kind }) => (kind === 'instant' ? `to_char(${sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')` : `(${sql})::text`)).join(', ')})`;
}

/** True of rows that come after a key. */
export function afterSql({ terms }: ItemOrder, key: ItemKey, bind: Bind): string {
  const values = terms.map(({ kind }, i) => boundValue(kind, key[i] ?? null, bind));
  // From the last column to the first: it decides where all before it are equal.
  const chain = terms.reduceRight<string | null>((rest, term, i) => {
    const value = values[i]!;
    const [beyond, equal] = value === null
      ? ['false', `${term.sql} is null`]
      : [`(${term.sql} ${term.descending ? '<' : '>'} ${value}${term.nullable ? ` or ${term.sql} is null` : ''})`, `${term.sql} = ${value}`];
    return rest === null ? beyond : `(${beyond} or (${equal} and ${rest}))`;
  }, null)!;
  const [first] = terms as readonly [Term, ...Term[]];
  // Said again on its own, because an index can begin there.
  return first.nullable ? chain : `(${first.sql} ${first.descending ? '<=' : '>='} ${values[0]} and ${chain})`;
}

function boundValue(kind: Term['kind'], value: string | null, bind: Bind): string | null {
  if (value === null) return null;
  if (kind === 'instant') return `${bind(value)}::timestamp at time zone 'UTC'`;
  return kind === 'number' ? `${bind(value)}::float8` : `${bind(storable(value))}::text`;
}

/** Negative when the first key comes before the second in this order. */
export function compareKeys({ terms }: ItemOrder, a: ItemKey, b: ItemKey): number {
  for (const [i, { kind, descending }] of terms.entries()) {
    const [left, right] = [a[i] ?? null, b[i] ?? null];
    if (left === right) continue;
    if (left === null || right === null) return left === null ? 1 : -1;
    const order = kind === 'number' ? Number(left) - Number(right) : Buffer.compare(Buffer.from(left), Buffer.from(right));
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

export function encodeToken({ name }: ItemOrder, key: ItemKey): string {
  return Buffer.from(JSON.stringify([name, ...key])).toString('base64url');
}

/** Throws ItemTokenError for a token that was not given for this order. */
export function decodeToken({ name, terms }: ItemOrder, token: string): ItemKey {
  try {
    const [order, ...key] = JSON.parse(Buffer.from(token, 'base64url').toString()) as unknown[];
    if (order === name && key.length === terms.length && terms.every((term, i) => isValue(term, key[i]))) return key as ItemKey;
  } catch {
    // Not JSON or no array: refused below like any other strange token.
  }
  throw new ItemTokenError();
}

function isValue({ kind, nullable }: Term, value: unknown): boolean {
  if (value === null) return nullable;
  if (typeof value !== 'string') return false;
  if (kind === 'instant') return INSTANT.test(value) && !Number.isNaN(Date.parse(`${value}Z`));
  return kind === 'text' || (value.trim() !== '' && Number.isFinite(Number(value)));
}
