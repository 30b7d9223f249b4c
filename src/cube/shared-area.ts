/**
 * Sums between grids whose cells lie askew: each source cell gives every target cell the share of its area
 * that the target cell covers, so that the total is kept (as GDAL does).
 *
 * A target cell is taken for the quadrilateral between its four corners, in source cells.
 */
import type { CellWindow } from '../geo/grid.ts';
import type { Block } from './block.ts';
import type { Placement } from './nearest.ts';
import { storeRow } from './store.ts';

/** Corners of the target cells of a row, in the order in which they go around a cell. */
const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]] as const;

/** Shares smaller than this are what rounding left. */
const LEAST_SHARE = 1e-12;

/** Sums of the source cells under each target cell into `out`, which comes filled with no-data. */
export function sumShares(source: Block, place: Placement, out: Block): void {
  const { source: cells, target, map } = place;
  const corners = CORNERS.map(() => ({ xs: new Float64Array(target.width), ys: new Float64Array(target.width) }));
  const values = new Float64Array(target.width);
  const bands = source.shape[0]!;
  const sums = new Float64Array(bands * target.width);
  const areas = new Float64Array(bands * target.width);
  for (let row = 0; row < target.height; row++) {
    CORNERS.forEach(([dx, dy], i) => map(target.y + row, dx, dy, corners[i]!.xs, corners[i]!.ys));
    sums.fill(0);
    areas.fill(0);
    for (let c = 0; c < target.width; c++) {
      eachShare(corners.flatMap(({ xs, ys }) => [xs[c]!, ys[c]!]), cells, (at, share) => {
        for (let band = 0; band < bands; band++) {
          const from = band * cells.width * cells.height + at;
          if (source.nulls?.[from]) continue;
          sums[band * target.width + c]! += share * source.data[from]!;
          areas[band * target.width + c]! += share;
        }
      });
    }
    for (let band = 0; band < bands; band++) {
      const to = (band * target.height + row) * target.width;
      for (let c = 0; c < target.width; c++) {
        values[c] = sums[band * target.width + c]!;
        out.nulls![to + c] = areas[band * target.width + c]! > 0 ? 0 : 1;
      }
      storeRow(values, out.data, out.dtype, to);
    }
  }
}

/** Visits the cells of the source block that a quadrilateral [x, y, x, y, …] covers, each with the share of its area that is covered. */
function eachShare(quad: readonly number[], cells: CellWindow, visit: (at: number, share: number) => void): void {
  // Comparisons with NaN are false: a cell without image covers nothing.
  const [west, east] = range(quad, 0);
  const [north, south] = range(quad, 1);
  if (!(east > west && south > north)) return;
  for (let y = Math.max(cells.y, Math.floor(north)); y < Math.min(cells.y + cells.height, Math.ceil(south)); y++) {
    const band = cutBetween(quad, 1, y, y + 1);
    if (band.length === 0) continue;
    for (let x = Math.max(cells.x, Math.floor(west)); x < Math.min(cells.x + cells.width, Math.ceil(east)); x++) {
      const share = area(cutBetween(band, 0, x, x + 1));
      if (share > LEAST_SHARE) visit((y - cells.y) * cells.width + x - cells.x, share);
    }
  }
}

function range(polygon: readonly number[], axis: 0 | 1): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = axis; i < polygon.length; i += 2) {
    // Math.min and max hand NaN on.
    low = Math.min(low, polygon[i]!);
    high = Math.max(high, polygon[i]!);
  }
  return [low, high];
}

/** The part of a convex polygon that lies between two lines across an axis. */
function cutBetween(polygon: readonly number[], axis: 0 | 1, low: number, high: number): number[] {
  return cut(cut(polygon, axis, low, 1), axis, high, -1);
}

/** The part of a convex polygon on one side of the line where the axis is `at` (Sutherland and Hodgman 1974). */
function cut(polygon: readonly number[], axis: 0 | 1, at: number, sign: 1 | -1): number[] {
  const out: number[] = [];
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    const here = sign * (polygon[i + axis]! - at);
    const there = sign * (polygon[next + axis]! - at);
    if (here >= 0) out.push(polygon[i]!, polygon[i + 1]!);
    if (here >= 0 !== there >= 0) {
      const part = here / (here - there);
      out.push(polygon[i]! + (polygon[next]! - polygon[i]!) * part, polygon[i + 1]! + (polygon[next + 1]! - polygon[i + 1]!) * part);
    }
  }
  return out;
}

/** By the shoelace formula. */
function area(polygon: readonly number[]): number {
  let twice = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const next = (i + 2) % polygon.length;
    twice += polygon[i]! * polygon[next + 1]! - polygon[next]! * polygon[i + 1]!;
  }
  return Math.abs(twice) / 2;
}
