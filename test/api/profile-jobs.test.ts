/** Requirements of openEO's API profiles that no other test looks at: jobs, services and requests under plans, their levels of logs and further properties. See docs/openeo-profile.md. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Billing } from '../../src/jobs/billing.ts';
import { startService, writing } from './service.ts';
import type { TestService } from './service.ts';

const billing: Billing = {
  currency: 'EUR', defaultPlan: 'free',
  plans: [
    { name: 'free', description: 'For trying out.', paid: false, prices: {} },
    { name: 'pro', description: 'For work.', paid: true, prices: { job: 2 } },
    { name: 'club', description: 'For members.', paid: true, groups: ['members'], prices: { job: 1 } },
  ],
};
const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };

let service: TestService;
let bearer: Record<string, string>;

beforeAll(async () => {
  service = await startService({ billing });
  bearer = await service.token();
});
afterAll(() => service.close());
beforeEach(() => service.work(async (context) => {
  for (const level of ['debug', 'info', 'warning', 'error'] as const) context.log[level](`a ${level}`);
  return writing(service.objects, { 'a.json': '{}' })(context);
}));

type Json = Record<string, unknown>;
const call = (method: string, path: string, body?: unknown) => fetch(`${service.url}/openeo/1.3${path}`, { method, headers: { ...bearer, 'Content-Type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
const json = async (path: string) => (await call('GET', path)).json() as Promise<Json>;
const code = async (answer: Response) => [answer.status, (await answer.json() as Json)['code']];

async function create(body: Json, kind = '/jobs'): Promise<string> {
  const answer = await call('POST', kind, { process, ...body });
  expect(answer.status, await answer.text()).toBe(201);
  return `${kind}/${answer.headers.get('openeo-identifier')}`;
}

async function finished(body: Json = {}): Promise<string> {
  const job = await create(body);
  expect((await call('POST', `${job}/results`)).status).toBe(202);
  for (let i = 0; i < 200 && !['finished', 'error'].includes(String((await json(job))['status'])); i++) await delay(20);
  return job;
}

describe('plans and budgets', () => {
  it('are told by the capabilities', async () => {
    expect((await json('/'))['billing']).toMatchObject({ currency: 'EUR', default_plan: 'free', plans: [{ name: 'free', paid: false }, { name: 'pro', paid: true }, { name: 'club', paid: true }] });
  });

  it.each(['/jobs', '/services'])('are taken by POST %s, shown and changed', async (kind) => {
    const path = await create({ plan: 'PRO', budget: 5, type: 'xyz' }, kind);
    const { plan, budget } = await json(path);
    expect([String(plan).toLowerCase(), budget]).toEqual(['pro', 5]);
    expect((await call('PATCH', path, { plan: 'free', budget: 7 })).status).toBe(204);
    expect(await json(path)).toMatchObject({ plan: 'free', budget: 7 });
    expect((await call('PATCH', path, { budget: null })).status).toBe(204);
    expect(await json(path)).not.toHaveProperty('budget');
    expect(await code(await call('PATCH', path, { plan: 'gold' }))).toEqual([400, 'BillingPlanInvalid']);
  });

  it.each(['/jobs', '/services', '/result'])('that can not be are refused by POST %s', async (kind) => {
    expect(await code(await call('POST', kind, { process, type: 'xyz', plan: 'gold' }))).toEqual([400, 'BillingPlanInvalid']);
    expect((await code(await call('POST', kind, { process, type: 'xyz', plan: 'club' })))[0]).toBeGreaterThanOrEqual(400);
    expect((await code(await call('POST', kind, { process, type: 'xyz', budget: -1 })))[0]).toBe(400);
  });

  it('that do not pay even the beginning keep a job and a request from being started', async () => {
    const job = await create({ plan: 'pro', budget: 1 });
    expect(await code(await call('POST', `${job}/results`))).toEqual([402, 'PaymentRequired']);
    expect((await json(job))['status']).toBe('created');
    expect((await code(await call('POST', '/result', { process, plan: 'pro', budget: 1 })))[0]).toBe(402);
  });

  it('lead to costs and usage of a job, and to the header OpenEO-Costs of results', async () => {
    const job = await finished({ plan: 'pro' });
    expect(await json(job)).toMatchObject({ status: 'finished', plan: expect.stringMatching(/^pro$/i) as unknown });
    const results = await call('GET', `${job}/results`);
    expect(Number(results.headers.get('openeo-costs'))).toBe(0);
    await results.text();
    const request = await call('POST', '/result', { process, plan: 'pro' });
    expect([request.status, request.headers.has('openeo-costs')]).toEqual([200, true]);
    await request.text();
  });

  it('lead to an estimate with costs, size and the time until it holds', async () => {
    const job = await create({ plan: 'pro' });
    const estimate = await json(`${job}/estimate`);
    expect(estimate).toMatchObject({ costs: 2, size: expect.any(Number) as unknown });
    expect(Date.parse(String(estimate['expires']))).toBeGreaterThan(Date.now());
    // Absent, it says that downloads are not limited.
    expect(estimate).not.toHaveProperty('downloads_included');
  });
});

describe('levels of logs', () => {
  it('are kept for a job, decide what is stored, and can be changed', async () => {
    const job = await finished({ log_level: 'warning' });
    expect((await json(job))['log_level']).toBe('warning');
    const log = await json(`${job}/logs`) as { level: string; logs: Json[] };
    expect(log.level).toBe('warning');
    expect(log.logs.map(({ level }) => level)).toEqual(expect.arrayContaining(['warning', 'error']));
    expect(log.logs.some(({ level }) => level === 'info' || level === 'debug')).toBe(false);
    for (const entry of log.logs) expect(entry).toMatchObject({ id: expect.any(String) as unknown, message: expect.not.stringMatching(/\n\s+at /) as unknown, time: expect.stringMatching(/Z$/) as unknown });
    expect(await json(`${job}/logs?level=error`)).toMatchObject({ level: 'error' });
    expect((await call('PATCH', job, { log_level: 'debug' })).status).toBe(204);
    expect((await json(job))['log_level']).toBe('debug');
  });

  it('are kept for a service, and can be changed', async () => {
    const path = await create({ type: 'xyz', log_level: 'error' }, '/services');
    expect((await json(path))['log_level']).toBe('error');
    expect((await call('PATCH', path, { log_level: 'debug' })).status).toBe(204);
    expect((await json(path))['log_level']).toBe('debug');
    expect(await json(`${path}/logs?level=warning`)).toMatchObject({ level: 'warning', logs: [] });
  });

  it('are taken by synchronous requests', async () => {
    const answer = await call('POST', '/result', { process, log_level: 'error' });
    await answer.text();
    const [, path] = /\/openeo\/1\.3([^>]+)>; rel="monitor"/.exec(answer.headers.get('link')!)!;
    expect(((await json(path!)) as { logs: Json[] }).logs.map(({ level }) => level)).toEqual(['error']);
  });
});

describe('further properties', () => {
  it.each(['/jobs', '/services'])('of POST %s are kept, and changed by PATCH', async (kind) => {
    const path = await create({ type: 'xyz', title: 'T', description: 'D', job_options: { memory: '2g' }, 'x-own': [1, { a: true }] }, kind);
    expect(await json(path)).toMatchObject({ title: 'T', description: 'D', job_options: { memory: '2g' }, 'x-own': [1, { a: true }] });
    expect((await call('PATCH', path, { title: 'U', description: 'E', 'x-own': 2, 'x-more': 'y' })).status).toBe(204);
    expect(await json(path)).toMatchObject({ title: 'U', description: 'E', 'x-own': 2, 'x-more': 'y' });
  });

  it('are taken by synchronous requests', async () => {
    const answer = await call('POST', '/result', { process, job_options: { memory: '2g' }, 'x-own': 1 });
    expect(answer.status).toBe(200);
    await answer.text();
  });
});

it('processes are checked when a job or a service is changed', async () => {
  const other = { process_graph: { a: { process_id: 'add', arguments: { x: 5, y: 6 }, result: true } } };
  for (const [kind, body] of [['/jobs', {}], ['/services', { type: 'xyz' }]] as const) {
    const path = await create(body, kind);
    expect(await code(await call('PATCH', path, { process: { process_graph: { a: { process_id: 'nope', arguments: {}, result: true } } } }))).toEqual([400, 'ProcessUnsupported']);
    expect((await call('PATCH', path, { process: other })).status).toBe(204);
    expect(await json(path)).toMatchObject({ process: other });
  }
});
