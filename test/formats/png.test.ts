import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { png } from '../../src/formats/picture/png.ts';
import { encodePng } from '../../src/formats/tile-png.ts';
import { bands, dates, testContext, testCube, type TestContext } from './cubes.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

async function pixels(path: string | Uint8Array): Promise<{ width: number; height: number; rgba: number[][] }> {
  const { data, info } = await sharp(path).ensureAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgba: Array.from({ length: info.width * info.height }, (_, i) => [...data.subarray(i * 4, i * 4 + 4)]) };
}

const pictureOf = async (cube: Parameters<typeof png.write>[0], options = {}) => pixels((await png.write(cube, options, context))[0]!.path);

describe('pictures', () => {
  it('scale between min and max, with no-data and NaN transparent', async () => {
    const cube = testCube({ dimensions: [], width: 5, height: 1, value: (i) => (i === 1 ? null : i === 2 ? Number.NaN : i * 10) });
    const { width, height, rgba } = await pictureOf(cube, { min: 0, max: 40 });
    expect([width, height]).toEqual([5, 1]);
    expect(rgba.map((p) => p[3])).toEqual([255, 0, 0, 255, 255]);
    expect([rgba[0], rgba[3], rgba[4]]).toEqual([[0, 0, 0, 255], [191, 191, 191, 255], [255, 255, 255, 255]]);
  });

  it('take bands by name and limits per band', async () => {
    const cube = testCube({ dimensions: [bands('b', 'g', 'r', 'nir')], width: 1, height: 1, value: (i) => i + 1 });
    const { rgba } = await pictureOf(cube, { bands: ['r', 'g', 'b'], min: [0, 0, 0], max: [3, 4, 255] });
    expect(rgba).toEqual([[255, 128, 1, 255]]);
  });

  it('show bytes as they are and booleans as black and white', async () => {
    expect((await pictureOf(testCube({ dtype: 'uint8', dimensions: [], width: 3, height: 1, value: (i) => i * 50 }))).rgba.map((p) => p[0])).toEqual([0, 50, 100]);
    expect((await pictureOf(testCube({ dtype: 'bool', dimensions: [], width: 2, height: 1 }))).rgba.map((p) => p[0])).toEqual([0, 255]);
  });

  it('stretch by the spread of values, so that an outlier leaves the rest visible', async () => {
    const cube = testCube({ dimensions: [], width: 100, height: 100, value: (i) => (i === 0 ? 1e6 : i % 100) });
    const { rgba } = await pictureOf(cube);
    expect(rgba[0]![0]).toBe(255);
    const plain = await pictureOf(testCube({ dimensions: [], width: 100, height: 100, value: (i) => i % 100 }));
    expect([plain.rgba[0]![0], plain.rgba[99]![0]]).toEqual([0, 255]);
  });

  it('are one per date', async () => {
    const files = await png.write(testCube({ dimensions: [dates('2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z')] }), { filename_prefix: 'p' }, context);
    expect(files.map((f) => [f.name, f.datetime, f.mediaType])).toEqual([['p_2021-01-01.png', '2021-01-01T00:00:00Z', 'image/png'], ['p_2021-01-02.png', '2021-01-02T00:00:00Z', 'image/png']]);
  });
});

describe('refusals', () => {
  it.each([
    [testCube({ dimensions: [bands('a', 'b', 'c', 'd')] }), {}, 'ProcessParameterInvalid', 'one to three bands and the data has 4'],
    [testCube(), { bands: ['q'] }, 'ProcessParameterInvalid', 'no band \'q\'; there are a, b'],
    [testCube(), { min: [1, 2, 3] }, 'ProcessParameterInvalid', '\'min\''],
    [testCube({ dimensions: [] }), { bands: ['a'] }, 'ProcessParameterInvalid', 'no bands dimension'],
    [testCube().with({ grid: null }), {}, 'FormatUnsuitable', 'PNG needs'],
    [testCube({ dimensions: [bands()] }), {}, 'DataCubeEmpty', '\'bands\''],
  ])('%#', async (cube, options, code, text) => {
    await expect(png.write(cube, options, context)).rejects.toMatchObject({ code, message: expect.stringContaining(text) as string });
  });

  it('of pictures that are too large, without reading them', async () => {
    const small = testCube({ dimensions: [] });
    const large = small.with({ grid: { ...small.grid!, width: 5000, height: 5000 }, read: async () => { throw new Error('read'); } });
    await expect(png.write(large, {}, context)).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringContaining('resample_spatial') as string });
  });
});

it('encodes map tiles', async () => {
  const tile = Uint8Array.from({ length: 256 * 256 * 4 }, (_, i) => (i * 31) % 256);
  const { width, rgba } = await pixels(await encodePng(tile, 256));
  expect(width).toBe(256);
  expect(rgba.flat()).toEqual([...tile]);
  await expect(encodePng(tile, 255)).rejects.toThrow(RangeError);
});
