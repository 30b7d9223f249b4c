/** filter_spatial: the pixels that belong to geometries, and of a vector cube the geometries that meet them. */
import type { Cube } from '../../cube/cube.ts';
import type { Geometries } from '../../cube/dimension.ts';
import { findGeometries } from '../../cube/geometries.ts';
import { cropCells } from '../../cube/view.ts';
import { Coverage } from '../../geo/coverage.ts';
import { intersectWindows } from '../../geo/grid.ts';
import type { Implementation } from '../../graph/process.ts';
import { cubeOf } from './arguments.ts';
import { pickByRelation } from './filter-vector.ts';
import { geometriesOf } from './geometries.ts';
import { gridOf, maskByGeometries } from './polygon-mask.ts';

const ID = 'filter_spatial';

export const filterSpatial: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const { geometries } = geometriesOf(args, ID, 'geometries');
    if (!cube.grid && findGeometries(cube)) return pickByRelation(cube, geometries, 'intersects', ID);
    return filterPixels(cube, geometries);
  },
};

/** Cuts the cube to the box of the geometries and empties the pixels that belong to none of them. */
export function filterPixels(cube: Cube, geometries: Geometries): Cube {
  const { width, height } = gridOf(cube, ID);
  const extent = new Coverage(cube.grid!, geometries.shapes, geometries.crs).extent();
  const cells = extent && intersectWindows(extent, { x: 0, y: 0, width, height });
  const isHit = cells !== null && cells.width > 0 && cells.height > 0;
  // An empty window starts inside the cube, so that its place on the lattice is sound.
  const cropped = cropCells(cube, isHit ? cells : { x: 0, y: 0, width: 0, height: 0 });
  return maskByGeometries(cropped, { geometries, inside: false, replacement: null });
}
