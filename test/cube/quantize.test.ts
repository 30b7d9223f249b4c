import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/cube/block.ts';
import type { Encoding } from '../../src/cube/cube.ts';
import { decodePerVector, encodePerVector, restorePerVector } from '../../src/cube/per-vector.ts';
import { quantizedBlock, vectorLayout } from '../../src/cube/quantize.ts';
import { decodeLinear, decodePower2, encodeBits, encodeLinear, encodePower2, gainFor, type VectorLayout } from '../../src/cube/vector-codecs.ts';

const planar = (count: number, inner: number): VectorLayout => ({ outer: 1, count, inner });
/** Repeatable numbers in −1…1. */
function* numbers(seed: number): Generator<number> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 31 - 1;
  }
}
const random = (length: number, seed: number, size = 1) => Float32Array.from(numbers(seed).take(length), (v) => v * size);

describe('linear', () => {
  const layout = planar(3, 2);
  const [scale, offset] = [[0.5, 0.1, 2], [0, 1, -10]];

  it('stores round((value − offset) / scale), dimension by dimension', () => {
    const codes = encodeLinear(Float32Array.of(0, 1.3, /**/ 1, 1.26, /**/ -10, -6.5), layout, scale, offset);
    expect([...codes.data]).toEqual([0, 3, 0, 3, 0, 2]);
    expect([...decodeLinear(codes.data, layout, scale, offset)]).toEqual([0, 1.5, 1, Math.fround(1.3), -10, -6]);
  });

  it('holds values at −127…127, never at the no-data code, and counts them', () => {
    const codes = encodeLinear(Float32Array.of(1e9, -1e9, 1e9, 1, Infinity, -Infinity), layout, scale, offset);
    expect([...codes.data]).toEqual([127, -127, 127, 0, 127, -127]);
    expect(codes.saturated).toBe(5);
  });

  it('makes −128 of NaN and of no-data, and NaN of −128', () => {
    const { data, saturated } = encodeLinear(Float32Array.of(NaN, 0, 1, 1, -6, 1e9), layout, scale, offset, Uint8Array.of(0, 0, 1, 0, 0, 1));
    expect([...data]).toEqual([-128, 0, -128, 0, 2, -128]);
    expect(saturated).toBe(0);
    expect([...decodeLinear(data, layout, scale, offset)]).toEqual([NaN, 0, NaN, 1, -6, NaN]);
  });
});

