/** Whether vectors come back from storage as the manifest promises, and what they take there. */
import { deflateSync } from 'node:zlib';
import type { Quantization } from '../../cube/cube.ts';
import { decodeVectors, encodeVectors } from '../../cube/quantize.ts';
import { encodingOf, planar, quantizations } from '../../operators/quantize.ts';
import { judged, shown, type Check, type Figure } from './check.ts';
import { largestDifference } from '../../operators/package/golden.ts';

/** Elements that the codes of int8 can't hold; more than these and the manifest's scales are those of other vectors. */
const MOST_SATURATED = 0.01;
/** Of a vector and its int8 form, around the mean vector. */
const LEAST_COSINE = 0.98;
/** Entropy of the codes against the version before. */
const LARGEST_GROWTH = 1.05;

type Vectors = Float32Array<ArrayBuffer>;

/** Everything that a codec writes must be read back as the same codes again, no-data included; int8 must be near the truth. */
export function checkCodec(vectors: Vectors, manifest: Parameters<typeof encodingOf>[0]): Check {
  const { dimensions } = manifest.output;
  const withGap = vectors.slice();
  const cells = vectors.length / dimensions;
  for (let d = 0; d < dimensions; d++) withGap[d * cells] = NaN;
  const faults = quantizations.flatMap((method) => faultOf(withGap, manifest, method));
  const { saturated, cosine } = fidelity(vectors, manifest);
  return judged('codec', [
    { name: 'codecs that change what they read back', value: faults.length, at_most: 0 },
    { name: 'share of elements that int8 clamps', value: saturated, at_most: MOST_SATURATED },
    { name: 'mean cosine of int8 around the mean vector', value: cosine, at_least: LEAST_COSINE },
  ], `All ${quantizations.length} codecs read back what they wrote.`, faults);
}

function faultOf(vectors: Vectors, manifest: Parameters<typeof encodingOf>[0], method: Quantization): string[] {
  const layout = planar(vectors, manifest.output.dimensions);
  const encoding = encodingOf(manifest, method);
  const stored = encodeVectors(vectors, layout, encoding);
  const decoded = decodeVectors(stored, layout, encoding);
  const cells = layout.inner;
  const gaps = decoded.reduce((count, v, i) => count + (Number.isNaN(v) === (i % cells === 0) ? 0 : 1), 0);
  if (decoded.includes(Infinity) || decoded.includes(-Infinity)) return [`${method} can't hold numbers as large as these vectors have`];
  if (gaps > 0) return [`${method} gives ${gaps} numbers where there is no data, or none where there is some`];
  // Bits are read back as 0 and 1, which are no vectors; one scale per vector is found anew from values that were rounded.
  if (method === 'binary' || method === 'int8_per_vector') return [];
  const again = decodeVectors(encodeVectors(decoded, layout, encoding), layout, encoding);
  const difference = largestDifference(again.filter((v) => !Number.isNaN(v)), decoded.filter((v) => !Number.isNaN(v)));
  return difference === 0 ? [] : [`${method} changes by ${shown(difference)} what it wrote itself`];
}

function fidelity(vectors: Vectors, manifest: Parameters<typeof encodingOf>[0]): { saturated: number; cosine: number } {
  const layout = planar(vectors, manifest.output.dimensions);
  const encoding = encodingOf(manifest, 'int8');
  const stored = encodeVectors(vectors, layout, encoding);
  return { saturated: stored.saturated / vectors.length, cosine: meanCosine(vectors, decodeVectors(stored, layout, encoding), layout.count) };
}

/** Around the mean of the vectors: else their common part would make all of them alike. */
function meanCosine(a: Vectors, b: Vectors, dimensions: number): number {
  const cells = a.length / dimensions;
  const [product, normA, normB] = [new Float64Array(cells), new Float64Array(cells), new Float64Array(cells)];
  for (let d = 0; d < dimensions; d++) {
    const plane = a.subarray(d * cells, (d + 1) * cells);
    const middle = plane.reduce((sum, v) => sum + v, 0) / cells;
    for (let i = 0; i < cells; i++) {
      const [x, y] = [plane[i]! - middle, b[d * cells + i]! - middle];
      product[i]! += x * y;
      normA[i]! += x * x;
      normB[i]! += y * y;
    }
  }
  return product.reduce((sum, v, i) => sum + (normA[i] === 0 ? 1 : v / Math.sqrt(Math.max(1e-300, normA[i]! * normB[i]!))), 0) / cells;
}

/** What a vector of an operator takes. */
export interface Rate {
  readonly rawBytesPerPatch: number;
  readonly int8Bytes: number;
  /** Entropy of order 0 of the int8 codes, each dimension by itself: what an ideal coder of single codes would reach. */
  readonly entropyBits: number;
  readonly deflateBits: number;
}

/** Measured on the vectors of real or made-up ground, not of noise. */
export function rateOf(vectors: Vectors, manifest: Parameters<typeof encodingOf>[0]): Rate {
  const { output: { dimensions }, input: { bands }, patch } = manifest;
  const layout = planar(vectors, dimensions);
  const codes = encodeVectors(vectors, layout, encodingOf(manifest, 'int8')).data as Int8Array<ArrayBuffer>;
  const cells = layout.inner;
  let bits = 0;
  for (let d = 0; d < dimensions; d++) bits += entropy(codes.subarray(d * cells, (d + 1) * cells));
  return { rawBytesPerPatch: 2 * bands.length * patch ** 2, int8Bytes: dimensions, entropyBits: bits, deflateBits: (8 * deflateSync(codes, { level: 9 }).length) / cells };
}

export function checkRate(rate: Rate, previous: Rate | null): Check {
  const figures: Figure[] = [
    { name: 'bytes of a patch as uint16', value: rate.rawBytesPerPatch, unit: 'B' },
    { name: 'bytes of an int8 vector', value: rate.int8Bytes, unit: 'B', ...(previous ? { at_most: previous.int8Bytes, previous: previous.int8Bytes } : {}) },
    { name: 'entropy of an int8 vector', value: rate.entropyBits, unit: 'bit', ...(previous ? { at_most: LARGEST_GROWTH * previous.entropyBits, previous: previous.entropyBits } : {}) },
    { name: 'an int8 vector deflated', value: rate.deflateBits, unit: 'bit', ...(previous ? { previous: previous.deflateBits } : {}) },
    { name: 'raw bytes for one byte of int8', value: rate.rawBytesPerPatch / rate.int8Bytes },
  ];
  return judged('rate', figures, `A patch of ${rate.rawBytesPerPatch} bytes becomes ${rate.int8Bytes} bytes (int8), ${shown(rate.entropyBits / 8)} with an ideal coder of single codes.`);
}

/** Bits per code. */
function entropy(codes: Int8Array): number {
  const counts = new Uint32Array(256);
  for (const code of codes) counts[code + 128]!++;
  return [...counts].reduce((sum, count) => sum - (count === 0 ? 0 : (count / codes.length) * Math.log2(count / codes.length)), 0);
}
