/**
 * Whatever stands in any parameter of a search: it is a value, or it is refused. It never becomes a part of a
 * statement, never makes an error of the server, and nothing of the server shows in what is answered.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fill, list, startService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
});
afterAll(() => service.stop());

const corpus = [
  // Quotes, comments and ends of statements.
  '\'', '\'\'', '"', '`', '\'; drop table items; --', '\' or \'1\'=\'1', '" or ""="', 'x\') or (\'1\'=\'1', '*/ drop table items /*', '-- ', ';', '#', 'a\'||(select definition from items limit 1)||\'', '1; select pg_sleep(5)', '\\\'; delete from items; --', 'E\'\\\\\'', 'U&\'\\0027\'', '$$; drop table items; $$',
  // Parameters and casts.
  '$1', '$9999', '$1::jsonb', '?', ':name', '%s', '{0}', '${process.exit()}', '{{7*7}}', '%(id)s', '::text', 'NaN', 'Infinity', '-Infinity', 'null', 'undefined', 'true',
  // JSON, arrays and paths of the database.
  '{', '}', '{}', '[]', '[', '{"a":1}', '{a,b}', '{"', '\\x00', 'a.b', '.a', 'a.', 'a..b', '..', '/', '../..', 'properties', 'definition', 'id', 'collection', '#>>', '@>', '? &',
  // Names that mean something to JavaScript.
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__proto__.polluted', 'constructor.prototype.polluted', 'properties.__proto__', 'length', '0', '-1',
  // Signs of all kinds.
  '\0', 'a\0b', '\ud800', '\udfff', '\ufffd', '\ufeff', '\u2028', '\u202e', '\u2019 or 1=1', '\uff07', 'é', 'e\u0301', '😀', '👨‍👩‍👧', '\r\nX-Injected: yes', '\t', '\x7f', '\x1b[31m', ' ', '+', '%', '%25', '%00', '\\', '\\\\', '_', '%\' or true --', '<script>alert(1)</script>', '<!--', ']]>',
  // Numbers that are too large, too small or none.
  '1e999', '-1e999', '1e-999', '99999999999999999999999999', '0x10', '1_000', '١٢', '1e', '.', '-', '--1', '1/0',
  // Long and deep.
  'x'.repeat(5000), '\''.repeat(3000), '('.repeat(3000), '['.repeat(3000), '{"a":'.repeat(600), 'NOT '.repeat(800), 'a,'.repeat(2000), '1,'.repeat(2000), 'a.'.repeat(1000),
] as const;

const leaks = /node_modules|\/src\/|\.ts:\d|\bat \w+ \(|syntax error at|\bpg_\w+ (?:does|function)|relation "|invalid input syntax|unterminated quoted|invalid byte sequence|out of range for type|cannot cast|current transaction|SQLSTATE/i;

/** What every answer must be. */
async function expectHarmless(response: Response, sent: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const text = await response.text();
  expect(response.status, `${sent.slice(0, 300)} ${text.slice(0, 500)}`).toBeLessThan(500);
  expect(response.headers.get('x-injected')).toBeNull();
  // Node itself answers where a URL is longer than it reads.
  if (response.status === 431) return { status: 431, body: {} };
  const body = JSON.parse(text) as Record<string, unknown>;
  if (response.status >= 400) {
    expect(body, sent.slice(0, 300)).toMatchObject({ id: expect.any(String), code: expect.any(String), message: expect.any(String) });
    // What was sent may be said again; what is ours may not.
    expect(String(body['description']).replaceAll(sent, ''), sent.slice(0, 300)).not.toMatch(leaks);
    expect(text.length, 'an error that repeats all of what was sent').toBeLessThan(2500);
  }
  return { status: response.status, body };
}

