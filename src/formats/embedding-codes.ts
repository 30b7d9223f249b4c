/** The codes of embeddings that a cube holds decoded: what every writer of embeddings puts in its file. */
import type { Block } from '../cube/block.ts';
import type { Encoding } from '../cube/cube.ts';
import { restorePerVector } from '../cube/per-vector.ts';
import { encodeVectors, vectorLayout, type StoredVectors } from '../cube/quantize.ts';
import { BIT_NODATA } from '../cube/vector-codecs.ts';

/** Name of a band or variable that holds the scales of vectors. */
export const SCALE_BAND = 'scale';

/** AlphaEarth's divisor. */
const POWER_SCALE = 127.5;

/** How codes become values again, in the words of `geoemb:quantization` where it has words. */
export interface QuantizationFields {
  readonly method: 'none' | 'cast' | 'linear' | 'power' | 'per_pixel_scale' | 'binary';
  readonly original_dtype: string;
  readonly quantized_dtype: string;
  readonly formula?: string;
  /** The code of no-data. */
  readonly nodata?: number;
  readonly power?: number;
  readonly gain?: number;
  /** One number for all, or an array with one per vector; a linear encoding has one per band, said of the bands. */
  readonly scale?: { readonly type: 'scalar'; readonly scale: number; readonly offset: number } | { readonly type: 'array'; readonly array_name: string; readonly nodata: 'nan' };
  /** One per band. */
  readonly threshold?: readonly number[];
}

/** The quantisation as metadata tells it; `scaleName` is the file or variable with the scales of vectors. */
export function quantizationFields({ method, dtype, nodata, gain, threshold }: Encoding, scaleName: string = SCALE_BAND): QuantizationFields {
  const types = { original_dtype: 'float32', quantized_dtype: dtype };
  switch (method) {
    case 'float32': return { method: 'none', ...types };
    case 'float16': return { method: 'cast', ...types };
    case 'int8': return { method: 'linear', ...types, nodata, formula: 'value = code * scale + offset' };
    case 'int8_power2': return { method: 'power', ...types, nodata, power: 2, gain: gain!, scale: { type: 'scalar', scale: POWER_SCALE, offset: 0 }, formula: 'value = sign(code) * (code / scale) ** power * gain' };
    case 'int8_per_vector': return { method: 'per_pixel_scale', ...types, nodata, scale: { type: 'array', array_name: scaleName, nodata: 'nan' }, formula: 'value = code * scale' };
    case 'binary': return { method: 'binary', ...types, nodata, threshold: threshold!, formula: 'code = value > threshold' };
  }
}

/**
 * What to store for a block of a cube with this encoding. `bandsAxis` is the place of the bands dimension
 * in the block; the encoding's lists must be those of the block's bands (`pickedEncoding` where a block has
 * some of them only), and for int8_per_vector the block must hold all bands of the cube.
 *
 * Gives `data` in the block's shape with the encoding's type, no-data filled in (NaN counts as no-data), and
 * for int8_per_vector `scale` in the block's shape without the bands: NaN for vectors without data. The
 * codes are those that the values came from, so decoding them gives the cube's values again, bit by bit.
 */
export function storedValues(block: Block, encoding: Encoding, bandsAxis: number): StoredVectors {
  const layout = vectorLayout(block.shape, bandsAxis);
  if (encoding.method === 'binary') return { data: storedBits(block), saturated: 0 };
  if (encoding.method === 'int8_per_vector') return restorePerVector(block.data, layout, block.nulls);
  return encodeVectors(asFloat32(block), layout, encoding, block.nulls);
}

/** The cube of a binary view holds the bits themselves. */
function storedBits({ data, nulls }: Block): Uint8Array<ArrayBuffer> {
  const bits = new Uint8Array(data.length);
  for (let i = 0; i < bits.length; i++) {
    const value = data[i]!;
    bits[i] = value !== value || (nulls !== null && nulls[i] === 1) ? BIT_NODATA : value > 0.5 ? 1 : 0;
  }
  return bits;
}

function asFloat32({ data }: Block): Float32Array<ArrayBuffer> {
  return data instanceof Float32Array ? data : new Float32Array(data);
}
