/**
 * Where the cells of one grid lie in another one.
 *
 * Between grids of one CRS the map is exact and linear. Otherwise a point in CONTROL_STEP is taken through
 * the projections and the points between are interpolated; where that would miss by more than TOLERANCE
 * of a source cell, every point is computed. Control points are counted from the target's first cell,
 * so a cell has the same source position whatever window asks for it.
 */
import { isGeographic, transformer } from './crs.ts';
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

const CONTROL_STEP = 16;
/** In source cells; a tenth of it stays in practice. */
const TOLERANCE = 1e-4;

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
  const turn = isGeographic(target.crs) ? 360 : 0;
  const exact = (column: number, row: number): [number, number] => {
    const x = target.originX + column * target.stepX;
    const y = target.originY - row * target.stepY;
    const [sx, sy] = forward(x, y);
    return [(sx - source.originX) / source.stepX, (source.originY - sy) / source.stepY];
  };
  // Projections fold far from where they belong: a point that does not come back has no image.
  const checked = (column: number, row: number): [number, number] => {
    const [px, py] = exact(column, row);
    const [x, y] = back(source.originX + px * source.stepX, source.originY - py * source.stepY);
    let missX = Math.abs(x - (target.originX + column * target.stepX));
    if (turn) missX = Math.min(missX, Math.abs(missX - turn));
    const missY = Math.abs(y - (target.originY - row * target.stepY));
    return missX <= target.stepX && missY <= target.stepY ? [px, py] : [NaN, NaN];
  };
  return { separable: false, exact: checked, over: (window) => controlled(window, checked) };
}

function controlled(window: CellWindow, exact: CellMap['exact']): RowMap {
  const left = Math.floor(window.x / CONTROL_STEP);
  const top = Math.floor(window.y / CONTROL_STEP);
  const columns = Math.ceil((window.x + window.width) / CONTROL_STEP) - left + 1;
  const rows = Math.ceil((window.y + window.height) / CONTROL_STEP) - top + 1;
  const xs = new Float64Array(columns * rows);
  const ys = new Float64Array(columns * rows);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      [xs[r * columns + c], ys[r * columns + c]] = exact((left + c) * CONTROL_STEP, (top + r) * CONTROL_STEP) as [number, number];
    }
  }
  const smooth = smoothCells({ xs, ys, columns, rows, left, top }, exact);
  return (row, dx, dy, outX, outY) => {
    const r = Math.floor(row / CONTROL_STEP) - top;
    const v = (row - (top + r) * CONTROL_STEP + dy) / CONTROL_STEP;
    for (let c = 0; c + 1 < columns; c++) {
      const at = r * columns + c;
      // Columns of the window that lie in this square of control points.
      const first = (left + c) * CONTROL_STEP;
      const from = Math.max(0, first - window.x);
      const to = Math.min(window.width, first + CONTROL_STEP - window.x);
      if (smooth[at]) {
        interpolate(xs, at, columns, v, outX, from, to, window.x - first + dx);
        interpolate(ys, at, columns, v, outY, from, to, window.x - first + dx);
      } else {
        for (let i = from; i < to; i++) [outX[i], outY[i]] = exact(window.x + i + dx, row + dy) as [number, number];
      }
    }
  };
}

/** Values of columns from…to in a square of control points; column i lies (i + shift) cells right of its left edge. */
function interpolate(values: Float64Array, at: number, columns: number, v: number, out: Float64Array, from: number, to: number, shift: number): void {
  const west = values[at]! + (values[at + columns]! - values[at]!) * v;
  const east = values[at + 1]! + (values[at + columns + 1]! - values[at + 1]!) * v;
  const slope = (east - west) / CONTROL_STEP;
  for (let i = from; i < to; i++) out[i] = west + slope * (i + shift);
}

interface ControlPoints {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly columns: number;
  readonly rows: number;
  readonly left: number;
  readonly top: number;
}

/** 1 for each square of control points in whose middle, where it is worst, interpolation is good enough. */
function smoothCells(points: ControlPoints, exact: CellMap['exact']): Uint8Array {
  const { xs, ys, columns, rows, left, top } = points;
  const smooth = new Uint8Array(columns * rows);
  for (let r = 0; r + 1 < rows; r++) {
    for (let c = 0; c + 1 < columns; c++) {
      const at = r * columns + c;
      const [x, y] = exact((left + c + 0.5) * CONTROL_STEP, (top + r + 0.5) * CONTROL_STEP);
      const miss = Math.max(Math.abs(x - bilinear(xs, at, columns, 0.5, 0.5)), Math.abs(y - bilinear(ys, at, columns, 0.5, 0.5)));
      smooth[at] = miss <= TOLERANCE ? 1 : 0;
    }
  }
  return smooth;
}

function bilinear(values: Float64Array, at: number, columns: number, u: number, v: number): number {
  const top = values[at]! + (values[at + 1]! - values[at]!) * u;
  const bottom = values[at + columns]! + (values[at + columns + 1]! - values[at + columns]!) * u;
  return top + (bottom - top) * v;
}
