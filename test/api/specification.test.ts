/**
 * Every operation of the openEO API answers, in both versions, and as the standard's OpenAPI documents say. The
 * recorder of the service compares the answers, here and in all other tests of the API.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/error-codes.ts';
import { invalidArgument } from '../../src/errors.ts';
import { specifications, standardOf } from './recorder/documents.ts';
import { startService, writing } from './service.ts';
import type { TestService } from './service.ts';

const provider = { id: 'idp', title: 'IdP', issuer: 'https://idp.example.org', scopes: ['openid'], user_claim: 'sub', default_clients: [{ id: 'people', grant_types: ['refresh_token'] }] };
const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
/** All that the service leaves out, with the reason. */
const leftOut: readonly string[] = [];

describe.each([['1.2.0', '1.2'], ['1.3.0', '1.3']])('openEO API %s', (version, path) => {
  const standard = standardOf(version);
  if (typeof standard === 'string') return void it.skip(`skipped: ${standard}`, () => {});

  let service: TestService;
  let bearer: Record<string, string>;
  const call = (target: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) => fetch(`${service.url}/openeo/${path}${target}`, { ...init, headers: { ...bearer, 'Content-Type': 'application/json', ...init.headers } });
  const send = (method: string, target: string, body: unknown) => call(target, { method, body: JSON.stringify(body) });
  /** The status of an answer, whose body is read to its end. */
  const status = async (answer: Promise<Response>) => {
    const { status: code, ...rest } = { status: (await answer).status, body: await (await answer).text() };
    return code >= 400 ? `${code} ${rest.body}` : code;
  };

  beforeAll(async () => {
    service = await startService({ oidc: [provider] });
    bearer = await service.token();
  });
  afterAll(() => service.close());

  const work = async () => service.work(async (context) => {
    context.log.info('hello', { path: [{ node_id: 'a', process_id: 'add' }], data: { x: 1 } });
    return writing(service.objects, { 'a.tif': 'x' }, 'image/tiff; application=geotiff')(context);
  });

  async function finished(): Promise<string> {
    const id = (await send('POST', '/jobs', { process, title: 'T', description: 'D' })).headers.get('openeo-identifier')!;
    await call(`/jobs/${id}/results`, { method: 'POST' });
    for (let i = 0; i < 200; i++) {
      if (['finished', 'error'].includes((await (await call(`/jobs/${id}`)).json() as { status: string }).status)) return id;
      await delay(20);
    }
    throw new Error('The job did not end.');
  }

  it.each([
    '/', '/conformance', '/file_formats', '/udf_runtimes', '/service_types', '/collections', '/collections/S2/L2A', '/collections/S2/L2A/queryables', '/processes', '/credentials/oidc', '/me',
    '/process_graphs', '/jobs', '/services', '/files',
  ])('GET %s', async (target) => {
    expect(await status(call(target))).toBe(200);
  });

  it('GET /.well-known/openeo', async () => {
    expect(await status(fetch(`${service.url}/.well-known/openeo`))).toBe(200);
  });

  it('GET /credentials/basic', async () => {
    expect(await status(call('/credentials/basic', { headers: { Authorization: `Basic ${btoa('ann:secret')}` } }))).toBe(200);
  });

  it('user-defined processes', async () => {
    const own = { process_graph: { a: { process_id: 'add', arguments: { x: { from_parameter: 'x' }, y: 1 }, result: true } }, parameters: [{ name: 'x', description: 'A number.', schema: { type: 'number' } }], returns: null, summary: 'S', description: null, categories: ['math'] };
    expect(await status(send('PUT', '/process_graphs/plus', own))).toBe(200);
    expect(await status(call('/process_graphs'))).toBe(200);
    expect(await status(call('/process_graphs/plus'))).toBe(200);
    expect((await send('PUT', '/process_graphs/add', own)).status).toBe(400);
    expect(await status(call('/process_graphs/plus', { method: 'DELETE' }))).toBe(204);
    expect((await call('/process_graphs/plus')).status).toBe(404);
  });

  it('POST /validation', async () => {
    expect(await status(send('POST', '/validation', process))).toBe(200);
    expect(await (await send('POST', '/validation', { process_graph: { a: { process_id: 'nope', arguments: {}, result: true } } })).json()).toMatchObject({ errors: [{ code: 'ProcessUnsupported' }] });
  });

  it('POST /result', async () => {
    await work();
    const answer = await send('POST', '/result', { process });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([200, 'image/tiff; application=geotiff', 'x']);
    expect((await send('POST', '/result', { process: { process_graph: {} } })).status).toBe(400);
  });

  it('a job, its estimate, its log and its results', async () => {
    await work();
    const id = await finished();
    for (const target of ['', '/estimate', '/logs', '/results']) expect(await status(call(`/jobs/${id}${target}`)), target).toBe(200);
    expect(await status(call('/jobs'))).toBe(200);
    expect(await status(send('PATCH', `/jobs/${id}`, { title: 'Other' }))).toBe(204);
    expect(await status(call(`/jobs/${id}/results`, { method: 'DELETE' }))).toBe(204);
    expect(await status(call(`/jobs/${id}`, { method: 'DELETE' }))).toBe(204);
  });

  it('the error of a job', async () => {
    service.work(async () => {
      throw invalidArgument('add', 'x', 'it must not be.');
    });
    expect((await call(`/jobs/${await finished()}/results`)).status).toBe(424);
  });

  it('a service', async () => {
    const created = await send('POST', '/services', { process, type: 'xyz', title: 'T', enabled: true });
    expect(await status(Promise.resolve(created))).toBe(201);
    const here = `/services/${created.headers.get('openeo-identifier')}`;
    for (const target of [here, `${here}/logs`, '/services']) expect(await status(call(target)), target).toBe(200);
    expect(await status(send('PATCH', here, { title: 'Other' }))).toBe(204);
    expect(await status(call(here, { method: 'DELETE' }))).toBe(204);
    expect((await call(here)).status).toBe(404);
  });

  it('files', async () => {
    expect(await status(call('/files/a/b.txt', { method: 'PUT', body: 'hello' }))).toBe(200);
    for (const target of ['/files', '/files/a/b.txt']) expect(await status(call(target)), target).toBe(200);
    expect((await call('/files/a/b.txt', { headers: { Range: 'bytes=99-' } })).status).toBe(416);
    expect(await status(call('/files/a/b.txt', { method: 'DELETE' }))).toBe(204);
  });

  it('errors', async () => {
    expect((await call('/jobs/nothing')).status).toBe(404);
    expect((await call('/collections/NOPE')).status).toBe(404);
    expect((await fetch(`${service.url}/openeo/${path}/me`)).status).toBe(401);
    expect((await call('/result', { method: 'POST', body: '{' })).status).toBe(400);
    expect((await call('/no/such/endpoint')).status).toBe(404);
  });

  it('lists endpoints under the names of the standard, and all of them', async () => {
    const { endpoints } = await (await call('/')).json() as { endpoints: { path: string; methods: string[] }[] };
    const listed = endpoints.flatMap((endpoint) => endpoint.methods.map((method) => `${method.toLowerCase()} ${endpoint.path}`));
    const extensions = ['get /processing_parameters'];
    const all = standard.operations.map((operation) => `${operation.method} ${operation.path}`).filter((operation) => !['get /', 'get /.well-known/openeo'].includes(operation));
    expect(listed.filter((operation) => !extensions.includes(operation)).toSorted()).toEqual(all.filter((operation) => !leftOut.includes(operation)).toSorted());
  });

  it('has all codes of the standard with their status', () => {
    const codes = JSON.parse(readFileSync(`${specifications}api-${version}/errors.json`, 'utf8')) as Record<string, { http: number }>;
    for (const [code, { http }] of Object.entries(codes)) expect(errorCodes[code as keyof typeof errorCodes]?.status, code).toBe(http);
  });

  it('was asked for every operation, and each answered with success', () => {
    const exercised = service.recorder.exercised.get(version)!;
    const wanting = standard.operations.map((operation) => `${operation.method} ${operation.path}`)
      .filter((operation) => !leftOut.includes(operation) && ![...exercised.get(operation) ?? []].some((code) => code < 300));
    expect(standard.operations).toHaveLength(39);
    expect(wanting).toEqual([]);
    expect(service.recorder.problems).toEqual([]);
  });
});
