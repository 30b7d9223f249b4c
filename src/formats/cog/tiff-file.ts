/**
 * Writes the (Big)TIFF file around spooled tiles in the layout of a cloud-optimized GeoTIFF: header, GDAL's
 * ghost area, all directories, then the tiles of the smallest overview up to those of the full image.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { writeAll } from '../temporary-file.ts';
import type { SpooledLevel, TileSpool } from './tile-spool.ts';

/** TIFF field types. */
export const FIELD = { byte: 1, ascii: 2, short: 3, long: 4, double: 12, long8: 16 } as const;
const FIELD_SIZE: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 12: 8, 16: 8 };

export interface Field {
  readonly tag: number;
  readonly type: (typeof FIELD)[keyof typeof FIELD];
  readonly values: ArrayLike<number>;
}

const TAG_TILE_OFFSETS = 324;
const TAG_TILE_BYTE_COUNTS = 325;

/**
 * What GDAL's COG driver states before the first directory: readers may rely on tiles being in order, with
 * their size before them and their last four bytes repeated behind (a cheap check against damage).
 */
const GHOST_ITEMS = 'LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ';
const GHOST = `GDAL_STRUCTURAL_METADATA_SIZE=${String(GHOST_ITEMS.length).padStart(6, '0')} bytes\n${GHOST_ITEMS}`;

const LEADER = 4;
const TRAILER = 4;
/** Classic TIFF addresses 4 GiB; a margin keeps the sum of everything below it. */
const CLASSIC_LIMIT = 4 * 1024 ** 3 - 64 * 1024 ** 2;
const WRITE_BUFFER = 4 * 1024 * 1024;

/** Text as the values of an ASCII field. */
export function ascii(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, 'utf8');
}

/**
 * Writes the file. `fields` holds the fields of each level but the tile tables, which are added here. More
 * than `classicLimit` bytes of tiles make it a BigTIFF. Rejects with the error of the file system, e.g. when
 * the disk is full.
 */
export async function writeTiff(
  path: string, fields: readonly (readonly Field[])[], spool: TileSpool, signal: AbortSignal, classicLimit = CLASSIC_LIMIT,
): Promise<void> {
  const dataBytes = spool.levels.reduce((sum, level) => sum + level.sizes.reduce((a, b) => a + b + LEADER + TRAILER, 0), 0);
  const isBig = dataBytes > classicLimit;
  const header = layOutHeader(fields, spool.levels, isBig);
  const handle = await open(path, 'wx');
  try {
    const out = new BufferedFile(handle);
    await out.write(header);
    for (const [level, index] of tilesInFileOrder(spool.levels)) {
      signal.throwIfAborted();
      const bytes = await spool.read(level, index);
      const frame = Buffer.alloc(LEADER);
      frame.writeUInt32LE(bytes.byteLength);
      await out.write(frame);
      await out.write(bytes);
      await out.write(lastFour(bytes));
    }
    await out.flush();
  } finally {
    await handle.close();
  }
}

/** Smallest overview first; within a level row by row, all bands of a place together when planar. */
function* tilesInFileOrder(levels: readonly SpooledLevel[]): Generator<[number, number]> {
  for (let level = levels.length - 1; level >= 0; level--) {
    const { across, down, planes } = levels[level]!;
    for (let place = 0; place < across * down; place++) {
      for (let plane = 0; plane < planes; plane++) yield [level, plane * across * down + place];
    }
  }
}

function lastFour(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(TRAILER);
  out.set(bytes.subarray(-TRAILER), 0);
  return out;
}

