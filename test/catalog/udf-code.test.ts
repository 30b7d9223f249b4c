import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { guardedFetch } from '../../src/catalog/remote/guarded-fetch.ts';
import { Unreadable } from '../../src/catalog/remote/download.ts';
import { UdfCode, type UdfCodeParts } from '../../src/catalog/udf-code.ts';
import { OpenEOError } from '../../src/errors.ts';

const signal = new AbortController().signal;
const files = {
  get: async (user: string, path: string) => {
    if (path.includes('..')) throw new OpenEOError('FilePathInvalid', { reason: 'it leaves the workspace' });
    if (user !== 'ann' || path !== 'scripts/f.js') throw new OpenEOError('FileNotFound', { file: path });
    return { path, objectKey: 'k', etag: 'e', sizeBytes: 4, modified: '' };
  },
  stream: async () => Readable.from([Buffer.from('code')]),
} as unknown as UdfCodeParts['files'];

const answering = (body: string, status = 200): UdfCode => new UdfCode({ files, fetch: async () => new Response(body, { status }) });

describe('scripts of run_udf', () => {
  it('come from the files of who asks, however the path is written', async () => {
    for (const path of ['scripts/f.js', '/scripts/f.js', './scripts/f.js']) expect(await answering('').read(path, 'ann', signal)).toBe('code');
  });

  it('are not found elsewhere', async () => {
    for (const [path, user] of [['scripts/f.js', 'bob'], ['scripts/f.js', null], ['../ann/scripts/f.js', 'bob'], ['f.js', 'ann']] as const) {
      await expect(answering('').read(path, user, signal)).rejects.toMatchObject({ code: 'FileNotFound' });
    }
  });

  it('come from the web', async () => {
    expect(await answering('function apply(x) {}').read('https://example.com/f.js', null, signal)).toBe('function apply(x) {}');
  });

  it('say why they can not be read', async () => {
    await expect(answering('', 404).read('https://example.com/f.js', 'ann', signal)).rejects.toThrow(/'udf'.*'run_udf'.*status 404/);
    await expect(answering('x'.repeat(1_000_001)).read('https://example.com/f.js', 'ann', signal)).rejects.toThrow(/more than 1000000 bytes/);
    const gone = new UdfCode({ files, fetch: () => Promise.reject(new TypeError('no answer')) });
    await expect(gone.read('https://example.com/f.js', 'ann', signal)).rejects.toThrow(/can't be reached/);
  });

  it('never come from inside', async () => {
    const guarded = new UdfCode({ files, fetch: guardedFetch({ allowedHosts: [], refuse: (reason) => new Unreadable(reason) }) });
    for (const url of ['http://127.0.0.1/f.js', 'http://169.254.169.254/latest', 'http://[::1]/f.js']) {
      await expect(guarded.read(url, 'ann', signal), url).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('\'udf\'') as string });
    }
  });
});
