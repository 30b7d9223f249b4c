/** What boxes can't decide about an item: geometries, heights, and filters that ask for them. */
import { boxGeometry, boxOf, intersectionTest, positionsOf, turnsOf, type Box, type Geometry } from '../geo/geometry.ts';
import { filterTest } from './cql2/evaluate.ts';
import { needsTest } from './cql2/sql.ts';
import { flatBox } from './item-conditions.ts';
import type { ItemQuery } from './item-query.ts';
import type { StacItem } from './types.ts';

export type ItemTest = (item: StacItem) => boolean;

/** A test that looks at nothing of an item but its geometry and its box without heights. */
export type ShapeTest = (item: Pick<StacItem, 'geometry' | 'bbox'>) => boolean;

type Searched = Omit<ItemQuery, 'limit'>;

/** What the boxes can't decide; null when there is nothing of the kind. */
export function exactTest(query: Searched): ItemTest | null {
  const tests: ItemTest[] = shapeTests(query);
  if (query.bbox?.length === 6) tests.push(heightTest(query.bbox[2]!, query.bbox[5]!));
  if (query.filter && needsTest(query.filter)) tests.push(filterTest(query.filter));
  return tests.length === 0 ? null : (item) => tests.every((test) => test(item));
}

/** The same where the shape of an item is enough to decide; null where it is not, or where there is nothing to decide. */
export function shapeTest(query: Searched): ShapeTest | null {
  const tests = shapeTests(query);
  const asksMore = query.bbox?.length === 6 || (query.filter && needsTest(query.filter));
  return tests.length === 0 || asksMore ? null : (item) => tests.every((test) => test(item));
}

function shapeTests({ intersects, bbox }: Searched): ShapeTest[] {
  return [...(intersects ? [geometryTest(intersects)] : []), ...(bbox ? [geometryTest(boxGeometry(flatBox(bbox)))] : [])];
}

function geometryTest(geometry: Geometry): ShapeTest {
  const intersects = intersectionTest(geometry);
  const boxes = geometry.type === 'Polygon' && isBox(geometry) ? turnsOf(geometry).map(boxOf) : [];
  return (item) => {
    if (item.geometry === null) return false;
    // Most items of a search lie wholly inside its box, or have a corner there: no need to ask JSTS.
    const own = flatBox(item.bbox);
    if (boxes.some((box) => isWithin(box, own[0], own[1]) && isWithin(box, own[2], own[3]))) return true;
    const other = item.geometry as Geometry;
    return (boxes.length > 0 && positionsOf(other).some(([x, y]) => boxes.some((box) => isWithin(box, x!, y!)))) || intersects(other);
  };
}

const isWithin = ([west, south, east, north]: Box, x: number, y: number) => x >= west && x <= east && y >= south && y <= north;

function isBox(geometry: Geometry): boolean {
  return JSON.stringify(boxGeometry(boxOf(geometry)).coordinates) === JSON.stringify(geometry.coordinates);
}

/** Items without heights are everywhere. */
function heightTest(lowest: number, highest: number): ItemTest {
  return ({ bbox }) => bbox.length !== 6 || (bbox[5]! >= lowest && bbox[2]! <= highest);
}
