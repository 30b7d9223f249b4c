/**
 * The codes of vectors whose elements are stored one by one: linear, by a power, as bits. One scale per
 * vector is in per-vector.ts.
 *
 * Arrays are [outer, dimensions, inner] in row-major order: with inner 1 vectors lie in one piece, with
 * outer 1 they are planar. Codes are made in double precision and decoded values rounded to float32 once.
 */

/** How vectors lie in an array. */
export interface VectorLayout {
  readonly outer: number;
  /** Dimensions of a vector. */
  readonly count: number;
  readonly inner: number;
}

/** Codes of vectors, and how many elements were beyond the largest code. NaN and no-data are no element. */
export interface Codes<T> {
  readonly data: T;
  readonly saturated: number;
}

/** Codes run from −127 to 127, the same both ways; −128 is no-data. */
export const LARGEST_CODE = 127;
export const INT8_NODATA = -128;
export const BIT_NODATA = 255;

/** AlphaEarth's divisor. */
const POWER_SCALE = 127.5;

type Values = ArrayLike<number>;
type Nulls = Uint8Array | null;

/** code = round((value − offset) / scale), one scale and offset per dimension. */
export function encodeLinear(values: Values, layout: VectorLayout, scale: readonly number[], offset: readonly number[], nulls: Nulls = null): Codes<Int8Array<ArrayBuffer>> {
  const data = new Int8Array(values.length);
  let saturated = 0;
  forPlanes(layout, (start, end, dimension) => {
    const step = scale[dimension]!;
    const middle = offset[dimension]!;
    for (let i = start; i < end; i++) {
      const value = values[i]!;
      if (value !== value || (nulls !== null && nulls[i] === 1)) {
        data[i] = INT8_NODATA;
        continue;
      }
      const code = Math.round((value - middle) / step);
      if (code > LARGEST_CODE || code < -LARGEST_CODE) saturated++;
      data[i] = code > LARGEST_CODE ? LARGEST_CODE : code < -LARGEST_CODE ? -LARGEST_CODE : code;
    }
  });
  return { data, saturated };
}

/** value = code · scale + offset; no-data becomes NaN. */
export function decodeLinear(codes: Values, layout: VectorLayout, scale: readonly number[], offset: readonly number[]): Float32Array<ArrayBuffer> {
  const values = new Float32Array(codes.length);
  forPlanes(layout, (start, end, dimension) => {
    const step = scale[dimension]!;
    const middle = offset[dimension]!;
    for (let i = start; i < end; i++) values[i] = codes[i] === INT8_NODATA ? NaN : codes[i]! * step + middle;
  });
  return values;
}

/** code = sign(value) · round(127.5 · √(|value| / gain)): small values get finer steps than large ones. */
export function encodePower2(values: Values, gain: number, nulls: Nulls = null): Codes<Int8Array<ArrayBuffer>> {
  const data = new Int8Array(values.length);
  let saturated = 0;
  for (let i = 0; i < data.length; i++) {
    const value = values[i]!;
    if (value !== value || (nulls !== null && nulls[i] === 1)) {
      data[i] = INT8_NODATA;
      continue;
    }
    let code = Math.round(POWER_SCALE * Math.sqrt(Math.abs(value) / gain));
    if (code > LARGEST_CODE) {
      saturated++;
      code = LARGEST_CODE;
    }
    data[i] = value < 0 ? -code : code;
  }
  return { data, saturated };
}

/** value = gain · sign(code) · (code / 127.5)²; no-data becomes NaN. */
export function decodePower2(codes: Values, gain: number): Float32Array<ArrayBuffer> {
  const table = Float32Array.from({ length: 256 }, (_, i) => powerValue(i + INT8_NODATA, gain));
  const values = new Float32Array(codes.length);
  for (let i = 0; i < values.length; i++) values[i] = table[codes[i]! - INT8_NODATA]!;
  return values;
}

function powerValue(code: number, gain: number): number {
  if (code === INT8_NODATA) return NaN;
  const share = code / POWER_SCALE;
  return Math.sign(code) * (share * share) * gain;
}

/** The largest value that a code stands for; beyond 127.5/127 times its root values saturate. */
export function gainFor(largest: number): number {
  return largest * (POWER_SCALE / LARGEST_CODE) ** 2;
}

/** 1 where the value is above the dimension's threshold, else 0. */
export function encodeBits(values: Values, layout: VectorLayout, threshold: readonly number[], nulls: Nulls = null): Codes<Uint8Array<ArrayBuffer>> {
  const data = new Uint8Array(values.length);
  forPlanes(layout, (start, end, dimension) => {
    const limit = threshold[dimension]!;
    for (let i = start; i < end; i++) {
      const value = values[i]!;
      data[i] = value !== value || (nulls !== null && nulls[i] === 1) ? BIT_NODATA : value > limit ? 1 : 0;
    }
  });
  return { data, saturated: 0 };
}

/** Calls `visit` with every run of elements of one dimension. */
function forPlanes({ outer, count, inner }: VectorLayout, visit: (start: number, end: number, dimension: number) => void): void {
  let start = 0;
  for (let i = 0; i < outer; i++) {
    for (let dimension = 0; dimension < count; dimension++, start += inner) visit(start, start + inner, dimension);
  }
}
