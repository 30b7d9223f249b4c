/** A cube computed by a function of the user, chunk by chunk. */
import { withNewValues, withoutBands } from '../../cube/attributes.ts';
import { createBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Dimension, Label } from '../../cube/dimension.ts';
import { allocate, arithmeticDType } from '../../cube/dtype.ts';
import { cropBlock, pasteBlock } from '../../cube/paste.ts';
import { cellsOf, isSameWindow, spatialAxes, splitWindow, withRange } from '../../cube/window.ts';
import { OpenEOError } from '../../errors.ts';
import { axisLabels, cropGrid } from '../../geo/grid.ts';
import type { UdfDimension, UdfSandbox, UdfSamples } from '../../graph/udf.ts';
import { KeptBlocks } from './kept-blocks.ts';

/** Samples of a chunk, given or returned: small enough for the memory of a sandbox, large enough to be worth the way. */
const CHUNK_SAMPLES = 1 << 18;
/** Chunks hold all dates, but results are often written date by date. */
const KEPT_BYTES = 32 * 2 ** 20;
/** Without x and y there is one chunk only. */
const MAX_WHOLE = 1 << 21;

/**
 * The cube that the function makes of `cube`. Chunks hold all labels of all dimensions but x and y, which
 * the function can't change. `meaning` is a digest of code and context.
 */
export async function udfCube(cube: Cube, sandbox: UdfSandbox, meaning: string, signal: AbortSignal): Promise<Cube> {
  const plan = planOf(cube, await sandbox.call({ kind: 'describe', dimensions: describable(cube) }, signal));
  const samples = Math.max(...[cube.dimensions, plan.dimensions].map((list) => product(list.filter((d) => !isCell(cube, d)).map((d) => d.size))));
  if (samples > (cube.grid ? CHUNK_SAMPLES * 8 : MAX_WHOLE)) throw failed(`a single pixel of the cube has ${samples} values, too many for a function; reduce dates or bands before`);
  const dtype = arithmeticDType(cube.dtype);
  const kept = new KeptBlocks(KEPT_BYTES);
  const keepsBands = plan.dimensions.some((d) => d.type === 'bands' && cube.dimensions.includes(d));
  return cube.with({
    dimensions: plan.dimensions,
    dtype,
    attributes: keepsBands ? withNewValues(cube.attributes) : withoutBands(cube.attributes),
    read: async (window, reading) => {
      const out = createBlock(dtype, window.size);
      const whole = wholeChunk(plan, window);
      for (const piece of splitWindow(whole, Math.max(1, Math.floor(CHUNK_SAMPLES / samples)) * sizeBeside(plan, whole), beside(plan))) {
        const key = JSON.stringify(piece);
        const part = cut(plan, piece, window);
        const block = kept.get(key) ?? await compute(cube, plan, sandbox, piece, reading);
        if (!isSameWindow(part, piece)) kept.keep(key, block);
        pasteBlock(out, window, cropBlock(block, piece, part), part);
      }
      return out;
    },
    fingerprint: async (window) => digest(['run_udf', meaning, plan.dimensions.map((d) => [d.name, d.labels ?? null]), window.size, rangesBeside(plan, window), await cube.fingerprint(inputOf(cube, plan, window))]),
  });
}

interface Plan {
  readonly dimensions: readonly Dimension[];
  /** Positions of x and y on the grid in the result and in the source; null: the cube has no grid. */
  readonly cells: { readonly out: Axes; readonly source: Axes } | null;
}

interface Axes {
  readonly x: number;
  readonly y: number;
}

/** x and y of a cube with a grid: what chunks are cut along. */
const isCell = (cube: Cube, { axis }: Dimension) => cube.grid !== null && (axis === 'x' || axis === 'y');

/** What the function may describe anew: all but x and y. */
function describable(cube: Cube): UdfDimension[] {
  return cube.dimensions.filter((d) => !isCell(cube, d)).map(({ name, type }) => ({ name, type, labels: cube.labels(name) }));
}

function planOf(cube: Cube, described: readonly UdfDimension[] | null): Plan {
  const cells = cube.dimensions.filter((d) => isCell(cube, d));
  const dimensions = described === null ? cube.dimensions : [...described.map((d) => dimensionOf(cube, d)), ...cells];
  const names = dimensions.map((d) => d.name);
  if (new Set(names).size < names.length) throw failed(`describe() gives the dimensions ${names.join(', ')}, of which some have the same name`);
  return { dimensions, cells: cube.grid ? { out: spatialAxes(dimensions)!, source: spatialAxes(cube.dimensions)! } : null };
}

