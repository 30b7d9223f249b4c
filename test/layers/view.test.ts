import { describe, expect, it } from 'vitest';
import { arrayCube, readAll } from '../../src/cube/array-cube.ts';
import type { Cube, Quantization } from '../../src/cube/cube.ts';
import { pickLabels } from '../../src/cube/view.ts';
import type { ViewRequest } from '../../src/graph/scope.ts';
import { embeddingProperties } from '../../src/layers/embedding-properties.ts';
import { requestedView, viewedCube } from '../../src/layers/view.ts';
import type { Operator, OperatorManifest, OperatorRegistry } from '../../src/operators/operator.ts';
import { encodingOf, quantizations, viewOf } from '../../src/operators/quantize.ts';
import { manifest as toy } from './fixtures.ts';

const COUNT = 4;
const [WIDTH, HEIGHT, DATES] = [5, 3, 2];
const manifest: OperatorManifest = {
  ...toy,
  output: { dimensions: COUNT, prefix_truncatable: true },
  quantization: { int8: { scale: [0.01, 0.02, 0.03, 0.04], offset: [0, 0.1, 0, -0.1] } },
  rgb: { ...toy.rgb, mean: [0, 0.1, -0.1, 0] },
};
const operator: Operator = { manifest, digest: 'sha256:00', reference: 'toy@sha256:00', runtime: 'onnx', params: {}, folder: async () => '/nowhere' };
const registryOf = (changes: Partial<OperatorManifest['output']> = {}): OperatorRegistry => {
  const changed = { ...operator, manifest: { ...manifest, output: { ...manifest.output, ...changes } } };
  return { list: () => [changed], resolve: () => changed };
};

/** [t, embedding, y, x]; the first cell of each date has no data. */
function vectors(): Cube {
  const labels = Array.from({ length: COUNT }, (_, i) => `e00${i}`);
  const data = Float32Array.from({ length: DATES * COUNT * HEIGHT * WIDTH }, (_, i) => Math.sin(i * 7.7));
  const nulls = Uint8Array.from(data, (_, i) => (i % (HEIGHT * WIDTH) === 0 ? 1 : 0));
  return arrayCube({
    dimensions: [
      { name: 't', type: 'temporal', size: DATES, labels: ['2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z'] },
      { name: 'embedding', type: 'bands', size: COUNT, labels },
      { name: 'y', type: 'spatial', axis: 'y', size: HEIGHT },
      { name: 'x', type: 'spatial', axis: 'x', size: WIDTH },
    ],
    grid: { crs: 'EPSG:32631', originX: 0, originY: 0, stepX: 40, stepY: 40, width: WIDTH, height: HEIGHT },
    dtype: 'float32', data, nulls,
    attributes: {
      bands: labels.map((name) => ({ name })), operator: operator.reference,
      embedding: { operator: operator.reference, name: 'toy', version: '1.0.0', dimensions: COUNT, patch: 4, gsd: 40, norm: null },
    },
  });
}

describe.each(quantizations)('the view %s', (quantization) => {
  const view = viewedCube(vectors(), manifest, { quantization, count: COUNT });

  it('holds what the operator\'s view gives, date by date, with the encoding for writers', async () => {
    const [whole, block] = [await readAll(vectors()), await readAll(view)];
    const length = COUNT * HEIGHT * WIDTH;
    for (let date = 0; date < DATES; date++) {
      const source = whole.data.slice(date * length, (date + 1) * length) as Float32Array<ArrayBuffer>;
      for (let i = 0; i < source.length; i++) if (whole.nulls![i]) source[i] = NaN;
      const expected = viewOf(source, manifest, quantization);
      for (let i = 0; i < length; i++) if (!whole.nulls![i]) expect(block.data[date * length + i]).toBe(expected[i]);
    }
    expect(block.nulls).toEqual(whole.nulls);
    expect(view.dtype).toBe(quantization === 'binary' ? 'uint8' : 'float32');
    expect(block.dtype).toBe(view.dtype);
    expect(view.attributes.encoding).toEqual(encodingOf(manifest, quantization));
  });

  it('gives the same values in any window, also of some dimensions', async () => {
    const whole = await readAll(view);
    const part = await view.read({ start: [1, 2, 1, 2], size: [1, 1, 2, 3] });
    for (let y = 0; y < 2; y++) for (let x = 0; x < 3; x++) {
      expect(part.data[y * 3 + x]).toBe(whole.data[((COUNT + 2) * HEIGHT + 1 + y) * WIDTH + 2 + x]);
    }
  });

  it('has a fingerprint of its own for each number of dimensions', async () => {
    const prints = await Promise.all([2, 3].map(async (count) => {
      const cube = viewedCube(vectors(), manifest, { quantization, count });
      return cube.fingerprint(cube.fullWindow());
    }));
    expect(new Set([...prints, await view.fingerprint(view.fullWindow())]).size).toBe(3);
  });

  it('of the first dimensions is that of vectors cut short', async () => {
    const short = viewedCube(vectors(), manifest, { quantization, count: 2 });
    expect(short.labels('embedding')).toEqual(['e000', 'e001']);
    expect(short.attributes.bands).toHaveLength(2);
    expect(short.attributes.encoding).toEqual(encodingOf(manifest, quantization, 2));
    const twice = viewedCube(viewedCube(vectors(), manifest, { quantization: 'float32', count: 2 }), manifest, { quantization, count: 2 });
    expect(await readAll(short)).toEqual(await readAll(twice));
  });
});

