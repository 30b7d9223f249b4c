/** The result format CSV: a table with a row per geometry or pixel and date. */
import { join } from 'node:path';
import type { Cube } from '../../cube/cube.ts';
import type { Dimension } from '../../cube/dimension.ts';
import { findGeometries } from '../../cube/geometries.ts';
import { isEmptyGeometry } from '../../geo/geojson.ts';
import { toWkt } from '../../geo/wkt.ts';
import { filenamePrefix, readOptions } from '../options.ts';
import { requireCells } from '../raster-plan.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import { TextFile } from '../text-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import { propertyColumns, type PropertyColumn } from './properties.ts';
import { tableOf, type Cell, type CubeTable } from './table.ts';

const description: FormatDescription = {
  title: 'CSV',
  description: 'A table with a header (RFC 4180, UTF-8, lines end with CR LF). Of a vector cube: a row per geometry and date with the label of the geometry (its id, or its position), the properties of the feature, the date, and a column per band or other label; labels of several dimensions are joined, as in `B04_valid_count`. Of other cubes: a row per pixel and date with its coordinates; pixels without any data are left out. A property whose name is taken by another column is called `property_…`. No-data is an empty field; NaN and infinities are `NaN`, `Infinity` and `-Infinity`.',
  gis_data_types: ['vector', 'table', 'raster'],
  parameters: {
    separator: { description: 'What stands between fields.', type: 'string', enum: [',', ';', '\t'], default: ',' },
    geometry: { description: 'Whether a vector cube gets a column `wkt` with the geometries as Well-Known Text, in their own reference system.', type: 'string', enum: ['none', 'wkt'], default: 'none' },
    filename_prefix: filenamePrefix(),
  },
};

const LINE_END = '\r\n';
/** Rows between two words on progress. */
const PROGRESS_ROWS = 10_000;

interface Settings {
  readonly separator: string;
  readonly geometry: 'none' | 'wkt';
  readonly filename_prefix: string;
}

export const csv: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writeFile(cube, readOptions(description, options) as unknown as Settings, context)),
};

async function writeFile(cube: Cube, settings: Settings, context: WriteContext): Promise<WrittenFile[]> {
  requireCells(cube);
  const name = `${settings.filename_prefix}.csv`;
  const path = join(context.directory, name);
  const table = tableOf(cube, isColumn);
  const writer = new CsvTable(table, settings);
  await TextFile.create(path, (file) => writer.write(file, context));
  return [{ path, name, mediaType: 'text/csv', roles: ['data'], metadata: { 'table:columns': writer.header.map((column) => ({ name: column })), 'table:row_count': writer.rowCount } }];
}

/** Geometries, dates and coordinates make rows. */
const isColumn = ({ type }: Dimension) => type === 'bands' || type === 'other';

class CsvTable {
  readonly header: readonly string[];
  rowCount = 0;
  readonly #table: CubeTable;
  readonly #settings: Settings;
  readonly #properties: readonly PropertyColumn[];
  /** The fields of each geometry: its label, its properties, its outline. */
  readonly #features: readonly (readonly string[])[] | null;

  constructor(table: CubeTable, settings: Settings) {
    this.#table = table;
    this.#settings = settings;
    const { geometries } = table;
    const names = table.rowDimensions.map((d) => d.name);
    const isOutlined = geometries !== undefined && settings.geometry === 'wkt';
    const fixed = [...names, ...table.columns, ...(isOutlined ? ['wkt'] : [])];
    this.#properties = geometries ? propertyColumns(geometries.geometries, fixed) : [];
    const first = geometries ? [names[0]!, ...this.#properties.map((p) => p.name), ...(isOutlined ? ['wkt'] : [])] : [];
    this.header = [...first, ...names.slice(geometries ? 1 : 0), ...table.columns];
    this.#features = geometries ? this.#featureFields() : null;
  }

  async write(file: TextFile, { signal, onProgress }: WriteContext): Promise<void> {
    const { separator } = this.#settings;
    await file.write(this.header.map((name) => this.#quoted(name)).join(separator) + LINE_END);
    const isSparse = this.#features === null;
    let seen = 0;
    for await (const { labels, positions, cells } of this.#table.rows(signal)) {
      if (++seen % PROGRESS_ROWS === 0) onProgress?.(seen / this.#table.rowCount);
      if (isSparse && cells.every((cell) => cell === null)) continue;
      const feature = this.#features?.[positions[0]!] ?? [];
      const own = labels.slice(isSparse ? 0 : 1).map((label) => this.#quoted(String(label)));
      await file.write([...feature, ...own, ...cells.map(cellText)].join(separator) + LINE_END);
      this.rowCount++;
    }
    onProgress?.(1);
  }

  #featureFields(): string[][] {
    const { labels, geometries: { shapes, properties } } = findGeometries(this.#table.cube)!;
    const isOutlined = this.#settings.geometry === 'wkt';
    return shapes.map((shape, i) => [
      this.#quoted(String(labels![i])),
      ...this.#properties.map(({ key }) => this.#quoted(propertyText(properties?.[i]?.[key]))),
      ...(isOutlined ? [this.#quoted(isEmptyGeometry(shape) ? '' : toWkt(shape))] : []),
    ]);
  }

  /** A field in quotes where it needs them. */
  #quoted(text: string): string {
    const isPlain = !text.includes(this.#settings.separator) && !/["\r\n]/.test(text);
    return isPlain ? text : `"${text.replaceAll('"', '""')}"`;
  }
}

const cellText = (cell: Cell) => (cell === null ? '' : String(cell));

function propertyText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
