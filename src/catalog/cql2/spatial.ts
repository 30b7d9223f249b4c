/** The spatial relations of the standard between geometries in longitude and latitude. */
import { boxGeometry, boxOf, GeometryError, intersectionTest, turnsOf, type Box, type Geometry } from '../../geo/geometry.ts';
import { relationTest, type Relation } from '../../geo/relations.ts';
import { withoutHeights } from '../../geo/bbox.ts';
import type { SpatialRelation } from './operations.ts';
import type { BoxLiteral, GeometryLiteral } from './tree.ts';

/** The geometry that a literal stands for; a box across the antimeridian reaches beyond 180. */
export function geometryOf(literal: GeometryLiteral | BoxLiteral): Geometry {
  if (literal.kind === 'geometry') return literal.geometry;
  const [west, south, east, north] = withoutHeights(literal.bbox);
  return boxGeometry([west, south, east < west ? east + 360 : east, north]);
}

const mirrored: Readonly<Partial<Record<SpatialRelation, SpatialRelation>>> = { s_contains: 's_within', s_within: 's_contains' };

/** The relation that holds between b and a where this one holds between a and b. */
export const mirrorOf = (relation: SpatialRelation): SpatialRelation => mirrored[relation] ?? relation;

/**
 * Tests whether geometries stand in a relation to one. null (unknown) for a geometry that is not valid, which
 * some items have.
 */
export function spatialTest(relation: SpatialRelation, base: Geometry): (candidate: Geometry) => boolean | null {
  // Longitudes beyond ±180 are the same places a turn away.
  const test = quiet(() => testOf(relation, base));
  return (candidate) => (test === null ? null : quiet(() => test(candidate)));
}

function testOf(relation: SpatialRelation, base: Geometry): (candidate: Geometry) => boolean {
  if (relation === 's_intersects') return intersectionTest(base);
  if (relation === 's_disjoint') {
    const intersects = intersectionTest(base);
    return (candidate) => !intersects(candidate);
  }
  const name = relation.slice(2) as Relation;
  // Something lies within the union of all turns; for the other relations any single turn will do.
  if (relation === 's_within') return relationTest(name, turnsOf(base));
  const tests = turnsOf(base).map((turn) => ({ box: boxOf(turn), test: relationTest(name, [turn]) }));
  const mustCover = relation === 's_equals' || relation === 's_contains';
  // Comparing boxes is a thousand times cheaper than comparing geometries.
  return (candidate) => tests.some(({ box, test }) => (!mustCover || covers(boxOf(candidate), box)) && test(candidate));
}

const covers = (outer: Box, inner: Box) => outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3];

function quiet<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof GeometryError) return null;
    throw error;
  }
}
