/** Items written to one file, as many as there are: stac-geoparquet, NDJSON, or an ItemCollection. */
import { rename, rm } from 'node:fs/promises';
import { TableShape, writeTable } from '../../formats/parquet/json-table.ts';
import { TextFile } from '../../formats/text-file.ts';
import type { StacCollection } from '../types.ts';
import { INSTANTS, rowOf } from './item-row.ts';
import { fileRecords } from './record-source.ts';

type Item = object;
type Row = Readonly<Record<string, unknown>>;

const exportFormats = ['parquet', 'ndjson', 'json'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export const PARQUET_TYPE = 'application/vnd.apache.parquet';
export const NDJSON_TYPE = 'application/x-ndjson';

const SPECIFICATION_VERSION = '1.1.0';

/** What is told of the items beside them. */
export interface ExportOptions {
  /** Kept in the metadata of a table. */
  readonly collections?: readonly StacCollection[];
  /** Called now and then with the number of items that were written. */
  readonly onProgress?: (items: number) => void;
}

/** The format that the ending of a file name asks for; null for any other. */
export function exportFormatOf(name: string): ExportFormat | null {
  const ending = /\.(geoparquet|parquet|ndjson|jsonl|geojsonl|json|geojson)$/i.exec(name)?.[1]!.toLowerCase();
  if (ending === undefined) return null;
  if (ending.endsWith('parquet')) return 'parquet';
  return ending === 'json' || ending === 'geojson' ? 'json' : 'ndjson';
}

/**
 * Writes the items to `path`, whole or not at all, and gives how many there were. Memory holds some of them at a
 * time: for a table they lie in a file beside it until their columns are known.
 */
export async function exportItems(items: AsyncIterable<Item>, path: string, format: ExportFormat, options: ExportOptions = {}): Promise<number> {
  const part = `${path}.part`;
  const spool = `${path}.part.ndjson`;
  try {
    await Promise.all([part, spool].map((each) => rm(each, { force: true })));
    const count = format === 'parquet' ? await writeParquet(items, part, spool, options) : await writeText(items, part, format, options);
    await rename(part, path);
    return count;
  } finally {
    await Promise.all([part, spool].map((each) => rm(each, { force: true })));
  }
}

async function writeParquet(items: AsyncIterable<Item>, path: string, spool: string, options: ExportOptions): Promise<number> {
  const shape = new TableShape(INSTANTS);
  await TextFile.create(spool, async (file) => {
    let count = 0;
    for await (const item of items) {
      const row = rowOf(item as Row);
      shape.add(row);
      await file.write(`${JSON.stringify(row)}\n`);
      count++;
      options.onProgress?.(count);
    }
  });
  const collections = Object.fromEntries((options.collections ?? []).map((collection) => [collection.id, collection]));
  return writeTable(path, shape, spooled(spool), { 'stac-geoparquet': { version: SPECIFICATION_VERSION, collections } });
}

/** Not by node:readline, for which a line ends at U+2028 and U+2029 too: JSON has those in its texts. */
async function* spooled(path: string): AsyncGenerator<Row> {
  const lines = await fileRecords(path, 'lines');
  for await (const line of lines.records(0)) yield line.read() as Row;
}

async function writeText(items: AsyncIterable<Item>, path: string, format: 'ndjson' | 'json', { onProgress }: ExportOptions): Promise<number> {
  let count = 0;
  await TextFile.create(path, async (file) => {
    if (format === 'json') await file.write('{"type":"FeatureCollection","features":[');
    for await (const item of items) {
      const before = count === 0 ? '' : format === 'json' ? ',\n' : '\n';
      await file.write(`${before}${JSON.stringify(item)}`);
      count++;
      onProgress?.(count);
    }
    await file.write(format === 'json' ? '],"links":[]}\n' : '\n');
  });
  return count;
}
