/**
 * A grid is a finite, north-up window of an infinite raster lattice.
 *
 * Column c covers x from originX + c·stepX to originX + (c+1)·stepX; row r covers y from
 * originY − r·stepY down to originY − (r+1)·stepY. Steps are positive. Indices may lie outside
 * [0, width) × [0, height): they address the same lattice, which is how halos are read.
 */
export interface Grid {
  /** 'EPSG:32631', or a WKT2/PROJ string when the CRS has no code. */
  readonly crs: string;
  readonly originX: number;
  readonly originY: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly width: number;
  readonly height: number;
}

/** A box in the units of `crs`. */
export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  readonly crs: string;
}

/** A rectangle of cells; x and y may be negative. */
export interface CellWindow {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Steps and origins of one lattice agree to this fraction of a cell. */
const LATTICE_TOLERANCE = 1e-3;

/** The outer edges of the grid. */
export function gridBounds(grid: Grid): Bounds {
  return {
    west: grid.originX,
    east: grid.originX + grid.width * grid.stepX,
    north: grid.originY,
    south: grid.originY - grid.height * grid.stepY,
    crs: grid.crs,
  };
}

/** The part of the lattice that a window of cells covers. */
export function cropGrid(grid: Grid, window: CellWindow): Grid {
  return {
    ...grid,
    originX: grid.originX + window.x * grid.stepX,
    originY: grid.originY - window.y * grid.stepY,
    width: window.width,
    height: window.height,
  };
}

/** Centre of a cell as [x, y] in CRS units. */
export function cellCentre(grid: Grid, column: number, row: number): [number, number] {
  return [grid.originX + (column + 0.5) * grid.stepX, grid.originY - (row + 0.5) * grid.stepY];
}

/** Pixel-centre coordinates of an axis, west to east or north to south. */
export function axisLabels(grid: Grid, axis: 'x' | 'y'): number[] {
  const size = axis === 'x' ? grid.width : grid.height;
  return Array.from({ length: size }, (_, i) => cellCentre(grid, i, i)[axis === 'x' ? 0 : 1]);
}

/**
 * Cells whose centre lies in the bounds or on their edge: the rule of filter_bbox and load_collection.
 * Boxes that meet in the middle of a cell both hold it.
 */
export function cellsWithCentreIn(grid: Grid, bounds: Bounds): CellWindow {
  const x = ceilToCell((bounds.west - grid.originX) / grid.stepX - 0.5);
  const y = ceilToCell((grid.originY - bounds.north) / grid.stepY - 0.5);
  const right = floorToCell((bounds.east - grid.originX) / grid.stepX - 0.5);
  const bottom = floorToCell((grid.originY - bounds.south) / grid.stepY - 0.5);
  return { x, y, width: Math.max(0, right - x + 1), height: Math.max(0, bottom - y + 1) };
}

/** The smallest window of cells that covers the bounds. */
export function cellsCovering(grid: Grid, bounds: Bounds): CellWindow {
  const x = floorToCell((bounds.west - grid.originX) / grid.stepX);
  const y = floorToCell((grid.originY - bounds.north) / grid.stepY);
  const right = ceilToCell((bounds.east - grid.originX) / grid.stepX);
  const bottom = ceilToCell((grid.originY - bounds.south) / grid.stepY);
  return { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
}

/** True when both grids address the same lattice (CRS, step and phase). */
export function isSameLattice(a: Grid, b: Grid): boolean {
  return a.crs === b.crs
    && Math.abs(a.stepX - b.stepX) <= a.stepX * 1e-9
    && Math.abs(a.stepY - b.stepY) <= a.stepY * 1e-9
    && isWholeNumber((b.originX - a.originX) / a.stepX)
    && isWholeNumber((a.originY - b.originY) / a.stepY);
}

/** True when both have the same cells. */
export function isSameGrid(a: Grid, b: Grid): boolean {
  return a.width === b.width && a.height === b.height && isSameLattice(a, b) && Math.abs(a.originX - b.originX) < a.stepX / 2 && Math.abs(a.originY - b.originY) < a.stepY / 2;
}

/** Position of `b`'s first cell in the indices of `a`; both must share a lattice. */
export function latticeOffset(a: Grid, b: Grid): { x: number; y: number } {
  return { x: Math.round((b.originX - a.originX) / a.stepX), y: Math.round((a.originY - b.originY) / a.stepY) };
}

/** The common part of two windows; width or height is 0 when they do not meet. */
export function intersectWindows(a: CellWindow, b: CellWindow): CellWindow {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  return {
    x,
    y,
    width: Math.max(0, Math.min(a.x + a.width, b.x + b.width) - x),
    height: Math.max(0, Math.min(a.y + a.height, b.y + b.height) - y),
  };
}

// Coordinates come out of floating-point arithmetic: an edge that misses a cell border by a
// thousandth of a cell is on the border, otherwise extents would grow by a cell at random.
const isWholeNumber = (value: number) => Math.abs(value - Math.round(value)) < LATTICE_TOLERANCE;
const ceilToCell = (value: number) => (isWholeNumber(value) ? Math.round(value) : Math.ceil(value));
const floorToCell = (value: number) => (isWholeNumber(value) ? Math.round(value) : Math.floor(value));
