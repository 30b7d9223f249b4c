/**
 * How embeddings are stored. A quantisation is a view: it is applied to the float32 vectors an operator
 * gave, and the cube holds the values that a reader will get back, so stored = round((value − offset) / scale)
 * loses nothing more.
 *
 * Vectors are planar: [dimensions, cells].
 */
import type { Encoding } from '../cube/cube.ts';
import type { OperatorManifest } from './operator.ts';

export type QuantizationMethod = Encoding['method'];

const INT8_LIMIT = 127;
const INT8_NODATA = -128;

/** What a writer must know to store the first `count` dimensions in this way. */
export function encodingOf(manifest: OperatorManifest, method: QuantizationMethod, count = manifest.output.dimensions): Encoding {
  if (method === 'float32' || method === 'float16') return { method, dtype: method, nodata: NaN };
  if (method !== 'int8') throw new RangeError(`there is no way to store ${method}`);
  const { scale, offset } = manifest.quantization.int8;
  return { method, dtype: 'int8', scale: scale.slice(0, count), offset: offset.slice(0, count), nodata: INT8_NODATA };
}

/**
 * The vectors as they will be read back after having been stored in this way. float32 gives the same
 * array, the others a new one. `count` is the number of dimensions in `vectors`; NaN stays NaN.
 */
export function viewOf(vectors: Float32Array<ArrayBuffer>, manifest: OperatorManifest, method: QuantizationMethod, count = manifest.output.dimensions): Float32Array<ArrayBuffer> {
  switch (method) {
    case 'float32': return vectors;
    case 'float16': return vectors.map(Math.f16round);
    case 'int8': return dequantizeInt8(quantizeInt8(vectors, manifest, count), manifest, count);
    default: throw new RangeError(`there is no way to store ${method}`);
  }
}

/** The view and its encoding in one. */
export function applyQuantization(
  vectors: Float32Array<ArrayBuffer>, method: QuantizationMethod, manifest: OperatorManifest, count = manifest.output.dimensions,
): { vectors: Float32Array; encoding: Encoding } {
  return { vectors: viewOf(vectors, manifest, method, count), encoding: encodingOf(manifest, method, count) };
}

/** stored = round((value − offset) / scale), clamped to −127…127; NaN becomes −128. */
export function quantizeInt8(vectors: Float32Array, manifest: OperatorManifest, count = manifest.output.dimensions): Int8Array {
  const { scale, offset } = manifest.quantization.int8;
  const cells = cellsOf(vectors, count);
  const stored = new Int8Array(vectors.length);
  for (let dimension = 0, i = 0; dimension < count; dimension++) {
    const step = scale[dimension]!;
    const middle = offset[dimension]!;
    for (const end = i + cells; i < end; i++) {
      const value = vectors[i]!;
      stored[i] = Number.isNaN(value) ? INT8_NODATA : Math.max(-INT8_LIMIT, Math.min(INT8_LIMIT, Math.round((value - middle) / step)));
    }
  }
  return stored;
}

/** value = stored · scale + offset as float32; −128 becomes NaN. */
export function dequantizeInt8(stored: Int8Array, manifest: OperatorManifest, count = manifest.output.dimensions): Float32Array<ArrayBuffer> {
  const { scale, offset } = manifest.quantization.int8;
  const cells = cellsOf(stored, count);
  const vectors = new Float32Array(stored.length);
  for (let dimension = 0, i = 0; dimension < count; dimension++) {
    const step = scale[dimension]!;
    const middle = offset[dimension]!;
    for (const end = i + cells; i < end; i++) vectors[i] = stored[i] === INT8_NODATA ? NaN : stored[i]! * step + middle;
  }
  return vectors;
}

function cellsOf(values: { readonly length: number }, count: number): number {
  if (values.length % count !== 0) throw new RangeError(`${values.length} values are no whole number of vectors with ${count} dimensions`);
  return values.length / count;
}
