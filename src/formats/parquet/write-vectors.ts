/** Vector cubes as GeoParquet: a row per geometry and date, its properties and values as columns. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Dimension } from '../../cube/dimension.ts';
import type { Cube } from '../../cube/cube.ts';
import { boxOf, type Geometry } from '../../geo/geometry.ts';
import { inDegrees } from '../../geo/reproject.ts';
import { propertyColumns, type PropertyColumn } from '../vector/properties.ts';
import { tableOf, type CubeTable, type Row } from '../vector/table.ts';
import type { WriteContext } from '../writer.ts';
import type { Box } from './cell-shapes.ts';
import { featureGeoMetadata } from './metadata.ts';
import { ParquetFile, type Column } from './parquet-file.ts';
import { labelColumn, PLACE_NAMES, placeColumns } from './row-columns.ts';
import { sampleColumn } from './value-columns.ts';
import { toWkb } from './wkb.ts';

/** What a row says of its geometry: the columns of `placeColumns` and its properties. */
type Place = readonly unknown[];

export class VectorTable {
  readonly columns: readonly Column[];
  rowCount = 0;
  readonly #table: CubeTable;
  readonly #context: WriteContext;
  readonly #groupRows: number;
  readonly #places: readonly Place[];
  /** A value per label for every dimension of rows but that of geometries. */
  readonly #labels: readonly (readonly unknown[])[];
  #extent: Box | null = null;
  readonly #types = new Set<string>();

  /** @param groupRows how many rows of so many numbers make a row group */
  constructor(cube: Cube, groupRows: (width: number) => number, context: WriteContext) {
    this.#table = tableOf(cube, isColumn);
    this.#context = context;
    const { geometries, rowDimensions, columns } = this.#table;
    const own = rowDimensions.slice(1).map((dimension) => labelColumn(cube, dimension));
    const values = freeNames(columns, [...PLACE_NAMES, ...own.map(({ column }) => column.name)]);
    const properties = propertyColumns(geometries!.geometries, [...PLACE_NAMES, ...own.map(({ column }) => column.name), ...values]);
    const typed = properties.map((property) => typedProperty(property, geometries!.geometries.properties ?? []));
    this.#groupRows = groupRows(columns.length);
    this.#labels = own.map((o) => o.values);
    this.columns = [...placeColumns, ...typed.map((p) => p.column), ...own.map((o) => o.column), ...values.map((name) => sampleColumn(name, cube.dtype))];
    this.#places = geometries!.geometries.shapes.map((shape, i) => [...this.#place(shape, String(geometries!.labels![i])), ...typed.map((p) => p.values[i])]);
  }

  async write(path: string): Promise<void> {
    const file = await ParquetFile.create(path, this.columns);
    try {
      let rows: unknown[][] = this.columns.map(() => []);
      for await (const row of this.#table.rows(this.#context.signal)) {
        this.#rowOf(row).forEach((value, column) => rows[column]!.push(value));
        if (++this.rowCount % this.#groupRows !== 0) continue;
        await file.writeRows(rows);
        rows = this.columns.map(() => []);
        this.#context.onProgress?.(this.rowCount / this.#table.rowCount);
        // Encoding works on this thread: let timers and cancellation have their turn.
        await yieldToOthers();
      }
      await file.writeRows(rows);
      await file.finish({ geo: featureGeoMetadata([...this.#types].sort(), this.#extent) });
    } finally {
      await file.close();
    }
  }

  #rowOf({ positions: [geometry, ...others], cells }: Row): unknown[] {
    return [...this.#places[geometry!]!, ...others.map((at, i) => this.#labels[i]![at]), ...cells];
  }

  #place(shape: Geometry, id: string): Place {
    const { crs } = this.#table.geometries!.geometries;
    const geometry = inDegrees(shape, crs);
    if (!geometry) return [id, null, null];
    const [xmin, ymin, xmax, ymax] = boxOf(geometry);
    const e = this.#extent;
    this.#extent = e ? { xmin: Math.min(e.xmin, xmin), ymin: Math.min(e.ymin, ymin), xmax: Math.max(e.xmax, xmax), ymax: Math.max(e.ymax, ymax) } : { xmin, ymin, xmax, ymax };
    this.#types.add(geometry.type);
    return [id, toWkb(geometry), { xmin, ymin, xmax, ymax }];
  }
}

const isColumn = ({ type }: Dimension) => type === 'bands' || type === 'other';

function freeNames(names: readonly string[], taken: readonly string[]): string[] {
  return names.map((name) => (taken.includes(name) ? `${name}_value` : name));
}

/** Numbers and booleans as such; what is neither in every feature as text. */
function typedProperty({ key, name }: PropertyColumn, properties: readonly Readonly<Record<string, unknown>>[]): { column: Column; values: readonly unknown[] } {
  const values = properties.map((own) => own[key] ?? null);
  const given = values.filter((value) => value !== null);
  const isAll = (type: string) => given.every((value) => typeof value === type);
  if (isAll('number')) return { column: sampleColumn(name, 'float64'), values };
  if (isAll('boolean')) return { column: sampleColumn(name, 'bool'), values };
  const schema = [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' }, repetition_type: 'OPTIONAL' } as const];
  return { column: { name, schema, hasStatistics: true }, values: values.map((value) => (value === null || typeof value === 'string' ? value : JSON.stringify(value))) };
}
