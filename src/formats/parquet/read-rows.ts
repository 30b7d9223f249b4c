/** Rows of any Parquet table as JSON values, some at a time. */
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer, type FileMetaData } from 'hyparquet';
import { isOpenEOError } from '../../errors.ts';
import { unreadable } from '../byte-source.ts';
import type { ByteSource } from '../raster-file.ts';
import { bufferOf, compressors } from './open-vectors.ts';

type Row = Readonly<Record<string, unknown>>;

/** Rows decoded at once: row groups of other writers may have a million. */
const ROWS = 5000;

/** What a file says of itself before a row is read. */
export interface RowFile {
  readonly rowCount: number;
  /** Key-value metadata. */
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * The rows from one on. Geometries come as GeoJSON, instants as RFC 3339 texts in UTC, whole numbers as numbers.
   * What is null in a table is left out of objects: there nobody can tell it from what is absent.
   */
  rows(first?: number): AsyncGenerator<Row>;
}

/** Opens a table. Throws FileContentInvalid when the file is none, or is damaged. */
export async function openRows(source: ByteSource): Promise<RowFile> {
  return reporting(source, async () => {
    const file = bufferOf(source);
    const metadata = await parquetMetadataAsync(file);
    return {
      rowCount: Number(metadata.num_rows),
      metadata: new Map((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? ''])),
      rows: (first = 0) => readRows(source, file, metadata, first),
    };
  });
}

async function* readRows(source: ByteSource, file: AsyncBuffer, metadata: FileMetaData, first: number): AsyncGenerator<Row> {
  const total = Number(metadata.num_rows);
  for (let rowStart = first; rowStart < total; rowStart += ROWS) {
    const rowEnd = Math.min(rowStart + ROWS, total);
    const rows = await reporting(source, () => parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors, parsers: textParsers, useOffsetIndex: true }));
    for (const row of rows) yield plainObject(row);
  }
}

async function reporting<T>(source: ByteSource, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (isOpenEOError(error)) throw error;
    throw unreadable(source, 'it is no Parquet file that can be understood, or is damaged', error);
  }
}

const textParsers = {
  timestampFromMilliseconds: (millis: bigint) => instant(BigInt(millis) * 1000n),
  timestampFromMicroseconds: (micros: bigint) => instant(BigInt(micros)),
  timestampFromNanoseconds: (nanos: bigint) => instant(BigInt(nanos) / 1000n),
  dateFromDays: (days: number) => new Date(days * 86_400_000).toISOString().slice(0, 10),
};

/** RFC 3339 in UTC with as many digits as are needed. */
function instant(micros: bigint): string {
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const whole = new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, 19);
  const digits = rest.toString().padStart(6, '0').replace(/0+$/, '');
  return `${whole}${digits === '' ? '' : `.${digits}`}Z`;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map((entry) => plain(entry) ?? null);
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>, (entry) => plain(entry));
  return typeof value === 'object' && value !== null ? plainObject(value) : value;
}

function plainObject(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).flatMap(([key, member]): [string, unknown][] => (member === null || member === undefined ? [] : [[key, plain(member)]])));
}
