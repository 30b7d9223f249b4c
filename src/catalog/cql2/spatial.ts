/** The spatial relations of the standard between geometries in longitude and latitude. */
import { boxGeometry, GeometryError, intersectionTest, turnsOf, type Geometry } from '../../geo/geometry.ts';
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
  const tests = (relation === 's_within' ? [turnsOf(base)] : turnsOf(base).map((turn) => [turn])).map((bases) => relationTest(name, bases));
  return (candidate) => tests.some((test) => test(candidate));
}

function quiet<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof GeometryError) return null;
    throw error;
  }
}
