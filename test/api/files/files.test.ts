/** The user's workspace over HTTP: what goes in comes out, nothing gets out of the folder, nobody sees another's files. */
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startService, type TestService } from '../service.ts';

let service: TestService;
let ann: Record<string, string>;
let bob: Record<string, string>;

beforeAll(async () => {
  service = await startService();
  ann = await service.token();
  bob = await tokenOf('bob:other');
});
afterAll(() => service.close());
afterEach(async () => {
  for await (const { key } of service.objects.list('files/')) await service.objects.delete(key);
});

async function tokenOf(login: string): Promise<Record<string, string>> {
  const answer = await fetch(`${service.url}/openeo/1.3/credentials/basic`, { headers: { Authorization: `Basic ${btoa(login)}` } });
  return { Authorization: `Bearer ${(await answer.json() as { access_token: string }).access_token}` };
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** As it is written: fetch would tidy the path up. */
function raw(method: string, path: string, { body, headers = {}, user = ann }: { body?: Buffer | string; headers?: Record<string, string>; user?: Record<string, string> } = {}): Promise<Answer> {
  const { hostname, port } = new URL(service.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path: `/openeo/1.3${path}`, headers: { ...user, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const put = (path: string, body: Buffer | string, user = ann) => raw('PUT', `/files/${path}`, { body, user });
const json = ({ body }: Answer) => JSON.parse(body.toString()) as Record<string, unknown>;
const code = (answer: Answer) => [answer.status, json(answer).code];
const paths = async (user = ann) => (json(await raw('GET', '/files', { user })) as { files: { path: string }[] }).files.map(({ path }) => path);

describe.each(['1.2', '1.3'])('files of API %s', (version) => {
  it('are uploaded, listed, downloaded and deleted', async () => {
    const content = randomBytes(50_000);
    const at = `${service.url}/openeo/${version}/files`;
    const sent = await fetch(`${at}/europe/%C3%B6sterreich/m%C3%BCnster.tif`, { method: 'PUT', body: content, headers: ann });
    expect(sent.status).toBe(200);
    const described = { path: 'europe/österreich/münster.tif', size: 50_000, modified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown };
    expect(await sent.json()).toEqual(described);
    expect(await (await fetch(at, { headers: ann })).json()).toEqual({ files: [described], links: [] });
    const got = await fetch(`${at}/europe/österreich/münster.tif`, { headers: ann });
    expect(Buffer.compare(Buffer.from(await got.arrayBuffer()), content)).toBe(0);
    expect(got.headers.get('content-type')).toBe('image/tiff; application=geotiff');
    expect((await fetch(`${at}/europe/österreich/münster.tif`, { method: 'DELETE', headers: ann })).status).toBe(204);
    expect(await (await fetch(at, { headers: ann })).json()).toEqual({ files: [], links: [] });
    expect(await readdir(join(service.folder, 'objects')).catch(() => [])).not.toContain('files');
  });

  it('are named among the endpoints', async () => {
    const { endpoints } = await (await fetch(`${service.url}/openeo/${version}/`)).json() as { endpoints: { path: string; methods: string[] }[] };
    expect(endpoints).toContainEqual({ path: '/files', methods: ['GET'] });
    expect(endpoints).toContainEqual({ path: '/files/{path}', methods: ['GET', 'PUT', 'DELETE'] });
  });
});

describe('a download', () => {
  it('answers HEAD, ranges and conditions', async () => {
    await put('a.bin', 'hello world');
    const head = await raw('HEAD', '/files/a.bin');
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '11', 'accept-ranges': 'bytes' } });
    expect(head.body).toHaveLength(0);
    const part = await raw('GET', '/files/a.bin', { headers: { Range: 'bytes=6-' } });
    expect([part.status, part.headers['content-range'], part.body.toString()]).toEqual([206, 'bytes 6-10/11', 'world']);
    expect((await raw('GET', '/files/a.bin', { headers: { Range: 'bytes=99-' } })).status).toBe(416);
    expect((await raw('GET', '/files/a.bin', { headers: { 'If-None-Match': head.headers.etag as string } })).status).toBe(304);
  });

  it.each(['page.html', 'PAGE.HTM', 'picture.svg', 'script.js', 'feed.xml', 'no-ending', 'x.constructor'])('of %s is nothing that a browser runs', async (name) => {
    await put(name, '<script>alert(1)</script>');
    const { headers } = await raw('GET', `/files/${name}`);
    expect(headers).toMatchObject({ 'content-type': 'application/octet-stream', 'x-content-type-options': 'nosniff', 'content-security-policy': expect.stringContaining('sandbox') as unknown });
    expect(headers['content-disposition']).toMatch(/^attachment;/);
  });

  it('of an empty file is empty', async () => {
    expect(json(await put('empty.txt', ''))).toMatchObject({ path: 'empty.txt', size: 0 });
    expect(await raw('GET', '/files/empty.txt')).toMatchObject({ status: 200, headers: { 'content-length': '0', 'content-type': 'text/plain' } });
  });
});

describe('a path', () => {
  const bad = ['..', '.', 'a/../b', 'a/./b', '../../etc/passwd', '%2e%2e/x', '%2E%2e%2Fx', 'a%2fb', '%252e%252e/x', 'a%255cb', '..%2f..%2fetc', 'a%5cb', '%5c..%5cx', 'a\\b', '%c0%ae%c0%ae/x', '%ff', '%', '%zz',
    'a%00.tif', 'a%0ab', 'a%0d%0aSet-Cookie:x', 'a%7fb', 'a%c2%85b', '.tmp-1', 'S2_2020-01-01T10:00:00Z.tif', "it's.tif", 'a%22b', `a/${'x'.repeat(300)}`, Array.from({ length: 300 }, () => 'abc').join('/')];
  it.each(bad)('%s is refused', async (path) => {
    for (const method of ['PUT', 'GET', 'DELETE', 'HEAD']) {
      const answer = await raw(method, `/files/${path}`, method === 'PUT' ? { body: 'x' } : {});
      expect(answer.status, method).toBe(400);
      if (method !== 'HEAD') expect(json(answer).code, method).toBe('FilePathInvalid');
    }
    expect(await paths()).toEqual([]);
  });

  it.each(['...', 'a..b/c', '.hidden', '100%25 sure.tif', 'ünï cödé/日本.tif', 'a+b&c=d;e.tif', '~', 'a%3Fb%23c.txt'])('%s is taken', async (path) => {
    const encoded = path.split('/').map((name) => encodeURIComponent(decodeURIComponent(name))).join('/');
    expect((await put(encoded, 'x')).status).toBe(200);
    expect(await paths()).toEqual([decodeURIComponent(path)]);
    expect((await raw('GET', `/files/${encoded}`)).body.toString()).toBe('x');
  });

  it('of a folder is for no operation', async () => {
    await put('folder/a.txt', 'x');
    for (const path of ['folder', 'folder/']) {
      expect(code(await raw('GET', `/files/${path}`))).toEqual([400, 'FileOperationUnsupported']);
      expect(code(await raw('DELETE', `/files/${path}`))).toEqual([400, 'FileOperationUnsupported']);
      expect(code(await put(path, 'y'))).toEqual([400, 'FileOperationUnsupported']);
    }
    expect(code(await put('folder/a.txt/b.txt', 'y'))).toEqual([400, 'FileOperationUnsupported']);
    expect(await paths()).toEqual(['folder/a.txt']);
  });

  it('without a file is not found', async () => {
    expect(code(await raw('GET', '/files/absent.tif'))).toEqual([404, 'FileNotFound']);
    expect(code(await raw('DELETE', '/files/absent.tif'))).toEqual([404, 'FileNotFound']);
    expect((await raw('HEAD', '/files/absent.tif')).status).toBe(404);
  });
});

describe('an upload', () => {
  it('takes the place of the file that was there', async () => {
    await put('a.txt', 'one');
    const before = await raw('HEAD', '/files/a.txt');
    await put('a.txt', 'other');
    const after = await raw('GET', '/files/a.txt');
    expect(after.body.toString()).toBe('other');
    expect(after.headers.etag).not.toBe(before.headers.etag);
    expect(await paths()).toEqual(['a.txt']);
  });

  it('of too large a file is refused, announced or not, and leaves the old one', async () => {
    await put('a.bin', 'old');
    const large = Buffer.alloc(60_001);
    expect(code(await put('a.bin', large))).toEqual([400, 'FileSizeExceeded']);
    const chunked = await raw('PUT', '/files/a.bin', { body: large, headers: { 'Transfer-Encoding': 'chunked' } });
    expect(code(chunked)).toEqual([400, 'FileSizeExceeded']);
    expect(json(chunked).message).toContain('60000');
    expect((await raw('GET', '/files/a.bin')).body.toString()).toBe('old');
  });

  it('beyond the quota is refused; replacing and deleting makes room', async () => {
    expect((await put('a.bin', Buffer.alloc(60_000))).status).toBe(200);
    expect(code(await put('b.bin', Buffer.alloc(50_000)))).toEqual([400, 'StorageQuotaExceeded']);
    expect(code(await raw('PUT', '/files/b.bin', { body: Buffer.alloc(50_000), headers: { 'Transfer-Encoding': 'chunked' } }))).toEqual([400, 'StorageQuotaExceeded']);
    expect(json(await raw('GET', '/me'))).toMatchObject({ user_id: 'ann', storage: { free: 40_000, quota: 100_000 } });
    expect((await put('a.bin', Buffer.alloc(50_000))).status).toBe(200);
    expect((await put('b.bin', Buffer.alloc(50_000))).status).toBe(200);
    expect(code(await put('c.bin', 'x'))).toEqual([400, 'StorageQuotaExceeded']);
    await raw('DELETE', '/files/a.bin');
    expect((await put('c.bin', 'x')).status).toBe(200);
    expect((await put('mine.bin', 'x', bob)).status).toBe(200);
  });

  it('does not get the same room twice', async () => {
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => put(`${name}.bin`, randomBytes(45_000))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(await paths()).toHaveLength(2);
  });

  it('that breaks off leaves nothing', async () => {
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    socket.write(`PUT /openeo/1.3/files/half.bin HTTP/1.1\r\nHost: x\r\nAuthorization: ${ann.Authorization}\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(500)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.destroy();
    await expect.poll(() => service.logged.some(({ message }) => message.includes('files/half.bin broken off'))).toBe(true);
    expect(await paths()).toEqual([]);
    expect(service.logged.filter(({ level }) => level === 'error')).toEqual([]);
    expect((await put('half.bin', Buffer.alloc(60_000))).status).toBe(200);
  });

  it('in parts or packed is refused', async () => {
    expect(code(await raw('PUT', '/files/a', { body: 'x', headers: { 'Content-Range': 'bytes 0-0/2' } }))).toEqual([400, 'FileContentInvalid']);
    expect(code(await raw('PUT', '/files/a', { body: 'x', headers: { 'Content-Encoding': 'gzip' } }))).toEqual([400, 'ContentTypeInvalid']);
  });

  it('leaves the connection usable after a refusal', async () => {
    for (let i = 0; i < 3; i++) {
      const refused = await fetch(`${service.url}/openeo/1.3/files/big.bin`, { method: 'PUT', body: Buffer.alloc(300_000), headers: ann });
      expect(refused.status).toBe(400);
      await refused.arrayBuffer();
      expect((await fetch(`${service.url}/openeo/1.3/files`, { headers: ann })).status).toBe(200);
    }
  });
});

describe('the list', () => {
  it('comes in pages when asked for', async () => {
    const names = ['a/1', 'a/2', 'b', 'c', 'd'];
    for (const name of names) await put(name, name);
    expect(await paths()).toEqual(names);
    const seen: string[] = [];
    let next: string | undefined = `${service.url}/openeo/1.3/files?limit=2`;
    let pages = 0;
    while (next !== undefined) {
      const page = await (await fetch(next, { headers: ann })).json() as { files: { path: string }[]; links: { rel: string; href: string }[] };
      seen.push(...page.files.map(({ path }) => path));
      next = page.links.find(({ rel }) => rel === 'next')?.href;
      pages++;
    }
    expect([seen, pages]).toEqual([names, 3]);
    expect(code(await raw('GET', '/files?limit=0'))).toEqual([400, 'ProcessParameterInvalid']);
  });
});

describe('a stranger', () => {
  it('sees and changes nothing', async () => {
    await put('a.txt', 'of ann');
    expect(await paths(bob)).toEqual([]);
    expect(code(await raw('GET', '/files/a.txt', { user: bob }))).toEqual([404, 'FileNotFound']);
    expect(code(await raw('DELETE', '/files/a.txt', { user: bob }))).toEqual([404, 'FileNotFound']);
    await put('a.txt', 'of bob', bob);
    expect((await raw('GET', '/files/a.txt')).body.toString()).toBe('of ann');
  });

  it('without a token is not listened to', async () => {
    for (const [method, path] of [['GET', '/files'], ['GET', '/files/a'], ['PUT', '/files/a'], ['DELETE', '/files/a']]) {
      expect(code(await raw(method!, path!, { user: {} }))).toEqual([401, 'AuthenticationRequired']);
    }
  });
});
