/**
 * Views: cubes that show samples of another cube without computing anything.
 *
 * A view that shows one window hands fingerprints through, so that a filtered cube and the whole one
 * share what is cached about their common cells.
 */
import { cropGrid, type CellWindow, type Grid } from '../geo/grid.ts';
import { withPickedBands } from './attributes.ts';
import { createBlock, type Block, type Window } from './block.ts';
import type { Cube, CubeAttributes, Resampling } from './cube.ts';
import { digest } from './digest.ts';
import { pickFrom, type Dimension } from './dimension.ts';
import { pasteBlock } from './paste.ts';
import { spatialAxes, withRange } from './window.ts';

export interface ViewParts {
  readonly dimensions: readonly Dimension[];
  readonly grid?: Grid | null;
  readonly attributes?: CubeAttributes;
  /** Where a window of the view lies in the cube; it must hold as many samples in the same order. */
  readonly toSource: (window: Window) => Window;
  readonly regrid?: ((grid: Grid, method: Resampling) => Cube) | undefined;
}

/** The same samples under other dimensions. */
export function viewCube(cube: Cube, { toSource, regrid, ...parts }: ViewParts): Cube {
  const { isEmpty } = cube;
  return cube.with({
    ...parts,
    ...(regrid && { regrid }),
    ...(isEmpty && { isEmpty: (window) => isEmpty(toSource(window)) }),
    read: async (window, signal) => ({ ...await cube.read(toSource(window), signal), shape: window.size }),
    fingerprint: (window) => cube.fingerprint(toSource(window)),
  });
}

/** `regrid` of a view that treats x and y as the cube does: the view of the regridded cube. */
export function forwardRegrid(cube: Cube, view: (regridded: Cube) => Cube): ((grid: Grid, method: Resampling) => Cube) | undefined {
  const { regrid } = cube;
  return regrid && ((grid, method) => view(regrid(grid, method)));
}

/** The cube with a part of its x and y cells. Needs a grid. Reading beyond the part gives the cube's own pixels. */
export function cropCells(cube: Cube, cells: CellWindow): Cube {
  const { x, y } = spatialAxes(cube.dimensions)!;
  const dimensions = cube.dimensions.with(x, { ...cube.dimensions[x]!, size: cells.width }).with(y, { ...cube.dimensions[y]!, size: cells.height });
  return viewCube(cube, {
    dimensions,
    grid: cropGrid(cube.grid!, cells),
    toSource: (window) => withRange(withRange(window, x, window.start[x]! + cells.x, window.size[x]!), y, window.start[y]! + cells.y, window.size[y]!),
    regrid: cube.regrid,
  });
}

/**
 * The cube with some labels of a dimension, given by their positions, in that order. On x and y a run of
 * neighbours keeps the grid, anything else loses it.
 */
export function pickLabels(cube: Cube, dimension: number, indices: readonly number[]): Cube {
  const old = cube.dimensions[dimension]!;
  const onGrid = cube.grid !== null && (old.axis === 'x' || old.axis === 'y');
  const runs = runsOf(indices);
  if (onGrid && runs.length === 1) return cropCells(cube, cellsOfRun(cube.grid!, old.axis === 'x', runs[0]!));
  const plain = onGrid ? withoutGrid(cube) : cube;
  const dimensions = plain.dimensions.with(dimension, pickFrom(plain.dimensions[dimension]!, indices));
  const attributes = old.type === 'bands' ? withPickedBands(cube.attributes, indices) : cube.attributes;
  const regrid = onGrid ? undefined : forwardRegrid(cube, (other) => pickLabels(other, dimension, indices));
  const wanted = (window: Window) => indices.slice(window.start[dimension]!, window.start[dimension]! + window.size[dimension]!);
  return plain.with({
    dimensions,
    attributes,
    ...(regrid && { regrid }),
    read: (window, signal) => readLabels(plain, window, dimension, wanted(window), signal),
    fingerprint: (window) => fingerprintLabels(plain, window, dimension, wanted(window)),
  });
}

/** The same cube with its x and y labels written out and no grid: after a change that a grid can't express. */
export function withoutGrid(cube: Cube): Cube {
  if (!cube.grid) return cube;
  return cube.with({ grid: null, dimensions: cube.dimensions.map((d) => ({ ...d, labels: cube.labels(d.name) })) });
}

/** Reads a window in which `dimension` holds the given labels (by position), whatever their order. */
export async function readLabels(cube: Cube, window: Window, dimension: number, indices: readonly number[], signal: AbortSignal): Promise<Block> {
  const runs = runsOf(indices);
  const part = (run: Run) => cube.read(withRange(window, dimension, run.start, run.size), signal);
  if (runs.length === 1) return part(runs[0]!);
  const size = window.size.with(dimension, indices.length);
  const out = createBlock(cube.dtype, size);
  const origin = size.map(() => 0);
  let at = 0;
  for (const run of runs) {
    const block = await part(run);
    pasteBlock(out, { start: origin, size }, block, { start: origin.with(dimension, at), size: block.shape });
    at += run.size;
  }
  return out;
}

/** Fingerprint of what `readLabels` reads. */
export async function fingerprintLabels(cube: Cube, window: Window, dimension: number, indices: readonly number[]): Promise<string> {
  const prints: string[] = [];
  for (const run of runsOf(indices)) prints.push(await cube.fingerprint(withRange(window, dimension, run.start, run.size)));
  return prints.length === 1 ? prints[0]! : digest(['labels', dimension, window.size, prints]);
}

interface Run {
  readonly start: number;
  readonly size: number;
}

/** Positions as runs of neighbours. */
function runsOf(indices: readonly number[]): Run[] {
  const runs: { start: number; size: number }[] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last && index === last.start + last.size) last.size++;
    else runs.push({ start: index, size: 1 });
  }
  return runs;
}

function cellsOfRun(grid: Grid, isX: boolean, { start, size }: Run): CellWindow {
  return isX ? { x: start, y: 0, width: size, height: grid.height } : { x: 0, y: start, width: grid.width, height: size };
}
