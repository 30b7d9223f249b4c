/** resample_cube_temporal: the nearest observation for each date of another cube. */
import { createBlock, createNullBlock, product, type Block, type Window } from '../../cube/block.ts';
import type { Cube, CubeAttributes } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import { withLabels, type Label } from '../../cube/dimension.ts';
import { pasteBlock, withoutIdleNulls } from '../../cube/paste.ts';
import { pointwiseRegrid } from '../../cube/resample.ts';
import { fingerprintLabels, forwardRegrid, pickLabels, readLabels, viewCube } from '../../cube/view.ts';
import { splitWindow, withRange } from '../../cube/window.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import type { Implementation } from '../../graph/process.ts';
import type { Value } from '../../graph/value.ts';
import { cubeOf, kindOf, optionalTextOf } from './arguments.ts';
import { MAX_SAMPLES } from './kernels.ts';
import { instant } from './temporal.ts';

const ID = 'resample_cube_temporal';
const DAY = 86_400_000;

export const resampleCubeTemporal: Implementation = {
  run(args) {
    const data = cubeOf(args, ID);
    const target = cubeOf(args, ID, 'target');
    const within = withinOf(args['valid_within']);
    return dimensionsOf(data, target, optionalTextOf(args, ID, 'dimension')).reduce((cube, name) => {
      const labels = target.dimension(name).labels ?? [];
      const ranking = rank(timesOf(cube.dimension(name).labels ?? [], 'data'), timesOf(labels, 'target'), within);
      return within === null ? nearest(cube, name, labels, ranking) : nearestValid(cube, name, labels, ranking);
    }, data);
  },
};

/** Milliseconds; null takes the nearest label whatever its distance and value. */
function withinOf(days: Value | undefined): number | null {
  if (days === null || days === undefined) return null;
  if (typeof days !== 'number') throw invalidArgument(ID, 'valid_within', `it must be a number of days, not ${kindOf(days)}`);
  if (Number.isFinite(days) && days > 0) return days * DAY;
  throw invalidArgument(ID, 'valid_within', `it must be a finite number of days above 0, not ${days}; null takes the nearest date at any distance`);
}

function dimensionsOf(data: Cube, target: Cube, name: string | null): string[] {
  if (name === null) {
    const shared = data.dimensions.filter((d) => d.type === 'temporal' && target.dimensions.some((t) => t.type === 'temporal' && t.name === d.name));
    if (shared.length > 0) return shared.map((d) => d.name);
    throw new OpenEOError('DimensionMismatch', {}, { detail: 'No temporal dimension has the same name in both cubes; rename_dimension makes one.' });
  }
  const named = [[data.dimension(name), 'data'], [target.dimension(name), 'target']] as const;
  for (const [{ type }, parameter] of named) {
    if (type !== 'temporal') throw new OpenEOError('DimensionMismatch', {}, { detail: `In '${parameter}' the dimension '${name}' is of the type '${type}', not temporal.` });
  }
  return [name];
}

function timesOf(labels: readonly Label[], parameter: string): number[] {
  return labels.map((label) => {
    const time = instant(String(label));
    if (Number.isNaN(time)) throw invalidArgument(ID, parameter, `the label '${label}' of its temporal dimension is neither a date nor a date-time, so nothing is near to it`);
    return time;
  });
}

/**
 * For each target date the positions of the source dates, the nearest first; of two at the same distance
 * the earlier comes first. With a limit only those closer than it.
 */
function rank(source: readonly number[], target: readonly number[], within: number | null): number[][] {
  return target.map((time) => {
    const distance = (i: number) => Math.abs(source[i]! - time);
    const near = source.flatMap((_, i) => (within === null || distance(i) < within ? [i] : []));
    return near.sort((a, b) => distance(a) - distance(b) || source[a]! - source[b]! || a - b);
  });
}

/** Whole slices move: nothing is computed. */
function nearest(cube: Cube, name: string, labels: readonly Label[], ranking: readonly (readonly number[])[]): Cube {
  if (ranking.some((order) => order.length === 0)) return nearestValid(cube, name, labels, ranking);
  const dimension = cube.indexOf(name);
  const picks = ranking.map((order) => order[0]!);
  const old = cube.dimensions[dimension]!.labels!;
  return relabelled(pickLabels(cube, dimension, picks), dimension, labels, movedSources(cube.attributes, picks.map((i) => old[i]!), labels));
}

