/**
 * Codes with one scale per vector: value = code · scale (TESSERA's way).
 *
 * A scale is max|value| / 127, rounded up to 17 significant bits. With 7 bits for the code, code · scale is
 * then exact in float32, whoever computes it, and the scale is found again from the decoded vector.
 * Arrays are [outer, dimensions, inner] as in vector-codecs.ts; scales are [outer, inner].
 */
import { INT8_NODATA, LARGEST_CODE, type Codes, type VectorLayout } from './vector-codecs.ts';

export interface ScaledCodes extends Codes<Int8Array<ArrayBuffer>> {
  /** One per vector; NaN for vectors without a single value. */
  readonly scale: Float32Array<ArrayBuffer>;
}

/** Vectors below the smallest scale count as zero, larger values than the largest are held there: both far beyond what operators give. */
const SMALLEST = 2 ** -100;
const LARGEST = 2 ** 120;
/** Bits of a float32's fraction that a scale leaves empty: 24 − 17. */
const SPARE_BITS = 7;

/** Codes and scales of vectors. A vector of zeros has scale 1; NaN and no-data get the code −128. */
export function encodePerVector(values: ArrayLike<number>, layout: VectorLayout, nulls: Uint8Array | null = null): ScaledCodes {
  const largest = largestOf(values, layout, nulls);
  const scale = new Float32Array(largest.length);
  for (let i = 0; i < scale.length; i++) scale[i] = scaleOf(largest[i]!);
  return { ...encodeWith(values, layout, scale, nulls, null), scale };
}

/** value = code · scale; NaN where the code or the scale says that there is no data. */
export function decodePerVector(codes: ArrayLike<number>, layout: VectorLayout, scale: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const { outer, count, inner } = layout;
  const values = new Float32Array(codes.length);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let dimension = 0; dimension < count; dimension++) {
      for (let v = o * inner; v < (o + 1) * inner; v++, i++) values[i] = codes[i] === INT8_NODATA ? NaN : finite(codes[i]! * scale[v]!);
    }
  }
  return values;
}

/** An infinite scale means no-data too. */
const finite = (value: number) => (value - value === 0 ? value : NaN);

/**
 * Codes and scales of vectors that have been decoded before. Where dimensions have been taken away, the
 * largest value need not have the code 127: then a scale is looked for of which all values are multiples.
 */
export function restorePerVector(values: ArrayLike<number>, layout: VectorLayout, nulls: Uint8Array | null = null): ScaledCodes {
  const largest = largestOf(values, layout, nulls);
  const scale = new Float32Array(largest.length);
  for (let i = 0; i < scale.length; i++) scale[i] = scaleOf(largest[i]!);
  const isLossy = new Uint8Array(scale.length);
  const first = encodeWith(values, layout, scale, nulls, isLossy);
  if (!isLossy.includes(1)) return { ...first, scale };
  for (let vector = isLossy.indexOf(1); vector >= 0; vector = isLossy.indexOf(1, vector + 1)) {
    scale[vector] = commonScale(values, layout, nulls, vector, largest[vector]!) ?? scale[vector]!;
  }
  return { ...encodeWith(values, layout, scale, nulls, null), scale };
}

/** The largest finite |value| of each vector, −1 where there is none at all. Plane by plane, as memory likes it. */
function largestOf(values: ArrayLike<number>, { outer, count, inner }: VectorLayout, nulls: Uint8Array | null): Float32Array {
  const largest = new Float32Array(outer * inner).fill(-1);
  for (let o = 0, i = 0; o < outer; o++) {
    for (let dimension = 0; dimension < count; dimension++) {
      for (let v = o * inner; v < (o + 1) * inner; v++, i++) {
        if (nulls !== null && nulls[i] === 1) continue;
        const size = Math.abs(values[i]!);
        // False for NaN; infinite elements are held at the largest of the others.
        if (size > largest[v]!) largest[v] = size > LARGEST ? LARGEST : size;
      }
    }
  }
  return largest;
}

function scaleOf(largest: number): number {
  if (largest < 0) return NaN;
  return largest < SMALLEST ? 1 : roundedUp(largest / LARGEST_CODE);
}

const bits = new Uint32Array(1);
const number = new Float32Array(bits.buffer);

/** The next float32 of 17 significant bits that is not below a positive number. */
function roundedUp(value: number): number {
  number[0] = value;
  // Rounding to float32 may have gone down, which must not be lost when the rest is cut off.
  if (number[0]! < value) bits[0]!++;
  const rest = 2 ** SPARE_BITS - 1;
  bits[0] = ((bits[0]! + rest) & ~rest) >>> 0;
  return number[0]!;
}

/** Codes for given scales; flags in `isLossy` the vectors that do not come back exactly. */
function encodeWith(values: ArrayLike<number>, { outer, count, inner }: VectorLayout, scale: Float32Array, nulls: Uint8Array | null, isLossy: Uint8Array | null): Codes<Int8Array<ArrayBuffer>> {
  const data = new Int8Array(values.length);
  let saturated = 0;
  for (let o = 0, i = 0; o < outer; o++) {
    for (let dimension = 0; dimension < count; dimension++) {
      for (let v = o * inner; v < (o + 1) * inner; v++, i++) {
        const value = values[i]!;
        if (value !== value || (nulls !== null && nulls[i] === 1)) {
          data[i] = INT8_NODATA;
          continue;
        }
        let code = Math.round(value / scale[v]!);
        if (code > LARGEST_CODE || code < -LARGEST_CODE) {
          saturated++;
          code = code > 0 ? LARGEST_CODE : -LARGEST_CODE;
        }
        data[i] = code;
        if (isLossy !== null && code * scale[v]! !== value) isLossy[v] = 1;
      }
    }
  }
  return { data, saturated };
}

/** The scale of which every value of a vector is a multiple, by a code of 127 at most; undefined when there is none. */
function commonScale(values: ArrayLike<number>, { count, inner }: VectorLayout, nulls: Uint8Array | null, vector: number, largest: number): number | undefined {
  const start = Math.floor(vector / inner) * count * inner + (vector % inner);
  const end = start + count * inner;
  for (let code = LARGEST_CODE; code > 0; code--) {
    const scale = Math.fround(largest / code);
    let i = start;
    while (i < end && (values[i] !== values[i] || nulls?.[i] === 1 || Math.fround(Math.round(values[i]! / scale) * scale) === values[i])) i += inner;
    if (i >= end) return scale;
  }
  return undefined;
}
