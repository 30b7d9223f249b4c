import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isOpenEOError } from '../../../src/errors.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import type { Block } from '../../../src/cube/block.ts';

const fixtures = join(import.meta.dirname, '../fixtures');
let folder: string;
const cache = new RasterCache({ blockBytes: 0 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-damaged-'));
});
afterAll(async () => {
  await cache.close();
  await rm(folder, { recursive: true, force: true });
});

async function readBytes(name: string, bytes: Uint8Array): Promise<Block> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const file = await cache.open(path);
  const { width, height } = file.levels[0]!;
  return file.read({ level: 0, window: { x: 0, y: 0, width: Math.min(width, 300), height: Math.min(height, 300) }, bands: [0] });
}

describe('a file that can\'t be read', () => {
  it.each([
    ['empty.tif', new Uint8Array(0)],
    ['text.tif', Buffer.from('This is not a picture.')],
    ['header-only.tif', Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0])],
    ['directory-beyond-end.tif', Buffer.from([0x49, 0x49, 42, 0, 0xff, 0xff, 0xff, 0x7f])],
  ])('%s is refused by its name', async (name, bytes) => {
    const error: unknown = await readBytes(name, bytes).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining(`'${name}'`) as string });
    expect((error as Error).message).not.toContain(folder);
  });

  it('is refused when its pixels are cut off', async () => {
    const whole = await readFile(join(fixtures, 'deflate_pixel.tif'));
    await expect(readBytes('cut.tif', whole.subarray(0, whole.length - 900))).rejects.toMatchObject({
      code: 'FileContentInvalid', message: expect.stringMatching(/'cut\.tif' can't be read: it ends/) as string,
    });
  });

  it('is refused when a block is damaged', async () => {
    const bytes = await readFile(join(fixtures, 'deflate_pixel.tif'));
    bytes.fill(0x5a, bytes.length - 600, bytes.length - 300);
    await expect(readBytes('damaged.tif', bytes)).rejects.toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining('damaged') as string });
  });

  it('is refused when it is missing or a folder', async () => {
    await expect(cache.open(join(folder, 'nowhere.tif'))).rejects.toMatchObject({ code: 'FileNotFound', message: 'File \'nowhere.tif\' does not exist.' });
    await expect(cache.open(folder)).rejects.toMatchObject({ code: 'FileContentInvalid' });
  });

  it('is refused when a tile would unpack to gigabytes', async () => {
    const bytes = await readFile(join(fixtures, 'uint8_predictor2_little.tif'));
    const edge = Buffer.from([0x42, 1, 3, 0, 1, 0, 0, 0, 32, 0]);
    const at = bytes.indexOf(edge);
    expect(at).toBeGreaterThan(0);
    bytes.writeUInt16LE(65520, at + 8);
    bytes.writeUInt16LE(65520, at + 12 + 8);
    await expect(readBytes('bomb.tif', bytes)).rejects.toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining('too large') as string });
  });
});

describe('random damage', () => {
  it.each(['deflate_pixel', 'strips_big_endian', 'strips_planar_lzw', 'bigtiff', 'internal_mask', 'described'])('of %s is read or refused, never worse', async (name) => {
    const original = await readFile(join(fixtures, `${name}.tif`));
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(original);
      for (let i = 0; i < 1 + random(4); i++) bytes[random(random(2) === 0 ? Math.min(600, bytes.length) : bytes.length)] = random(256);
      const outcome: unknown = await readBytes(`${name}-${round}.tif`, bytes).catch((error: unknown) => error);
      if (outcome instanceof Error && !isOpenEOError(outcome, 'FileContentInvalid')) throw new Error(`round ${round}: ${outcome.stack}`, { cause: outcome });
    }
  });
});
