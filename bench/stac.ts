/**
 * A STAC API over many items (LAMINA_STAC_ITEMS, default a million): how fast they are put in, and how long five
 * kinds of searches take over HTTP with 1, 8 and 32 clients. Items are real ones of ../shared/data, each moved to
 * other places and dates; API and database are the service's own, on this machine, beside the clients.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CatalogStore } from '../src/catalog/store.ts';
import type { StacCollection, StacItem } from '../src/catalog/types.ts';
import { readConfig } from '../src/config.ts';
import { openDatabase } from '../src/database/connection.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { silentLog } from '../src/log.ts';
import { startServer } from '../src/server.ts';
import { say, type Figure } from './harness.ts';

const source = join(import.meta.dirname, '../../shared/data/stac-items/item-collection.json');
const ITEMS = Number(process.env['LAMINA_STAC_ITEMS'] ?? 1e6);
const PORTION = 5000;
const CLIENTS = [1, 8, 32];
const REQUESTS = 160;
const COLLECTIONS = 4;
const [FIRST_DAY, DAYS] = [Date.parse('2017-01-01T00:00:00Z'), 3000];

/** Numbers that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** As an archive has it after some thinning: all properties, and four of the assets. */
function templates(): StacItem[] {
  const { features } = JSON.parse(readFileSync(source, 'utf8')) as { features: StacItem[] };
  return features.map(({ assets, ...item }) => ({ ...item, links: [], assets: Object.fromEntries(Object.entries(assets).filter(([key]) => ['red', 'nir', 'scl', 'thumbnail'].includes(key))) }));
}

const collectionId = (i: number) => `bench-${i % COLLECTIONS}`;

/** The item `i`: a square degree somewhere, at some time. */
function itemAt(i: number, from: readonly StacItem[], random: () => number): StacItem {
  const template = from[i % from.length]!;
  const [west, south] = [-180 + 359 * random(), -80 + 159 * random()];
  const [east, north] = [west + 1, south + 1];
  const datetime = new Date(FIRST_DAY + Math.floor(random() * DAYS * 86_400_000)).toISOString();
  return {
    ...template, stac_version: '1.1.0', id: `item-${i}`, collection: collectionId(i), bbox: [west, south, east, north],
    geometry: { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] },
    properties: { ...template.properties, datetime, 'eo:cloud_cover': Math.round(random() * 10_000) / 100 },
  };
}

async function fill(store: CatalogStore): Promise<number> {
  for (let i = 0; i < COLLECTIONS; i++) await store.putCollection(collectionOf(collectionId(i)));
  const from = templates();
  const random = numbers(11);
  const start = performance.now();
  for (let first = 0; first < ITEMS; first += PORTION * COLLECTIONS) {
    const items = Array.from({ length: Math.min(PORTION * COLLECTIONS, ITEMS - first) }, (_, k) => itemAt(first + k, from, random));
    await Promise.all(Array.from({ length: COLLECTIONS }, (_, c) => store.putItems(collectionId(c), items.filter(({ collection }) => collection === collectionId(c)))));
  }
  return ITEMS / ((performance.now() - start) / 1000);
}

function collectionOf(id: string): StacCollection {
  return {
    type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id, title: id, description: 'Items of a benchmark.', license: 'other', links: [], summaries: {}, 'cube:dimensions': {},
    extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [['2017-01-01T00:00:00Z', null]] } },
  } as unknown as StacCollection;
}

