/**
 * gzip without compression (RFC 1952 around the stored blocks of RFC 1951). Compressors give other bytes on other machines and
 * in other versions; these bytes follow from the input alone, so that one package is one archive with one digest wherever it
 * is made. Weights hardly shrink anyway.
 */
import { crc32 } from 'node:zlib';

/** The most that a stored block holds. */
const BLOCK_BYTES = 0xffff;

/** Magic number, deflate, no flags, no time, no extra flags, no operating system. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);

/** The gzip file of these bytes; it depends on the bytes and not on how they were cut into pieces. */
export async function* storedGzip(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield HEADER;
  let checksum = 0;
  let length = 0;
  const block = Buffer.alloc(BLOCK_BYTES);
  let filled = 0;
  for await (const piece of pieces) {
    checksum = crc32(piece, checksum);
    length += piece.length;
    for (let at = 0; at < piece.length;) {
      const taken = Math.min(BLOCK_BYTES - filled, piece.length - at);
      block.set(piece.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < BLOCK_BYTES) continue;
      yield storedBlock(block, false);
      filled = 0;
    }
  }
  yield storedBlock(block.subarray(0, filled), true);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield trailer;
}

/** A copy, because the reader may be slower than the next block. */
function storedBlock(bytes: Uint8Array, isLast: boolean): Uint8Array {
  const out = Buffer.alloc(5 + bytes.length);
  out.writeUInt8(isLast ? 1 : 0);
  out.writeUInt16LE(bytes.length, 1);
  out.writeUInt16LE(bytes.length ^ 0xffff, 3);
  out.set(bytes, 5);
  return out;
}
