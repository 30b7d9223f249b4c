/** For tests: a STAC API in the manner of Earth Search or the Planetary Computer, that can also misbehave. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';

type Json = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- documents of others

/** Answers instead of the double; false: the double answers after all. */
export type Trouble = (request: { method: string; path: string; body: Json | null; count: number; headers: IncomingMessage['headers'] }, response: ServerResponse) => boolean;

export interface DoubleOptions {
  /** Which catalog's manners it has; default 'earth-search'. */
  readonly manner?: 'earth-search' | 'planetary-computer' | 'items-only';
  readonly collection: string;
  readonly items: readonly Json[];
  /** More are never on a page. */
  readonly mostPerPage?: number;
  /** Its pages have numbers, as those of older catalogs do. */
  readonly hasPageNumbers?: boolean;
}

export interface Double {
  readonly url: string;
  readonly host: string;
  /** 'METHOD /path' in the order in which they came. */
  readonly requests: string[];
  readonly bodies: Json[];
  items: readonly Json[];
  trouble: Trouble | null;
  close(): Promise<void>;
}

const core = ['https://api.stacspec.org/v1.0.0/core', 'https://api.stacspec.org/v1.0.0/collections', 'https://api.stacspec.org/v1.0.0/ogcapi-features'];
const classes: Record<NonNullable<DoubleOptions['manner']>, string[]> = {
  'earth-search': [...core, 'https://api.stacspec.org/v1.0.0/item-search', 'https://api.stacspec.org/v1.0.0/item-search#query', 'https://api.stacspec.org/v1.0.0/item-search#sort', 'https://api.stacspec.org/v1.0.0/item-search#fields'],
  'planetary-computer': [
    ...core, 'https://api.stacspec.org/v1.0.0/item-search', 'https://api.stacspec.org/v1.0.0-rc.2/item-search#filter', 'https://api.stacspec.org/v1.0.0/item-search#sort', 'https://api.stacspec.org/v1.0.0/item-search#query',
    'http://www.opengis.net/spec/cql2/1.0/conf/cql2-json', 'http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2', 'http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter',
  ],
  'items-only': core,
};

