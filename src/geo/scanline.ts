/**
 * Which cells of a grid a polygon or a line takes, in coordinates of cells: column c covers x from c to c + 1,
 * row r covers y from r down to r + 1, and the centre of a cell is at c + 0.5, r + 0.5.
 */
import type { CellWindow } from './grid.ts';

/** A run of cells in a row, `end` being one past the last. */
export type EmitRun = (row: number, start: number, end: number) => void;

/** Positions x, y, x, y, …; rings are closed. */
export type Path = Float64Array;

/** Centres this near to a border (in cells) lie on it: what is left by arithmetic with coordinates in metres. */
const ON_BORDER = 1e-7;

/**
 * Cells of the window whose centre lies in the polygon or on its border (OGC Simple Features: the centre
 * intersects the polygon). Rings are filled by the even-odd rule, so holes are rings like others. Runs of
 * a row may overlap and come in no order.
 */
export function polygonRuns(rings: readonly Path[], window: CellWindow, emit: EmitRun): void {
  const [top, bottom] = rowsOf(rings, window);
  if (bottom <= top) return;
  const right = window.x + window.width;
  const put = (row: number, low: number, high: number) => {
    const start = Math.max(window.x, Math.ceil(low - 0.5 - ON_BORDER));
    const end = Math.min(right, Math.floor(high - 0.5 + ON_BORDER) + 1);
    if (end > start) emit(row, start, end);
  };
  const crossings = crossingsOf(rings, top, bottom);
  for (let row = top; row < bottom; row++) {
    const xs = crossings.xs.subarray(crossings.starts[row - top], crossings.starts[row - top + 1]).sort();
    for (let i = 0; i + 1 < xs.length; i += 2) put(row, xs[i]!, xs[i + 1]!);
  }
  for (const ring of rings) borderRuns(ring, top, bottom, put);
}

function rowsOf(paths: readonly Path[], window: CellWindow): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const path of paths) {
    for (let i = 1; i < path.length; i += 2) {
      if (path[i]! < low) low = path[i]!;
      if (path[i]! > high) high = path[i]!;
    }
  }
  return [Math.max(window.y, Math.floor(low)), Math.min(window.y + window.height, Math.floor(high) + 1)];
}

/** The y of a position, moved onto the line of centres that it lies on but for rounding. */
function snapped(y: number): number {
  const centre = Math.floor(y) + 0.5;
  return Math.abs(y - centre) <= ON_BORDER ? centre : y;
}

/** Where edges cross the line of centres of each row; an edge holds its upper end but not its lower one. */
function crossingsOf(rings: readonly Path[], top: number, bottom: number): { readonly xs: Float64Array; readonly starts: Int32Array } {
  const starts = new Int32Array(bottom - top + 1);
  const visit = (each: (row: number, x0: number, y0: number, x1: number, y1: number) => void) => {
    for (const ring of rings) {
      for (let i = 0; i + 3 < ring.length; i += 2) {
        const [x0, y0, x1, y1] = [ring[i]!, snapped(ring[i + 1]!), ring[i + 2]!, snapped(ring[i + 3]!)];
        const first = Math.max(top, Math.ceil(Math.min(y0, y1) - 0.5));
        const last = Math.min(bottom, Math.ceil(Math.max(y0, y1) - 0.5));
        for (let row = first; row < last; row++) each(row, x0, y0, x1, y1);
      }
    }
  };
  visit((row) => starts[row - top + 1]!++);
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
  const xs = new Float64Array(starts.at(-1)!);
  const next = starts.slice();
  visit((row, x0, y0, x1, y1) => {
    xs[next[row - top]!++] = x0 + ((row + 0.5 - y0) * (x1 - x0)) / (y1 - y0);
  });
  return { xs, starts };
}

/** What crossings can't see: corners, and edges that run along a line of centres. */
function borderRuns(ring: Path, top: number, bottom: number, put: (row: number, low: number, high: number) => void): void {
  for (let i = 0; i + 1 < ring.length; i += 2) {
    const y = snapped(ring[i + 1]!);
    const row = y - 0.5;
    if (row < top || row >= bottom || !Number.isInteger(row)) continue;
    const isAlong = i + 3 < ring.length && snapped(ring[i + 3]!) === y;
    const other = isAlong ? ring[i + 2]! : ring[i]!;
    put(row, Math.min(ring[i]!, other), Math.max(ring[i]!, other));
  }
}

/**
 * Cells of the window that hold at least one point of the line, which are those whose centre is nearest to
 * it. A point on the border of two cells belongs to the right or lower one.
 */
export function lineRuns(line: Path, window: CellWindow, emit: EmitRun): void {
  for (let i = 0; i + 3 < line.length; i += 2) {
    const isDown = line[i + 1]! <= line[i + 3]!;
    const [from, to] = isDown ? [i, i + 2] : [i + 2, i];
    segmentRuns({ x0: line[from]!, y0: line[from + 1]!, x1: line[to]!, y1: line[to + 1]! }, window, emit);
  }
}

interface Segment {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  /** Not less than y0. */
  readonly y1: number;
}

function segmentRuns({ x0, y0, x1, y1 }: Segment, window: CellWindow, emit: EmitRun): void {
  const right = window.x + window.width;
  const first = Math.max(window.y, Math.floor(y0));
  const last = Math.min(window.y + window.height - 1, Math.floor(y1));
  const at = (y: number) => (y1 === y0 ? x1 : x0 + ((y - y0) * (x1 - x0)) / (y1 - y0));
  for (let row = first; row <= last; row++) {
    const enters = row > y0 ? at(row) : x0;
    const isLeft = row + 1 <= y1;
    const leaves = isLeft ? at(row + 1) : x1;
    // Where the segment goes on into the next row, the point between belongs to that.
    const end = isLeft && leaves > enters ? Math.ceil(leaves) : Math.floor(Math.max(enters, leaves)) + 1;
    const start = Math.floor(Math.min(enters, leaves));
    const [low, high] = [Math.max(window.x, start), Math.min(right, Math.max(end, start + 1))];
    if (high > low) emit(row, low, high);
  }
}
