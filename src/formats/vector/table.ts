/**
 * A cube as a table. Dates, geometries and pixels make rows, bands and what else there is make columns. The
 * formats for vector cubes differ in how they write it.
 */
import type { Block } from '../../cube/block.ts';
import { product, valueAt, type Window } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import type { Dimension, Label } from '../../cube/dimension.ts';
import { findGeometries, type GeometryDimension } from '../../cube/geometries.ts';
import { permute } from '../../cube/permute.ts';
import { splitWindow } from '../../cube/window.ts';
import { OpenEOError } from '../../errors.ts';

/** Samples read at once. */
const WINDOW_SAMPLES = 1 << 20;
/** More columns than that no reader takes. */
const MOST_COLUMNS = 20_000;

export type Cell = number | boolean | null;

export interface Row {
  /** A label for each of the dimensions of rows. */
  readonly labels: readonly Label[];
  /** Positions of these labels. */
  readonly positions: readonly number[];
  /** A value for each column. */
  readonly cells: readonly Cell[];
}

export interface CubeTable {
  readonly cube: Cube;
  /** In the order of their places in `Row.labels`; that of geometries is first where there is one. */
  readonly rowDimensions: readonly Dimension[];
  /** Names of the columns of values. */
  readonly columns: readonly string[];
  readonly geometries: GeometryDimension | undefined;
  /** The rows, the last of the dimensions running fastest. */
  rows(signal: AbortSignal): AsyncGenerator<Row>;
  readonly rowCount: number;
}

/**
 * The table of a cube. `isColumn` says which dimensions make columns; their names are the labels joined by '_',
 * 'value' where there is none. Throws FormatUnsuitable for more columns than a table can have.
 */
export function tableOf(cube: Cube, isColumn: (dimension: Dimension) => boolean): CubeTable {
  const geometries = findGeometries(cube);
  const order = orderOf(cube, isColumn, geometries);
  const rowDimensions = order.rows.map((i) => cube.dimensions[i]!);
  const rowShape = rowDimensions.map((d) => d.size);
  return {
    cube, rowDimensions, geometries,
    columns: columnNames(cube, order.columns.map((i) => cube.dimensions[i]!)),
    rowCount: product(rowShape),
    rows: (signal) => readRows(cube, order, rowDimensions, signal),
  };
}

/** A date as it stands in names: midnight says nothing. */
export function labelText(label: Label, { type }: Dimension): string {
  return type === 'temporal' ? String(label).replace(/T00:00:00(\.0+)?Z$/, '') : String(label);
}

interface Order {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

function orderOf(cube: Cube, isColumn: (dimension: Dimension) => boolean, geometries: GeometryDimension | undefined): Order {
  const all = cube.dimensions.map((_, i) => i);
  const isOfColumns = (i: number) => cube.dimensions[i] !== geometries && isColumn(cube.dimensions[i]!);
  const columns = all.filter(isOfColumns);
  const place = (i: number) => (cube.dimensions[i]!.type === 'temporal' ? 0 : 1);
  const rows = all.filter((i) => !isOfColumns(i)).sort((a, b) => Number(cube.dimensions[b] === geometries) - Number(cube.dimensions[a] === geometries) || a - b);
  // Dates come first in names: '2018-06-01_B04'.
  return { rows, columns: columns.sort((a, b) => place(a) - place(b) || a - b) };
}

function columnNames(cube: Cube, dimensions: readonly Dimension[]): string[] {
  const count = product(dimensions.map((d) => d.size));
  if (count > MOST_COLUMNS) throw new OpenEOError('FormatUnsuitable', {}, { detail: `The table would have ${count} columns, more than ${MOST_COLUMNS}. Save it as JSON.` });
  if (dimensions.length === 0) return ['value'];
  let names = [''];
  for (const dimension of dimensions) {
    const labels = cube.labels(dimension.name).map((label) => labelText(label, dimension));
    names = names.flatMap((start) => labels.map((label) => (start === '' ? label : `${start}_${label}`)));
  }
  return names;
}

async function* readRows(cube: Cube, { rows, columns }: Order, dimensions: readonly Dimension[], signal: AbortSignal): AsyncGenerator<Row> {
  const labels = dimensions.map((d) => cube.labels(d.name));
  const width = product(columns.map((i) => cube.dimensions[i]!.size));
  const whole: Window = { start: rows.map(() => 0), size: dimensions.map((d) => d.size) };
  for (const part of splitWindow(whole, Math.max(1, Math.floor(WINDOW_SAMPLES / width)))) {
    signal.throwIfAborted();
    const block = await readPart(cube, { rows, columns }, part, signal);
    for (let row = 0; row < product(part.size); row++) {
      const positions = positionsAt(part, row);
      const cells = Array.from({ length: width }, (_, k) => valueAt(block, row * width + k));
      yield { labels: positions.map((at, i) => labels[i]![at]!), positions, cells };
    }
  }
}

/** The cells of some rows, row by row. */
async function readPart(cube: Cube, { rows, columns }: Order, part: Window, signal: AbortSignal): Promise<Block> {
  const start = cube.dimensions.map((_, i) => (rows.includes(i) ? part.start[rows.indexOf(i)]! : 0));
  const size = cube.dimensions.map((d, i) => (rows.includes(i) ? part.size[rows.indexOf(i)]! : d.size));
  return permute(await cube.read({ start, size }, signal), [...rows, ...columns]);
}

function positionsAt({ start, size }: Window, row: number): number[] {
  const out = [...start];
  for (let i = size.length - 1, rest = row; i >= 0; i--) {
    out[i]! += rest % size[i]!;
    rest = Math.floor(rest / size[i]!);
  }
  return out;
}
