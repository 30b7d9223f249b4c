/** Plans, budgets, estimates, partial results, and links that end: what batch jobs do beside running, over HTTP. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OpenEOError } from '../../src/errors.ts';
import { parseBilling } from '../../src/jobs/billing-file.ts';
import type { RunContext } from '../../src/jobs/run.ts';
import { hasSchemas, problemsOf } from './stac/validator.ts';
import { emptyResult, startService, writing, type TestService } from './service.ts';

const billing = parseBilling({
  currency: 'credits', default_plan: 'free',
  plans: [
    { name: 'free', description: 'Free.', paid: false },
    { name: 'Pro', description: 'Paid.', paid: true, url: 'https://example.org/pro', prices: { job: 2 } },
    { name: 'staff', description: 'For staff.', paid: false, groups: ['staff'] },
  ],
}, 'plans');

let service: TestService;
let bearer: Record<string, string>;
let bob: Record<string, string>;

beforeAll(async () => {
  service = await startService({ billing, resultDays: 10 });
  bearer = await service.token();
  const answer = await fetch(`${service.url}/openeo/1.3/credentials/basic`, { headers: { Authorization: `Basic ${btoa('bob:other')}` } });
  bob = { Authorization: `Bearer ${(await answer.json() as { access_token: string }).access_token}` };
});
afterAll(() => service.close());
beforeEach(() => service.work(writing(service.objects, { 'a.json': '{"a":1}' })));

const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
type Body = Record<string, unknown>;
interface Item {
  readonly properties: Body;
  readonly assets: Record<string, { href: string }>;
  readonly links: { rel: string; href: string }[];
}
const api = (path: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) => fetch(`${service.url}/openeo/1.3${path}`, { ...init, headers: { ...bearer, ...init.headers } });
const json = async <T = Body>(answer: Response | Promise<Response>) => (await answer).json() as Promise<T>;
const send = (method: string, path: string, body: unknown) => api(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
const start = (id: string) => api(`/jobs/${id}/results`, { method: 'POST' });

async function create(body: Body = {}): Promise<string> {
  const answer = await send('POST', '/jobs', { process, ...body });
  expect(answer.status).toBe(201);
  return answer.headers.get('openeo-identifier')!;
}

async function until(id: string, ...wanted: string[]): Promise<Body> {
  for (let i = 0; i < 300; i++) {
    const job = await json(api(`/jobs/${id}`));
    if (wanted.includes(String(job.status))) return job;
    await delay(20);
  }
  throw new Error(`The job did not become ${wanted.join(' or ')}.`);
}

async function finished(): Promise<{ id: string; item: Item }> {
  const id = await create();
  await start(id);
  await until(id, 'finished');
  return { id, item: await json<Item>(api(`/jobs/${id}/results`)) };
}

/** Keeps one file and then does what it is told. */
function keeping(then: (context: RunContext) => Promise<never>) {
  return async (context: RunContext): Promise<never> => {
    await context.keep(await writing(service.objects, { 'first.json': '1' })(context));
    return then(context);
  };
}
const hanging = keeping(({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))));

