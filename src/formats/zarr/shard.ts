/**
 * A shard of a Zarr v3 array: the codec `sharding_indexed` of the Zarr specification (ZEP 2).
 *
 * A shard is one object with many inner chunks, each compressed by itself, followed by an index of their
 * places. A reader that wants one place fetches the index and one chunk.
 */
import { constants, zstdCompress } from 'node:zlib';
import { promisify } from 'node:util';
import { product, strides } from '../../cube/block.ts';
import type { Samples } from '../../cube/dtype.ts';
import { crc32c } from './crc32c.ts';

const compress = promisify(zstdCompress);

/** Chunks compressed at a time: a compressor holds some megabytes. */
const COMPRESSING = 6;
/** Offset and length of a chunk that holds nothing but the fill value. */
const ABSENT = 0xffff_ffff_ffff_ffffn;
const INDEX_ENTRY = 16;

export interface ShardShape {
  /** Edges of a shard; whole numbers of inner chunks. */
  readonly shard: readonly number[];
  readonly chunk: readonly number[];
  /** Level of zstd, 1 to 22. */
  readonly level: number;
}

/** Samples for a corner of a shard; the rest of the shard lies beyond the array. */
export interface ShardSamples {
  readonly samples: Samples;
  readonly shape: readonly number[];
  /** What is not there reads as. */
  readonly fill: number;
}

/** The bytes of a shard; null when all of it is fill value, so that no object is needed. Equal samples give equal bytes. */
export async function encodeShard(content: ShardSamples, shape: ShardShape, signal: AbortSignal): Promise<Uint8Array | null> {
  const counts = shape.shard.map((edge, i) => edge / shape.chunk[i]!);
  const chunks = new Array<Uint8Array | null>(product(counts)).fill(null);
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < chunks.length; i = next++) {
      signal.throwIfAborted();
      const samples = cutChunk(content, shape.chunk, startOf(i, counts, shape.chunk));
      if (samples) chunks[i] = await compress(bytesOf(samples), { params: { [constants.ZSTD_c_compressionLevel]: shape.level } });
    }
  };
  await Promise.all(Array.from({ length: COMPRESSING }, lane));
  return chunks.every((chunk) => chunk === null) ? null : joinChunks(chunks);
}

/** Where chunk number `index`, counted in row-major order, starts. */
function startOf(index: number, counts: readonly number[], chunk: readonly number[]): number[] {
  return strides(counts).map((step, i) => (Math.floor(index / step) % counts[i]!) * chunk[i]!);
}

/** The samples of a chunk, filled up where it leaves the array; null when all of them are the fill value. */
function cutChunk({ samples, shape, fill }: ShardSamples, chunk: readonly number[], start: readonly number[]): Samples | null {
  const size = chunk.map((edge, i) => Math.min(edge, shape[i]! - start[i]!));
  if (size.some((edge) => edge <= 0)) return null;
  const out = new (samples.constructor as new (length: number) => Samples)(product(chunk));
  if (size.some((edge, i) => edge < chunk[i]!)) out.fill(fill);
  const [from, to] = [strides(shape), strides(chunk)];
  const last = chunk.length - 1;
  const copy = (level: number, source: number, target: number) => {
    if (level === last) {
      out.set(samples.subarray(source, source + size[last]!), target);
      return;
    }
    for (let i = 0; i < size[level]!; i++) copy(level + 1, source + i * from[level]!, target + i * to[level]!);
  };
  copy(0, start.reduce((sum, s, i) => sum + s * from[i]!, 0), 0);
  return isFilledWith(out, fill) ? null : out;
}

function isFilledWith(samples: Samples, fill: number): boolean {
  // −0 is not the fill value 0, NaN is the fill value NaN.
  for (let i = 0; i < samples.length; i++) if (!Object.is(samples[i], fill)) return false;
  return true;
}

function bytesOf(samples: Samples): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}

/** The chunks one after the other, then their index with its checksum. */
function joinChunks(chunks: readonly (Uint8Array | null)[]): Uint8Array {
  const index = Buffer.alloc(chunks.length * INDEX_ENTRY);
  let length = 0;
  for (const [i, chunk] of chunks.entries()) {
    index.writeBigUInt64LE(chunk ? BigInt(length) : ABSENT, i * INDEX_ENTRY);
    index.writeBigUInt64LE(chunk ? BigInt(chunk.byteLength) : ABSENT, i * INDEX_ENTRY + 8);
    length += chunk?.byteLength ?? 0;
  }
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32c(index));
  return Buffer.concat([...chunks.filter((chunk) => chunk !== null), index, checksum]);
}
