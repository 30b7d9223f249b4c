/** Stored block → samples, one run per band and row: decompression, byte order, predictor, unpacking of bits. */
import { dtypes, sampleSize, type Samples } from '../../cube/dtype.ts';
import { unreadable } from '../byte-source.ts';
import { COMPRESSION, decodesToNativeOrder, decompress } from './decompress.ts';
import type { ImageLayout } from './layout.ts';
import { undoDifferences, undoFloatPlanes } from './predictor.ts';
import { separateBands, type Interleaved } from './separate.ts';

const YCBCR = 6;

/**
 * Decodes a block with `rows` rows of samples into [row, band, column]; one band when the file is planar.
 * The result owns its memory. Throws FileContentInvalid when the block is damaged or cut off.
 */
export async function decodeBlock(bytes: Uint8Array, layout: ImageLayout, rows: number, source: { readonly id: string }): Promise<Samples> {
  const bands = layout.isPlanar ? 1 : layout.samplesPerPixel;
  const samplesPerRow = layout.blockWidth * bands;
  const rowBytes = Math.ceil((samplesPerRow * layout.bits) / 8);
  const length = rowBytes * rows;
  const raw = await decompress(bytes, layout, length).catch((cause: unknown) => {
    throw unreadable(source, 'a block of pixels is damaged or cut off', cause);
  });
  if (raw.byteLength < length) throw unreadable(source, 'a block of pixels is cut off');
  const bytesPerSample = sampleSize(layout.dtype);
  const isPacked = layout.bits !== bytesPerSample * 8;
  const stored = isPacked ? unpackBits(raw, layout, samplesPerRow, rowBytes, rows) : owned(raw.subarray(0, length), layout);
  const runs = toRuns(stored, layout, { columns: layout.blockWidth, rows, bands, bytesPerSample }, isPacked);
  return new dtypes[layout.dtype](runs.buffer as ArrayBuffer, runs.byteOffset, samplesPerRow * rows);
}

/** Bytes that may be changed and viewed as words: uncompressed blocks are part of what was read from the file. */
function owned(bytes: Uint8Array, layout: ImageLayout): Uint8Array {
  const isShared = layout.compression === COMPRESSION.none;
  return isShared || bytes.byteOffset % 8 !== 0 ? new Uint8Array(bytes) : bytes;
}

function toRuns(bytes: Uint8Array, layout: ImageLayout, shape: Interleaved, isPacked: boolean): Uint8Array {
  const samplesPerRow = shape.columns * shape.bands;
  let isDifferenced = false;
  let out = bytes;
  if (decodesToNativeOrder(layout.compression)) {
    if (layout.compression === COMPRESSION.jpeg && layout.photometric === YCBCR && shape.bands === 3) rgbFromYCbCr(bytes);
  } else {
    // libtiff, the reference, applies no predictor to what is not compressed with LZW, deflate or zstd.
    const hasPredictor = layout.compression !== COMPRESSION.none && layout.compression !== COMPRESSION.packbits && !isPacked;
    const predictor = hasPredictor ? layout.predictor : 1;
    isDifferenced = predictor === 2;
    if (predictor === 3) out = undoFloatPlanes(bytes, { ...shape, samplesPerRow, stride: shape.bands });
    else if (!layout.isLittleEndian && !isPacked) swapBytes(bytes, shape.bytesPerSample);
  }
  if (shape.bands > 1) separateBands(out, shape, isDifferenced);
  else if (isDifferenced) undoDifferences(out, { ...shape, samplesPerRow, stride: 1 });
  return out;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Samples of fewer bits than a word, most significant bit first; each row begins at a byte. */
function unpackBits(bytes: Uint8Array, layout: ImageLayout, samplesPerRow: number, rowBytes: number, rows: number): Uint8Array {
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
  return new Uint8Array(out.buffer);
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
