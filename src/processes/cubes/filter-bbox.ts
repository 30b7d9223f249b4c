/** filter_bbox: the pixels whose centre lies in a box. */
import type { Cube } from '../../cube/cube.ts';
import { findGeometries } from '../../cube/geometries.ts';
import { cropAround } from '../../cube/turns.ts';
import { cropCells, pickLabels } from '../../cube/view.ts';
import { isGeographic, transformBounds, worldWidth } from '../../geo/crs.ts';
import { boxGeometry, turnsOf } from '../../geo/geometry.ts';
import { cellsWithCentreIn, gridBounds, intersectWindows, type Bounds, type CellWindow, type Grid } from '../../geo/grid.ts';
import { movedBox, turnsToMeet } from '../../geo/turns.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf } from './arguments.ts';
import { boundsOf } from './extent.ts';
import { pickByRelation } from './filter-vector.ts';

export const filterBbox: Implementation = {
  run(args) {
    const cube = cubeOf(args, 'filter_bbox');
    const bounds = boundsOf(args['extent'], 'filter_bbox', 'extent');
    return !cube.grid && findGeometries(cube) ? geometriesWithin(cube, bounds) : cropToBounds(cube, bounds);
  },
};

/** The vector cube with the geometries that lie wholly in the box. */
function geometriesWithin(cube: Cube, { west, south, east, north, crs }: Bounds): Cube {
  const box = boxGeometry([west, south, east, north]);
  return pickByRelation(cube, { crs, shapes: isGeographic(crs) ? turnsOf(box) : [box] }, 'within', 'filter_bbox', 'extent');
}

/** The cube with the cells whose centre lies in the bounds; without x and y it can't be filtered. */
function cropToBounds(cube: Cube, bounds: Bounds): Cube {
  if (cube.grid) {
    const box = imageIn(cube.grid.crs, bounds);
    const turns = turnsToMeet(box, gridBounds(cube.grid));
    return turns.length > 1 ? cropAcross(cube, cube.grid, movedBox(box, turns.at(-1)!)) : cropCells(cube, cellsIn(cube.grid, movedBox(box, turns[0] ?? 0)));
  }
  // Without a grid the labels are coordinates in the box's own reference system.
  return (['x', 'y'] as const).reduce((filtered, axis) => {
    const dimension = cube.find('spatial', axis);
    if (!dimension) throw invalidArgument('filter_bbox', 'data', `the cube has no ${axis} dimension`);
    const [low, high] = axis === 'x' ? [bounds.west, bounds.east] : [bounds.south, bounds.north];
    const labels = cube.labels(dimension.name);
    // A box over the antimeridian goes on beyond 180 degrees, where longitudes begin anew.
    const turn = axis === 'x' && high > 180 && isGeographic(bounds.crs) ? 360 : 0;
    const isIn = (value: number) => value >= low && value <= high;
    const indices = labels.flatMap((label, i) => (isIn(Number(label)) || isIn(Number(label) + turn) ? [i] : []));
    return pickLabels(filtered, filtered.indexOf(dimension.name), indices);
  }, cube);
}

/** The cells of a grid in a box. */
function cellsIn(grid: Grid, box: Bounds): CellWindow {
  return kept(intersectWindows(cellsWithCentreIn(grid, box), { x: 0, y: 0, width: grid.width, height: grid.height }));
}

/** The cells on both sides of the antimeridian, side by side. `box` begins in the cube and ends beyond it. */
function cropAcross(cube: Cube, grid: Grid, box: Bounds): Cube {
  const columns = worldWidth(grid.crs)! / grid.stepX;
  const whole = Math.round(columns);
  if (Math.abs(columns - whole) > 1e-3) throw invalidArgument('filter_bbox', 'extent', `the box crosses the antimeridian, where the cells of the cube do not fit together: there are ${columns} of them around the globe`);
  const { x, y, width, height } = cellsWithCentreIn(grid, box);
  const rows = intersectWindows({ x: 0, y, width: 1, height }, { x: 0, y: 0, width: 1, height: grid.height });
  const right = Math.min(x + width, whole + grid.width);
  const first = Math.max(0, x);
  return cropAround(cube, { x: first, y: rows.y, width: Math.min(right - first, whole), height: rows.height }, whole);
}

function imageIn(crs: string, bounds: Bounds): Bounds {
  try {
    return transformBounds(bounds, crs);
  } catch (cause) {
    throw invalidArgument('filter_bbox', 'extent', `the box has no image in the cube's reference system ${crs}`, { cause });
  }
}

/** An empty window starts inside the cube, so that its place on the lattice is sound. */
function kept(cells: CellWindow): CellWindow {
  return cells.width > 0 && cells.height > 0 ? cells : { x: 0, y: 0, width: 0, height: 0 };
}
