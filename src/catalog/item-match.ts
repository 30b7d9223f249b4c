/** A search decided in memory: whether an item meets it, and where the item stands in its order. */
import { filterTest } from './cql2/evaluate.ts';
import { instantOf } from './cql2/instants.ts';
import { exactTest } from './item-search.ts';
import { sortedPart, times, writtenNumber, type PropertyCondition } from './item-property.ts';
import type { ItemKey, ItemQuery } from './item-query.ts';
import type { StacItem } from './types.ts';

type Test = (item: StacItem) => boolean;

/** What has properties: an item, or something else in its shape. */
export type Described = Pick<StacItem, 'id' | 'collection' | 'properties'>;
type PropertyTest = (item: Described) => boolean;

/** True for items that meet all conditions of a search but those on the collection. Keep it for many items. */
export function searchTest(query: Omit<ItemQuery, 'limit'>): Test {
  const { filter, ...places } = query;
  const tests: Test[] = [...(query.datetime ? [timeTest(query.datetime)] : []), ...(query.where ?? []).map(conditionTest)];
  const exact = exactTest(places);
  if (exact) tests.push(exact);
  if (filter) tests.push(filterTest(filter));
  if (query.ids && query.ids.length > 0) {
    const ids = new Set(query.ids);
    tests.push(({ id }) => ids.has(id));
  }
  return (item) => tests.every((test) => test(item));
}

function timeTest(interval: ItemQuery['datetime']): Test {
  const at = (text: string | null | undefined) => (typeof text === 'string' ? instantOf(text) : null);
  const [start, end] = [at(interval?.[0]), at(interval?.[1])];
  return (item) => {
    const [first, last] = spanOf(item);
    return (start === null || last >= start) && (end === null || first <= end);
  };
}

/** Beginning and end of an item, microseconds since 1970. */
function spanOf({ properties }: StacItem): [bigint, bigint] {
  const at = (name: string) => (typeof properties[name] === 'string' ? instantOf(properties[name]) : null);
  const instant = at('datetime') ?? at('start_datetime') ?? 0n;
  return [at('start_datetime') ?? instant, at('end_datetime') ?? instant];
}

/** A property by its path; null where it is absent. */
export function propertyOf(item: Described, name: string): unknown {
  if (name === 'id' || name === 'collection') return item[name];
  let value: unknown = item.properties;
  for (const key of name.split('.')) value = typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  return value ?? null;
}

/** A condition of the query extension, as catalog/item-property.ts has it in SQL. */
export function conditionTest(condition: PropertyCondition): PropertyTest {
  const { property, comparison } = condition;
  if (Object.hasOwn(times, property) && !/With$|^contains$/.test(comparison)) return instantTest(condition);
  const number = writtenNumber(condition);
  const test = valueTest(condition);
  if (number === null) return (item) => test(propertyOf(item, property));
  const other = valueTest({ ...condition, value: number });
  const both = comparison === 'neq';
  return (item) => {
    const stored = propertyOf(item, property);
    return both ? test(stored) && other(stored) : test(stored) || other(stored);
  };
}

function valueTest({ comparison, value }: PropertyCondition): (stored: unknown) => boolean {
  const wanted = canonical(value);
  switch (comparison) {
    case 'eq': return (stored) => stored !== null && canonical(stored) === wanted;
    case 'neq': return (stored) => stored !== null && canonical(stored) !== wanted;
    case 'in': {
      const all = new Set((value as unknown[]).map(canonical));
      return (stored) => stored !== null && (all.has(canonical(stored)) || (Array.isArray(stored) && (stored as unknown[]).some((entry) => all.has(canonical(entry)))));
    }
    case 'startsWith': return (stored) => typeof stored === 'string' && stored.startsWith(value as string);
    case 'endsWith': return (stored) => typeof stored === 'string' && stored.endsWith(value as string);
    case 'contains': return (stored) => (typeof stored === 'string' ? typeof value === 'string' && stored.includes(value) : Array.isArray(stored) && (stored as unknown[]).some((entry) => canonical(entry) === wanted));
    case 'lt': case 'lte': case 'gt': case 'gte': return (stored) => typeof stored === typeof value && ordered(comparison, compare(stored as string | number, value as string | number));
  }
}

function instantTest({ property, comparison, value }: PropertyCondition): PropertyTest {
  const wanted = (Array.isArray(value) ? value : [value]).map((text) => instantOf(String(text)));
  return (item) => {
    const stored = propertyOf(item, property);
    const instant = typeof stored === 'string' ? instantOf(stored) : null;
    if (instant === null) return false;
    if (comparison === 'in') return wanted.includes(instant);
    const [other] = wanted;
    return other !== null && other !== undefined && ordered(comparison, instant < other ? -1 : instant > other ? 1 : 0);
  };
}

function ordered(comparison: PropertyCondition['comparison'], order: number): boolean {
  switch (comparison) {
    case 'eq': return order === 0;
    case 'neq': return order !== 0;
    case 'lt': return order < 0;
    case 'lte': return order <= 0;
    case 'gt': return order > 0;
    case 'gte': return order >= 0;
    case 'in': case 'startsWith': case 'endsWith': case 'contains': return false;
  }
}

/** Texts by their bytes, as the database compares them. */
function compare(a: string | number, b: string | number): number {
  return typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b as string)) : a - (b as number);
}

/** The same text for the same JSON, whatever the order of its keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part));
}

/** Where an item stands in the order of a search (catalog/item-order.ts): newest first without `sortby`. */
export function keyOf(item: StacItem, sortby: ItemQuery['sortby']): ItemKey {
  if (!sortby || sortby.length === 0) return [instantText(item), item.collection, item.id];
  const last = ['collection', 'id'].filter((name) => !sortby.some(({ property }) => property === name));
  return [...sortby.map(({ property }) => property), ...last].flatMap((name) => valuesOf(item, name));
}

/** How many columns of a key are those of one property: two where it may be a number or a text. */
export function columnsOf(name: string): number {
  return name === 'id' || name === 'collection' || Object.hasOwn(times, name) ? 1 : 2;
}

function valuesOf(item: StacItem, name: string): (string | null)[] {
  if (name === 'id' || name === 'collection') return [item[name]];
  if (name === 'datetime') return [instantText(item)];
  const value = propertyOf(item, name);
  if (Object.hasOwn(times, name)) return [typeof value === 'string' ? microText(instantOf(value)) : null];
  if (value === null) return [null, null];
  return typeof value === 'number' ? [String(value), null] : [null, sortedPart(typeof value === 'string' ? value : JSON.stringify(value))];
}

function instantText({ properties }: StacItem): string {
  return microText(instantOf(properties.datetime ?? String(properties['start_datetime'])) ?? 0n)!;
}

/** 'YYYY-MM-DDTHH:MM:SS.UUUUUU'. */
function microText(micros: bigint | null): string | null {
  if (micros === null) return null;
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(rest).padStart(6, '0')}`;
}
