/** Block bytes as stored → bytes of samples. Deflate and zstd run in Node's thread pool; what is rare is left to geotiff.js. */
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { getDecoder } from 'geotiff';
import { pictures } from '../picture-library.ts';
import type { ImageLayout } from './layout.ts';
import { decompressLzw } from './lzw.ts';

const inflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.inflate);
const zstdDecompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

export const COMPRESSION = { none: 1, lzw: 5, jpeg: 7, deflate: 8, packbits: 32773, oldDeflate: 32946, lerc: 34887, zstd: 50000, webp: 50001 } as const;

const names: Record<number, string> = { 34712: 'JPEG 2000', 34925: 'LZMA', 50002: 'JPEG XL', 34892: 'lossy JPEG (DNG)', 2: 'CCITT', 3: 'CCITT', 4: 'CCITT' };

/** True when the decoder gives samples in the machine's byte order, whatever the file's is. */
export function decodesToNativeOrder(compression: number): boolean {
  return compression === COMPRESSION.jpeg || compression === COMPRESSION.lerc || compression === COMPRESSION.webp;
}

/** The compression's name when there is no decoder for it. */
export function unsupportedCompression(compression: number): string | undefined {
  return (Object.values(COMPRESSION) as number[]).includes(compression) ? undefined : (names[compression] ?? `method ${compression}`);
}

/**
 * Decompresses one block. `length` is the number of bytes wanted: output is about that size, and a
 * block that unpacks to far more than that (a bomb) is refused. Throws whatever the decoder throws.
 */
export async function decompress(bytes: Uint8Array, layout: ImageLayout, length: number): Promise<Uint8Array> {
  // A chunk that holds everything spares zlib's callers the concatenation; one byte more lets it see the end.
  const options = { chunkSize: Math.max(64, length + 1), maxOutputLength: length + 1024 * 1024 };
  switch (layout.compression) {
    case COMPRESSION.none:
      return bytes;
    case COMPRESSION.deflate:
    case COMPRESSION.oldDeflate:
      return inflate(bytes, options);
    case COMPRESSION.zstd:
      return zstdDecompress(bytes, options);
    case COMPRESSION.lzw:
      return decompressLzw(bytes, length);
    case COMPRESSION.webp:
      return (await pictures())(bytes).raw().toBuffer();
    default:
      return decodeWithGeotiff(bytes, layout);
  }
}

async function decodeWithGeotiff(bytes: Uint8Array, layout: ImageLayout): Promise<Uint8Array> {
  const parameters = {
    tileWidth: layout.blockWidth,
    tileHeight: layout.blockHeight,
    planarConfiguration: layout.isPlanar ? 2 : 1,
    bitsPerSample: new Array<number>(layout.samplesPerPixel).fill(layout.bits),
    predictor: 1, // undone by us, for all compressions alike
    ...(layout.jpegTables && { JPEGTables: layout.jpegTables }),
    ...(layout.lercParameters && { LercParameters: layout.lercParameters }),
  };
  const decoder = await getDecoder(layout.compression, parameters);
  return new Uint8Array(await decoder.decode(new Uint8Array(bytes).buffer));
}
