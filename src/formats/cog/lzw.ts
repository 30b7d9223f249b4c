/**
 * LZW as TIFF 6.0 (section 13) has it: codes of 9 to 12 bits, most significant bit first, that grow one code
 * early. geotiff.js can do it too, but byte by byte into an array without bound, at 7 MB/s.
 */

const CLEAR = 256;
const END = 257;
const FIRST_FREE = 258;
const MOST_CODES = 4096;

/**
 * Decompresses until `length` bytes are there or the data ends; gives what there is. Throws RangeError for
 * codes that can't occur.
 */
export function decompressLzw(bytes: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  // A string is the string of its prefix and one byte more.
  const prefixes = new Uint16Array(MOST_CODES);
  const lastBytes = new Uint8Array(MOST_CODES);
  const lengths = new Uint16Array(MOST_CODES);
  for (let i = 0; i < CLEAR; i++) {
    lastBytes[i] = i;
    lengths[i] = 1;
  }
  let free = FIRST_FREE;
  let width = 9;
  let previous = -1;
  let position = 0;
  let filled = 0;

  while (filled < length && position + width <= bytes.length * 8) {
    const code = readCode(bytes, position, width);
    position += width;
    if (code === END) break;
    if (code === CLEAR) {
      free = FIRST_FREE;
      width = 9;
      previous = -1;
      continue;
    }
    if (code > free || (code === free && previous < 0) || (code >= CLEAR && code < FIRST_FREE)) throw new RangeError(`LZW code ${code} of ${free}`);
    if (previous >= 0 && free < MOST_CODES) {
      prefixes[free] = previous;
      lengths[free] = lengths[previous]! + 1;
      // A code may stand for the string that is being made: previous string plus its own first byte.
      lastBytes[free] = firstByte(prefixes, lastBytes, code === free ? previous : code);
      free++;
    }
    // The string comes out last byte first; what does not fit any more is left out.
    let at = filled + lengths[code]!;
    filled = at;
    for (let rest = code, left = lengths[code]!; left > 0; left--, rest = prefixes[rest]!) {
      at--;
      if (at < length) out[at] = lastBytes[rest]!;
    }
    previous = code;
    if (free + 1 >= 1 << width && width < 12) width++;
  }
  return out.subarray(0, Math.min(filled, length));
}

/** Up to 12 bits from a bit position on. */
function readCode(bytes: Uint8Array, position: number, width: number): number {
  const at = position >> 3;
  const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
  return (word >> (24 - (position & 7) - width)) & ((1 << width) - 1);
}

function firstByte(prefixes: Uint16Array, lastBytes: Uint8Array, code: number): number {
  let rest = code;
  while (rest >= FIRST_FREE) rest = prefixes[rest]!;
  return lastBytes[rest]!;
}
