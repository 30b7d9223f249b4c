/** Which collections a client asks for: those at a place, of a time, with words; and in which order. */
import { boxGeometry, intersectionTest } from '../../geo/geometry.ts';
import { flatBox } from '../../catalog/item-search.ts';
import type { ItemQuery, SortField } from '../../catalog/item-query.ts';
import type { StacCollection } from '../../catalog/types.ts';

export interface CollectionQuery extends Pick<ItemQuery, 'bbox' | 'datetime' | 'sortby'> {
  /** One of these must occur in the title, the description, the keywords or the id, in any case of letters. */
  readonly words?: readonly string[];
}

/** 'forest,"land cover"' as a list of words; [] when there is none. */
export function parseWords(text: string): string[] {
  return (text.match(/"[^"]*"|[^,]+/g) ?? []).map((part) => part.replaceAll('"', '').trim().toLowerCase()).filter((part) => part !== '');
}

/** The collections that meet all conditions, in the order that is asked for. */
export function searchCollections(all: readonly StacCollection[], { bbox, datetime, words, sortby }: CollectionQuery): readonly StacCollection[] {
  const isNear = bbox ? placeTest(bbox) : () => true;
  const found = all.filter((collection) => isNear(collection) && (!datetime || isAt(collection, datetime)) && (!words || says(collection, words)));
  return sortby ? found.toSorted((a, b) => compare(a, b, sortby)) : found;
}

/** Collections say where they are by boxes; the first one is that of everything, the others are more exact. */
function placeTest(bbox: readonly number[]): (collection: StacCollection) => boolean {
  const intersects = intersectionTest(boxGeometry(flatBox(bbox)));
  return ({ extent }) => {
    const [whole, ...parts] = extent.spatial.bbox;
    return (parts.length > 0 ? parts : [whole!]).some((box) => intersects(boxGeometry(flatBox(box))));
  };
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

function compare(a: StacCollection, b: StacCollection, fields: readonly SortField[]): number {
  for (const { property, direction } of fields) {
    const [left, right] = [memberOf(a, property), memberOf(b, property)];
    if (left === right) continue;
    // What is absent comes last in both directions.
    if (left === undefined || right === undefined) return left === undefined ? 1 : -1;
    const order = typeof left === typeof right ? Number(left > right) - Number(left < right) : typeof left === 'number' ? -1 : 1;
    if (order !== 0) return direction === 'desc' ? -order : order;
  }
  return a.id < b.id ? -1 : 1;
}

/** A number or a text; undefined where there is none. */
function memberOf(collection: StacCollection, path: string): number | string | undefined {
  const value = path.split('.').reduce<unknown>((object, name) => (typeof object === 'object' && object !== null && Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined), collection);
  if (typeof value === 'number' || typeof value === 'string') return value;
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}
