import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { baseName, joinSpans } from '../../src/formats/byte-source.ts';
import { FileHandles, openFileSource } from '../../src/formats/file-source.ts';
import { openHttpSource } from '../../src/formats/http-source.ts';
import { openObjectSource } from '../../src/formats/object-source.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';

const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-source-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('spans', () => {
  it('are joined when the gap is small and the request does not grow too large', () => {
    const spans = [{ offset: 100, length: 10 }, { offset: 0, length: 50 }, { offset: 5000, length: 10 }, { offset: 115, length: 10 }];
    expect(joinSpans(spans, 60, 200)).toEqual([
      { offset: 0, length: 125, members: [1, 0, 3] },
      { offset: 5000, length: 10, members: [2] },
    ]);
    expect(joinSpans(spans, 60, 110)).toHaveLength(3);
  });

  it('are joined in whatever order they come, also when they overlap', () => {
    expect(joinSpans([{ offset: 20, length: 10 }, { offset: 0, length: 25 }])).toEqual([{ offset: 0, length: 30, members: [1, 0] }]);
  });
});

it('shows the last segment of a name only, without query', () => {
  expect(baseName('https://u:p@host/a/b%20c.tif?sig=secret#x')).toBe('b c.tif');
  expect(baseName('/data/secret/x.tif')).toBe('x.tif');
  expect(baseName('layers/k')).toBe('k');
});

describe('file source', () => {
  it('reads spans and stops at the end', async () => {
    const path = join(folder, 'a.bin');
    await writeFile(path, content);
    const handles = new FileHandles();
    const source = await openFileSource(path, handles);
    expect(source.sizeBytes).toBe(200_000);
    expect(Buffer.compare(await source.read(199_990, 100), content.subarray(199_990))).toBe(0);
    expect(await source.read(300_000, 10)).toHaveLength(0);
    await handles.close();
  });

  it('keeps a bounded number of handles, closing none that is in use', async () => {
    const handles = new FileHandles(2);
    const sources = await Promise.all(Array.from({ length: 6 }, async (_, i) => {
      const path = join(folder, `many-${i}.bin`);
      await writeFile(path, content.subarray(i, i + 1000));
      return openFileSource(path, handles);
    }));
    const rounds = await Promise.all(Array.from({ length: 30 }, (_, i) => sources[i % 6]!.read(5, 10)));
    rounds.forEach((bytes, i) => expect(bytes[0]).toBe(content[(i % 6) + 5]));
    expect(handles.size).toBeLessThanOrEqual(2);
    await handles.close();
    expect(handles.size).toBe(0);
  });
});

describe('http source', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());
  const fast = { backoffMs: 1 };

  async function serve(listener: RequestListener): Promise<string> {
    server = createServer(listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => server!.once('listening', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/dir/file.tif?token=secret`;
  }

  /** Answers range requests like a file server. */
  const ranged = (etag: () => string): RequestListener => (request, response) => {
    const [, first = 0, last = 0] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')?.map(Number) ?? [];
    const end = Math.min(last, content.length - 1);
    response.writeHead(206, { etag: etag(), 'content-range': `bytes ${first}-${end}/${content.length}` }).end(content.subarray(first, end + 1));
  };

  it('opens with one request and reads ranges', async () => {
    let requests = 0;
    const answer = ranged(() => '"v1"');
    const source = await openHttpSource(await serve((request, response) => {
      requests++;
      return answer(request, response);
    }), fast);
    expect(source).toMatchObject({ sizeBytes: 200_000, version: 'v1' });
    expect(await source.read(10, 20)).toEqual(new Uint8Array(content.subarray(10, 30)));
    expect(requests).toBe(1);
    expect(await source.read(150_000, 100_000)).toEqual(new Uint8Array(content.subarray(150_000)));
    expect(requests).toBe(2);
  });

  it('tries again when the server is out of order, and gives up with a message without secrets', async () => {
    let failures = 2;
    const answer = ranged(() => '"v1"');
    const url = await serve((request, response) => (failures-- > 0 ? response.writeHead(503).end() : answer(request, response)));
    expect((await openHttpSource(url, fast)).sizeBytes).toBe(200_000);
    failures = 99;
    const error: unknown = await openHttpSource(url, { ...fast, attempts: 2 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'Internal', message: 'Server error: \'file.tif\' is not available from its server (HTTP status 503).' });
  });

  it('refuses a file that changes while it is read', async () => {
    let version = 1;
    const source = await openHttpSource(await serve(ranged(() => `"v${version}"`)), fast);
    version = 2;
    await expect(source.read(100_000, 10)).rejects.toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining('changed') as string });
  });

  it('takes small files from servers without ranges, and refuses large ones', async () => {
    let size = content.length;
    const url = await serve((_, response) => response.writeHead(200, { 'content-length': size }).end(content));
    const source = await openHttpSource(url, fast);
    expect(await source.read(199_000, 10)).toEqual(new Uint8Array(content.subarray(199_000, 199_010)));
    size = 1_000_000_000;
    await expect(openHttpSource(url, fast)).rejects.toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining('range') as string });
  });

  it('says when there is no such file, at once', async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.writeHead(404).end();
    });
    await expect(openHttpSource(url, fast)).rejects.toMatchObject({ code: 'FileNotFound' });
    expect(requests).toBe(1);
  });

  it('stops waiting when the signal is aborted', async () => {
    const url = await serve(() => {});
    const controller = new AbortController();
    const opening = openHttpSource(url, fast, controller.signal);
    setTimeout(() => controller.abort(), 20);
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
    server!.closeAllConnections();
  });
});

it('reads objects of a store and notices when they are gone', async () => {
  let isThere = true;
  const store = {
    head: async () => (isThere ? { key: 'k', sizeBytes: content.length, etag: 'e', modified: '' } : null),
    get: async (_: string, range: { first: number; last: number }) => (isThere ? content.subarray(range.first, range.last + 1) : null),
  } as unknown as ObjectStore;
  const source = await openObjectSource(store, 'k');
  expect(source.version).toBe('e');
  expect(await source.read(199_999, 50)).toHaveLength(1);
  expect(await source.read(200_000, 50)).toHaveLength(0);
  isThere = false;
  await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'FileNotFound' });
  await expect(openObjectSource(store, 'a/k')).rejects.toMatchObject({ code: 'FileNotFound', message: 'File \'k\' does not exist.' });
});