describe('plans', () => {
  it('are told without their prices', async () => {
    const { billing: told } = await json<{ billing: Body }>(api('/'));
    expect(told).toEqual({
      currency: 'credits', default_plan: 'free',
      plans: [{ name: 'free', description: 'Free.', paid: false }, { name: 'Pro', description: 'Paid.', paid: true, url: 'https://example.org/pro' }, { name: 'staff', description: 'For staff.', paid: false }],
    });
  });

  it('are those of the job, by their own names, and the default one where none is named', async () => {
    expect(await json(api(`/jobs/${await create()}`))).toMatchObject({ plan: 'free' });
    const id = await create({ plan: 'PRO', budget: 10 });
    expect(await json(api(`/jobs/${id}`))).toMatchObject({ plan: 'Pro', budget: 10 });
    expect((await send('PATCH', `/jobs/${id}`, { plan: null, budget: null })).status).toBe(204);
    const job = await json(api(`/jobs/${id}`));
    expect(job).toMatchObject({ plan: 'free' });
    expect(job).not.toHaveProperty('budget');
    expect((await json<{ jobs: Body[] }>(api('/jobs'))).jobs.find((each) => each.id === id)).toMatchObject({ plan: 'free' });
  });

  it.each(['POST /jobs', 'POST /result', 'PATCH'])('are refused when there are none such, or they are for others (%s)', async (where) => {
    const id = await create();
    const ask = (body: Body) => (where === 'PATCH' ? send('PATCH', `/jobs/${id}`, body) : send('POST', where.slice(5), { process, ...body }));
    for (const plan of ['gold', 'staff', '']) expect([plan, await json(ask({ plan }))]).toMatchObject([plan, { code: 'BillingPlanInvalid' }]);
    for (const plan of [1, {}, ['free']]) expect(await json(ask({ plan }))).toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('plan') });
  });

  it('must still be there when the job starts', async () => {
    const id = await create();
    await service.jobs.store.update('ann', id, (definition) => ({ ...definition, plan: 'gone' }));
    expect(await json(start(id))).toMatchObject({ code: 'BillingPlanInvalid' });
    expect(await json(api(`/jobs/${id}`))).toMatchObject({ status: 'created' });
  });
});

describe('budgets', () => {
  it.each(['POST /jobs', 'POST /result', 'PATCH'])('are numbers that are not below zero (%s)', async (where) => {
    const id = await create();
    const ask = (body: Body) => (where === 'PATCH' ? send('PATCH', `/jobs/${id}`, body) : send('POST', where.slice(5), { process, ...body }));
    expect(await json(ask({ budget: -0.01 }))).toMatchObject({ code: 'BudgetInvalid' });
    for (const budget of ['5', {}, true]) expect(await json(ask({ budget }))).toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('budget') });
    expect([200, 201, 204]).toContain((await ask({ budget: 0 })).status);
  });

  it('that do not pay the beginning of a job refuse its start', async () => {
    const id = await create({ plan: 'pro', budget: 1.5 });
    const answer = await start(id);
    expect(answer.status).toBe(402);
    expect(await json(answer)).toMatchObject({ code: 'PaymentRequired', message: expect.stringMatching(/2 credits.*1\.5/) });
    expect(await json(api(`/jobs/${id}`))).toMatchObject({ status: 'created' });
    await send('PATCH', `/jobs/${id}`, { budget: 2 });
    expect((await start(id)).status).toBe(202);
  });

  it('that are used up end the job, whose files stay as partial results', async () => {
    service.work(keeping(async () => {
      throw new OpenEOError('BudgetInvalid', {}, { detail: 'It is used up.' });
    }));
    const id = await create({ budget: 3 });
    await start(id);
    await until(id, 'error');
    expect((await api(`/jobs/${id}/results`)).status).toBe(424);
    expect(await json(api(`/jobs/${id}/results`))).toMatchObject({ code: 'BudgetInvalid', level: 'error' });
    expect(await json(api(`/jobs/${id}/results?partial=true`))).toMatchObject({ properties: { 'openeo:status': 'error' }, assets: { 'first.json': {} } });
  });
});

describe('costs', () => {
  it('are told with the answer of a synchronous request', async () => {
    const answer = await send('POST', '/result', { process, plan: 'Free' });
    expect([answer.status, answer.headers.get('openeo-costs')]).toEqual([200, '0']);
  });
});

describe('estimates', () => {
  it('tell costs, duration and size of a job that never ran', async () => {
    const id = await create({ plan: 'pro' });
    const answer = await api(`/jobs/${id}/estimate`);
    expect(answer.status).toBe(200);
    const estimate = await json(answer);
    expect(estimate).toMatchObject({ costs: 2, size: 4000 });
    expect(Date.parse(String(estimate.expires))).toBeGreaterThan(Date.now());
    expect(Object.values(estimate)).not.toContain(null);
    expect(await json(api(`/jobs/${id}`))).toMatchObject({ status: 'created', progress: 0 });
  });

  it('belong to the user of the job', async () => {
    const id = await create();
    const answer = await fetch(`${service.url}/openeo/1.3/jobs/${id}/estimate`, { headers: bob });
    expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'JobNotFound' }]);
    expect((await fetch(`${service.url}/openeo/1.3/jobs/${id}/estimate`)).status).toBe(401);
  });
});

