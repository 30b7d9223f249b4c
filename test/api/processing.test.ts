/** Synchronous results, batch jobs, their results and logs over HTTP. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { invalidArgument } from '../../src/errors.ts';
import { defaultLimits } from '../../src/jobs/limits.ts';
import { hasSchemas, problemsOf } from './stac/validator.ts';
import { emptyResult, startService, writing } from './service.ts';
import type { TestService } from './service.ts';

let service: TestService;
let bearer: Record<string, string>;
let bob: Record<string, string>;

beforeAll(async () => {
  service = await startService();
  bearer = await service.token();
  const answer = await fetch(`${service.url}/openeo/1.3/credentials/basic`, { headers: { Authorization: `Basic ${btoa('bob:other')}` } });
  bob = { Authorization: `Bearer ${(await answer.json() as { access_token: string }).access_token}` };
});
afterAll(() => service.close());
beforeEach(() => service.work(writing(service.objects, { 'result.json': '{"a":1}' })));

const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
type Body = Record<string, unknown>;
const api = (path: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) => fetch(`${service.url}/openeo/1.3${path}`, { ...init, headers: { ...bearer, ...init.headers } });
const json = async (answer: Response) => answer.json() as Promise<Body>;
const send = (method: string, path: string, body: unknown) => api(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

async function create(body: Body = { process }): Promise<string> {
  const answer = await send('POST', '/jobs', body);
  expect(answer.status).toBe(201);
  return answer.headers.get('openeo-identifier')!;
}

async function until(id: string, status: string): Promise<Body> {
  for (let i = 0; i < 200; i++) {
    const job = await json(await api(`/jobs/${id}`));
    if (job.status === status) return job;
    await delay(20);
  }
  throw new Error(`The job did not become ${status}.`);
}

describe('POST /result', () => {
  it('sends the one file with its media type, an id, and where its log is', async () => {
    const answer = await send('POST', '/result', { process, title: null, plan: null, budget: null, log_level: null });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('content-length')).toBe('7');
    expect(answer.headers.get('lamina-blocks-cached')).toBe('3');
    expect(await answer.text()).toBe('{"a":1}');
    const id = answer.headers.get('openeo-identifier')!;
    const link = /^<([^>]+)>; rel="monitor"$/.exec(answer.headers.get('link')!)![1]!;
    expect(link).toContain(id);
    expect(await (await fetch(link, { headers: bearer })).json()).toEqual({ level: 'info', logs: [], links: [] });
    expect((await fetch(link, { headers: bob })).status).toBe(404);
    expect((await fetch(link)).status).toBe(401);
  });

  it('keeps no file after it was sent, and is no batch job', async () => {
    const id = (await send('POST', '/result', { process })).headers.get('openeo-identifier')!;
    await delay(50);
    const left = [];
    for await (const { key } of service.objects.list(`results/${id}/`)) left.push(key);
    expect(left).toEqual([]);
    expect((await api(`/jobs/${id}`)).status).toBe(404);
  });

  it('sends several files as a tar archive with a STAC item', async () => {
    service.work(writing(service.objects, { 'a.txt': 'x'.repeat(600), 'ü.txt': '' }, 'text/plain'));
    const answer = await send('POST', '/result', { process });
    expect(answer.headers.get('content-type')).toBe('application/x-tar');
    const folder = await mkdtemp(join(tmpdir(), 'lamina-tar-'));
    await writeFile(join(folder, 'all.tar'), Buffer.from(await answer.arrayBuffer()));
    await promisify(execFile)('tar', ['-xf', 'all.tar'], { cwd: folder });
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('x'.repeat(600));
    expect(await readFile(join(folder, 'ü.txt'), 'utf8')).toBe('');
    expect(JSON.parse(await readFile(join(folder, 'item.json'), 'utf8'))).toMatchObject({
      type: 'Feature', assets: { 'a.txt': { href: './a.txt', type: 'text/plain', 'file:size': 600 }, 'ü.txt': { href: './%C3%BC.txt' } },
    });
    await rm(folder, { recursive: true });
  });

  it('answers with the error of the worker, and where the log is', async () => {
    service.work(async ({ log }) => {
      log.info('about to fail');
      const error = invalidArgument('ndvi', 'red', 'there is no such band.');
      error.path = [{ node_id: 'n1', process_id: 'ndvi' }];
      throw error;
    });
    const answer = await send('POST', '/result', { process });
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(/no such band.*'n1' \(ndvi\)/) });
    const link = /^<([^>]+)>/.exec(answer.headers.get('link')!)![1]!;
    const { logs } = await (await fetch(link, { headers: bearer })).json() as { logs: Body[] };
    expect(logs).toMatchObject([{ level: 'info' }, { level: 'error', code: 'ProcessParameterInvalid', path: [{ node_id: 'n1', process_id: 'ndvi' }] }]);
  });

  it.each([
    ['no process', {}, 'ProcessGraphMissing', 'process'],
    ['no graph', { process: {} }, 'ProcessGraphMissing', ''],
    ['an unknown process', { process: { process_graph: { a: { process_id: 'nope', arguments: {}, result: true } } } }, 'ProcessUnsupported', 'nope'],
    ['two errors', { process: { process_graph: { a: { process_id: 'add', arguments: { x: 'one', y: 'two' }, result: true } } } }, 'ProcessParameterInvalid', '1 more error'],
    ['an unknown log level', { process, log_level: 'loud' }, 'ProcessParameterInvalid', 'log_level'],
  ])('refuses %s before any work', async (_, body, code, named) => {
    service.work(() => {
      throw new Error('no work is expected');
    });
    const answer = await send('POST', '/result', body);
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({ code, message: expect.stringContaining(named) });
  });

  it('needs a login, even before it reads the body', async () => {
    expect((await fetch(`${service.url}/openeo/1.3/result`, { method: 'POST', body: 'not json' })).status).toBe(401);
  });

  it('tells who asks for too much when to come again, also scripts of other sites', async () => {
    service.work(null);
    const leave = new AbortController();
    const waiting = Array.from({ length: defaultLimits.syncMaxPerUser }, () => api('/result', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ process }), signal: leave.signal }).catch(() => {}));
    const underWay = async () => (await service.database.query<{ count: number }>(`select count(*)::int as count from jobs where kind = 'sync' and status in ('queued', 'running')`))[0]!.count;
    await expect.poll(underWay, { timeout: 20_000 }).toBe(defaultLimits.syncMaxPerUser);
    const answer = await api('/result', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ process }) });
    expect(answer.status).toBe(429);
    expect(await json(answer)).toMatchObject({ code: 'TooManyRequests', message: expect.stringContaining(`${defaultLimits.syncMaxPerUser} synchronous requests`) });
    expect(answer.headers.get('retry-after')).toBe('5');
    expect(answer.headers.get('access-control-expose-headers')).toContain('Retry-After');
    leave.abort();
    await Promise.all(waiting);
  });

  it('stops the work when the client goes away', async () => {
    let stopped: (() => void) | undefined;
    const noticed = new Promise<void>((resolve) => (stopped = resolve));
    let begun: (() => void) | undefined;
    const working = new Promise<void>((resolve) => (begun = resolve));
    service.work(({ signal }) => new Promise((_, reject) => {
      begun!();
      signal.addEventListener('abort', () => {
        stopped!();
        reject(new Error('stopped'));
      });
    }));
    const { port } = new URL(service.url);
    const request = httpRequest({ port, path: '/openeo/1.3/result', method: 'POST', headers: { ...bearer, 'Content-Type': 'application/json' } });
    request.on('error', () => {});
    request.end(JSON.stringify({ process }));
    await working;
    request.destroy();
    await noticed;
  });
});

describe('batch jobs', () => {
  it('are created with what the client sent, and given back', async () => {
    const answer = await send('POST', '/jobs', { process, title: 'A job', description: null, plan: null, budget: null, job_options: { memory: '2g' }, status: 'finished', id: 'mine' });
    expect(answer.status).toBe(201);
    const id = answer.headers.get('openeo-identifier')!;
    expect(answer.headers.get('location')).toBe(`${service.url}/openeo/1.3/jobs/${id}`);
    const job = await json(await fetch(answer.headers.get('location')!, { headers: bearer }));
    expect(job).toMatchObject({ id, title: 'A job', process, status: 'created', progress: 0, job_options: { memory: '2g' }, log_level: 'info' });
    expect(Object.values(job)).not.toContain(null);
    expect(job).not.toHaveProperty('queued');
  });

  it('are refused when the process can not run', async () => {
    const answer = await send('POST', '/jobs', { process: { process_graph: {} } });
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({ code: 'ProcessGraphInvalid' });
  });

  it('are listed without processes, in pages when asked for', async () => {
    const ids = [await create(), await create()].reverse();
    const all = await json(await api('/jobs')) as { jobs: Body[]; links: unknown[] };
    expect(all.jobs.slice(0, 2).map(({ id }) => id)).toEqual(ids);
    expect(all.links).toEqual([]);
    for (const job of all.jobs) expect(job).not.toHaveProperty('process');
    const page = await json(await api('/jobs?limit=1')) as { jobs: Body[]; links: { rel: string; href: string }[] };
    expect(page.jobs.map(({ id }) => id)).toEqual(ids.slice(0, 1));
    const next = await (await fetch(page.links.find(({ rel }) => rel === 'next')!.href, { headers: bearer })).json() as { jobs: Body[] };
    expect(next.jobs.map(({ id }) => id)).toEqual(ids.slice(1));
    for (const limit of ['0', '-1', 'x', '1.5']) expect((await api(`/jobs?limit=${limit}`)).status).toBe(400);
    expect(await (await fetch(`${service.url}/openeo/1.3/jobs`, { headers: bob })).json()).toEqual({ jobs: [], links: [] });
  });

  it('are changed while they do not run', async () => {
    const id = await create({ process, title: 'old', description: 'to go' });
    expect((await send('PATCH', `/jobs/${id}`, { title: 'new', description: null, extra: 1 })).status).toBe(204);
    const job = await json(await api(`/jobs/${id}`));
    expect(job).toMatchObject({ title: 'new', extra: 1, process });
    expect(job).not.toHaveProperty('description');
    expect(await json(await send('PATCH', `/jobs/${id}`, {}))).toMatchObject({ code: 'NoDataForUpdate' });
    expect(await json(await send('PATCH', `/jobs/${id}`, { status: 'finished' }))).toMatchObject({ code: 'PropertyNotEditable', message: expect.stringContaining('status') });
    expect(await json(await send('PATCH', `/jobs/${id}`, { process: { process_graph: {} } }))).toMatchObject({ code: 'ProcessGraphInvalid' });
    expect(await json(await send('PATCH', `/jobs/${id}`, { process: null }))).toMatchObject({ code: 'ProcessGraphMissing' });
    service.work(null);
    await api(`/jobs/${id}/results`, { method: 'POST' });
    expect(await json(await send('PATCH', `/jobs/${id}`, { title: 'late' }))).toMatchObject({ code: 'JobLocked' });
  });

  it('belong to their user', async () => {
    const id = await create();
    for (const [method, path] of [['GET', ''], ['DELETE', ''], ['GET', '/logs'], ['GET', '/results'], ['POST', '/results'], ['DELETE', '/results']]) {
      const answer = await fetch(`${service.url}/openeo/1.3/jobs/${id}${path}`, { method: method!, headers: bob });
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'JobNotFound' });
    }
    expect((await fetch(`${service.url}/openeo/1.3/jobs/${id}`, { method: 'PATCH', headers: { ...bob, 'Content-Type': 'application/json' }, body: '{"title":"mine"}' })).status).toBe(404);
  });

  it('run from start to results', async () => {
    const id = await create({ process, title: 'T' });
    expect(await json(await api(`/jobs/${id}/results`))).toMatchObject({ code: 'JobNotStarted' });
    const started = await api(`/jobs/${id}/results`, { method: 'POST' });
    expect(started.status).toBe(202);
    const job = await until(id, 'finished');
    expect(job).toMatchObject({ progress: 100, queued: expect.any(String), started: expect.any(String), usage: { duration: { unit: 's' } } });
    const { links } = job as { links: { rel: string; href: string }[] };
    // The log for programs, the page for people, what came of it.
    expect(links.map(({ rel }) => rel)).toEqual(['monitor', 'monitor', 'result']);

    const answer = await fetch(links[2]!.href, { headers: bearer });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^application\/geo\+json/);
    const item = await answer.json() as { assets: Record<string, { href: string }>; links: { rel: string; href: string }[]; properties: Body };
    expect(item).toMatchObject({
      type: 'Feature', stac_version: '1.1.0', id, bbox: [4, 50, 5, 51], geometry: { type: 'Polygon' },
      properties: { title: 'T', datetime: null, start_datetime: '2021-01-01T00:00:00Z', expires: expect.any(String) },
      assets: { 'result.json': { type: 'application/json', roles: ['data'], 'proj:code': 'EPSG:32631', 'file:size': 7 } },
    });
    expect(item.links).toContainEqual({ rel: 'derived_from', href: `${service.url}/stac/collections/S2%2FL2A/items/scene%201`, type: 'application/geo+json' });
    expect(await (await fetch(item.assets['result.json']!.href)).text()).toBe('{"a":1}');
    if (hasSchemas) expect(await problemsOf(item)).toEqual([]);
    const canonical = await fetch(item.links.find(({ rel }) => rel === 'canonical')!.href);
    expect(await canonical.json()).toMatchObject({ id, assets: { 'result.json': { href: expect.stringContaining('/assets/results/') } } });
  });

  it('tell why they failed, with 424', async () => {
    service.work(async () => {
      throw invalidArgument('ndvi', 'red', 'there is no such band.');
    });
    const id = await create();
    await api(`/jobs/${id}/results`, { method: 'POST' });
    await until(id, 'error');
    const answer = await api(`/jobs/${id}/results`);
    expect(answer.status).toBe(424);
    expect(await json(answer)).toMatchObject({ id: expect.any(String), level: 'error', code: 'ProcessParameterInvalid', message: expect.stringContaining('no such band') });
  });

  it('have no results while they run, unless partial ones are asked for', async () => {
    service.work(null);
    const id = await create();
    await api(`/jobs/${id}/results`, { method: 'POST' });
    expect(await json(await api(`/jobs/${id}/results`))).toMatchObject({ code: 'JobNotFinished' });
    expect(await json(await api(`/jobs/${id}/results?partial=true`))).toMatchObject({ type: 'Feature', assets: {}, properties: { 'openeo:status': 'running' } });
    expect((await api(`/jobs/${id}/results`, { method: 'POST' })).status).toBe(202);
    expect((await api(`/jobs/${id}/results`, { method: 'DELETE' })).status).toBe(204);
    expect(await json(await api(`/jobs/${id}`))).toMatchObject({ status: 'created' });
    expect((await api(`/jobs/${id}/results`, { method: 'DELETE' })).status).toBe(204);
  });

  it('are deleted with files and links, also while they run', async () => {
    const id = await create();
    await api(`/jobs/${id}/results`, { method: 'POST' });
    await until(id, 'finished');
    const { assets } = await json(await api(`/jobs/${id}/results`)) as { assets: Record<string, { href: string }> };
    expect((await api(`/jobs/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await api(`/jobs/${id}`)).status).toBe(404);
    expect((await fetch(assets['result.json']!.href)).status).toBe(410);
    service.work(null);
    const running = await create();
    await api(`/jobs/${running}/results`, { method: 'POST' });
    expect((await api(`/jobs/${running}`, { method: 'DELETE' })).status).toBe(204);
  });

  it('have links that die with the next start', async () => {
    const id = await create();
    await api(`/jobs/${id}/results`, { method: 'POST' });
    await until(id, 'finished');
    const { assets } = await json(await api(`/jobs/${id}/results`)) as { assets: Record<string, { href: string }> };
    service.work(null);
    await api(`/jobs/${id}/results`, { method: 'POST' });
    expect((await fetch(assets['result.json']!.href)).status).toBe(410);
  });

  it('have logs with string ids, offset, level and limit', async () => {
    service.work(async ({ log }) => {
      log.debug('unseen');
      log.info('one', { path: [{ node_id: 'outer', process_id: 'apply' }, { node_id: 'inner', process_id: 'add' }] });
      log.warning('two');
      log.error('three');
      return emptyResult;
    });
    const id = await create({ process, log_level: 'info' });
    expect(await json(await api(`/jobs/${id}/logs`))).toEqual({ level: 'info', logs: [], links: [] });
    await api(`/jobs/${id}/results`, { method: 'POST' });
    await until(id, 'finished');
    type Logs = { level: string; logs: { id: string; message: string }[]; links: { rel: string; href: string }[] };
    const logs = async (query: string) => await json(await api(`/jobs/${id}/logs${query}`)) as unknown as Logs;
    const all = await logs('?offset=');
    expect(all).toMatchObject({ level: 'info', logs: [
      { level: 'info', message: 'one', path: [{ node_id: 'inner', process_id: 'add' }, { node_id: 'outer', process_id: 'apply' }] }, { message: 'two' }, { message: 'three' },
    ] });
    expect((await logs(`?offset=${all.logs[0]!.id}`)).logs.map(({ message }) => message)).toEqual(['two', 'three']);
    expect(await logs('?level=error')).toMatchObject({ level: 'error', logs: [{ message: 'three' }] });
    const page = await logs('?limit=2');
    expect(page.logs).toHaveLength(2);
    const next = await (await fetch(page.links[0]!.href, { headers: bearer })).json() as Logs;
    expect(next).toMatchObject({ logs: [{ message: 'three' }], links: [] });
    for (const query of ['?level=loud', '?offset=abc', '?offset=1&offset=2', '?limit=0']) expect((await api(`/jobs/${id}/logs${query}`)).status).toBe(400);
  });
});
