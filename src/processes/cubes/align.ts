/** Bringing two cubes onto one lattice. */
import type { Cube, Resampling } from '../../cube/cube.ts';
import { resampleCube } from '../../cube/resample.ts';
import { cropCells } from '../../cube/view.ts';
import { invalidArgument } from '../../errors.ts';
import { isSameLattice, latticeOffset, type Grid } from '../../geo/grid.ts';

/**
 * `cube` with its cells counted like those of `grid`: nothing moves on the same lattice, otherwise the
 * nearest pixels are picked. Embeddings are encoded anew on the grid, or refused (see encodeAnew).
 */
export function alignTo(cube: Cube, grid: Grid, where: { process: string; parameter: string }): Cube {
  if (!cube.grid) return cube;
  if (isSameLattice(grid, cube.grid)) {
    const { x, y } = latticeOffset(cube.grid, grid);
    const isAligned = x === 0 && y === 0 && cube.grid.width === grid.width && cube.grid.height === grid.height;
    return isAligned ? cube : cropCells(cube, { x, y, width: grid.width, height: grid.height });
  }
  if (cube.attributes.operator !== undefined) return encodeAnew(cube, grid, 'near', where);
  return resampleCube(cube, grid, 'near');
}

/**
 * Embeddings on another grid: the raw pixels are encoded again there (`method` is how these come onto it).
 * Throws OperatorGridUnsuitable when the operator can't be applied at that resolution, and
 * ProcessParameterInvalid for vectors that are no longer tied to their pixels.
 */
export function encodeAnew(cube: Cube, grid: Grid, method: Resampling, where: { process: string; parameter: string }): Cube {
  if (!cube.regrid) refuseEmbeddings(cube, where);
  return resampleCube(cube, grid, method);
}

/** Throws ProcessParameterInvalid for a cube of embeddings: there is nothing between two vectors. */
export function refuseEmbeddings(cube: Cube, { process, parameter }: { process: string; parameter: string }): void {
  if (cube.attributes.operator === undefined) return;
  throw invalidArgument(process, parameter, `the cube holds embeddings of ${cube.attributes.operator}, which can't be moved to another grid: resample the raw data before compress_embed`);
}
