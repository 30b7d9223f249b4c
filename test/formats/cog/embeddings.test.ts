/** Views of embeddings in GeoTIFF: what is stored, decoded by its formula, is what the cube holds. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../../../src/cube/array-cube.ts';
import { withPickedBands } from '../../../src/cube/attributes.ts';
import type { Block } from '../../../src/cube/block.ts';
import type { Cube, Encoding, Quantization } from '../../../src/cube/cube.ts';
import { encodeVectors, quantizedBlock } from '../../../src/cube/quantize.ts';
import { pickLabels } from '../../../src/cube/view.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { gtiff } from '../../../src/formats/cog/write.ts';
import type { WrittenFile } from '../../../src/formats/writer.ts';
import { bands, testContext, testCube, type TestContext } from '../cubes.ts';
import { findPython, runPython } from '../python.ts';
import { DIMENSIONS, encodings, vectorCube } from '../vectors.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

const write = (cube: Cube, options: Record<string, unknown> = {}) => gtiff.write(cube, options, context);
const methods = Object.keys(encodings) as Quantization[];

/** A reader that knows the file's metadata only, as a user would write it. */
const DECODE = `
import os, rasterio
def decode(path):
    with rasterio.open(path) as file:
        tags = file.tags()
        codes = file.read().astype('float64')
        missing = np.isnan(codes) if np.isnan(file.nodata) else codes == file.nodata
        method = tags.get('QUANTIZATION', 'float32')
        if method == 'int8':
            values = codes * np.array(file.scales)[:, None, None] + np.array(file.offsets)[:, None, None]
        elif method == 'int8_power2':
            values = np.sign(codes) * (np.abs(codes) / float(tags['SCALE'])) ** float(tags['POWER']) * float(tags['GAIN'])
        elif method == 'int8_per_vector':
            with rasterio.open(os.path.join(os.path.dirname(path), tags['SCALE_FILE'])) as scales:
                scale = scales.read()
            values = codes.astype('float32') * np.repeat(scale, codes.shape[0] // scale.shape[0], axis=0)
            missing |= np.isnan(values)
        else:
            values = codes
        values = values.astype('float32')
        values[missing] = np.nan
        return {'dtype': file.dtypes[0], 'method': method, 'values': clean(values)}
print(json.dumps([decode(path) for path in sys.argv[1:]]))
`;

const python = findPython(['rasterio']);

/** What the cube holds, no-data as null, date by date. */
async function held(cube: Cube): Promise<(number | null)[]> {
  const block = await readAll(cube);
  return Array.from(block.data, (v, i) => (block.nulls?.[i] || Number.isNaN(v) ? null : v === 0 ? 0 : v));
}

interface Decoded {
  readonly dtype: string;
  readonly method: string;
  readonly values: (number | null)[];
}

const decode = (files: readonly WrittenFile[]) => runPython((python as { path: string }).path, DECODE, ...files.filter((f) => f.metadata['lamina:scale_of'] === undefined).map((f) => f.path)) as Decoded[];

describe('rasterio', () => {
  if ('reason' in python) return it.skip(`skipped: ${python.reason}`);

  it.each(methods)('decodes %s to the values of the cube, bit by bit', async (method) => {
    const cube = vectorCube(method);
    const files = await write(cube);
    const decoded = decode(files);
    expect(decoded.map((d) => [d.dtype, d.method])).toEqual([0, 1].map(() => [method === 'float16' ? expect.stringMatching(/^float(16|32)$/) : encodings[method].dtype, method]));
    expect(decoded.flatMap((d) => d.values)).toEqual(await held(cube));
  });

  it.each(methods)('decodes %s with dates as bands, and after dimensions have been picked', async (method) => {
    const whole = await write(vectorCube(method), { separate_dates: false });
    expect(decode(whole)[0]!.values).toEqual(await held(vectorCube(method)));
    const picked = pickLabels(vectorCube(method), 1, [7, 2, 3]);
    const files = await write(picked, { filename_prefix: 'picked' });
    expect(decode(files).flatMap((d) => d.values)).toEqual(await held(picked));
  });
});

