/** A registry behind a web server that may be anything. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { httpFiles } from '../../../src/operators/registry/http-files.ts';

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => {
    if (server) server.close(resolve);
    else resolve(null);
  });
  server = undefined;
});

async function serving(listener: RequestListener): Promise<number> {
  server = createServer(listener);
  await new Promise<void>((resolve) => { server!.listen(0, '127.0.0.1', resolve); });
  return (server.address() as AddressInfo).port;
}

it('reads objects below a path, with the name and password of the address', async () => {
  const seen: (string | undefined)[] = [];
  const port = await serving((request, response) => {
    seen.push(request.url, request.headers.authorization, request.headers['if-none-match']);
    response.writeHead(200, { etag: 'W/"1"', 'last-modified': 'Sun, 01 Nov 2026 12:00:00 GMT' }).end('{}');
  });
  const files = httpFiles(`http://anna:s%40fe@127.0.0.1:${port}/models/`);
  expect(await files.read('operators/catalog.json')).toEqual({ bytes: Buffer.from('{}'), info: { key: 'operators/catalog.json', sizeBytes: 2, etag: 'W/"1"', modified: '2026-11-01T12:00:00.000Z' } });
  await files.read('operators/catalog.json', 'W/"1"');
  const authorization = `Basic ${Buffer.from('anna:s@fe').toString('base64')}`;
  expect(seen).toEqual(['/models/operators/catalog.json', authorization, undefined, '/models/operators/catalog.json', authorization, 'W/"1"']);
});

it('knows what is absent and what is unchanged', async () => {
  const port = await serving((request, response) => void response.writeHead(request.headers['if-none-match'] ? 304 : 404).end());
  const files = httpFiles(`http://127.0.0.1:${port}`);
  expect(await files.read('operators/catalog.json')).toBeNull();
  expect(await files.stream('operators/x.tar.gz')).toBeNull();
  expect(await files.read('operators/catalog.json', '"1"')).toBe('unchanged');
});

it.each([401, 500, 503])('says that the server answered with %i', async (status) => {
  const port = await serving((_request, response) => void response.writeHead(status).end('secret details'));
  await expect(httpFiles(`http://127.0.0.1:${port}`).read('operators/catalog.json')).rejects.toMatchObject({ code: 'StorageFailure', message: expect.stringMatching(new RegExp(`answered with status ${status}\\.$`)) as unknown });
});

it('does not wait for ever, before an answer and within it', async () => {
  const port = await serving((request, response) => {
    if (request.url!.endsWith('halting')) response.writeHead(200, { 'content-length': 100 }).write('begin');
  });
  const files = httpFiles(`http://127.0.0.1:${port}`, { idleMs: 200 });
  await expect(files.read('silent')).rejects.toThrow(/did not answer for 0.2 s/);
  await expect(files.read('halting')).rejects.toThrow(/nothing came for 0.2 s/);
});

it('reads no description without end', async () => {
  const port = await serving((_request, response) => void response.end(Buffer.alloc(5000)));
  await expect(httpFiles(`http://127.0.0.1:${port}`, { maxBytes: 4999 }).read('catalog.json')).rejects.toThrow(/more than 4999 bytes/);
  expect(await httpFiles(`http://127.0.0.1:${port}`, { maxBytes: 5000 }).read('catalog.json')).toMatchObject({ info: { sizeBytes: 5000 } });
});

it('asks for nothing outside the registry', async () => {
  await expect(async () => httpFiles('http://127.0.0.1:9').read('../secrets')).rejects.toThrow(TypeError);
});
