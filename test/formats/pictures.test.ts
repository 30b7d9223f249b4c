/** What PNG and JPEG have in common, and JPEG's own options. */
import { stat } from 'node:fs/promises';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cube } from '../../src/cube/cube.ts';
import { jpeg } from '../../src/formats/picture/jpeg.ts';
import { png } from '../../src/formats/picture/png.ts';
import { bands, dates, testContext, testCube, type TestContext } from './cubes.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

async function rgba(path: string): Promise<number[][]> {
  const { data, info } = await sharp(path).ensureAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return Array.from({ length: info.width * info.height }, (_, i) => [...data.subarray(i * 4, i * 4 + 4)]);
}

const pngOf = async (cube: Cube, options = {}) => rgba((await png.write(cube, options, context))[0]!.path);
const row = (values: readonly (number | null)[], dtype: 'float32' | 'uint8' | 'int32' | 'float64' = 'float32') => testCube({ dtype, dimensions: [], width: values.length, height: 1, value: (i) => values[i]! });

describe('colormaps', () => {
  it('by name', async () => {
    expect(await pngOf(row([0, 10, null]), { min: 0, max: 10, colormap: 'viridis' })).toEqual([[0x44, 0x01, 0x54, 255], [0xfd, 0xe7, 0x25, 255], [0, 0, 0, 0]]);
  });

  it('as colours from min to max, opacity included', async () => {
    expect(await pngOf(row([-1, 0, 5, 10, 99]), { min: 0, max: 10, colormap: [[1, 0, 0, 0], [0, 0, 1, 1]] })).toEqual([[0, 0, 0, 0], [0, 0, 0, 0], [127, 0, 128, 128], [0, 0, 255, 255], [0, 0, 255, 255]].map((colour, i) => (i < 2 ? [255, 0, 0, 0] : colour)));
  });

  it('as classes, in whole numbers of any size', async () => {
    expect(await pngOf(row([1, 16_777_217, 16_777_216, 2, null], 'int32'), { colormap: { 1: '#010203', 16777217: '#fff', 2: [255, 0, 0, 51] } }))
      .toEqual([[1, 2, 3, 255], [255, 255, 255, 255], [0, 0, 0, 0], [255, 0, 0, 51], [0, 0, 0, 0]]);
  });
});

describe('stretch', () => {
  const ramp = testCube({ dtype: 'float64', dimensions: [], width: 101, height: 1, value: (i) => (i === 100 ? 10_000 : i) });
  const levels = async (options: object) => (await pngOf(ramp, options)).map(([level]) => level!);

  it('minmax shows everything', async () => {
    const shown = await levels({ stretch: 'minmax' });
    expect([shown[0], shown[99], shown[100]]).toEqual([0, 3, 255]);
  });

  it('percentile leaves the ends out', async () => {
    const shown = await pngOf(testCube({ dimensions: [], width: 100, height: 10, value: (i) => i % 100 }), { stretch: 'percentile' });
    expect([shown[0]![0], shown[1]![0], shown[99]![0], shown[98]![0]]).toEqual([0, 0, 255, 255]);
    expect(shown[50]![0]).toBeCloseTo(128, -1);
  });

  it('deviation is what happens without', async () => {
    expect(await levels({ stretch: 'deviation' })).toEqual(await levels({}));
  });

  it('that is asked for holds for bytes too, which else are shown as they are', async () => {
    expect((await pngOf(row([10, 20], 'uint8'))).map(([level]) => level)).toEqual([10, 20]);
    expect((await pngOf(row([10, 20], 'uint8'), { stretch: 'minmax' })).map(([level]) => level)).toEqual([0, 255]);
  });

  it('with one limit beyond the data stays the right way round', async () => {
    expect((await pngOf(row([1, 2, 3]), { min: 50 })).map(([level]) => level)).toEqual([0, 0, 0]);
    expect((await pngOf(row([1, 2, 3]), { max: 0 })).map(([level]) => level)).toEqual([255, 255, 255]);
  });
});

