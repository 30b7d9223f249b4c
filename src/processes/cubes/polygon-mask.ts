/** Cubes of which only what lies in geometries, or only what lies outside, keeps its values. */
import { withNewValues } from '../../cube/attributes.ts';
import { createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Geometries } from '../../cube/dimension.ts';
import { allocate, isFloat, type DType } from '../../cube/dtype.ts';
import { shapesDigest } from '../../cube/geometries.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { cellsOf, spatialAxes } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import { Coverage } from '../../geo/coverage.ts';
import { cropGrid, type Grid } from '../../geo/grid.ts';
import { commonDType, dtypeOfNumber } from '../../graph/result-dtype.ts';

export interface MaskWish {
  readonly geometries: Geometries;
  /** True: what lies in the geometries is replaced; false: what lies outside. */
  readonly inside: boolean;
  /** null: no-data. */
  readonly replacement: number | null;
}

/** The grid of a cube of pixels; throws ProcessParameterInvalid without one. */
export function gridOf(cube: Cube, process: string): Grid {
  if (cube.grid && spatialAxes(cube.dimensions)) return cube.grid;
  const names = cube.dimensions.map((d) => `'${d.name}'`).join(', ') || 'none';
  throw invalidArgument(process, 'data', `it must be a data cube with pixels on a regular grid; this cube has the dimensions ${names}`);
}

/** The cube with its values replaced by the wish. No-data stays no-data. The cube needs a grid. */
export function maskByGeometries(cube: Cube, wish: MaskWish): Cube {
  const shapes = shapesDigest(wish.geometries);
  const derive = (source: Cube) => masked(source, wish, shapes);
  const regrid = pointwiseRegrid(cube, derive);
  return regrid ? derive(cube).with({ regrid, ...isEmptyOf(derive(cube)) }) : derive(cube);
}

const isEmptyOf = ({ isEmpty }: Cube) => (isEmpty ? { isEmpty } : {});

function masked(cube: Cube, { geometries, inside, replacement }: MaskWish, shapes: string): Cube {
  const grid = cube.grid!;
  const axes = spatialAxes(cube.dimensions)!;
  const coverage = new Coverage(grid, geometries.shapes, geometries.crs);
  const dtype = dtypeWith(cube.dtype, replacement);
  const hits = (window: Window) => coverage.mask(cellsOf(window, axes.x, axes.y));
  const { isEmpty } = cube;
  return cube.with({
    dtype,
    attributes: replacement === null ? cube.attributes : withNewValues(cube.attributes),
    read: async (window, signal) => {
      const mask = hits(window);
      if (mask === null && !inside && replacement === null) return createNullBlock(dtype, window.size);
      const block = await cube.read(window, signal);
      return mask === null && inside ? asType(block, dtype) : replaced(block, { mask, inside, replacement, dtype, axes });
    },
    fingerprint: async (window) => digest([shapes, inside, replacement, placeOf(grid, window, axes), await cube.fingerprint(window)]),
    ...(isEmpty && { isEmpty }),
  });
}

function dtypeWith(dtype: DType, replacement: number | null): DType {
  return replacement === null || isFloat(dtype) || dtype === 'bool' ? dtype : commonDType(dtype, dtypeOfNumber(replacement));
}

/** Where the window lies, in thousandths of a cell: the same place has the same numbers in whatever cube. */
function placeOf(grid: Grid, window: Window, axes: Axes): unknown {
  const { crs, originX, originY, stepX, stepY, width, height } = cropGrid(grid, cellsOf(window, axes.x, axes.y));
  return [crs, stepX, stepY, Math.round((originX / stepX) * 1000), Math.round((originY / stepY) * 1000), width, height];
}

interface Axes {
  readonly x: number;
  readonly y: number;
}

interface Replacement {
  /** 1 for cells in the geometries, row by row; null: there are none. */
  readonly mask: Uint8Array | null;
  readonly inside: boolean;
  readonly replacement: number | null;
  readonly dtype: DType;
  readonly axes: Axes;
}

function asType(block: Block, dtype: DType): Block {
  if (block.dtype === dtype) return block;
  const data = allocate(dtype, block.data.length);
  data.set(block.data);
  return { ...block, dtype, data };
}

function replaced(block: Block, { mask, inside, replacement, dtype, axes }: Replacement): Block {
  const { shape } = block;
  const data = allocate(dtype, block.data.length);
  data.set(block.data);
  const nulls = block.nulls?.slice() ?? (replacement === null ? new Uint8Array(data.length) : null);
  const [width, height] = [shape[axes.x]!, shape[axes.y]!];
  const stepX = product(shape.slice(axes.x + 1));
  const stepY = product(shape.slice(axes.y + 1));
  const wanted = inside ? 1 : 0;
  for (const start of planeStarts(shape, axes)) {
    for (let row = 0, cell = 0; row < height; row++) {
      for (let column = 0, at = start + row * stepY; column < width; column++, cell++, at += stepX) {
        if ((mask?.[cell] ?? 0) !== wanted) continue;
        if (replacement === null) nulls![at] = 1;
        else if (nulls?.[at] !== 1) data[at] = replacement;
      }
    }
  }
  return { dtype, shape, data, nulls };
}

/** Offset of the first cell of every plane of x and y. */
function planeStarts(shape: readonly number[], axes: Axes): number[] {
  let starts = [0];
  for (const [i, size] of shape.entries()) {
    if (i === axes.x || i === axes.y) continue;
    const step = product(shape.slice(i + 1));
    starts = starts.flatMap((start) => Array.from({ length: size }, (_, k) => start + k * step));
  }
  return starts;
}
