/**
 * What belongs to one user is to another as if it were not there: every endpoint that the service lists, and those
 * that it does not list, are asked by bob for what is ann's and for what nobody has. Both answers must be the same.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiDependencies } from '../../src/api/dependencies.ts';
import { endpointsOf } from '../../src/api/openeo/endpoints.ts';
import { collection, startService, writing } from './service.ts';
import type { TestService } from './service.ts';

const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
const using = (node: object) => ({ process_graph: { a: { arguments: {}, result: true, ...node } } });
const secret = 'ann keeps this to herself';

/** What ann has, by the name of the variable in the path. */
interface Belongings {
  readonly job_id: string;
  readonly request_id: string;
  readonly service_id: string;
  readonly process_graph_id: string;
  readonly path: string;
  readonly collection_id: string;
}

let service: TestService;
let ann: Record<string, string>;
let bob: Record<string, string>;
let hers: Belongings;
const nobodys: Belongings = { job_id: 'nothing', request_id: 'nothing', service_id: 'nothing', process_graph_id: 'nothing', path: 'nothing', collection_id: 'nothing' };

const call = (who: Record<string, string>, method: string, path: string, body?: unknown) => fetch(`${service.url}/openeo/1.3${path}`, {
  method: method.toUpperCase(), headers: { ...who, 'Content-Type': 'application/json' }, ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
});
const idOf = (answer: Response) => answer.headers.get('openeo-identifier')!;

beforeAll(async () => {
  const hidden = { ...collection, id: 'hidden', title: secret };
  service = await startService({
    catalog: {
      collections: async (user) => (user === 'ann' ? [collection, hidden] : [collection]),
      collection: async (id, user) => (id === collection.id ? collection : id === 'hidden' && user === 'ann' ? hidden : null),
      item: async () => null,
    },
  });
  [ann, bob] = [await service.token('ann'), await service.token('bob')];
  service.work(writing(service.objects, { 'secret.json': '{}' }));
  const job = idOf(await call(ann, 'post', '/jobs', { process, title: secret, description: secret }));
  await call(ann, 'post', `/jobs/${job}/results`);
  for (let i = 0; i < 200 && (await (await call(ann, 'get', `/jobs/${job}`)).json() as { status: string }).status !== 'finished'; i++) await delay(20);
  const request = await call(ann, 'post', '/result', { process });
  await request.text();
  await call(ann, 'put', '/process_graphs/own_process', { ...process, summary: secret });
  await call(ann, 'put', '/files/folder/own.txt', secret);
  const map = await call(ann, 'post', '/services', { process, type: 'xyz', title: secret });
  hers = { job_id: job, request_id: idOf(request), service_id: idOf(map), process_graph_id: 'own_process', path: 'folder/own.txt', collection_id: 'hidden' };
});
afterAll(() => service.close());

type Row = readonly unknown[] | 'own' | 'open';

/**
 * Endpoint → the bodies to ask it with, once each (undefined: none); 'own': it lists what the user has, and must
 * not show what another has; 'open': it knows no user, or only who asks.
 */
const table: Readonly<Record<string, Row>> = {
  'get /': 'open', 'get /conformance': 'open', 'get /file_formats': 'open', 'get /udf_runtimes': 'open', 'get /service_types': 'open', 'get /processes': 'open', 'get /processing_parameters': 'open',
  'get /api': 'open', 'get /api.html': 'open', 'get /credentials/basic': 'open', 'delete /credentials/basic': 'open', 'get /credentials/oidc': 'open', 'get /me': 'open',
  'get /collections': 'own', 'get /process_graphs': 'own', 'get /jobs': 'own', 'get /services': 'own', 'get /files': 'own',
  'get /collections/{collection_id}': [undefined],
  'get /collections/{collection_id}/queryables': [undefined],
  'get /process_graphs/{process_graph_id}': [undefined],
  'delete /process_graphs/{process_graph_id}': [undefined],
  // Makes one of his own; below it is seen that hers stays.
  'put /process_graphs/{process_graph_id}': [process],
  'get /processes/{namespace}/{process_id}': 'own',
  'get /files/{path}': [undefined],
  'delete /files/{path}': [undefined],
  'put /files/{path}': ['bob was here'],
  'get /jobs/{job_id}': [undefined],
  'patch /jobs/{job_id}': [{ title: 'bob was here' }, { process }, {}, { status: 'finished' }],
  'delete /jobs/{job_id}': [undefined],
  'get /jobs/{job_id}/estimate': [undefined],
  'get /jobs/{job_id}/logs': [undefined],
  'get /jobs/{job_id}/results': [undefined],
  'post /jobs/{job_id}/results': [undefined],
  'delete /jobs/{job_id}/results': [undefined],
  'delete /jobs/{job_id}/results/links': [undefined],
  'get /result/{request_id}/logs': [undefined],
  'get /services/{service_id}': [undefined],
  'patch /services/{service_id}': [{ title: 'bob was here' }, { enabled: false }, { process }],
  'delete /services/{service_id}': [undefined],
  'get /services/{service_id}/logs': [undefined],
  // What a process names is told apart below.
  'post /jobs': 'own', 'post /result': 'own', 'post /services': 'own', 'post /validation': 'own',
};

async function endpoints(): Promise<string[]> {
  const listed = (await (await call(bob, 'get', '/')).json() as { endpoints: { path: string; methods: string[] }[] }).endpoints.flatMap(({ path, methods }) => methods.map((method) => `${method.toLowerCase()} ${path}`));
  const others = endpointsOf({ oidc: [] } as unknown as ApiDependencies).filter(({ isListed }) => isListed === false).map(({ method, path }) => `${method} ${path}`);
  return [...listed, ...others];
}

