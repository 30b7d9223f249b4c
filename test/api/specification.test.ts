/** Every kind of answer against the response schemas of the openEO API, in both versions. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/error-codes.ts';
import { invalidArgument } from '../../src/errors.ts';
import { startService, writing } from './service.ts';
import type { TestService } from './service.ts';

const shared = new URL('../../../shared/spec/openeo/', import.meta.url).pathname;

interface Schema {
  [key: string]: unknown;
}

/** The OpenAPI document; a text that says why it can't be had. */
function specification(version: string): Schema | string {
  const folder = `${shared}api-${version}`;
  if (!existsSync(folder)) return `${folder} is absent`;
  if (existsSync(`${folder}/openapi.json`)) return JSON.parse(readFileSync(`${folder}/openapi.json`, 'utf8')) as Schema;
  try {
    const convert = 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout, default=str)';
    return JSON.parse(execFileSync('python3', ['-c', convert, `${folder}/openapi.yaml`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e8 })) as Schema;
  } catch {
    return 'python3 with PyYAML, which reads the document, is absent';
  }
}

/** openEO's own test suite ignores `nullable`, so no answer may need it. */
function withoutNullable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNullable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([key, inner]) => key !== 'nullable' || typeof inner !== 'boolean').map(([key, inner]) => [key, withoutNullable(inner)]));
}

function validatorOf(document: Schema): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addFormat('commonmark', true);
  // Map links are templates with {z}/{x}/{y}, as the web map links extension of STAC has them.
  ajv.addFormat('uri', (text) => URL.canParse(text));
  return ajv.addSchema({ ...withoutNullable(document) as Schema, $id: 'openapi' });
}

