/** GeoParquet tables of JSON objects with a geometry, whatever their members are: rows are looked at twice. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { geojsonToWkb } from 'hyparquet-writer';
import { boxOf, type Geometry } from '../../geo/geometry.ts';
import type { Box } from './cell-shapes.ts';
import { jsonColumn, type JsonColumn } from './json-columns.ts';
import { NONE, widen, type Shape } from './json-shape.ts';
import { featureGeoMetadata } from './metadata.ts';
import { ParquetFile } from './parquet-file.ts';

type Row = Readonly<Record<string, unknown>>;

const GEOMETRY = 'geometry';
/** The box that readers filter by has numbers with a fraction, also where all of them are whole. */
const BOX = 'bbox';
const boxShape: Shape = { kind: 'struct', fields: new Map(['xmin', 'ymin', 'xmax', 'ymax'].map((name) => [name, { kind: 'number' }])) };
/** Rows of nested values are large: so many are held at once. */
const GROUP_ROWS = 2000;

/** The columns that a table needs, found row by row. */
export class TableShape {
  readonly #columns = new Map<string, Shape>();
  readonly #instants: ReadonlySet<string>;

  /** @param instants columns that are instants wherever all their values are */
  constructor(instants: readonly string[]) {
    this.#instants = new Set(instants);
  }

  add(row: Row): void {
    for (const [name, value] of Object.entries(row)) if (name !== GEOMETRY) this.#columns.set(name, widen(this.#columns.get(name) ?? NONE, this.#seen(name, value)));
  }

  columns(): JsonColumn[] {
    return [...this.#columns].map(([name, shape]) => jsonColumn(name, name === BOX && shape.kind === 'struct' ? boxShape : shape, this.#instants.has(name) && shape.kind === 'string'));
  }

  /** A text that is no instant makes the column one of JSON, which keeps it. */
  #seen(name: string, value: unknown): unknown {
    const isOdd = this.#instants.has(name) && typeof value === 'string' && Number.isNaN(Date.parse(value));
    return isOdd ? [value] : value;
  }
}

const geometryColumn: JsonColumn = {
  name: GEOMETRY,
  schema: [{ name: GEOMETRY, type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' }],
  encoding: 'PLAIN',
  hasStatistics: false,
  toCell: (value) => (value ? geojsonToWkb(value as Parameters<typeof geojsonToWkb>[0]) : null),
};

/**
 * Writes a table where there is none. `rows` have `geometry` (GeoJSON in degrees, or null), `bbox` as a record of four
 * numbers, and other members as `shape` has seen them. Memory holds one row group. Gives the number of rows.
 */
export async function writeTable(path: string, shape: TableShape, rows: AsyncIterable<Row>, metadata: Readonly<Record<string, unknown>>): Promise<number> {
  const columns = [geometryColumn, ...shape.columns()];
  const file = await ParquetFile.create(path, columns);
  try {
    const seen = new SeenGeometries();
    let cells: unknown[][] = columns.map(() => []);
    for await (const row of rows) {
      seen.add(row[GEOMETRY] as Geometry | null);
      columns.forEach(({ name, toCell }, i) => cells[i]!.push(toCell(row[name])));
      if (cells[0]!.length < GROUP_ROWS) continue;
      await file.writeRows(cells);
      cells = columns.map(() => []);
      await yieldToOthers();
    }
    await file.writeRows(cells);
    await file.finish({ geo: featureGeoMetadata([...seen.types].toSorted(), seen.extent), ...metadata });
    return file.rowCount;
  } finally {
    await file.close();
  }
}

class SeenGeometries {
  readonly types = new Set<string>();
  extent: Box | null = null;

  add(geometry: Geometry | null | undefined): void {
    if (!geometry) return;
    this.types.add(hasHeights(geometry) ? `${geometry.type} Z` : geometry.type);
    const [xmin, ymin, xmax, ymax] = boxOf(geometry);
    const known = this.extent;
    this.extent = known ? { xmin: Math.min(known.xmin, xmin), ymin: Math.min(known.ymin, ymin), xmax: Math.max(known.xmax, xmax), ymax: Math.max(known.ymax, ymax) } : { xmin, ymin, xmax, ymax };
  }
}

/** GeoParquet counts geometries with heights as types of their own. */
function hasHeights({ coordinates, geometries }: Geometry): boolean {
  if (geometries) return geometries.some(hasHeights);
  let first = coordinates;
  while (Array.isArray(first) && Array.isArray(first[0])) first = first[0];
  return Array.isArray(first) && first.length > 2;
}