function layOutHeader(fields: readonly (readonly Field[])[], levels: readonly SpooledLevel[], isBig: boolean): Uint8Array {
  const start = (isBig ? 16 : 8) + GHOST.length;
  const first = start + (start % 2);
  // Sizes do not depend on values, so a pass with empty tile tables tells where the data begins.
  const withTables = (offsets: readonly ArrayLike<number>[]) => fields.map((list, i) => sortByTag([
    ...list,
    { tag: TAG_TILE_OFFSETS, type: isBig ? FIELD.long8 : FIELD.long, values: offsets[i]! },
    { tag: TAG_TILE_BYTE_COUNTS, type: FIELD.long, values: levels[i]!.sizes },
  ]));
  const sizes = withTables(levels.map((level) => level.offsets)).map((list) => directorySize(list, isBig));
  const dataStart = first + sizes.reduce((a, b) => a + b, 0);
  const out = Buffer.alloc(dataStart);
  out.write('II', 0, 'latin1');
  out.writeUInt16LE(isBig ? 43 : 42, 2);
  if (isBig) out.writeUInt16LE(8, 4);
  if (isBig) out.writeBigUInt64LE(BigInt(first), 8);
  else out.writeUInt32LE(first, 4);
  out.write(GHOST, isBig ? 16 : 8, 'latin1');
  let position = first;
  for (const [i, list] of withTables(tileOffsets(levels, dataStart)).entries()) {
    const next = i + 1 < fields.length ? position + sizes[i]! : 0;
    writeDirectory(out, position, next, list, isBig);
    position += sizes[i]!;
  }
  return out;
}

function tileOffsets(levels: readonly SpooledLevel[], dataStart: number): Float64Array[] {
  const offsets = levels.map((level) => new Float64Array(level.sizes.length));
  let position = dataStart;
  for (const [level, index] of tilesInFileOrder(levels)) {
    offsets[level]![index] = position + LEADER;
    position += LEADER + levels[level]!.sizes[index]! + TRAILER;
  }
  return offsets;
}

const sortByTag = (fields: readonly Field[]) => fields.toSorted((a, b) => a.tag - b.tag);
const valueBytes = ({ type, values }: Field) => values.length * FIELD_SIZE[type]!;
const even = (n: number) => n + (n % 2);

function directorySize(fields: readonly Field[], isBig: boolean): number {
  const inline = isBig ? 8 : 4;
  const outside = fields.map(valueBytes).filter((n) => n > inline).reduce((sum, n) => sum + even(n), 0);
  return even(isBig ? 8 + fields.length * 20 + 8 : 2 + fields.length * 12 + 4) + outside;
}

function writeDirectory(out: Buffer, position: number, next: number, fields: readonly Field[], isBig: boolean): void {
  const [countSize, entrySize, inline] = isBig ? [8, 20, 8] : [2, 12, 4];
  const writeOffset = (value: number, at: number) => (isBig ? out.writeBigUInt64LE(BigInt(value), at) : out.writeUInt32LE(value, at));
  if (isBig) out.writeBigUInt64LE(BigInt(fields.length), position);
  else out.writeUInt16LE(fields.length, position);
  const end = position + countSize + fields.length * entrySize;
  let outside = position + even(countSize + fields.length * entrySize + inline);
  for (const [i, field] of fields.entries()) {
    const at = position + countSize + i * entrySize;
    out.writeUInt16LE(field.tag, at);
    out.writeUInt16LE(field.type, at + 2);
    writeOffset(field.values.length, at + 4);
    const value = at + 4 + inline;
    if (valueBytes(field) <= inline) {
      writeValues(out, value, field);
    } else {
      writeOffset(outside, value);
      writeValues(out, outside, field);
      outside += even(valueBytes(field));
    }
  }
  writeOffset(next, end);
}

function writeValues(out: Buffer, position: number, { type, values }: Field): void {
  const size = FIELD_SIZE[type]!;
  for (let i = 0; i < values.length; i++) {
    const at = position + i * size;
    const value = values[i]!;
    if (size === 1) out.writeUInt8(value, at);
    else if (size === 2) out.writeUInt16LE(value, at);
    else if (size === 4) out.writeUInt32LE(value, at);
    else if (type === FIELD.double) out.writeDoubleLE(value, at);
    else out.writeBigUInt64LE(BigInt(value), at);
  }
}

/** Joins small writes into large ones. */
class BufferedFile {
  readonly #handle: FileHandle;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #position = 0;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#pieces.push(bytes);
    this.#size += bytes.byteLength;
    if (this.#size >= WRITE_BUFFER) await this.flush();
  }

  async flush(): Promise<void> {
    await writeAll(this.#handle, Buffer.concat(this.#pieces), this.#position);
    this.#position += this.#size;
    this.#pieces = [];
    this.#size = 0;
  }
}
