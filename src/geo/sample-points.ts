/** Points sampled from geometries, at random or at regular distances. Coordinates are those of the geometry. */
import { isEmptyGeometry } from './geojson.ts';
import { boxOf, GeometryError, positionsOf, type Geometry, type Position } from './geometry.ts';
import { crossingsAt, isInside, lineLength, pointAlong, polygonArea } from './measure.ts';

export type Point = readonly [number, number];
/** Numbers of 0 ≤ n < 1. */
export type Random = () => number;

type Polygon = readonly (readonly Position[])[];

/** Throws away of points that miss a narrow polygon; then a line across it is taken. */
const TRIES = 200;
const MOST_POINTS = 1_000_000;

/** A repeatable sequence of numbers (mulberry32 by T. Ettinger, public domain). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * At most `count` different points of the geometry, evenly distributed over its area, its length, or its points;
 * none of an empty one. Points are fewer where a geometry has no more.
 */
export function randomPoints(geometry: Geometry, count: number, random: Random): Point[] {
  if (isEmptyGeometry(geometry)) return [];
  const { polygons, lines, points } = partsOf(geometry);
  if (polygons.length > 0) return distinct(count, randomOf(polygons, polygonArea, random, (polygon) => pointIn(polygon, random)));
  if (lines.length > 0) return distinct(count, randomOf(lines, lineLength, random, (line) => pointAlong(line, random() * lineLength(line))));
  return drawn(points, count, random);
}

/** Points at regular distances; see vector_to_regular_points. Throws GeometryError when they are too many. */
export function regularPoints(geometry: Geometry, distance: number): Point[] {
  if (isEmptyGeometry(geometry)) return [];
  const { polygons, lines, points } = partsOf(geometry);
  const found = [...polygons.flatMap((polygon) => latticePoints(polygon, distance)), ...lines.flatMap((line) => pointsAlong(line, distance)), ...points];
  return found.length > 0 ? found : [positionsOf(geometry)[0] as unknown as Point];
}

function partsOf({ type, coordinates, geometries = [] }: Geometry): { polygons: Polygon[]; lines: Position[][]; points: Point[] } {
  const members = geometries.map(partsOf);
  const isMany = type.startsWith('Multi');
  const own = <T>(kind: string): T[] => (type.endsWith(kind) ? (isMany ? coordinates as T[] : [coordinates as T]) : []);
  return {
    polygons: [...own<Polygon>('Polygon'), ...members.flatMap((m) => m.polygons)],
    lines: [...own<Position[]>('LineString'), ...members.flatMap((m) => m.lines)],
    points: [...own<Point>('Point'), ...members.flatMap((m) => m.points)],
  };
}

/** A function that picks a part by its weight, and a point of it. */
function randomOf<T>(parts: readonly T[], weightOf: (part: T) => number, random: Random, pick: (part: T) => Point): () => Point {
  const weights = parts.map(weightOf);
  const total = weights.reduce((a, b) => a + b, 0);
  return () => {
    let left = random() * total;
    const at = weights.findIndex((weight) => (left -= weight) < 0);
    return pick(parts[at < 0 ? parts.length - 1 : at]!);
  };
}

function pointIn(polygon: Polygon, random: Random): Point {
  const [west, south, east, north] = boxOf({ type: 'Polygon', coordinates: polygon });
  for (let i = 0; i < TRIES; i++) {
    const [x, y] = [west + random() * (east - west), south + random() * (north - south)];
    if (isInside(polygon, x, y)) return [x, y];
  }
  for (let i = 0; i < TRIES; i++) {
    const y = south + random() * (north - south);
    const xs = crossingsAt(polygon, y);
    if (xs.length >= 2) return [xs[0]! + random() * (xs[1]! - xs[0]!), y];
  }
  // A polygon without area.
  return polygon[0]![0] as unknown as Point;
}

function distinct(count: number, next: () => Point): Point[] {
  const found = new Map<string, Point>();
  for (let tries = 0; found.size < count && tries < count * 2 + TRIES; tries++) {
    const point = next();
    found.set(point.join(' '), point);
  }
  return [...found.values()];
}

function drawn(points: readonly Point[], count: number, random: Random): Point[] {
  const left = [...points];
  const out: Point[] = [];
  while (out.length < count && left.length > 0) out.push(left.splice(Math.floor(random() * left.length), 1)[0]!);
  return out;
}

/** Centres of cells of a lattice from the upper left of the polygon's box that lie in the polygon. */
function latticePoints(polygon: Polygon, distance: number): Point[] {
  const [west, south, east, north] = boxOf({ type: 'Polygon', coordinates: polygon });
  const [columns, rows] = [Math.ceil((east - west) / distance), Math.ceil((north - south) / distance)];
  if (columns * rows > MOST_POINTS) throw new GeometryError(`a distance of ${distance} makes more than ${MOST_POINTS} points in one polygon`);
  const out: Point[] = [];
  for (let row = 0; row < rows; row++) {
    const y = north - (row + 0.5) * distance;
    const xs = crossingsAt(polygon, y);
    for (let column = 0; column < columns; column++) {
      const x = west + (column + 0.5) * distance;
      if (xs.filter((crossing) => crossing <= x).length % 2 === 1) out.push([x, y]);
    }
  }
  return out;
}

/** The first position of a line, and a point after every `distance` along it. */
function pointsAlong(line: readonly Position[], distance: number): Point[] {
  const length = lineLength(line);
  if (length / distance > MOST_POINTS) throw new GeometryError(`a distance of ${distance} makes more than ${MOST_POINTS} points on one line`);
  return Array.from({ length: Math.floor(length / distance + 1e-9) + 1 }, (_, i) => pointAlong(line, i * distance));
}