describe('partial results', () => {
  it('are had while the job runs, with a link of their own', async () => {
    service.work(hanging);
    const id = await create();
    await start(id);
    await expect.poll(async () => Object.keys((await json<Item>(api(`/jobs/${id}/results?partial=true`))).assets ?? {})).toEqual(['first.json']);
    const item = await json<Item>(api(`/jobs/${id}/results?partial`));
    expect(item.properties).toMatchObject({ 'openeo:status': 'running' });
    expect(await (await fetch(item.assets['first.json']!.href)).text()).toBe('1');
    const canonical = item.links.find(({ rel }) => rel === 'canonical')!.href;
    expect(await json(fetch(canonical))).toMatchObject({ id, properties: { 'openeo:status': 'running' }, assets: { 'first.json': {} } });
    if (hasSchemas) expect(await problemsOf(item as unknown as Body)).toEqual([]);
    expect(await json(api(`/jobs/${id}/results`))).toMatchObject({ code: 'JobNotFinished' });

    expect((await api(`/jobs/${id}/results`, { method: 'DELETE' })).status).toBe(204);
    expect(await json(api(`/jobs/${id}`))).toMatchObject({ status: 'canceled' });
    // What was canceled stays, until the job is started again.
    const left = await json<Item>(api(`/jobs/${id}/results?partial=true`));
    expect(left.properties).toMatchObject({ 'openeo:status': 'canceled' });
    expect(await (await fetch(left.assets['first.json']!.href)).text()).toBe('1');
    expect(await json(api(`/jobs/${id}/results`))).toMatchObject({ code: 'JobNotFinished' });
    service.work(writing(service.objects, { 'all.json': '2' }));
    await start(id);
    await until(id, 'finished');
    expect(Object.keys((await json<Item>(api(`/jobs/${id}/results`))).assets)).toEqual(['all.json']);
    expect((await fetch(left.assets['first.json']!.href)).status).toBe(410);
  });

  it('are there after an error, and 424 without asking for them', async () => {
    service.work(keeping(async () => {
      throw new OpenEOError('NoDataAvailable', {});
    }));
    const id = await create();
    await start(id);
    const job = await until(id, 'error');
    expect(job.usage).toMatchObject({ duration: { unit: 's' } });
    expect((await api(`/jobs/${id}/results`)).status).toBe(424);
    const item = await json<Item>(api(`/jobs/${id}/results?partial=true`));
    expect(item).toMatchObject({ properties: { 'openeo:status': 'error' } });
    expect(await (await fetch(item.assets['first.json']!.href)).text()).toBe('1');
  });

  it('of a finished job are its results', async () => {
    const { id } = await finished();
    const item = await json<Item>(api(`/jobs/${id}/results?partial=true`));
    expect(item.properties).not.toHaveProperty('openeo:status');
    expect(Object.keys(item.assets)).toEqual(['a.json']);
    expect((await api(`/jobs/${id}/results?partial=perhaps`)).status).toBe(400);
  });
});

