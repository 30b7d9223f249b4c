/** The codes of embeddings that a cube holds decoded: what every writer of embeddings puts in its file. */
import type { Block } from '../cube/block.ts';
import type { Encoding } from '../cube/cube.ts';
import { restorePerVector } from '../cube/per-vector.ts';
import { encodeVectors, vectorLayout, type StoredVectors } from '../cube/quantize.ts';
import { BIT_NODATA } from '../cube/vector-codecs.ts';

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
