import { describe, expect, it } from 'vitest';
import type { Encoding } from '../../src/cube/cube.ts';
import { decodeVectors, encodeVectors } from '../../src/cube/quantize.ts';
import { OperatorPackageInvalid, parseManifest } from '../../src/operators/manifest.ts';
import type { OperatorManifest } from '../../src/operators/operator.ts';
import { encodingOf, planar, quantizations, viewOf } from '../../src/operators/quantize.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { largestDifference, noise, operatorsDirectory } from './golden.ts';

const registry = await openRegistry(operatorsDirectory);
const { manifest: shipped } = registry.resolve('pca');
/** Three dimensions with numbers that can be checked by hand. */
const small: OperatorManifest = {
  ...shipped,
  output: { dimensions: 3, prefix_truncatable: true },
  quantization: { int8: { scale: [0.5, 0.1, 2], offset: [0, 1, -10] } },
  rgb: { ...shipped.rgb, mean: [0.5, -1, 10] },
};
const manifests = registry.list().map((o) => [o.manifest.name, o.manifest] as const);

const stored = (vectors: Float32Array<ArrayBuffer>, manifest: OperatorManifest, encoding: Encoding, count = manifest.output.dimensions) => encodeVectors(vectors, planar(vectors, count), encoding);

/** Vectors about where an operator's are: within the int8 table, with some zeros. */
function typical(manifest: OperatorManifest, cells: number): Float32Array<ArrayBuffer> {
  const { scale, offset } = manifest.quantization.int8;
  return noise(scale.length * cells, { seed: 7, low: -12_600, high: 12_600 }).map((v, i) => {
    const dimension = Math.floor(i / cells);
    return i % 97 === 0 ? 0 : (v / 100) * scale[dimension]! + offset[dimension]!;
  });
}

describe.each(manifests)('every view of %s', (_, manifest) => {
  const cells = 50;
  const vectors = typical(manifest, cells);
  vectors.fill(NaN, 0, 3);

  it.each(quantizations.filter((q) => q !== 'binary'))('%s: a second round trip changes no bit, NaN stays', (method) => {
    const once = viewOf(vectors, manifest, method);
    expect(viewOf(once, manifest, method)).toEqual(once);
    expect([...once.keys()].filter((i) => Number.isNaN(once[i]))).toEqual([0, 1, 2]);
    // A typical vector survives: most of what it says is still there.
    const [error, size] = [0, 0].map((__, k) => vectors.reduce((sum, v, i) => (Number.isNaN(v) ? sum : sum + (k === 0 ? (v - once[i]!) ** 2 : v * v)), 0));
    expect(error! / size!).toBeLessThan(0.0025);
  });

  it.each(quantizations)('%s: the encoding alone leads from the vectors to the view', (method) => {
    const encoding = encodingOf(manifest, method);
    const codes = stored(vectors, manifest, encoding);
    expect(decodeVectors(codes, planar(vectors, manifest.output.dimensions), encoding)).toEqual(viewOf(vectors, manifest, method));
    expect(codes.saturated).toBe(0);
  });

  it('int8_power2 holds all that int8 holds', () => {
    const { dimensions } = manifest.output;
    const ends = Float32Array.from({ length: dimensions * 2 }, (__, i) => {
      const { scale, offset } = manifest.quantization.int8;
      const d = Math.floor(i / 2);
      return (i % 2 ? 127 : -127) * scale[d]! + offset[d]!;
    });
    const { data, saturated } = stored(ends, manifest, encodingOf(manifest, 'int8_power2'));
    expect(saturated).toBe(0);
    expect(Math.max(...data.map(Math.abs))).toBe(127);
  });
});

describe('int8', () => {
  it.each(manifests)('comes back exactly from every stored value of every dimension of %s', (_, manifest) => {
    const { dimensions } = manifest.output;
    const encoding = encodingOf(manifest, 'int8');
    const steps = Int8Array.from({ length: dimensions * 255 }, (__, i) => (i % 255) - 127);
    const values = decodeVectors({ data: steps }, planar(steps, dimensions), encoding);
    expect(stored(values, manifest, encoding).data).toEqual(steps);
  });

  it('is off by at most half a step within range', () => {
    const { scale } = shipped.quantization.int8;
    const vectors = typical(shipped, 100);
    const inSteps = (view: Float32Array) => view.map((v, i) => v / scale[Math.floor(i / 100)]!);
    const off = largestDifference(inSteps(viewOf(vectors, shipped, 'int8')), inSteps(vectors));
    expect(off).toBeLessThan(0.501);
    expect(off).toBeGreaterThan(0.4);
  });

  it('works on the first dimensions alone', () => {
    expect([...viewOf(Float32Array.of(1.3, 1.26), small, 'int8', 2)]).toEqual([1.5, Math.fround(1.3)]);
    expect(encodingOf(small, 'int8', 2)).toEqual({ method: 'int8', dtype: 'int8', scale: [0.5, 0.1], offset: [0, 1], nodata: -128 });
  });

  it('refuses values that are no whole vectors', () => {
    expect(() => viewOf(new Float32Array(4), small, 'int8')).toThrow('4 values are no whole number of vectors with 3 dimensions');
  });
});

describe('what an encoding takes from the manifest', () => {
  it('floats need nothing', () => {
    expect(encodingOf(small, 'float32')).toEqual({ method: 'float32', dtype: 'float32', nodata: NaN });
    expect(encodingOf(small, 'float16')).toEqual({ method: 'float16', dtype: 'float16', nodata: NaN });
    expect([...viewOf(Float32Array.of(1 / 3, 1e-8, 70000), small, 'float16')]).toEqual([0.333251953125, 0, Infinity]);
  });

  it('the gain: given, 1 for unit vectors, else that of the widest dimension', () => {
    // |−10 − 127 · 2| = 264 gets the code 127.
    expect(encodingOf(small, 'int8_power2')).toEqual({ method: 'int8_power2', dtype: 'int8', nodata: -128, gain: 264 * (127.5 / 127) ** 2 });
    expect(encodingOf(small, 'int8_power2', 1).gain).toBe(encodingOf(small, 'int8_power2').gain);
    expect(encodingOf({ ...small, output: { ...small.output, norm: 'unit' } }, 'int8_power2').gain).toBe(1);
    expect(encodingOf({ ...small, quantization: { ...small.quantization, power2: { gain: 3 } } }, 'int8_power2').gain).toBe(3);
  });

  it('the thresholds: given, else the means', () => {
    expect(encodingOf(small, 'binary')).toEqual({ method: 'binary', dtype: 'uint8', nodata: 255, threshold: [0.5, -1, 10] });
    expect(encodingOf(small, 'binary', 2).threshold).toEqual([0.5, -1]);
    expect(encodingOf({ ...small, quantization: { ...small.quantization, binary: { threshold: [1, 2, 3] } } }, 'binary').threshold).toEqual([1, 2, 3]);
  });

  it('and the manifest is checked', () => {
    const text = (quantization: object) => JSON.stringify({ ...shipped, quantization: { ...shipped.quantization, ...quantization } });
    expect(parseManifest(text({ power2: { gain: 2 }, binary: { threshold: shipped.rgb.mean } }), 'x').quantization.power2).toEqual({ gain: 2 });
    expect(() => parseManifest(text({ power2: { gain: 0 } }), 'x')).toThrow(OperatorPackageInvalid);
    expect(() => parseManifest(text({ power2: {} }), 'x')).toThrow('quantization.power2.gain is missing');
    expect(() => parseManifest(text({ binary: { threshold: [1, 2] } }), 'x')).toThrow('quantization.binary.threshold must have 32 entries, it has 2');
  });
});
