/** Whatever is sent to whichever operation: never an unforeseen error, and always the standard's error object. */
import { Agent, request as httpRequest } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveKey } from '../../src/api/auth/secret.ts';
import { startService, writing } from './service.ts';
import type { TestService } from './service.ts';

// Nobody listens there: whatever looks like a token of the provider can't be looked at.
const provider = { id: 'idp', title: 'IdP', issuer: 'http://127.0.0.1:1', scopes: ['openid'], user_claim: 'sub' };
const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

let service: TestService;
let ann: Record<string, string>;
/** 'get /jobs/{job_id}', as GET / lists them. */
let operations: string[];
let job: string;

interface Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly text: string;
}

/** As it stands: fetch would tidy up paths. */
function raw(method: string, path: string, { headers = {}, body }: { headers?: Record<string, string>; body?: string | Buffer } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(service.url);
    const request = httpRequest({ hostname, port, agent, method: method.toUpperCase(), path, headers: { ...ann, ...(body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(body)) }), ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() }));
      answer.on('error', reject);
    });
    request.on('error', reject).end(body);
  });
}
const api = (method: string, path: string, init: Parameters<typeof raw>[2] = {}) => raw(method, `/openeo/1.3${path}`, init);

beforeAll(async () => {
  service = await startService({ oidc: [provider] });
  ann = await service.token('ann');
  service.work(writing(service.objects, { 'result.json': '{}' }));
  const { endpoints } = JSON.parse((await api('get', '/')).text) as { endpoints: { path: string; methods: string[] }[] };
  operations = ['get /', ...endpoints.flatMap(({ path, methods }) => methods.map((method) => `${method.toLowerCase()} ${path}`))];
  job = String((await api('post', '/jobs', { body: JSON.stringify({ process }) })).headers['openeo-identifier']);
});
afterAll(async () => {
  agent.destroy();
  await service.close();
});

