/**
 * How an operator's embeddings are stored. A quantisation is a view: it is applied to the float32 vectors
 * an operator gave, and the cube holds the values that a reader will get back, so storing loses nothing more.
 *
 * Vectors are planar here: [dimensions, cells]. The codecs are in src/cube/quantize.ts.
 */
import type { Encoding, Quantization } from '../cube/cube.ts';
import { decodeVectors, encodeVectors } from '../cube/quantize.ts';
import { BIT_NODATA, gainFor, INT8_NODATA, LARGEST_CODE, type VectorLayout } from '../cube/vector-codecs.ts';
import type { OperatorManifest } from './operator.ts';

/** All ways to store embeddings, the exact one first. */
export const quantizations: readonly Quantization[] = ['float32', 'float16', 'int8', 'int8_power2', 'int8_per_vector', 'binary'];

/** What a writer must know to store the first `count` dimensions in this way. */
export function encodingOf(manifest: OperatorManifest, method: Quantization, count = manifest.output.dimensions): Encoding {
  switch (method) {
    case 'float32':
    case 'float16': return { method, dtype: method, nodata: NaN };
    case 'int8': {
      const { scale, offset } = manifest.quantization.int8;
      return { method, dtype: 'int8', nodata: INT8_NODATA, scale: scale.slice(0, count), offset: offset.slice(0, count) };
    }
    case 'int8_power2': return { method, dtype: 'int8', nodata: INT8_NODATA, gain: powerGain(manifest) };
    case 'int8_per_vector': return { method, dtype: 'int8', nodata: INT8_NODATA };
    case 'binary': return { method, dtype: 'uint8', nodata: BIT_NODATA, threshold: thresholds(manifest).slice(0, count) };
  }
}

/**
 * The vectors as they will be read back after having been stored in this way, in a new array. `count` is the
 * number of dimensions in `vectors`; NaN stays NaN. Throws RangeError when they are no whole number of vectors.
 */
export function viewOf(vectors: Float32Array<ArrayBuffer>, manifest: OperatorManifest, method: Quantization, count = manifest.output.dimensions): Float32Array<ArrayBuffer> {
  const layout = planar(vectors, count);
  const encoding = encodingOf(manifest, method, count);
  return decodeVectors(encodeVectors(vectors, layout, encoding), layout, encoding);
}

/** [dimensions, cells]. */
export function planar(values: { readonly length: number }, count: number): VectorLayout {
  if (values.length % count !== 0) throw new RangeError(`${values.length} values are no whole number of vectors with ${count} dimensions`);
  return { outer: 1, count, inner: values.length / count };
}

/**
 * The gain of int8_power2: the manifest's; 1 for vectors of unit length, whose elements are within ±1; for
 * others such that the largest value which the int8 view can hold has the largest code. One for all
 * dimensions, so it does not change with the number of dimensions that are kept.
 */
function powerGain({ quantization: { power2, int8 }, output }: OperatorManifest): number {
  if (power2) return power2.gain;
  if (output.norm === 'unit') return 1;
  return gainFor(Math.max(...int8.scale.map((scale, i) => LARGEST_CODE * scale + Math.abs(int8.offset[i]!))));
}

/** The mean of each dimension, unless the manifest says better. */
function thresholds({ quantization: { binary }, rgb }: OperatorManifest): readonly number[] {
  return binary?.threshold ?? rgb.mean;
}
