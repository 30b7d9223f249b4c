import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fromFile } from 'geotiff';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Block } from '../../../src/cube/block.ts';
import { Cube } from '../../../src/cube/cube.ts';
import type { DType } from '../../../src/cube/dtype.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { TileSpool } from '../../../src/formats/cog/tile-spool.ts';
import { encodeTile } from '../../../src/formats/cog/tile-encoder.ts';
import { FIELD, writeTiff } from '../../../src/formats/cog/tiff-file.ts';
import { gtiff } from '../../../src/formats/cog/write.ts';
import type { RasterFile } from '../../../src/formats/raster-file.ts';
import { bands, dates, testContext, testCube, type TestContext } from '../cubes.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

async function readBack(path: string, level = 0): Promise<{ file: RasterFile; block: Block }> {
  const cache = new RasterCache();
  const file = await cache.open(path);
  const { width, height } = file.levels[level]!;
  const block = await file.read({ level, window: { x: 0, y: 0, width, height }, bands: file.bands.map((_, i) => i) });
  await cache.close();
  return { file, block };
}

const values = (block: Block) => Array.from(block.data, (v, i) => (block.nulls?.[i] ? null : v));
const write = async (cube: Cube, options: Record<string, unknown> = {}) => (await gtiff.write(cube, options, context))[0]!;
const unit = (i: number) => Math.sin(i * 12.9898) * 43_758.5453 - Math.floor(Math.sin(i * 12.9898) * 43_758.5453);

describe.each<DType>(['bool', 'uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float16', 'float32', 'float64'])('%s', (dtype) => {
  it.each(['DEFLATE', 'ZSTD'])('comes back out of %s, no-data included', async (compression) => {
    const value = (i: number) => (i % 11 === 3 ? null : dtype === 'bool' ? i % 2 : Math.floor(unit(i) * 100));
    const cube = testCube({ dtype, width: 300, height: 140, value });
    const { file, block } = await readBack((await write(cube, { compression, tile_size: 128 })).path);
    expect(block.dtype).toBe(dtype === 'bool' ? 'uint8' : dtype);
    expect(values(block)).toEqual(Array.from({ length: 2 * 300 * 140 }, (_, i) => value(i)));
    expect(file.grid).toEqual(cube.grid);
    expect(file.bands.map((b) => b.name)).toEqual(['a', 'b']);
  });
});

