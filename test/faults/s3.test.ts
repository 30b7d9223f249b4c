/** An S3 server that answers with errors, breaks off, is slow or lies: bounded tries, clear errors, right pixels. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Block } from '../../src/cube/block.ts';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { EngineScope } from '../../src/layers/scope.ts';
import { createLog, silentLog, type LogEntry } from '../../src/log.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import { directComputer } from '../../src/workers/embed.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';
import { utmGrid } from '../layers/fixtures.ts';
import { startFaultyProxy, type Fault, type FaultyProxy } from './faulty-proxy.ts';

const ATTEMPTS = 3;
let folder: string;
let server: Awaited<ReturnType<typeof startFauxqs>>;
let proxy: FaultyProxy;
let store: ObjectStore & { close(): void };
let clean: ObjectStore & { close(): void };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-faults-'));
  server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  proxy = await startFaultyProxy(server.port);
  const settings = { bucket: 'lamina', region: 'us-east-1', accessKey: 'test', secretKey: 'test', patience: { connectMs: 1000, idleMs: 300, attempts: ATTEMPTS } };
  store = await openS3Store({ ...settings, endpoint: proxy.url });
  clean = await openS3Store({ ...settings, endpoint: `http://127.0.0.1:${server.port}` });
});
afterAll(async () => {
  store.close();
  clean.close();
  await proxy.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => proxy.watch(() => null));

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
const storageFailure = (text: RegExp) => ({ code: 'StorageFailure', message: expect.stringMatching(text) as unknown });

describe.each<[Fault, RegExp]>([
  ['error', /answered with status 500/],
  ['reset', /did not answer/],
  ['truncated', /broke off an answer/],
  ['slow', /nothing came for 0.3 s/],
])('a read that meets: %s', (fault, message) => {
  it('is tried again and gives the whole object', async () => {
    await clean.put('read/me', bytes);
    proxy.watch((method, _, count) => (method === 'GET' && count < ATTEMPTS ? fault : null));
    expect(Buffer.compare((await store.get('read/me'))!, bytes)).toBe(0);
    expect(proxy.seen).toHaveLength(ATTEMPTS);
  });

  it('ends with a clear error after so many tries', async () => {
    await clean.put('read/me', bytes);
    proxy.watch(() => fault);
    await expect(store.get('read/me')).rejects.toMatchObject(storageFailure(message));
    expect(proxy.seen).toHaveLength(ATTEMPTS);
  });
});

it.each<Fault>(['truncated', 'slow'])('a stream that is %s ends with an error, not with a shorter object', async (fault) => {
  await clean.put('stream/me', bytes);
  proxy.watch(() => fault);
  const stream = (await store.stream('stream/me'))!;
  await expect(stream.toArray()).rejects.toMatchObject(storageFailure(/broke off an answer/));
});

it('a slow reader of a stream is no slow server', async () => {
  await clean.put('stream/patient', bytes);
  const stream = (await store.stream('stream/patient'))!;
  let received = 0;
  for await (const chunk of stream) {
    if (received === 0) await new Promise((resolve) => setTimeout(resolve, 700));
    received += (chunk as Uint8Array).length;
  }
  expect(received).toBe(bytes.length);
});

it.each<Fault>(['error', 'reset'])('a write that meets "%s" is tried so often, then told, and leaves no object', async (fault) => {
  proxy.watch((method) => (method === 'PUT' ? fault : null));
  await expect(store.put(`write/${fault}`, bytes)).rejects.toMatchObject(storageFailure(/status 500 after 3 tries|did not answer after 3 tries/));
  expect(proxy.seen.filter((line) => line.startsWith('PUT'))).toHaveLength(ATTEMPTS);
  expect(await clean.head(`write/${fault}`)).toBeNull();
  proxy.watch((method, _, count) => (method === 'PUT' && count === 1 ? fault : null));
  expect(await store.put(`write/${fault}`, bytes)).toMatchObject({ sizeBytes: bytes.length });
});

it('a part that can\'t be written leaves no object, and the parts before it are given up', async () => {
  const large = new Uint8Array(18 * 2 ** 20);
  let parts = 0;
  proxy.watch((method) => (method === 'PUT' && ++parts > 1 ? 'error' : null));
  await expect(store.put('write/large', large)).rejects.toMatchObject(storageFailure(/status 500/));
  expect(proxy.seen.filter((line) => line.startsWith('DELETE'))).toHaveLength(1);
  expect(await clean.head('write/large')).toBeNull();
});

it('what is not there or not allowed is not tried again', async () => {
  expect(await store.get('absent')).toBeNull();
  expect(proxy.seen).toHaveLength(1);
});

describe('a layer on a server that spoils a quarter of all answers', () => {
  let service: ToyService;
  let expected: Block;
  const logged: LogEntry[] = [];

  async function read(objects: ObjectStore): Promise<Block> {
    const blocks = new EmbedBlocks({ store: objects, compute: directComputer(objects, service.runtime), memoryBytes: 0, log: createLog((entry) => logged.push(entry)) });
    const scope = new EngineScope({ ...service.engine, blocks }, { signal: new AbortController().signal, log: silentLog });
    const cube = await scope.loadCollection({ id: 'LAYER', spatialExtent: null, temporalExtent: null, bands: null, properties: null });
    return cube.read(cube.fullWindow());
  }

  beforeAll(async () => {
    const items = [await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band, x, y) => (x + y < 90 ? 0 : 1 + band * 500 + x * 3 + y), utmGrid(200, 150))];
    service = await toyService(folder, items);
    expected = await read(service.store);
  });
  afterAll(() => service.close());

  it('serves the right pixels or an error, never wrong pixels', async () => {
    const faults: Fault[] = ['error', 'reset', 'truncated', 'slow', 'flipped'];
    let seed = 7;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    proxy.watch(() => (random() < 1 / 4 ? faults[Math.floor(random() * faults.length)]! : null));
    const outcomes = { right: 0, refused: 0 };
    for (let round = 0; round < 8; round++) {
      try {
        expect(await read(store)).toEqual(expected);
        outcomes.right++;
      } catch (error) {
        expect(error).toMatchObject({ code: 'StorageFailure' });
        outcomes.refused++;
      }
    }
    expect(outcomes.right).toBeGreaterThan(0);
    proxy.watch(() => null);
    expect(await read(store)).toEqual(expected);
    expect(await read(clean)).toEqual(expected);
  }, 90_000);

  it('notices bits that are wrong on the way, and computes anew', async () => {
    await read(store);
    logged.length = 0;
    let flips = 0;
    proxy.watch((method) => (method === 'GET' && flips++ < 2 ? 'flipped' : null));
    expect(await read(store)).toEqual(expected);
    expect(logged.filter(({ level, message }) => level === 'warning' && message.includes('damaged'))).toHaveLength(2);
  });

  it('refuses with a clear error while the server is away', async () => {
    proxy.watch(() => 'reset');
    await expect(read(store)).rejects.toMatchObject(storageFailure(/The object store did not answer/));
  });
});