describe('a job that is started again', () => {
  it.each(['finished', 'error', 'canceled'] as const)('after %s begins its log, usage and progress anew', async (status) => {
    service.work(status === 'canceled' ? hanging : async (context) => {
      context.log.info('first run');
      if (status === 'error') throw new OpenEOError('NoDataAvailable', {});
      return emptyResult;
    });
    const id = await create();
    await start(id);
    if (status === 'canceled') {
      await expect.poll(async () => (await service.jobs.store.find(id))!.result).not.toBeNull();
      await api(`/jobs/${id}/results`, { method: 'DELETE' });
    }
    const before = await until(id, status);
    service.work(async ({ log }) => {
      log.info('second run');
      await delay(30);
      return emptyResult;
    });
    await start(id);
    const after = await until(id, 'finished');
    expect(Date.parse(String(after.queued))).toBeGreaterThan(Date.parse(String(before.queued)));
    expect(after.created).toBe(before.created);
    const { logs } = await json<{ logs: { message: string }[] }>(api(`/jobs/${id}/logs`));
    expect(logs.map(({ message }) => message)).toEqual(['second run']);
  });

  it('is not changed by what its earlier run still does', async () => {
    let release: (() => void) | undefined;
    service.work(() => new Promise((resolve) => (release = () => resolve(emptyResult))));
    const id = await create();
    await start(id);
    await until(id, 'running');
    await expect.poll(() => release).toBeDefined();
    await api(`/jobs/${id}/results`, { method: 'DELETE' });
    const late = release!;
    service.work(writing(service.objects, { 'new.json': '1' }));
    await start(id);
    late();
    await until(id, 'finished');
    expect(Object.keys((await json<Item>(api(`/jobs/${id}/results`))).assets)).toEqual(['new.json']);
  });
});

