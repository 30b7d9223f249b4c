/** Reads GeoParquet tables as features: a row each, its other columns as properties. */
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { isOpenEOError } from '../../errors.ts';
import { readGeoJson, type FeatureSet } from '../../geo/geojson.ts';
import { GeometryError } from '../../geo/geometry.ts';
import { unreadable } from '../byte-source.ts';
import { compressors, geometryColumn } from './open-vectors.ts';

const MOST_ROWS = 500_000;
/** Columns that say where a row lies once more. */
const COVERING = new Set(['bbox']);
const ID = 'id';

/**
 * The features of a table that lies in memory. A column `id` gives the ids where it is text. `name` is how
 * messages call the file. Throws FileContentInvalid when it is no GeoParquet file or can't be read.
 */
export async function readParquetFeatures(bytes: Uint8Array, name: string): Promise<FeatureSet> {
  const source = { id: name };
  try {
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    const file: AsyncBuffer = { byteLength: buffer.byteLength, slice: (start, end) => buffer.slice(start, end) };
    const metadata = await parquetMetadataAsync(file);
    const rows = Number(metadata.num_rows);
    if (rows > MOST_ROWS) throw unreadable(source, `it has ${rows} rows, more than the ${MOST_ROWS} that are read`);
    const geometry = geometryColumn(metadata, source);
    const columns = topColumns(metadata).filter((column) => !COVERING.has(column));
    const found = await parquetReadObjects({ file, metadata, columns, compressors });
    return featuresOf(found, geometry, source);
  } catch (error) {
    if (isOpenEOError(error)) throw error;
    if (error instanceof GeometryError) throw unreadable(source, error.message, error);
    throw unreadable(source, 'it is no Parquet file that can be understood, or is damaged', error);
  }
}

function featuresOf(rows: readonly Record<string, unknown>[], geometry: { readonly name: string; readonly crs: string }, source: { readonly id: string }): FeatureSet {
  if (rows.length === 0) throw unreadable(source, 'it has no rows');
  return readGeoJson({
    type: 'FeatureCollection',
    crs: geometry.crs,
    features: rows.map(({ [geometry.name]: shape, ...others }) => ({
      type: 'Feature',
      geometry: shape ?? null,
      ...(typeof others[ID] === 'string' && { id: others[ID] }),
      properties: Object.fromEntries(Object.entries(others).filter(([key, value]) => !(key === ID && typeof value === 'string')).map(([key, value]) => [key, plain(value)])),
    })),
  });
}

/** Names of the columns of the table, groups as one. */
function topColumns({ schema }: FileMetaData): string[] {
  const names: string[] = [];
  let at = 1;
  const skip = (index: number): number => {
    let next = index + 1;
    for (let i = 0; i < (schema[index]!.num_children ?? 0); i++) next = skip(next);
    return next;
  };
  while (at < schema.length) {
    names.push(schema[at]!.name);
    at = skip(at);
  }
  return names;
}

/** Values as JSON has them. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  return value ?? null;
}
