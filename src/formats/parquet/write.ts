/** The result format Parquet: a GeoParquet table with a row per cell and date, written row group by row group. */
import { join } from 'node:path';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { findGeometries } from '../../cube/geometries.ts';
import { permute } from '../../cube/permute.ts';
import { spatialAxes } from '../../cube/window.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { storedTypeFor } from '../cog/stored-type.ts';
import { readOptions, refuse, type Options } from '../options.ts';
import { requireCells, requireGrid } from '../raster-plan.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import { CellShapes, type Box, type GeometryKind } from './cell-shapes.ts';
import { hilbertBlocks, hilbertCells } from './hilbert.ts';
import { embeddingMetadata, geoMetadata } from './metadata.ts';
import { ParquetFile } from './parquet-file.ts';
import { appendPlace, labelColumns, PLACE_NAMES, placeColumns, type LabelColumns, type Labels } from './row-columns.ts';
import { bandColumns, vectorColumns, type ValueColumns } from './value-columns.ts';
import { VectorTable } from './write-vectors.ts';

const description: FormatDescription = {
  title: 'GeoParquet 1.1',
  description: 'One table with a row per cell and date: `id` of the cell (the same in every file), `geometry` and `bbox` in longitude and latitude, `datetime`, `source_items`, and the values. Embeddings are one column `embedding`, a list of float32, of float16 or of the int8 codes that their quantization gives (with a column `scale` where each vector has its own; binary ones are packed, eight dimensions per byte); other cubes have one column per band, null where it has no data. Rows without data are left out. Rows follow a Hilbert curve, so readers that filter by `bbox` read few row groups. A vector cube has a row per geometry and date, with the id or position, the geometry in longitude and latitude, the properties of the feature (numbers and booleans as such, all else as text), and a column per band or other label. The metadata keys `geo` and `emb` say what is in the file.',
  gis_data_types: ['vector', 'table'],
  parameters: {
    geometry: { description: 'Whether rows have the outline of their cell or its centre. Not for vector cubes, whose rows have their own geometries.', type: 'string', enum: ['polygon', 'point'], default: 'polygon' },
    row_group_size: { description: 'Rows per row group, at most 1048576. Default: as many as make a million numbers, at most 65536.', type: 'integer', minimum: 1 },
    filename_prefix: { description: 'Name of the file, without its ending.', type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', default: 'result' },
  },
};

export const MEDIA_TYPE = 'application/vnd.apache.parquet';

/** Numbers in a row group by default: encoding happens on this thread and takes about a second for so many. */
const GROUP_NUMBERS = 1024 * 1024;
const USUAL_MOST_ROWS = 65_536;
const MOST_ROWS = 1_048_576;
/** A row group is held in memory before it is written. */
const MOST_GROUP_NUMBERS = 16 * 1024 * 1024;
/** Samples read at once. */
const BLOCK_SAMPLES = 1024 * 1024;
const LARGEST_BLOCK = 256;

export const parquet: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writeFile(cube, options, context)),
};

interface Settings {
  readonly geometry: GeometryKind;
  readonly row_group_size?: number;
  readonly filename_prefix: string;
}

async function writeFile(cube: Cube, options: Options, context: WriteContext): Promise<WrittenFile[]> {
  const settings = readOptions(description, options) as unknown as Settings;
  requireCells(cube);
  const name = `${settings.filename_prefix}.parquet`;
  const path = join(context.directory, name);
  if (findGeometries(cube) && !cube.grid) return writeFeatures(cube, { path, name }, { settings, options, context });
  requireGrid(cube, 'Parquet');
  const table = new Table(cube, settings, context);
  await table.write(path);
  return [{ path, name, mediaType: MEDIA_TYPE, roles: ['data'], metadata: table.metadata() }];
}

interface Writing {
  readonly settings: Settings;
  /** As they were given. */
  readonly options: Options;
  readonly context: WriteContext;
}

async function writeFeatures(cube: Cube, { path, name }: { readonly path: string; readonly name: string }, { settings, options, context }: Writing): Promise<WrittenFile[]> {
  if (options['geometry'] !== undefined && options['geometry'] !== null) throw refuse('\'geometry\' is for pixels; the rows of a vector cube have their own geometries');
  const table = new VectorTable(cube, (width) => groupRows(width, settings.row_group_size), context);
  await table.write(path);
  return [{ path, name, mediaType: MEDIA_TYPE, roles: ['data'], metadata: tableFields(table.columns, table.rowCount) }];
}

/** STAC's table extension, and where the rows are. */
function tableFields(columns: readonly { readonly name: string }[], rows: number): Record<string, unknown> {
  return { 'table:columns': columns.map(({ name }) => ({ name })), 'table:primary_geometry': 'geometry', 'table:row_count': rows };
}

class Table {
  readonly #cube: Cube;
  readonly #settings: Settings;
  readonly #context: WriteContext;
  readonly #labels: LabelColumns;
  readonly #values: ValueColumns;
  readonly #groupRows: number;
  /** The row group being gathered: one array per column. */
  #rows: unknown[][];
  #extent: Box | null = null;
  #rowCount = 0;