describe('results', () => {
  it('say until when links work and until when files are kept, which is not the same', async () => {
    const { id, item } = await finished();
    const [expires, unpublished] = [Date.parse(String(item.properties.expires)), Date.parse(String(item.properties.unpublished))];
    expect(expires - Date.now()).toBeLessThan(2 * 3600_000);
    expect(unpublished - Date.now()).toBeGreaterThan(9.9 * 24 * 3600_000);
    const job = await json(api(`/jobs/${id}`));
    expect(job).toMatchObject({ unpublished: item.properties.unpublished });
    expect(item.properties).toMatchObject({ queued: job.queued, started: job.started });
    expect((await api(`/jobs/${id}/results`)).headers.get('openeo-costs')).toBe('0');
    if (hasSchemas) expect(await problemsOf(item as unknown as Body)).toEqual([]);
  });

  it('of several dates are a collection with an item for each; an item for who wants GeoJSON', async () => {
    service.work(async (context) => {
      const result = await writing(service.objects, { 'b.json': '2', 'a.json': '1', 'a2.json': '3' })(context);
      const datetime = (name: string) => (name.startsWith('a') ? '2021-01-01T00:00:00Z' : '2021-02-01T00:00:00Z');
      return { ...result, files: result.files.map((file) => ({ ...file, datetime: datetime(file.name) })) };
    });
    const { id, item: collection } = await finished();
    expect(collection).toMatchObject({
      type: 'Collection', id, license: 'other', description: expect.stringMatching(/./), extent: { spatial: { bbox: [[4, 50, 5, 51]] }, temporal: { interval: [['2021-01-01T00:00:00Z', '2021-02-01T00:00:00Z']] } },
      expires: expect.any(String), unpublished: expect.any(String), created: expect.any(String), queued: expect.any(String),
    });
    expect(Object.keys(collection.assets)).toEqual(['b.json', 'a.json', 'a2.json']);
    const items = await Promise.all(collection.links.filter(({ rel }) => rel === 'item').map(({ href }) => json<Item>(fetch(href))));
    expect(items.map(({ properties, assets }) => [properties.datetime, Object.keys(assets)])).toEqual([['2021-01-01T00:00:00Z', ['a.json', 'a2.json']], ['2021-02-01T00:00:00Z', ['b.json']]]);
    expect(await (await fetch(items[1]!.assets['b.json']!.href)).text()).toBe('2');
    const canonical = collection.links.find(({ rel }) => rel === 'canonical')!.href;
    expect(items[0]!.links.find(({ rel }) => rel === 'collection')!.href).toBe(canonical);
    expect(await json(fetch(canonical))).toMatchObject({ type: 'Collection', id });
    const geojson = await api(`/jobs/${id}/results`, { headers: { Accept: 'application/geo+json' } });
    expect([geojson.headers.get('content-type'), await json(geojson)]).toMatchObject([expect.stringMatching(/^application\/geo\+json/), { type: 'Feature', assets: { 'a.json': {}, 'b.json': {} } }]);
    if (hasSchemas) for (const document of [collection, ...items]) expect(await problemsOf(document as unknown as Body)).toEqual([]);
    expect((await json<{ links: Body[] }>(api(`/jobs/${id}`))).links).toContainEqual(expect.objectContaining({ rel: 'result', type: 'application/json' }));
    // Neither counting on nor revoking leaves a way in.
    expect((await fetch(canonical.replace('results.json', 'item-0.json'))).status).toBe(403);
    await api(`/jobs/${id}/results/links`, { method: 'DELETE' });
    expect((await fetch(collection.links.find(({ rel }) => rel === 'item')!.href)).status).toBe(410);
  });

  it('without a place and a file are an item all the same', async () => {
    service.work(async () => emptyResult);
    const { item } = await finished();
    expect(item).toMatchObject({ type: 'Feature', geometry: null, assets: {} });
    if (hasSchemas) expect(await problemsOf(item as unknown as Body)).toEqual([]);
  });

  it('are deleted when they have been kept for long enough; the job stays', async () => {
    const { id, item } = await finished();
    await service.database.query(`update jobs set updated = now() - interval '11 days' where id = $1`, [id]);
    await service.jobs.sweepResults(10 * 86_400);
    const answer = await api(`/jobs/${id}/results`);
    expect([answer.status, await json(answer)]).toMatchObject([410, { code: 'ResultLinkExpired' }]);
    expect((await fetch(item.assets['a.json']!.href)).status).toBe(410);
    expect(await Array.fromAsync(service.objects.list(`results/${id}/`))).toEqual([]);
    const job = await json<{ links: { rel: string }[] }>(api(`/jobs/${id}`));
    expect(job).toMatchObject({ status: 'finished' });
    expect(job).not.toHaveProperty('unpublished');
    expect(job.links.map(({ rel }) => rel)).toEqual(['monitor', 'monitor']);
  });

  it('answer to HEAD, ranges, conditions and scripts of other sites', async () => {
    const { item } = await finished();
    const { href } = item.assets['a.json']!;
    const head = await fetch(href, { method: 'HEAD', headers: { Origin: 'https://editor.openeo.org' } });
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges'), head.headers.get('access-control-allow-origin')]).toEqual([200, '7', 'bytes', '*']);
    const etag = head.headers.get('etag')!;
    const part = await fetch(href, { headers: { Range: 'bytes=1-3' } });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([206, '"a"', 'bytes 1-3/7']);
    expect((await fetch(href, { headers: { 'If-None-Match': etag } })).status).toBe(304);
    expect((await fetch(href, { headers: { Range: 'bytes=99-' } })).status).toBe(416);
    expect((await fetch(href, { method: 'OPTIONS' })).status).toBe(204);
  });

  it('have links that can be revoked, and new ones after that', async () => {
    const { id, item } = await finished();
    const canonical = item.links.find(({ rel }) => rel === 'canonical')!.href;
    expect((await fetch(`${service.url}/openeo/1.3/jobs/${id}/results/links`, { method: 'DELETE', headers: bob })).status).toBe(404);
    expect((await fetch(canonical)).status).toBe(200);
    expect((await api(`/jobs/${id}/results/links`, { method: 'DELETE' })).status).toBe(204);
    for (const href of [canonical, item.assets['a.json']!.href]) {
      const answer = await fetch(href);
      expect([answer.status, await json(answer)]).toMatchObject([410, { code: 'ResultLinkExpired' }]);
    }
    const again = await json<Item>(api(`/jobs/${id}/results`));
    expect(await (await fetch(again.assets['a.json']!.href)).text()).toBe('{"a":1}');
    expect((await fetch(again.assets['a.json']!.href.replace('/1.1/', '/1.0/'))).status).toBe(403);
  });
});
