/** Every STAC object that a running service shows is valid by the official schemas: a crawl of the whole catalog, and of results of jobs. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRules } from '../api/stac/map-rules.ts';
import { hasSchemas, problemsOf } from '../api/stac/validator.ts';
import { Client, freePort, lamina, run, until, type Started } from './processes.ts';

const WAIT_MS = 240_000;
const items = resolve('../shared/data/stac-items/item-collection.json');

interface Link { readonly rel: string; readonly href: string; readonly method?: string; readonly type?: string }
interface Json { readonly [key: string]: unknown; readonly links?: readonly Link[]; readonly type?: string; readonly id?: string }

/** A corner of the synthetic scene, and two of its dates. */
const place = { west: 708_000, south: 5_612_000, east: 708_640, north: 5_612_640, crs: 'EPSG:32631' };
const graph = (id: string, format: string, dates: readonly [string, string]) => ({
  load: { process_id: 'load_collection', arguments: { id, spatial_extent: place, temporal_extent: dates } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format }, result: true },
});

describe.skipIf(!hasSchemas)(hasSchemas ? 'the whole catalog' : 'skipped: ../shared/spec/stac/schemas is absent', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-crawl-'));
  let service: Started;
  let anna: Client;
  let url: string;
  /** URL → what is there. */
  const seen = new Map<string, Json>();

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const environment = { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data'), LAMINA_BASIC_USERS: 'anna:secret-anna', LAMINA_EDITORS: 'anna' };
    service = lamina(['serve'], environment);
    await until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', WAIT_MS, service);
    anna = new Client(url);
    await anna.login('anna', 'secret-anna');
    if (existsSync(items)) expect((await run(lamina(['ingest', items, '--collection', 'EARTH_SEARCH'], environment))).code).toBe(0);
    const box = '5.9630,50.6150,5.9660,50.6170';
    const made = await run(lamina(['layer', 'materialise', 'EMB_SYNTHETIC_S2_PCA', '--bbox', box, '--formats', 'GTiff,Zarr,Parquet'], environment));
    expect(made.code, made.output).toBe(0);
  }, WAIT_MS);

  afterAll(async () => {
    await service.end();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  async function get(href: string): Promise<Json> {
    const known = seen.get(href);
    if (known) return known;
    const response = await anna.fetch(href);
    expect([href, response.status]).toEqual([href, 200]);
    const found = (await response.json()) as Json;
    seen.set(href, found);
    return found;
  }

  /** Everything that links lead to, each once. */
  async function crawl(start: string): Promise<void> {
    const waiting = [start];
    for (let href = waiting.pop(); href !== undefined; href = waiting.pop()) {
      if (seen.has(href)) continue;
      const { links = [] } = await get(href);
      waiting.push(...links.filter(({ rel, href: to }) => ['child', 'item', 'items', 'next'].includes(rel) && to.startsWith(url)).map(({ href: to }) => to));
    }
  }

  const objects = () => [...seen.values()].flatMap((each) => (each.type === 'FeatureCollection' ? (each['features'] as Json[]) : [each]));

  /** Schemas that ../shared does not have can't be asked: those of other people's items, and of extensions that are named here. */
  const askable = (object: Json): Json => {
    const { stac_extensions: extensions } = object as { stac_extensions?: string[] };
    const unknown = extensions?.filter((schema) => !existsSync(resolve('../shared/spec/stac/schemas', schema.replace('https://stac-extensions.github.io/', ''))) && !schema.startsWith(url) && !hasRules(schema)) ?? [];
    if (object['collection'] !== 'EARTH_SEARCH') expect([object.id, unknown.filter((schema) => !/io\/(table|item-assets)\//.test(schema))]).toEqual([object.id, []]);
    return { ...object, ...(extensions ? { stac_extensions: extensions.filter((schema) => !unknown.includes(schema)) } : {}) };
  };

  async function expectAllValid(): Promise<void> {
    const all = objects().map(askable);
    // All at once: the validator compiles its schemas anew for every call.
    if ((await problemsOf(all)).length === 0) return;
    for (const object of all) expect([object.type, object['collection'] ?? null, object.id, await problemsOf(object)]).toEqual([object.type, object['collection'] ?? null, object.id, []]);
  }

  it('is valid, from the landing page to the last item', async () => {
    await crawl(`${url}/stac/`);
    const ids = objects().filter(({ type }) => type === 'Collection').map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['SYNTHETIC_S2', 'EMB_SYNTHETIC_S2_PCA', 'EMB_SYNTHETIC_S2_CONV', 'EMB_SYNTHETIC_S2_PCA.files', 'operators', ...(existsSync(items) ? ['EARTH_SEARCH'] : [])]));
    for (const id of ids) expect([id, objects().some((each) => each.type === 'Feature' && each['collection'] === id)]).toEqual([id, true]);
    await expectAllValid();
  }, WAIT_MS);

  it('leads back: every object says where it is, what it is part of, and what the root is', () => {
    for (const [href, { type, links = [] }] of seen) {
      const of = (rel: string) => links.find((link) => link.rel === rel)?.href;
      expect([href, of('self')]).toEqual([href, href]);
      expect([href, of('root')]).toEqual([href, `${url}/stac/`]);
      if (type !== 'FeatureCollection' && href !== `${url}/stac/`) expect([href, typeof of('parent')]).toEqual([href, 'string']);
    }
  });

  it('leads from embeddings to the operator that made them, which is described', async () => {
    const found = objects().flatMap(({ links = [] }) => links.filter(({ rel }) => rel === 'emb:model').map(({ href }) => href));
    expect(found.length).toBeGreaterThan(0);
    for (const href of new Set(found)) expect([href, (await get(href))['collection']]).toEqual([href, 'operators']);
  });

  it('is the same by search: pages of GET and POST hold the same items', async () => {
    const crawled = new Map(objects().filter(({ type }) => type === 'Feature').map((each) => [`${String(each['collection'])}/${each.id}`, each]));
    const found: Json[] = [];
    for (let page = (await (await anna.fetch(`${url}/stac/search`, { method: 'POST', body: { limit: 50 } })).json()) as Json; ;) {
      found.push(...(page['features'] as Json[]));
      const next = page.links?.find(({ rel }) => rel === 'next') as (Link & { body: object }) | undefined;
      if (!next) break;
      page = (await (await anna.fetch(next.href, { method: 'POST', body: next.body })).json()) as Json;
    }
    expect(found.map((each) => `${String(each['collection'])}/${each.id}`).toSorted()).toEqual([...crawled.keys()].toSorted());
    const unsigned = (text: string) => text.replaceAll(/\?[^"]*/g, '');
    for (const each of found) expect(unsigned(JSON.stringify(each))).toBe(unsigned(JSON.stringify(crawled.get(`${String(each['collection'])}/${each.id}`))));
  });

  it('is valid as STAC 1.0 too, below a path of its own', async () => {
    const count = seen.size;
    seen.clear();
    await crawl(`${url}/stac/1.0.0/`);
    expect(seen.size).toBe(count);
    expect(new Set(objects().map((each) => each['stac_version']))).toEqual(new Set(['1.0.0']));
    await expectAllValid();
  }, WAIT_MS);

  it('has results of jobs that are valid too: an item of one date, a collection of two, embeddings, a table', async () => {
    seen.clear();
    const days = { one: ['2023-06-24', '2023-06-25'], all: ['2023-01-01', '2024-01-01'] } as const;
    const jobs = [graph('SYNTHETIC_S2', 'GTiff', days.one), graph('SYNTHETIC_S2', 'GTiff', days.all), graph('EMB_SYNTHETIC_S2_PCA', 'GTiff', days.one), graph('EMB_SYNTHETIC_S2_PCA', 'Parquet', days.one), graph('SYNTHETIC_S2', 'netCDF', days.all), graph('SYNTHETIC_S2', 'Zarr', days.all)];
    for (const each of jobs) {
      const id = await anna.startJob(each);
      await anna.finished(id, WAIT_MS);
      const results = await anna.json<Json>(`/jobs/${id}/results`);
      seen.set(id, results);
      for (const { rel, href } of results.links ?? []) if (rel === 'item') await get(href);
    }
    const before = objects().length;
    await crawl(`${url}/stac/collections/job-results`);
    expect(objects().filter(({ collection }) => collection === 'job-results').length).toBeGreaterThan(jobs.length);
    expect(objects().length).toBeGreaterThan(before);
    expect(new Set(objects().map(({ type }) => type))).toEqual(new Set(['Feature', 'Collection', 'Catalog']));
    await expectAllValid();
  }, WAIT_MS);
});
