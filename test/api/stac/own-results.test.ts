/** Results of jobs in the catalog: there for their owner as soon as a job has finished, and for nobody else. */
import type { RequestHandler } from 'express';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { visitorOf } from '../../../src/api/auth/authenticate.ts';
import type { Shared } from '../../../src/api/dependencies.ts';
import { ownResults } from '../../../src/api/stac/own-results.ts';
import { createStacRouter } from '../../../src/api/stac/router.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import type { RunContext } from '../../../src/jobs/run.ts';
import type { JobResult } from '../../../src/jobs/results.ts';
import { createLog } from '../../../src/log.ts';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import { emptyResult, startService, writing, type TestService } from '../service.ts';
import { scene } from './service.ts';
import { hasSchemas, problemsOf } from './validator.ts';

const process = { process_graph: { a: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } } };
const PROJECTION = 'https://stac-extensions.github.io/projection/v2.0.0/schema.json';

interface Link { readonly rel: string; readonly href: string; readonly method?: string; readonly body?: object }
interface Item { readonly id: string; readonly collection: string; readonly geometry: unknown; readonly properties: Record<string, unknown>; readonly links: Link[]; readonly assets: Record<string, { href: string }> }
interface Page { readonly features: Item[]; readonly numberMatched: number; readonly links: Link[] }

let service: TestService;
let router: RequestHandler;
let tokens: Record<'ann' | 'bob', Record<string, string>>;
/** Ann's jobs. */
const jobs = { scene: '', series: '', table: '', failed: '', waiting: '' };

async function request<T>(path: string, user: 'ann' | 'bob' | null = 'ann', init: { method?: string; body?: unknown } = {}): Promise<{ status: number; body: T }> {
  const url = path.startsWith('http') ? path : `${service.url}${path}`;
  const response = await fetch(url, { method: init.method ?? 'GET', headers: { ...(user && tokens[user]), ...(init.body === undefined ? {} : { 'Content-Type': 'application/json' }) }, ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }) });
  const text = await response.text();
  return { status: response.status, body: (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text) as T };
}

const search = async (body: object, user: 'ann' | 'bob' | null = 'ann') => (await request<Page>('/stac/search', user, { method: 'POST', body })).body;
const idsOf = (page: Page) => page.features.map(({ id }) => id);

async function run(user: 'ann' | 'bob', definition: object, work: (context: RunContext) => Promise<JobResult>): Promise<string> {
  const { id } = await service.jobs.store.create(user, { process, ...definition });
  await start(user, id, work);
  return id;
}

async function start(user: 'ann' | 'bob', id: string, work: (context: RunContext) => Promise<JobResult>): Promise<void> {
  service.work(work);
  await service.jobs.start(user, id);
  await vi.waitFor(async () => expect((await service.jobs.store.find(id))!.status).toMatch(/finished|error/), 10_000);
}

/** A file for each of two dates. */
const series = async (context: RunContext): Promise<JobResult> => {
  const result = await writing(service.objects, { 'a_2021-02-10T000000Z.json': '2', 'a_2021-01-10.json': '1' })(context);
  return { ...result, stacExtensions: [PROJECTION], bbox: [20, 10, 21, 11], files: result.files.map((file) => ({ ...file, datetime: `${/\d{4}-\d\d-\d\d/.exec(file.name)![0]}T00:00:00Z` })) };
};
const single = async (context: RunContext): Promise<JobResult> => ({ ...(await writing(service.objects, { 'scene.json': '{"a": 1}' })(context)), stacExtensions: [PROJECTION] });

beforeAll(async () => {
  const mounted = (shared: Shared): RequestHandler => (req, res, next) => {
    // The database is there when the first request is.
    const catalog = new CatalogStore(service.database);
    router ??= createStacRouter({
      baseUrl: `${service.url}/stac`, title: 'Test', description: 'A test.', collections: catalog, items: catalog, log: createLog(() => {}),
      signAsset: (collection, item, key, href) => (href.startsWith('/') ? href : `/assets/${collection}.${item}.${key}`),
      visitor: (asked) => visitorOf(asked, shared.authentication),
      personal: ownResults({ jobs: service.jobs.store, signer: shared.signer, resultDays: 30 }),
    });
    return router(req, res, next);
  };
  service = await startService({ mounts: [{ path: '/stac', handler: mounted }] });
  tokens = { ann: await service.token('ann'), bob: await service.token('bob') };
  const catalog = new CatalogStore(service.database);
  const stored = [scene('RAW', 'r1', '2021-01-20T00:00:00Z', 4, 50)];
  await catalog.putCollection(deriveCollection('RAW', stored, {}, null));
  await catalog.putItems('RAW', stored);
  jobs.scene = await run('ann', { title: 'One scene' }, single);
  jobs.series = await run('ann', { title: 'Two dates' }, series);
  jobs.table = await run('ann', { title: 'No place' }, async () => emptyResult);
  jobs.failed = await run('ann', {}, () => Promise.reject(new Error('It failed.')));
  jobs.waiting = (await service.jobs.store.create('ann', { process })).id;
}, 60_000);

afterAll(() => service.close());

