/** Geometries in the coordinates of a grid's cells: reprojected along their edges, cut off far outside of the grid. */
import { clipLine, clipRing } from './clip.ts';
import { isGeographic, transformer } from './crs.ts';
import { isEmptyGeometry } from './geojson.ts';
import { boxOf, type Box, type Geometry, type Position } from './geometry.ts';
import type { Grid } from './grid.ts';
import type { Path } from './scanline.ts';

/** A geometry as cells see it. */
export interface CellShape {
  /** Rings of each polygon. */
  readonly polygons: readonly (readonly Path[])[];
  readonly lines: readonly Path[];
  readonly points: readonly (readonly [number, number])[];
}

/** Cells around the grid in which geometries are kept: halos are read there. */
const MARGIN = 1024;
/** An edge is straight in its own system: points are put in until it is followed to this share of a cell, */
const TOLERANCE = 1e-3;
/** in at most two to the power of so many pieces. */
const DEEPEST = 14;
/** Lattice of points that tell where in another system the grid lies. */
const SAMPLES = 20;

/** A function that makes cell shapes of geometries in `crs`. */
export function cellShaper(crs: string, grid: Grid): (geometry: Geometry) => CellShape {
  const limits = limitsIn(crs, grid);
  const follow = edgeFollower(crs, grid);
  const turns = isGeographic(grid.crs) ? [0, -360 / grid.stepX, 360 / grid.stepX] : [0];
  return (geometry) => {
    const parts = partsOf(geometry);
    const isInside = limits === null || isEmptyGeometry(geometry) || contains(limits, boxOf(geometry));
    const ringsOf = (rings: readonly Position[][]) => rings.map((ring) => follow(isInside ? ring : clipRing(ring, limits!))).filter((path) => path.length >= 8);
    const polygons = parts.polygons.map(ringsOf).filter((rings) => rings.length > 0);
    const lines = parts.lines.flatMap((line) => (isInside ? [line] : clipLine(line, limits!))).map(follow).filter((path) => path.length >= 4);
    const points = parts.points.map((point) => follow([point])).filter((path) => path.length === 2);
    // A turn away it is the same place, which counts where the grid goes on beyond ±180°.
    const isHere = (turn: number) => (path: Path) => turn === 0 || reaches(path, grid);
    return {
      polygons: turns.flatMap((turn) => polygons.map((rings) => rings.map((ring) => moved(ring, turn))).filter((rings) => rings.some(isHere(turn)))),
      lines: turns.flatMap((turn) => lines.map((line) => moved(line, turn)).filter(isHere(turn))),
      points: turns.flatMap((turn) => points.map((path) => moved(path, turn)).filter(isHere(turn)).map((path): [number, number] => [path[0]!, path[1]!])),
    };
  };
}

function partsOf({ type, coordinates, geometries }: Geometry): { polygons: Position[][][]; lines: Position[][]; points: Position[] } {
  const parts = { polygons: [] as Position[][][], lines: [] as Position[][], points: [] as Position[] };
  for (const member of (geometries ?? []).map(partsOf)) {
    parts.polygons.push(...member.polygons);
    parts.lines.push(...member.lines);
    parts.points.push(...member.points);
  }
  switch (type) {
    case 'Polygon': parts.polygons.push(coordinates as Position[][]); break;
    case 'MultiPolygon': parts.polygons.push(...(coordinates as Position[][][])); break;
    case 'LineString': parts.lines.push(coordinates as Position[]); break;
    case 'MultiLineString': parts.lines.push(...(coordinates as Position[][])); break;
    case 'Point': parts.points.push(coordinates as Position); break;
    case 'MultiPoint': parts.points.push(...(coordinates as Position[])); break;
  }
  return parts;
}

const contains = (outer: Box, inner: Box) => inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3];

