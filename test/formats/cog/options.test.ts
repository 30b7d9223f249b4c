/** Every option of GTiff, seen by GDAL (rasterio) where there is one, and by our own reader. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cube } from '../../../src/cube/cube.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { gtiff } from '../../../src/formats/cog/write.ts';
import { bands, dates, testContext, testCube, type TestContext } from '../cubes.ts';
import { findPython, runPython } from '../python.ts';

const python = findPython(['rasterio', 'rio_cogeo', 'numpy']);

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

const write = (cube: Cube, options: Record<string, unknown>) => gtiff.write(cube, options, context);

async function read(path: string, level = 0): Promise<(number | null)[]> {
  const cache = new RasterCache();
  const file = await cache.open(path);
  const { width, height } = file.levels[level]!;
  const block = await file.read({ level, window: { x: 0, y: 0, width, height }, bands: file.bands.map((_, i) => i) });
  await cache.close();
  return Array.from(block.data, (v, i) => (block.nulls?.[i] ? null : v));
}

interface GdalView {
  readonly profile: { readonly compress: string | null; readonly blockxsize: number; readonly dtype: string; readonly nodata: number | null };
  readonly overviews: number[];
  readonly structure: Record<string, string>;
  readonly tags: Record<string, string>;
  readonly bandTags: Record<string, string>[];
  readonly descriptions: string[];
  readonly scales: number[];
  readonly offsets: number[];
  readonly colormap: Record<string, number[]> | null;
  readonly cog: boolean;
  readonly values: (number | null)[];
}

const VIEW = `
import rasterio
from rio_cogeo.cogeo import cog_validate
warnings.resetwarnings()
with rasterio.open(sys.argv[1]) as f:
    try: colormap = f.colormap(1)
    except ValueError: colormap = None
    nodata = f.nodata
    print(json.dumps(dict(
        profile=dict(compress=f.profile.get('compress'), blockxsize=f.profile['blockxsize'], dtype=f.profile['dtype'], nodata=None if nodata is None or np.isnan(nodata) else nodata),
        overviews=f.overviews(1), structure=f.tags(ns='IMAGE_STRUCTURE'), tags=f.tags(), bandTags=[f.tags(i) for i in f.indexes], descriptions=f.descriptions,
        scales=f.scales, offsets=f.offsets, colormap=colormap, cog=cog_validate(sys.argv[1])[0], values=clean(f.read(masked=True).astype('float64').filled(np.nan)))))
`;

const gdal = (path: string): GdalView => runPython((python as { path: string }).path, VIEW, path) as GdalView;

const noise = (i: number) => (i * 7919) % 251;

describe.skipIf('reason' in python)(`as GDAL sees it${'reason' in python ? ` (skipped: ${python.reason})` : ''}`, () => {
  it.each([
    [{ compress: 'none' }, null, undefined],
    [{ compression: 'zstd' }, 'zstd', '2'],
    [{ compression: 'ZSTD', compression_level: 19, predictor: 1 }, 'zstd', undefined],
    [{ compress: 'Deflate', compression_level: 1 }, 'deflate', '2'],
  ])('%j', async (options, compress, predictor) => {
    const cube = testCube({ dtype: 'int16', width: 300, height: 200, value: noise });
    const [file] = await write(cube, options);
    const view = gdal(file!.path);
    expect([view.profile.compress, view.structure['PREDICTOR'], view.cog]).toEqual([compress, predictor, true]);
    expect(view.values).toEqual(Array.from({ length: 120_000 }, (_, i) => noise(i)));
  });

  it('predictor 2 suits floats too', async () => {
    const [file] = await write(testCube({ width: 130, height: 10, value: (i) => i / 7 }), { predictor: 2 });
    const view = gdal(file!.path);
    expect(view.structure['PREDICTOR']).toBe('2');
    expect(view.values).toEqual(Array.from({ length: 2600 }, (_, i) => Math.fround(i / 7)));
  });

  it('tile size and overviews', async () => {
    const cube = testCube({ dtype: 'uint16', width: 600, height: 300, value: noise });
    expect(gdal((await write(cube, { blocksize: 128, filename_prefix: 'a' }))[0]!.path)).toMatchObject({ profile: { blockxsize: 128 }, overviews: [2, 4, 8] });
    expect(gdal((await write(cube, { tile_size: 256, overviews: 'auto', filename_prefix: 'b' }))[0]!.path)).toMatchObject({ profile: { blockxsize: 256 }, overviews: [2, 4] });
    expect(gdal((await write(cube, { tile_size: 256, overviews: 'OFF', filename_prefix: 'c' }))[0]!.path).overviews).toEqual([]);
    expect(gdal((await write(cube, { tile_size: 256, overviews: false, filename_prefix: 'd' }))[0]!.path).overviews).toEqual([]);
  });

  it('a colormap with its overviews', async () => {
    const cube = testCube({ dtype: 'uint8', dimensions: [], width: 300, height: 300, value: (i) => (i === 0 ? null : i % 3) });
    const [file] = await write(cube, { tile_size: 128, colormap: { 0: '#ff0000', 1: [0, 128, 255], 2: 0x01020aff } });
    const view = gdal(file!.path);
    expect(view.cog).toBe(true);
    expect([0, 1, 2].map((v) => view.colormap![v])).toEqual([[255, 0, 0, 255], [0, 128, 255, 255], [1, 2, 10, 255]]);
    expect(view.values.slice(0, 4)).toEqual([null, 1, 2, 0]);
    expect(view.overviews).toEqual([2, 4]);
  });

  it('metadata of bands and of the file', async () => {
    const [file] = await write(testCube({ dtype: 'int16' }), {
      bands_metadata: { a: { SCALE: 0.5, OFFSET: 10, ARBITRARY: 'x < y' }, b: { DESCRIPTION: 'second', n: 3 } }, file_metadata: { title: 'A & B', version: 2 },
    });
    const view = gdal(file!.path);
    expect(view).toMatchObject({ scales: [0.5, 1], offsets: [10, 0], descriptions: ['a', 'second'], tags: { title: 'A & B', version: '2' } });
    expect([view.bandTags[0]!['ARBITRARY'], view.bandTags[1]!['n']]).toEqual(['x < y', '3']);
    expect(file!.metadata).toMatchObject({ bands: [{ name: 'a', 'raster:scale': 0.5, 'raster:offset': 10 }, { name: 'b' }] });
  });

  it('a no-data value of floats, which keeps NaN apart', async () => {
    const cube = testCube({ dimensions: [], width: 4, height: 1, value: (i) => [null, Number.NaN, 2, -9999][i]! });
    const [file] = await write(cube, { nodata: -9999 });
    const view = gdal(file!.path);
    expect(view.profile.nodata).toBe(-9999);
    expect(view.values).toEqual([null, null, 2, null]);
    expect(file!.metadata).toMatchObject({ bands: [{ nodata: -9999, statistics: { minimum: 2, maximum: 2, valid_percent: 25 } }] });
    expect(context.entries.filter((entry) => entry.level === 'warning')).toEqual([]);
  });
});

describe('no-data that is asked for', () => {
  it('takes valid samples of that value with it, out of overviews too', async () => {
    const cube = testCube({ dtype: 'uint8', dimensions: [], width: 256, height: 256, value: (i) => (i % 2 ? 0 : 100) });
    const [file] = await write(cube, { nodata: 0, tile_size: 128, overview_method: 'average' });
    expect((await read(file!.path)).slice(0, 4)).toEqual([100, null, 100, null]);
    expect(new Set(await read(file!.path, 1))).toEqual(new Set([100]));
    expect(file!.metadata).toMatchObject({ bands: [{ nodata: 0, data_type: 'uint8', statistics: { minimum: 100, valid_percent: 50 } }] });
  });

  it('is seen after rounding', async () => {
    const [file] = await write(testCube({ dimensions: [], width: 3, height: 1, value: (i) => [0.2, 7.6, null][i]! }), { dtype: 'uint8', nodata: 0 });
    expect(await read(file!.path)).toEqual([null, 8, null]);
  });
});

describe('overview_method', () => {
  const cells = [1, 2, 2, 7];
  it.each([['near', 1], ['average', 3], ['mode', 2], ['min', 1], ['max', 7], ['rms', 4]])('%s', async (method, expected) => {
    const cube = testCube({ dtype: 'int16', dimensions: [], width: 256, height: 256, value: (i) => cells[(i % 2) + 2 * (Math.floor(i / 256) % 2)]! });
    const [file] = await write(cube, { overview_resampling: method, tile_size: 128 });
    expect(new Set(await read(file!.path, 1))).toEqual(new Set([expected]));
  });

  it.each(['near', 'average', 'mode', 'min', 'max', 'rms'])('%s passes over no-data', async (method) => {
    const cube = testCube({ dimensions: [], width: 256, height: 128, value: (i) => (i % 2 === 0 ? null : Math.floor(i / 256) < 64 ? 5 : null) });
    const [file] = await write(cube, { overview_method: method, tile_size: 128, filename_prefix: method });
    const overview = await read(file!.path, 1);
    expect([...new Set(overview.slice(0, 32 * 128))]).toEqual([method === 'rms' ? expect.closeTo(5, 6) as number : 5]);
    expect(new Set(overview.slice(32 * 128))).toEqual(new Set([null]));
  });
});

describe('files', () => {
  const cube = () => testCube({ dimensions: [dates('2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z'), bands('B 4', 'B08')], width: 2, height: 1 });

  it('are one per band and date with separate_asset_per_band', async () => {
    const files = await write(cube(), { separate_asset_per_band: true, filename_prefix: 'p' });
    expect(files.map((f) => f.name)).toEqual(['p_2021-01-01_B_4.tif', 'p_2021-01-02_B_4.tif', 'p_2021-01-01_B08.tif', 'p_2021-01-02_B08.tif']);
    expect(files.map((f) => (f.metadata as { bands: { name: string }[] }).bands.map((b) => b.name))).toEqual([['B 4'], ['B 4'], ['B08'], ['B08']]);
    expect(await read(files[2]!.path)).toEqual([2, 3]);
    expect(files[3]!.datetime).toBe('2021-01-02T00:00:00Z');
  });

  it('are one for all when dates are not separated', async () => {
    const files = await write(cube(), { separate_dates: false });
    expect(files.map((f) => f.name)).toEqual(['result.tif']);
    expect((files[0]!.metadata as { bands: { name: string }[] }).bands.map((b) => b.name)).toEqual(['2021-01-01_B 4', '2021-01-01_B08', '2021-01-02_B 4', '2021-01-02_B08']);
  });
});

describe('refusals', () => {
  it.each([
    [{}, { quality: 3 }, '\'quality\' is not an option of Cloud-optimized GeoTIFF; there are compression, compression_level'],
    [{}, { compress: 'ZSTD', compression: 'ZSTD' }, 'give \'compression\' once'],
    [{}, { compression_level: 12 }, 'at most 9 for DEFLATE'],
    [{}, { compression: 'NONE', compression_level: 1 }, 'needs a compression'],
    [{}, { compression: 'NONE', predictor: 2 }, 'needs a compression'],
    [{ dtype: 'int16' }, { predictor: 3 }, 'is for floats and the samples are int16'],
    [{ dtype: 'float64' }, { predictor: 2 }, 'at most 32 bits'],
    [{ dtype: 'uint8' }, { colormap: { 1: '#fff' } }, 'files of one band and they have 2'],
    [{ dimensions: [] }, { colormap: { 1: '#fff' } }, 'uint8 or uint16 and these are float32'],
    [{ dtype: 'uint8', dimensions: [] }, { colormap: { 300: '#fff' } }, '300 is not a value of uint8'],
    [{ dtype: 'uint8', dimensions: [] }, { colormap: { x: '#fff' } }, '\'x\' is not a number'],
    [{ dtype: 'uint8', dimensions: [] }, { colormap: { 1: 'red' } }, 'the colour of 1 must be'],
    [{ dtype: 'uint8', dimensions: [] }, { colormap: { 1: [1, 2, 300] } }, 'the colour of 1 must be'],
    [{ dtype: 'uint8', dimensions: [] }, { colormap: { 1: '#ffffff00' } }, 'is not opaque'],
    [{ dtype: 'uint8', dimensions: [] }, { colormap: {} }, 'has no entries'],
    [{ dtype: 'uint8' }, { nodata: -1 }, '\'nodata\' -1 is no value of uint8'],
    [{ dtype: 'float16' }, { nodata: 1e30 }, 'no value of float16'],
    [{}, { bands_metadata: { z: {} } }, 'there is no band \'z\'; there are a, b'],
    [{}, { bands_metadata: { a: 3 } }, '\'bands_metadata\' of \'a\' must be an object'],
    [{}, { bands_metadata: { a: { SCALE: 'x' } } }, '\'SCALE\' must be a number'],
    [{}, { file_metadata: { a: [] } }, '\'a\' must be a text or a number'],
    [{}, { overview_method: 'lanczos' }, 'one of "near", "average"'],
    [{}, { overviews: 'SOME' }, 'one of true, false, "AUTO"'],
  ] as const)('%j with %j', async (facts, options, message) => {
    await expect(write(testCube(facts as Parameters<typeof testCube>[0]), options)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining(message) as string });
    expect(await context.names()).toEqual([]);
  });
});
