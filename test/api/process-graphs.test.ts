/** User-defined processes over HTTP: stored, listed, described, shared, deleted, and used. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { definitionSource } from '../../src/catalog/remote/definitions.ts';
import { UserProcessStore } from '../../src/user-processes/store.ts';
import { startService, writing } from './service.ts';
import type { TestService } from './service.ts';

type Body = Record<string, unknown>;
let service: TestService;
let bearer: Record<string, string>;
let bob: Record<string, string>;
let remote: Server;
let remoteUrl: string;
const documents = new Map<string, () => string>();

beforeAll(async () => {
  remote = createServer((request, response) => {
    const document = documents.get(request.url!);
    response.statusCode = document ? 200 : 404;
    response.end(document?.() ?? '');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => remote.once('listening', resolve));
  remoteUrl = `http://127.0.0.1:${(remote.address() as AddressInfo).port}`;
  service = await startService();
  service.work(writing(service.objects, { 'result.json': '1' }));
  bearer = await service.token();
  const answer = await fetch(`${service.url}/openeo/1.3/credentials/basic`, { headers: { Authorization: `Basic ${btoa('bob:other')}` } });
  bob = { Authorization: `Bearer ${(await answer.json() as { access_token: string }).access_token}` };
});
afterAll(async () => {
  await service.close();
  remote.closeAllConnections();
  remote.close();
});

const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = bearer, version = '1.3') => fetch(`${service.url}/openeo/${version}${path}`, {
  method, headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});
const json = async (answer: Response) => answer.json() as Promise<Body>;
const node = (process_id: string, args: Body = {}, more: Body = {}) => ({ process_id, arguments: args, result: true, ...more });
const plusOne = { process_graph: { a: node('add', { x: { from_parameter: 'x' }, y: 1 }) }, parameters: [{ name: 'x', description: 'A number.', schema: { type: 'number' } }] };
const errorsOf = async (process_graph: Body, headers = bearer) => ((await json(await call('POST', '/validation', { process_graph }, headers))).errors as Body[]).map(({ code, message }) => [code, message]);
const using = (id: string, more: Body = {}) => ({ use: node(id, { x: 1 }, more) });

describe('storing', () => {
  it('answers 200, takes the id of the path, leaves nulls out and fills in what clients read', async () => {
    const body = { id: 'other', summary: null, description: 'Adds one.', returns: { schema: { type: 'number' } }, ...plusOne, parameters: [{ name: 'x' }], own: { kept: true } };
    const answer = await call('PUT', '/process_graphs/plus_one', body);
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect(await json(await call('GET', '/process_graphs/plus_one'))).toEqual({
      id: 'plus_one', description: 'Adds one.', returns: { schema: { type: 'number' } }, process_graph: plusOne.process_graph,
      parameters: [{ name: 'x', description: '', schema: {} }], own: { kept: true }, public: false, links: [],
    });
  });

  it('replaces the whole process', async () => {
    await call('PUT', '/process_graphs/plus_one', plusOne);
    const stored = await json(await call('GET', '/process_graphs/plus_one', undefined, bearer, '1.2'));
    expect(stored).not.toHaveProperty('description');
    expect(stored.parameters).toEqual(plusOne.parameters);
  });

  it.each([
    ['no graph', 'mine', { parameters: [] }, 'ProcessGraphMissing'],
    ['a graph that is no object', 'mine', { process_graph: [] }, 'ProcessInvalid'],
    ['a summary that is no text', 'mine', { ...plusOne, summary: 5 }, 'ProcessInvalid'],
    ['public that is no boolean', 'mine', { ...plusOne, public: 'yes' }, 'ProcessInvalid'],
    ['parameters that are no objects', 'mine', { ...plusOne, parameters: ['x'] }, 'ProcessInvalid'],
    ['an unknown process', 'mine', { process_graph: { a: node('nope') } }, 'ProcessUnsupported'],
    ['an unknown parameter', 'mine', { process_graph: { a: node('add', { x: { from_parameter: 'z' }, y: 1 }) } }, 'ProcessGraphInvalid'],
    ['a call of itself', 'mine', { process_graph: { a: node('mine') } }, 'ProcessGraphInvalid'],
    ['the id of a predefined process', 'add', plusOne, 'PredefinedProcessExists'],
    ['an id with other characters', 'a-b', plusOne, 'ProcessParameterInvalid'],
    ['what is too large', 'mine', { ...plusOne, description: 'x'.repeat(1_100_000) }, 'ProcessInvalid'],
  ])('refuses %s', async (_, id, body, code) => {
    const answer = await call('PUT', `/process_graphs/${id}`, body);
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({ code });
    expect((await call('GET', '/process_graphs/mine')).status).toBe(404);
  });

  it('refuses what is nested so deep that it could not be written again', async () => {
    const deep = `{"process_graph": {"a": {"process_id": "add", "arguments": {"x": 1, "y": 1}, "result": true}}, "more": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    for (const [method, path, body] of [['PUT', '/process_graphs/mine', deep], ['POST', '/jobs', `{"process": ${deep}}`], ['POST', '/validation', deep]] as const) {
      const answer = await fetch(`${service.url}/openeo/1.3${path}`, { method, headers: { ...bearer, 'Content-Type': 'application/json' }, body });
      expect(await json(answer), path).toMatchObject({ code: 'ProcessInvalid', message: expect.stringContaining('1000 deep') as unknown });
    }
  });

  it('refuses a circle over several processes and names it', async () => {
    await call('PUT', '/process_graphs/leaf', plusOne);
    await call('PUT', '/process_graphs/stem', { process_graph: { a: node('leaf', { x: 1 }) } });
    const answer = await json(await call('PUT', '/process_graphs/leaf', { process_graph: { a: node('stem') } }));
    expect(answer.code).toBe('ProcessGraphInvalid');
    expect(answer.message).toContain("'stem' → 'leaf' → 'stem'");
  });

  it('needs an account', async () => {
    for (const [method, path] of [['GET', '/process_graphs'], ['GET', '/process_graphs/leaf'], ['PUT', '/process_graphs/leaf'], ['DELETE', '/process_graphs/leaf']] as const) {
      expect((await call(method, path, method === 'PUT' ? plusOne : undefined, {})).status, `${method} ${path}`).toBe(401);
    }
  });
});

describe('listing', () => {
  it('gives metadata under `processes`, in pages when there is a limit', async () => {
    const all = await json(await call('GET', '/process_graphs'));
    expect(all).toEqual({
      processes: [{ id: 'leaf', parameters: plusOne.parameters }, { id: 'plus_one', parameters: plusOne.parameters }, { id: 'stem' }], links: [],
    });
    const first = await json(await call('GET', '/process_graphs?limit=2')) as { processes: Body[]; links: { rel: string; href: string }[] };
    expect(first.processes.map(({ id }) => id)).toEqual(['leaf', 'plus_one']);
    const rest = await json(await fetch(first.links.find(({ rel }) => rel === 'next')!.href, { headers: bearer }));
    expect(rest).toEqual({ processes: [{ id: 'stem' }], links: [] });
  });

  it('is of one user', async () => {
    expect(await json(await call('GET', '/process_graphs', undefined, bob))).toEqual({ processes: [], links: [] });
    expect(await json(await call('GET', '/process_graphs/leaf', undefined, bob))).toMatchObject({ code: 'ProcessGraphNotFound' });
    expect((await call('DELETE', '/process_graphs/leaf', undefined, bob)).status).toBe(404);
  });

  it('is announced', async () => {
    const { endpoints, conformsTo } = await json(await call('GET', '/')) as { endpoints: { path: string; methods: string[] }[]; conformsTo: string[] };
    expect(endpoints).toContainEqual({ path: '/process_graphs', methods: ['GET'] });
    expect(endpoints).toContainEqual({ path: '/process_graphs/{process_graph_id}', methods: ['GET', 'PUT', 'DELETE'] });
    expect(endpoints.map(({ path }) => path)).not.toContain('/processes/{namespace}/{process_id}');
    expect(conformsTo).toContain('https://api.openeo.org/extensions/remote-process-definition/0.1.0');
  });
});

describe('using', () => {
  it('validates nodes of the namespaces null and user, for their user only', async () => {
    expect(await errorsOf(using('plus_one'))).toEqual([]);
    expect(await errorsOf(using('plus_one', { namespace: 'user' }))).toEqual([]);
    expect(await errorsOf(using('plus_one', { namespace: 'backend' }))).toMatchObject([['ProcessUnsupported', expect.stringContaining("namespace 'backend'")]]);
    expect(await errorsOf(using('plus_one'), bob)).toMatchObject([['ProcessUnsupported', expect.any(String)]]);
    expect(await errorsOf(using('plus_one'), {})).toMatchObject([['ProcessUnsupported', expect.any(String)]]);
    expect(await errorsOf({ use: node('plus_one', { x: 'text' }) })).toMatchObject([['ProcessParameterInvalid', expect.stringContaining("'x' in process 'plus_one'")]]);
    expect(await errorsOf({ use: node('plus_one', { z: 1 }) })).toMatchObject([['ProcessParameterUnsupported', expect.anything()], ['ProcessParameterRequired', expect.anything()]]);
  });

  it('takes them in synchronous requests and in jobs', async () => {
    expect((await call('POST', '/result', { process: { process_graph: using('plus_one') } })).status).toBe(200);
    const created = await call('POST', '/jobs', { process: { process_graph: using('plus_one') } });
    expect(created.status).toBe(201);
    const job = `/jobs/${created.headers.get('openeo-identifier')}`;
    expect((await call('PATCH', job, { process: { process_graph: using('stem') } })).status).toBe(400);
    expect((await call('PATCH', job, { process: { process_graph: using('leaf') } })).status).toBe(204);
    expect((await call('POST', '/jobs', { process: { process_graph: using('plus_one') } }, bob)).status).toBe(400);
  });
});

describe('sharing', () => {
  it('shows and lends a process that is public, with what it needs, and no other', async () => {
    await call('PUT', '/process_graphs/shared', { public: true, process_graph: { a: node('leaf', { x: { from_parameter: 'x' } }) }, parameters: plusOne.parameters });
    const { links } = await json(await call('GET', '/process_graphs/shared')) as { links: { rel: string; href: string }[] };
    const url = links.find(({ rel }) => rel === 'canonical')!.href;
    expect(url).toBe(`${service.url}/openeo/1.3/processes/@ann/shared`);
    expect(await json(await fetch(url))).toMatchObject({ id: 'shared', process_graph: { a: { process_id: 'leaf' } } });
    expect((await fetch(url.replace('shared', 'leaf'))).status).toBe(400);
    expect((await fetch(`${service.url}/openeo/1.3/processes/@ann%00/shared`)).status).toBe(400);
    expect(await errorsOf(using('shared', { namespace: '@ann' }), bob)).toEqual([]);
    expect(await errorsOf(using('leaf', { namespace: '@ann' }), bob)).toMatchObject([['ProcessUnsupported', expect.stringContaining('not shared')]]);
    await call('PUT', '/process_graphs/shared', plusOne);
    expect(await errorsOf(using('shared', { namespace: '@ann' }), bob)).toHaveLength(1);
  });
});

describe('remote definitions', () => {
  let open: TestService;
  beforeAll(async () => {
    documents.set('/one', () => JSON.stringify({ id: 'far', ...plusOne }));
    documents.set('/list', () => JSON.stringify({ processes: [{ id: 'far', process_graph: { a: node('near', { x: { from_parameter: 'x' } }) }, parameters: plusOne.parameters }, { id: 'near', ...plusOne }], links: [] }));
    documents.set('/text', () => 'hello');
    documents.set('/huge', () => ' '.repeat(5 * 1024 * 1024));
    documents.set('/self', () => JSON.stringify({ id: 'far', process_graph: { a: node('far', {}, { namespace: `${remoteUrl}/self` }) } }));
    open = await startService({ definitions: definitionSource(new UserProcessStore(service.database), fetch) });
  });
  afterAll(() => open.close());

  const check = async (path: string, id = 'far') => {
    const body = { process_graph: using(id, { namespace: remoteUrl + path }) };
    const answer = await fetch(`${open.url}/openeo/1.3/validation`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
    return ((await json(answer)).errors as Body[]).map(({ code, message }) => [code, message]);
  };

  it('come from a process or a list of processes, which may use each other', async () => {
    expect(await check('/one')).toEqual([]);
    expect(await check('/list')).toEqual([]);
  });

  it.each([
    ['/one', 'other', 'no process with this id'], ['/none', 'far', 'status 404'], ['/text', 'far', 'not JSON'], ['/huge', 'far', 'MiB'],
  ])('are refused when %s has no %s', async (path, id, reason) => {
    expect(await check(path, id)).toMatchObject([['ProcessNamespaceInvalid', expect.stringContaining(reason)]]);
  });

  it('must not call themselves', async () => {
    expect(await check('/self')).toMatchObject([['ProcessGraphInvalid', expect.stringContaining("'far' → 'far'")]]);
  });

  it('say so when there is no network', async () => {
    expect(await errorsOf(using('far', { namespace: `${remoteUrl}/one?secret` }))).toEqual([['ProcessNamespaceInvalid', expect.stringContaining("can't be reached")]]);
    expect(JSON.stringify(await errorsOf(using('far', { namespace: `${remoteUrl}/one?secret` })))).not.toContain('secret');
  });
});

describe('deleting', () => {
  it('answers 204, and 404 when there is nothing', async () => {
    expect((await call('DELETE', '/process_graphs/stem')).status).toBe(204);
    expect(await json(await call('DELETE', '/process_graphs/stem'))).toMatchObject({ code: 'ProcessGraphNotFound' });
    expect((await call('GET', '/process_graphs/stem')).status).toBe(404);
  });
});
