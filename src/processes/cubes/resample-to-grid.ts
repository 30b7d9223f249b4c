/** resample_to_grid, Lamina's own: pixels on the lattice of all multiples of a resolution, whatever the extent. */
import { resampleCube } from '../../cube/resample.ts';
import type { Resampling } from '../../cube/cube.ts';
import { isGeographic, parseCrs, transformBounds } from '../../geo/crs.ts';
import { cellsWithCentreIn, cropGrid, gridBounds, type Grid } from '../../geo/grid.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import { refuseEmbeddings } from './align.ts';
import { cubeOf } from './arguments.ts';

const ID = 'resample_to_grid';

/** Cells along an edge that the new grid may have at most. */
const MAX_EDGE = 1 << 24;

export const resampleToGrid: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    if (!cube.grid) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions on a regular grid');
    refuseEmbeddings(cube, { process: ID, parameter: 'data' });
    const crs = parseCrs(args['crs'] as string | number, ID, 'crs');
    const resolution = args['resolution'];
    if (typeof resolution !== 'number' || !Number.isFinite(resolution) || resolution <= 0) throw invalidArgument(ID, 'resolution', `it must be a positive number of ${isGeographic(crs) ? 'degrees' : 'metres'}`);
    const target = latticeWindow(cube.grid, crs, resolution);
    const resampled = resampleCube(cube, target, (args['method'] ?? 'near') as Resampling);
    // Patches and blocks are counted from the same corner for every extent.
    return resampled.with({ attributes: { ...resampled.attributes, anchor: { x: 0, y: 0 } } });
  },
};

/** The cells whose centre lies in the source's extent, on the lattice through the origin of the CRS. */
function latticeWindow(source: Grid, crs: string, resolution: number): Grid {
  const lattice: Grid = { crs, originX: 0, originY: 0, stepX: resolution, stepY: resolution, width: 0, height: 0 };
  const window = cellsWithCentreIn(lattice, transformBounds(gridBounds(source), crs));
  if (window.width === 0 || window.height === 0) throw invalidArgument(ID, 'resolution', `no cell of ${resolution} has its centre in the extent of the cube`);
  if (Math.max(window.width, window.height) > MAX_EDGE) throw invalidArgument(ID, 'resolution', `the grid would have ${Math.max(window.width, window.height)} cells along an edge; the limit is ${MAX_EDGE}`);
  return cropGrid(lattice, window);
}