describe('the file', () => {
  it('is what geotiff.js reads too', async () => {
    const { path } = await write(testCube({ dtype: 'uint16', width: 300, height: 200 }), { tile_size: 128 });
    const tiff = await fromFile(path);
    const image = await tiff.getImage();
    expect(await tiff.getImageCount()).toBe(3);
    expect(image.getGeoKeys()).toMatchObject({ ProjectedCSTypeGeoKey: 32631, GTRasterTypeGeoKey: 1 });
    expect(image.getBoundingBox()).toEqual([500_000, 5_598_000, 503_000, 5_600_000]);
    expect(await image.getGDALMetadata(0)).toMatchObject({ DESCRIPTION: 'a', STATISTICS_MINIMUM: '0', STATISTICS_MAXIMUM: '59999' });
    const [, second] = await image.readRasters();
    expect([second![0], second!.at(-1)]).toEqual([60_000, 119_999 % 65_536]);
    await tiff.close();
  });

  it('has all directories before all pixels, and those of the overviews before the full image', async () => {
    const { path } = await write(testCube({ dtype: 'uint8', width: 520, height: 300, value: (i) => i % 251 }), { tile_size: 128 });
    const bytes = await readFile(path);
    expect(bytes.toString('latin1', 8, 51)).toBe('GDAL_STRUCTURAL_METADATA_SIZE=000140 bytes\n');
    expect(bytes.toString('latin1', 51, 51 + 140)).toContain('BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ');
    const tiff = await fromFile(path);
    const firstTiles: number[] = [];
    let last = 0;
    for (let i = 0; i < await tiff.getImageCount(); i++) {
      const { fileDirectory } = await tiff.getImage(i);
      const offsets = Array.from((await fileDirectory.loadValue('TileOffsets')) as ArrayLike<number>, Number);
      const sizes = Array.from((await fileDirectory.loadValue('TileByteCounts')) as ArrayLike<number>, Number);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
      firstTiles.push(offsets[0]!);
      offsets.forEach((offset, k) => {
        expect(bytes.readUInt32LE(offset - 4)).toBe(sizes[k]);
        expect(bytes.subarray(offset + sizes[k]!, offset + sizes[k]! + 4)).toEqual(bytes.subarray(offset + sizes[k]! - 4, offset + sizes[k]!));
        last = Math.max(last, offset + sizes[k]! + 4);
      });
    }
    expect(firstTiles).toEqual(firstTiles.toSorted((a, b) => b - a));
    expect(last).toBe(bytes.length);
    await tiff.close();
  });

  it('is a BigTIFF when the pixels need it', async () => {
    const path = join(context.directory, 'big.tif');
    const spool = await TileSpool.create(`${path}.spool`, [{ width: 20, height: 10 }], 16, 1);
    for (const column of [0, 1]) {
      const tile = new Uint8Array(256).fill(column + 5);
      await spool.add(0, 0, 0, column, await encodeTile(tile, { size: 16, bands: 1, dtype: 'uint8', compression: { name: 'DEFLATE' }, predictor: 2 }));
    }
    const short = (tag: number, value: number) => ({ tag, type: FIELD.short, values: [value] });
    const fields = [short(256, 20), short(257, 10), short(258, 8), short(259, 8), short(262, 1), short(277, 1), short(317, 2), short(322, 16), short(323, 16), short(339, 1)];
    await writeTiff(path, [fields], spool, context.signal, 0);
    await spool.remove();
    const head = Buffer.alloc(4);
    const handle = await open(path);
    await handle.read(head, 0, 4, 0);
    await handle.close();
    expect([...head]).toEqual([0x49, 0x49, 43, 0]);
    const { block } = await readBack(path);
    expect(values(block).slice(14, 18)).toEqual([5, 5, 6, 6]);
    expect(await context.names()).toEqual(['big.tif']);
  });
});

describe('overviews', () => {
  it('hold means of floats without no-data, and end when the image fits in a tile', async () => {
    const value = (i: number) => (i === 0 || i === 1 || i === 300 ? null : i % 300);
    const { path } = await write(testCube({ width: 300, height: 260, dimensions: [], value }), { tile_size: 128 });
    const { file, block } = await readBack(path, 1);
    expect(file.levels.map((l) => [l.width, l.height])).toEqual([[300, 260], [150, 130], [75, 65]]);
    // Cell 0 covers columns 0 and 1 of rows 0 and 1: only column 1 of row 1 is left.
    expect(values(block).slice(0, 3)).toEqual([1, 2.5, 4.5]);
    expect(values(block).slice(150, 152)).toEqual([0.5, 2.5]);
  });

  it('hold values of integers that occur', async () => {
    const { path } = await write(testCube({ dtype: 'uint8', width: 140, height: 140, dimensions: [], value: (i) => (i % 2 === 0 ? 4 : 8) }), { tile_size: 128 });
    const { block } = await readBack(path, 1);
    expect(new Set(block.data)).toEqual(new Set([4]));
  });

  it('can be left out', async () => {
    const { file } = await readBack((await write(testCube({ width: 300, height: 300 }), { overviews: false, tile_size: 128 })).path);
    expect(file.levels).toHaveLength(1);
  });
});