describe.each([['1.2.0', '1.2'], ['1.3.0', '1.3']])('openEO API %s', (version, path) => {
  const document = specification(version);
  if (typeof document === 'string') return void it.skip(`skipped: ${document}`, () => {});

  const ajv = validatorOf(document);
  let service: TestService;
  let bearer: Record<string, string>;
  const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
  const call = (target: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) => fetch(`${service.url}/openeo/${path}${target}`, { ...init, headers: { ...bearer, 'Content-Type': 'application/json', ...init.headers } });

  beforeAll(async () => {
    service = await startService();
    bearer = await service.token();
    service.work(async (context) => {
      context.log.info('hello', { path: [{ node_id: 'a', process_id: 'add' }], data: { x: 1 } });
      return writing(service.objects, { 'a.tif': 'x' }, 'image/tiff; application=geotiff')(context);
    });
  });
  afterAll(() => service.close());

  /** The pointer of a response's schema, references to responses followed. */
  function schemaOf(endpoint: string, method: string, status: string): string {
    const responses = ((document as { paths: Record<string, Record<string, { responses: Record<string, Schema> }>> }).paths[endpoint]![method]!).responses;
    const response = responses[status] ?? responses[`${status[0]}XX`]!;
    const escaped = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1');
    const place = typeof response.$ref === 'string' ? response.$ref.slice(1) : `/paths/${escaped(endpoint)}/${method}/responses/${responses[status] ? status : `${status[0]}XX`}`;
    return `openapi#${encodeURI(`${place}/content/application~1json/schema`)}`;
  }

  async function check(answer: Response, endpoint: string, method = 'get'): Promise<Schema> {
    const body = await answer.json() as Schema;
    const validate = ajv.compile({ $ref: schemaOf(endpoint, method, String(answer.status)) });
    if (!validate(body)) throw new Error(`${method} ${endpoint} ${answer.status}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body).slice(0, 2000)}`);
    return body;
  }

  async function finished(): Promise<string> {
    const id = (await call('/jobs', { method: 'POST', body: JSON.stringify({ process, title: 'T', description: 'D' }) })).headers.get('openeo-identifier')!;
    await call(`/jobs/${id}/results`, { method: 'POST' });
    for (let i = 0; i < 200; i++) {
      if (['finished', 'error'].includes((await (await call(`/jobs/${id}`)).json() as { status: string }).status)) return id;
      await delay(20);
    }
    throw new Error('The job did not end.');
  }

  // Not /processes: its schema refuses the standard's own descriptions, which test/processes compares ours with.
  it.each(['/', '/conformance', '/file_formats', '/udf_runtimes', '/collections', '/me', '/jobs'])('GET %s', async (endpoint) => {
    if (endpoint === '/jobs') await finished();
    const answer = await call(endpoint);
    expect(answer.status).toBe(200);
    await check(answer, endpoint);
  });

  it('GET /.well-known/openeo', async () => {
    await check(await fetch(`${service.url}/.well-known/openeo`), '/.well-known/openeo');
  });

  it('GET /collections/{collection_id}', async () => {
    await check(await call('/collections/S2/L2A'), '/collections/{collection_id}');
  });

  it('GET /credentials/basic', async () => {
    await check(await call('/credentials/basic', { headers: { Authorization: `Basic ${btoa('ann:secret')}` } }), '/credentials/basic');
  });

  it('user-defined processes', async () => {
    // Without parameters: the document refuses every schema, also the standard's own.
    const own = { process_graph: { a: { process_id: 'add', arguments: { x: 2, y: 1 }, result: true } }, parameters: null, returns: null, summary: 'S', description: null, categories: ['math'] };
    expect((await call('/process_graphs/plus', { method: 'PUT', body: JSON.stringify(own) })).status).toBe(200);
    await check(await call('/process_graphs'), '/process_graphs');
    await check(await call('/process_graphs/plus'), '/process_graphs/{process_graph_id}');
    await check(await call('/process_graphs/minus'), '/process_graphs/{process_graph_id}');
    await check(await call('/process_graphs/add', { method: 'PUT', body: JSON.stringify(own) }), '/process_graphs/{process_graph_id}', 'put');
    expect((await call('/process_graphs/plus', { method: 'DELETE' })).status).toBe(204);
  });

  it('POST /validation', async () => {
    const answer = await call('/validation', { method: 'POST', body: JSON.stringify({ process_graph: { a: { process_id: 'nope', arguments: {} } } }) });
    const { errors } = await check(answer, '/validation', 'post') as { errors: unknown[] };
    expect(errors.length).toBeGreaterThan(0);
  });

  it('a job, its log and its results', async () => {
    const id = await finished();
    await check(await call(`/jobs/${id}`), '/jobs/{job_id}');
    const { logs } = await check(await call(`/jobs/${id}/logs`), '/jobs/{job_id}/logs') as { logs: unknown[] };
    expect(logs).toHaveLength(1);
    const results = await call(`/jobs/${id}/results`);
    expect(results.status).toBe(200);
    // The worker of this test says `datetime: null`, which STAC allows and this schema has as nullable.
    const body = await results.json() as { properties: Schema };
    await check(new Response(JSON.stringify({ ...body, properties: { ...body.properties, datetime: '2021-01-01T00:00:00Z' } })), '/jobs/{job_id}/results');
  });

  it('the error of a job', async () => {
    service.work(async () => {
      throw invalidArgument('add', 'x', 'it must not be.');
    });
    const answer = await call(`/jobs/${await finished()}/results`);
    expect(answer.status).toBe(424);
    await check(answer, '/jobs/{job_id}/results');
  });

  it('errors', async () => {
    await check(await call('/jobs/nothing'), '/jobs/{job_id}');
    await check(await call('/collections/NOPE'), '/collections/{collection_id}');
    await check(await fetch(`${service.url}/openeo/${path}/me`), '/me');
    await check(await call('/result', { method: 'POST', body: '{' }), '/result', 'post');
  });

  it('lists endpoints under the names of the standard', async () => {
    const { endpoints } = await (await call('/')).json() as { endpoints: { path: string; methods: string[] }[] };
    const { paths } = document as { paths: Record<string, Schema> };
    for (const endpoint of endpoints) {
      for (const method of endpoint.methods) expect(paths[endpoint.path], `${method} ${endpoint.path}`).toHaveProperty(method.toLowerCase());
    }
  });

  it('has all codes of the standard with their status', () => {
    const file = `${shared}api-${version}/errors.json`;
    const standard = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { http: number }>;
    for (const [code, { http }] of Object.entries(standard)) {
      if (code in errorCodes) expect(errorCodes[code as keyof typeof errorCodes].status, code).toBe(http);
    }
    expect(Object.keys(standard).filter((code) => !(code in errorCodes))).toEqual([]);
  });
});
