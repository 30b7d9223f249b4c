/**
 * A STAC API over many items (LAMINA_STAC_ITEMS, default a million): how fast they are put in, and how long searches
 * take over HTTP with 1, 8 and 32 clients. Items are real ones of ../shared/data, each moved to another place and
 * date. Three parties, each in processes of its own, share this machine: `lamina api`, the service's own PostgreSQL,
 * and the clients (this process, which also puts the items in, as `lamina ingest` does).
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CatalogStore } from '../src/catalog/store.ts';
import type { StacCollection, StacItem } from '../src/catalog/types.ts';
import { openDatabase, type Database } from '../src/database/connection.ts';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrations.ts';
import { silentLog } from '../src/log.ts';
import { say, type Figure } from './harness.ts';

const source = join(import.meta.dirname, '../../shared/data/stac-items/item-collection.json');
const ITEMS = Number(process.env['LAMINA_STAC_ITEMS'] ?? 1e6);
/** Where the database lies while it is measured; it takes 9 KB an item. */
const FOLDER = process.env['LAMINA_STAC_FOLDER'] ?? tmpdir();
const PORTION = 2000;
const CLIENTS = [1, 8, 32];
const REQUESTS = 200;
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

/** The item `i`: one of the real ones at another place and time, with its shape. */
function itemAt(i: number, from: readonly StacItem[], random: () => number): StacItem {
  const template = from[i % from.length]!;
  const [west, south] = [-180 + 358 * random(), -80 + 158 * random()];
  const moved = ([x, y]: readonly number[]) => [x! + west - template.bbox[0]!, y! + south - template.bbox[1]!].map((degrees) => Math.round(degrees * 1e6) / 1e6);
  const rings = template.geometry!.coordinates as readonly (readonly number[])[][];
  const datetime = new Date(FIRST_DAY + Math.floor(random() * DAYS * 86_400_000)).toISOString();
  return {
    ...template, stac_version: '1.1.0', id: `item-${i}`, collection: collectionId(i), bbox: [...moved(template.bbox.slice(0, 2)), ...moved(template.bbox.slice(2))],
    geometry: { type: 'Polygon', coordinates: rings.map((ring) => ring.map(moved)) },
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

const anyOf = (random: () => number) => [collectionId(Math.floor(random() * COLLECTIONS))];

function boxOf(random: () => number, degrees: number): number[] {
  const [west, south] = [-170 + 330 * random(), -70 + 130 * random()];
  return [west, south, Math.min(180, west + degrees), Math.min(90, south + degrees)];
}

function monthOf(random: () => number): string {
  const month = Math.floor(random() * 90);
  return [month, month + 1].map((n) => new Date(FIRST_DAY + n * 30 * 86_400_000).toISOString()).join('/');
}

/** One search of a kind; other numbers every time, so nothing is remembered. */
const searches: Readonly<Record<string, (random: () => number) => object>> = {
  'newest of a collection': (random) => ({ collections: anyOf(random), limit: 10 }),
  'box, month and collection': (random) => ({ collections: anyOf(random), bbox: boxOf(random, 10), datetime: monthOf(random), limit: 10 }),
  'cloud cover and date, by a filter': (random) => ({
    collections: anyOf(random), limit: 10, 'filter-lang': 'cql2-text',
    filter: `eo:cloud_cover < ${(1 + 20 * random()).toFixed(2)} and datetime > TIMESTAMP('2019-03-01T00:00:00Z')`,
  }),
  'least clouds in a box': (random) => ({ bbox: boxOf(random, 5), sortby: [{ field: 'properties.eo:cloud_cover', direction: 'asc' }], limit: 10 }),
  'one item by its id': (random) => ({ ids: [`item-${Math.floor(random() * ITEMS)}`], limit: 1 }),
  'all that touches a point': (random) => ({ intersects: { type: 'Point', coordinates: boxOf(random, 1).slice(0, 2) }, limit: 10 }),
  'a continent and a month': (random) => ({ bbox: boxOf(random, 50), datetime: monthOf(random), limit: 10 }),
  'few clouds in a box, by a filter': (random) => ({ bbox: boxOf(random, 10), 'filter-lang': 'cql2-text', filter: 'eo:cloud_cover < 10', limit: 10 }),
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
    await timesOf(url, make, 1);
    for (const clients of CLIENTS) {
      const times = await timesOf(url, make, clients);
      const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(1);
      told.push(`${at(0.5)} / ${at(0.95)} / ${at(1)}`);
    }
    say(`  ${name.padEnd(34)} ${told.join('   ')}`);
    figures.push({ what: `STAC search among ${ITEMS.toLocaleString('en')} items: ${name}`, ours: `${told[0]} ms (p50 / p95 / slowest, one client), ${told.at(-1)} ms (${CLIENTS.at(-1)})`, peer: '–', ratio: '–', goal: 'p50 < 5, p95 < 50 ms' });
  }
  return figures;
}

interface Api {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** `lamina api` as people start it. */
async function startApi(folder: string, databaseUrl: string): Promise<Api> {
  const env = { PATH: process.env['PATH'], LAMINA_DATA: folder, LAMINA_PORT: '0', LAMINA_DATABASE_URL: databaseUrl };
  const child = spawn(process.execPath, [join(import.meta.dirname, '../bin/lamina.mjs'), 'api'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`lamina api ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /answers on (http:\/\/[\w.]+:\d+)/.exec(line)?.[1];
      if (found) resolve(found);
    });
  });
  return {
    url,
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function benchApi(folder: string, databaseUrl: string, database: Database): Promise<Figure[]> {
  await migrate(database);
  const rate = await fill(new CatalogStore(database));
  say(`\n${ITEMS} items put in, ${rate.toFixed(0)} a second`);
  // What autovacuum does within the next minutes.
  await database.query('vacuum analyze items');
  const [size] = await database.query<{ bytes: string }>("select pg_total_relation_size('items')::text as bytes");
  const [backend] = await database.query<{ pid: number }>('select pg_backend_pid() as pid');
  const postmaster = parentOf(backend!.pid);
  const api = await startApi(folder, databaseUrl);
  try {
    say(`  milliseconds: p50 / p95 / slowest of ${CLIENTS.join(', ')} clients, limit 10, ${REQUESTS} searches each; load ${loadavg()[0]!.toFixed(1)}`);
    const figures = await measure(`${api.url}/stac/search`);
    say(`  load ${loadavg()[0]!.toFixed(1)}; ${(Number(size!.bytes) / 1e9).toFixed(1)} GB on disk; memory ${residentTree(postmaster).toFixed(0)} MB of the database, ${residentTree(api.pid).toFixed(0)} MB of the API`);
    return [{ what: `STAC items put in, ${ITEMS.toLocaleString('en')}`, ours: `${rate.toFixed(0)} items/s`, peer: '–', ratio: '–', goal: '≥ 8,000 items/s' }, ...figures];
  } finally {
    await api.stop();
  }
}

export async function benchStac(): Promise<Figure[]> {
  if (!existsSync(source)) {
    say('skipped: ../shared/data/stac-items is absent');
    return [];
  }
  const folder = await mkdtemp(join(FOLDER, 'lamina-bench-'));
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'postgres'), log: silentLog });
  const database = openDatabase(postgres.url);
  try {
    return await benchApi(folder, postgres.url, database);
  } finally {
    agent.destroy();
    await database.close();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchStac();
