/**
 * Vectors as they are stored, and back. An encoding says how; the loops are in vector-codecs.ts and
 * per-vector.ts. What a cube of embeddings holds is always the decoded side: `quantizedBlock`.
 */
import { product, type Block } from './block.ts';
import type { Encoding } from './cube.ts';
import type { Samples } from './dtype.ts';
import { decodePerVector, encodePerVector } from './per-vector.ts';
import { BIT_NODATA, decodeLinear, decodePower2, encodeBits, encodeLinear, encodePower2, type VectorLayout } from './vector-codecs.ts';

/** Vectors as they are stored. */
export interface StoredVectors {
  readonly data: Samples;
  /** int8_per_vector only: one per vector, in the layout of the data without the dimension of the vectors. */
  readonly scale?: Float32Array<ArrayBuffer>;
  /** Elements beyond the largest code; they are held there. */
  readonly saturated: number;
}

/** How vectors lie in an array of this shape when `axis` is their dimension. */
export function vectorLayout(shape: readonly number[], axis: number): VectorLayout {
  return { outer: product(shape.slice(0, axis)), count: shape[axis]!, inner: product(shape.slice(axis + 1)) };
}

/** Stores float32 vectors. NaN, and elements that `nulls` flags, become the encoding's no-data code. */
export function encodeVectors(vectors: Float32Array<ArrayBuffer>, layout: VectorLayout, encoding: Encoding, nulls: Uint8Array | null = null): StoredVectors {
  switch (encoding.method) {
    case 'float32': return { data: withNodata(vectors, nulls), saturated: 0 };
    case 'float16': return encodeFloat16(vectors, nulls);
    case 'int8': return encodeLinear(vectors, layout, encoding.scale!, encoding.offset!, nulls);
    case 'int8_power2': return encodePower2(vectors, encoding.gain!, nulls);
    case 'int8_per_vector': return encodePerVector(vectors, layout, nulls);
    case 'binary': return encodeBits(vectors, layout, encoding.threshold!, nulls);
  }
}

/** What a reader gets of stored vectors: no-data is NaN; bits are 0 and 1. */
export function decodeVectors({ data, scale }: Pick<StoredVectors, 'data' | 'scale'>, layout: VectorLayout, encoding: Encoding): Float32Array<ArrayBuffer> {
  switch (encoding.method) {
    case 'float32':
    case 'float16': return new Float32Array(data);
    case 'int8': return decodeLinear(data, layout, encoding.scale!, encoding.offset!);
    case 'int8_power2': return decodePower2(data, encoding.gain!);
    case 'int8_per_vector': return decodePerVector(data, layout, scale!);
    case 'binary': return bitValues(data);
  }
}

/**
 * A block of float32 vectors as it comes back after having been stored: float32 as it is, bits as uint8 (NaN
 * is no-data then), everything else as float32. `axis` is the dimension of the vectors in the block;
 * `onSaturated` hears how many elements the encoding could not hold.
 */
export function quantizedBlock(block: Block, axis: number, encoding: Encoding, onSaturated?: (count: number) => void): Block {
  if (encoding.method === 'float32') return block;
  const layout = vectorLayout(block.shape, axis);
  const stored = encodeVectors(block.data as Float32Array<ArrayBuffer>, layout, encoding, block.nulls);
  if (stored.saturated > 0) onSaturated?.(stored.saturated);
  if (encoding.method !== 'binary') return { ...block, data: decodeVectors(stored, layout, encoding) };
  return { dtype: 'uint8', shape: block.shape, data: stored.data, nulls: flagsOf(stored.data) };
}

function bitValues(bits: Samples): Float32Array<ArrayBuffer> {
  const values = new Float32Array(bits);
  for (let i = 0; i < values.length; i++) if (values[i] === BIT_NODATA) values[i] = NaN;
  return values;
}

function flagsOf(bits: Samples): Uint8Array | null {
  if (!(bits as Uint8Array).includes(BIT_NODATA)) return null;
  const flags = new Uint8Array(bits.length);
  for (let i = 0; i < flags.length; i++) if (bits[i] === BIT_NODATA) flags[i] = 1;
  return flags;
}

function encodeFloat16(vectors: Float32Array, nulls: Uint8Array | null): StoredVectors {
  const data = new Float16Array(vectors);
  let saturated = 0;
  for (let i = 0; i < data.length; i++) if (Math.abs(data[i]!) === Infinity && Math.abs(vectors[i]!) !== Infinity) saturated++;
  return { data: withNodata(data, nulls), saturated };
}

/** Floats with NaN where there is no data; the same array when there is nothing to do. */
function withNodata<T extends Float32Array<ArrayBuffer> | Float16Array<ArrayBuffer>>(values: T, nulls: Uint8Array | null): T {
  if (!nulls?.includes(1)) return values;
  const out = values.slice() as T;
  for (let i = 0; i < out.length; i++) if (nulls[i]) out[i] = NaN;
  return out;
}
