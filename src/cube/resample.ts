/** A cube on another grid, computed from its own pixels when somebody reads it. */
import { intersectWindows, type CellWindow, type Grid } from '../geo/grid.ts';
import { withNewValues } from './attributes.ts';
import { createBlock, createNullBlock, product, type Block, type Window } from './block.ts';
import type { Cube, Resampling } from './cube.ts';
import { digest } from './digest.ts';
import { pasteBlock } from './paste.ts';
import { permute } from './permute.ts';
import { createWarp, WARP_VERSION, warpedDType, type Warp } from './warp.ts';
import { cellsOf, spatialAxes, withCells } from './window.ts';

/** Source samples that one step may hold; larger windows are cut. */
const MAX_SAMPLES = 1 << 24;

/** Pixels that count beyond the source's extent, where it has any: halos and kernels reach there. */
const BEYOND = 512;

/** The cube on another grid: by its own `regrid` (overviews) when it has one, else by warping its pixels. The cube needs a grid. */
export function resampleCube(cube: Cube, target: Grid, method: Resampling): Cube {
  return cube.regrid ? cube.regrid(target, method) : warpCube(cube, target, method);
}

/**
 * `regrid` for a cube that computes each pixel from the same pixel of `source`: picking pixels and
 * computing them may change places, so `near` goes down to the source. Other methods need all pixels,
 * but for embeddings, which their source encodes anew and nobody may interpolate.
 */
export function pointwiseRegrid(source: Cube, derive: (source: Cube) => Cube): Cube['regrid'] {
  const { regrid } = source;
  return regrid && ((grid, method) => (method === 'near' || source.attributes.operator !== undefined ? derive(regrid(grid, method)) : warpCube(derive(source), grid, method)));
}

/** The cube on another grid, from its own pixels at full resolution. The cube needs a grid. */
export function warpCube(cube: Cube, target: Grid, method: Resampling): Cube {
  const source = cube.grid!;
  const axes = spatialAxes(cube.dimensions)!;
  const reader: Reader = { cube, axes, warp: createWarp(target, source, method), dtype: warpedDType(cube.dtype, method), limits: grown(source) };
  const sized = cube.dimensions.with(axes.x, { ...cube.dimensions[axes.x]!, size: target.width });
  const { anchor: _, blockSize: __, ...attributes } = method === 'near' ? cube.attributes : withNewValues(cube.attributes);
  return cube.with({
    dimensions: sized.with(axes.y, { ...sized[axes.y]!, size: target.height }),
    grid: target,
    dtype: reader.dtype,
    attributes,
    read: (window, signal) => readWarped(reader, window, signal),
    fingerprint: async (window) => digest(['resample', WARP_VERSION, method, target, source, window, await cube.fingerprint(sourceOf(reader, window))]),
  });
}

interface Reader {
  readonly cube: Cube;
  readonly axes: { readonly x: number; readonly y: number };
  readonly warp: Warp;
  readonly dtype: Block['dtype'];
  /** Cells of the source that are read at most. */
  readonly limits: CellWindow;
}

const grown = (grid: Grid): CellWindow => ({ x: -BEYOND, y: -BEYOND, width: grid.width + 2 * BEYOND, height: grid.height + 2 * BEYOND });

function sourceOf({ axes, warp, limits }: Reader, window: Window): Window {
  return withCells(window, axes.x, axes.y, intersectWindows(warp.sourceCells(cellsOf(window, axes.x, axes.y)), limits));
}

async function readWarped(reader: Reader, window: Window, signal: AbortSignal): Promise<Block> {
  const source = sourceOf(reader, window);
  const samples = product(source.size);
  if (samples === 0) return createNullBlock(reader.dtype, window.size);
  const halves = samples > MAX_SAMPLES ? halve(window) : null;
  if (!halves) return warpWindow(reader, await reader.cube.read(source, signal), source, window);
  const out = createBlock(reader.dtype, window.size);
  for (const half of halves) pasteBlock(out, window, await readWarped(reader, half, signal), half);
  return out;
}

/** Two windows cut across the first dimension that can be cut, or across the longer one of x and y, which come last. */
function halve(window: Window): [Window, Window] | null {
  const longest = Math.max(...window.size);
  if (longest <= 1) return null;
  const at = window.size.indexOf(longest);
  const first = Math.ceil(longest / 2);
  return [
    { start: window.start, size: window.size.with(at, first) },
    { start: window.start.with(at, window.start[at]! + first), size: window.size.with(at, longest - first) },
  ];
}

function warpWindow({ axes, warp }: Reader, block: Block, source: Window, window: Window): Block {
  const rank = window.size.length;
  const others = window.size.map((_, i) => i).filter((i) => i !== axes.x && i !== axes.y);
  const order = [...others, axes.y, axes.x];
  const flat = (b: Block) => ({ ...b, shape: [product(b.shape.slice(0, rank - 2)), ...b.shape.slice(rank - 2)] });
  const warped = warp.run(flat(permute(block, order)), cellsOf(source, axes.x, axes.y), cellsOf(window, axes.x, axes.y));
  const shape = order.map((i) => window.size[i]!);
  return permute({ ...warped, shape }, order.map((_, i) => order.indexOf(i)));
}
