/** Relations between geometries by the OGC's Simple Features (JSTS), and buffers. */
import type JstsGeometry from 'jsts/org/locationtech/jts/geom/Geometry.js';
import GeometryFactory from 'jsts/org/locationtech/jts/geom/GeometryFactory.js';
import GeoJSONReader from 'jsts/org/locationtech/jts/io/GeoJSONReader.js';
import GeoJSONWriter from 'jsts/org/locationtech/jts/io/GeoJSONWriter.js';
import BufferOp from 'jsts/org/locationtech/jts/operation/buffer/BufferOp.js';
import RelateOp from 'jsts/org/locationtech/jts/operation/relate/RelateOp.js';
import UnaryUnionOp from 'jsts/org/locationtech/jts/operation/union/UnaryUnionOp.js';
import IsValidOp from 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js';
import { EMPTY_GEOMETRY, isEmptyGeometry } from './geojson.ts';
import { boxOf, GeometryError, type Box, type Geometry } from './geometry.ts';

export const relations = ['intersects', 'disjoint', 'equals', 'touches', 'crosses', 'overlaps', 'contains', 'within'] as const;
export type Relation = (typeof relations)[number];

const factory = new GeometryFactory();
const reader = new GeoJSONReader(factory);
const writer = new GeoJSONWriter();

/**
 * Tests whether a geometry stands in a relation to the union of others ('within': it lies within the union).
 * Empty geometries stand in none. Throws GeometryError for a geometry that is not valid, such as a polygon
 * that crosses itself.
 */
export function relationTest(relation: Relation, bases: readonly Geometry[]): (candidate: Geometry) => boolean {
  const filled = bases.filter((base) => !isEmptyGeometry(base));
  if (filled.length === 0) return (candidate) => relation === 'disjoint' && !isEmptyGeometry(candidate);
  const base = unionOf(filled.map(valid));
  const boxes = filled.map(boxOf);
  return (candidate) => {
    if (isEmptyGeometry(candidate)) return false;
    const box = boxOf(candidate);
    // Far from all of them no more is to be asked, which is the case for most geometries.
    if (!boxes.some((other) => boxesMeet(box, other))) return relation === 'disjoint';
    return relate(relation, valid(candidate), base);
  };
}

const boxesMeet = (a: Box, b: Box) => a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];

function relate(relation: Relation, candidate: JstsGeometry, base: JstsGeometry): boolean {
  switch (relation) {
    case 'equals': return RelateOp.equalsTopo(candidate, base);
    case 'within': return RelateOp.contains(base, candidate);
    case 'intersects':
    case 'disjoint':
    case 'touches':
    case 'crosses':
    case 'overlaps':
    case 'contains': return RelateOp[relation](candidate, base);
  }
}

/** All places of several geometries as one. Throws GeometryError for a geometry that is not valid. */
export function unionGeometry(geometries: readonly Geometry[]): Geometry {
  return writer.write(unionOf(geometries.map(valid))) as Geometry;
}

function unionOf(geometries: readonly JstsGeometry[]): JstsGeometry {
  return geometries.length === 1 ? geometries[0]! : (UnaryUnionOp.union(factory.createGeometryCollection([...geometries])) as JstsGeometry);
}

function valid(geometry: Geometry): JstsGeometry {
  const read = reader.read(geometry) as JstsGeometry;
  const check = new IsValidOp(read);
  if (check.isValid()) return read;
  throw new GeometryError(`a geometry is not valid: ${String(check.getValidationError().getMessage()).toLowerCase()}`);
}

/** Segments of a quarter of a circle. */
const QUADRANT_SEGMENTS = 16;

/**
 * The area within a distance of a geometry, in the units of its coordinates; with a negative distance the
 * part of a polygon that is farther than that from its border. Throws GeometryError for a geometry that is not valid.
 */
export function bufferOf(geometry: Geometry, distance: number): Geometry {
  if (isEmptyGeometry(geometry)) return geometry;
  const buffered = writer.write(BufferOp.bufferOp(valid(geometry), distance, QUADRANT_SEGMENTS) as JstsGeometry) as Geometry;
  return isEmptyGeometry(buffered) ? EMPTY_GEOMETRY : buffered;
}
