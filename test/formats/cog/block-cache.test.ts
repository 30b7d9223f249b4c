import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockCache } from '../../../src/formats/cog/block-cache.ts';

const BLOCK = 1024;
const decoded = (cache: BlockCache, key: string) => cache.get(key) ?? decode(cache, key);
function decode(cache: BlockCache, key: string): Promise<Uint8Array<ArrayBuffer>> {
  const block = Promise.resolve(new Uint8Array(BLOCK));
  cache.set(key, block);
  return block;
}
const ask = async (cache: BlockCache, ...keys: string[]) => {
  for (const key of keys) await decoded(cache, key);
};
const keysTo = (n: number, name = 'scan') => Array.from({ length: n }, (_, i) => `${name}${i}`);

describe('BlockCache', () => {
  it('takes a sixteenth of its memory for blocks that are asked for once', async () => {
    const cache = new BlockCache(64 * BLOCK);
    await ask(cache, ...keysTo(200));
    expect(cache).toMatchObject({ sizeBytes: 4 * BLOCK, hits: 0, misses: 200 });
  });

  it('keeps what is asked for again, also while somebody reads through everything', async () => {
    const cache = new BlockCache(64 * BLOCK);
    const favourites = keysTo(20, 'favourite');
    // The first round comes through the share of the new ones; of what it was too small for, the keys are remembered.
    for (let round = 0; round < 3; round++) await ask(cache, ...favourites);
    const before = cache.misses;
    await ask(cache, ...keysTo(500));
    await ask(cache, ...favourites);
    expect(cache.misses - before).toBe(500);
  });

  it('drops what was used longest ago', async () => {
    const cache = new BlockCache(8 * BLOCK);
    for (const key of keysTo(10)) await ask(cache, key, key);
    const before = cache.misses;
    await ask(cache, 'scan9', 'scan8');
    expect(cache.misses).toBe(before);
    await ask(cache, 'scan0');
    expect(cache.misses).toBe(before + 1);
  });

  it('shares a block that is being decoded, and forgets one that failed', async () => {
    const cache = new BlockCache(0);
    const { promise, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>();
    cache.set('a', promise);
    expect(cache.get('a')).toBe(promise);
    reject(new Error('broken'));
    await expect(promise).rejects.toThrow('broken');
    expect(cache.get('a')).toBeUndefined();
    expect(cache.sizeBytes).toBe(0);
  });

  it('counts its bytes and stays within its limit, whatever is asked for', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 200 }), fc.integer({ min: 0, max: 20 }), async (keys, limit) => {
      const cache = new BlockCache(limit * BLOCK);
      for (const key of keys) await ask(cache, `${key}`);
      expect(cache.sizeBytes).toBeLessThanOrEqual(limit * BLOCK);
      expect(cache.hits + cache.misses).toBe(keys.length);
      const there = keysTo(31, '').filter((key) => cache.get(key) !== undefined);
      expect(cache.sizeBytes).toBe(there.length * BLOCK);
    }));
  });
});