describe('the files of a view', () => {
  it('int8_per_vector has its scales in a second file, and both say so', async () => {
    const [codes, scale, ...others] = (await write(vectorCube('int8_per_vector'), { separate_dates: false })) as [WrittenFile, WrittenFile];
    expect(others).toEqual([]);
    expect([codes.name, scale.name]).toEqual(['result.tif', 'result_scale.tif']);
    expect(codes.metadata['lamina:quantization']).toEqual({
      method: 'per_pixel_scale', original_dtype: 'float32', quantized_dtype: 'int8', nodata: -128,
      scale: { type: 'array', array_name: 'result_scale.tif', nodata: 'nan' }, formula: 'value = code * scale',
    });
    expect(scale.metadata).toMatchObject({ 'lamina:scale_of': 'result.tif', bands: [{ data_type: 'float32', nodata: 'nan' }, { data_type: 'float32' }] });
    expect((scale.metadata['bands'] as { name: string }[]).map((b) => b.name)).toEqual(['2021-01-01_scale', '2021-01-03T12:00:00Z_scale']);
    expect(await context.names()).toEqual(['result.tif', 'result_scale.tif']);
  });

  it('bands have raster:scale and raster:offset for int8 only', async () => {
    for (const method of methods) {
      const [file] = await write(vectorCube(method), { filename_prefix: method });
      const { dtype, nodata, scale, offset } = encodings[method];
      const last = (file!.metadata['bands'] as Record<string, unknown>[]).at(-1)!;
      expect(last).toMatchObject({ name: 'e011', data_type: dtype, nodata: Number.isNaN(nodata) ? 'nan' : nodata });
      expect([last['raster:scale'], last['raster:offset']]).toEqual([scale?.at(-1), offset?.at(-1)]);
    }
  });

  it('a wanted sample type overrides the view', async () => {
    const [file, ...others] = await write(vectorCube('int8_power2'), { dtype: 'float32', separate_dates: false });
    expect(others).toEqual([]);
    expect(file!.metadata['lamina:quantization']).toBeUndefined();
    expect((file!.metadata['bands'] as Record<string, unknown>[])[0]).toMatchObject({ data_type: 'float32' });
  });
});