/** One search of a kind; other numbers every time. */
const searches: Readonly<Record<string, (random: () => number) => object>> = {
  'newest of a collection': (random) => ({ collections: [collectionId(Math.floor(random() * COLLECTIONS))], limit: 10 }),
  'box, month and collection': (random) => {
    const [west, south, month] = [-170 + 330 * random(), -70 + 130 * random(), Math.floor(random() * 90)];
    const start = new Date(FIRST_DAY + month * 30 * 86_400_000).toISOString();
    const end = new Date(FIRST_DAY + (month + 1) * 30 * 86_400_000).toISOString();
    return { collections: [collectionId(Math.floor(random() * COLLECTIONS))], bbox: [west, south, west + 10, south + 10], datetime: `${start}/${end}`, limit: 10 };
  },
  'cloud cover and date, by a filter': (random) => ({
    collections: [collectionId(Math.floor(random() * COLLECTIONS))], limit: 10, 'filter-lang': 'cql2-text',
    filter: `eo:cloud_cover < ${(1 + 20 * random()).toFixed(2)} and datetime > TIMESTAMP('2019-03-01T00:00:00Z')`,
  }),
  'least clouds in a box': (random) => {
    const [west, south] = [-170 + 330 * random(), -70 + 130 * random()];
    return { bbox: [west, south, west + 5, south + 5], sortby: [{ field: 'properties.eo:cloud_cover', direction: 'asc' }], limit: 10 };
  },
  'one item by its id': (random) => ({ ids: [`item-${Math.floor(random() * ITEMS)}`], limit: 1 }),
};

const agent = new Agent({ keepAlive: true, maxSockets: Math.max(...CLIENTS) });

function post(url: string, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? resolve(performance.now() - start) : reject(new Error(`${answer.statusCode} for ${JSON.stringify(body)}`))));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

async function timesOf(url: string, make: (random: () => number) => object, clients: number): Promise<number[]> {
  const random = numbers(clients);
  const times: number[] = [];
  let left = REQUESTS;
  await Promise.all(Array.from({ length: clients }, async () => {
    while (left-- > 0) times.push(await post(url, make(random)));
  }));
  return times.sort((a, b) => a - b);
}

/** Resident memory of a process and of all below it, MB. */
function residentTree(pid: number): number {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number));
  const own = Number(/Pss:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1000;
  return children.reduce((sum, child) => sum + residentTree(child), own);
}

const parentOf = (pid: number) => Number(/PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);

async function measure(url: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, make] of Object.entries(searches)) {
    const told: string[] = [];
    let slowest = 0;
    await timesOf(url, make, 1);
    for (const clients of CLIENTS) {
      const times = await timesOf(url, make, clients);
      const [p50, p95] = [times[Math.floor(times.length * 0.5)]!, times[Math.floor(times.length * 0.95)]!];
      slowest = Math.max(slowest, p95);
      told.push(`${p50.toFixed(1)} / ${p95.toFixed(1)}`);
    }
    say(`  ${name.padEnd(36)} p50 / p95 of ${CLIENTS.join(', ')} clients: ${told.join(', ')} ms`);
    figures.push({ what: `STAC search among ${ITEMS.toLocaleString('en')} items: ${name}`, ours: `${told[0]} ms (p50 / p95, one client), ${told.at(-1)} ms (${CLIENTS.at(-1)})`, peer: '–', ratio: '–', goal: 'p50 < 5, p95 < 50 ms' });
  }
  return figures;
}

export async function benchStac(): Promise<Figure[]> {
  if (!existsSync(source)) {
    say('skipped: ../shared/data/stac-items is absent');
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'postgres'), log: silentLog });
  try {
    const config = readConfig({ LAMINA_DATA: folder, LAMINA_PORT: '0', LAMINA_DATABASE_URL: postgres.url });
    const server = await startServer(config, postgres.url, silentLog);
    const database = openDatabase(postgres.url);
    try {
      const rate = await fill(new CatalogStore(database));
      say(`\n${ITEMS} items put in, ${rate.toFixed(0)} a second`);
      await database.query('vacuum analyze items');
      const [size] = await database.query<{ bytes: string }>("select pg_total_relation_size('items')::text as bytes");
      const figures = await measure(`${server.url}/stac/search`);
      const [{ pid } = { pid: 0 }] = await database.query<{ pid: number }>("select pg_backend_pid() as pid");
      say(`  ${(Number(size!.bytes) / 1e9).toFixed(1)} GB on disk; memory ${residentTree(parentOf(pid)).toFixed(0)} MB of the database, ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB of API and clients together`);
      return [{ what: `STAC items put in, ${ITEMS.toLocaleString('en')}`, ours: `${rate.toFixed(0)} items/s`, peer: '–', ratio: '–', goal: '≥ 8,000 items/s' }, ...figures];
    } finally {
      agent.destroy();
      await database.close();
      await server.close();
    }
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchStac();
