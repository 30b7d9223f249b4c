/** The searches of the benchmark and the client that sends them. */
import { Agent, request } from 'node:http';
import type { StacItem } from '../../src/catalog/types.ts';
import { COLLECTIONS, collectionId, FIRST_DAY, ITEMS, numbers } from './items.ts';

export const CLIENTS = [1, 8, 32];
export const REQUESTS = Number(process.env['LAMINA_STAC_REQUESTS'] ?? 200);

/** A kind of search; other numbers every time, so nothing is remembered. */
export interface Shape {
  readonly make: (random: () => number) => object & { readonly limit: number };
  /** What its answers are ordered by. */
  readonly key: (item: StacItem) => number;
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

/** JSON and not text: servers of stac-fastapi take no other in a POST. */
const clouds = (below: number) => ({ op: '<', args: [{ property: 'eo:cloud_cover' }, below] });
const since = (instant: string) => ({ op: '>', args: [{ property: 'datetime' }, { timestamp: instant }] });
const filtered = (filter: object) => ({ 'filter-lang': 'cql2-json', filter });

/** Without another order both sides give the newest first. */
const newest = (item: StacItem) => -Date.parse(item.properties['datetime'] as string);
const leastClouds = (item: StacItem) => item.properties['eo:cloud_cover'] as number;

export const shapes: Readonly<Record<string, Shape>> = {
  'newest of a collection': { key: newest, make: (random) => ({ collections: anyOf(random), limit: 10 }) },
  'box, month and collection': { key: newest, make: (random) => ({ collections: anyOf(random), bbox: boxOf(random, 10), datetime: monthOf(random), limit: 10 }) },
  'cloud cover and date, by a filter': {
    key: newest,
    make: (random) => ({ collections: anyOf(random), limit: 10, ...filtered({ op: 'and', args: [clouds(Math.round(100 + 2000 * random()) / 100), since('2019-03-01T00:00:00Z')] }) }),
  },
  'least clouds in a box': { key: leastClouds, make: (random) => ({ bbox: boxOf(random, 5), sortby: [{ field: 'properties.eo:cloud_cover', direction: 'asc' }], limit: 10 }) },
  'one item by its id': { key: newest, make: (random) => ({ ids: [`item-${Math.floor(random() * ITEMS)}`], limit: 1 }) },
  'all that touches a point': { key: newest, make: (random) => ({ intersects: { type: 'Point', coordinates: boxOf(random, 1).slice(0, 2) }, limit: 10 }) },
  'a continent and a month': { key: newest, make: (random) => ({ bbox: boxOf(random, 50), datetime: monthOf(random), limit: 10 }) },
  'few clouds in a box, by a filter': { key: newest, make: (random) => ({ bbox: boxOf(random, 10), ...filtered(clouds(10)), limit: 10 }) },
};

export const agent = new Agent({ keepAlive: true, maxSockets: Math.max(...CLIENTS) });

/** Sends a search and gives the answer's text. Throws an Error when it is not 200. */
export function post(url: string, body: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`${answer.statusCode} for ${JSON.stringify(body)}: ${text.slice(0, 300)}`));
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

/** Milliseconds of `REQUESTS` searches by some clients at once, shortest first. The seed says which searches. */
export async function timesOf(url: string, { make }: Shape, clients: number, seed: number): Promise<number[]> {
  // A server ends connections that were idle while it was the other's turn, perhaps just when they are used again.
  agent.destroy();
  const random = numbers(seed);
  const times: number[] = [];
  let left = REQUESTS;
  await Promise.all(Array.from({ length: clients }, async () => {
    while (left-- > 0) {
      const body = make(random);
      const start = performance.now();
      await post(url, body);
      times.push(performance.now() - start);
    }
  }));
  return times.sort((a, b) => a - b);
}