describe('results of jobs in the catalog', () => {
  it('are a collection of its own in every list', async () => {
    const { body: { collections } } = await request<{ collections: { id: string; extent: object; links: Link[] }[] }>('/stac/collections');
    expect(collections.map(({ id }) => id)).toEqual(['RAW', 'job-results']);
    expect(collections[1]).toMatchObject({ extent: { spatial: { bbox: [[4, 10, 21, 51]] } }, 'lamina:files': { owner: 'ann', visibility: 'private' } });
    expect(collections[1]!.links.some(({ rel }) => rel === 'xyz')).toBe(false);
    const { body: children } = await request<{ children: { id: string }[] }>('/stac/children');
    expect(children.children.map(({ id }) => id)).toContain('job-results');
    const { body: landing } = await request<{ links: Link[] }>('/stac/');
    expect(landing.links).toContainEqual(expect.objectContaining({ rel: 'child', href: `${service.url}/stac/collections/job-results` }));
    const { body: catalog } = await request<{ links: Link[] }>('/stac/collections/job-results/catalog');
    expect(catalog.links.filter(({ rel }) => rel === 'item')).toHaveLength(4);
  });

  it('have an item for each job that finished, or for each of its dates', async () => {
    const page = await search({ collections: ['job-results'] });
    expect(new Set(idsOf(page))).toEqual(new Set([jobs.table, `${jobs.series}-1`, `${jobs.series}-0`, jobs.scene]));
    expect(page.numberMatched).toBe(4);
    const of = (id: string) => page.features.find((item) => item.id === id)!;
    expect(of(`${jobs.series}-0`)).toMatchObject({ collection: 'job-results', bbox: [20, 10, 21, 11], properties: { 'title': 'Two dates', 'datetime': '2021-01-10T00:00:00Z', 'lamina:job': jobs.series } });
    // The same keys for all dates, so that clients load them together.
    for (const [i, content] of [1, 2].entries()) {
      const { assets } = of(`${jobs.series}-${i}`);
      expect(Object.keys(assets)).toEqual(['a.json']);
      expect((await request(assets['a.json']!.href, null)).body).toBe(String(content));
    }
    expect(of(jobs.table).geometry).toBeNull();
    expect(of(jobs.scene).properties).toMatchObject({ unpublished: expect.stringMatching(/Z$/) as string });
    expect(of(jobs.scene).links).toContainEqual(expect.objectContaining({ rel: 'derived_from', href: `${service.url}/stac/collections/S2%2FL2A/items/scene%201` }));
    expect(of(jobs.scene).links).toContainEqual(expect.objectContaining({ rel: 'via', href: `${service.url}/openeo/1.3/jobs/${jobs.scene}/results` }));
  });

  it('have files that can be fetched without a login, until the links are revoked', async () => {
    const { body: item } = await request<Item>(`/stac/collections/job-results/items/${jobs.scene}`);
    const { href } = item.assets['scene.json']!;
    expect((await request(href, null)).body).toEqual({ a: 1 });
    await service.jobs.store.revokeLinks('ann', jobs.scene);
    expect((await request(href, null)).status).toBe(410);
    const { body: again } = await request<Item>(`/stac/collections/job-results/items/${jobs.scene}`);
    expect((await request(again.assets['scene.json']!.href, null)).body).toEqual({ a: 1 });
  });

  it.runIf(hasSchemas)('are valid by the schemas', async () => {
    const { body: collection } = await request('/stac/collections/job-results');
    const { body: old } = await request<Page>('/stac/1.0.0/collections/job-results/items');
    expect(old.features).toHaveLength(4);
    // All at once: the validator compiles its schemas anew for every call.
    expect(await problemsOf([collection, ...(await search({ collections: ['job-results'] })).features, ...old.features])).toEqual([]);
  });

  it('are found together with everything else', async () => {
    expect(idsOf(await search({ bbox: [4, 50, 5, 51] })).toSorted()).toEqual(['r1', jobs.scene].toSorted());
    expect(idsOf(await search({ bbox: [4, 50, 5, 51], sortby: [{ field: 'datetime', direction: 'asc' }] }))).toEqual([jobs.scene, 'r1']);
    expect(idsOf(await search({ datetime: '2021-02-05T00:00:00Z/2021-02-20T00:00:00Z' }))).toEqual([`${jobs.series}-1`]);
    expect(idsOf(await search({ ids: [`${jobs.series}-0`, 'r1'] })).toSorted()).toEqual([`${jobs.series}-0`, 'r1'].toSorted());
    expect(idsOf(await search({ filter: { op: '=', args: [{ property: 'lamina:job' }, jobs.series] }, sortby: [{ field: 'datetime', direction: 'desc' }] }))).toEqual([`${jobs.series}-1`, `${jobs.series}-0`]);
    expect(idsOf(await search({ query: { title: { startsWith: 'No' } } }))).toEqual([jobs.table]);
    const { body: items } = await request<Page>(`/stac/collections/job-results/items?filter=${encodeURIComponent('title = \'Two dates\'')}&fields=id,properties.title`);
    expect(items.features.map(({ id, properties, assets }) => [id, properties, assets])).toEqual([[`${jobs.series}-1`, { title: 'Two dates' }, undefined], [`${jobs.series}-0`, { title: 'Two dates' }, undefined]]);
  });

  it.each([{}, { sortby: [{ field: 'properties.title', direction: 'desc' }] }, { sortby: [{ field: 'id', direction: 'asc' }] }])('come in pages with those of other collections, each once: %j', async (order) => {
    const seen: string[] = [];
    for (let page = await search({ ...order, limit: 2 }); ;) {
      seen.push(...idsOf(page));
      const next = page.links.find(({ rel }) => rel === 'next');
      if (!next) break;
      page = await search(next.body!);
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen)).toEqual(new Set(['r1', jobs.scene, jobs.table, `${jobs.series}-0`, `${jobs.series}-1`]));
  });

  it('are counted, and their properties can be asked for', async () => {
    const { body } = await request<{ aggregations: { name: string; value?: number; buckets?: { key: string; frequency: number }[] }[] }>('/stac/aggregate?aggregations=total_count,collection_frequency');
    expect(body.aggregations[0]!.value).toBe(5);
    expect(body.aggregations[1]!.buckets!.map(({ key, frequency }) => [key, frequency])).toEqual([['RAW', 1], ['job-results', 4]]);
    const { body: schema } = await request<{ properties: Record<string, { enum?: string[] }> }>('/stac/collections/job-results/queryables');
    expect(schema.properties['title']!.enum).toEqual(['No place', 'One scene', 'Two dates']);
    const { body: all } = await request<{ properties: object }>('/stac/queryables');
    expect(all.properties).toHaveProperty('lamina:job');
  });

  it.each(['bob', null] as const)('are not there for %s', async (user) => {
    const item = `/stac/collections/job-results/items/${jobs.scene}`;
    for (const path of ['', '/items', '/catalog', '/queryables', '/sortables', '/aggregate']) expect([path, (await request(`/stac/collections/job-results${path}`, user)).status]).toEqual([path, 404]);
    expect((await request(item, user)).status).toBe(404);
    expect((await request<{ collections: { id: string }[] }>('/stac/collections', user)).body.collections.map(({ id }) => id)).toEqual(['RAW']);
    for (const body of [{}, { collections: ['job-results'] }, { ids: [jobs.scene] }, { filter: { op: '=', args: [{ property: 'lamina:job' }, jobs.scene] } }]) {
      const page = await search(body, user);
      expect([body, idsOf(page).filter((id) => id !== 'r1')]).toEqual([body, []]);
      expect(page.numberMatched).toBe(idsOf(page).length);
    }
    expect((await request<{ aggregations: { value: number }[] }>('/stac/aggregate?aggregations=total_count', user)).body.aggregations[0]!.value).toBe(1);
    expect((await request<{ properties: object }>('/stac/queryables', user)).body.properties).not.toHaveProperty('lamina:job');
  });

  it('are each user\'s own under the same address', async () => {
    const id = await run('bob', { title: 'Of Bob' }, single);
    expect(idsOf(await search({ collections: ['job-results'] }, 'bob'))).toEqual([id]);
    expect((await request(`/stac/collections/job-results/items/${id}`)).status).toBe(404);
    expect((await request(`/stac/collections/job-results/items/${jobs.scene}`, 'bob')).status).toBe(404);
    await service.jobs.delete('bob', id);
    expect((await request('/stac/collections/job-results', 'bob')).status).toBe(404);
  });

  it('can be changed through jobs only', async () => {
    const item = `/stac/collections/job-results/items/${jobs.scene}`;
    for (const [method, path] of [['DELETE', item], ['PATCH', item], ['DELETE', '/stac/collections/job-results']] as const) expect((await request(path, 'ann', { method, body: {} })).status).toBeGreaterThanOrEqual(400);
    expect((await request(item)).status).toBe(200);
  });

  it('follow their job: a new title, another run, expiry, deletion', async () => {
    const item = `/stac/collections/job-results/items/${jobs.scene}`;
    await service.jobs.store.update('ann', jobs.scene, (before) => ({ ...before, title: 'Renamed' }));
    expect((await request<Item>(item)).body.properties['title']).toBe('Renamed');
    // A run that fails leaves none; while it lasts there is none either.
    let meanwhile = 0;
    await start('ann', jobs.scene, async () => {
      meanwhile = (await request(item)).status;
      throw new Error('This time it fails.');
    });
    expect(meanwhile).toBe(404);
    expect((await request(item)).status).toBe(404);
    await start('ann', jobs.scene, series);
    expect((await request(item)).status).toBe(404);
    expect((await request(`${item}-1`)).status).toBe(200);
    await service.jobs.delete('ann', jobs.scene);
    expect((await request(`${item}-1`)).status).toBe(404);
    expect((await search({ collections: ['job-results'] })).numberMatched).toBe(3);
    expect(await service.jobs.store.forgetResults(0)).toEqual(expect.arrayContaining([jobs.series, jobs.table]));
    expect((await request('/stac/collections/job-results')).status).toBe(404);
    expect(idsOf(await search({}))).toEqual(['r1']);
  });
});
