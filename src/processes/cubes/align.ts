/** Bringing two cubes onto one lattice. */
import type { Cube } from '../../cube/cube.ts';
import { resampleCube } from '../../cube/resample.ts';
import { cropCells } from '../../cube/view.ts';
import { invalidArgument } from '../../errors.ts';
import { isSameLattice, latticeOffset, type Grid } from '../../geo/grid.ts';

/**
 * `cube` with its cells counted like those of `grid`: nothing moves on the same lattice, otherwise the
 * nearest pixels are picked. Cubes of embeddings are refused off their lattice (ProcessParameterInvalid).
 */
export function alignTo(cube: Cube, grid: Grid, where: { process: string; parameter: string }): Cube {
  if (!cube.grid) return cube;
  if (isSameLattice(grid, cube.grid)) {
    const { x, y } = latticeOffset(cube.grid, grid);
    const isAligned = x === 0 && y === 0 && cube.grid.width === grid.width && cube.grid.height === grid.height;
    return isAligned ? cube : cropCells(cube, { x, y, width: grid.width, height: grid.height });
  }
  refuseEmbeddings(cube, where);
  return resampleCube(cube, grid, 'near');
}

/** Throws ProcessParameterInvalid for a cube of embeddings: there is nothing between two vectors. */
export function refuseEmbeddings(cube: Cube, { process, parameter }: { process: string; parameter: string }): void {
  if (cube.attributes.operator === undefined) return;
  throw invalidArgument(process, parameter, `the cube holds embeddings of ${cube.attributes.operator}, which can't be moved to another grid: resample the raw data before compress_embed`);
}
