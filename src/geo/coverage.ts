/**
 * Which cells of a grid belong to which geometries. Polygons hold the cells whose centre lies in them or on
 * their border, lines all cells that they pass, points the cell whose centre is nearest (openEO's rules for
 * filter_spatial and aggregate_spatial).
 */
import { cellShaper, type CellShape } from './cell-shapes.ts';
import { isEmptyGeometry } from './geojson.ts';
import type { Geometry } from './geometry.ts';
import type { CellWindow, Grid } from './grid.ts';
import { lineRuns, polygonRuns, type EmitRun, type Path } from './scanline.ts';

/** Runs of cells as triples: row, first column, one past the last column. Sorted, without overlaps. */
export type Runs = Int32Array;

export class Coverage {
  readonly #grid: Grid;
  readonly #shapes: readonly Geometry[];
  readonly #shaper: (geometry: Geometry) => CellShape;
  readonly #prepared: (CellShape | undefined)[] = [];

  /** @param crs of the shapes; cells are counted on `grid` and may lie outside of it */
  constructor(grid: Grid, shapes: readonly Geometry[], crs: string) {
    this.#grid = grid;
    this.#shapes = shapes;
    this.#shaper = cellShaper(crs, grid);
  }

  /** True for a geometry without a position. */
  isEmpty(index: number): boolean {
    return isEmptyGeometry(this.#shapes[index]!);
  }

  /** The cells of one geometry in a window. */
  runs(index: number, window: CellWindow): Runs {
    const found: number[] = [];
    this.#visit(this.#shape(index), window, (row, start, end) => found.push(row, start, end));
    return mergedRuns(found);
  }

  /** 1 for the cells of a window that belong to at least one geometry; null when there are none. */
  mask(window: CellWindow): Uint8Array | null {
    const mask = new Uint8Array(window.width * window.height);
    let isEmpty = true;
    for (let i = 0; i < this.#shapes.length; i++) {
      this.#visit(this.#shape(i), window, (row, start, end) => {
        isEmpty = false;
        const line = (row - window.y) * window.width - window.x;
        mask.fill(1, line + start, line + end);
      });
    }
    return isEmpty ? null : mask;
  }

  /** The smallest window around the geometries and the cells that belong to them; null without a geometry near the grid. */
  extent(): CellWindow | null {
    const box: Edges = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (let i = 0; i < this.#shapes.length; i++) extend(box, this.#shape(i), this.#grid);
    if (!(box.right > box.left && box.bottom > box.top)) return null;
    return { x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top };
  }

  #shape(index: number): CellShape {
    return (this.#prepared[index] ??= this.#shaper(this.#shapes[index]!));
  }

  #visit({ polygons, lines, points }: CellShape, window: CellWindow, emit: EmitRun): void {
    for (const rings of polygons) polygonRuns(rings, window, emit);
    for (const line of lines) lineRuns(line, window, emit);
    for (const point of points) {
      const { column, row } = cellOf(point, this.#grid);
      const isInside = column >= window.x && column < window.x + window.width && row >= window.y && row < window.y + window.height;
      if (isInside) emit(row, column, column + 1);
    }
  }
}

/** The cell of a point; on the outer edges of the grid the cells inside are as near as those outside. */
function cellOf([x, y]: readonly [number, number], { width, height }: Grid): { column: number; row: number } {
  return { column: x === width ? width - 1 : Math.floor(x), row: y === height ? height - 1 : Math.floor(y) };
}

interface Edges {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function extend(box: Edges, { polygons, lines, points }: CellShape, grid: Grid): void {
  const add = (left: number, top: number, right: number, bottom: number) => {
    [box.left, box.top] = [Math.min(box.left, left), Math.min(box.top, top)];
    [box.right, box.bottom] = [Math.max(box.right, right), Math.max(box.bottom, bottom)];
  };
  for (const path of polygons.flat()) {
    const [west, north, east, south] = boxOfPath(path);
    // Cells whose centre lies in the box of the polygon.
    add(Math.ceil(west - 0.5 - 1e-7), Math.ceil(north - 0.5 - 1e-7), Math.floor(east - 0.5 + 1e-7) + 1, Math.floor(south - 0.5 + 1e-7) + 1);
  }
  for (const path of lines) {
    const [west, north, east, south] = boxOfPath(path);
    add(Math.floor(west), Math.floor(north), Math.floor(east) + 1, Math.floor(south) + 1);
  }
  for (const point of points) {
    const { column, row } = cellOf(point, grid);
    add(column, row, column + 1, row + 1);
  }
}

function boxOfPath(path: Path): [number, number, number, number] {
  let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < path.length; i += 2) {
    [west, east] = [Math.min(west, path[i]!), Math.max(east, path[i]!)];
    [north, south] = [Math.min(north, path[i + 1]!), Math.max(south, path[i + 1]!)];
  }
  return [west, north, east, south];
}

/** Runs in order, those that touch or overlap as one. */
function mergedRuns(found: readonly number[]): Runs {
  const count = found.length / 3;
  const order = Array.from({ length: count }, (_, i) => i * 3);
  const isSorted = order.every((at) => at === 0 || found[at]! > found[at - 3]! || (found[at] === found[at - 3] && found[at + 1]! > found[at - 1]!));
  if (isSorted) return Int32Array.from(found);
  order.sort((a, b) => found[a]! - found[b]! || found[a + 1]! - found[b + 1]!);
  const out: number[] = [];
  for (const at of order) {
    const isNext = out.length > 0 && out.at(-3) === found[at] && found[at + 1]! <= out.at(-1)!;
    if (isNext) out[out.length - 1] = Math.max(out.at(-1)!, found[at + 2]!);
    else out.push(found[at]!, found[at + 1]!, found[at + 2]!);
  }
  return Int32Array.from(out);
}
