/** Opens GeoParquet tables of embeddings (one row per patch: geometry, vector) as rasters, as Earth Index publishes them. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parquetMetadataAsync, parquetRead, type AsyncBuffer, type Compressors, type FileMetaData } from 'hyparquet';
import type { Block } from '../../cube/block.ts';
import { isOpenEOError } from '../../errors.ts';
import { parseCrs, WGS84 } from '../../geo/crs.ts';
import { unreadable } from '../byte-source.ts';
import type { ByteSource, RasterFile } from '../raster-file.ts';
import { cellLattice, type CellLattice, type Point } from './cell-lattice.ts';

/** A tile of Earth Index has about 120 000 rows of 384 numbers. */
const MOST_ROWS = 400_000;
const LARGEST_READ = 512 * 1024 * 1024;
const MOST_DIMENSIONS = 8192;
const VECTOR_COLUMNS = ['embedding', 'embeddings', 'vector'];
const MAGIC = 'PAR1';

const limited = (outputLength: number) => ({ maxOutputLength: Math.max(1, outputLength) });
/** Decompression, held to the stated sizes. */
export const compressors: Compressors = {
  GZIP: (input, length) => new Uint8Array(gunzipSync(input, limited(length))),
  ZSTD: (input, length) => new Uint8Array(zstdDecompressSync(input, limited(length))),
  BROTLI: (input, length) => new Uint8Array(brotliDecompressSync(input, limited(length))),
};

/** True when a file begins like Parquet. */
export async function isParquet(source: ByteSource): Promise<boolean> {
  return Buffer.from(await source.read(0, MAGIC.length)).toString('latin1') === MAGIC;
}

/**
 * The table as a float32 raster with a band per dimension; cells without a row, and numbers that are NaN, are
 * null. Geometries are read now, vectors row group by row group when a window is read. Throws
 * FileContentInvalid when the rows lie on no regular grid, or the file is no such table.
 */
export async function openVectorTable(source: ByteSource): Promise<RasterFile> {
  try {
    return await open(source);
  } catch (error) {
    if (isOpenEOError(error)) throw error;
    throw unreadable(source, 'it is no Parquet file that can be understood, or is damaged', error);
  }
}

async function open(source: ByteSource): Promise<RasterFile> {
  const file = bufferOf(source);
  const metadata = await parquetMetadataAsync(file);
  const rows = Number(metadata.num_rows);
  if (rows > MOST_ROWS) throw unreadable(source, `it has ${rows} rows, more than the ${MOST_ROWS} that are put on a grid`);
  const geometry = geometryColumn(metadata, source);
  const column = vectorColumn(metadata, source);
  const centres = await centresOf(file, metadata, geometry.name, source);
  const lattice = cellLattice(centres, geometry.crs);
  if (typeof lattice === 'string') throw unreadable(source, lattice);
  const [first] = await columnOf(file, metadata, column, 0, 1);
  const count = Array.isArray(first) || ArrayBuffer.isView(first) ? (first as unknown as ArrayLike<unknown>).length : 0;
  if (count === 0 || count > MOST_DIMENSIONS) throw unreadable(source, `its column '${column}' holds no vectors`);
  const table: Table = { source, file, metadata, column, count, lattice };
  const { width, height } = lattice.grid;
  return {
    source,
    dtype: 'float32',
    bands: Array.from({ length: count }, () => ({ name: null, nodata: NaN, scale: null, offset: null })),
    levels: [{ width, height, blockWidth: width, blockHeight: height }],
    grid: lattice.grid,
    tags: {},
    read: (request, signal) => readWindow(table, request, signal),
  };
}

interface Table {
  readonly source: ByteSource;
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly column: string;
  /** Dimensions of the vectors. */
  readonly count: number;
  readonly lattice: CellLattice;
}

/** The bytes of a file as the library for Parquet wants them. */
export function bufferOf(source: ByteSource): AsyncBuffer {
  const { sizeBytes } = source;
  if (sizeBytes === null) throw unreadable(source, 'its server does not tell how large it is');
  return {
    byteLength: sizeBytes,
    async slice(start, end = sizeBytes) {
      if (end - start > LARGEST_READ) throw unreadable(source, 'its row groups are too large');
      const bytes = await source.read(start, end - start);
      // A copy: what a source gives may be a window into memory that it shares.
      return new Uint8Array(bytes).buffer;
    },
  };
}

