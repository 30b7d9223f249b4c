import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BlockCatalogStore, type CacheEntry } from '../../src/catalog/block-catalog.ts';
import { cacheFigures } from '../../src/catalog/cache-report.ts';
import { alone, evict, forgetIdle, storedBytes } from '../../src/catalog/evictable.ts';
import { evictOnce } from '../../src/layers/eviction.ts';
import { blockObjectKey } from '../../src/layers/embed-block.ts';
import type { CachePolicy } from '../../src/layers/layer.ts';
import { silentLog } from '../../src/log.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';

let server: FreshDatabase;
let cache: BlockCatalogStore;
let directory: string;
let objects: ObjectStore;

beforeAll(async () => {
  server = await startFreshDatabase();
  cache = new BlockCatalogStore(server.database, { flushMs: 3_600_000 });
  directory = await mkdtemp(join(tmpdir(), 'lamina-block-catalog-'));
  objects = createLocalStore(directory);
});
afterAll(async () => {
  await cache.close();
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => server.database.query('truncate cache_objects'));

const block = (key: string, more: Partial<CacheEntry> = {}): CacheEntry => ({ objectKey: blockObjectKey(key.padEnd(64, '_')), kind: 'block', state: 'stored', blockKey: key, bytes: 10, layer: 'A', ...more });
const ageDays = (entry: CacheEntry, days: number) => server.database.query('update cache_objects set used = now() - make_interval(days => $2) where object_key = $1', [entry.objectKey, days]);
const left = async () => (await server.database.query<{ block_key: string }>('select block_key from cache_objects order by block_key')).map((row) => row.block_key);

/** On the list and in the store; the first was not used for longest. */
async function fill(...entries: CacheEntry[]): Promise<void> {
  await cache.record(entries);
  for (const [i, entry] of entries.entries()) {
    await objects.put(entry.objectKey, new Uint8Array(entry.bytes!));
    await ageDays(entry, entries.length - i);
  }
}

describe('BlockCatalogStore', () => {
  it('writes what was noted with the next flush, the later note of two', async () => {
    const entry = block('a', { footprint: [4, 50, 5, 51], label: '2021-05-01', operator: 'toy@sha256:00' });
    cache.note(block('a', { state: 'empty', bytes: 0 }));
    cache.note(entry);
    expect((await cache.find([entry.objectKey])).size).toBe(0);
    await cache.flush();
    expect((await cache.find([entry.objectKey, 'blocks/unknown'])).get(entry.objectKey)).toMatchObject({ ...entry, pointer: null, reason: null, attempts: 0 });
  });

  it('moves the time of use on, in batches, whatever else happens to the rows', async () => {
    const entries = Array.from({ length: 2500 }, (_, i) => block(`b${i}`));
    await cache.record(entries);
    await server.database.query(`update cache_objects set used = now() - interval '9 days'`);
    for (const { objectKey } of entries) cache.touch(objectKey);
    cache.touch('blocks/gone');
    await cache.flush();
    expect(await server.database.query(`select 1 from cache_objects where used < now() - interval '1 day'`)).toEqual([]);
  });

  it('two processes that note the same rows in opposite order do not wait for each other for ever', async () => {
    const entries = Array.from({ length: 300 }, (_, i) => block(`c${i}`));
    const other = new BlockCatalogStore(server.database, { flushMs: 3_600_000 });
    for (let round = 0; round < 5; round++) {
      for (const entry of entries) cache.note(entry);
      for (const entry of entries.toReversed()) other.note(entry);
      for (const entry of entries) other.touch(entry.objectKey);
      await Promise.all([cache.flush(), other.flush()]);
    }
    await other.close();
    expect(await storedBytes(server.database)).toBe(3000);
  });

  it('lets the back-off of a failed block grow, up to a day, and forgets it with success', async () => {
    const { state: _, ...entry } = block('p', { footprint: [4, 50, 5, 51] });
    const failure = { reason: 'the model gave NaN.', tries: 3 };
    const backOff = async () => {
      const row = (await cache.find([entry.objectKey])).get(entry.objectKey)!;
      return [row.state, row.attempts, Math.round((row.retry!.getTime() - row.failed!.getTime()) / 1000)];
    };
    await cache.fail(entry, failure);
    expect(await backOff()).toEqual(['failed', 3, 60]);
    await cache.fail(entry, { ...failure, unlessWithinSeconds: 60 });
    expect(await backOff()).toEqual(['failed', 3, 60]);
    await cache.fail(entry, failure);
    expect(await backOff()).toEqual(['failed', 6, 240]);
    for (let i = 0; i < 8; i++) await cache.fail(entry, failure);
    expect(await backOff()).toEqual(['failed', 30, 86_400]);
    await cache.record([{ ...entry, state: 'stored' }]);
    expect((await cache.find([entry.objectKey])).get(entry.objectKey)).toMatchObject({ state: 'stored', attempts: 0, reason: null, retry: null });
  });

  it('a database that is away costs notes and nothing else', async () => {
    const broken = new BlockCatalogStore({ ...server.database, query: async () => { throw new Error('away'); } }, { flushMs: 3_600_000 });
    broken.note(block('x'));
    broken.touch('blocks/x');
    await expect(broken.close()).resolves.toBeUndefined();
  });
});

describe('eviction', () => {
  const settings = (maxBytes: number, policies: Record<string, CachePolicy> = {}) => ({ database: server.database, objects, maxBytes, log: silentLog, policies: async () => new Map(Object.entries(policies)) });

  it('deletes the least recently used until the store is within its limit', async () => {
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((key) => block(key)) as [CacheEntry, CacheEntry, CacheEntry, CacheEntry];
    await fill(a, b, c, d);
    cache.touch(a.objectKey);
    await cache.flush();
    expect(await evictOnce(settings(25))).toEqual({ objects: 2, bytes: 20 });
    expect(await left()).toEqual(['a', 'd']);
    expect([await objects.head(b.objectKey), await objects.head(c.objectKey)]).toEqual([null, null]);
    expect(await objects.head(a.objectKey)).not.toBeNull();
    expect(await evictOnce(settings(25))).toEqual({ objects: 0, bytes: 0 });
    expect(await evictOnce(settings(0))).toEqual({ objects: 0, bytes: 0 });
  });

  it('keeps layers within limits of their own, and pinned areas whatever happens', async () => {
    await fill(
      block('a', { footprint: [4, 50, 5, 51] }), block('b', { footprint: [6, 50, 7, 51] }), block('c', { footprint: [6, 50, 7, 51] }),
      block('d', { layer: 'B', footprint: [4, 50, 5, 51] }), block('e', { layer: 'B' }),
    );
    const policies: Record<string, CachePolicy> = { A: { max_bytes: 20, pinned: [[4.5, 50.5, 4.6, 50.6]] }, B: { max_age_days: 1.5 } };
    await evictOnce(settings(0, policies));
    // b was the least recently used that is not pinned, and one object is not enough for the slack; d is too old.
    expect(await left()).toEqual(['a', 'e']);
    await evictOnce(settings(1, policies));
    expect(await left()).toEqual(['a']);
  });

  it('chooses by layer, area and age', async () => {
    await fill(block('a', { footprint: [4, 50, 5, 51] }), block('b', { footprint: [6, 50, 7, 51] }), block('c', { layer: null }), block('d', { kind: 'tile', layer: 'B' }));
    expect(await evict(server.database, objects, { area: [4.2, 50.2, 4.3, 50.3] }, [])).toEqual({ objects: 1, bytes: 10 });
    expect(await evict(server.database, objects, { layer: 'B' }, [])).toEqual({ objects: 1, bytes: 10 });
    expect(await evict(server.database, objects, { unusedDays: 2.5 }, [])).toEqual({ objects: 1, bytes: 10 });
    expect(await left()).toEqual(['c']);
    expect(await cacheFigures(server.database)).toMatchObject([{ layer: null, kind: 'block', state: 'stored', objects: 1, bytes: 10 }]);
  });

  it('keeps the row of an object that was stored anew while the old one was deleted', async () => {
    const entry = block('a');
    await fill(entry);
    const racing: ObjectStore = { ...objects, delete: async (key) => {
      await objects.delete(key);
      await objects.put(key, new Uint8Array(10));
      await cache.record([entry]);
    } };
    await evict(server.database, racing, { bytes: 10 }, []);
    expect(await left()).toEqual(['a']);
  });

  it('forgets empty and failed blocks that nobody asks for, and nothing that is filed', async () => {
    const { state: _, ...failed } = block('f');
    const entries = [block('e', { state: 'empty' }), block('g', { state: 'filed', pointer: { href: 'x.tif', band: 0, window: { x: 0, y: 0, width: 32, height: 32 } } })];
    await cache.record(entries);
    await cache.fail(failed, { reason: 'no.', tries: 1 });
    expect(await forgetIdle(server.database, 30)).toBe(0);
    await server.database.query(`update cache_objects set used = now() - interval '31 days', failed = failed - interval '31 days'`);
    expect(await forgetIdle(server.database, 30)).toBe(2);
    expect(await left()).toEqual(['g']);
  });

  it('runs in one process at a time', async () => {
    const [gate, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = alone(server.database, 99, () => {
      begun.resolve();
      return gate.promise;
    });
    await begun.promise;
    expect(await alone(server.database, 99, async () => {})).toBe(false);
    gate.resolve();
    expect(await first).toBe(true);
    expect(await alone(server.database, 99, async () => {})).toBe(true);
  });
});
