/** Which labels of two cubes go where when they are merged. Pure bookkeeping, no samples. */
import type { Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { withLabels, type Dimension, type Label } from '../../cube/dimension.ts';
import type { GeometryDimension } from '../../cube/geometries.ts';
import { withoutGrid } from '../../cube/view.ts';
import { invalidArgument } from '../../errors.ts';
import { cropGrid, isSameLattice, latticeOffset, type Grid } from '../../geo/grid.ts';
import { alignTo, refuseEmbeddings } from './align.ts';
import { mergeGeometries } from './merge-geometries.ts';
import { instant } from './temporal.ts';

export interface MergePlan {
  /** On one lattice. */
  readonly cubes: readonly [Cube, Cube];
  readonly dimensions: readonly Dimension[];
  readonly grid: Grid | null;
  /** For each dimension, where positions of the result lie in either cube. */
  readonly axes: readonly MergeAxis[];
  /** True when some cell has a value in both cubes. */
  readonly overlaps: boolean;
  /** True when every cell has a value in both cubes. */
  readonly isWholeOverlap: boolean;
  /** Labels of the merged bands dimension. */
  readonly bandNames: readonly string[] | null;
}

/** Position in a cube for a position of the result; null: the cube has nothing there. */
type Locator = (index: number) => number | null;
type MergeAxis = readonly [Locator, Locator];

/** A box of the result in which either cube has all cells or none; `starts` are in each cube's own positions. */
export interface Piece {
  readonly window: Window;
  readonly starts: readonly [readonly number[] | null, readonly number[] | null];
}

/** Throws ProcessParameterInvalid when the cubes do not go together. */
export function planMerge(first: Cube, second: Cube): MergePlan {
  const cubes = onOneLattice(first, second);
  const [a, b] = cubes;
  const merged = dimensionOrder(a, b).map((name) => mergeDimension(a, b, name));
  const grid = mergedGrid(a, b);
  const dimensions = merged.map((m) => m.dimension);
  return {
    cubes, dimensions, grid,
    axes: merged.map((m) => m.axis),
    overlaps: merged.every((m) => m.overlaps),
    isWholeOverlap: merged.every((m) => m.isWhole),
    bandNames: dimensions.find((d) => d.type === 'bands')?.labels?.map(String) ?? null,
  };
}

function onOneLattice(first: Cube, second: Cube): [Cube, Cube] {
  if (!first.grid || !second.grid) {
    // One with cells and one with free coordinates go together by coordinates only.
    const bothSpatial = [first, second].every((cube) => cube.find('spatial') !== undefined);
    return bothSpatial ? [withoutGrid(first), withoutGrid(second)] : [first, second];
  }
  if (isSameLattice(first.grid, second.grid)) return [first, second];
  refuseEmbeddings(first, { process: 'merge_cubes', parameter: 'cube1' });
  return [first, alignTo(second, first.grid, { process: 'merge_cubes', parameter: 'cube2' })];
}

/** The order of the cube that has all dimensions, else those that only the second has before the first's. */
function dimensionOrder(a: Cube, b: Cube): string[] {
  const [own, other] = [a, b].map((cube) => cube.dimensions.map((d) => d.name)) as [string[], string[]];
  if (own.every((name) => other.includes(name))) return other.length > own.length ? other : own;
  return [...other.filter((name) => !own.includes(name)), ...own];
}

function mergedGrid(a: Cube, b: Cube): Grid | null {
  if (!a.grid || !b.grid) return a.grid ?? b.grid;
  const { x, y } = latticeOffset(a.grid, b.grid);
  const left = Math.min(0, x);
  const top = Math.min(0, y);
  return cropGrid(a.grid, { x: left, y: top, width: Math.max(a.grid.width, x + b.grid.width) - left, height: Math.max(a.grid.height, y + b.grid.height) - top });
}

interface MergedDimension {
  readonly dimension: Dimension;
  readonly axis: MergeAxis;
  readonly overlaps: boolean;
  readonly isWhole: boolean;
}

function mergeDimension(a: Cube, b: Cube, name: string): MergedDimension {
  const [own, other] = [a, b].map((cube) => cube.dimensions.find((d) => d.name === name)) as [Dimension | undefined, Dimension | undefined];
  // A cube that lacks the dimension holds for all of its labels.
  if (!own || !other) return { dimension: (own ?? other)!, axis: [(i) => i, (i) => i], overlaps: true, isWhole: true };
  if (own.type !== other.type || own.axis !== other.axis) {
    throw invalidArgument('merge_cubes', 'cube2', `its dimension '${name}' is of the type '${other.type}', in cube1 it is '${own.type}'`);
  }
  if (a.grid && b.grid && (own.axis === 'x' || own.axis === 'y')) return mergeCells(a.grid, b.grid, own, other);
  if (own.geometries && other.geometries) return mergeShapes(own as GeometryDimension, other as GeometryDimension);
  return mergeLabels(own, a.labels(name), b.labels(name));
}

function mergeShapes(own: GeometryDimension, other: GeometryDimension): MergedDimension {
  const { dimension, positions: [ia, ib] } = mergeGeometries(own, other);
  return { dimension, ...placed(ia, ib) };
}

function mergeCells(a: Grid, b: Grid, own: Dimension, other: Dimension): MergedDimension {
  const offset = latticeOffset(a, b)[own.axis as 'x' | 'y'];
  // Equal extents: cells beyond them are whatever each cube has there.
  if (offset === 0 && own.size === other.size) return { dimension: own, axis: [(i) => i, (i) => i], overlaps: own.size > 0, isWhole: true };
  const first = Math.min(0, offset);
  const end = Math.max(own.size, offset + other.size);
  const within = (start: number, size: number): Locator => (i) => (i + first >= start && i + first < start + size ? i + first - start : null);
  return {
    dimension: { ...own, size: end - first },
    axis: [within(0, own.size), within(offset, other.size)],
    overlaps: offset < own.size && offset + other.size > 0,
    isWhole: false,
  };
}

function mergeLabels(own: Dimension, a: readonly Label[], b: readonly Label[]): MergedDimension {
  const key = (label: Label) => (own.type === 'temporal' ? timeKey(label) : label);
  const [first, second] = [a.map(key), b.map(key)];
  const union = sorted(own, [...a, ...b.filter((label) => !first.includes(key(label)))]);
  const keys = union.map(key);
  const [ia, ib] = [first, second].map((list) => keys.map((k) => list.indexOf(k))) as [number[], number[]];
  return { dimension: union.length === a.length ? { ...own, labels: union } : withLabels(own, union), ...placed(ia, ib) };
}

/** Where the labels of the result lie in either cube; −1 where they do not. */
function placed(ia: readonly number[], ib: readonly number[]): Omit<MergedDimension, 'dimension'> {
  return {
    axis: [(i) => found(ia, i), (i) => found(ib, i)],
    overlaps: ia.some((at, i) => at >= 0 && ib[i]! >= 0),
    isWhole: ia.every((at, i) => at >= 0 && ib[i]! >= 0),
  };
}

const found = (positions: readonly number[], i: number) => (positions[i] === undefined || positions[i] < 0 ? null : positions[i]);

const timeKey = (label: Label) => {
  const time = instant(String(label));
  return Number.isNaN(time) ? label : time;
};

/** Dates and coordinates have an order of their own; bands and the like stay in the order they came in. */
function sorted(dimension: Dimension, labels: Label[]): Label[] {
  if (dimension.type === 'temporal') {
    const times = labels.map((label) => instant(String(label)));
    return times.some(Number.isNaN) ? labels : labels.toSorted((p, q) => instant(String(p)) - instant(String(q)));
  }
  if (dimension.type !== 'spatial' || !labels.every((label) => typeof label === 'number')) return labels;
  const isFalling = labels.length > 1 && labels[0]! > labels[1]!;
  return labels.toSorted((p, q) => (isFalling ? Number(q) - Number(p) : Number(p) - Number(q)));
}

/** Cuts a window into pieces in which both cubes run along without a gap. Pieces that neither has are left out. */
export function piecesOf(plan: MergePlan, window: Window): Piece[] {
  const runs = plan.axes.map((axis, i) => runsAlong(axis, window.start[i]!, window.size[i]!));
  let pieces: Run[][] = [[]];
  for (const options of runs) pieces = pieces.flatMap((piece) => options.map((run) => [...piece, run]));
  return pieces.map(toPiece).filter(({ starts }) => starts[0] !== null || starts[1] !== null);
}

interface Run {
  readonly start: number;
  readonly size: number;
  /** First position in either cube. */
  readonly from: readonly [number | null, number | null];
}

function runsAlong([a, b]: MergeAxis, start: number, size: number): Run[] {
  const runs: Run[] = [];
  for (let i = start; i < start + size; i++) {
    const from = [a(i), b(i)] as const;
    const last = runs.at(-1);
    const follows = last && [0, 1].every((k) => from[k] === (last.from[k] === null ? null : last.from[k]! + last.size));
    if (follows) runs[runs.length - 1] = { ...last, size: last.size + 1 };
    else runs.push({ start: i, size: 1, from });
  }
  return runs;
}

function toPiece(runs: readonly Run[]): Piece {
  const startsOf = (k: 0 | 1) => (runs.every((run) => run.from[k] !== null) ? runs.map((run) => run.from[k]!) : null);
  return { window: { start: runs.map((r) => r.start), size: runs.map((r) => r.size) }, starts: [startsOf(0), startsOf(1)] };
}
