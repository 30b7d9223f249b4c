import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cube } from '../../../src/cube/cube.ts';
import { readAll } from '../../../src/cube/array-cube.ts';
import type { DType } from '../../../src/cube/dtype.ts';
import { crc32c } from '../../../src/formats/zarr/crc32c.ts';
import { encodeShard } from '../../../src/formats/zarr/shard.ts';
import { ZarrStore, type ZarrSettings } from '../../../src/formats/zarr/store.ts';
import { zarr } from '../../../src/formats/zarr/write.ts';
import { ZipWriter } from '../../../src/formats/zarr/zip.ts';
import { bands, dates, testContext, testCube, type TestContext } from '../cubes.ts';
import { MemoryStore } from './memory-store.ts';
import { DATES, DIMENSIONS, HEIGHT, vectorCube, WIDTH } from '../vectors.ts';

const { signal } = new AbortController();

/** Every object of the store by its key, shards in the given order. */
async function objectsOf(cube: Cube, settings: ZarrSettings = {}, order?: (count: number) => number[]): Promise<Map<string, Uint8Array>> {
  const store = new ZarrStore(cube, settings);
  const objects = new Map(store.metadata().map(({ key, bytes }) => [key, bytes]));
  for (const i of order?.(store.shardCount) ?? Array.from({ length: store.shardCount }, (_, n) => n)) {
    const { objects: shard } = await store.encode(i, await cube.read(store.shard(i).window), signal);
    for (const { key, bytes } of shard) objects.set(key, bytes);
  }
  return objects;
}

const readBack = (objects: ReadonlyMap<string, Uint8Array>, name: string) => new MemoryStore(objects).read(name);

const document = (objects: ReadonlyMap<string, Uint8Array>, key: string) => JSON.parse(Buffer.from(objects.get(key)!).toString()) as Record<string, never>;
const expected = async (cube: Cube, fill: number) => {
  const { data, nulls } = await readAll(cube);
  return Array.from(data, (value, i) => (nulls?.[i] ? fill : value));
};

describe('CRC-32C', () => {
  it.each([['', 0], ['123456789', 0xe306_9283], ['The quick brown fox jumps over the lazy dog', 0x2262_0404]])('of %j', (text, sum) => {
    expect(crc32c(Buffer.from(text))).toBe(sum);
  });
});

