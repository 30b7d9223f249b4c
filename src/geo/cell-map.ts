/**
 * Where the cells of one grid lie in another one.
 *
 * Between grids of one CRS the map is exact and linear. Otherwise the target is divided into squares of SQUARE
 * cells, of which nine points are taken through the projections; a parabola in both directions goes through
 * them. Where that would miss by more than TOLERANCE of a source cell, every point is computed. Squares are
 * counted from the target's first cell, so a cell has the same source position whatever window asks for it.
 */
import { nearestTurn, transformer, worldWidth } from './crs.ts';
import type { CellWindow, Grid } from './grid.ts';

/** Positions in source cells: 0 is the outer edge of the source grid's first cell, 0.5 its centre. */
export interface CellMap {
  /** True when x depends on the column alone and y on the row alone. */
  readonly separable: boolean;
  /** One point of the target (in target cells), computed without interpolation. NaN when it has no image. */
  exact(column: number, row: number): [number, number];
  /** Prepares a window of target cells. */
  over(window: CellWindow): RowMap;
}

/** Fills `xs` and `ys` with the source positions of (column + dx, row + dy) for all columns of the window; dx, dy in 0…1. */
export type RowMap = (row: number, dx: number, dy: number, xs: Float64Array, ys: Float64Array) => void;

const SQUARE = 32;
/** Control points are half a square apart. */
const STEP = SQUARE / 2;
/** In source cells; between UTM zones a hundredth of it stays. */
const TOLERANCE = 1e-6;

/** The map from cells of `target` to cells of `source`. */
export function cellMap(target: Grid, source: Grid): CellMap {
  return target.crs === source.crs ? linearMap(target, source) : projectedMap(target, source);
}

function linearMap(target: Grid, source: Grid): CellMap {
  const stepX = snap(target.stepX / source.stepX, 1);
  const stepY = snap(target.stepY / source.stepY, 1);
  const startX = snap(snap((target.originX - source.originX) / source.stepX, stepX), 1);
  const startY = snap(snap((source.originY - target.originY) / source.stepY, stepY), 1);
  return {
    separable: true,
    exact: (column, row) => [startX + column * stepX, startY + row * stepY],
    over: (window) => (row, dx, dy, xs, ys) => {
      for (let i = 0; i < window.width; i++) xs[i] = startX + (window.x + i + dx) * stepX;
      ys.fill(startY + (row + dy) * stepY, 0, window.width);
    },
  };
}

/** Takes away what floating-point division left: grids that are meant to be aligned are aligned. */
function snap(value: number, unit: number): number {
  const whole = Math.round(value / unit) * unit;
  return Math.abs(value - whole) < 1e-6 * unit ? whole : value;
}

function projectedMap(target: Grid, source: Grid): CellMap {
  const forward = transformer(target.crs, source.crs);
  const back = transformer(source.crs, target.crs);
  const [turn, sourceTurn] = [worldWidth(target.crs), worldWidth(source.crs)];
  const middle = source.originX + (source.width / 2) * source.stepX;
  const exact = (column: number, row: number): [number, number] => {
    const x = target.originX + column * target.stepX;
    const y = target.originY - row * target.stepY;
    const [sx, sy] = forward(x, y);
    // Beyond the antimeridian longitudes begin anew; the source goes on.
    return [(nearestTurn(sx, middle, sourceTurn) - source.originX) / source.stepX, (source.originY - sy) / source.stepY];
  };
  // Projections fold far from where they belong: a point that does not come back has no image.
  const checked = (column: number, row: number): [number, number] => {
    const [px, py] = exact(column, row);
    const [x, y] = back(source.originX + px * source.stepX, source.originY - py * source.stepY);
    const wanted = target.originX + column * target.stepX;
    const missX = Math.abs(nearestTurn(x, wanted, turn) - wanted);
    const missY = Math.abs(y - (target.originY - row * target.stepY));
    return missX <= target.stepX && missY <= target.stepY ? [px, py] : [NaN, NaN];
  };
  return { separable: false, exact: checked, over: (window) => controlled(window, checked) };
}

/** Control points of a window and its squares. */
interface Controls {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  /** Points in a row. */
  readonly columns: number;
  /** Squares in a row and in all. */
  readonly across: number;
  readonly down: number;
  /** The first square. */
  readonly left: number;
  readonly top: number;
}

