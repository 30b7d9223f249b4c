/** The outline of a grid on the globe: GeoJSON in WGS 84, cut at the antimeridian where it crosses it. */
import { isGeographic, transformer, WGS84 } from './crs.ts';
import type { Geometry } from './geometry.ts';
import { gridBounds, type Grid } from './grid.ts';

export interface Footprint {
  readonly geometry: Geometry;
  /** [west, south, east, north]; west is greater than east where the antimeridian is crossed. */
  readonly bbox: readonly [number, number, number, number];
}

type Point = readonly [number, number];

/** An edge is straight in its own CRS and a curve on the globe: so many points follow it, */
const POINTS_PER_EDGE = 8;
/** unless the curve bends less than this many degrees (about one metre). */
const STRAIGHT_ENOUGH = 1e-5;

/** null when the grid has no place on the globe (coordinates outside the CRS's domain). */
export function footprint(grid: Grid): Footprint | null {
  const ring = isGeographic(grid.crs) ? outline(grid, 1) : unwrap(outline(grid, isStraight(grid) ? 1 : POINTS_PER_EDGE));
  if (ring.some(([x, y]) => !Number.isFinite(x) || !Number.isFinite(y) || Math.abs(y) > 90.000001 || Math.abs(x) > 720)) return null;
  const ys = ring.map((p) => p[1]);
  const turn = ring.at(-1)![0] - ring[0]![0];
  // A ring that goes once round the globe encloses a pole.
  if (Math.abs(turn) > 180) return aroundTheGlobe(ys[0]! > 0 ? [Math.min(...ys), 90] : [-90, Math.max(...ys)]);
  const xs = ring.map((p) => p[0]);
  if (Math.max(...xs) - Math.min(...xs) > 359.999) return aroundTheGlobe([Math.min(...ys), Math.max(...ys)]);
  return fromRing(ring);
}

/** Counter-clockwise from the south-west corner, closed. */
function outline(grid: Grid, steps: number): Point[] {
  const { west, south, east, north } = gridBounds(grid);
  const forward = transformer(grid.crs, WGS84);
  const corners: Point[] = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  const points: Point[] = [];
  for (let edge = 0; edge < 4; edge++) {
    const [from, to] = [corners[edge]!, corners[edge + 1]!];
    for (let i = 0; i < steps; i++) points.push(forward(from[0] + ((to[0] - from[0]) * i) / steps, from[1] + ((to[1] - from[1]) * i) / steps));
  }
  return [...points, points[0]!].map(([x, y]) => [round(x), round(y)]);
}

function isStraight(grid: Grid): boolean {
  const points = outline(grid, 2);
  return [0, 2, 4, 6].every((i) => {
    const [from, middle, to] = [points[i]!, points[i + 1]!, points[i + 2]!];
    return Math.hypot((from[0] + to[0]) / 2 - middle[0], (from[1] + to[1]) / 2 - middle[1]) < STRAIGHT_ENOUGH;
  });
}

/** Longitudes without jumps: they go on beyond ±180 instead of starting at the other end. */
function unwrap(ring: readonly Point[]): Point[] {
  let before = ring[0]![0];
  return ring.map(([x, y]): Point => {
    before = round(x - 360 * Math.round((x - before) / 360));
    return [before, y];
  });
}

function fromRing(ring: readonly Point[]): Footprint {
  const xs = ring.map((p) => p[0]);
  const [west, east] = [Math.min(...xs), Math.max(...xs)];
  const [south, north] = [Math.min(...ring.map((p) => p[1])), Math.max(...ring.map((p) => p[1]))];
  if (west >= -180 && east <= 180) return { geometry: { type: 'Polygon', coordinates: [ring] }, bbox: [west, south, east, north] };
  const turned = west < -180 ? ring.map(([x, y]): Point => [x + 360, y]) : ring;
  const near = clip(turned, (x) => x <= 180);
  const far = clip(turned, (x) => x >= 180).map(([x, y]): Point => [round(x - 360), y]);
  // A raster that only touches the line from beyond lies wholly on the other side.
  const pieces = [near, far].filter((piece) => piece.length >= 4);
  if (pieces.length === 1) return fromRing(pieces[0]!);
  return { geometry: { type: 'MultiPolygon', coordinates: pieces.map((piece) => [piece]) }, bbox: [west < -180 ? round(west + 360) : west, south, round(east > 180 ? east - 360 : east), north] };
}

/** The part of a ring on one side of the 180° line (Sutherland and Hodgman 1974), closed. */
function clip(ring: readonly Point[], isInside: (x: number) => boolean): Point[] {
  const out: Point[] = [];
  for (let i = 0; i + 1 < ring.length; i++) {
    const [a, b] = [ring[i]!, ring[i + 1]!];
    if (isInside(a[0])) out.push(a);
    if (a[0] !== 180 && b[0] !== 180 && (a[0] < 180) !== (b[0] < 180)) out.push([180, round(a[1] + ((b[1] - a[1]) * (180 - a[0])) / (b[0] - a[0]))]);
  }
  return out.length === 0 ? [] : [...out, out[0]!];
}

function aroundTheGlobe([south, north]: readonly [number, number]): Footprint {
  const coordinates = [[[-180, south], [180, south], [180, north], [-180, north], [-180, south]]];
  return { geometry: { type: 'Polygon', coordinates }, bbox: [-180, south, 180, north] };
}

/** A tenth of a millimetre on the ground; more digits would only pretend. */
const round = (degrees: number) => Math.round(degrees * 1e9) / 1e9;
