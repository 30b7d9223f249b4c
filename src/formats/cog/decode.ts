/** Stored block → samples: decompression, byte order, predictor, unpacking of bits. */
import { dtypes, sampleSize, type Samples } from '../../cube/dtype.ts';
import { unreadable } from '../byte-source.ts';
import { COMPRESSION, decodesToNativeOrder, decompress } from './decompress.ts';
import type { ImageLayout } from './layout.ts';
import { undoDifferences, undoFloatPlanes } from './predictor.ts';

const YCBCR = 6;

/**
 * Decodes a block with `rows` rows of samples: [row, column, band], or [row, column] when planar. The
 * result owns its memory. Throws FileContentInvalid when the block is damaged or cut off.
 */
export async function decodeBlock(bytes: Uint8Array, layout: ImageLayout, rows: number, source: { readonly id: string }): Promise<Samples> {
  const bands = layout.isPlanar ? 1 : layout.samplesPerPixel;
  const samplesPerRow = layout.blockWidth * bands;
  const isPacked = layout.bits !== sampleSize(layout.dtype) * 8;
  const rowBytes = Math.ceil((samplesPerRow * layout.bits) / 8);
  const length = rowBytes * rows;
  const raw = await decompress(bytes, layout, length).catch((cause: unknown) => {
    throw unreadable(source, 'a block of pixels is damaged or cut off', cause);
  });
  if (raw.byteLength < length) throw unreadable(source, 'a block of pixels is cut off');
  if (isPacked) return unpackBits(raw, layout, samplesPerRow, rowBytes, rows);
  const native = inNativeOrder(owned(raw.subarray(0, length), layout), layout, { samplesPerRow, stride: bands, rows, bytesPerSample: layout.bits / 8 });
  if (layout.compression === COMPRESSION.jpeg && layout.photometric === YCBCR && bands === 3) rgbFromYCbCr(native);
  return new dtypes[layout.dtype](native.buffer as ArrayBuffer, native.byteOffset, samplesPerRow * rows);
}

/** Bytes that may be changed and viewed as words: uncompressed blocks are part of what was read from the file. */
function owned(bytes: Uint8Array, layout: ImageLayout): Uint8Array {
  const isShared = layout.compression === COMPRESSION.none;
  return isShared || bytes.byteOffset % 8 !== 0 ? new Uint8Array(bytes) : bytes;
}

type Shape = Parameters<typeof undoDifferences>[1];

function inNativeOrder(bytes: Uint8Array, layout: ImageLayout, shape: Shape): Uint8Array {
  if (decodesToNativeOrder(layout.compression)) return bytes;
  // libtiff, the reference, applies no predictor to what is not compressed with LZW, deflate or zstd.
  const predictor = layout.compression === COMPRESSION.none || layout.compression === COMPRESSION.packbits ? 1 : layout.predictor;
  if (predictor === 3) return undoFloatPlanes(bytes, shape);
  if (!layout.isLittleEndian) swapBytes(bytes, shape.bytesPerSample);
  if (predictor === 2) undoDifferences(bytes, shape);
  return bytes;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Samples of fewer bits than a word, most significant bit first; each row begins at a byte. */
function unpackBits(bytes: Uint8Array, layout: ImageLayout, samplesPerRow: number, rowBytes: number, rows: number): Samples {
  const out = new dtypes[layout.dtype](samplesPerRow * rows);
  const { bits } = layout;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < samplesPerRow; i++) {
      let value = 0;
      for (let bit = i * bits; bit < (i + 1) * bits; bit++) {
        value = value * 2 + ((bytes[row * rowBytes + (bit >> 3)]! >> (7 - (bit & 7))) & 1);
      }
      out[row * samplesPerRow + i] = value;
    }
  }
  return out;
}

/** ITU-R BT.601, full range, as JPEG files use it. */
function rgbFromYCbCr(pixels: Uint8Array): void {
  const clamped = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  for (let i = 0; i + 2 < pixels.length; i += 3) {
    const y = pixels[i]!;
    const cb = pixels[i + 1]! - 128;
    const cr = pixels[i + 2]! - 128;
    clamped[i] = y + 1.402 * cr;
    clamped[i + 1] = y - 0.344136 * cb - 0.714136 * cr;
    clamped[i + 2] = y + 1.772 * cb;
  }
}
