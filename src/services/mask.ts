/** A cube that has data inside of a box only. */
import type { Block, Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { spatialAxes } from '../cube/window.ts';
import { isGeographic, transformBounds } from '../geo/crs.ts';
import { cellsWithCentreIn, gridBounds, intersectWindows, type Bounds, type CellWindow, type Grid } from '../geo/grid.ts';
import { movedBox, turnsToMeet } from '../geo/turns.ts';

/** Latitude at which web Mercator ends. */
export const MERCATOR_LATITUDE = 85.051128;

/**
 * The cube with no-data where the centre of a cell is outside of the box, also in halos. It needs a grid; its
 * cells, labels and everything else stay.
 */
export function maskedOutside(cube: Cube, bounds: Bounds): Cube {
  const inside = cellsInside(cube.grid!, bounds);
  const { x, y } = spatialAxes(cube.dimensions)!;
  const part = (window: Window) => intersectWindows({ x: window.start[x]!, y: window.start[y]!, width: window.size[x]!, height: window.size[y]! }, inside);
  return cube.with({
    read: async (window, signal) => clip(await cube.read(window, signal), window, { x, y }, inside),
    isEmpty: (window) => {
      const { width, height } = part(window);
      return width === 0 || height === 0 || (cube.isEmpty?.(window) ?? false);
    },
  });
}

function cellsInside(grid: Grid, bounds: Bounds): CellWindow {
  const box = transformBounds(withinMercator(bounds, grid.crs), grid.crs);
  return cellsWithCentreIn(grid, movedBox(box, turnsToMeet(box, gridBounds(grid))[0] ?? 0));
}

/** Poles have no place on the map. */
function withinMercator(bounds: Bounds, crs: string): Bounds {
  if (crs !== 'EPSG:3857' || !isGeographic(bounds.crs)) return bounds;
  return { ...bounds, south: Math.max(bounds.south, -MERCATOR_LATITUDE), north: Math.min(bounds.north, MERCATOR_LATITUDE) };
}

function clip(block: Block, { start, size }: Window, axes: { readonly x: number; readonly y: number }, inside: CellWindow): Block {
  const isWhole = start[axes.x]! >= inside.x && start[axes.y]! >= inside.y
    && start[axes.x]! + size[axes.x]! <= inside.x + inside.width && start[axes.y]! + size[axes.y]! <= inside.y + inside.height;
  if (isWhole) return block;
  const nulls = block.nulls ? Uint8Array.from(block.nulls) : new Uint8Array(block.data.length);
  const stride = (axis: number) => size.slice(axis + 1).reduce((product, n) => product * n, 1);
  const [strideX, strideY] = [stride(axes.x), stride(axes.y)];
  for (let i = 0; i < nulls.length; i++) {
    const column = start[axes.x]! + (Math.floor(i / strideX) % size[axes.x]!);
    const row = start[axes.y]! + (Math.floor(i / strideY) % size[axes.y]!);
    if (column < inside.x || row < inside.y || column >= inside.x + inside.width || row >= inside.y + inside.height) nulls[i] = 1;
  }
  return { ...block, nulls };
}