/** What every answer must be, also to nonsense. */
function expectHarmless(answer: Answer, asked: string): void {
  // 501: the operation is not there; 503: come again later; the standard has 500 for what can't be estimated.
  if (answer.status >= 500 && !answer.text.includes('"EstimateComplexity"')) expect([501, 503], `${asked}: ${answer.status} ${answer.text}`).toContain(answer.status);
  expect(Object.keys(answer.headers)).not.toContain('x-injected');
  expect(answer.headers['set-cookie']).toBeUndefined();
  expect(answer.text).not.toMatch(/node_modules|\/src\/|\bat .*\.ts:\d|\/tmp\//);
  if (answer.status < 400 || answer.status === 424) return;
  expect(String(answer.headers['content-type']), asked).toMatch(/^application\/json/);
  const { code, message, id } = JSON.parse(answer.text) as Record<string, unknown>;
  expect([typeof code, typeof message, typeof id], asked).toEqual(['string', 'string', 'string']);
}

const each = (pattern: RegExp) => operations.filter((operation) => pattern.test(operation));
const split = (operation: string) => operation.split(' ') as [string, string];
/** With ids of things that there are, where there are some. */
const known = (path: string) => path.replace('{job_id}', job).replace('{collection_id}', 'S2/L2A').replace(/\{(\w+)\}/, 'nothing');
const bounded = (runs: number) => ({ numRuns: runs, endOnFailure: true, interruptAfterTimeLimit: 20_000 });

const traversals = ['..', '.', '../..', '..%2f..', '%2e%2e', '%2e%2e%2f%2e%2e', '%252e%252e%252f', '..%5c..', '..\\..', '%c0%ae%c0%ae/', '..;/', '....//', '%2e%2e/%2e%2e/etc/passwd', '..%00/', '%uff0e%uff0e/', '\u00ff\u00fe', '..%2f..%2f..%2fproc%2fself%2fenviron', 'file:///etc/passwd'];
const injections = ['a%0d%0aX-Injected:%20yes', '%0aSet-Cookie:%20a=b', 'a%E5%98%8A%E5%98%8DX-Injected:yes', 'a%0d%0a%0d%0a<html>'];
const broken = ['%', '%zz', '%e0%a4', '%ff%fe', '%ed%a0%80', '%00', '%F8%A1%A1%A1%A1'];
/** A part of a path, as it goes over the wire. */
const segment = fc.oneof(
  fc.constantFrom(...traversals, ...injections, ...broken, '__proto__', 'constructor', 'null', 'undefined', '-1', '0', '*', '$ne', '\'%20or%201=1--', '%22%3b%20drop%20table%20jobs%3b', '{job_id}', '@ann'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.integer({ min: 500, max: 6000 }).map((length) => 'x'.repeat(length)),
  fc.uuid(),
);

describe('a path', () => {
  it('of unknown, broken and climbing ids is refused by every operation', async () => {
    const target = fc.tuple(fc.constantFrom(...each(/\{/)), segment, fc.constantFrom('1.2', '1.3'));
    await fc.assert(fc.asyncProperty(target, async ([operation, id, version]) => {
      const [method, path] = split(operation);
      const body = /^(put|patch|post)/.test(method) && !path.startsWith('/files') ? '{"process_graph":{}}' : undefined;
      const answer = await raw(method, `/openeo/${version}${path.replace(/\{\w+\}/, id)}`, body === undefined ? {} : { body });
      expectHarmless(answer, `${operation} ${id}`);
      // A climbing path can lead to another place that there is, a file can be made, and what is not there need not be deleted.
      if (!path.startsWith('/files') && !/\.\.|%2e/i.test(id) && id !== '.') expect(answer.status, `${operation} ${id}`).toBeGreaterThanOrEqual(400);
    }), bounded(250));
  }, 60_000);

  it('never leads out of the folder of the user', async () => {
    for (const climb of [...traversals, ...broken, ...injections]) {
      for (const path of [`/openeo/1.3/files/${climb}`, `/openeo/1.3/files/a/${climb}/${climb}/objects/x`, `/assets/results/${climb}/1/x`, `/assets/items/${climb}/x/y`, `/openeo/1.3/${climb}/me`, `/${climb}`]) {
        for (const method of ['get', 'delete', 'put']) {
          const answer = await raw(method, path, method === 'put' ? { body: 'x' } : {});
          expectHarmless(answer, `${method} ${path}`);
          expect(answer.text).not.toMatch(/root:|PATH=/);
        }
      }
    }
  }, 60_000);

  it('means the same with doubled slashes and one at its end', async () => {
    for (const operation of each(/^get/)) {
      const path = known(split(operation)[1]);
      const plain = (await api('get', path)).status;
      for (const other of [`//openeo//1.3//${path.slice(1).replaceAll('/', '//')}`, `/openeo/1.3${path.replace(/\/$/, '')}/`, `/openeo///1.3${path}`]) {
        const answer = await raw('get', other);
        expectHarmless(answer, other);
        // 'files/nothing/' is a folder.
        if (!path.startsWith('/files/')) expect([other, answer.status]).toEqual([other, plain]);
      }
    }
  }, 60_000);
});

const names = ['process', 'process_graph', 'title', 'description', 'plan', 'budget', 'log_level', 'type', 'enabled', 'configuration', 'parameters', 'returns', 'id', 'status', 'links', 'job_options', 'public', 'categories', 'a', 'process_id', 'arguments', 'result', 'namespace', 'from_node', 'from_parameter', '__proto__', 'constructor', ''];
const anyJson = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 4 },
    fc.constantFrom<unknown>(null, true, 0, -1, 1e308, 'add', 'xyz', 'debug', '', '\u0000', '\ud800'), fc.string({ unit: 'binary', maxLength: 20 }), fc.double(), fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: fc.string({ maxLength: 10 }) }), tie('value'), { maxKeys: 5, noNullPrototype: true })),
})).value;
/** A sound request in which one property is something else. */
const nearlyRight = fc.tuple(fc.constantFrom(...names), anyJson).map(([name, value]) => ({ ...process, process, type: 'xyz', [name]: value }));
const withBody = /^(post|put|patch) (?!\/files)/;

