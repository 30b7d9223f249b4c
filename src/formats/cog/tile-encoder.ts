/** Tiles of samples → compressed bytes of a TIFF tile. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { isFloat, sampleSize, type DType, type Samples } from '../../cube/dtype.ts';
import { COMPRESSION } from './decompress.ts';
import { applyDifferences, applyFloatPlanes } from './predictor.ts';

export type CompressionName = 'DEFLATE' | 'ZSTD' | 'NONE';

export interface Compression {
  readonly name: CompressionName;
  /** 1 to 9 for DEFLATE, 1 to 19 for ZSTD; absent: the usual one. */
  readonly level?: number;
}

/** 1 none, 2 differences between neighbours, 3 bytes of floats by significance. */
export type Predictor = 1 | 2 | 3;

const deflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.deflate);
const zstdCompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);

/** zstd 3 makes smaller files than deflate 6 in a third of the time; more gains little. */
const ZSTD_LEVEL = 3;
const DEFLATE_LEVEL = 6;

export const compressionTag: Record<CompressionName, number> = { DEFLATE: COMPRESSION.deflate, ZSTD: COMPRESSION.zstd, NONE: COMPRESSION.none };

/** The predictor that suits a type: differences for integers, byte planes for floats. */
export function predictorFor(dtype: DType): 2 | 3 {
  return isFloat(dtype) ? 3 : 2;
}

export interface TileShape {
  readonly size: number;
  /** Bands in the tile: all when pixel-interleaved, one when planar. */
  readonly bands: number;
  readonly dtype: DType;
  readonly compression: Compression;
  readonly predictor: Predictor;
}

/** Compresses a tile given as [bands, size, size]. The samples are not changed. */
export function encodeTile(samples: Samples, { size, bands, dtype, compression, predictor }: TileShape): Promise<Uint8Array> {
  const interleaved = bands === 1 ? samples.slice() : interleave(samples, size * size, bands);
  const bytes = new Uint8Array(interleaved.buffer, interleaved.byteOffset, interleaved.byteLength);
  const shape = { samplesPerRow: size * bands, stride: bands, rows: size, bytesPerSample: sampleSize(dtype) };
  if (predictor === 3) return compress(applyFloatPlanes(bytes, shape), compression);
  if (predictor === 2) applyDifferences(bytes, shape);
  return compress(bytes, compression);
}

function interleave(samples: Samples, cells: number, bands: number): Samples {
  const out = samples.slice();
  for (let band = 0; band < bands; band++) {
    for (let i = 0, from = band * cells, to = band; i < cells; i++, to += bands) out[to] = samples[from++]!;
  }
  return out;
}

async function compress(bytes: Uint8Array, { name, level }: Compression): Promise<Uint8Array> {
  if (name === 'NONE') return bytes;
  const chunkSize = Math.max(64 * 1024, bytes.byteLength >> 1);
  if (name === 'ZSTD') return zstdCompress(bytes, { chunkSize, params: { [zlib.constants.ZSTD_c_compressionLevel]: level ?? ZSTD_LEVEL } });
  return deflate(bytes, { level: level ?? DEFLATE_LEVEL, chunkSize });
}
