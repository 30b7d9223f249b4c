/** GeoJSON geometries in WGS 84 degrees: reading what clients send, boxes, and the exact intersection test (JSTS). */
import type JstsGeometry from 'jsts/org/locationtech/jts/geom/Geometry.js';
import GeometryFactory from 'jsts/org/locationtech/jts/geom/GeometryFactory.js';
import GeoJSONReader from 'jsts/org/locationtech/jts/io/GeoJSONReader.js';
import RelateOp from 'jsts/org/locationtech/jts/operation/relate/RelateOp.js';
import IsValidOp from 'jsts/org/locationtech/jts/operation/valid/IsValidOp.js';

export type Position = readonly number[];

export interface Geometry {
  readonly type: string;
  readonly coordinates?: unknown;
  readonly geometries?: readonly Geometry[];
}

/** [west, south, east, north]; east may exceed 180 where a geometry crosses the antimeridian. */
export type Box = readonly [number, number, number, number];

/** A geometry that can't be used; the message says why, for the caller who sent it. */
export class GeometryError extends Error {
  override readonly name = 'GeometryError';
}

const reader = new GeoJSONReader(new GeometryFactory());

/** How deep `coordinates` is nested. */
const depths: Readonly<Record<string, number>> = { Point: 0, MultiPoint: 1, LineString: 1, MultiLineString: 2, Polygon: 2, MultiPolygon: 3 };

/** A polygon with more points than that has no business in a search. */
const MAX_POSITIONS = 50_000;

/** Checks a value to be one of the seven GeoJSON geometries, well-formed and valid. Throws GeometryError. */
export function parseGeometry(value: unknown): Geometry {
  const geometry = asGeometry(value, 0);
  if (positionsOf(geometry).length > MAX_POSITIONS) throw new GeometryError(`it has more than ${MAX_POSITIONS} positions`);
  const check = new IsValidOp(read(geometry));
  if (!check.isValid()) throw new GeometryError(`it is not valid: ${String(check.getValidationError().getMessage()).toLowerCase()}`);
  return geometry;
}

function asGeometry(value: unknown, level: number): Geometry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new GeometryError('it is not a GeoJSON geometry object');
  const { type, coordinates, geometries } = value as Partial<Geometry>;
  if (type === 'GeometryCollection') {
    if (!Array.isArray(geometries) || geometries.length === 0) throw new GeometryError('a GeometryCollection needs an array \'geometries\' that is not empty');
    if (level > 5) throw new GeometryError('its GeometryCollections are nested too deep');
    return { type, geometries: geometries.map((member) => asGeometry(member, level + 1)) };
  }
  const depth = typeof type === 'string' ? depths[type] : undefined;
  if (depth === undefined) throw new GeometryError(`'${String(type).slice(0, 40)}' is no GeoJSON geometry type; there are ${Object.keys(depths).join(', ')} and GeometryCollection`);
  checkCoordinates(coordinates, depth, type!);
  return { type: type!, coordinates };
}

function checkCoordinates(value: unknown, depth: number, type: string): void {
  if (!Array.isArray(value) || value.length === 0) throw new GeometryError(`the coordinates of a ${type} must be arrays nested ${depth + 1} deep, none of them empty`);
  if (depth > 0) {
    for (const part of value) checkCoordinates(part, depth - 1, type);
    return;
  }
  const numbers = value as unknown[];
  if (numbers.length < 2 || !numbers.every((n) => typeof n === 'number' && Number.isFinite(n))) throw new GeometryError('a position must be two or three numbers');
  const [x, y] = numbers as [number, number];
  if (Math.abs(x) > 360 || Math.abs(y) > 90) throw new GeometryError(`the position [${x}, ${y}] is not longitude and latitude in degrees`);
}

/** All positions of a geometry, in order. */
export function positionsOf(geometry: Geometry): Position[] {
  const found: Position[] = [];
  const collect = (value: readonly unknown[]): void => {
    if (typeof value[0] === 'number') found.push(value as Position);
    else for (const part of value) collect(part as readonly unknown[]);
  };
  if (geometry.geometries) return geometry.geometries.flatMap(positionsOf);
  collect(geometry.coordinates as readonly unknown[]);
  return found;
}

/** The smallest box around a geometry. */
export function boxOf(geometry: Geometry): Box {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of positionsOf(geometry)) {
    west = Math.min(west, x!);
    south = Math.min(south, y!);
    east = Math.max(east, x!);
    north = Math.max(north, y!);
  }
  return [west, south, east, north];
}

/** The geometry of a box; a Point or LineString where the box has no extent in some direction. */
export function boxGeometry([west, south, east, north]: Box): Geometry {
  if (west === east && south === north) return { type: 'Point', coordinates: [west, south] };
  if (west === east || south === north) return { type: 'LineString', coordinates: [[west, south], [east, north]] };
  return { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] };
}

/** The same geometry `degrees` further east. */
export function shifted(geometry: Geometry, degrees: number): Geometry {
  if (geometry.geometries) return { type: geometry.type, geometries: geometry.geometries.map((member) => shifted(member, degrees)) };
  const move = (value: unknown): unknown => {
    const list = value as unknown[];
    return typeof list[0] === 'number' ? [list[0] + degrees, ...list.slice(1)] : list.map(move);
  };
  return { type: geometry.type, coordinates: move(geometry.coordinates) };
}

/**
 * Tests many geometries against one: true where they share at least a point (borders count). Longitudes
 * beyond ±180 are the same places as those a turn away.
 */
export function intersectionTest(geometry: Geometry): (other: Geometry) => boolean {
  const variants = turnsOf(geometry).map(read);
  return (other) => {
    const target = read(other);
    return variants.some((variant) => RelateOp.intersects(variant, target));
  };
}

/** The geometry, and its copies a turn away where it reaches beyond ±180. */
export function turnsOf(geometry: Geometry): Geometry[] {
  const [west, , east] = boxOf(geometry);
  return [geometry, ...(east > 180 ? [shifted(geometry, -360)] : []), ...(west < -180 ? [shifted(geometry, 360)] : [])];
}

function read(geometry: Geometry): JstsGeometry {
  try {
    return reader.read(geometry) as JstsGeometry;
  } catch (cause) {
    throw new GeometryError(`it is not valid: ${(cause as Error).message.toLowerCase()}`, { cause });
  }
}
