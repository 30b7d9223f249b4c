import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Block } from '../../../src/cube/block.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import type { RasterFile } from '../../../src/formats/raster-file.ts';

interface Expected {
  readonly dtype: string;
  readonly shape: readonly [number, number, number];
  readonly sha256: string;
  readonly nulls: number;
  readonly bounds: readonly number[];
  readonly epsg: number | null;
  readonly names: readonly (string | null)[];
  readonly nodata: string | null;
  readonly overviews: readonly number[];
  readonly overview_sha256?: string;
}

const folder = join(import.meta.dirname, '../fixtures');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, Expected>;
const cache = new RasterCache();
afterAll(() => cache.close());

const open = (name: string) => cache.open(join(folder, `${name}.tif`));
const countNulls = (block: Block) => block.nulls?.reduce((sum, flag) => sum + flag, 0) ?? 0;

function readLevel(file: RasterFile, level = 0): Promise<Block> {
  const { width, height } = file.levels[level]!;
  return file.read({ level, window: { x: 0, y: 0, width, height }, bands: file.bands.map((_, i) => i) });
}

/** GDAL gives float16 as float32. */
function sha256(block: Block): string {
  const data = block.dtype === 'float16' ? Float32Array.from(block.data) : block.data;
  return createHash('sha256').update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest('hex');
}

describe.each(Object.entries(expected))('%s, as GDAL reads it', (name, facts) => {
  it('has the same pixels and no-data', async () => {
    const block = await readLevel(await open(name));
    expect(block.shape).toEqual(facts.shape);
    expect(block.dtype).toBe(name.startsWith('float16') ? 'float16' : facts.dtype);
    expect(sha256(block)).toBe(facts.sha256);
    expect(countNulls(block)).toBe(facts.nulls);
  });

  it('has the same bands and place', async () => {
    const file = await open(name);
    expect(file.bands.map((b) => b.name)).toEqual(facts.names);
    expect(file.levels).toHaveLength(1 + facts.overviews.length);
    if (name === 'rotated') return expect(file).toMatchObject({ grid: null, gridProblem: expect.stringContaining('rotated') as string });
    const { originX, originY, stepX, stepY, width, height, crs } = file.grid!;
    [originX, originY - height * stepY, originX + width * stepX, originY].forEach((edge, i) => expect(edge).toBeCloseTo(facts.bounds[i]!, 6));
    if (facts.epsg === null) expect(crs).toMatch(/^\+proj=/);
    else expect(crs).toBe(`EPSG:${facts.epsg}`);
  });

  it('gives the same cells through a window that reaches beyond the edge', async () => {
    const file = await open(name);
    const whole = await readLevel(file);
    const [bands, height, width] = facts.shape;
    const window = { x: -3, y: Math.floor(height / 2), width: width, height: height };
    const part = await file.read({ level: 0, window, bands: [bands - 1] });
    for (let row = 0; row < window.height; row++) {
      for (let column = 0; column < window.width; column++) {
        const [x, y] = [window.x + column, window.y + row];
        const at = row * window.width + column;
        const isOutside = x < 0 || y >= height;
        const from = ((bands - 1) * height + y) * width + x;
        const isNull = isOutside || whole.nulls?.[from] === 1;
        if ((part.nulls?.[at] === 1) !== isNull || (!isOutside && !Object.is(part.data[at], whole.data[from]))) expect.fail(`cell ${x}, ${y}`);
      }
    }
  });
});

it('reads overviews', async () => {
  const file = await open('overviews');
  expect(file.levels.map((l) => [l.width, l.height])).toEqual([[140, 150], [70, 75], [35, 38]]);
  expect(sha256(await readLevel(file, 1))).toBe(expected.overviews!.overview_sha256);
});

it('reads names, scale, offset, no-data and text tags', async () => {
  const file = await open('described');
  expect(file.bands).toEqual([
    { name: 'B02 <blue>', nodata: 0, scale: 0.0001, offset: -0.1 },
    { name: 'B03 & more', nodata: 0, scale: 0.0001, offset: -0.1 },
  ]);
  expect(file.tags).toMatchObject({ datetime: '2021-06-01T10:20:30Z', note: 'quoted "text"' });
});

it('keeps NaN apart from no-data', async () => {
  const plain = await readLevel(await open('nodata_none_but_nan'));
  expect(plain.nulls).toBeNull();
  expect(plain.data.filter(Number.isNaN)).toHaveLength(96);
});

it('gives bands in the wanted order, also twice', async () => {
  const file = await open('bands137');
  const whole = await readLevel(file);
  const cells = 9 * 8;
  const picked = await file.read({ level: 0, window: { x: 0, y: 0, width: 8, height: 9 }, bands: [136, 0, 136] });
  expect([...picked.data]).toEqual([136, 0, 136].flatMap((band) => [...whole.data.subarray(band * cells, (band + 1) * cells)]));
});

it('refuses levels and bands that are not there', async () => {
  const file = await open('described');
  const window = { x: 0, y: 0, width: 1, height: 1 };
  await expect(file.read({ level: 1, window, bands: [0] })).rejects.toThrow(RangeError);
  await expect(file.read({ level: 0, window, bands: [2] })).rejects.toThrow(RangeError);
});

it('stops when the signal is aborted', async () => {
  const file = await new RasterCache({ blockBytes: 0 }).open(join(folder, 'overviews.tif'));
  await expect(file.read({ level: 0, window: { x: 0, y: 0, width: 140, height: 150 }, bands: [0] }, AbortSignal.abort())).rejects.toThrow('abort');
});
