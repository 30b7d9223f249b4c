/** Where many geometries lie on the globe, in one simple shape. */
import ConvexHull from 'jsts/org/locationtech/jts/algorithm/ConvexHull.js';
import type JstsGeometry from 'jsts/org/locationtech/jts/geom/Geometry.js';
import GeometryFactory from 'jsts/org/locationtech/jts/geom/GeometryFactory.js';
import GeoJSONReader from 'jsts/org/locationtech/jts/io/GeoJSONReader.js';
import GeoJSONWriter from 'jsts/org/locationtech/jts/io/GeoJSONWriter.js';
import type { Footprint } from './footprint.ts';
import { boxOf, positionsOf, type Geometry } from './geometry.ts';
import { inDegrees } from './reproject.ts';

const reader = new GeoJSONReader(new GeometryFactory());
const writer = new GeoJSONWriter();

/** A single geometry with more positions is shown by its hull. */
const MOST_POSITIONS = 500;

/**
 * The box and the outline of geometries in longitude and latitude: the geometry itself when it is one, else
 * the convex hull of all. null when none has a place.
 */
export function outlineOf(shapes: readonly Geometry[], crs: string): Footprint | null {
  const placed = shapes.map((shape) => inDegrees(shape, crs)).filter((shape) => shape !== null);
  const positions = placed.flatMap(positionsOf);
  if (positions.length === 0) return null;
  const all: Geometry = { type: 'MultiPoint', coordinates: positions };
  return { bbox: boxOf(all), geometry: placed.length === 1 && positions.length <= MOST_POSITIONS ? placed[0]! : hullOf(all) };
}

function hullOf(points: Geometry): Geometry {
  return writer.write(new ConvexHull(reader.read(points) as JstsGeometry).getConvexHull() as JstsGeometry) as Geometry;
}
