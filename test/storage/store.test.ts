/** The contract of an object store, run against each implementation. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openObjectStore } from '../../src/storage/open.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import { storeBelow } from '../../src/storage/store-below.ts';
import { startS3, type S3Double } from './s3-double.ts';

let folder: string;
let server: S3Double;
const stores: Record<string, ObjectStore> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-storage-'));
  server = await startS3();
  stores.local = await openObjectStore({ directory: join(folder, 'objects'), s3: null });
  const s3 = { endpoint: `http://127.0.0.1:${server.port}`, bucket: 'lamina', region: 'us-east-1', accessKey: 'test', secretKey: 'test' };
  stores.s3 = await openObjectStore({ directory: folder, s3 });
  stores.below = storeBelow(createLocalStore(join(folder, 'shared')), 'some/prefix');
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe.each(['local', 's3', 'below'])('object store: %s', (kind) => {
  const store = () => stores[kind]!;

  it('gives back what was put, with size, time and ETag', async () => {
    const before = Date.now() - 2000;
    const info = (await store().put('a/b/hello.txt', Buffer.from('hello'), { contentType: 'text/plain' }))!;
    expect(info).toMatchObject({ key: 'a/b/hello.txt', sizeBytes: 5 });
    expect(info.etag).toMatch(/^[\w-]+$/);
    expect(Date.parse(info.modified)).toBeGreaterThan(before);
    expect(text(await store().get('a/b/hello.txt'))).toBe('hello');
    expect(await store().head('a/b/hello.txt')).toEqual(info);
  });

  it('changes the ETag with the content, also at the same size', async () => {
    const first = await store().put('etag', Buffer.from('one'));
    const second = await store().put('etag', Buffer.from('two'));
    expect(second!.etag).not.toBe(first!.etag);
    expect(text(await store().get('etag'))).toBe('two');
  });

  it('says null for what is not there', async () => {
    expect(await store().head('absent')).toBeNull();
    expect(await store().get('absent')).toBeNull();
    expect(await store().stream('absent')).toBeNull();
    await expect(store().delete('absent')).resolves.toBeUndefined();
    expect(await keysOf(store(), 'absent/')).toEqual([]);
  });

  it('reads ranges, both ends included, cut at the end of the object', async () => {
    await store().put('digits', Buffer.from('0123456789'));
    expect(text(await store().get('digits', { first: 2, last: 4 }))).toBe('234');
    expect(text(await store().get('digits', { first: 8, last: 99 }))).toBe('89');
    expect(text(await store().get('digits', { first: 10, last: 12 }))).toBe('');
    const stream = await store().stream('digits', { first: 3, last: 3 });
    expect(Buffer.concat(await stream!.toArray() as Uint8Array[]).toString()).toBe('3');
  });

  it('holds an empty object', async () => {
    expect(await store().put('empty', new Uint8Array())).toMatchObject({ sizeBytes: 0 });
    expect(await store().get('empty')).toHaveLength(0);
  });

  it('creates only once with ifAbsent, even at the same moment', async () => {
    expect(await store().put('once', Buffer.from('first'), { ifAbsent: true })).not.toBeNull();
    expect(await store().put('once', Buffer.from('second'), { ifAbsent: true })).toBeNull();
    expect(text(await store().get('once'))).toBe('first');
  });

  it('reads an object with its ETag, and no bytes when it is unchanged', async () => {
    const info = (await store().put('read/me', Buffer.from('one')))!;
    expect(await store().read('read/me')).toMatchObject({ info: { key: 'read/me', sizeBytes: 3, etag: info.etag } });
    expect(await store().read('read/me', info.etag)).toBe('unchanged');
    await store().put('read/me', Buffer.from('two'));
    const changed = await store().read('read/me', info.etag);
    expect(changed).not.toBe('unchanged');
    expect(text((changed as { bytes: Uint8Array }).bytes)).toBe('two');
    expect(await store().read('read/absent')).toBeNull();
    expect(await store().read('read/absent', info.etag)).toBeNull();
  });

  it('replaces with ifMatch only what is still as it was read', async () => {
    const first = (await store().put('swap', Buffer.from('1')))!;
    const second = (await store().put('swap', Buffer.from('2'), { ifMatch: first.etag }))!;
    expect(second.etag).not.toBe(first.etag);
    expect(await store().put('swap', Buffer.from('3'), { ifMatch: first.etag })).toBeNull();
    expect(text(await store().get('swap'))).toBe('2');
    expect(await store().put('swap-absent', Buffer.from('x'), { ifMatch: first.etag })).toBeNull();
    expect(await store().head('swap-absent')).toBeNull();
  });

  it('lets exactly one of many swaps of the same state win', async () => {
    const before = (await store().put('raced', Buffer.from('start')))!;
    const results = await Promise.all(Array.from({ length: 16 }, (_, i) => store().put('raced', Buffer.from(`writer ${i}`), { ifMatch: before.etag })));
    const winners = results.flatMap((result, i) => (result ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(text(await store().get('raced'))).toBe(`writer ${winners[0]}`);
  });

  it('takes streams and files, also larger than one S3 part', async () => {
    const bytes = randomBytes(17 * 1024 * 1024 + 11);
    const chunks = Array.from({ length: Math.ceil(bytes.length / 1e6) }, (_, i) => bytes.subarray(i * 1e6, (i + 1) * 1e6));
    expect(await store().put('large/stream', Readable.from(chunks))).toMatchObject({ sizeBytes: bytes.length });
    expect(Buffer.compare((await store().get('large/stream'))!, bytes)).toBe(0);

    const path = join(folder, `source-${randomUUID()}`);
    await writeFile(path, bytes);
    await store().put('large/file', { path });
    const stream = (await store().stream('large/file'))!;
    expect(Buffer.compare(Buffer.concat(await stream.toArray() as Uint8Array[]), bytes)).toBe(0);
  });

  it('stores nothing when the body breaks off, and keeps what was there', async () => {
    await store().put('kept', Buffer.from('old'));
    async function* broken() {
      yield Buffer.alloc(9 * 1024 * 1024);
      throw new Error('the sender went away');
    }
    await expect(store().put('kept', Readable.from(broken()))).rejects.toThrow('went away');
    await expect(store().put('never', Readable.from(broken()))).rejects.toThrow('went away');
    await expect(store().put('never', { path: join(folder, 'no-such-file') })).rejects.toThrow();
    expect(text(await store().get('kept'))).toBe('old');
    expect(await store().head('never')).toBeNull();
  });

  it('lists by prefix in the order of the keys and forgets what was deleted', async () => {
    for (const key of ['list/b', 'list/a/2', 'list/a/1', 'list/a-b', 'listing']) await store().put(key, Buffer.from(key));
    expect(await keysOf(store(), 'list/')).toEqual(['list/a-b', 'list/a/1', 'list/a/2', 'list/b']);
    expect(await keysOf(store(), 'list/a')).toEqual(['list/a-b', 'list/a/1', 'list/a/2']);
    expect(await keysOf(store(), 'list')).toContain('listing');
    await store().delete('list/a/1');
    await store().delete('list/a/2');
    expect(await keysOf(store(), 'list/')).toEqual(['list/a-b', 'list/b']);
  });

  it.each(['', '/a', 'a/', 'a//b', '../a', 'a/./b', 'a/../../b', 'a\\b', 'a\u0000b', '.tmp-a', 'x'.repeat(300)])('refuses the key %j', async (key) => {
    await expect(async () => store().put(key, Buffer.from('x'))).rejects.toThrow(TypeError);
    await expect(async () => store().get(key)).rejects.toThrow(TypeError);
  });
});

it('S3 lists more objects than one page holds', async () => {
  const store = await openS3Store({ endpoint: `http://127.0.0.1:${server.port}`, bucket: 'pages', region: 'us-east-1', accessKey: 'test', secretKey: 'test' }, 10);
  const keys = Array.from({ length: 25 }, (_, i) => `many/${String(i).padStart(2, '0')}`);
  for (const key of keys) await store.put(key, Buffer.from([1]));
  expect(await keysOf(store, 'many/')).toEqual(keys);
  store.close();
});

describe('local store', () => {
  it('makes folders that others find empty and remove, at every level', async () => {
    const other = createLocalStore(join(folder, 'objects'));
    const churn = async (store: ObjectStore, name: string) => {
      for (let i = 0; i < 400; i++) {
        const key = `churn/${i % 3}/${i % 2}/${name}`;
        await store.put(key, Buffer.from(name));
        await store.delete(key);
      }
    };
    await Promise.all([churn(stores.local!, 'a'), churn(other, 'b'), churn(stores.local!, 'c'), churn(other, 'd')]);
    expect(await keysOf(stores.local!, 'churn/')).toEqual([]);
  });

  it('lets small objects be glanced at, and nothing else', async () => {
    const store = stores.local!;
    await store.put('glance/small', Buffer.from('small'));
    await store.put('glance/other', Buffer.from('ot'));
    await store.put('glance/large', new Uint8Array(2 ** 20));
    const seen = store.glance!('glance/small')!;
    expect(text(seen)).toBe('small');
    expect(text(store.glance!('glance/other')!)).toBe('ot');
    // The memory is used again: that is what makes it fast.
    expect(text(seen)).toBe('otall');
    expect(['glance/large', 'glance/absent', 'glance'].map((key) => store.glance!(key))).toEqual([undefined, undefined, undefined]);
    expect('glance' in stores.s3!).toBe(false);
  });

  it('lets exactly one of many writers create an object', async () => {
    const two = [stores.local!, createLocalStore(join(folder, 'objects'))];
    const results = await Promise.all(Array.from({ length: 20 }, (_, i) => two[i % 2]!.put('race/x', Buffer.from(`${i}`), { ifAbsent: true })));
    expect(results.filter((info) => info !== null)).toHaveLength(1);
  });

  it('leaves no temporary file and no empty folder behind', async () => {
    const store = createLocalStore(join(folder, 'tidy'));
    await store.put('a/b/c', Buffer.from('x'));
    await store.put('a/b/c', Buffer.from('y'), { ifAbsent: true });
    expect(await readdir(join(folder, 'tidy', 'a', 'b'))).toEqual(['c']);
    await store.delete('a/b/c');
    expect(await readdir(join(folder, 'tidy'))).toEqual([]);
  });

  it('survives writers and deleters of one folder at the same time', async () => {
    const store = createLocalStore(join(folder, 'busy'));
    await Promise.all(Array.from({ length: 60 }, async (_, i) => {
      await store.put(`f/${i % 7}/${i}`, Buffer.from('x'));
      await store.delete(`f/${i % 7}/${i}`);
    }));
    expect(await keysOf(store, '')).toEqual([]);
  });
});