/** Status and body without what differs from request to request: the id of the error, and the id that was asked for. */
async function told(answer: Response, asked: Belongings): Promise<{ status: number; body: string }> {
  const text = await answer.text();
  const own = Object.values(asked).reduce<string>((shown, id: string) => shown.replaceAll(id, 'ID').replaceAll(encodeURIComponent(id), 'ID'), text);
  return { status: answer.status, body: own.replace(/"id":"[0-9a-f-]{36}"/, '"id":""').replace(/"modified":"[^"]+"/, '"modified":""') };
}

const filled = (path: string, ids: Belongings) => path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name as keyof Belongings] ?? `no-${name}`);
/** A fresh copy of all that ann sees of hers. */
async function seenByAnn(): Promise<unknown[]> {
  const paths = [`/jobs/${hers.job_id}`, `/jobs/${hers.job_id}/logs`, `/jobs/${hers.job_id}/results`, `/result/${hers.request_id}/logs`, `/process_graphs/${hers.process_graph_id}`, '/files', '/files/folder/own.txt', '/jobs', '/services', `/services/${hers.service_id}`];
  return Promise.all(paths.map(async (path) => {
    const answer = await call(ann, 'get', path);
    expect([path, answer.status]).toEqual([path, 200]);
    return answer.text();
  }));
}

describe('what belongs to somebody else', () => {
  it('has a row here for every endpoint', async () => {
    expect((await endpoints()).filter((endpoint) => table[endpoint] === undefined)).toEqual([]);
  });

  const rows = Object.entries(table).filter((row): row is [string, readonly unknown[]] => Array.isArray(row[1]));
  it.each(rows)('is as if it were not there: %s', async (endpoint, bodies) => {
    const [method, path] = endpoint.split(' ') as [string, string];
    if (!(await endpoints()).includes(endpoint)) return;
    const before = await seenByAnn();
    for (const body of bodies) {
      const [foreign, absent] = [await call(bob, method, filled(path, hers), body), await call(bob, method, filled(path, nobodys), body)];
      const answer = await told(foreign, hers);
      expect(answer).toEqual(await told(absent, nobodys));
      expect(answer.body).not.toContain(secret);
      expect([...foreign.headers.values()].join()).not.toContain(secret);
      if (method !== 'put') expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    expect(await seenByAnn()).toEqual(before);
  });

  it('is in no list', async () => {
    for (const [endpoint] of Object.entries(table).filter(([name, row]) => name.startsWith('get ') && row === 'own' && !name.includes('{'))) {
      const text = await (await call(bob, 'get', endpoint.split(' ')[1]!)).text();
      for (const trace of [secret, hers.job_id, hers.service_id, hers.collection_id]) expect(text, endpoint).not.toContain(trace);
    }
  });

  it.each([
    ['a process', using({ process_id: 'own_process' }), using({ process_id: 'nothing' })],
    ['a process in the namespace of the user', using({ process_id: 'own_process', namespace: 'user' }), using({ process_id: 'nothing', namespace: 'user' })],
    ['a process in her namespace', using({ process_id: 'own_process', namespace: '@ann' }), using({ process_id: 'nothing', namespace: '@ann' })],
  ])('is named by a process in vain: %s', async (_, named, absent) => {
    const wrap = (endpoint: string, graph: object) => (endpoint === '/validation' ? graph : { process: graph, type: 'xyz' });
    for (const endpoint of ['/validation', '/result', '/jobs', '/services']) {
      const [foreign, unknown] = [await call(bob, 'post', endpoint, wrap(endpoint, named)), await call(bob, 'post', endpoint, wrap(endpoint, absent))];
      const body = await told(foreign, { ...hers });
      expect({ ...body, body: body.body.replaceAll('ID', 'X') }, endpoint).toEqual(await told(unknown, nobodys).then((answer) => ({ ...answer, body: answer.body.replaceAll('ID', 'X') })));
      expect(body.body).not.toContain(secret);
    }
    expect((await told(await call(bob, 'get', '/processes/@ann/own_process'), hers)).status).toBe((await told(await call(bob, 'get', '/processes/@ann/nothing'), nobodys)).status);
  });

  it('can not be downloaded without the signature of her link, nor with that of another', async () => {
    const { assets } = await (await call(ann, 'get', `/jobs/${hers.job_id}/results`)).json() as { assets: Record<string, { href: string }> };
    const link = new URL(assets['secret.json']!.href);
    expect((await fetch(link)).status).toBe(200);
    for (const href of [link.origin + link.pathname, link.href.replace(/signature=.../, 'signature=AAA'), link.href.replace('secret.json', 'other.json'), link.href.replace(hers.job_id, 'nothing')]) {
      const answer = await fetch(href, { headers: bob });
      expect([answer.status, (await answer.json() as { code: string }).code], href).toEqual([403, 'PermissionsInsufficient']);
    }
  });

  it('is for nobody without a token', async () => {
    for (const [endpoint, bodies] of rows) {
      const [method, path] = endpoint.split(' ') as [string, string];
      if (path.startsWith('/collections')) continue;
      const [answer, absent] = [await told(await call({}, method, filled(path, hers), bodies[0]), hers), await told(await call({}, method, filled(path, nobodys), bodies[0]), nobodys)];
      expect([endpoint, answer.status], answer.body).toEqual([endpoint, (await endpoints()).includes(endpoint) ? 401 : absent.status]);
      expect(answer).toEqual(absent);
    }
  });
});