/** The box in `crs` around the grid and its margin; null where the system has no place for it. */
function limitsIn(crs: string, grid: Grid): Box | null {
  const back = transformer(grid.crs, crs);
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i <= SAMPLES; i++) {
    for (let j = 0; j <= SAMPLES; j++) {
      const column = -MARGIN + ((grid.width + 2 * MARGIN) * i) / SAMPLES;
      const row = -MARGIN + ((grid.height + 2 * MARGIN) * j) / SAMPLES;
      const [x, y] = back(grid.originX + column * grid.stepX, grid.originY - row * grid.stepY);
      // A margin that leaves the domain of a system tells nothing of where the grid ends.
      if (Number.isNaN(x)) return null;
      [west, south, east, north] = [Math.min(west, x), Math.min(south, y), Math.max(east, x), Math.max(north, y)];
    }
  }
  // Longitudes say little around poles and the antimeridian.
  if (isGeographic(crs) && (east - west > 180 || Math.max(-south, north) > 85)) return null;
  const [dx, dy] = [(east - west) / 10, (north - south) / 10];
  return [west - dx, south - dy, east + dx, north + dy];
}

/** Takes positions to cells and puts points in where edges bend on the way. Positions without an image are left out. */
function edgeFollower(crs: string, grid: Grid): (line: readonly Position[]) => Path {
  const forward = transformer(crs, grid.crs);
  const image = (x: number, y: number): [number, number] => {
    const [px, py] = forward(x, y);
    return [(px - grid.originX) / grid.stepX, (grid.originY - py) / grid.stepY];
  };
  const isStraight = crs === grid.crs;
  const turn = isGeographic(grid.crs) && !isStraight ? 360 / grid.stepX : 0;
  return (line) => {
    const out: number[] = [];
    for (const [i, [x, y]] of line.entries()) {
      const point = image(x!, y!);
      if (Number.isNaN(point[0]) || Number.isNaN(point[1])) continue;
      if (turn > 0 && out.length > 0) point[0] -= turn * Math.round((point[0] - out.at(-2)!) / turn);
      const before = line[i - 1];
      if (!isStraight && before && out.length > 0) bend(image, [before, [x!, y!]], [[out.at(-2)!, out.at(-1)!], point], out, turn, 0);
      out.push(point[0], point[1]);
    }
    return Float64Array.from(out);
  };
}

type Pair<T> = readonly [T, T];

/** Appends the points between the ends of an edge that its image needs. */
function bend(image: (x: number, y: number) => [number, number], edge: Pair<Position>, ends: Pair<readonly [number, number]>, out: number[], turn: number, depth: number): void {
  const [[ax, ay], [bx, by]] = ends;
  if (depth === DEEPEST || Math.hypot(bx - ax, by - ay) < 1) return;
  const on = (share: number): Position => edge[0].map((v, k) => v + (edge[1][k]! - v) * share);
  const missAt = (share: number): readonly [number, number, number] => {
    const [x, y] = image(...(on(share) as [number, number]));
    const near = turn > 0 ? x - turn * Math.round((x - ax) / turn) : x;
    return [near, y, Math.hypot(near - (ax + (bx - ax) * share), y - (ay + (by - ay) * share))];
  };
  const [x, y, miss] = missAt(0.5);
  // A quarter tells of edges that bend one way and then the other.
  if (Number.isNaN(miss) || (miss <= TOLERANCE && !(missAt(0.25)[2] > TOLERANCE))) return;
  const middle = on(0.5);
  bend(image, [edge[0], middle], [ends[0], [x, y]], out, turn, depth + 1);
  out.push(x, y);
  bend(image, [middle, edge[1]], [[x, y], ends[1]], out, turn, depth + 1);
}

function moved(path: Path, columns: number): Path {
  return columns === 0 ? path : path.map((value, i) => (i % 2 === 0 ? value + columns : value));
}

function reaches(path: Path, grid: Grid): boolean {
  let [left, right] = [Infinity, -Infinity];
  for (let i = 0; i < path.length; i += 2) [left, right] = [Math.min(left, path[i]!), Math.max(right, path[i]!)];
  return right >= 0 && left < grid.width;
}
