/** Compressed tiles waiting in a temporary file until the header of the result can be written. */
import { open, rm, type FileHandle } from 'node:fs/promises';
import { writeAll } from '../temporary-file.ts';
import type { LevelSize } from './pyramid.ts';

/** Where the tiles of one level lie in the spool, in TIFF's order (planes, rows, columns). */
export interface SpooledLevel extends LevelSize {
  readonly across: number;
  readonly down: number;
  readonly planes: number;
  readonly offsets: Float64Array;
  readonly sizes: Float64Array;
}

export class TileSpool {
  readonly levels: readonly SpooledLevel[];
  readonly #path: string;
  readonly #handle: FileHandle;
  #end = 0;

  private constructor(path: string, handle: FileHandle, levels: readonly SpooledLevel[]) {
    this.#path = path;
    this.#handle = handle;
    this.levels = levels;
  }

  static async create(path: string, sizes: readonly LevelSize[], tileSize: number, planes: number): Promise<TileSpool> {
    const levels = sizes.map(({ width, height }) => {
      const across = Math.ceil(width / tileSize);
      const down = Math.ceil(height / tileSize);
      const count = across * down * planes;
      return { width, height, across, down, planes, offsets: new Float64Array(count), sizes: new Float64Array(count) };
    });
    return new TileSpool(path, await open(path, 'wx+'), levels);
  }

  /** Appends a compressed tile. */
  async add(level: number, plane: number, row: number, column: number, bytes: Uint8Array): Promise<void> {
    const { across, down, offsets, sizes } = this.levels[level]!;
    const index = (plane * down + row) * across + column;
    const position = this.#end;
    this.#end += bytes.byteLength;
    offsets[index] = position;
    sizes[index] = bytes.byteLength;
    await writeAll(this.#handle, bytes, position);
  }

  async read(level: number, index: number): Promise<Uint8Array> {
    const { offsets, sizes } = this.levels[level]!;
    const bytes = Buffer.allocUnsafe(sizes[index]!);
    await this.#handle.read(bytes, 0, bytes.byteLength, offsets[index]!);
    return bytes;
  }

  /** Closes and deletes the spool. */
  async remove(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
  }
}
