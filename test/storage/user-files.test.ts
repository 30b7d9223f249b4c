/** Files of users on either store: whole or not at all, within the quota, in the user's own folder. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import { UserFiles, userFolder } from '../../src/storage/user-files.ts';

const MIB = 2 ** 20;
let folder: string;
let server: Awaited<ReturnType<typeof startFauxqs>>;
const stores: Record<string, ObjectStore> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-user-files-'));
  server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  stores['local'] = createLocalStore(join(folder, 'objects'));
  stores['s3'] = await openS3Store({ endpoint: `http://127.0.0.1:${server.port}`, bucket: 'lamina', region: 'us-east-1', accessKey: 'test', secretKey: 'test' });
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function* chunks(count: number, bytes = MIB, failAt = Infinity): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    if (i === failAt) throw new Error('gone');
    yield new Uint8Array(bytes).fill(i);
  }
}
const unknown = (body: AsyncIterable<Uint8Array>) => ({ body, sizeBytes: null });

describe.each(['local', 's3'])('files of users: %s', (kind) => {
  const files = (quotaBytes = 64 * MIB, fileBytes = 32 * MIB) => new UserFiles(stores[kind]!, { quotaBytes, fileBytes });

  it('keeps a file that comes in many chunks', async () => {
    const file = await files().put('ann', 'a/large.bin', unknown(chunks(20)));
    expect(file).toMatchObject({ path: 'a/large.bin', sizeBytes: 20 * MIB, objectKey: `${userFolder('ann')}a/large.bin` });
    expect(await files().find('ann', 'a/large.bin')).toEqual(file);
    const bytes = Buffer.concat(await Array.fromAsync((await files().stream(file))!) as Buffer[]);
    expect([bytes.length, bytes[0], bytes[19 * MIB]]).toEqual([20 * MIB, 0, 19]);
    await files().delete('ann', 'a/large.bin');
    expect(await files().list('ann')).toEqual([]);
  });

  it('keeps the old file when the new one breaks off or is too large', async () => {
    const small = files(64 * MIB, 12 * MIB);
    const before = await small.put('ann', 'kept.bin', unknown(chunks(1)));
    await expect(small.put('ann', 'kept.bin', unknown(chunks(12, MIB, 10)))).rejects.toThrow('gone');
    await expect(small.put('ann', 'kept.bin', unknown(chunks(13)))).rejects.toMatchObject({ code: 'FileSizeExceeded' });
    expect(await small.list('ann')).toEqual([before]);
    await small.delete('ann', 'kept.bin');
  });

  it('counts what is arriving against the quota', async () => {
    const tight = files(10 * MIB, 10 * MIB);
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, (_, i) => tight.put('ann', `${i}.bin`, unknown(chunks(4)))));
    const stored = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(stored).toBeLessThanOrEqual(2);
    expect(outcomes.filter((o) => o.status === 'rejected').map((o) => (o.reason as { code?: string }).code)).toEqual(Array.from({ length: 4 - stored }, () => 'StorageQuotaExceeded'));
    expect(await tight.usedBytes('ann')).toBe(stored * 4 * MIB);
    for (const { path } of await tight.list('ann')) await tight.delete('ann', path);
    await expect(tight.put('ann', 'again.bin', unknown(chunks(10)))).resolves.toMatchObject({ sizeBytes: 10 * MIB });
    await tight.delete('ann', 'again.bin');
  });

  it('lets no file be a folder too', async () => {
    await files().put('ann', 'x/y', unknown(chunks(1, 10)));
    await expect(files().put('ann', 'x', unknown(chunks(1, 10)))).rejects.toMatchObject({ code: 'FileOperationUnsupported' });
    await expect(files().put('ann', 'x/y/z', unknown(chunks(1, 10)))).rejects.toMatchObject({ code: 'FileOperationUnsupported' });
    await files().delete('ann', 'x/y');
  });

  it.each(['..', '.', 'ann', '~', 'a.b-c_d~'])('has a folder of its own for the user %j', async (user) => {
    await files().put(user, 'f.txt', unknown(chunks(1, 3)));
    expect((await files().list(user)).map(({ path }) => path)).toEqual(['f.txt']);
    expect((await Array.fromAsync(stores[kind]!.list(''))).map(({ key }) => key)).toEqual([`files/user-${user}/f.txt`]);
    await files().delete(user, 'f.txt');
  });

  it.each(['a/b', '../ann', 'ann/x', 'https://id.example/~ann', 'ü@example.org', 'x'.repeat(500)])('keeps the user %j out of the folders of others', async (user) => {
    await files().put(user, 'f.txt', unknown(chunks(1, 3)));
    const [key, ...more] = (await Array.fromAsync(stores[kind]!.list(''))).map((info) => info.key);
    expect([key!.split('/').length, more]).toEqual([3, []]);
    expect(await files().list('ann')).toEqual([]);
    expect((await files().list(user)).map(({ path }) => path)).toEqual(['f.txt']);
    await files().delete(user, 'f.txt');
  });
});

it('leaves no unfinished files behind', async () => {
  const left = await readdir(join(folder, 'objects'), { recursive: true }).catch(() => []);
  expect(left.filter((name) => name.includes('.tmp-'))).toEqual([]);
});
