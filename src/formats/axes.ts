/** Dimensions of a cube out of the coordinates that a file tells: regular x and y make a grid. */
import type { Dimension, Label } from '../cube/dimension.ts';
import type { Grid } from '../geo/grid.ts';

/** A dimension as a file has it. */
export interface Axis {
  readonly name: string;
  readonly type: Dimension['type'];
  readonly axis?: 'x' | 'y';
  readonly labels: readonly Label[];
}

export interface Axes {
  readonly dimensions: readonly Dimension[];
  readonly grid: Grid | null;
  /** Position of y when its rows run from south to north in the file, and must be turned over; null otherwise. */
  readonly flipped: number | null;
}

/** Coordinates are rounded; this share of a cell does not matter. */
const TOLERANCE = 1e-3;

/**
 * The dimensions, with a grid when x and y are there, regular, and in a known reference system. x and y are then
 * without labels, and y runs from north to south.
 */
export function axesOf(axes: readonly Axis[], crs: string | null): Axes {
  const [x, y] = [axes.find(({ axis }) => axis === 'x'), axes.find(({ axis }) => axis === 'y')];
  const grid = crs === null || !x || !y ? null : gridOf(x.labels, y.labels, crs);
  const dimensions = axes.map(({ name, type, axis, labels }): Dimension => ({
    name, type, size: labels.length, ...(axis && { axis }), ...(!(grid && axis) && { labels }),
  }));
  const isSouthUp = grid !== null && y!.labels.length > 1 && Number(y!.labels[1]) > Number(y!.labels[0]);
  return { dimensions, grid, flipped: isSouthUp ? axes.indexOf(y!) : null };
}

function gridOf(xs: readonly Label[], ys: readonly Label[], crs: string): Grid | null {
  const [x, y] = [numbersOf(xs), numbersOf(ys)];
  if (!x || !y) return null;
  const [alongX, alongY] = [stepOf(x), stepOf(y)];
  if (alongX === null || alongY === null) return null;
  // A single column or row is as wide as the cells of the other direction.
  const stepX = alongX || Math.abs(alongY);
  const stepY = alongY || -stepX;
  if (!(stepX > 0) || stepY === 0) return null;
  const north = stepY < 0 ? y[0]! : y.at(-1)!;
  return { crs, originX: x[0]! - stepX / 2, originY: north + Math.abs(stepY) / 2, stepX, stepY: Math.abs(stepY), width: x.length, height: y.length };
}

function numbersOf(labels: readonly Label[]): readonly number[] | null {
  return labels.length > 0 && labels.every((label) => typeof label === 'number' && Number.isFinite(label)) ? (labels as readonly number[]) : null;
}

/** The distance of neighbours; 0 for a single coordinate, null when it varies. */
function stepOf(values: readonly number[]): number | null {
  if (values.length === 1) return 0;
  const step = (values.at(-1)! - values[0]!) / (values.length - 1);
  const isRegular = values.every((value, i) => Math.abs(value - (values[0]! + i * step)) <= Math.abs(step) * TOLERANCE);
  return isRegular && step !== 0 ? step : null;
}

/** True for texts that all are dates, or dates with a time. */
export function areDates(labels: readonly Label[]): boolean {
  return labels.length > 0 && labels.every((label) => typeof label === 'string' && /^\d{4}-\d\d-\d\d([T ]|$)/.test(label) && !Number.isNaN(Date.parse(label)));
}