describe('overviews', () => {
  const COUNT = 6;
  const EDGE = 300;
  const unit = { operator: 'x@sha256:1', name: 'x', version: '1.0.0', dimensions: COUNT, patch: 8, gsd: 80, norm: 'unit' as const };
  const encoding = (method: Quantization): Encoding => ({
    ...encodings[method],
    ...(method === 'int8' && { scale: new Array<number>(COUNT).fill(1 / 127), offset: new Array<number>(COUNT).fill(0) }),
    ...(method === 'binary' && { threshold: new Array<number>(COUNT).fill(0) }),
  });

  /** Vectors of length 1, one in 31 no-data, as the view has them. */
  async function unitCube(method: Quantization, norm: 'unit' | null = 'unit'): Promise<{ cube: Cube; block: Block }> {
    const cells = EDGE * EDGE;
    const data = Float32Array.from({ length: COUNT * cells }, (_, i) => Math.sin((i % cells) * 12.9898 + Math.floor(i / cells) * 78.233));
    for (let cell = 0; cell < cells; cell++) {
      const length = Math.hypot(...Array.from({ length: COUNT }, (_, d) => data[d * cells + cell]!));
      for (let d = 0; d < COUNT; d++) data[d * cells + cell]! /= length;
    }
    const plain = testCube({ width: EDGE, height: EDGE, dimensions: [bands(...Array.from({ length: COUNT }, (_, i) => `e00${i}`))], value: (i) => (i % cells % 31 === 0 ? null : data[i]!) });
    const block = quantizedBlock(await readAll(plain), 0, encoding(method));
    const attributes = { encoding: encoding(method), embedding: { ...unit, norm }, operator: unit.operator };
    return { cube: plain.with({ dtype: block.dtype, attributes, read: async (window) => quantizedBlock(await plain.read(window), 0, encoding(method)) }), block };
  }

  async function overview(path: string): Promise<Block> {
    const cache = new RasterCache();
    const file = await cache.open(path);
    const { width, height } = file.levels[1]!;
    const block = await file.read({ level: 1, window: { x: 0, y: 0, width, height }, bands: file.bands.map((_, i) => i) });
    await cache.close();
    return block;
  }

  /** Means of 2 × 2 vectors by plain loops. */
  function means({ data, nulls }: Block, norm: 'unit' | null): Float32Array<ArrayBuffer> {
    const half = EDGE / 2;
    const out = new Float32Array(COUNT * half * half);
    for (let y = 0; y < half; y++) for (let x = 0; x < half; x++) {
      const cells = [0, 1, EDGE, EDGE + 1].map((step) => y * 2 * EDGE + x * 2 + step).filter((cell) => !nulls?.[cell]);
      const vector = Array.from({ length: COUNT }, (_, d) => Math.fround(cells.reduce((sum, cell) => sum + data[d * EDGE * EDGE + cell]!, 0) / cells.length));
      const length = norm === 'unit' ? Math.sqrt(vector.reduce((sum, v) => sum + v * v, 0)) : 1;
      vector.forEach((v, d) => (out[(d * half + y) * half + x] = v / length));
    }
    return out;
  }

  it.each<[Quantization, 'unit' | null]>([['float32', 'unit'], ['float32', null], ['int8', 'unit'], ['int8', null], ['int8_power2', 'unit'], ['int8_per_vector', 'unit']])(
    '%s, norm %s: means of the decoded vectors, stored in the view again', async (method, norm) => {
      const { cube, block } = await unitCube(method, norm);
      const [file] = await write(cube, { tile_size: 256 });
      const expected = encodeVectors(means(block, norm), { outer: 1, count: COUNT, inner: (EDGE / 2) ** 2 }, encoding(method)).data;
      expect(Buffer.from((await overview(file!.path)).data.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
    });

  it('scales of overviews belong to their codes', async () => {
    const { cube, block } = await unitCube('int8_per_vector');
    const [, scale] = await write(cube, { tile_size: 256 });
    const expected = encodeVectors(means(block, 'unit'), { outer: 1, count: COUNT, inner: (EDGE / 2) ** 2 }, encoding('int8_per_vector')).scale!;
    expect((await overview(scale!.path)).data).toEqual(expected);
  });

  it('the first dimensions alone have no length to keep', async () => {
    const { cube, block } = await unitCube('float32');
    const picked = cube.with({ attributes: { ...withPickedBands(cube.attributes, [0, 1, 2, 3, 4, 5]), embedding: { ...unit, dimensions: DIMENSIONS } } });
    const [file] = await write(picked, { tile_size: 256 });
    expect((await overview(file!.path)).data).toEqual(means(block, null));
  });

  it('bits: what most of the four cells say, the first of them when it is a draw', async () => {
    const { cube, block } = await unitCube('binary');
    const [file] = await write(cube, { tile_size: 256 });
    const half = EDGE / 2;
    const { data } = await overview(file!.path);
    let draws = 0;
    const expected = Uint8Array.from({ length: COUNT * half * half }, (_, i) => {
      const [d, y, x] = [Math.floor(i / half / half), Math.floor(i / half) % half, i % half];
      const bits = [0, 1, EDGE, EDGE + 1].map((step) => d * EDGE * EDGE + y * 2 * EDGE + x * 2 + step).filter((cell) => !block.nulls?.[cell]).map((cell) => block.data[cell]!);
      const ones = bits.filter((bit) => bit === 1).length;
      if (ones * 2 === bits.length) draws++;
      return ones * 2 === bits.length ? bits[0]! : ones * 2 > bits.length ? 1 : 0;
    });
    expect(draws).toBeGreaterThan(1000);
    expect(Buffer.from(data.buffer).equals(Buffer.from(expected))).toBe(true);
  });
});