const url = (path: string, query: Readonly<Record<string, string>>) => `${service.url}${path}?${Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`).join('&')}`;
const get = async (path: string, query: Readonly<Record<string, string>>, sent: string) => expectHarmless(await fetch(url(path, query)), sent);
const post = async (path: string, body: string, sent: string) => expectHarmless(await fetch(service.url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }), sent);

/** A few requests at a time. */
async function atOnce(requests: readonly (() => Promise<unknown>)[], width = 6): Promise<void> {
  const waiting = [...requests];
  await Promise.all(Array.from({ length: width }, async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) await next();
  }));
}

const quoted = (text: string) => `'${text.replaceAll('\'', '\'\'')}'`;
const named = (text: string) => `"${text.replaceAll('"', '""')}"`;
const op = (name: string, ...args: unknown[]) => ({ op: name, args });

/** Where a client's text can stand in a query string. */
const inQuery: readonly (readonly [string, (text: string) => Record<string, string>])[] = [
  ...['limit', 'bbox', 'datetime', 'ids', 'collections', 'intersects', 'token', 'after', 'sortby', 'query', 'fields', 'filter', 'filter-lang', 'filter-crs', 'q', 'f', 'stac_version', 'aggregations', 'datetime_frequency_interval'].map((name) => [name, (text: string) => ({ [name]: text })] as const),
  ['a name that nobody knows', (text) => ({ [`x${text}`.slice(0, 500).toWellFormed()]: text })],
  ['a text in a filter', (text) => ({ filter: `id = ${quoted(text)}` })], ['a name in a filter', (text) => ({ filter: `${named(text)} = 1 OR ${named(`a${text}`)} IS NULL` })], ['a pattern in a filter', (text) => ({ filter: `CASEI(id) LIKE CASEI(${quoted(text)})` })],
  ['a time in a filter', (text) => ({ filter: `datetime > TIMESTAMP(${quoted(text)}) AND T_AFTER(datetime, INTERVAL(${quoted(text)}, '..'))` })], ['the end of a filter', (text) => ({ filter: `id = 'm01' ${text}` })], ['a place in a filter', (text) => ({ filter: `S_INTERSECTS(geometry, POINT(${text} 1))` })],
  ['a filter in JSON', (text) => ({ 'filter-lang': 'cql2-json', filter: JSON.stringify(op('in', { property: text }, [text, text])) })], ['a name of a condition', (text) => ({ query: JSON.stringify({ [text]: { eq: text } }) })], ['the value of a condition', (text) => ({ query: JSON.stringify({ id: { eq: text, startsWith: text, contains: text, lt: text, in: [text] } }) })],
  ['a comparison', (text) => ({ query: JSON.stringify({ id: { [text]: 1 } }) })], ['a part of an order', (text) => ({ sortby: `-${text},+id` })], ['a part of fields', (text) => ({ fields: `id,-${text},properties.${text}` })], ['an interval', (text) => ({ datetime: `2020-01-01T00:00:00Z/${text}` })], ['a number of a box', (text) => ({ bbox: `0,0,1,${text}` })],
];

describe.each(inQuery)('%s', (_, build) => {
  it('with anything in it is a value or is refused, in a query string', async () => {
    const paths = ['/search', '/collections/MONTHS/items', '/collections', '/aggregate'];
    await atOnce(corpus.map((text, i) => () => get(paths[i % paths.length]!, build(text), text)));
  }, 120_000);
});

/** Where it can stand in a body; what is not JSON is sent as it is. */
const inBody: readonly (readonly [string, (text: string) => unknown])[] = [
  ...['limit', 'bbox', 'datetime', 'ids', 'collections', 'intersects', 'token', 'sortby', 'query', 'fields', 'filter', 'filter-lang', 'filter-crs', 'q', 'aggregations'].flatMap((name) => [[name, (text: string) => ({ [name]: text })] as const, [`${name}, a list`, (text: string) => ({ [name]: [text, text] })] as const, [`${name}, an object`, (text: string) => ({ [name]: { [text]: text } })] as const]),
  ['names of fields', (text) => ({ fields: { include: [text, `properties.${text}`], exclude: [`a.${text}`] } })], ['a field of the order', (text) => ({ sortby: [{ field: text, direction: 'desc' }] })], ['a direction', (text) => ({ sortby: [{ field: 'id', direction: text }] })],
  ['a condition', (text) => ({ query: { [text]: { eq: text, in: [text] } } })], ['a geometry', (text) => ({ intersects: { type: text, coordinates: [text, text] } })], ['an operator', (text) => ({ filter: op(text, text, text) })], ['a function of a draft', (text) => ({ filter: op('=', { function: { name: text, args: [text] } }, 1) })],
  ['texts of a filter', (text) => ({ filter: op('or', op('=', { property: 'id' }, text), op('a_overlaps', { property: text }, [text, [text], { timestamp: text }]), op('like', { property: text }, text)) })], ['a filter as text', (text) => ({ 'filter-lang': 'cql2-text', filter: `a_contains(${named(text)}, (${quoted(text)}))` })], ['a page', (text) => ({ token: Buffer.from(JSON.stringify([text, text, text])).toString('base64url') })],
  ['a page of an order', (text) => ({ sortby: '-id', token: Buffer.from(JSON.stringify(['-id,collection', text, text])).toString('base64url') })],
];