describe('no-data', () => {
  it('keeps the source\'s value where it is free', async () => {
    const cube = testCube({ dtype: 'uint16', attributes: { nodata: 0 }, value: (i) => (i < 3 ? null : i) });
    const { file, block } = await readBack((await write(cube)).path);
    expect(file.bands[0]!.nodata).toBe(0);
    expect(values(block).slice(0, 4)).toEqual([null, null, null, 3]);
  });

  it('takes another value when valid samples have the source\'s', async () => {
    const cube = testCube({ dtype: 'uint16', attributes: { nodata: 0 }, value: (i) => (i === 5 ? null : i) });
    const { file, block } = await readBack((await write(cube)).path);
    expect(file.bands[0]!.nodata).toBe(65_535);
    expect(values(block).slice(0, 6)).toEqual([0, 1, 2, 3, 4, null]);
    expect(context.entries.some((e) => e.message.includes('again'))).toBe(true);
  });

  it('takes a wider type when every value is in use', async () => {
    const cube = testCube({ dtype: 'uint8', width: 20, height: 20, dimensions: [], value: (i) => (i < 256 ? i : null) });
    const written = await write(cube);
    const { block } = await readBack(written.path);
    expect(block.dtype).toBe('uint16');
    expect(values(block)).toEqual(Array.from({ length: 400 }, (_, i) => (i < 256 ? i : null)));
    expect(written.metadata.bands).toMatchObject([{ data_type: 'uint16', nodata: 65_535 }]);
  });

  it('is not declared when all values are in use and none is missing', async () => {
    const { file, block } = await readBack((await write(testCube({ dtype: 'uint8', width: 16, height: 16, dimensions: [] }))).path);
    expect(file.bands[0]!.nodata).toBeNull();
    expect(block.nulls).toBeNull();
  });

  it('swallows NaN, and says so', async () => {
    const { block } = await readBack((await write(testCube({ value: (i) => (i === 2 ? Number.NaN : i === 3 ? null : i) }))).path);
    expect(values(block).slice(0, 5)).toEqual([0, 1, null, null, 4]);
    expect(context.entries.filter((e) => e.level === 'warning')).toHaveLength(1);
  });
});

describe('encodings', () => {
  const embedding = { name: 'embedding', type: 'other' as const, size: 6, labels: ['e0', 'e1', 'e2', 'e3', 'e4', 'e5'] };

  it('stores int8 with scale and offset per dimension', async () => {
    const encoding = { method: 'int8' as const, dtype: 'int8' as const, scale: [0.5, 1, 1, 1, 1, 2], offset: [1, 0, 0, 0, 0, -10], nodata: -128 };
    const value = (i: number) => (i === 0 ? null : i < 20 ? 1 + 0.5 * i : i >= 100 ? 1000 : 0);
    const written = await write(testCube({ dimensions: [embedding], attributes: { encoding }, value }));
    const { file, block } = await readBack(written.path);
    expect(block.dtype).toBe('int8');
    expect(values(block).slice(0, 20)).toEqual([null, ...Array.from({ length: 19 }, (_, i) => i + 1)]);
    expect(values(block).at(-1)).toBe(127);
    expect(file.bands[0]).toEqual({ name: 'e0', nodata: -128, scale: 0.5, offset: 1 });
    expect(file.bands[5]).toMatchObject({ scale: 2, offset: -10 });
    expect(written.metadata.bands).toMatchObject([{ name: 'e0', data_type: 'int8', nodata: -128, 'raster:scale': 0.5, 'raster:offset': 1, statistics: { minimum: 1, maximum: 19 } }, {}, {}, {}, {}, {}]);
  });

  it('stores float16 as half floats', async () => {
    const encoding = { method: 'float16' as const, dtype: 'float16' as const, nodata: Number.NaN };
    const { block } = await readBack((await write(testCube({ dimensions: [embedding], attributes: { encoding }, value: (i) => (i === 1 ? null : Math.f16round(i / 7)) }))).path);
    expect(block.dtype).toBe('float16');
    expect(values(block).slice(0, 3)).toEqual([0, null, Math.f16round(2 / 7)]);
  });

  it('converts to a wanted type within its limits', async () => {
    const { block } = await readBack((await write(testCube({ dimensions: [], value: (i) => i * 100 - 50.5 }), { dtype: 'uint8' })).path);
    expect(values(block).slice(0, 4)).toEqual([0, 50, 150, 250]);
    expect(values(block)[4]).toBe(255);
  });
});