describe('power 2', () => {
  const all = Int8Array.from({ length: 256 }, (_, i) => i - 128);

  it.each([1, 0.1, 264 * (127.5 / 127) ** 2, 1e-9, 1e9])('leads from all 256 codes to a value and back, gain %d', (gain) => {
    const values = decodePower2(all, gain);
    expect(encodePower2(values, gain)).toEqual({ data: all, saturated: 0 });
    expect(new Set(values).size).toBe(256);
  });

  it('is AlphaEarth\'s formula', () => {
    const values = decodePower2(all, 1);
    all.forEach((q, i) => expect(values[i]).toBe(q === -128 ? NaN : Math.fround(Math.sign(q) * (q / 127.5) ** 2)));
    // From the data set's description: the code 127 is just below 1.
    expect(values.at(-1)).toBeCloseTo(0.992_172, 6);
  });

  it('errs by at most half a step, and steps grow with the value', () => {
    const values = random(10_000, 5, 0.99);
    const back = decodePower2(encodePower2(values, 1).data, 1);
    const off = values.map((v, i) => Math.abs(Math.sqrt(Math.abs(back[i]!)) - Math.sqrt(Math.abs(v))));
    expect(off.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(0.5 / 127.5 + 1e-7);
  });

  it('counts what it cannot hold', () => {
    expect(encodePower2(Float32Array.of(0.99, 1, -2, Infinity, NaN, 5), 1, Uint8Array.of(0, 0, 0, 0, 0, 1))).toEqual({ data: Int8Array.of(127, 127, -127, 127, -128, -128), saturated: 3 });
    expect(encodePower2(Float32Array.of(42, -42), gainFor(42))).toEqual({ data: Int8Array.of(127, -127), saturated: 0 });
  });
});

describe('one scale per vector', () => {
  it('gives the largest element the code 127', () => {
    const { data, scale, saturated } = encodePerVector(Float32Array.of(127, 1, /**/ -63.5, 3, /**/ 0, -2), planar(3, 2));
    expect([...data]).toEqual([127, 42, -63, 127, 0, -85]);
    expect(scale[0]).toBe(1);
    expect(scale[1]).toBeCloseTo(3 / 127, 6);
    expect(saturated).toBe(0);
  });

  it.each([1e-20, 1, 1e6, 1e20])('a second round trip changes no bit, vectors of size %d', (size) => {
    const layout = planar(16, 2000);
    const values = random(32_000, 11, size);
    const first = encodePerVector(values, layout);
    const once = decodePerVector(first.data, layout, first.scale);
    const second = encodePerVector(once, layout);
    expect(second).toEqual(first);
    expect(restorePerVector(once, layout)).toEqual(first);
    // The rounding of the scale costs next to nothing: half a step, and 127 / 2^17 of one.
    const inSteps = values.map((v, i) => Math.abs(v - once[i]!) / first.scale[i % 2000]!);
    expect(inSteps.reduce((a, b) => Math.max(a, b))).toBeLessThanOrEqual(0.501);
  });

  it('code · scale is exact in float32', () => {
    const { scale } = encodePerVector(random(32_000, 12), planar(16, 2000));
    for (const s of scale) for (const code of [127, 101, 3]) expect(Math.fround(code * s)).toBe(code * s);
  });

  it('knows vectors of zeros and vectors of nothing', () => {
    const values = Float32Array.of(0, NaN, 5, -0, NaN, NaN);
    const { data, scale } = encodePerVector(values, planar(2, 3), Uint8Array.of(0, 0, 1, 0, 0, 0));
    expect([...scale]).toEqual([1, NaN, NaN]);
    expect([...data]).toEqual([0, -128, -128, 0, -128, -128]);
    expect([...decodePerVector(data, planar(2, 3), scale)]).toEqual([0, NaN, NaN, 0, NaN, NaN]);
    // TESSERA marks no-data by an infinite scale too.
    expect([...decodePerVector(Int8Array.of(1, 0), planar(1, 2), [Infinity, Infinity])]).toEqual([NaN, NaN]);
  });

  it('holds infinite elements at the largest', () => {
    const { data, scale, saturated } = encodePerVector(Float32Array.of(Infinity, 3), planar(2, 1));
    expect([...data]).toEqual([127, 0]);
    expect(Number.isFinite(scale[0]! * 127)).toBe(true);
    expect(saturated).toBe(1);
  });

  it('finds exact codes again after dimensions have been taken away', () => {
    const layout = planar(16, 500);
    const { data, scale } = encodePerVector(random(8000, 13, 40), layout);
    const kept = decodePerVector(data, layout, scale).slice(3 * 500, 6 * 500);
    const again = restorePerVector(kept, planar(3, 500));
    expect(decodePerVector(again.data, planar(3, 500), again.scale)).toEqual(kept);
    // Encoding them anew would not do.
    const anew = encodePerVector(kept, planar(3, 500));
    expect(decodePerVector(anew.data, planar(3, 500), anew.scale)).not.toEqual(kept);
  });

  it('is the same for vectors that lie in one piece', () => {
    const values = random(12, 14);
    const turned = Float32Array.from(values, (_, i) => values[(i % 3) * 4 + Math.floor(i / 3)]!);
    const [flat, pieces] = [encodePerVector(values, planar(3, 4)), encodePerVector(turned, { outer: 4, count: 3, inner: 1 })];
    expect(pieces.scale).toEqual(flat.scale);
    expect([...pieces.data]).toEqual(Array.from(turned, (_, i) => flat.data[(i % 3) * 4 + Math.floor(i / 3)]!));
  });
});

describe('bits', () => {
  it('are 1 above the threshold of their dimension', () => {
    const { data } = encodeBits(Float32Array.of(0, 0.1, -3, -1, NaN, 5), planar(3, 2), [0, -2, 4], Uint8Array.of(0, 0, 0, 0, 0, 1));
    expect([...data]).toEqual([0, 1, 0, 1, 255, 255]);
  });
});

describe('quantizedBlock', () => {
  const block: Block = { dtype: 'float32', shape: [2, 3, 2], data: random(12, 20), nulls: Uint8Array.of(1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0) };
  const encodings: Encoding[] = [
    { method: 'int8', dtype: 'int8', nodata: -128, scale: [0.01, 0.02, 0.03], offset: [0, 0, 0] },
    { method: 'int8_power2', dtype: 'int8', nodata: -128, gain: 1 },
    { method: 'int8_per_vector', dtype: 'int8', nodata: -128 },
    { method: 'float16', dtype: 'float16', nodata: NaN },
  ];

  it.each(encodings)('$method: float32, the same no-data, close to the vectors', (encoding) => {
    const view = quantizedBlock(block, 1, encoding);
    expect(view.dtype).toBe('float32');
    expect(view.nulls).toBe(block.nulls);
    view.data.forEach((v, i) => block.nulls![i] || expect(Math.abs(v - block.data[i]!)).toBeLessThan(0.016));
    expect(view.data).not.toEqual(block.data);
  });

  it('bits: uint8, NaN is no-data', () => {
    const view = quantizedBlock({ ...block, nulls: null, data: Float32Array.of(NaN, 1, 0, 2, 5, 6, -1, 2, 1, 1, 1, 7) }, 1, { method: 'binary', dtype: 'uint8', nodata: 255, threshold: [0, 1, 6] });
    expect(view.dtype).toBe('uint8');
    expect([...view.data]).toEqual([255, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect([...view.nulls!]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('tells how much was too large', () => {
    const counts: number[] = [];
    quantizedBlock({ ...block, data: new Float32Array(12).fill(9) }, 1, encodings[0]!, (n) => counts.push(n));
    expect(counts).toEqual([9]);
    expect(vectorLayout([2, 3, 4, 5], 1)).toEqual({ outer: 2, count: 3, inner: 20 });
  });
});
