/** A Parquet file that is written row group by row group: memory holds one of them. */
import { open, type FileHandle } from 'node:fs/promises';
import { constants, zstdCompressSync } from 'node:zlib';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { writeAll } from '../temporary-file.ts';

type WriterOptions = ConstructorParameters<typeof ParquetWriter>[0];
export type SchemaElement = WriterOptions['schema'][number];
type ColumnSource = Parameters<ParquetWriter['write']>[0]['columnData'][number];

/** A column: its part of the schema, and how it is written. */
export interface Column {
  readonly name: string;
  /** The element of this name, and those below it, in preorder. */
  readonly schema: readonly SchemaElement[];
  readonly encoding?: NonNullable<ColumnSource['encoding']>;
  /** Whether row groups say the column's smallest and largest value; worth it where readers select by it. */
  readonly hasStatistics: boolean;
}

const ZSTD_LEVEL = 3;

export class ParquetFile {
  readonly #columns: readonly Column[];
  readonly #handle: FileHandle;
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  #rowCount = 0;
  #position = 0;

  private constructor(handle: FileHandle, columns: readonly Column[]) {
    this.#handle = handle;
    this.#columns = columns;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [{ name: 'schema', num_children: columns.length }, ...columns.flatMap((c) => c.schema)],
      codec: 'ZSTD',
      compressors: { ZSTD: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }) },
      createdBy: 'Lamina (hyparquet-writer)',
      kvMetadata: [],
    });
  }

  /** Creates a file at a path where there is none. */
  static async create(path: string, columns: readonly Column[]): Promise<ParquetFile> {
    return new ParquetFile(await open(path, 'wx'), columns);
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** Writes a row group; `values` has one array per column, all of one length. */
  async writeRows(values: readonly unknown[][]): Promise<void> {
    const rows = values[0]!.length;
    if (rows === 0) return;
    await this.#writer.write({
      rowGroupSize: rows,
      columnData: this.#columns.map(({ name, encoding, hasStatistics }, i) => ({ name, data: values[i]!, statistics: hasStatistics, ...(encoding && { encoding }) })),
    });
    this.#rowCount += rows;
    await this.#flush();
  }

  /** Writes the footer with these values, as JSON, as key-value metadata. The file is to be closed all the same. */
  async finish(metadata: Readonly<Record<string, unknown>>): Promise<void> {
    this.#writer.kvMetadata?.push(...Object.entries(metadata).map(([key, value]) => ({ key, value: JSON.stringify(value) })));
    await this.#writer.finish();
    await this.#flush();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    const bytes = this.#bytes.getBytes();
    await writeAll(this.#handle, bytes, this.#position);
    this.#position += bytes.byteLength;
    this.#bytes.index = 0;
  }
}