describe.each(inBody)('%s', (_, build) => {
  it('with anything in it is a value or is refused, in a body', async () => {
    await atOnce(corpus.map((text, i) => () => post(i % 4 === 0 ? '/aggregate' : '/search', JSON.stringify(build(text)), text)));
  }, 120_000);
});

describe('in a body', () => {
  it.each([
    '{"limit":1e999}', '{"limit":1e400,"bbox":[1e999,0,1,1]}', '{"query":{"a":{"lt":1e999}}}', '{"query":{"a":{"eq":1e999,"in":[1e999,-1e999]}}}', '{"filter":{"op":"=","args":[{"property":"a"},1e999]}}', '{"query":{"a":{"gt":1e308,"lt":-1e308}}}', '{"query":{"a":{"eq":123456789012345678901234567890}}}', '{"filter":{"op":"=","args":[{"property":"a"},1e-320]}}', '{"intersects":{"type":"Point","coordinates":[1e999,0]}}', '{"bbox":[-1e308,0,1e308,1]}',
    '{"__proto__":{"limit":1}}', '{"constructor":{"prototype":{"a":1}}}', '{"query":{"__proto__":{"eq":1}}}', '{"query":{"a":{"__proto__":1}}}', '{"fields":{"__proto__":{"include":["id"]}}}', '{"filter":{"__proto__":{"op":"and"}}}', '{"filter":{"op":"__proto__","args":[]}}', '{"sortby":[{"__proto__":{"field":"id"}}]}', '{"intersects":{"__proto__":{"type":"Point"}}}',
    '{"ids":[{}]}', '{"collections":[[]]}', '{"datetime":["2020-01-01T00:00:00Z","2020-01-02T00:00:00Z"]}', '{"limit":null,"bbox":null,"datetime":null,"ids":null,"collections":null,"intersects":null,"sortby":null,"query":null,"filter":null,"token":null}', '{"token":{}}', '{"token":""}', '{"limit":"10"}', '{"limit":true}',
  ])('%s is a value or is refused', async (body) => {
    await post('/search', body, body);
    await post('/aggregate', body, body);
    expect(({} as Record<string, unknown>)['limit'] ?? ({} as Record<string, unknown>)['a']).toBeUndefined();
  });

  it('lists of any length are taken or refused', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `item-${i}`);
    for (const [count, status] of [[9_000, 200], [10_001, 400]] as const) for (const name of ['ids', 'collections']) expect((await post('/search', JSON.stringify({ [name]: many(count) }), name)).status).toBe(status);
    expect((await post('/search', JSON.stringify({ query: { id: { in: many(9_000) } } }), 'in')).status).toBe(200);
    expect((await post('/search', JSON.stringify({ query: Object.fromEntries(many(101).map((name) => [name, { eq: 1 }])) }), 'query')).status).toBe(400);
    expect((await post('/search', JSON.stringify({ filter: op('in', { property: 'id' }, many(4_900)) }), 'filter')).status).toBe(200);
    expect((await post('/search', JSON.stringify({ filter: op('or', ...many(1_500).map((name) => op('=', { property: name }, 1))) }), 'filter')).status).toBe(200);
    expect((await post('/search', JSON.stringify({ filter: op('or', ...many(2_000).map((name) => op('=', { property: name }, 1))) }), 'filter')).status).toBe(400);
    expect((await post('/search', JSON.stringify({ sortby: many(10).map((field) => ({ field })) }), 'sortby')).status).toBe(200);
    expect((await post('/search', JSON.stringify({ sortby: many(11).map((field) => ({ field })) }), 'sortby')).status).toBe(400);
  });
});