it('a fourth band is opacity in PNG', async () => {
  const cube = testCube({ dimensions: [bands('r', 'g', 'b', 'a')], width: 2, height: 1, value: (i) => [1, 2, 3, 4, 5, 6, 0.5, 1][i]! });
  expect(await pngOf(cube, { bands: ['r', 'g', 'b', 'a'], min: [0, 0, 0, 0], max: [255, 255, 255, 1] })).toEqual([[1, 3, 5, 128], [2, 4, 6, 255]]);
});

describe('JPEG', () => {
  const flat = (value: number | null) => testCube({ dimensions: [], width: 16, height: 16, value: () => value });

  it('is a JPEG of the values, one per date', async () => {
    const cube = testCube({ dimensions: [dates('2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z'), bands('r', 'g', 'b')], width: 16, height: 16, value: (i) => 40 * (1 + (Math.floor(i / 256) % 3)) });
    const files = await jpeg.write(cube, { min: 0, max: 255 }, context);
    expect(files.map((f) => [f.name, f.mediaType, f.roles, f.datetime])).toEqual([['result_2021-01-01.jpg', 'image/jpeg', ['visual'], '2021-01-01T00:00:00Z'], ['result_2021-01-02.jpg', 'image/jpeg', ['visual'], '2021-01-02T00:00:00Z']]);
    expect(files[0]!.metadata).toMatchObject({ 'proj:code': 'EPSG:32631', 'proj:shape': [16, 16] });
    expect((await sharp(files[0]!.path).metadata()).format).toBe('jpeg');
    const [pixel] = await rgba(files[0]!.path);
    for (const [channel, value] of [40, 80, 120].entries()) expect(Math.abs(pixel![channel]! - value)).toBeLessThanOrEqual(2);
  });

  it.each([[{}, 255, 255, 255], [{ background: '#004080' }, 0, 64, 128], [{ background: [10, 200, 30] }, 10, 200, 30]])('no-data is background: %j', async (options, ...colour) => {
    const [file] = await jpeg.write(flat(null), { ...options, min: 0, max: 1 }, context);
    const [pixel] = await rgba(file!.path);
    for (const [channel, value] of (colour as number[]).entries()) expect(Math.abs(pixel![channel]! - value)).toBeLessThanOrEqual(2);
  });

  it('keeps more with more quality', async () => {
    const cube = testCube({ dimensions: [], width: 64, height: 64, value: (i) => (i * 7919) % 256 });
    const written = async (quality: number) => {
      const { path } = (await jpeg.write(cube, { quality, filename_prefix: `q${quality}`, min: 0, max: 255 }, context))[0]!;
      return { bytes: (await stat(path)).size, chroma: (await sharp(path).metadata()).chromaSubsampling };
    };
    const [fine, coarse] = [await written(95), await written(30)];
    expect([fine.chroma, coarse.chroma]).toEqual(['4:4:4', '4:2:0']);
    expect(fine.bytes).toBeGreaterThan(2 * coarse.bytes);
  });
});

describe('refusals', () => {
  it.each([
    [png, {}, { colormap: 'jet' }, 'no colormap \'jet\'; there are gray, viridis'],
    [png, { dimensions: [] }, { colormap: ['#fff'] }, 'at least two colours'],
    [png, { dimensions: [] }, { colormap: ['#fff', 'blue'] }, 'colour 2 must be'],
    [png, {}, { colormap: 'viridis' }, 'for a single band and the picture shows 2'],
    [png, { dimensions: [] }, { colormap: { 1: '#fff' }, min: 3 }, '\'min\' has no meaning beside a colormap of classes'],
    [png, { dimensions: [] }, { min: 3, max: 3 }, '\'max\' (3) must be greater than \'min\' (3)'],
    [jpeg, { dimensions: [bands('a', 'b', 'c', 'd')] }, { bands: ['a', 'b', 'c', 'd'] }, 'one to three bands'],
    [jpeg, {}, { background: 'white' }, '\'background\' must be'],
    [jpeg, {}, { quality: 101 }, '\'quality\' must be at most 100'],
    [jpeg, {}, { colour: 1 }, '\'colour\' is not an option of JPEG; there are bands, min, max, stretch, colormap, filename_prefix, background, quality'],
  ] as const)('%# %j %j', async (format, facts, options, message) => {
    await expect(format.write(testCube(facts as Parameters<typeof testCube>[0]), options, context)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining(message) as string });
  });
});