describe('dimensions', () => {
  const time = dates('2021-01-01T00:00:00Z', '2021-02-03T10:20:30Z');

  it('gives each date a file', async () => {
    const files = await gtiff.write(testCube({ dimensions: [time, bands('a', 'b')] }), { filename_prefix: 'ndvi' }, context);
    expect(files.map((f) => [f.name, f.datetime])).toEqual([['ndvi_2021-01-01.tif', '2021-01-01T00:00:00Z'], ['ndvi_2021-02-03T102030Z.tif', '2021-02-03T10:20:30Z']]);
    const { file, block } = await readBack(files[1]!.path);
    expect(values(block)[0]).toBe(40);
    expect(file.tags.datetime).toBe('2021-02-03T10:20:30Z');
  });

  it('makes bands of dates when asked to', async () => {
    const { file } = await readBack((await write(testCube({ dimensions: [time, bands('a', 'b')] }), { separate_dates: false })).path);
    expect(file.bands.map((b) => b.name)).toEqual(['2021-01-01_a', '2021-01-01_b', '2021-02-03T10:20:30Z_a', '2021-02-03T10:20:30Z_b']);
  });

  it('does not mind their order', async () => {
    const plain = testCube({ width: 3, height: 2 });
    const { data } = await plain.read(plain.fullWindow());
    const turned = new Cube({
      dimensions: [plain.dimensions[2]!, plain.dimensions[0]!, plain.dimensions[1]!], grid: plain.grid, dtype: 'float32',
      read: async ({ start, size }) => {
        const out = new Float32Array(size[0]! * size[1]! * size[2]!);
        let i = 0;
        for (let x = 0; x < size[0]!; x++) for (let b = 0; b < size[1]!; b++) for (let y = 0; y < size[2]!; y++) out[i++] = data[((b + start[1]!) * 2 + y + start[2]!) * 3 + x + start[0]!]!;
        return { dtype: 'float32', shape: size, data: out, nulls: null };
      },
      fingerprint: async () => '',
    });
    const { block } = await readBack((await write(turned)).path);
    expect([...block.data]).toEqual([...data]);
  });
});

describe('refusals', () => {
  it('names an unknown option and those there are', async () => {
    await expect(write(testCube(), { compres: 'LZW' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(/'compres' is not an option.*compression, compression_level/) as string });
    await expect(write(testCube(), { compression: 'LZW' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('"DEFLATE", "ZSTD"') as string });
    await expect(write(testCube(), { filename_prefix: '../x' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
  });

  it('says when there is nothing to write or no grid', async () => {
    await expect(write(testCube({ dimensions: [bands()] }))).rejects.toMatchObject({ code: 'DataCubeEmpty' });
    await expect(write(testCube().with({ grid: null }))).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringContaining('\'bands\', \'y\', \'x\'') as string });
  });

  it('leaves no spool behind when reading fails or the signal is aborted', async () => {
    const broken = testCube({ width: 3000, height: 3000, dimensions: [], value: () => 1 }).with({ read: async () => { throw new Error('source lost'); } });
    await expect(write(broken)).rejects.toThrow('source lost');
    expect(await context.names()).toEqual([]);
    const controller = new AbortController();
    const stopped = { ...context, signal: controller.signal, onProgress: () => controller.abort() };
    await expect(gtiff.write(testCube({ width: 600, height: 600 }), { tile_size: 128 }, stopped)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await context.names()).toEqual([]);
  });
});

it('tells progress and describes the asset', async () => {
  const attributes = { bands: [{ name: 'a', description: 'first', common_name: 'red', unit: 'm' }, { name: 'b', scale: 2 }] };
  const written = await write(testCube({ width: 600, height: 600, attributes, value: (i) => (i % 4 === 0 ? null : i % 4) }));
  expect(context.shares.at(-1)).toBeGreaterThan(0.9);
  expect(context.shares).toEqual(context.shares.toSorted((a, b) => a - b));
  expect(written).toMatchObject({ name: 'result.tif', mediaType: 'image/tiff; application=geotiff; profile=cloud-optimized', roles: ['data'] });
  expect((await stat(written.path)).size).toBeGreaterThan(1000);
  expect(written.metadata).toMatchObject({
    'proj:code': 'EPSG:32631', 'proj:shape': [600, 600], 'proj:transform': [10, 0, 500_000, 0, -10, 5_600_000], 'proj:bbox': [500_000, 5_594_000, 506_000, 5_600_000],
    bands: [
      { name: 'a', description: 'first', 'eo:common_name': 'red', unit: 'm', data_type: 'float32', nodata: 'nan', statistics: { minimum: 1, maximum: 3, mean: 2, valid_percent: 75 } },
      { name: 'b', 'raster:scale': 2 },
    ],
  });
  expect((written.metadata.bands as { statistics: { stddev: number } }[])[0]!.statistics.stddev).toBeCloseTo(Math.sqrt(2 / 3), 12);
});
