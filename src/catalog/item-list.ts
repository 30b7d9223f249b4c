/** Items that are at hand as a list: searched, counted and described in memory as the database does it with those that it stores. */
import { MAX_VALUES } from './item-fields.ts';
import { keyOf, searchTest } from './item-match.ts';
import type { ItemField, ItemGroup, ItemGroupQuery, ItemPage, ItemQuery } from './item-query.ts';
import { pageOf } from './item-page.ts';
import { ItemTally } from './item-tally.ts';
import type { StacItem } from './types.ts';

/** One page of those that meet a search. Throws ItemTokenError. */
export function searchList(items: readonly StacItem[], query: ItemQuery): ItemPage {
  return pageOf(matching(items, query).map((item) => ({ item, key: keyOf(item, query.sortby) })), query);
}

/** How many of those that meet a search there are of which collection, time and value. */
export function groupList(items: readonly StacItem[], query: ItemGroupQuery): ItemGroup[] {
  const tally = new ItemTally(query);
  for (const item of matching(items, query)) tally.add(item, item.collection);
  return tally.groups();
}

/** The properties that they have, by name; those that are nowhere but null are left out. */
export function fieldsOfList(items: readonly StacItem[]): ItemField[] {
  const values = new Map<string, unknown[]>();
  for (const [name, value] of items.flatMap(({ properties }) => Object.entries(properties))) {
    if (value === null || value === undefined) continue;
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  }
  return [...values].map(([name, found]) => fieldOf(name, found)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function matching(items: readonly StacItem[], query: Omit<ItemQuery, 'limit'>): StacItem[] {
  const { collections } = query;
  const test = searchTest(query);
  return items.filter((item) => (!collections || collections.length === 0 || collections.includes(item.collection)) && test(item));
}

function fieldOf(name: string, values: readonly unknown[]): ItemField {
  const types = [...new Set(values.map((value) => (Array.isArray(value) ? 'array' : typeof value)))].toSorted();
  const [only] = types.length === 1 ? types : [];
  if (only === 'number') return { name, types, range: [(values as number[]).reduce((a, b) => Math.min(a, b)), (values as number[]).reduce((a, b) => Math.max(a, b))] };
  const texts = only === 'string' ? [...new Set(values as string[])].toSorted() : [];
  return { name, types, ...(texts.length > 0 && texts.length <= MAX_VALUES ? { values: texts } : {}) };
}
