/**
 * Embeddings on a grid of the caller's choice. There is nothing between two vectors, so they are not
 * moved: the raw pixels are put on the lattice that has its patches where the grid has its cells, and are
 * encoded anew. A patch operator at p pixels needs pixels of 1/p of a cell.
 */
import { OpenEOError } from '../errors.ts';
import { resampleCube } from '../cube/resample.ts';
import { cropCells } from '../cube/view.ts';
import type { Cube } from '../cube/cube.ts';
import { isGeographic } from '../geo/crs.ts';
import { cropGrid, type CellWindow, type Grid } from '../geo/grid.ts';
import type { Onto } from '../graph/scope.ts';
import type { OperatorManifest } from '../operators/operator.ts';

/** The pixels whose patches are the cells of `vectors`. Throws OperatorGridUnsuitable, saying which resolutions can be had. */
export function pixelGrid(vectors: Grid, operator: OperatorManifest): Grid {
  const { patch, input } = operator;
  checkCells(vectors, operator, input.gsd_range.map((gsd) => gsd * patch) as [number, number]);
  return { ...vectors, stepX: vectors.stepX / patch, stepY: vectors.stepY / patch, width: vectors.width * patch, height: vectors.height * patch };
}

function checkCells({ crs, stepX, stepY }: Grid, { name, patch, input }: OperatorManifest, [low, high]: readonly [number, number]): void {
  const unsuitable = (reason: string) => new OpenEOError('OperatorGridUnsuitable', { operator: name, reason });
  const how = `vectors can't be interpolated, they are computed anew from pixels on the grid that is asked for; choose a resolution of ${low} to ${high} m${patch > 1 ? ` (${patch} × ${patch} pixels of ${input.gsd_range.join(' to ')} m)` : ''}, or embed first and resample what you derive from the vectors`;
  if (isGeographic(crs)) throw unsuitable(`${crs} has degrees, where pixels are not square: ${how} in a projected CRS`);
  for (const step of [stepX, stepY]) if (step < low * 0.999 || step > high * 1.001) throw unsuitable(`a resolution of ${step} m would need pixels of ${step / patch} m: ${how}`);
}

/** Requests are cut out of grids whose corners lie on every so many-th cell, so that near ones come from the same grid. */
const COMMON_CELLS = 4096;

/**
 * The data on these pixels. Patches begin at the corners of the grid that was asked for, and they are
 * counted from the CRS origin, so that grids which share a lattice share their vectors.
 */
export function onPixels(data: Cube, { grid, method, patch }: Onto): Cube {
  const common = commonCells(grid);
  const cube = cropCells(resampleCube(data, cropGrid(grid, common), method), { x: -common.x, y: -common.y, width: grid.width, height: grid.height });
  const phase = (origin: number, step: number) => origin - Math.round(origin / (step * patch)) * step * patch;
  const anchor = { x: phase(grid.originX, grid.stepX), y: phase(grid.originY, grid.stepY) };
  return cube.with({ attributes: { ...cube.attributes, anchor } });
}

/** The cells of the common grid, as seen from the first cell of `grid`. */
function commonCells(grid: Grid): CellWindow {
  const range = (index: number, size: number): [number, number] => {
    const first = Math.floor(index / COMMON_CELLS) * COMMON_CELLS;
    return [first - index, Math.ceil((index + size) / COMMON_CELLS) * COMMON_CELLS - first];
  };
  const [x, width] = range(Math.round(grid.originX / grid.stepX), grid.width);
  const [y, height] = range(Math.round(-grid.originY / grid.stepY), grid.height);
  return { x, y, width, height };
}