  constructor(cube: Cube, settings: Settings, context: WriteContext) {
    this.#cube = cube;
    this.#settings = settings;
    this.#context = context;
    this.#labels = labelColumns(cube);
    const taken = [...PLACE_NAMES, ...this.#labels.columns.map((c) => c.name)];
    this.#values = cube.attributes.embedding ? vectorColumns(cube) : bandColumns(cube, taken);
    this.#groupRows = groupRows(this.#values.width, settings.row_group_size);
    this.#rows = this.#columns.map(() => []);
  }

  async write(path: string): Promise<void> {
    const file = await ParquetFile.create(path, this.#columns);
    try {
      await this.#writeBlocks(file);
      await file.writeRows(this.#rows);
      const embedding = embeddingMetadata(this.#cube, storedTypeFor(this.#cube).dtype, {});
      await file.finish({ geo: geoMetadata(this.#settings.geometry, this.#extent), ...(embedding && { emb: embedding }) });
      this.#rowCount = file.rowCount;
    } finally {
      await file.close();
    }
  }

  metadata(): Record<string, unknown> {
    return tableFields(this.#columns, this.#rowCount);
  }

  get #columns() {
    return [...placeColumns, ...this.#labels.columns, ...this.#values.columns];
  }

  /** Block after block along the curve; in each the dates one after the other. */
  async #writeBlocks(file: ParquetFile): Promise<void> {
    const { grid } = this.#cube;
    const blocks = hilbertBlocks(grid!.width, grid!.height, blockEdge(this.#values.width));
    const { combinations } = this.#labels;
    for (const [i, cells] of blocks.entries()) {
      const shapes = new CellShapes(grid!, cells, this.#settings.geometry);
      const order = hilbertCells(cells);
      for (const [j, labels] of combinations.entries()) {
        this.#context.signal.throwIfAborted();
        await this.#addRows(file, await this.#read(cells, labels), { shapes, order, labels });
        this.#context.onProgress?.((i + (j + 1) / combinations.length) / blocks.length);
      }
    }
  }

  /** The cells of one combination of labels as [bands, height, width]. */
  async #read(cells: CellWindow, { positions }: Labels): Promise<Block> {
    const { dimensions } = this.#cube;
    const axes = spatialAxes(dimensions)!;
    const bands = dimensions.findIndex((d) => d.type === 'bands');
    const others = dimensions.map((_, i) => i).filter((i) => i !== axes.x && i !== axes.y && i !== bands);
    const start = dimensions.map((_, i) => (i === axes.x ? cells.x : i === axes.y ? cells.y : i === bands ? 0 : positions[others.indexOf(i)]!));
    const size = dimensions.map((d, i) => (i === axes.x ? cells.width : i === axes.y ? cells.height : i === bands ? d.size : 1));
    const block = await this.#cube.read({ start, size }, this.#context.signal);
    const ordered = permute(block, [...others, ...(bands < 0 ? [] : [bands]), axes.y, axes.x]);
    return { ...ordered, shape: [bands < 0 ? 1 : size[bands]!, cells.height, cells.width] };
  }

  async #addRows(file: ParquetFile, block: Block, { shapes, order, labels }: { readonly shapes: CellShapes; readonly order: Uint32Array; readonly labels: Labels }): Promise<void> {
    const values = this.#values.cellValues(block);
    const first = placeColumns.length;
    for (const cell of order) {
      if (!values.has(cell)) continue;
      const shape = shapes.shape(cell);
      if (shape.bbox) this.#extent = union(this.#extent, shape.bbox);
      const rows = this.#rows;
      appendPlace(rows, shape);
      for (let i = 0; i < labels.values.length; i++) rows[first + i]!.push(labels.values[i]);
      values.append(cell, rows, first + labels.values.length);
      if (this.#rows[0]!.length >= this.#groupRows) await this.#flush(file);
    }
  }

  async #flush(file: ParquetFile): Promise<void> {
    await file.writeRows(this.#rows);
    this.#rows = this.#columns.map(() => []);
    // Encoding works on this thread: let timers and cancellation have their turn.
    await yieldToOthers();
    this.#context.signal.throwIfAborted();
  }
}

/** Throws ProcessParameterInvalid for more rows than memory should hold. */
function groupRows(width: number, wanted: number | undefined): number {
  if (wanted === undefined) return Math.max(1, Math.min(USUAL_MOST_ROWS, Math.floor(GROUP_NUMBERS / width)));
  const most = Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_GROUP_NUMBERS / width)));
  if (wanted > most) throw refuse(`'row_group_size' must be at most ${most} for rows of ${width} numbers`);
  return wanted;
}

function blockEdge(width: number): number {
  return Math.max(16, Math.min(LARGEST_BLOCK, 2 ** Math.floor(Math.log2(Math.sqrt(BLOCK_SAMPLES / width)))));
}

function union(a: Box | null, b: Box): Box {
  if (!a) return b;
  return { xmin: Math.min(a.xmin, b.xmin), ymin: Math.min(a.ymin, b.ymin), xmax: Math.max(a.xmax, b.xmax), ymax: Math.max(a.ymax, b.ymax) };
}
