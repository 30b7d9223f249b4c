import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { BlockCatalogStore, type CacheEntry } from '../../src/catalog/block-catalog.ts';
import { cacheFigures } from '../../src/catalog/cache-report.ts';
import { blockObjectKey, encodeBlock } from '../../src/layers/embed-block.ts';
import { verifyCache } from '../../src/layers/verify-cache.ts';
import { layerEvict, layerStats, layerVerify } from '../../src/commands/layer-cache.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

let server: FreshDatabase;
let cache: BlockCatalogStore;
let data: string;
let objects: ObjectStore;
let file: Uint8Array;
beforeAll(async () => {
  server = await startFreshDatabase();
  cache = new BlockCatalogStore(server.database, { flushMs: 3_600_000 });
  file = await encodeBlock({ dimensions: 2, edge: 4, vectors: Float32Array.from({ length: 32 }, (_, i) => Math.sqrt(i)), nulls: new Uint8Array(16) });
});
afterAll(async () => {
  await cache.close();
  await server.stop();
});
beforeEach(async () => {
  await server.database.query('truncate cache_objects');
  data = await mkdtemp(join(tmpdir(), 'lamina-verify-'));
  objects = createLocalStore(join(data, 'objects'));
  return () => rm(data, { recursive: true, force: true });
});

const keyOf = (name: string) => blockObjectKey(name.repeat(64));
const entry = (name: string, layer = 'A'): CacheEntry => ({ objectKey: keyOf(name), kind: 'block', state: 'stored', blockKey: name.repeat(64), bytes: file.length, layer });

/** An object that was written an hour ago. */
async function put(key: string, bytes: Uint8Array): Promise<void> {
  await objects.put(key, bytes);
  const then = new Date(Date.now() - 3_600_000);
  await utimes(join(data, 'objects', key), then, then);
}

/** One whole block, one damaged, one that is gone, one that nobody knows of, one damaged that nobody knows of. */
async function fill(): Promise<void> {
  const damaged = file.slice();
  damaged[70]! ^= 1;
  await put(keyOf('a'), file);
  await put(keyOf('b'), damaged);
  await cache.record([entry('a'), entry('b'), entry('c', 'B'), { objectKey: 'tiles/x.png', kind: 'tile', state: 'stored', layer: 'A', bytes: 3 }]);
  await put('tiles/x.png', new Uint8Array(3));
  await put(keyOf('d'), file);
  await put(keyOf('e'), damaged);
}

describe('verifyCache', () => {
  it('reads everything, deletes what is damaged and makes the list right', async () => {
    await fill();
    const report = await verifyCache({ database: server.database, objects, cache });
    expect(report).toEqual({ checked: 6, bytes: file.length * 2 + 3, corrupt: [keyOf('b'), keyOf('e')], missing: [keyOf('c')], adopted: [keyOf('d')], retried: 0 });
    expect(await cacheFigures(server.database)).toMatchObject([{ layer: 'A', kind: 'block', objects: 1 }, { layer: 'A', kind: 'tile', objects: 1 }, { layer: null, kind: 'block', objects: 1 }]);
    expect([await objects.head(keyOf('b')), await objects.head(keyOf('e'))]).toEqual([null, null]);
    expect(await verifyCache({ database: server.database, objects, cache })).toMatchObject({ checked: 3, corrupt: [], missing: [], adopted: [] });
  });

  it('looks at one layer only, and lets its failed blocks be tried again', async () => {
    await fill();
    const { state: _, ...failed } = entry('f', 'B');
    await cache.fail(failed, { reason: 'no.', tries: 3 });
    const report = await verifyCache({ database: server.database, objects, cache, layer: 'B', retry: true });
    expect(report).toMatchObject({ checked: 1, corrupt: [], missing: [keyOf('c')], adopted: [], retried: 1 });
    expect(await objects.head(keyOf('b'))).not.toBeNull();
  });
});

describe('lamina layer stats, verify, evict', () => {
  const environment = () => ({ LAMINA_DATABASE_URL: server.url, LAMINA_DATA: data });
  /** What a command prints, and its exit code. */
  async function run(command: typeof layerStats, ...args: string[]): Promise<{ text: string; code: unknown }> {
    const written: string[] = [];
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
    process.exitCode = 0;
    try {
      await command(args, environment());
      return { text: written.join(''), code: process.exitCode };
    } finally {
      spy.mockRestore();
      process.exitCode = 0;
    }
  }

  it('tell figures, mend the cache and empty it', async () => {
    await fill();
    const { text } = await run(layerStats);
    expect(text).toMatch(/layer +kind +state +objects +size +last used\nA +block +stored +2 /);
    expect(JSON.parse((await run(layerStats, 'B', '--json')).text)).toMatchObject([{ layer: 'B', kind: 'block', state: 'stored', objects: 1, bytes: file.length }]);
    const verified = await run(layerVerify);
    expect(verified).toMatchObject({ code: 1, text: expect.stringContaining('2 damaged and deleted') as unknown });
    expect((await run(layerVerify)).code).toBe(0);
    expect((await run(layerEvict, 'A', '--all')).text).toContain('2 objects deleted');
    expect((await run(layerEvict, '--bytes', '1')).text).toContain('1 objects deleted');
    expect((await run(layerStats)).text).toBe('Nothing is cached.\n');
    expect(await objects.head(keyOf('a'))).toBeNull();
  });

  it.each([
    [layerEvict, [], /needs to know what/],
    [layerEvict, ['--older-than', '3w'], /--older-than must be a number of days or hours/],
    [layerEvict, ['--bbox', '5,50,4,51'], /--bbox must be west,south,east,north/],
    [layerEvict, ['--bytes', '-1'], /--bytes/],
    [layerStats, ['A', 'B'], /takes one layer or none, not 2/],
  ] as const)('refuse arguments that make no sense', async (command, args, message) => {
    await expect(command([...args], environment())).rejects.toThrow(message);
  });
});
