/** resample_spatial: another resolution, another reference system, or both. */
import { resampleCube } from '../../cube/resample.ts';
import type { Resampling } from '../../cube/cube.ts';
import { parseCrs, transformBounds } from '../../geo/crs.ts';
import { gridBounds, isSameGrid, type Bounds, type Grid } from '../../geo/grid.ts';
import { invalidArgument } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Arguments, Value } from '../../graph/value.ts';
import { encodeAnew } from './align.ts';
import { cubeOf, optionalTextOf } from './arguments.ts';

const ID = 'resample_spatial';

/** Cells along an edge that the new grid may have at most. */
const MAX_EDGE = 1 << 24;

export const resampleSpatial: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    if (!cube.grid) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions on a regular grid');
    const target = targetGrid(cube.grid, args);
    if (isSameGrid(cube.grid, target)) return cube;
    if (cube.attributes.operator !== undefined) return encodeAnew(cube, snapped(target), (args['method'] ?? 'near') as Resampling, { process: ID, parameter: 'data' });
    return resampleCube(cube, target, (args['method'] ?? 'near') as Resampling);
  },
};

function targetGrid(source: Grid, args: Arguments): Grid {
  const projection = args['projection'];
  const crs = projection === null || projection === undefined ? source.crs : parseCrs(projection as string | number, ID, 'projection');
  const bounds = boundsIn(source, crs);
  const [stepX, stepY] = stepsOf(args['resolution'], source, bounds);
  const width = cells((bounds.east - bounds.west) / stepX);
  const height = cells((bounds.north - bounds.south) / stepY);
  const align = optionalTextOf(args, ID, 'align') ?? 'upper-left';
  return {
    crs, stepX, stepY, width, height,
    originX: align.endsWith('right') ? bounds.east - width * stepX : bounds.west,
    originY: align.startsWith('lower') ? bounds.south + height * stepY : bounds.north,
  };
}

/**
 * The grid with its corner on a multiple of the resolution, growing by less than a cell: embeddings of
 * different extents share their vectors then.
 */
function snapped(grid: Grid): Grid {
  const west = Math.floor(grid.originX / grid.stepX + 1e-6) * grid.stepX;
  const north = Math.ceil(grid.originY / grid.stepY - 1e-6) * grid.stepY;
  const width = Math.ceil((grid.originX - west) / grid.stepX + grid.width - 1e-6);
  const height = Math.ceil((north - grid.originY) / grid.stepY + grid.height - 1e-6);
  return { ...grid, originX: west, originY: north, width, height };
}

function boundsIn(source: Grid, crs: string): Bounds {
  try {
    return transformBounds(gridBounds(source), crs);
  } catch (cause) {
    throw invalidArgument(ID, 'projection', `the extent of the cube has no image in ${crs}`, { cause });
  }
}

/** Enough whole cells to cover a length; what a rounding error sticks out does not count. */
function cells(length: number): number {
  const count = Math.max(1, Math.ceil(length - 1e-6));
  if (count > MAX_EDGE) throw invalidArgument(ID, 'resolution', `the new grid would have ${count} cells along an edge; the limit is ${MAX_EDGE}`);
  return count;
}

function stepsOf(value: Value | undefined, source: Grid, bounds: Bounds): [number, number] {
  const [x, y] = (Array.isArray(value) ? value : [value ?? 0, value ?? 0]) as readonly Value[];
  const present = presentSteps(source, bounds);
  return [step(x, present[0]), step(y, present[1])];
}

function step(value: Value | undefined, present: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw invalidArgument(ID, 'resolution', 'it must be a number that is not negative, or two of them');
  return value === 0 ? present : value;
}

/** The present resolution; in another reference system square cells, as many along the diagonal as there are now. */
function presentSteps(source: Grid, bounds: Bounds): [number, number] {
  if (bounds.crs === source.crs) return [source.stepX, source.stepY];
  const diagonal = Math.hypot(bounds.east - bounds.west, bounds.north - bounds.south);
  const size = diagonal / Math.hypot(source.width, source.height);
  return [size, size];
}
