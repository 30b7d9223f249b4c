/** Which collections a client asks for: those at a place, of a time, with words or properties; and in which order. */
import { filterTest, type FilteredItem } from '../../catalog/cql2/evaluate.ts';
import { conditionTest, propertyOf } from '../../catalog/item-match.ts';
import type { ItemQuery, SortField } from '../../catalog/item-query.ts';
import { flatBox } from '../../catalog/item-search.ts';
import type { StacCollection } from '../../catalog/types.ts';
import { boxGeometry, intersectionTest } from '../../geo/geometry.ts';
import { asItem, boxesOf } from './collection-fields.ts';

/** `filter` and `where` look at collections as `asItem` shows them. */
export interface CollectionQuery extends Pick<ItemQuery, 'bbox' | 'datetime' | 'sortby' | 'filter' | 'where'> {
  /** One of these must occur in the title, the description, the keywords or the id, in any case of letters. */
  readonly words?: readonly string[];
}

/** 'forest,"land cover"' as a list of words; [] when there is none. */
export function parseWords(text: string): string[] {
  return (text.match(/"[^"]*"|[^,]+/g) ?? []).map((part) => part.replaceAll('"', '').trim().toLowerCase()).filter((part) => part !== '');
}

/** The collections that meet all conditions, in the order that is asked for. */
export function searchCollections(all: readonly StacCollection[], query: CollectionQuery): readonly StacCollection[] {
  const { bbox, datetime, words, sortby } = query;
  const isNear = bbox ? placeTest(bbox) : () => true;
  const tests = propertyTests(query);
  const found = all.filter((collection) => isNear(collection) && (!datetime || isAt(collection, datetime)) && (!words || says(collection, words)) && meets(collection, tests));
  return sortby ? sorted(found, sortby) : found;
}

type PropertyTest = (item: FilteredItem) => boolean;

const propertyTests = ({ filter, where = [] }: CollectionQuery): PropertyTest[] => [...where.map(conditionTest), ...(filter ? [filterTest(filter)] : [])];

function meets(collection: StacCollection, tests: readonly PropertyTest[]): boolean {
  if (tests.length === 0) return true;
  const item = asItem(collection);
  return tests.every((test) => test(item));
}

function placeTest(bbox: readonly number[]): (collection: StacCollection) => boolean {
  const intersects = intersectionTest(boxGeometry(flatBox(bbox)));
  return (collection) => boxesOf(collection).some((box) => intersects(boxGeometry(box)));
}

function isAt({ extent }: StacCollection, [start, end]: readonly [string | null, string | null]): boolean {
  const [whole, ...parts] = extent.temporal.interval;
  return (parts.length > 0 ? parts : [whole!]).some(([first, last]) =>
    (start === null || last === null || Date.parse(last) >= Date.parse(start)) && (end === null || first === null || Date.parse(first) <= Date.parse(end)));
}

function says({ id, title, description, keywords }: StacCollection, words: readonly string[]): boolean {
  const texts = [id, title ?? '', description, ...(keywords ?? [])].map((text) => text.toLowerCase());
  return words.some((word) => texts.some((text) => text.includes(word)));
}

function sorted(collections: readonly StacCollection[], fields: readonly SortField[]): StacCollection[] {
  const rows = collections.map((collection) => ({ collection, item: asItem(collection) }));
  return rows.sort((a, b) => compare(a.item, b.item, fields)).map(({ collection }) => collection);
}

function compare(a: FilteredItem, b: FilteredItem, fields: readonly SortField[]): number {
  for (const { property, direction } of fields) {
    const [left, right] = [sortedValue(a, property), sortedValue(b, property)];
    if (left === right) continue;
    // What is absent comes last in both directions.
    if (left === null || right === null) return left === null ? 1 : -1;
    const order = typeof left === typeof right ? Number(left > right) - Number(left < right) : typeof left === 'number' ? -1 : 1;
    if (order !== 0) return direction === 'desc' ? -order : order;
  }
  return a.id < b.id ? -1 : 1;
}

/** A number or a text; null where there is none. */
function sortedValue(item: FilteredItem, property: string): number | string | null {
  const value = propertyOf(item, property);
  return value === null || typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value);
}
