/** apply_kernel: a weighted sum of the surroundings of every pixel. */
import { withNewValues } from '../../cube/attributes.ts';
import { createBlock, createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { arithmeticDType } from '../../cube/dtype.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { permute } from '../../cube/permute.ts';
import { commonWindow, isEmptyWindow, isSameWindow, spatialAxes, withCells, withRange } from '../../cube/window.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Arguments, Value } from '../../graph/value.ts';
import { cubeOf, listOf } from './arguments.ts';
import { borders, type Border } from './borders.ts';
import { meaningOf } from './fingerprint.ts';

const ID = 'apply_kernel';

export const applyKernel: Implementation = {
  run(args) {
    const cube = cubeOf(args, ID);
    const axes = spatialAxes(cube.dimensions);
    if (!axes) throw invalidArgument(ID, 'data', 'the cube has no x and y dimensions');
    return convolved(cube, axes, filterOf(args), meaningOf(ID, args));
  },
};

interface Filter {
  readonly weights: readonly (readonly number[])[];
  readonly factor: number;
  readonly border: number | Border;
  readonly invalid: number;
}

function filterOf(args: Arguments): Filter {
  const weights = listOf(args, ID, 'kernel').map((row) => (Array.isArray(row) ? (row as readonly Value[]) : []).map(Number));
  const width = weights[0]?.length ?? 0;
  if (weights.some((row) => row.length !== width || row.some((w) => !Number.isFinite(w)))) throw invalidArgument(ID, 'kernel', 'it must be rows of numbers, all of the same length');
  if (weights.length % 2 === 0 || width % 2 === 0) throw new OpenEOError('KernelDimensionsUneven', {}, { detail: `The kernel has ${weights.length} rows and ${width} columns.` });
  const border = args['border'] ?? 0;
  if (typeof border !== 'number' && !(typeof border === 'string' && border in borders)) throw invalidArgument(ID, 'border', `it must be a number or one of ${Object.keys(borders).join(', ')}`);
  return { weights, factor: Number(args['factor'] ?? 1), border: border as number | Border, invalid: Number(args['replace_invalid'] ?? 0) };
}

function convolved(cube: Cube, axes: { x: number; y: number }, filter: Filter, meaning: string): Cube {
  const dtype = arithmeticDType(cube.dtype);
  return cube.with({
    dtype,
    attributes: withNewValues(cube.attributes),
    read: async (window, signal) => {
      // Beyond its extent the border's rule holds and not the source's pixels, so there is nothing to give there.
      const inside = commonWindow(window, extentOf(cube, axes, window));
      if (isEmptyWindow(inside)) return createNullBlock(dtype, window.size);
      const block = await filtered(cube, axes, filter, inside, signal);
      if (isSameWindow(inside, window)) return block;
      const out = createNullBlock(dtype, window.size);
      pasteBlock(out, window, block, inside);
      return out;
    },
    fingerprint: async (window) => {
      const inside = commonWindow(window, extentOf(cube, axes, window));
      const place = [axes.x, axes.y].map((i) => [inside.start[i]! - window.start[i]!, inside.start[i], cube.dimensions[i]!.size]);
      return digest([meaning, window.size, place, isEmptyWindow(inside) ? null : await cube.fingerprint(sourceOf(cube, axes, filter, inside))]);
    },
  });
}

function extentOf(cube: Cube, axes: { x: number; y: number }, window: Window): Window {
  return withCells(window, axes.x, axes.y, { x: 0, y: 0, width: cube.dimensions[axes.x]!.size, height: cube.dimensions[axes.y]!.size });
}

/** The window and its surroundings, as far as the cube goes; the whole axis where the border wraps around. */
function sourceOf(cube: Cube, axes: { x: number; y: number }, { weights, border }: Filter, window: Window): Window {
  const grown = [[axes.y, weights.length], [axes.x, weights[0]!.length]].reduce((w, [axis, size]) => {
    const { size: length } = cube.dimensions[axis!]!;
    const reach = (size! - 1) / 2;
    const first = w.start[axis!]! - reach;
    const last = w.start[axis!]! + w.size[axis!]! + reach;
    const isBeyond = first < 0 || last > length;
    return border === 'wrap' && isBeyond ? withRange(w, axis!, 0, length) : withRange(w, axis!, first, last - first);
  }, window);
  return commonWindow(grown, extentOf(cube, axes, grown));
}

async function filtered(cube: Cube, axes: { x: number; y: number }, filter: Filter, window: Window, signal: AbortSignal): Promise<Block> {
  const source = sourceOf(cube, axes, filter, window);
  const order = [...window.size.keys()].filter((i) => i !== axes.x && i !== axes.y).concat(axes.y, axes.x);
  const block = permute(await cube.read(source, signal), order);
  const out = createBlock(arithmeticDType(cube.dtype), order.map((i) => window.size[i]!));
  const rows = lookups(window.start[axes.y]!, window.size[axes.y]!, filter.weights.length, source.start[axes.y]!, cube.dimensions[axes.y]!.size, filter.border);
  const columns = lookups(window.start[axes.x]!, window.size[axes.x]!, filter.weights[0]!.length, source.start[axes.x]!, cube.dimensions[axes.x]!.size, filter.border);
  const [height, width] = [source.size[axes.y]!, source.size[axes.x]!];
  const layers = product(out.shape) / (rows.count * columns.count || 1);
  for (let layer = 0; layer < layers; layer++) convolve(block, layer * height * width, width, out, layer * rows.count * columns.count, rows, columns, filter);
  return permute(out, order.map((_, i) => order.indexOf(i)));
}

/** For every cell and kernel element of one axis, the position in the source block; −1 for the border's constant. */
interface Lookups {
  readonly count: number;
  readonly reach: number;
  readonly at: Int32Array;
}

function lookups(start: number, count: number, size: number, sourceStart: number, length: number, border: number | Border): Lookups {
  const reach = (size - 1) / 2;
  const at = new Int32Array(count + 2 * reach).map((_, i) => {
    const position = start + i - reach;
    if (position >= 0 && position < length) return position - sourceStart;
    return typeof border === 'number' ? -1 : borders[border](position, length) - sourceStart;
  });
  return { count, reach, at };
}

/**
 * One layer. The surroundings are laid out first, valid everywhere, so that each element of the kernel is a plain
 * loop over a row; the products are added in the order of the kernel.
 */
function convolve(block: Block, base: number, width: number, out: Block, to: number, rows: Lookups, columns: Lookups, filter: Filter): void {
  const around = surroundings(block, base, width, rows, columns, filter);
  const span = columns.at.length;
  const sums = new Float64Array(columns.count);
  for (let r = 0; r < rows.count; r++) {
    sums.fill(0);
    filter.weights.forEach((row, i) => row.forEach((weight, j) => addProducts(sums, weight, around, (r + i) * span + j)));
    for (let c = 0; c < sums.length; c++) out.data[to + r * sums.length + c] = sums[c]! * filter.factor;
  }
}

function addProducts(sums: Float64Array, weight: number, values: Float64Array, from: number): void {
  for (let c = 0; c < sums.length; c++) sums[c]! += weight * values[from + c]!;
}

/** The layer with what lies around it by the border's rule; what is not valid is replaced. */
function surroundings({ data, nulls }: Block, base: number, width: number, rows: Lookups, columns: Lookups, { border, invalid }: Filter): Float64Array {
  const outside = typeof border === 'number' ? border : 0;
  const values = new Float64Array(rows.at.length * columns.at.length);
  let to = 0;
  for (const row of rows.at) {
    for (const column of columns.at) {
      const at = base + row * width + column;
      values[to++] = row < 0 || column < 0 ? outside : nulls?.[at] || !Number.isFinite(data[at]!) ? invalid : data[at]!;
    }
  }
  return values;
}
