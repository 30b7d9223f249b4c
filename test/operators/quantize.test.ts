import { describe, expect, it } from 'vitest';
import type { OperatorManifest } from '../../src/operators/operator.ts';
import { applyQuantization, dequantizeInt8, encodingOf, quantizeInt8, viewOf } from '../../src/operators/quantize.ts';
import { openRegistry } from '../../src/operators/registry.ts';
import { largestDifference, noise, operatorsDirectory } from './golden.ts';

const registry = await openRegistry(operatorsDirectory);
const { manifest: shipped } = registry.resolve('pca');
/** Three dimensions with numbers that can be checked by hand. */
const small: OperatorManifest = {
  ...shipped,
  output: { dimensions: 3, prefix_truncatable: true },
  quantization: { int8: { scale: [0.5, 0.1, 2], offset: [0, 1, -10] } },
};

describe('int8', () => {
  it('stores round((value − offset) / scale), dimension by dimension', () => {
    const vectors = Float32Array.of(0, 1.3, /**/ 1, 1.26, /**/ -10, -6.5);
    expect([...quantizeInt8(vectors, small)]).toEqual([0, 3, 0, 3, 0, 2]);
    expect([...dequantizeInt8(Int8Array.of(0, 3, 0, 3, 0, 2), small)]).toEqual([0, 1.5, 1, Math.fround(1.3), -10, -6]);
  });

  it('clamps to −127…127, never to the no-data value', () => {
    expect([...quantizeInt8(Float32Array.of(1e9, -1e9, 1e9, -1e9, Infinity, -Infinity), small)]).toEqual([127, -127, 127, -127, 127, -127]);
  });

  it('keeps NaN apart as −128', () => {
    const stored = quantizeInt8(Float32Array.of(NaN, 0, -6), small);
    expect([...stored]).toEqual([-128, -10, 2]);
    expect(dequantizeInt8(stored, small)[0]).toBeNaN();
  });

  it.each(registry.list().map((o) => [o.manifest.name, o.manifest] as const))('comes back exactly from every stored value of every dimension of %s', (_, manifest) => {
    const { dimensions } = manifest.output;
    const steps = Int8Array.from({ length: dimensions * 255 }, (__, i) => (i % 255) - 127);
    const values = dequantizeInt8(steps, manifest);
    expect(quantizeInt8(values, manifest)).toEqual(steps);
    // A writer that knows only the encoding finds the same integers.
    const { scale, offset } = encodingOf(manifest, 'int8');
    const written = Int8Array.from(values, (v, i) => Math.round((v - offset![Math.floor(i / 255)]!) / scale![Math.floor(i / 255)]!));
    expect(written).toEqual(steps);
  });

  it('is off by at most half a step within range', () => {
    const { scale, offset } = shipped.quantization.int8;
    const vectors = noise(32 * 100, { seed: 3, low: -12600, high: 12600 }).map((v, i) => (v / 100) * scale[Math.floor(i / 100)]! + offset[Math.floor(i / 100)]!);
    const inSteps = (view: Float32Array) => view.map((v, i) => v / scale[Math.floor(i / 100)]!);
    const off = largestDifference(inSteps(viewOf(vectors, shipped, 'int8')), inSteps(vectors));
    expect(off).toBeLessThan(0.501);
    expect(off).toBeGreaterThan(0.4);
  });

  it('works on the first dimensions alone', () => {
    const { vectors, encoding } = applyQuantization(Float32Array.of(1.3, 1.26), 'int8', small, 2);
    expect([...vectors]).toEqual([1.5, Math.fround(1.3)]);
    expect(encoding).toEqual({ method: 'int8', dtype: 'int8', scale: [0.5, 0.1], offset: [0, 1], nodata: -128 });
  });

  it('refuses values that are no whole vectors', () => {
    expect(() => quantizeInt8(new Float32Array(4), small)).toThrow('4 values are no whole number of vectors with 3 dimensions');
  });
});

describe('the other views', () => {
  const vectors = Float32Array.of(1 / 3, 1e-8, 70000);

  it('float32 changes nothing', () => {
    expect(viewOf(vectors, small, 'float32')).toBe(vectors);
    expect(encodingOf(small, 'float32')).toEqual({ method: 'float32', dtype: 'float32', nodata: NaN });
  });

  it('float16 rounds to what half precision can hold', () => {
    const { vectors: rounded, encoding } = applyQuantization(vectors, 'float16', small);
    expect([...rounded]).toEqual([0.333251953125, 0, Infinity]);
    expect([...Float16Array.from(rounded)]).toEqual([...rounded]);
    expect(viewOf(Float32Array.from(rounded), small, 'float16')).toEqual(rounded);
    expect(encoding).toEqual({ method: 'float16', dtype: 'float16', nodata: NaN });
  });
});
