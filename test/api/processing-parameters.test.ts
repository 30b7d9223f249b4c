/** The extension for processing parameters: what there is, whose value counts, and that it does something. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService, writing } from './service.ts';
import type { TestService } from './service.ts';

let service: TestService;
let bearer: Record<string, string>;
beforeAll(async () => {
  service = await startService();
  bearer = await service.token();
});
afterAll(() => service.close());

const call = (method: string, path: string, body?: unknown) => fetch(`${service.url}/openeo/1.3${path}`, { method, headers: { ...bearer, 'Content-Type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
const process = (id = 'add', namespace?: string) => ({ process_graph: { a: { process_id: id, ...(namespace && { namespace }), arguments: id === 'add' ? { x: 1, y: 2 } : {}, result: true } } });
const store = (id: string, more: object) => call('PUT', `/process_graphs/${id}`, { ...process(), ...more });

/** The job that a body makes. */
async function made(body: object): Promise<Record<string, unknown>> {
  const answer = await call('POST', '/jobs', body);
  expect(answer.status, await answer.clone().text()).toBe(201);
  return await (await call('GET', `/jobs/${answer.headers.get('openeo-identifier')}`)).json() as Record<string, unknown>;
}

it('lists what requests may say, all of it optional', async () => {
  const found = await (await call('GET', '/processing_parameters')).json() as Record<string, { name: string; optional: boolean }[]>;
  expect(Object.keys(found)).toEqual(['create_job_parameters', 'create_service_parameters', 'create_synchronous_parameters']);
  for (const parameter of Object.values(found).flat()) expect(parameter).toMatchObject({ name: 'timeout', optional: true, description: expect.any(String), schema: { type: 'number' } });
  const { conformsTo } = await (await call('GET', '/conformance')).json() as { conformsTo: string[] };
  expect(conformsTo).toContain('https://api.openeo.org/extensions/processing-parameters/0.1.0');
});

describe('the value that counts', () => {
  beforeAll(async () => {
    await store('slow', { default_job_options: { timeout: 77, unknown: 1 }, default_synchronous_options: { timeout: 1 } });
    await store('slower', { default_job_options: { timeout: 99 } });
    await store('wrong', { default_job_options: { timeout: 'long' } });
  });

  it('is that of the request, else that of the user-defined process, else none', async () => {
    expect(await made({ process: process('slow'), timeout: 5 })).toHaveProperty('timeout', 5);
    expect(await made({ process: process('slow') })).toHaveProperty('timeout', 77);
    expect(await made({ process: process('slow', 'user') })).toHaveProperty('timeout', 77);
    expect(await made({ process: process() })).not.toHaveProperty('timeout');
    expect(await made({ process: process('slow') })).not.toHaveProperty('unknown');
  });

  it('is null when the request says so', async () => {
    expect(await made({ process: process('slow'), timeout: null })).not.toHaveProperty('timeout');
  });

  it('is that of the first process in the graph', async () => {
    const graph = { a: { process_id: 'slower', arguments: {} }, b: { process_id: 'slow', arguments: {}, result: true } };
    expect(await made({ process: { process_graph: graph } })).toHaveProperty('timeout', 99);
  });

  it.each([['a text', '5'], ['zero', 0], ['below zero', -1], ['an object', {}]])('is refused when it is %s', async (_, timeout) => {
    const answer = await call('POST', '/jobs', { process: process(), timeout });
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'ProcessParameterInvalid', message: expect.stringContaining('timeout') })]);
  });

  it('is refused wherever it comes from', async () => {
    expect((await call('POST', '/jobs', { process: process('wrong') })).status).toBe(400);
    expect((await call('POST', '/result', { process: process(), timeout: 31 })).status).toBe(400);
    const { id } = await made({ process: process() });
    expect((await call('PATCH', `/jobs/${String(id)}`, { timeout: 'x' })).status).toBe(400);
    expect((await call('PATCH', `/jobs/${String(id)}`, { timeout: 3 })).status).toBe(204);
    expect((await call('PUT', '/process_graphs/p', { ...process(), default_job_options: [] })).status).toBe(400);
  });
});

describe('a time limit', () => {
  /** Work that ends when it is told to, as the evaluation of a graph does. */
  const working = (ms: number) => async (context: Parameters<ReturnType<typeof writing>>[0]) => {
    await delay(ms, undefined, { signal: context.signal });
    return writing(service.objects, { 'a.json': '1' })(context);
  };

  it('ends a request that takes longer, and no other', async () => {
    service.work(working(5000));
    const began = Date.now();
    const answer = await call('POST', '/result', { process: process(), timeout: 1 });
    expect([answer.status, await answer.json()]).toEqual([408, expect.objectContaining({ code: 'RequestTimeout', message: expect.stringContaining('1 seconds') })]);
    expect(Date.now() - began).toBeLessThan(4500);
    service.work(working(10));
    expect((await call('POST', '/result', { process: process(), timeout: 5 })).status).toBe(200);
  });

  it('ends a job with an error that its log explains', async () => {
    service.work(working(5000));
    const { id } = await made({ process: process(), timeout: 1 }) as { id: string };
    expect((await call('POST', `/jobs/${id}/results`)).status).toBe(202);
    await expect.poll(async () => (await (await call('GET', `/jobs/${id}`)).json() as { status: string }).status, { timeout: 4500 }).toBe('error');
    const { logs } = await (await call('GET', `/jobs/${id}/logs`)).json() as { logs: { code?: string; level: string }[] };
    expect(logs.at(-1)).toMatchObject({ level: 'error', code: 'RequestTimeout' });
  });
});