/** The primary geometry column and its reference system: degrees unless `geo` says otherwise. */
export function geometryColumn(metadata: FileMetaData, source: Pick<ByteSource, 'id'>): { name: string; crs: string } {
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'geo')?.value;
  const geo = text === undefined ? null : (JSON.parse(text) as { primary_column?: string; columns?: Record<string, { encoding?: string; crs?: { id?: { authority?: string; code?: string | number } } | null }> });
  const name = geo?.primary_column ?? 'geometry';
  const column = geo?.columns?.[name];
  if (!column || column.encoding !== 'WKB') throw unreadable(source, 'it is no GeoParquet file with geometries as WKB');
  if (column.crs === null || column.crs === undefined) return { name, crs: WGS84 };
  const { authority, code } = column.crs.id ?? {};
  if (authority === 'OGC' && code === 'CRS84') return { name, crs: WGS84 };
  if (authority !== 'EPSG' || code === undefined) throw unreadable(source, 'the reference system of its geometries has no EPSG code');
  return { name, crs: parseCrs(Number(code)) };
}

function vectorColumn(metadata: FileMetaData, source: ByteSource): string {
  const { schema } = metadata;
  const at = schema.findIndex(({ name }, i) => i > 0 && VECTOR_COLUMNS.includes(name));
  if (at < 0) throw unreadable(source, `it has no column of vectors; one is looked for as ${VECTOR_COLUMNS.map((name) => `'${name}'`).join(', ')}`);
  const element = schema[at + 2];
  if (!schema[at]!.num_children || (element?.type !== 'FLOAT' && element?.type !== 'DOUBLE')) throw unreadable(source, `its column '${schema[at]!.name}' is no list of floating-point numbers`);
  return schema[at]!.name;
}

/** Centres of points, and of polygons: the mean of their corners. */
async function centresOf(file: AsyncBuffer, metadata: FileMetaData, column: string, source: ByteSource): Promise<Point[]> {
  const geometries = (await columnOf(file, metadata, column, 0, Number(metadata.num_rows))) as ({ type: string; coordinates: unknown } | null)[];
  return geometries.map((geometry) => {
    if (geometry?.type === 'Point') return geometry.coordinates as Point;
    if (geometry?.type !== 'Polygon') throw unreadable(source, 'its geometries are neither points nor polygons');
    const ring = (geometry.coordinates as Point[][])[0]!.slice(0, -1);
    return [0, 1].map((axis) => ring.reduce((sum, corner) => sum + corner[axis]!, 0) / ring.length) as unknown as Point;
  });
}

async function columnOf(file: AsyncBuffer, metadata: FileMetaData, column: string, rowStart: number, rowEnd: number): Promise<unknown[]> {
  const out: unknown[] = [];
  await parquetRead({ file, metadata, columns: [column], compressors, rowStart, rowEnd, rowFormat: 'array', onComplete: (rows) => rows.forEach((row) => out.push(row[0])) });
  return out;
}

async function readWindow({ file, metadata, column, count, lattice, source }: Table, { window, bands }: Parameters<RasterFile['read']>[0], signal?: AbortSignal): Promise<Block> {
  const cells = window.width * window.height;
  const data = new Float32Array(bands.length * cells);
  const nulls = new Uint8Array(data.length).fill(1);
  let start = 0;
  for (const group of metadata.row_groups) {
    signal?.throwIfAborted();
    const end = start + Number(group.num_rows);
    const targets = Array.from({ length: end - start }, (_, i) => targetOf(lattice, start + i, window));
    if (targets.some((target) => target >= 0)) {
      const vectors = (await columnOf(file, metadata, column, start, end)) as (ArrayLike<number> | null)[];
      targets.forEach((target, i) => target >= 0 && vectors[i] && put(vectors[i], target));
    }
    start = end;
  }
  return { dtype: 'float32', shape: [bands.length, window.height, window.width], data, nulls };

  function put(vector: ArrayLike<number>, target: number): void {
    if (vector.length !== count) throw unreadable(source, `its vectors have different lengths: ${count} and ${vector.length}`);
    for (const [i, band] of bands.entries()) {
      const value = vector[band]!;
      data[i * cells + target] = value;
      nulls[i * cells + target] = Number.isNaN(value) ? 1 : 0;
    }
  }
}

/** Where in a window a row of the table lies; −1 outside. */
function targetOf({ cells, grid }: CellLattice, row: number, window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }): number {
  const cell = cells[row]!;
  const [x, y] = [(cell % grid.width) - window.x, Math.floor(cell / grid.width) - window.y];
  return x < 0 || y < 0 || x >= window.width || y >= window.height ? -1 : y * window.width + x;
}
