/** aggregate_spatial_window: one value for every rectangle of pixels. */
import { withNewValues } from '../../cube/attributes.ts';
import { createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube, CubeAttributes } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { permute } from '../../cube/permute.ts';
import { commonWindow, isEmptyWindow, spatialAxes, splitWindow, withRange } from '../../cube/window.ts';
import { invalidArgument } from '../../errors.ts';
import type { Grid } from '../../geo/grid.ts';
import type { Kernel } from '../../graph/kernel.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Arguments } from '../../graph/value.ts';
import { callbackOf, contextOf, cubeOf, listOf, textOf } from './arguments.ts';
import { meaningOf } from './fingerprint.ts';
import { MAX_SAMPLES } from './kernels.ts';
import { compileList, MAX_PIXELS } from './pixel-lists.ts';
import { insideOf, readPadded } from './sub-cube.ts';

const ID = 'aggregate_spatial_window';

export const aggregateSpatialWindow: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const axes = spatialAxes(cube.dimensions);
    if (!axes) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions');
    const tiling = tilingOf(cube, axes, args);
    const reducer = { process: ID, reducer: callbackOf(args, ID, 'reducer'), constants: contextOf(args) };
    return aggregated(cube, tiling, compileList(reducer, cube.dtype, tiling.x.size * tiling.y.size), meaningOf(ID, args));
  },
};

/** How one axis is cut: window `i` holds the `size` positions from `first + i · size`, which may lie beyond the cube. */
interface Cut {
  readonly at: number;
  readonly size: number;
  readonly first: number;
  readonly count: number;
}

interface Tiling {
  readonly x: Cut;
  readonly y: Cut;
}

function tilingOf(cube: Cube, axes: { x: number; y: number }, args: Arguments): Tiling {
  const sizes = listOf(args, ID, 'size').map(Number);
  const [width, height] = sizes;
  if (sizes.length !== 2 || sizes.some((n) => !Number.isSafeInteger(n) || n < 1)) throw invalidArgument(ID, 'size', 'it must be two whole numbers of pixels, along x and along y, from 1 on');
  if (width! * height! > MAX_PIXELS) throw invalidArgument(ID, 'size', `a window of ${width} × ${height} pixels is too large, at most ${MAX_PIXELS} pixels are possible`);
  const isTrimmed = args['boundary'] === 'trim';
  const [vertical, horizontal] = textOf(args, ID, 'align').split('-');
  const cut = (at: number, size: number, isFromStart: boolean): Cut => {
    const { size: length, name } = cube.dimensions[at]!;
    const count = isTrimmed ? Math.floor(length / size) : Math.ceil(length / size);
    if (count === 0) throw invalidArgument(ID, 'size', `no window of ${size} fits into the ${length} pixels along '${name}'; with the boundary 'pad' it is filled up with no-data`);
    return { at, size, count, first: isFromStart ? 0 : length - count * size };
  };
  return {
    x: cut(axes.x, width!, (horizontal === 'left') === isAscending(cube, axes.x)),
    y: cut(axes.y, height!, (vertical === 'lower') === isAscending(cube, axes.y)),
  };
}

/** Whether coordinates grow along a dimension: x does on a grid, y does not. */
function isAscending(cube: Cube, at: number): boolean {
  const { axis, labels } = cube.dimensions[at]!;
  return labels ? labels[0]! <= labels.at(-1)! : axis === 'x';
}

function aggregated(cube: Cube, tiling: Tiling, kernel: Kernel, meaning: string): Cube {
  const { x, y } = tiling;
  const pixels = x.size * y.size;
  const dimensions = cube.dimensions.with(x.at, coarse(cube, x)).with(y.at, coarse(cube, y));
  const inside = (window: Window) => commonWindow(window, { start: dimensions.map(() => 0), size: dimensions.map((d) => d.size) });
  return cube.with({
    dimensions,
    grid: cube.grid && coarseGrid(cube.grid, tiling),
    dtype: kernel.dtype,
    attributes: attributesOf(cube.attributes),
    read: async (window, signal) => {
      const out = createNullBlock(kernel.dtype, window.size);
      for (const part of splitWindow(inside(window), Math.max(1, Math.floor(MAX_SAMPLES / pixels)))) {
        const source = sourceOf(tiling, part);
        pasteBlock(out, window, reduce(await readPadded(cube, source, insideOf(cube, source), signal), tiling, kernel), part);
      }
      return out;
    },
    fingerprint: async (window) => {
      const part = inside(window);
      const source = sourceOf(tiling, part);
      const seen = insideOf(cube, source);
      const place = [part.start.map((s, i) => s - window.start[i]!), seen.start.map((s, i) => s - source.start[i]!)];
      return digest([meaning, window.size, part.size, place, isEmptyWindow(seen) ? null : await cube.fingerprint(seen)]);
    },
  });
}

/** The dimension with a label for the centre of every window; on a grid the grid has them. */
function coarse(cube: Cube, { at, size, first, count }: Cut): Dimension {
  const dimension = cube.dimensions[at]!;
  const { name, labels } = dimension;
  if (!labels) return { ...dimension, size: count };
  if (!labels.every((label) => typeof label === 'number')) throw invalidArgument(ID, 'data', `the labels of '${name}' are no numbers, so windows have no centre`);
  const last = labels.length - 1;
  const step = last > 0 ? (labels[last]! - labels[0]!) / last : 0;
  const at0 = (position: number) => labels[position] ?? labels[0]! + position * step;
  const centre = (start: number) => (at0(start) + at0(start + size - 1)) / 2;
  return { ...dimension, size: count, labels: Array.from({ length: count }, (_, i) => centre(first + i * size)) };
}

function coarseGrid(grid: Grid, { x, y }: Tiling): Grid {
  return {
    ...grid,
    originX: grid.originX + x.first * grid.stepX, stepX: grid.stepX * x.size, width: x.count,
    originY: grid.originY - y.first * grid.stepY, stepY: grid.stepY * y.size, height: y.count,
  };
}

function attributesOf(attributes: CubeAttributes): CubeAttributes {
  const { anchor: _, blockSize: __, ...kept } = withNewValues(attributes);
  return kept;
}

function sourceOf({ x, y }: Tiling, window: Window): Window {
  return [x, y].reduce((w, { at, size, first }) => withRange(w, at, first + w.start[at]! * size, w.size[at]! * size), window);
}

/** Brings the pixels of every window together, so that the kernel finds them along one dimension. */
function reduce(block: Block, { x, y }: Tiling, kernel: Kernel): Block {
  const order = [...block.shape.keys()].filter((i) => i !== x.at && i !== y.at).concat(y.at, x.at);
  const [rows, columns] = [block.shape[y.at]! / y.size, block.shape[x.at]! / x.size];
  const layers = order.slice(0, -2).map((i) => block.shape[i]!);
  const split = { ...permute(block, order), shape: [product(layers) * rows, y.size, columns, x.size] };
  const { data, nulls } = kernel.run([permute(split, [0, 1, 3, 2])], product(layers) * rows, columns);
  return permute({ dtype: kernel.dtype, shape: [...layers, rows, columns], data, nulls }, order.map((_, i) => order.indexOf(i)));
}