describe('a shard', () => {
  const shape = { shard: [4, 4], chunk: [2, 2], level: 3 };
  const samples = Float32Array.from([1, 2, Number.NaN, 3, 4, Number.NaN, 5, 6, 7]);

  it('has its index behind its chunks, with the places of those that hold something', async () => {
    const bytes = Buffer.from((await encodeShard({ samples, shape: [3, 3], fill: Number.NaN }, shape, signal))!);
    const index = bytes.subarray(-68, -4);
    expect(crc32c(index)).toBe(bytes.readUInt32LE(bytes.length - 4));
    const chunk = (i: number) => {
      const [offset, length] = [index.readBigUInt64LE(i * 16), index.readBigUInt64LE(i * 16 + 8)];
      if (offset === 0xffff_ffff_ffff_ffffn) return null;
      const raw = zstdDecompressSync(bytes.subarray(Number(offset), Number(offset + length)));
      return [...new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength))];
    };
    expect([0, 1, 2, 3].map(chunk)).toEqual([[1, 2, 3, 4], null, [5, 6, Number.NaN, Number.NaN], [7, Number.NaN, Number.NaN, Number.NaN]]);
  });

  it('without a value needs no object', async () => {
    expect(await encodeShard({ samples: new Int16Array(9).fill(-1), shape: [3, 3], fill: -1 }, shape, signal)).toBeNull();
    expect(await encodeShard({ samples: new Float32Array(9).fill(-0), shape: [3, 3], fill: 0 }, shape, signal)).not.toBeNull();
  });

  it('stops when told to', async () => {
    await expect(encodeShard({ samples, shape: [3, 3], fill: 0 }, shape, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe.each<Exclude<DType, 'bool'>>(['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float16', 'float32', 'float64'])('%s', (dtype) => {
  it('comes back through zarrita, no-data as the fill value', async () => {
    const cube = testCube({ dtype, width: 33, height: 18, dimensions: [dates('2021-01-01T00:00:00Z', '2021-02-01T00:00:00Z'), bands('a', 'b')], value: (i) => (i % 13 === 5 ? null : i % 100) });
    const objects = await objectsOf(cube, { chunkSize: 8, shardSize: 16 });
    const fill = new ZarrStore(cube).type.nodata;
    const { values, shape } = await readBack(objects, 'data');
    expect(shape).toEqual([2, 2, 18, 33]);
    expect(values).toEqual(await expected(cube, fill));
  });
});

describe('a store', () => {
  it('says what it is, in one document and in each', async () => {
    const objects = await objectsOf(vectorCube(), { chunkSize: 8, shardSize: 16 });
    const root = document(objects, 'zarr.json') as unknown as { attributes: Record<string, unknown>; consolidated_metadata: { metadata: Record<string, Record<string, unknown>> } };
    const all = root.consolidated_metadata.metadata;
    expect(Object.keys(all).sort()).toEqual(['embedding', 'embeddings', 'spatial_ref', 't', 'x', 'y']);
    for (const [name, content] of Object.entries(all)) expect(document(objects, `${name}/zarr.json`)).toEqual(content);
    expect(all['embeddings']).toMatchObject({
      shape: [2, DIMENSIONS, HEIGHT, WIDTH], data_type: 'float32', fill_value: 'NaN', dimension_names: ['t', 'embedding', 'y', 'x'],
      chunk_grid: { configuration: { chunk_shape: [1, DIMENSIONS, 16, 16] } },
      codecs: [{ name: 'sharding_indexed', configuration: { chunk_shape: [1, DIMENSIONS, 8, 8], index_location: 'end' } }],
      attributes: { grid_mapping: 'spatial_ref' },
    });
    expect(all['spatial_ref']).toMatchObject({ shape: [], attributes: { grid_mapping_name: 'transverse_mercator' } });
    expect(root.attributes).toMatchObject({
      'proj:code': 'EPSG:32631', 'spatial:transform': [80, 0, 500_000, 0, -80, 5_600_000],
      'geoemb:type': 'chip', 'geoemb:dimensions': DIMENSIONS, 'geoemb:model': 'urn:lamina:operator:pca@sha256:abc', 'geoemb:data_type': 'float32',
      'geoemb:source_data': ['urn:stac:item:s2/one', 'urn:stac:item:s2/two', 'urn:stac:item:s2/three'],
      'geoemb:chip_layout': { layout_type: 'regular_grid', chip_size: [8, 8] },
    });
    expect(root.attributes).not.toHaveProperty('geoemb:quantization');
  });

  it('has the labels of its dimensions', async () => {
    const objects = await objectsOf(vectorCube());
    expect((await readBack(objects, 't')).values).toEqual(DATES.map((d) => Date.parse(d) / 1000));
    expect((await readBack(objects, 'x')).values.slice(0, 2)).toEqual([500_040, 500_120]);
    expect((await readBack(objects, 'y')).values[0]).toBe(5_599_960);
  });

  it('has milliseconds where a date needs them, and texts where labels are no dates', async () => {
    const fine = await objectsOf(testCube({ dimensions: [dates('1970-01-01T00:00:00.250Z')] }));
    expect((await readBack(fine, 't')).values).toEqual([250]);
    expect(document(fine, 't/zarr.json')).toMatchObject({ attributes: { units: 'milliseconds since 1970-01-01' } });
    expect(document(await objectsOf(testCube({ dimensions: [dates('winter', 'summer')] })), 't/zarr.json')).toMatchObject({ data_type: 'string' });
  });

  it('covers each cell by one shard, also with dimensions in another order', async () => {
    const cube = testCube({ width: 21, height: 10, dimensions: [bands('a', 'b', 'c'), { name: 'pass', type: 'other', size: 2, labels: ['up', 'down'] }, dates('2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z')] });
    const store = new ZarrStore(cube, { chunkSize: 4, shardSize: 8 });
    const seen = new Map<string, number>();
    for (let i = 0; i < store.shardCount; i++) {
      const { key, window } = store.shard(i);
      expect(seen.has(key)).toBe(false);
      seen.set(key, window.size.reduce((a, b) => a * b, 1));
    }
    expect([...seen.values()].reduce((a, b) => a + b)).toBe(21 * 10 * 3 * 2 * 2);
    const objects = await objectsOf(cube, { chunkSize: 4, shardSize: 8 });
    const { values, shape } = await readBack(objects, 'data');
    expect(shape).toEqual([2, 2, 3, 10, 21]);
    // [t, pass, bands, y, x] of a cube [bands, pass, t, y, x] whose values count its samples.
    expect(values[((1 * 2 + 0) * 3 + 2) * 210 + 17]).toBe(((2 * 2 + 0) * 2 + 1) * 210 + 17);
  });

  it('is the same in whatever order its shards are written, and leaves out those without data', async () => {
    const cube = vectorCube();
    const empty = testCube({ width: 40, height: 8, dimensions: [], value: (i) => (i % 40 < 16 ? null : i) });
    const forward = await objectsOf(cube, { chunkSize: 4, shardSize: 8 });
    const backward = await objectsOf(cube, { chunkSize: 4, shardSize: 8 }, (count) => Array.from({ length: count }, (_, i) => count - 1 - i));
    expect([...backward].sort(([a], [b]) => (a < b ? -1 : 1))).toEqual([...forward].sort(([a], [b]) => (a < b ? -1 : 1)));
    expect([...(await objectsOf(empty, { chunkSize: 8, shardSize: 8 })).keys()].filter((key) => key.startsWith('data/c/'))).toEqual(['data/c/0/2', 'data/c/0/3', 'data/c/0/4']);
  });

  it('gives one place without reading more than a chunk and the index', async () => {
    const cube = testCube({ width: 256, height: 256, dimensions: [bands('a', 'b')], value: (i) => Math.sin(i) });
    const store = new MemoryStore(await objectsOf(cube, { chunkSize: 16, shardSize: 256 }));
    const { values } = await store.read('data', [null, 100, 200]);
    expect(values).toEqual([100 * 256 + 200, 256 * 256 + 100 * 256 + 200].map((i) => Math.fround(Math.sin(i))));
    expect(store.bytesRead).toBeLessThan(10_000);
  });

  it('has chunks and shards that fit their purpose', () => {
    const sizes = (count: number, dtype: DType = 'float32') => {
      const labels = Array.from({ length: count }, (_, i) => `e${i}`);
      const cube = new Cube({
        dimensions: [bands(...labels), { name: 'y', type: 'spatial', axis: 'y', size: 50_000 }, { name: 'x', type: 'spatial', axis: 'x', size: 50_000 }],
        grid: { crs: 'EPSG:32631', originX: 0, originY: 0, stepX: 10, stepY: 10, width: 50_000, height: 50_000 }, dtype,
        read: () => Promise.reject(new Error('nothing is read')), fingerprint: () => Promise.resolve(''),
      });
      const store = new ZarrStore(cube);
      return [store.shard(0).window.size[1], store.shardBytes];
    };
    expect(sizes(64)).toEqual([512, 64 * 512 * 512 * 4]);
    expect(sizes(1024)).toEqual([128, 1024 * 128 * 128 * 4]);
    expect(sizes(1, 'uint8')).toEqual([1024, 1024 * 1024]);
  });
});

describe('quantised embeddings', () => {
  const quantization = (objects: ReadonlyMap<string, Uint8Array>) => (document(objects, 'zarr.json') as unknown as { attributes: Record<string, unknown> }).attributes['geoemb:quantization'];
  const cells = WIDTH * HEIGHT;

  it('as int8 have scales and offsets per dimension', async () => {
    const cube = vectorCube('int8');
    const objects = await objectsOf(cube);
    expect(quantization(objects)).toMatchObject({ method: 'linear', original_dtype: 'float32', quantized_dtype: 'int8', scale: { type: 'array', array_name: 'scale' }, offset: { type: 'array', array_name: 'offset' } });
    const [codes, scale, offset] = await Promise.all(['embeddings', 'scale', 'offset'].map(async (name) => (await readBack(objects, name)).values));
    const decoded = codes!.map((code, i) => (code === -128 ? Number.NaN : Math.fround(code * scale![Math.floor(i / cells) % DIMENSIONS]! + offset![Math.floor(i / cells) % DIMENSIONS]!)));
    expect(decoded).toEqual(await expected(cube, Number.NaN));
  });

  it('as int8 with one scale for all say it as CF does', async () => {
    const same = new Array<number>(DIMENSIONS).fill(0.0078125);
    const objects = await objectsOf(vectorCube('int8', { method: 'int8', dtype: 'int8', nodata: -128, scale: same, offset: same.map(() => 0) }));
    expect(quantization(objects)).toMatchObject({ scale: { type: 'scalar', scale: 0.0078125, offset: 0 } });
    expect(document(objects, 'embeddings/zarr.json')).toMatchObject({ fill_value: -128, attributes: { scale_factor: 0.0078125, add_offset: 0, _FillValue: -128 } });
    expect(objects.has('scale/zarr.json')).toBe(false);
  });

  it('as int8 with a scale per vector have an array of scales', async () => {
    const cube = vectorCube('int8_per_vector');
    const objects = await objectsOf(cube, { chunkSize: 8, shardSize: 16 });
    expect(quantization(objects)).toMatchObject({ method: 'per_pixel_scale', scale: { type: 'array', array_name: 'scale', nodata: 'nan' } });
    const [codes, scale] = await Promise.all(['embeddings', 'scale'].map((name) => readBack(objects, name)));
    expect(scale!.shape).toEqual([2, HEIGHT, WIDTH]);
    const decoded = codes!.values.map((code, i) => Math.fround(code * scale!.values[Math.floor(i / cells / DIMENSIONS) * cells + (i % cells)]!));
    expect(decoded).toEqual(await expected(cube, Number.NaN));
    expect(document(objects, 'zarr.json')).toMatchObject({ consolidated_metadata: { metadata: { scale: { dimension_names: ['t', 'y', 'x'], fill_value: 'NaN' } } } });
  });

  it('as powers, bits and halves come back', async () => {
    const power = vectorCube('int8_power2');
    const powerObjects = await objectsOf(power);
    expect(quantization(powerObjects)).toMatchObject({ method: 'power', power: 2, scale: { type: 'scalar', scale: 127.5 } });
    const decoded = (await readBack(powerObjects, 'embeddings')).values.map((code) => (code === -128 ? Number.NaN : Math.fround(Math.sign(code) * (code / 127.5) ** 2)));
    const values = await expected(power, Number.NaN);
    expect(decoded.every((value, i) => Object.is(value, values[i]) || Math.abs(value - values[i]!) < 1e-7)).toBe(true);
    const binary = vectorCube('binary');
    const binaryObjects = await objectsOf(binary);
    expect((await readBack(binaryObjects, 'embeddings')).values).toEqual(await expected(binary, 255));
    expect((await readBack(binaryObjects, 'threshold')).values).toEqual(binary.attributes.encoding!.threshold);
    const halves = vectorCube('float16');
    expect((await readBack(await objectsOf(halves), 'embeddings')).values).toEqual(await expected(halves, Number.NaN));
  });
});

describe('the result format', () => {
  let context: TestContext;
  beforeEach(async () => {
    context = await testContext();
  });
  afterEach(() => context.remove());

  it('is one file with statistics, the same every time', async () => {
    const cube = testCube({ attributes: { bands: [{ name: 'a', unit: '1' }, { name: 'b' }] } });
    const [file] = await zarr.write(cube, {}, context);
    expect(file).toMatchObject({ name: 'result.zarr.zip', mediaType: 'application/zip+zarr', roles: ['data'], metadata: { 'proj:code': 'EPSG:32631', bands: [{ name: 'a', unit: '1', statistics: { minimum: 0, maximum: 19 } }, { name: 'b' }] } });
    const [again] = await zarr.write(cube, { filename_prefix: 'again' }, context);
    expect(await readFile(again!.path)).toEqual(await readFile(file!.path));
    expect(context.shares.at(-1)).toBe(1);
    expect(await context.names()).toEqual(['again.zarr.zip', 'result.zarr.zip']);
  });

  it('finds another no-data value when a sample has it', async () => {
    const [file] = await zarr.write(testCube({ dtype: 'uint8', dimensions: [], attributes: { nodata: 0 }, value: (i) => (i === 7 ? null : i) }), {}, context);
    expect(file!.metadata).toMatchObject({ bands: [{ nodata: 255, data_type: 'uint8' }] });
    expect(context.entries.some(({ message }) => message.includes('again with no-data 255'))).toBe(true);
  });

  it('warns where NaN and no-data become one', async () => {
    await zarr.write(testCube({ dimensions: [], value: (i) => (i === 1 ? null : i === 2 ? Number.NaN : i) }), {}, context);
    expect(context.entries.some(({ level, message }) => level === 'warning' && message.includes('NaN'))).toBe(true);
  });

  it.each([
    [{ chunks: 1 }, /'chunks' is not an option of Zarr v3/],
    [{ compression_level: 23 }, /'compression_level' must be at most 19/],
    [{ shard_size: 8, chunk_size: 16 }, /'shard_size' \(8\) must not be less than 'chunk_size' \(16\)/],
    [{ shard_size: 5000 }, /'shard_size' must be at most 4096/],
  ])('refuses %j', async (options, message) => {
    await expect(zarr.write(testCube(), options, context)).rejects.toThrow(message);
  });

  it('refuses a shard that no memory holds, an empty cube and one without a grid', async () => {
    const labels = Array.from({ length: 20_000 }, (_, i) => `e${i}`);
    const wide = testCube({ dimensions: [bands(...labels)] });
    await expect(zarr.write(wide, { chunk_size: 128 }, context)).rejects.toThrow(/at most 512 MiB fit in memory/);
    await expect(zarr.write(testCube({ dimensions: [bands()] }), {}, context)).rejects.toMatchObject({ code: 'DataCubeEmpty' });
    await expect(zarr.write(testCube().with({ grid: null }), {}, context)).rejects.toMatchObject({ code: 'FormatUnsuitable' });
    expect(await context.names()).toEqual([]);
  });

  it('ends when the signal says so, or when reading fails', async () => {
    await expect(zarr.write(testCube(), {}, { ...context, signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    const broken = testCube().with({ read: () => Promise.reject(new Error('no such tile')) });
    await expect(zarr.write(broken, { filename_prefix: 'broken' }, context)).rejects.toThrow('no such tile');
  });
});

describe('a ZIP file', () => {
  it('lets go of what is written', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const directory = await mkdtemp(join(tmpdir(), 'lamina-zip-'));
    const zip = new ZipWriter(join(directory, 'a.zip'), signal);
    await zip.add('first', new Uint8Array(2_000_000));
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 30; i++) await zip.add(`entry${i}`, new Uint8Array(2_000_000).fill(i));
    // The collector frees array buffers on a thread of its own, so what is free shows a little later.
    await expect
      .poll(() => {
        collect();
        return process.memoryUsage().arrayBuffers - before;
      }, { timeout: 10_000 })
      .toBeLessThan(20_000_000);
    await zip.finish();
    await rm(directory, { recursive: true });
  });

  it('is written through to the disk and refuses to overwrite', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'lamina-zip-'));
    const path = join(directory, 'a.zip');
    const zip = new ZipWriter(path, signal);
    await zip.add('one', Buffer.from('first'));
    await zip.add('two/three', new Uint8Array(3_000_000).fill(7));
    await zip.finish();
    const bytes = await readFile(path);
    expect(bytes.subarray(30, 38).toString()).toBe('onefirst');
    expect(bytes.length).toBeGreaterThan(3_000_000);
    const second = new ZipWriter(path, signal);
    await expect((async () => {
      await second.add('one', Buffer.from('first'));
      await second.finish();
    })()).rejects.toMatchObject({ code: 'EEXIST' });
    await rm(directory, { recursive: true });
  });
});
