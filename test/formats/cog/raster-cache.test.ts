import { copyFile, mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlockCache } from '../../../src/formats/cog/block-cache.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import type { ByteSource } from '../../../src/formats/raster-file.ts';

const fixture = (name: string) => join(import.meta.dirname, '../fixtures', `${name}.tif`);
const window = { x: 0, y: 0, width: 45, height: 53 };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-cache-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file in memory that notes every read. */
async function countedSource(name: string): Promise<ByteSource & { readonly reads: [number, number][] }> {
  const bytes = await readFile(fixture(name));
  const reads: [number, number][] = [];
  return {
    id: `memory/${name}`, version: '1', sizeBytes: bytes.length, reads,
    read: async (offset, length) => {
      reads.push([offset, length]);
      return bytes.subarray(offset, offset + length);
    },
  };
}

describe('RasterCache', () => {
  it('reads the header once and joined blocks with one request', async () => {
    const source = await countedSource('deflate_pixel');
    const cache = new RasterCache();
    const file = await cache.openSource(source);
    expect(source.reads).toHaveLength(1);
    await file.read({ level: 0, window, bands: [0, 1] });
    expect(source.reads).toHaveLength(2);
    await (await cache.openSource(source)).read({ level: 0, window, bands: [1] });
    expect(source.reads).toHaveLength(2);
    expect(cache.blocks).toMatchObject({ hits: 4, misses: 4 });
  });

  it('decodes a block once for requests at the same time', async () => {
    const source = await countedSource('deflate_pixel');
    const file = await new RasterCache({ blockBytes: 0 }).openSource(source);
    const both = await Promise.all([0, 1].map(() => file.read({ level: 0, window, bands: [0] })));
    expect(both[0]!.data).toEqual(both[1]!.data);
    expect(source.reads).toHaveLength(2);
  });

  it('serves a replaced file, not what it remembers', async () => {
    const cache = new RasterCache();
    const path = join(folder, 'changing.tif');
    await copyFile(fixture('nodata_nan'), path);
    expect((await cache.open(path)).bands).toHaveLength(1);
    await copyFile(fixture('described'), path);
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    expect((await cache.open(pathToFileURL(path).href)).bands).toHaveLength(2);
    await cache.close();
  });

  it('keeps only so many headers, and forgets failures', async () => {
    const cache = new RasterCache({ headers: 2 });
    for (const name of ['described', 'bits1', 'bits4', 'bits12']) await cache.open(fixture(name));
    expect(cache.headerCount).toBe(2);
    await expect(cache.open(join(import.meta.dirname, 'raster-cache.test.ts'))).rejects.toMatchObject({ code: 'FileContentInvalid' });
    await cache.close();
    expect(cache.headerCount).toBe(0);
  });
});

describe('BlockCache', () => {
  it('stays within its limit and drops what was used longest ago', async () => {
    const cache = new BlockCache(250);
    for (const key of ['a', 'b']) {
      cache.set(key, Promise.resolve(new Uint8Array(100)));
      await cache.get(key);
    }
    await cache.get('a');
    cache.set('c', Promise.resolve(new Uint8Array(100)));
    await cache.get('c');
    await Promise.resolve();
    expect(cache.sizeBytes).toBe(200);
    expect([cache.get('a') !== undefined, cache.get('b') !== undefined, cache.get('c') !== undefined]).toEqual([true, false, true]);
  });

  it('does not keep a failed block', async () => {
    const cache = new BlockCache(1000);
    cache.set('a', Promise.reject(new Error('no')));
    await expect(cache.get('a')).rejects.toThrow('no');
    expect(cache.get('a')).toBeUndefined();
  });
});
