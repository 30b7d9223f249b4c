/** The raster lattice that points or squares of a table lie on, found from where their centres are. */
import { transformer, utmCrs, WGS84 } from '../../geo/crs.ts';
import type { Grid } from '../../geo/grid.ts';

export interface CellLattice {
  readonly grid: Grid;
  /** Cell of every row of the table: row · width + column. */
  readonly cells: Int32Array;
}

export type Point = readonly [number, number];

/** Centres may lie this far from those of their cells, in cells: coordinates in tables are rounded. */
const TOLERANCE = 0.02;
/** A lattice with fewer rows than one per so many cells is a coincidence of scattered points. */
const SPARSEST = 20;

/**
 * The lattice of centres given in `crs`. Degrees are taken to the UTM zone that they lie in, or one beside
 * it: a tile keeps its zone beyond the border. A text says why there is none.
 */
export function cellLattice(centres: readonly Point[], crs: string): CellLattice | string {
  if (centres.length < 4) return 'it has fewer than four rows, which tell no grid';
  let reason = '';
  for (const candidate of candidates(centres, crs)) {
    const found = latticeIn(centres, crs, candidate);
    if (typeof found !== 'string') return found;
    reason ||= found;
  }
  return reason;
}

function candidates(centres: readonly Point[], crs: string): string[] {
  if (crs !== WGS84) return [crs];
  const [longitude, latitude] = [0, 1].map((axis) => centres.reduce((sum, point) => sum + point[axis]!, 0) / centres.length) as [number, number];
  return [0, -6, 6].map((shift) => utmCrs(longitude + shift, latitude));
}

function latticeIn(centres: readonly Point[], from: string, crs: string): CellLattice | string {
  const forward = transformer(from, crs);
  const points = centres.map(([x, y]) => forward(x, y));
  const axes = [0, 1].map((axis) => axisOf(Float64Array.from(points, (point) => point[axis]!)));
  const [x, y] = axes;
  if (!x || !y) return `its rows lie on no regular grid in ${crs}: their centres are not evenly spaced`;
  const [width, height] = [x.count, y.count];
  if (width * height > SPARSEST * centres.length) return 'its rows are too sparse for a grid';
  const grid: Grid = { crs, stepX: x.step, stepY: y.step, originX: x.first - x.step / 2, originY: y.first + (height - 0.5) * y.step, width, height };
  const cells = new Int32Array(centres.length);
  const taken = new Uint8Array(width * height);
  for (const [i, [px, py]] of points.entries()) {
    const cell = (height - 1 - Math.round((py - y.first) / y.step)) * width + Math.round((px - x.first) / x.step);
    if (taken[cell]) return 'several of its rows lie in one cell';
    taken[cell] = 1;
    cells[i] = cell;
  }
  return { grid, cells };
}

interface Axis {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/** The even spacing of coordinates; undefined when there is none. */
function axisOf(values: Float64Array): Axis | undefined {
  if (!values.every(Number.isFinite)) return undefined;
  const sorted = values.slice().sort();
  const [low, high] = [sorted[0]!, sorted.at(-1)!];
  // Coordinates of one column differ by rounding only, those of neighbours by a step: about extent / √rows.
  const smallest = ((high - low) / Math.sqrt(values.length)) * 0.1;
  let step = Infinity;
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i]! - sorted[i - 1]!;
    if (gap > smallest && gap < step) step = gap;
  }
  if (!Number.isFinite(step)) return undefined;
  const count = Math.round((high - low) / step) + 1;
  const exact = tidy((high - low) / (count - 1));
  const first = low + meanShift(values, low, exact);
  const isEven = values.every((value) => Math.abs((value - first) / exact - Math.round((value - first) / exact)) <= TOLERANCE);
  return isEven ? { first: Math.round(first * 1000) / 1000, step: exact, count } : undefined;
}

/** A step that misses a whole number by rounding is that number. */
function tidy(step: number): number {
  const whole = Math.round(step);
  return whole > 0 && Math.abs(step - whole) < whole * 1e-4 ? whole : step;
}

/** How far the coordinates lie from multiples of the step above `low`, on average. */
function meanShift(values: Float64Array, low: number, step: number): number {
  let sum = 0;
  for (const value of values) sum += value - low - Math.round((value - low) / step) * step;
  return sum / values.length;
}
