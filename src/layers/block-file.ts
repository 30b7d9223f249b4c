/**
 * The file of a cached block: samples of a window of a cube, whatever their type, with what is no-data.
 *
 * Layout, little-endian: a header of 64 bytes ('LBK3', codes, raw length, checksum of everything else, rank
 * and shape), then the samples and after them the no-data flags, as they are or under zstd. The samples
 * begin at a multiple of 64 bytes, so that a block which is not compressed is read without a copy.
 */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { product } from '../cube/block.ts';
import { dtypes, sampleSize, type DType, type Samples } from '../cube/dtype.ts';
import { checksum } from './checksum.ts';

/** A block as it is kept: samples in row-major order. */
export interface StoredBlock {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Arbitrary where `nulls` is 1. */
  readonly data: Samples;
  /**
   * 1 = no-data. As long as `data`, or shorter when the flags are the same for every index of the outer
   * dimensions (one per vector instead of one per component); null: every sample is valid.
   */
  readonly nulls: Uint8Array | null;
}

const MAGIC = 0x334b424c; // 'LBK3'
const HEADER_BYTES = 64;
const MAX_RANK = 8;
/** A block larger than this is none of ours: headers are read before anything is allocated. */
const MAX_RAW_BYTES = 2 ** 30;
const codes = Object.keys(dtypes) as DType[];
const codec = { raw: 0, zstd: 1 } as const;
/** Unpacking a block of 128 KiB takes ten times as long as reading it: compression has to save most of it. */
const WORTHWHILE = 0.4;

/** Blocks up to this size are unpacked on the spot. */
const AT_ONCE_BYTES = 2 ** 20;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The bytes of a block. Throws RangeError for flags that don't divide the samples (a programming error). */
export async function encodeFile(block: StoredBlock): Promise<Uint8Array> {
  const { data, nulls, shape } = block;
  if (data.length !== product(shape) || shape.length > MAX_RANK) throw new RangeError(`${data.length} samples for the shape [${shape.join(', ')}]`);
  if (nulls && (nulls.length === 0 || data.length % nulls.length !== 0)) throw new RangeError(`${nulls.length} flags for ${data.length} samples`);
  const raw = new Uint8Array(data.byteLength + (nulls?.length ?? 0));
  raw.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  if (nulls) raw.set(nulls, data.byteLength);
  const packed = await compress(raw, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
  const isPacked = packed.length < raw.length * WORTHWHILE;
  const body = isPacked ? packed : raw;
  const out = Buffer.alloc(HEADER_BYTES + body.length);
  out.set(body, HEADER_BYTES);
  writeHeader(out, block, raw.length, isPacked ? codec.zstd : codec.raw);
  // No Buffer: its slice() would share memory.
  return new Uint8Array(out.buffer, out.byteOffset, out.length);
}

function writeHeader(out: Buffer, { dtype, shape, nulls }: StoredBlock, rawLength: number, compression: number): void {
  out.writeUInt32LE(MAGIC, 0);
  out.writeUInt8(codes.indexOf(dtype), 4);
  out.writeUInt8(compression, 5);
  out.writeUInt8(shape.length, 6);
  out.writeUInt32LE(rawLength, 8);
  out.writeUInt32LE(nulls?.length ?? 0, 12);
  shape.forEach((size, i) => out.writeUInt32LE(size, 20 + i * 4));
  out.writeUInt32LE(sumOf(out), 16);
}

/** Used again: a header is looked at before the next one. */
const bareHeader = new Uint8Array(HEADER_BYTES);

/** Of the file without the place that holds it. */
function sumOf(file: Uint8Array): number {
  bareHeader.set(file.subarray(0, HEADER_BYTES));
  return checksum(bareHeader.fill(0, 16, 20), file.subarray(HEADER_BYTES));
}

/** What the header says, and the samples as they are kept. */
interface Packed {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly dataBytes: number;
  readonly rawLength: number;
  readonly isCompressed: boolean;
  readonly body: Buffer;
}

/** The block of a file; null when the bytes are no whole, unharmed block. Shares the memory of the bytes where it can. */
export async function decodeFile(bytes: Uint8Array): Promise<StoredBlock | null> {
  const packed = parseFile(bytes);
  if (packed === null || isSmall(packed)) return packed && unpacked(packed);
  return withRaw(packed, await decompress(packed.body, roomFor(packed)).catch(() => null));
}

/** `decodeFile` on the spot; undefined for a block that is too large to be unpacked here. */
export function decodeSmallFile(bytes: Uint8Array): StoredBlock | null | undefined {
  const packed = parseFile(bytes);
  return packed === null || isSmall(packed) ? packed && unpacked(packed) : undefined;
}

function parseFile(bytes: Uint8Array): Packed | null {
  if (bytes.length < HEADER_BYTES) return null;
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.readUInt32LE(0) !== MAGIC || file.readUInt32LE(16) !== sumOf(bytes)) return null;
  const dtype = codes[file.readUInt8(4)];
  const rank = file.readUInt8(6);
  if (dtype === undefined || rank > MAX_RANK) return null;
  const shape = Array.from({ length: rank }, (_, i) => file.readUInt32LE(20 + i * 4));
  const [compression, rawLength, flags] = [file.readUInt8(5), file.readUInt32LE(8), file.readUInt32LE(12)];
  const dataBytes = product(shape) * sampleSize(dtype);
  if (rawLength !== dataBytes + flags || rawLength > MAX_RAW_BYTES || compression > codec.zstd) return null;
  return { dtype, shape, dataBytes, rawLength, isCompressed: compression === codec.zstd, body: file.subarray(HEADER_BYTES) };
}

/** Handing a small block to another thread takes longer than unpacking it. */
const isSmall = ({ isCompressed, rawLength }: Packed) => !isCompressed || rawLength <= AT_ONCE_BYTES;

/** One chunk of the right size: nothing is put together afterwards, and nothing larger is made. */
const roomFor = ({ rawLength }: Packed) => ({ chunkSize: Math.max(rawLength, 64), maxOutputLength: Math.max(rawLength, 64) });

function unpacked(packed: Packed): StoredBlock | null {
  if (!packed.isCompressed) return withRaw(packed, packed.body);
  try {
    return withRaw(packed, zstdDecompressSync(packed.body, roomFor(packed)));
  } catch {
    return null;
  }
}

/** null when the samples have another length than the header says. */
function withRaw({ dtype, shape, dataBytes, rawLength }: Packed, raw: Buffer | null): StoredBlock | null {
  if (raw?.length !== rawLength) return null;
  // No Buffer: its slice() would share memory.
  const bytes = new Uint8Array(raw.buffer, raw.byteOffset, raw.length);
  return { dtype, shape, data: samplesOf(bytes, dtype, dataBytes), nulls: rawLength === dataBytes ? null : bytes.subarray(dataBytes) };
}

function samplesOf(raw: Uint8Array, dtype: DType, byteLength: number): Samples {
  const isAligned = raw.byteOffset % sampleSize(dtype) === 0;
  const bytes = isAligned ? raw : raw.slice(0, byteLength);
  return new dtypes[dtype](bytes.buffer as ArrayBuffer, bytes.byteOffset, byteLength / sampleSize(dtype));
}