describe('a body', () => {
  it('of wrong types is refused or taken by every operation', async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom(...each(withBody)), fc.oneof(anyJson, nearlyRight), async (operation, body) => {
      const [method, path] = split(operation);
      expectHarmless(await api(method, known(path), { body: JSON.stringify(body) ?? 'undefined' }), `${operation} ${JSON.stringify(body)}`);
    }), bounded(250));
  }, 60_000);

  it('that is no JSON, or none in UTF-8, is refused by every operation', async () => {
    const text = JSON.stringify({ process });
    const bad = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from([0xff, ...bytes])),
      fc.nat(text.length - 2).map((length) => Buffer.from(text.slice(0, length + 1))),
      fc.nat(text.length - 2).map((place) => Buffer.concat([Buffer.from(text.slice(0, place + 1)), Buffer.from([0xc3, 0x28]), Buffer.from(text.slice(place + 1))])),
      fc.constantFrom('[]', '"a"', '1', 'null', 'NaN', '{"a":}', '{} {}', '<xml/>').map((each) => Buffer.from(each)),
    );
    await fc.assert(fc.asyncProperty(fc.constantFrom(...each(withBody).filter((operation) => !operation.endsWith('/results'))), bad, async (operation, body) => {
      const [method, path] = split(operation);
      const answer = await api(method, known(path), { body });
      expectHarmless(answer, `${operation} ${body.toString('latin1')}`);
      expect(answer.status, `${operation} ${body.toString('latin1')} ${answer.text}`).toBe(400);
    }), bounded(200));
  }, 60_000);

  it('that is huge is refused with 413, announced or not', async () => {
    const huge = Buffer.from(JSON.stringify({ process, title: 'x'.repeat(9 * 1024 * 1024) }));
    for (const operation of each(withBody).filter((each) => !each.endsWith('/results'))) {
      const [method, path] = split(operation);
      const answer = await fetch(`${service.url}/openeo/1.3${known(path)}`, { method: method.toUpperCase(), headers: { ...ann, 'Content-Type': 'application/json' }, body: huge });
      expect([operation, answer.status, (await answer.json() as { code: string }).code]).toEqual([operation, 413, expect.any(String)]);
      const stream = new ReadableStream({ start: (controller) => void [controller.enqueue(huge), controller.close()] });
      const streamed = await fetch(`${service.url}/openeo/1.3${known(path)}`, { method: method.toUpperCase(), headers: { ...ann, 'Content-Type': 'application/json' }, body: stream, duplex: 'half' } as RequestInit);
      expect([operation, streamed.status]).toEqual([operation, 413]);
      await streamed.text();
    }
  }, 60_000);

  it('that is nested very deep is refused', async () => {
    for (const [open, close] of [['[', ']'], ['{"a":', '}'], ['{"process_graph":{"a":{"process_id":"add","result":true,"arguments":{"x":', '}}}}']] as const) {
      const deep = `{"process":{"process_graph":{"a":{"process_id":"add","result":true,"arguments":{"x":1,"y":${open.repeat(50_000)}1${close.repeat(50_000)}}}}},"process_graph":{},"type":"xyz"}`;
      for (const operation of each(withBody).filter((each) => !each.endsWith('/results'))) {
        const [method, path] = split(operation);
        const answer = await api(method, known(path), { body: deep });
        expectHarmless(answer, operation);
        expect([operation, answer.status]).toEqual([operation, 400]);
      }
    }
  }, 60_000);

  it('of another media type or a foreign encoding is refused', async () => {
    for (const headers of [{ 'Content-Type': 'text/plain' }, { 'Content-Type': 'application/xml' }, { 'Content-Type': '' }, { 'Content-Type': 'application/json; charset=iso-8859-1' }, { 'Content-Encoding': 'zip' }, { 'Content-Encoding': 'gzip' }, { 'Content-Type': 'application/json; charset=utf-16' }]) {
      const answer = await api('post', '/jobs', { headers: headers as unknown as Record<string, string>, body: JSON.stringify({ process }) });
      expectHarmless(answer, JSON.stringify(headers));
      expect(answer.status, JSON.stringify(headers)).toBe(400);
    }
  });

  it('with a budget below zero, or with one that is no number, is refused', async () => {
    for (const budget of [-1, -0.01, -1e308, '5', 'NaN', true, [], {}]) {
      for (const operation of each(/^(post|patch) \/(jobs|result|services)(\/\{\w+\})?$/)) {
        const [method, path] = split(operation);
        const answer = await api(method, known(path), { body: JSON.stringify({ process, type: 'xyz', budget }) });
        expectHarmless(answer, operation);
        if (path.includes('{service_id}')) continue;
        expect([operation, budget, answer.status, answer.text], answer.text).toEqual([operation, budget, 400, expect.stringMatching(/budget/i)]);
      }
    }
  });
});

describe('a query', () => {
  it('of nonsense is refused or ignored by every operation', async () => {
    const parameter = fc.constantFrom('limit', 'offset', 'level', 'partial', 'after', 'token', 'limit[]', 'limit[a]', '__proto__', 'constructor');
    const value = fc.oneof(fc.constantFrom('-1', '0', '1.5', '1e99', 'NaN', '99999999999999999999', '%ff', '%', '%00', '', 'error', 'true', '1%0d%0aX-Injected:yes'), fc.string({ unit: 'binary', maxLength: 10 }).map((text) => encodeURIComponent(text.toWellFormed())));
    const query = fc.array(fc.tuple(parameter, value).map((pair) => pair.join('=')), { minLength: 1, maxLength: 4 }).map((pairs) => pairs.join('&'));
    await fc.assert(fc.asyncProperty(fc.constantFrom(...each(/^get/)), query, async (operation, text) => {
      expectHarmless(await api('get', `${known(split(operation)[1])}?${text}`), `${operation} ${text}`);
    }), bounded(250));
  }, 60_000);
});

