/** filter_bbox: the pixels whose centre lies in a box. */
import type { Cube } from '../../cube/cube.ts';
import { findGeometries } from '../../cube/geometries.ts';
import { cropCells, pickLabels } from '../../cube/view.ts';
import { transformBounds } from '../../geo/crs.ts';
import { boxGeometry } from '../../geo/geometry.ts';
import { cellsWithCentreIn, intersectWindows, type Bounds, type CellWindow } from '../../geo/grid.ts';
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
  return pickByRelation(cube, { crs, shapes: [boxGeometry([west, south, east, north])] }, 'within', 'filter_bbox', 'extent');
}

/** The cube with the cells whose centre lies in the bounds; without x and y it can't be filtered. */
export function cropToBounds(cube: Cube, bounds: Bounds): Cube {
  if (cube.grid) {
    const { grid } = cube;
    const inside = cellsWithCentreIn(grid, imageIn(grid.crs, bounds));
    return cropCells(cube, kept(intersectWindows(inside, { x: 0, y: 0, width: grid.width, height: grid.height })));
  }
  // Without a grid the labels are coordinates in the box's own reference system.
  return (['x', 'y'] as const).reduce((filtered, axis) => {
    const dimension = cube.find('spatial', axis);
    if (!dimension) throw invalidArgument('filter_bbox', 'data', `the cube has no ${axis} dimension`);
    const [low, high] = axis === 'x' ? [bounds.west, bounds.east] : [bounds.south, bounds.north];
    const labels = cube.labels(dimension.name);
    const indices = labels.flatMap((label, i) => (Number(label) >= low && Number(label) <= high ? [i] : []));
    return pickLabels(filtered, filtered.indexOf(dimension.name), indices);
  }, cube);
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