/** A described dimension: the cube's own when it is unchanged, so that nothing known about it is lost. */
function dimensionOf(cube: Cube, { name, type, labels }: UdfDimension): Dimension {
  if (typeof name !== 'string' || name === '') throw failed('describe() gives a dimension without a name');
  const isLabel = (label: unknown): label is Label => (typeof label === 'string' && label.length <= 200) || (typeof label === 'number' && Number.isFinite(label));
  if (!Array.isArray(labels) || labels.length > 100_000 || !labels.every(isLabel)) throw failed(`describe() must give an array of texts and numbers as labels of '${name}'`);
  const own = cube.dimensions.find((d) => d.name === name);
  if (own && own.type === type && own.labels?.length === labels.length && own.labels.every((label, i) => label === labels[i])) return own;
  const kind = ['temporal', 'bands', 'other'].find((known) => known === type) as 'temporal' | 'bands' | 'other' | undefined;
  if (kind === undefined) throw failed(`describe() gives '${name}' the type '${String(type)}'; new dimensions are temporal, bands or other`);
  return { name, type: kind, size: labels.length, labels };
}

const failed = (reason: string) => new OpenEOError('UdfFailed', { reason });

/** Positions in the result of all dimensions but x and y. */
const beside = ({ dimensions, cells }: Plan) => dimensions.map((_, i) => i).filter((i) => !cells || (i !== cells.out.x && i !== cells.out.y));

const sizeBeside = (plan: Plan, { size }: Window) => product(beside(plan).map((i) => size[i]!));

const rangesBeside = (plan: Plan, { start }: Window) => beside(plan).map((i) => start[i]);

/** The window with all labels beside x and y. */
function wholeChunk(plan: Plan, window: Window): Window {
  return beside(plan).reduce((whole, i) => withRange(whole, i, 0, plan.dimensions[i]!.size), window);
}

/** The part of a chunk that was asked for. */
function cut(plan: Plan, piece: Window, window: Window): Window {
  return beside(plan).reduce((part, i) => withRange(part, i, window.start[i]!, window.size[i]!), piece);
}

/** What the function is given for a window of the result. */
function inputOf(cube: Cube, { cells }: Plan, { start, size }: Window): Window {
  const whole = cube.fullWindow();
  if (!cells) return whole;
  const { out, source } = cells;
  return withRange(withRange(whole, source.x, start[out.x]!, size[out.x]!), source.y, start[out.y]!, size[out.y]!);
}

async function compute(cube: Cube, plan: Plan, sandbox: UdfSandbox, piece: Window, signal: AbortSignal): Promise<Block> {
  const window = inputOf(cube, plan, piece);
  const samples = samplesOf(await cube.read(window, signal));
  const { data, nulls } = await sandbox.call({ kind: 'chunk', dimensions: dimensionsIn(cube, window), samples, expected: piece.size }, signal);
  const dtype = arithmeticDType(cube.dtype);
  const stored = allocate(dtype, data.length);
  stored.set(data);
  return { dtype, shape: piece.size, data: stored, nulls };
}

/** The dimensions with the labels of a window, which may reach beyond the cube on x and y. */
function dimensionsIn(cube: Cube, window: Window): UdfDimension[] {
  const grid = cube.grid && cropGrid(cube.grid, cellsOf(window, spatialAxes(cube.dimensions)!.x, spatialAxes(cube.dimensions)!.y));
  return cube.dimensions.map(({ name, type, axis }) => ({
    name, type, labels: grid && (axis === 'x' || axis === 'y') ? axisLabels(grid, axis) : cube.labels(name),
  }));
}

/** Samples as functions see them: no-data is flagged and reads as NaN. */
export function samplesOf({ data, nulls }: Pick<Block, 'data' | 'nulls'>): UdfSamples {
  const copy = Float64Array.from(data);
  if (nulls) for (let i = 0; i < copy.length; i++) if (nulls[i] === 1) copy[i] = NaN;
  return { data: copy, nulls: nulls && nulls.slice() as Uint8Array<ArrayBuffer> };
}