export async function startDouble({ manner = 'earth-search', collection, items, mostPerPage = 100, hasPageNumbers = false }: DoubleOptions): Promise<Double> {
  const requests: string[] = [];
  const bodies: Json[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const url = new URL(request.url!, 'http://double');
      const body = text === '' ? null : (JSON.parse(text) as Json);
      requests.push(`${request.method} ${url.pathname}`);
      if (body) bodies.push(body);
      const seen = { method: request.method!, path: url.pathname, body, count: requests.length, headers: request.headers };
      if (double.trouble?.(seen, response)) return;
      answer(request, response, url, body);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const root = `http://${host}/v1`;
  const double: Double = {
    url: root, host, requests, bodies, items, trouble: null,
    close: () => new Promise((done) => {
      server.closeAllConnections();
      server.close(() => done());
    }),
  };

  function answer(request: IncomingMessage, response: ServerResponse, url: URL, body: Json | null): void {
    const path = url.pathname.replace(/^\/v1/, '');
    const query = { ...Object.fromEntries(url.searchParams), ...body } as Json;
    if (path === '' || path === '/') return send(response, { type: 'Catalog', stac_version: '1.0.0', id: 'double', description: '', conformsTo: classes[manner], links: links() });
    if (path === '/search' && manner !== 'items-only') return send(response, search(query, request.method!, '/search'));
    if (path === `/collections/${collection}/items`) return send(response, search({ ...query, collections: [collection] }, 'GET', path));
    const id = new RegExp(`^/collections/${collection}/items/([^/]+)$`).exec(path)?.[1];
    const found = id === undefined ? undefined : double.items.find((item) => item['id'] === decodeURIComponent(id));
    if (!found) return send(response, { code: 'NotFound', description: 'no such thing' }, 404);
    const etag = `"${createHash('md5').update(JSON.stringify(found)).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
    send(response, found, 200, { etag });
  }

  function links(): Json[] {
    const search = [{ rel: 'search', href: `${root}/search`, method: 'GET' }, { rel: 'search', href: `${root}/search`, method: 'POST' }];
    return [{ rel: 'self', href: root }, ...(manner === 'items-only' ? [] : search)];
  }

  function search(query: Json, method: string, path: string): Json {
    const matching = double.items.filter((item) => matches(item, query)).toSorted(order(query['sortby']));
    const limit = Math.min(Number(query['limit'] ?? 10), mostPerPage);
    const from = hasPageNumbers ? (Number(query['page'] ?? 1) - 1) * limit : Number(String(query['next'] ?? query['token'] ?? '0').replace(/^next:/, ''));
    const page = matching.slice(from, from + limit);
    const token = hasPageNumbers ? String(from / limit + 2) : manner === 'planetary-computer' ? `next:${from + limit}` : String(from + limit);
    const name = hasPageNumbers ? 'page' : manner === 'earth-search' ? 'next' : 'token';
    const rest = from + limit < matching.length;
    // Earth Search names a host behind its proxy now and then.
    const next = method === 'POST'
      ? { rel: 'next', href: `${root}${path}`, method: 'POST', merge: false, body: { ...query, [name]: token } }
      : { rel: 'next', href: `http://inside.example:8080/v1${path}?${new URLSearchParams({ ...query, [name]: token }).toString()}` };
    return {
      type: 'FeatureCollection', stac_version: '1.0.0', features: page, links: rest ? [next] : [],
      ...(manner === 'earth-search' ? { numberMatched: matching.length, numberReturned: page.length, context: { matched: matching.length, returned: page.length, limit } } : {}),
    };
  }
  return double;
}

function send(response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function matches(item: Json, { collections, ids, bbox, datetime, query = {} }: Json): boolean {
  const box = typeof bbox === 'string' ? bbox.split(',').map(Number) : (bbox as number[] | undefined);
  const [start, end] = typeof datetime === 'string' ? datetime.split('/') : [];
  const own = item['bbox'] as number[];
  const time = Date.parse(item['properties'].datetime as string);
  return (!collections || [collections].flat().includes(item['collection']))
    && (!ids || (ids as string[]).includes(item['id'] as string))
    && (!box || (own[0]! <= box[2]! && own[2]! >= box[0]! && own[1]! <= box[3]! && own[3]! >= box[1]!))
    && !(start && start !== '..' && time < Date.parse(start)) && !(end && end !== '..' && time > Date.parse(end))
    && Object.entries(query as Json).every(([name, tests]) => Object.entries(tests as Json).every(([test, value]) => compared(item['properties'][name], test, value)));
}

function compared(stored: any, test: string, value: any): boolean { // oxlint-disable-line typescript/no-explicit-any -- documents of others
  switch (test) {
    case 'eq': return stored === value;
    case 'neq': return stored !== value;
    case 'lt': return stored < value;
    case 'lte': return stored <= value;
    case 'gt': return stored > value;
    case 'gte': return stored >= value;
    case 'startsWith': return String(stored).startsWith(String(value));
    default: return false;
  }
}

function order(sortby: unknown): (a: Json, b: Json) => number {
  const fields = (Array.isArray(sortby) ? sortby : [{ field: 'properties.datetime', direction: 'desc' }, { field: 'id', direction: 'asc' }]) as { field: string; direction: string }[];
  const value = (item: Json, field: string) => (field === 'id' ? item['id'] : item['properties'][field.replace('properties.', '')]) as string | number | undefined;
  return (a, b) => {
    for (const { field, direction } of fields) {
      const [x, y] = [value(a, field), value(b, field)];
      if (x === y) continue;
      if (x === undefined || y === undefined) return x === undefined ? 1 : -1;
      return (x < y ? -1 : 1) * (direction === 'desc' ? -1 : 1);
    }
    return 0;
  };
}