it('says how much was beyond the largest code', async () => {
  const counts: number[] = [];
  const narrow = { ...manifest, quantization: { ...manifest.quantization, power2: { gain: 0.5 } } };
  await readAll(viewedCube(vectors(), narrow, { quantization: 'int8_power2', count: COUNT }, (count) => counts.push(count)));
  expect(counts).toEqual([expect.any(Number)]);
  expect(counts[0]).toBeGreaterThan(20);
});

describe('a view asked for by a process', () => {
  const ask = (changes: Partial<ViewRequest> = {}, registry = registryOf()) => requestedView({ process: 'embedding_quantize', data: vectors(), quantization: 'int8', dimensions: null, ...changes }, registry);

  it('is that of the cube\'s operator', async () => {
    expect(ask().attributes.encoding?.method).toBe('int8');
    expect(ask({ quantization: 'binary', dimensions: 3 }).attributes.encoding).toMatchObject({ method: 'binary', threshold: [0, 0.1, -0.1] });
    expect(ask({ data: viewedCube(vectors(), manifest, { quantization: 'float32', count: 3 }) }).find('bands')?.size).toBe(3);
  });

  it.each<[string, () => Cube, string]>([
    ['no embeddings', () => ask({ data: vectors().with({ attributes: {} }) }), "'data'.* it holds no embeddings"],
    ['embeddings in another view', () => ask({ data: ask() }), 'it holds the view int8 already'],
    ['other than the first dimensions', () => ask({ data: pickLabels(vectors(), 1, [1, 2]) }), "its labels must be the first of 'toy' \\(e000, e001, …\\)"],
    ['too many dimensions', () => ask({ dimensions: 5 }), "operator 'toy' has 1 to 4 dimensions, not 5"],
    ['more dimensions than are left', () => ask({ dimensions: 4, data: viewedCube(vectors(), manifest, { quantization: 'float32', count: 3 }) }), 'the cube has 1 to 3 dimensions, not 4'],
    ['an operator that can\'t be cut', () => ask({ dimensions: 2 }, registryOf({ prefix_truncatable: false })), "operator 'toy' can't be cut to its first dimensions"],
  ])('refuses %s', (_, asking, message) => {
    expect(asking).toThrow(new RegExp(message));
    expect(asking).toThrow(expect.objectContaining({ code: 'ProcessParameterInvalid' }));
  });

  it('keeps all dimensions of an operator that can\'t be cut', () => {
    expect(ask({ dimensions: COUNT }, registryOf({ prefix_truncatable: false })).find('bands')?.size).toBe(COUNT);
  });
});

describe('the properties of an item', () => {
  const properties = (stored: Parameters<typeof embeddingProperties>[1]) => embeddingProperties(operator, stored, null, null);
  const allowed = new Set(['method', 'original_dtype', 'quantized_dtype', 'scale', 'offset', 'link']);

  it.each<[Quantization, object, object | undefined]>([
    ['float32', { method: 'none', original_dtype: 'float32', quantized_dtype: 'float32' }, undefined],
    ['float16', { method: 'cast', original_dtype: 'float32', quantized_dtype: 'float16' }, undefined],
    ['int8', { method: 'linear', original_dtype: 'float32', quantized_dtype: 'int8', scale: [0.01, 0.02, 0.03, 0.04], offset: [0, 0.1, 0, -0.1] }, undefined],
    ['int8_power2', { method: 'power', original_dtype: 'float32', quantized_dtype: 'int8' }, { method: 'power', power: 2, gain: encodingOf(manifest, 'int8_power2').gain, scale: { type: 'scalar', scale: 127.5, offset: 0 }, nodata: -128 }],
    ['int8_per_vector', { method: 'per_pixel_scale', original_dtype: 'float32', quantized_dtype: 'int8' }, { scale: { type: 'array', array_name: 'scale', nodata: 'nan' } }],
    ['binary', { method: 'binary', original_dtype: 'float32', quantized_dtype: 'uint8' }, { threshold: [0, 0.1, -0.1, 0], nodata: 255 }],
  ])('%s: what the extension has words for, the rest in an object of our own', (quantization, said, own) => {
    const { 'emb:quantization': quantized, 'lamina:quantization': ours } = properties(quantization) as Record<string, object | undefined>;
    expect(quantized).toEqual(said);
    expect(Object.keys(quantized!).filter((key) => !allowed.has(key))).toEqual([]);
    if (own) expect(ours).toMatchObject(own);
    else expect(ours).toBeUndefined();
  });

  it('speak of the dimensions that are there', () => {
    expect(properties(encodingOf(manifest, 'int8', 2))['emb:quantization']).toMatchObject({ scale: [0.01, 0.02], offset: [0, 0.1] });
  });
});
