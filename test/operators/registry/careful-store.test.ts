/** S3 servers that ignore the conditions of writes: found out, said, and made up for as far as it goes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { carefulStore } from '../../../src/operators/registry/careful-store.ts';
import { Registry } from '../../../src/operators/registry/registry.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore, StoredObject } from '../../../src/storage/object-store.ts';
import { storeBelow } from '../../../src/storage/store-below.ts';
import { storeLater } from '../../../src/storage/store-later.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import { startS3, type S3Double } from '../../storage/s3-double.ts';
import { packed } from './packages.ts';

let s3: S3Double;
let folder: string;
let bucket: Awaited<ReturnType<typeof openS3Store>>;
const warnings: string[] = [];
const careful = { warn: (message: string) => void warnings.push(message), settleMs: 300 };

beforeAll(async () => {
  s3 = await startS3();
  folder = await mkdtemp(join(tmpdir(), 'lamina-careful-'));
  bucket = await openS3Store({ endpoint: `http://127.0.0.1:${s3.port}`, bucket: 'careful', region: 'us-east-1', accessKey: 'test', secretKey: 'test' });
});
afterAll(async () => {
  bucket.close();
  await s3.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  s3.isCareless = false;
  warnings.splice(0);
});

const keysOf = async (store: ObjectStore) => (await Array.fromAsync(store.list(''))).map(({ key }) => key);

describe('a server', () => {
  it.each([[false, true], [true, false]])('that ignores conditions (%s) excludes writers: %s; the trial leaves nothing behind', async (isCareless, expected) => {
    s3.isCareless = isCareless;
    const below = storeBelow(storeLater(async () => bucket), 'some/prefix');
    expect(await below.excludes!('operators/probe')).toBe(expected);
    expect(await keysOf(bucket)).toEqual([]);
  });

  it('is tried once, before the first conditional write, and directories never', async () => {
    const store = carefulStore(bucket, careful);
    s3.requests.splice(0);
    await store.put('a', Buffer.from('1'));
    expect(s3.requests.filter((line) => line.includes('probe'))).toEqual([]);
    for (const key of ['b', 'c']) expect(await store.put(key, Buffer.from('1'), { ifAbsent: true })).not.toBeNull();
    expect(s3.requests.filter((line) => line.includes('probe')).map((line) => line.replace(/ .*probe-[0-9a-f-]+/, ''))).toEqual(['PUT 200', 'PUT 412', 'PUT 412', 'DELETE 204']);
    expect(warnings).toEqual([]);
    await carefulStore(createLocalStore(join(folder, 'local')), careful).put('a', Buffer.from('1'), { ifAbsent: true });
    expect(await keysOf(createLocalStore(join(folder, 'local')))).toEqual(['a']);
  });

  it('that can\'t be asked is asked again', async () => {
    const store = carefulStore(bucket, careful);
    s3.isDown = true;
    const impatient = await openS3Store({ endpoint: `http://127.0.0.1:${s3.port}`, bucket: 'careful', region: 'us-east-1', accessKey: 'test', secretKey: 'test', patience: { attempts: 1 } }).catch((error: Error) => error);
    expect(impatient).toMatchObject({ code: 'StorageFailure' });
    s3.isDown = false;
    expect(await store.put('d', Buffer.from('1'), { ifAbsent: true })).not.toBeNull();
  });
});

describe('on a server that ignores conditions', () => {
  it('one of those who write at the same moment wins, and the others hear that they have lost', async () => {
    s3.isCareless = true;
    await bucket.put('tag', Buffer.from('before'));
    const { info } = await bucket.read('tag') as StoredObject;
    const writers = Array.from({ length: 6 }, () => carefulStore(bucket, careful));
    const outcomes = await Promise.all(writers.map((store, i) => store.put('tag', Buffer.from(`writer ${i}`), { ifMatch: info.etag })));
    const winners = outcomes.flatMap((outcome, i) => (outcome ? [`writer ${i}`] : []));
    expect(winners).toEqual([Buffer.from((await bucket.get('tag'))!).toString()]);
    expect(warnings).toHaveLength(6);
    expect(warnings[0]).toMatch(/ignores If-Match and If-None-Match/);
  });

  it('a registry works, and says so once', async () => {
    s3.isCareless = true;
    const registry = new Registry(storeBelow(bucket, 'registry'), careful);
    for (const version of ['1.0.0', '1.1.0']) await registry.publish((await packed(folder, { name: 'spectral', version })).path, { by: 'someone' });
    await expect(registry.publish((await packed(folder, { name: 'spectral', version: '1.0.0', title: 'Another' })).path, { by: 'someone' })).rejects.toMatchObject({ reason: 'VersionExists' });
    expect((await registry.rollback({ name: 'spectral' }, { by: 'someone' })).version).toBe('1.0.0');
    expect(warnings).toHaveLength(1);
  });
});
