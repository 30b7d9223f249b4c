/**
 * From one grid to another, exactly.
 *
 * A warp knows both grids and works on windows of them. All positions are counted from the grids' first
 * cells, so a cell's value does not depend on the window that asked for it: tiles have no seams.
 */
import { cellMap, type CellMap } from '../geo/cell-map.ts';
import { intersectWindows, isSameLattice, latticeOffset, type CellWindow, type Grid } from '../geo/grid.ts';
import { aggregate } from './aggregate.ts';
import { createNullBlock, type Block } from './block.ts';
import type { Resampling } from './cube.ts';
import { arithmeticDType, type DType } from './dtype.ts';
import { interpolate } from './interpolate.ts';
import { kernels, reach, type KernelName } from './kernels.ts';
import { pickNearest } from './nearest.ts';
import { cropBlock, withoutIdleNulls } from './paste.ts';
import { sumShares } from './shared-area.ts';

/** Part of the fingerprints of warped samples: it changes with the numbers that a warp gives. */
export const WARP_VERSION = 'warp/2';

export interface Warp {
  /** Cells of the source grid, neighbours included, that a window of target cells needs; they may lie beyond the grid. */
  sourceCells(target: CellWindow): CellWindow;
  /** A block [n, height, width] of source cells made into the block [n, height, width] of the wanted target cells. */
  run(source: Block, sourceCells: CellWindow, target: CellWindow): Block;
}

/** True when the method weighs the samples around a cell's centre. */
function hasKernel(method: Resampling): method is KernelName {
  return method in kernels;
}

/** The sample type of a warp's result: the source's, integers rounded as GDAL does; sums get room. */
export function warpedDType(dtype: DType, method: Resampling): DType {
  return method === 'sum' ? arithmeticDType(dtype) : dtype;
}

/** The warp from `source` to `target`. */
export function createWarp(target: Grid, source: Grid, method: Resampling): Warp {
  if (isSameLattice(source, target) && method !== 'sum') return copy(target, source);
  const map = cellMap(target, source);
  const scale = hasKernel(method) ? widenedScale(scaleAt(map, target)) : { x: 1, y: 1 };
  return {
    sourceCells: (cells) => coveredCells(map, cells, margins(method, scale)),
    run(block, sourceCells, cells) {
      const out = createNullBlock(warpedDType(block.dtype, method), [block.shape[0]!, cells.height, cells.width]);
      const place = { source: sourceCells, extent: wholeGrid(source), target: cells, map: map.over(cells), separable: map.separable };
      if (method === 'near') pickNearest(block, place, out);
      else if (hasKernel(method)) interpolate(block, place, method, scale, out);
      else if (method === 'sum' && !map.separable) sumShares(block, place, out);
      else aggregate(block, place, method, out);
      return withoutIdleNulls(out);
    },
  };
}

/**
 * The cells of `source` that are needed for the whole of `target`, clipped to `source`; empty when the
 * grids do not meet.
 */
export function sourceWindow(target: Grid, source: Grid, method: Resampling): CellWindow {
  const needed = createWarp(target, source, method).sourceCells(wholeGrid(target));
  return intersectWindows(needed, wholeGrid(source));
}

/** Warps a block [n, height, width] that fills `sourceGrid` to `targetGrid`. Tiles of one picture should share a `createWarp` instead. */
export function warpBlock(source: Block, sourceGrid: Grid, targetGrid: Grid, method: Resampling): Block {
  return createWarp(targetGrid, sourceGrid, method).run(source, wholeGrid(sourceGrid), wholeGrid(targetGrid));
}

const wholeGrid = (grid: Grid): CellWindow => ({ x: 0, y: 0, width: grid.width, height: grid.height });

function copy(target: Grid, source: Grid): Warp {
  const { x, y } = latticeOffset(source, target);
  const moved = (cells: CellWindow) => ({ ...cells, x: cells.x + x, y: cells.y + y });
  return {
    sourceCells: moved,
    run(block, sourceCells, cells) {
      const window = ({ x: left, y: top, width, height }: CellWindow) => ({ start: [0, top, left], size: [block.shape[0]!, height, width] });
      return cropBlock(block, window(sourceCells), window(moved(cells)));
    },
  };
}

/**
 * Source cells per target cell along x and y, in the middle of the target: what tells which overview is
 * fine enough. Ask once for the whole target grid; parts of it may differ a little. NaN where there is no image.
 */
export function scaleBetween(target: Grid, source: Grid): { x: number; y: number } {
  return scaleAt(cellMap(target, source), target);
}

function scaleAt(map: CellMap, target: Grid): { x: number; y: number } {
  const column = Math.floor(target.width / 2);
  const row = Math.floor(target.height / 2);
  const [x0, y0] = map.exact(column, row);
  const [x1, y1] = map.exact(column + 1, row);
  const [x2, y2] = map.exact(column, row + 1);
  return { x: Math.hypot(x1 - x0, x2 - x0), y: Math.hypot(y2 - y0, y1 - y0) };
}

const widenedScale = (scale: { x: number; y: number }) => ({ x: widened(scale.x), y: widened(scale.y) });

/**
 * Kernels are widened when the target is coarser. As in GDAL a ratio counts as whole when it is nearly so,
 * which is what two grids of 10 and 20 m are to each other in neighbouring zones.
 */
function widened(ratio: number): number {
  if (!(ratio > 1) || !Number.isFinite(ratio)) return 1;
  const whole = Math.round(ratio);
  return Math.abs(ratio - whole) < 0.05 ? whole : ratio;
}

function margins(method: Resampling, scale: { x: number; y: number }): { x: number; y: number } {
  if (!hasKernel(method)) return { x: 0, y: 0 };
  return { x: reach(kernels[method], scale.x), y: reach(kernels[method], scale.y) };
}

/** At most so many points per axis say where a window lies in the source. */
const PROBES = 64;

function coveredCells(map: CellMap, cells: CellWindow, margin: { x: number; y: number }): CellWindow {
  let [west, east, north, south] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const row of probes(cells.y, cells.height)) {
    for (const column of probes(cells.x, cells.width)) {
      const [x, y] = map.exact(column, row);
      if (Number.isNaN(x)) continue;
      [west, east] = [Math.min(west, x), Math.max(east, x)];
      [north, south] = [Math.min(north, y), Math.max(south, y)];
    }
  }
  if (west > east || cells.width === 0 || cells.height === 0) return { x: 0, y: 0, width: 0, height: 0 };
  // Between two probes an edge may bulge a little in another projection.
  const slack = map.separable ? 0 : 1;
  const x = Math.floor(west + 1e-9) - margin.x - slack;
  const y = Math.floor(north + 1e-9) - margin.y - slack;
  return { x, y, width: Math.ceil(east - 1e-9) + margin.x + slack - x, height: Math.ceil(south - 1e-9) + margin.y + slack - y };
}

/** The outer edges and points in between, 16 cells or more apart. */
function probes(start: number, size: number): number[] {
  const count = Math.max(1, Math.min(PROBES, Math.ceil(size / 16)));
  return Array.from({ length: count + 1 }, (_, i) => start + (size * i) / count);
}
