/**
 * Collections as filters see them: in the shape of items, as in pgstac. Their members are the properties, their
 * extent is the geometry and the time. Where files lie is no part of it.
 */
import type { FilteredItem } from '../../catalog/cql2/evaluate.ts';
import { flatBox } from '../../catalog/item-search.ts';
import type { StacCollection } from '../../catalog/types.ts';
import { boxGeometry, type Box, type Geometry } from '../../geo/geometry.ts';
import { unionGeometry } from '../../geo/relations.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Members that say nothing about the data, or what only the geometry and the time say. */
const hidden: ReadonlySet<string> = new Set(['type', 'stac_version', 'stac_extensions', 'links', 'assets', 'item_assets', 'extent', 'id']);

/** What every collection has. */
const ofAll: Readonly<Record<string, Schema>> = {
  id: { title: 'Collection id', type: 'string' },
  title: { title: 'Title', type: 'string' },
  description: { title: 'Description', type: 'string' },
  license: { title: 'License', type: 'string' },
  keywords: { title: 'Keywords', type: 'array', items: { type: 'string' } },
  geometry: { title: 'Extent', description: 'GeoJSON geometry in longitude and latitude (WGS 84): the boxes of the extent', $ref: 'https://geojson.org/schema/Geometry.json' },
  datetime: { title: 'Time', description: 'From the beginning to the end of the extent; where it is compared, its beginning', type: 'string', format: 'date-time' },
  start_datetime: { title: 'Beginning', description: 'null where the extent is open', type: 'string', format: 'date-time' },
  end_datetime: { title: 'End', description: 'null where the extent is open', type: 'string', format: 'date-time' },
};

/** Types of the properties that every collection has; others may be named as well. */
export const typesOfAll = { properties: ofAll };

/** Members by which a collection can be found and sorted, and the ends of its time. */
function propertiesOf(collection: StacCollection): FilteredItem['properties'] {
  const [start, end] = intervalOf(collection);
  const members = Object.entries(collection).filter(([name]) => !hidden.has(name));
  return { ...Object.fromEntries(members), datetime: start, start_datetime: start, end_datetime: end };
}

const intervalOf = ({ extent }: StacCollection) => extent.temporal.interval[0] ?? ([null, null] as const);

/** A collection in the shape of an item. `collection` is its id too, so that a filter of items can be asked of collections. */
export function asItem(collection: StacCollection): FilteredItem {
  const { id } = collection;
  return {
    id,
    collection: id,
    interval: intervalOf(collection),
    properties: propertiesOf(collection),
    // Few filters ask for it.
    get geometry() {
      return placeOf(collection) as FilteredItem['geometry'];
    },
  };
}

/** Where a collection is: its first box is that of everything, the others are more exact. */
function placeOf(collection: StacCollection): Geometry {
  return unionGeometry(boxesOf(collection).map(boxGeometry));
}

/** The boxes that say best where a collection is, each between -180 and 180 degrees. */
export function boxesOf({ extent }: Pick<StacCollection, 'extent'>): Box[] {
  const [whole, ...parts] = extent.spatial.bbox;
  return (parts.length > 0 ? parts : [whole!]).flatMap((bbox): Box[] => {
    const [west, south, east, north] = flatBox(bbox);
    return east > 180 ? [[west, south, 180, north], [-180, south, east - 360, north]] : [[west, south, east, north]];
  });
}

/** Every property that one of the collections has, as JSON Schema: what can be filtered by. */
export function collectionProperties(collections: readonly StacCollection[]): Readonly<Record<string, Schema>> {
  const types = new Map<string, Set<string>>();
  for (const collection of collections) {
    for (const [name, value] of leavesOf(propertiesOf(collection))) types.set(name, (types.get(name) ?? new Set()).add(typeName(value)));
  }
  const own = [...types].filter(([name]) => !Object.hasOwn(ofAll, name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...ofAll, ...Object.fromEntries(own.map(([name, found]) => [name, { title: name, type: found.size === 1 ? [...found][0]! : [...found].sort() }])) };
}

/** Members with a value, and of the summaries what can be compared: the ends of ranges and the lists of values. */
function leavesOf(properties: FilteredItem['properties']): [string, unknown][] {
  const { summaries, ...rest } = properties;
  const leaves = Object.entries(summaries ?? {}).flatMap(([name, value]): [string, unknown][] =>
    isRange(value) ? [[`summaries.${name}.minimum`, value.minimum], [`summaries.${name}.maximum`, value.maximum]] : [[`summaries.${name}`, value]]);
  return [...Object.entries(rest), ...leaves].filter(([, value]) => value !== null && value !== undefined);
}

const isRange = (value: unknown): value is { minimum: unknown; maximum: unknown } => typeof value === 'object' && value !== null && 'minimum' in value && 'maximum' in value;

const typeName = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value);
