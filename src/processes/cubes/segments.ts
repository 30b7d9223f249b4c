/** The pixels of polygons as cubes of their own. */
import { product, type Block, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { digest } from '../../cube/digest.ts';
import type { Geometries } from '../../cube/dimension.ts';
import { allocate, isFloat, type DType } from '../../cube/dtype.ts';
import { shapesDigest } from '../../cube/geometries.ts';
import { cellsOf, spatialAxes, withCells } from '../../cube/window.ts';
import { invalidArgument, OpenEOError } from '../../errors.ts';
import { Coverage, type Runs } from '../../geo/coverage.ts';
import { isEmptyGeometry } from '../../geo/geojson.ts';
import { intersectWindows, type CellWindow, type Grid } from '../../geo/grid.ts';
import { commonDType, dtypeOfNumber } from '../../graph/result-dtype.ts';
import type { Value } from '../../graph/value.ts';
import { kindOf } from './arguments.ts';
import { subCube } from './sub-cube.ts';

/** A polygon on a grid. */
export interface Segment {
  /** Position of the polygon among the geometries. */
  readonly index: number;
  /** The smallest window of cells around it that the grid has. */
  readonly cells: CellWindow;
  /** Tells which cells are its own; it has no other polygon. */
  readonly coverage: Coverage;
  /** Digest of the polygon. */
  readonly shape: string;
}

/** The polygons that reach into a grid; the others and empty ones are left out. */
export function segmentsOf(grid: Grid, geometries: Geometries): Segment[] {
  const whole = { x: 0, y: 0, width: grid.width, height: grid.height };
  return geometries.shapes.flatMap((shape, index) => {
    if (isEmptyGeometry(shape)) return [];
    const coverage = new Coverage(grid, [shape], geometries.crs);
    const extent = coverage.extent();
    const cells = extent && intersectWindows(extent, whole);
    return cells && cells.width * cells.height > 0 ? [{ index, cells, coverage, shape: shapesDigest(geometries, index, 1) }] : [];
  });
}

/** Throws GeometriesOverlap when a cell belongs to two polygons. */
export function refuseOverlaps(segments: readonly Segment[]): void {
  const sorted = segments.toSorted((a, b) => a.cells.y - b.cells.y);
  for (const [i, one] of sorted.entries()) {
    const bottom = one.cells.y + one.cells.height;
    for (let k = i + 1; k < sorted.length && sorted[k]!.cells.y < bottom; k++) {
      const shared = sharedCell(one, sorted[k]!);
      if (shared) throw new OpenEOError('GeometriesOverlap', {}, { detail: `The pixel in column ${shared.column} and row ${shared.row} belongs to the geometries at the positions ${[one.index, sorted[k]!.index].sort((a, b) => a - b).join(' and ')}.` });
    }
  }
}

function sharedCell(a: Segment, b: Segment): { column: number; row: number } | null {
  const common = intersectWindows(a.cells, b.cells);
  if (common.width * common.height === 0) return null;
  return meetingOf(a.coverage.runs(0, common), b.coverage.runs(0, common));
}

/** The first cell in both of two sorted lists of runs. */
function meetingOf(a: Runs, b: Runs): { column: number; row: number } | null {
  for (let i = 0, k = 0; i < a.length && k < b.length;) {
    const isSameRow = a[i] === b[k];
    if (isSameRow && a[i + 1]! < b[k + 2]! && b[k + 1]! < a[i + 2]!) return { column: Math.max(a[i + 1]!, b[k + 1]!), row: a[i]! };
    if (a[i]! < b[k]! || (isSameRow && a[i + 2]! <= b[k + 2]!)) i += 3;
    else k += 3;
  }
  return null;
}

/** What stands outside of the polygon; null for no-data. */
export interface MaskValue {
  readonly value: number | null;
  /** A type that holds the values of the cube and this one. */
  readonly dtype: DType;
}

/** Reads `mask_value`. Throws ProcessParameterInvalid when a cube of such values can't hold it. */
export function maskValueOf(value: Value | undefined, dtype: DType, process: string): MaskValue {
  if (value === undefined || value === null) return { value: null, dtype };
  if (typeof value === 'boolean' && dtype === 'bool') return { value: Number(value), dtype };
  if (typeof value === 'number' && dtype !== 'bool') return { value, dtype: isFloat(dtype) ? dtype : commonDType(dtype, dtypeOfNumber(value)) };
  throw invalidArgument(process, 'mask_value', `the values of the cube are ${dtype === 'bool' ? 'booleans' : 'numbers'}, so ${kindOf(value)} can't be among them`);
}

/** The cube around a polygon, its cells outside of the polygon replaced, no-data included. */
export function maskedSegment(cube: Cube, segment: Segment, mask: MaskValue): Cube {
  const { x, y } = spatialAxes(cube.dimensions)!;
  const around = subCube(cube, withCells(cube.fullWindow(), x, y, segment.cells));
  return around.with({
    dtype: mask.dtype,
    read: async (window, signal) => masked(await around.read(window, signal), segment, window, { x, y }, mask),
    fingerprint: async (window) => digest(['polygon', segment.shape, segment.cells, cube.grid, mask.value, window, await around.fingerprint(window)]),
  });
}

function masked(block: Block, { coverage, cells }: Segment, window: Window, axes: { x: number; y: number }, { value, dtype }: MaskValue): Block {
  const own = cellsOf(window, axes.x, axes.y);
  const inside = coverage.mask({ ...own, x: own.x + cells.x, y: own.y + cells.y });
  const data = allocate(dtype, block.data.length);
  data.set(block.data);
  const nulls = block.nulls?.slice() ?? new Uint8Array(data.length);
  const [stepX, stepY] = [product(block.shape.slice(axes.x + 1)), product(block.shape.slice(axes.y + 1))];
  for (let i = 0; i < data.length; i++) {
    const column = Math.floor(i / stepX) % own.width;
    const row = Math.floor(i / stepY) % own.height;
    if (inside?.[row * own.width + column] === 1) continue;
    nulls[i] = value === null ? 1 : 0;
    if (value !== null) data[i] = value;
  }
  return { dtype, shape: block.shape, data, nulls: nulls.includes(1) ? nulls : null };
}
