/** The columns that say what a row is about: place, date and other labels, source items. */
import type { Cube } from '../../cube/cube.ts';
import type { Dimension, Label } from '../../cube/dimension.ts';
import type { CellShape } from './cell-shapes.ts';
import type { Column, SchemaElement } from './parquet-file.ts';

/** A label on each dimension that is neither space nor bands. */
export interface Labels {
  /** Positions on those dimensions, in the order of the cube. */
  readonly positions: readonly number[];
  /** A value per column of `LabelColumns`. */
  readonly values: readonly unknown[];
}

export interface LabelColumns {
  readonly columns: readonly Column[];
  /** Every combination, the first dimension running slowest. */
  readonly combinations: readonly Labels[];
}

const BOX = ['xmin', 'ymin', 'xmax', 'ymax'] as const;

/** Names that columns of values must not have. */
export const PLACE_NAMES = ['id', 'geometry', 'bbox'] as const;

export const placeColumns: readonly Column[] = [
  { name: 'id', schema: [text('id', 'REQUIRED')], hasStatistics: true },
  { name: 'geometry', schema: [{ name: 'geometry', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' }], hasStatistics: false, encoding: 'PLAIN' },
  {
    name: 'bbox',
    schema: [
      { name: 'bbox', repetition_type: 'OPTIONAL', num_children: BOX.length },
      ...BOX.map((name): SchemaElement => ({ name, type: 'DOUBLE', repetition_type: 'REQUIRED' })),
    ],
    hasStatistics: true,
  },
];

/** Appends a cell to the arrays of `placeColumns`, which come first. */
export function appendPlace(rows: readonly unknown[][], { id, geometry, bbox }: CellShape): void {
  rows[0]!.push(id);
  rows[1]!.push(geometry);
  rows[2]!.push(bbox);
}

/**
 * A column `datetime` for instants, else one with the name of the dimension; and `source_items`, those of
 * the date where the cube knows them, otherwise all.
 */
export function labelColumns(cube: Cube): LabelColumns {
  const dimensions = cube.dimensions.filter((d) => d.type !== 'bands' && d.axis !== 'x' && d.axis !== 'y');
  const own = dimensions.map((dimension) => labelColumn(cube, dimension));
  const { sources, sourcesByLabel } = cube.attributes;
  const time = dimensions.findIndex((d) => d.type === 'temporal');
  const sourcesOf = (labels: readonly Label[]) => sourcesByLabel?.[String(labels[time])] ?? sources ?? [];
  const isSourced = (sources?.length ?? 0) > 0;
  return {
    columns: [...own.map((o) => o.column), ...(isSourced ? [sourceColumn] : [])],
    combinations: combine(dimensions.map((d) => d.size)).map((positions) => ({
      positions,
      values: [
        ...own.map((o, i) => o.values[positions[i]!]),
        ...(isSourced ? [[...sourcesOf(dimensions.map((d, i) => cube.labels(d.name)[positions[i]!]!))]] : []),
      ],
    })),
  };
}

/** A column `datetime` for instants, else one with the name of the dimension, and its value for each label. */
export function labelColumn(cube: Cube, dimension: Dimension): { readonly column: Column; readonly values: readonly unknown[] } {
  const labels = cube.labels(dimension.name);
  if (dimension.type === 'temporal') {
    const instants = labels.map((label) => new Date(String(label)));
    if (instants.every((date) => Number.isFinite(date.getTime()))) return { column: datetimeColumn, values: instants };
  }
  const { name } = dimension;
  if (labels.every((label) => typeof label === 'number')) {
    return { column: { name, schema: [{ name, type: 'DOUBLE', repetition_type: 'REQUIRED' }], hasStatistics: true }, values: labels };
  }
  return { column: { name, schema: [text(name, 'REQUIRED')], hasStatistics: true }, values: labels.map(String) };
}

const datetimeColumn: Column = {
  name: 'datetime',
  schema: [{
    name: 'datetime', type: 'INT64', repetition_type: 'REQUIRED', converted_type: 'TIMESTAMP_MICROS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
  }],
  hasStatistics: true,
};

const sourceColumn: Column = {
  name: 'source_items',
  schema: [
    { name: 'source_items', repetition_type: 'REQUIRED', converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    text('element', 'REQUIRED'),
  ],
  hasStatistics: false,
};

function text(name: string, repetition: 'REQUIRED' | 'OPTIONAL'): SchemaElement {
  return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, repetition_type: repetition };
}

/** All positions in a space of these sizes, row-major; one empty position for no dimension. */
function combine(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>((all, size) => all.flatMap((start) => Array.from({ length: size }, (_, i) => [...start, i])), [[]]);
}