it('bytes that are no UTF-8 are taken as some text or refused', async () => {
  for (const bytes of ['%ff', '%c0%80', '%ed%a0%80', '%f8%88%80%80%80', '%80', '%', '%z', '%u0027', '%c3%28', '%fe%ff']) {
    await atOnce(inQuery.slice(0, 19).flatMap(([name]) => ['/search', '/collections'].map((path) => async () => void (await expectHarmless(await fetch(`${service.url}${path}?${name}=${bytes}`), bytes)))));
    await expectHarmless(await fetch(`${service.url}/search?filter=id='${bytes}'`), bytes);
    await expectHarmless(await fetch(`${service.url}/search?${bytes}=${bytes}`), bytes);
  }
});

it('parameters given twice, as lists or as objects are taken or refused', async () => {
  for (const [name] of inQuery.slice(0, 19)) {
    const forms = [`${name}=a&${name}=b`, `${name}[]=a`, `${name}[a]=b`, `${name}[__proto__]=b`, `${name}[0][op]==`, `${name}`, `${name}=`];
    await atOnce(forms.flatMap((form) => ['/search', '/collections', '/collections/MONTHS/items', '/aggregate'].map((path) => async () => void (await expectHarmless(await fetch(`${service.url}${path}?${form}`), form)))));
  }
});

it('a text that is sought is only ever a text', async () => {
  const storable = corpus.filter((text) => text !== '' && !/\0/.test(text) && text.isWellFormed() && text.length < 1000);
  await atOnce(storable.map((text) => async () => {
    const { status, body } = await post('/search', JSON.stringify({ filter: op('or', op('=', { property: 'id' }, text), op('in', { property: 'platform' }, [text])) }), text);
    expect([text, status, list(body['features'] as never)]).toEqual([text, 200, []]);
    expect((await post('/search', JSON.stringify({ ids: [text] }), text)).body['features']).toEqual([]);
    expect((await post('/search', JSON.stringify({ collections: [text] }), text)).body['features']).toEqual([]);
  }));
});

it('any mixture of all of it does no harm', async () => {
  const piece = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...corpus.filter((text) => text.length < 200)) }, { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) }, { weight: 1, arbitrary: fc.constantFrom('id', ' = ', ' AND ', '1', '\'x\'', ',', '(', ')', 'm01', 'datetime', '2020-01-01T00:00:00Z', '0,0,1,1') });
  const value = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
  const query = fc.array(fc.tuple(fc.constantFrom(...inQuery), value), { minLength: 1, maxLength: 3 }).map((parts) => Object.assign({}, ...parts.map(([[, build], text]) => build(text))) as Record<string, string>);
  const body = fc.array(fc.tuple(fc.constantFrom(...inBody), value), { minLength: 1, maxLength: 3 }).map((parts) => Object.assign({}, ...parts.map(([[, build], text]) => build(text))) as object);
  await fc.assert(fc.asyncProperty(fc.constantFrom('/search', '/collections/MONTHS/items', '/collections', '/aggregate', '/collections/EAST/aggregate'), query, async (path, sent) => void (await get(path, sent, JSON.stringify(sent)))), { numRuns: 150, seed: 7, endOnFailure: true });
  await fc.assert(fc.asyncProperty(fc.constantFrom('/search', '/aggregate'), body, async (path, sent) => void (await post(path, JSON.stringify(sent), JSON.stringify(sent)))), { numRuns: 150, seed: 7, endOnFailure: true });
}, 120_000);

it('leaves the catalog as it was, and nothing in the log', async () => {
  expect((await get('/search', { limit: '100' }, '')).body).toMatchObject({ numberMatched: 14, numberReturned: 14 });
  expect(service.log.filter(({ level }) => level === 'error').map(({ message }) => message.slice(0, 500))).toEqual([]);
});
