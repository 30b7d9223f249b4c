/** Faults that other servers had when their results went over several pages, each as a test of ours. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import type { StacItem } from '../../../src/catalog/types.ts';
import { list, scene, startService, type Answer, type Service } from './service.ts';

/** Names with what separates, quotes or ends things elsewhere. */
const names = ['a,b', 'a,c', '"q"', '\'s\'', 'null', 'é,ü', '[1]', '{x}', '+plus', '&amp=1', 'a;b', '~', '🛰,1'];

/** Every third item covers a time instead of having an instant; some lack a platform, in others it is null. */
const all: readonly StacItem[] = names.map((id, i) => {
  const item = scene('PAGES', id, '2022-03-01T00:00:00Z', i, 0);
  const span = { datetime: null, start_datetime: '2022-03-01T00:00:00Z', end_datetime: `2022-03-0${1 + (i % 3)}T00:00:00Z` };
  return { ...item, properties: { ...item.properties, ...(i % 3 === 0 ? span : {}), ...(i % 4 === 0 ? {} : { platform: i % 4 === 1 ? null : names[i % 2]! }), ...(i % 5 === 0 ? {} : { 'eo:cloud_cover': i % 2 }) } };
});

let service: Service;
beforeAll(async () => {
  service = await startService();
  await service.store.putCollection(deriveCollection('PAGES', all, {}, null));
  await service.store.putItems('PAGES', all);
});
afterAll(() => service.stop());

interface Next {
  readonly href: string;
  readonly method?: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

const ids = (answer: Answer) => list(answer.body['features']!).map((feature) => String(feature['id']));
const nextOf = (answer: Answer) => list(answer.body['links']!).find((link) => link['rel'] === 'next') as unknown as Next | undefined;

/** All pages, by the links. */
async function pages(first: Answer): Promise<{ answers: Answer[]; links: Next[] }> {
  const [answers, links]: [Answer[], Next[]] = [[first], []];
  for (let next = nextOf(first); next; next = nextOf(answers.at(-1)!)) {
    links.push(next);
    answers.push(next.method === 'POST' ? await service.post(next.href, next.body) : await service.get(next.href));
    expect(answers.at(-1)!.status).toBe(200);
    expect(answers.length).toBeLessThan(50);
  }
  return { answers, links };
}

const byGet = (query: Record<string, string>) => service.get(`/search?${new URLSearchParams({ collections: 'PAGES', limit: '2', ...query }).toString()}`);
const byPost = (body: object) => service.post('/search', { collections: ['PAGES'], limit: 2, ...body });

async function expectEverythingOnce(first: Answer): Promise<void> {
  const seen = (await pages(first)).answers.flatMap(ids);
  expect(seen.toSorted()).toEqual(names.toSorted());
}

it('items whose datetime is null are on one page each', async () => {
  await expectEverythingOnce(await byGet({}));
  await expectEverythingOnce(await byPost({}));
  await expectEverythingOnce(await service.get('/collections/PAGES/items?limit=2'));
  for (const sortby of ['datetime', '-datetime', '-start_datetime', 'end_datetime']) await expectEverythingOnce(await byGet({ sortby }));
});

it('fields that some items lack, and values that many share, are an order all the same', async () => {
  for (const sortby of ['platform', '-platform', 'eo:cloud_cover', '-eo:cloud_cover', '-platform,eo:cloud_cover', 'nothing', '-nothing,-id']) {
    await expectEverythingOnce(await byGet({ sortby }));
    await expectEverythingOnce(await byPost({ sortby }));
  }
});

it('tokens may stand for commas, quotes and nulls, and come as they are in a URL', async () => {
  const { links } = await pages(await byGet({ sortby: 'platform,id', limit: '1' }));
  expect(links).toHaveLength(names.length - 1);
  for (const { href } of links) expect(new URL(href).search).toMatch(/[?&]token=[\w-]+(&|$)/);
});

it('what is asked for does not grow from page to page', async () => {
  const filter = 'id <> \'x\' AND S_INTERSECTS(geometry, BBOX(-1, -1, 20, 2))';
  const asked = { collections: 'PAGES', limit: '2', filter, 'filter-lang': 'cql2-text', sortby: '-platform', query: '{"gsd":{"gt":1}}', fields: 'id,properties.platform' };
  for (const { href } of (await pages(await byGet(asked))).links) {
    const { token, ...rest } = Object.fromEntries(new URL(href).searchParams);
    expect([rest, [...new URL(href).searchParams].length]).toEqual([asked, Object.keys(asked).length + 1]);
    expect(token!.length).toBeLessThan(400);
  }
  const body = { collections: ['PAGES'], limit: 2, filter: { op: '<>', args: [{ property: 'id' }, 'x'] }, sortby: [{ field: 'platform', direction: 'desc' }], query: { gsd: { gt: 1 } }, fields: { include: ['id'] } };
  for (const next of (await pages(await byPost(body))).links) {
    const { token: _, ...rest } = next.body!;
    expect([rest, next.href]).toEqual([body, `${service.url}/search`]);
  }
});

it('empty fields mean the same on every page, and fields that nobody asked for do not appear', async () => {
  const members = (answer: Answer) => Object.keys(list(answer.body['features']!)[0]!).toSorted();
  for (const first of [await byGet({ fields: '' }), await byPost({ fields: {} }), await byPost({ fields: { include: [], exclude: [] } })]) {
    const { answers } = await pages(first);
    expect(members(answers[0]!)).toEqual(['assets', 'bbox', 'geometry', 'id', 'links', 'properties', 'stac_version', 'type']);
    for (const answer of answers) expect(members(answer)).toEqual(members(answers[0]!));
  }
  for (const { href } of (await pages(await byGet({}))).links) expect(new URL(href).searchParams.has('fields')).toBe(false);
  for (const { body } of (await pages(await byPost({}))).links) expect(body).not.toHaveProperty('fields');
});

it('a search among very many collections goes on over pages', async () => {
  const many = [...Array.from({ length: 900 }, (_, i) => `collection-of-a-long-name-number-${i}`), 'PAGES'];
  await expectEverythingOnce(await byPost({ collections: many }));
});