describe('headers', () => {
  const signed = (key: Uint8Array, expires: string | number, claims: Record<string, unknown> = {}) => new SignJWT({ gen: 0, cred: 'x', ...claims }).setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://x.example').setAudience('lamina').setSubject('ann').setJti('1').setIssuedAt(0).setExpirationTime(expires).sign(key);

  it('with an expired or foreign token are refused by every operation that needs one', async () => {
    const [own, foreign] = [deriveKey('a secret of at least thirty-two characters', 'tokens'), deriveKey('another secret of at least thirty-two', 'tokens')];
    const tokens = [await signed(own, 1), await signed(foreign, '1h'), await signed(own, '1h'), `${ann['Authorization']!.slice('Bearer '.length)}x`, 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.', 'a.b.c'];
    for (const token of tokens) {
      for (const operation of operations) {
        const [method, path] = split(operation);
        const without = (await api(method, known(path), { headers: { Authorization: '' } })).status;
        if (without !== 401) continue;
        for (const prefix of ['', 'basic//']) {
          const answer = await api(method, known(path), { headers: { Authorization: `Bearer ${prefix}${token}` } });
          expectHarmless(answer, operation);
          expect([operation, answer.status], answer.text).toEqual([operation, 403]);
        }
      }
    }
  }, 60_000);

  it('of nonsense are refused or ignored by every operation', async () => {
    const name = fc.constantFrom('Authorization', 'Accept', 'Accept-Encoding', 'Range', 'If-Range', 'If-None-Match', 'If-Modified-Since', 'Content-Type', 'Host', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Request-Id', 'Origin', 'Cookie', 'Expect');
    const value = fc.oneof(
      fc.constantFrom('', 'Bearer', 'Bearer  ', 'Basic', 'Basic =', `Basic ${btoa('\u0000:\u00ff')}`, 'Bearer oidc/idp/x', 'Bearer oidc//', 'Bearer basic//', 'bytes=-', 'bytes=9-1', 'bytes=0-99999999999999999999', '*/*;q=2', 'text/html', '"', 'W/"x"', 'a"><script>', '../..', 'x'.repeat(5000)),
      fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\u0020-\u007e]/g, '')),
      fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte > 127)).toString('latin1')),
    );
    await fc.assert(fc.asyncProperty(fc.constantFrom(...operations.filter((operation) => !operation.startsWith('delete'))), name, value, async (operation, header, text) => {
      const [method, path] = split(operation);
      const answer = await api(method, known(path), { headers: { [header]: text }, ...(withBody.test(operation) ? { body: '{}' } : {}) });
      expect(answer.headers['x-injected']).toBeUndefined();
      if (!String(answer.headers['content-type']).startsWith('text/html')) expectHarmless(answer, `${operation} ${header}: ${text}`);
    }), bounded(250));
  }, 60_000);

  it('of what is no HTTP are answered with an error object', async () => {
    const lines = ['GET\r\n\r\n', 'GET /openeo/1.3/ HTTP/9.9\r\n\r\n', 'GET /openeo/1.3/ HTTP/1.1\r\n\r\n', 'GET /openeo/1.3/ HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n', 'GET /a b c HTTP/1.1\r\nHost: x\r\n\r\n', 'BREW /openeo/1.3/ HTTP/1.1\r\nHost: x\r\n\r\n', `GET /openeo/1.3/ HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(100_000)}\r\n\r\n`, `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 'POST /openeo/1.3/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n', 'POST /openeo/1.3/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', 'GET http://evil.example/openeo/1.3/ HTTP/1.1\r\nHost: x\r\nContent-Length: a\r\n\r\n', '\u0016\u0003\u0001'];
    const { hostname, port } = new URL(service.url);
    for (const line of lines) {
      const answer = await new Promise<string>((resolve, reject) => {
        const socket = connect(Number(port), hostname, () => socket.end(line));
        let text = '';
        socket.on('data', (chunk) => (text += chunk.toString())).on('close', () => resolve(text)).on('error', (error: NodeJS.ErrnoException) => (text === '' ? reject(error) : resolve(text)));
      });
      expect(answer.slice(0, 40), line.slice(0, 60)).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))), line.slice(0, 60)).toMatchObject({ code: expect.any(String) as unknown, message: expect.any(String) as unknown });
    }
  });
});

it('left nothing unforeseen in the log', () => {
  expect(service.logged.filter(({ level, message }) => level === 'error' && /at .*:\d+:\d+/.test(message)).map(({ message }) => message)).toEqual([]);
});