function relabelled(cube: Cube, dimension: number, labels: readonly Label[], attributes: CubeAttributes): Cube {
  return viewCube(cube, {
    dimensions: cube.dimensions.with(dimension, withLabels(cube.dimensions[dimension]!, labels)),
    attributes,
    toSource: (window) => window,
    regrid: forwardRegrid(cube, (other) => relabelled(other, dimension, labels, attributes)),
  });
}

function movedSources(attributes: CubeAttributes, from: readonly Label[], to: readonly Label[]): CubeAttributes {
  const { sourcesByLabel, ...kept } = attributes;
  if (!sourcesByLabel) return kept;
  return { ...kept, sourcesByLabel: Object.fromEntries(to.map((label, i) => [label, sourcesByLabel[from[i]!] ?? []])) };
}

/** Sample by sample the nearest valid one. */
function nearestValid(cube: Cube, name: string, labels: readonly Label[], ranking: readonly (readonly number[])[]): Cube {
  const dimension = cube.indexOf(name);
  const derive = (source: Cube) => valid(source, dimension, labels, ranking);
  const regrid = pointwiseRegrid(cube, derive);
  const out = derive(cube);
  return regrid ? out.with({ regrid }) : out;
}

function valid(cube: Cube, dimension: number, labels: readonly Label[], ranking: readonly (readonly number[])[]): Cube {
  const { sourcesByLabel: _, ...attributes } = cube.attributes;
  const wanted = (window: Window) => ranking.slice(window.start[dimension]!, window.start[dimension]! + window.size[dimension]!);
  return cube.with({
    dimensions: cube.dimensions.with(dimension, withLabels(cube.dimensions[dimension]!, labels)),
    attributes,
    read: (window, signal) => readValid(cube, dimension, wanted(window), window, signal),
    fingerprint: async (window) => {
      const orders = wanted(window);
      const needed = neededBy(orders);
      return digest([ID, orders, needed.length === 0 ? window.size : await fingerprintLabels(cube, withRange(window, dimension, 0, 1), dimension, needed)]);
    },
  });
}

/** Positions of all source dates that play a part, in order. */
const neededBy = (orders: readonly (readonly number[])[]) => [...new Set(orders.flat())].sort((a, b) => a - b);

async function readValid(cube: Cube, dimension: number, orders: readonly (readonly number[])[], window: Window, signal: AbortSignal): Promise<Block> {
  const out = createNullBlock(cube.dtype, window.size);
  const needed = neededBy(orders);
  if (needed.length === 0) return out;
  const positions = orders.map((order) => order.map((i) => needed.indexOf(i)));
  const longest = Math.max(needed.length, orders.length);
  for (const piece of splitWindow(window, Math.max(1, Math.floor(MAX_SAMPLES / longest)) * orders.length, [dimension])) {
    const series = await readLabels(cube, withRange(piece, dimension, 0, 1), dimension, needed, signal);
    pasteBlock(out, window, pickValid(series, dimension, positions, piece.size), piece);
  }
  return withoutIdleNulls(out);
}

function pickValid(series: Block, dimension: number, orders: readonly (readonly number[])[], shape: readonly number[]): Block {
  const out = createBlock(series.dtype, shape);
  const nulls = new Uint8Array(out.data.length).fill(1);
  const inner = product(shape.slice(dimension + 1));
  const outer = product(shape.slice(0, dimension));
  const length = series.shape[dimension]!;
  for (let o = 0; o < outer; o++) {
    orders.forEach((order, k) => {
      const to = (o * orders.length + k) * inner;
      for (const i of order) fillGaps(series, (o * length + i) * inner, out, nulls, to, inner);
    });
  }
  return { ...out, nulls };
}

/** Copies valid samples to where nothing is yet. NaN and infinities are no valid values, as in is_valid. */
function fillGaps({ data, nulls: flags }: Block, from: number, out: Block, nulls: Uint8Array, to: number, count: number): void {
  for (let i = 0; i < count; i++) {
    if (nulls[to + i] === 0 || flags?.[from + i] === 1) continue;
    const value = data[from + i]!;
    if (!Number.isFinite(value)) continue;
    out.data[to + i] = value;
    nulls[to + i] = 0;
  }
}
