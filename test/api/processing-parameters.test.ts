/** The extension for processing parameters: what there is, whose value counts, and that it does something. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBatchRules } from '../../src/operators/batch-options.ts';
import { startService, writing } from './service.ts';
import type { TestService } from './service.ts';

let service: TestService;
let bearer: Record<string, string>;
beforeAll(async () => {
  service = await startService({ runtimeRules: { runtimes: ['onnx', 'bubblewrap', 'slurm+podman'], batch: parseBatchRules('partition=low,gpu; gres=gpu:*; time=2:00:00; extra=--nice=*') } });
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
  for (const parameter of Object.values(found).flat()) expect(parameter).toMatchObject({ name: expect.stringMatching(/^(timeout|job_options)$/), optional: true, description: expect.any(String), schema: { type: expect.stringMatching(/^(number|object)$/) } });
  expect(found['create_synchronous_parameters']!.map(({ name }) => name)).toEqual(['timeout']);
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

describe('how operators are run', () => {
  it('is announced, with what this service allows', async () => {
    const { create_job_parameters: found } = await (await call('GET', '/processing_parameters')).json() as { create_job_parameters: { name: string; schema: { properties: Record<string, { enum?: string[]; properties?: Record<string, { description: string }> }> } }[] };
    const { properties } = found.find(({ name }) => name === 'job_options')!.schema;
    expect(properties['runtime']!.enum).toEqual(['onnx', 'bubblewrap', 'slurm+podman']);
    expect(Object.keys(properties['slurm']!.properties!)).toEqual(['partition', 'account', 'time', 'gres', 'extra']);
    expect(properties['slurm']!.properties!['partition']!.description).toContain('low, gpu');
    expect(properties['slurm']!.properties!['account']!.description).toContain('allows none');
  });

  it('is kept with the job, also what other back-ends know', async () => {
    const job_options = { runtime: 'slurm+podman', slurm: { partition: 'low', time: '00:30:00', gres: 'gpu:a100:1', extra: ['--nice=100'] }, 'driver-memory': '2g' };
    expect(await made({ process: process(), job_options })).toMatchObject({ job_options });
    await store('clustered', { default_job_options: { job_options: { runtime: 'slurm+podman' } } });
    expect(await made({ process: process('clustered') })).toMatchObject({ job_options: { runtime: 'slurm+podman' } });
  });

  it.each<[string, unknown, string]>([
    ['another runtime', { runtime: 'containerless' }, "'runtime' must be one of onnx, bubblewrap, slurm+podman"],
    ['a runtime that there is not', { runtime: 7 }, "'runtime' must be one of"],
    ['another partition', { slurm: { partition: 'secret' } }, "'partition' can't be 'secret'; this service allows low, gpu"],
    ['an account, where none is allowed', { slurm: { account: 'e2s' } }, "'account' can't be 'e2s'; this service allows none"],
    ['too much time', { slurm: { time: '3:00:00' } }, "'time' can't be '3:00:00'; this service allows at most 120 minutes"],
    ['no time', { slurm: { time: 'long' } }, "'long' is no time"],
    ['a flag that is not allowed', { slurm: { extra: ['--exclusive'] } }, "'extra' can't have '--exclusive'; this service allows --nice=*"],
    ['a flag that starts a program', { slurm: { extra: ['--wrap=id'] } }, "'extra' can't have '--wrap=id'"],
    ['two flags in one', { slurm: { extra: ['--nice=1 --uid=0'] } }, "'extra' can't have '--nice=1 --uid=0'"],
    ['a flag that is no text', { slurm: { extra: [{}] } }, "'extra' can't have '{}'"],
    ['an option that there is not', { slurm: { export: 'ALL' } }, "there is no 'export'"],
    ['a list', [], 'it must be an object'],
  ])('is refused when it is %s, before anything is queued', async (_, job_options, message) => {
    const answer = await call('POST', '/jobs', { process: process(), job_options });
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code: 'ProcessParameterInvalid', message: expect.stringContaining(message) })]);
    expect((await call('PUT', '/process_graphs/bad', { ...process(), default_job_options: { job_options } })).status).toBe(200);
    expect((await call('POST', '/jobs', { process: process('bad') })).status).toBe(400);
  });

  it('can be changed until the job is started', async () => {
    const { id } = await made({ process: process() });
    expect((await call('PATCH', `/jobs/${String(id)}`, { job_options: { runtime: 'docker' } })).status).toBe(400);
    expect((await call('PATCH', `/jobs/${String(id)}`, { job_options: { runtime: 'bubblewrap' } })).status).toBe(204);
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