function controlled(window: CellWindow, exact: CellMap['exact']): RowMap {
  const controls = controlPoints(window, exact);
  const { xs, ys, columns, across, left, top } = controls;
  const smooth = smoothSquares(controls, exact);
  return (row, dx, dy, outX, outY) => {
    const r = Math.floor(row / SQUARE) - top;
    const v = (row - (top + r) * SQUARE + dy) / SQUARE;
    for (let c = 0; c < across; c++) {
      // Columns of the window that lie in this square.
      const first = (left + c) * SQUARE;
      const from = Math.max(0, first - window.x);
      const to = Math.min(window.width, first + SQUARE - window.x);
      if (smooth[r * across + c]) {
        const at = 2 * r * columns + 2 * c;
        interpolate(xs, at, columns, v, outX, from, to, window.x - first + dx);
        interpolate(ys, at, columns, v, outY, from, to, window.x - first + dx);
      } else {
        for (let i = from; i < to; i++) [outX[i], outY[i]] = exact(window.x + i + dx, row + dy) as [number, number];
      }
    }
  };
}

function controlPoints(window: CellWindow, exact: CellMap['exact']): Controls {
  const left = Math.floor(window.x / SQUARE);
  const top = Math.floor(window.y / SQUARE);
  const across = Math.ceil((window.x + window.width) / SQUARE) - left;
  const down = Math.ceil((window.y + window.height) / SQUARE) - top;
  const columns = 2 * across + 1;
  const xs = new Float64Array(columns * (2 * down + 1));
  const ys = new Float64Array(xs.length);
  for (let i = 0; i < xs.length; i++) {
    [xs[i], ys[i]] = exact(left * SQUARE + (i % columns) * STEP, top * SQUARE + Math.floor(i / columns) * STEP) as [number, number];
  }
  return { xs, ys, columns, across, down, left, top };
}

/** The parabola through values at 0, ½ and 1. */
function parabola(start: number, middle: number, end: number, at: number): number {
  const slope = 4 * middle - 3 * start - end;
  const bend = 2 * (start + end) - 4 * middle;
  return start + (slope + bend * at) * at;
}

/** One of the three columns of points of the square whose first point is `at`, at the height `v` (0…1). */
function alongColumn(values: Float64Array, at: number, columns: number, v: number): number {
  return parabola(values[at]!, values[at + columns]!, values[at + 2 * columns]!, v);
}

/** Values of columns from…to in a square of control points; column i lies (i + shift) cells right of its left edge. */
function interpolate(values: Float64Array, at: number, columns: number, v: number, out: Float64Array, from: number, to: number, shift: number): void {
  const west = alongColumn(values, at, columns, v);
  const middle = alongColumn(values, at + 1, columns, v);
  const east = alongColumn(values, at + 2, columns, v);
  const slope = (4 * middle - 3 * west - east) / SQUARE;
  const bend = (2 * (west + east) - 4 * middle) / (SQUARE * SQUARE);
  for (let i = from; i < to; i++) out[i] = west + (slope + bend * (i + shift)) * (i + shift);
}

/** Where a parabola through the ends and the middle misses a smooth curve most. */
const WORST = 0.21;

/** 1 for each square in which the parabolas are good enough where they are worst. */
function smoothSquares({ xs, ys, columns, across, down, left, top }: Controls, exact: CellMap['exact']): Uint8Array {
  const smooth = new Uint8Array(across * down);
  for (let i = 0; i < smooth.length; i++) {
    const [c, r] = [i % across, Math.floor(i / across)];
    const at = 2 * r * columns + 2 * c;
    const [x, y] = exact((left + c + WORST) * SQUARE, (top + r + WORST) * SQUARE);
    const miss = Math.max(Math.abs(x - withinSquare(xs, at, columns)), Math.abs(y - withinSquare(ys, at, columns)));
    smooth[i] = miss <= TOLERANCE ? 1 : 0;
  }
  return smooth;
}

function withinSquare(values: Float64Array, at: number, columns: number): number {
  const [west, middle, east] = [0, 1, 2].map((i) => alongColumn(values, at + i, columns, WORST)) as [number, number, number];
  return parabola(west, middle, east, WORST);
}
