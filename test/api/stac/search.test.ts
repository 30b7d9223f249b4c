/** The checks of stac-api-validator for item search, against our own service. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fill, list, startService, type Answer, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
});
afterAll(() => service.stop());

const ids = (answer: Answer) => list(answer.body['features']!).map((feature) => feature['id']!);
const both = async (query: Record<string, unknown>): Promise<[Answer, Answer]> => {
  const text = Object.entries(query).map(([key, value]): [string, string] => [key, Array.isArray(value) ? value.join(',') : typeof value === 'object' ? JSON.stringify(value) : String(value)]);
  return [await service.get(`/search?${new URLSearchParams(text).toString()}`), await service.post('/search', query)];
};

describe('limit', () => {
  it.each([1, 2, 10, 1000, 10_000, 1_000_000])('%i is taken, and never more than that comes', async (limit) => {
    for (const answer of await both({ limit })) {
      expect(answer.status).toBe(200);
      expect(answer.type).toBe('application/geo+json');
      expect(ids(answer).length).toBe(Math.min(limit, 14));
    }
  });

  it.each([-1, 0, 1.5, 'ten'])('%s is refused', async (limit) => {
    for (const { status, body } of await both({ limit })) expect([status, body['code']]).toEqual([400, 'InvalidParameterValue']);
  });
});

describe('bbox', () => {
  it.each([
    [[100, 0, 105, 1], ['e1']],
    [[100, 0, 0, 105, 1, 1], ['e1']],
    [[101, 1, 101, 1], ['e1']],
    [[170, -90, -90, 90], ['a1']],
    [[0, 0, 1, 1], []],
  ])('%j finds %j', async (bbox, expected) => {
    for (const answer of await both({ bbox })) expect(ids(answer)).toEqual(expected);
  });

  it.each(['[100.0,0.0,105.0,1.0]', '100,1,105,0', '0', '0,0', '0,0,0', '0,0,0,1,1', '0,0,0,1,1,1,1', '', 'a,b,c,d', '0,0,1,NaN', '0,0,,1', '0,-91,1,1'])('"%s" is refused', async (bbox) => {
    const { status, body } = await service.get(`/search?bbox=${encodeURIComponent(bbox)}`);
    expect([status, body['code']]).toEqual([400, 'InvalidParameterValue']);
  });

  it.each([['100.0,0.0,105.0,1.0'], [[100, 1, 105, 0]], [[0]], [[0, 0]], [[0, 0, 0]], [[0, 0, 0, 1, 1]], [[0, 0, 0, 1, 1, 1, 1]], [['0', '0', '1', '1']], [[0, 0, 5, 1, 1, 1]]])('%j in a body is refused', async (bbox) => {
    expect((await service.post('/search', { bbox })).status).toBe(400);
  });

  it('and intersects together are refused', async () => {
    for (const { status } of await both({ bbox: [0, 0, 1, 1], intersects: { type: 'Point', coordinates: [0, 0] } })) expect(status).toBe(400);
  });
});

describe('datetime', () => {
  it.each([
    '1972-01-01T00:00:00Z', '1985-04-12T23:20:50.52Z', '1996-12-19T16:39:57-00:00', '1996-12-19T16:39:57+00:00', '1996-12-19T16:39:57-08:00', '1996-12-19T16:39:57+08:00',
    '../1985-04-12T23:20:50.52Z', '1985-04-12T23:20:50.52Z/..', '/1985-04-12T23:20:50.52Z', '1985-04-12T23:20:50.52Z/', '1985-04-12T23:20:50.52Z/1986-04-12T23:20:50.52Z',
    '1985-04-12T23:20:50.52+01:00/1986-04-12T23:20:50.52+01:00', '1985-04-12T23:20:50.52-01:00/1986-04-12T23:20:50.52-01:00', '1937-01-01T12:00:27.87+01:00', '1937-01-01T12:00:27.8710+01:00',
    '1937-01-01T12:00:27.8+01:00', '2020-07-23T00:00:00.000Z', '2020-07-23T00:00:00Z', '2020-07-23T00:00:00.0123456Z', '2020-07-23T00:00:00.01234567Z', '2020-07-23T00:00:00.012345678Z',
    '1985-04-12t23:20:50.000z', '2020-07-23t00:00:00z', '1990-12-31T23:59:60Z', '0000-01-01T00:00:00Z/..',
  ])('%s is taken', async (datetime) => {
    for (const { status } of await both({ datetime })) expect(status).toBe(200);
  });

  it.each([
    '/', '../..', '/..', '../', '', '/1984-04-12T23:20:50.52Z/1985-04-12T23:20:50.52Z', '1984-04-12T23:20:50.52Z/1985-04-12T23:20:50.52Z/', '1985-04-12', '1937-01-01T12:00:27.87+0100', '37-01-01T12:00:27.87Z',
    '12345-01-01T12:00:27.87Z', '1985-12-12T23:20:50.52', '1985-04-12T23:20:50,52Z', '1985-13-12T23:20:50.52Z', '1985-12-32T23:20:50.52Z', '1985-02-30T23:20:50.52Z', '1985-12-01T25:20:50.52Z', '1985-12-01T24:00:00Z',
    '1985-12-01T00:60:50.52Z', '1985-12-01T00:06:61.52Z', '1990-12-31T23:59:61Z', '1986-04-12T23:20:50.52Z/1985-04-12T23:20:50.52Z', '1985-04-12T23:20:50.Z', 'x', '1985-04-12T23:20:50Z\'; drop table items',
  ])('"%s" is refused', async (datetime) => {
    for (const { status, body } of await both({ datetime })) expect([status, body['code']]).toEqual([400, 'InvalidParameterValue']);
  });

  it('finds what lies in it', async () => {
    for (const answer of await both({ datetime: '2020-05-15T10:00:00Z/2020-06-15T10:00:00Z' })) expect(ids(answer)).toEqual(['m06', 'e1', 'm05']);
    for (const answer of await both({ datetime: '2020-05-15T12:00:00+02:00' })) expect(ids(answer)).toEqual(['m05']);
    expect(ids(await service.get('/search?datetime=2020-05-15T12:00:00+02:00'))).toEqual(['m05']);
  });
});

describe('ids and collections', () => {
  it('select exactly those, together with every other condition', async () => {
    for (const answer of await both({ ids: ['m02'] })) expect(ids(answer)).toEqual(['m02']);
    for (const answer of await both({ ids: ['m02', 'a1', 'none'] })) expect(ids(answer)).toEqual(['m02', 'a1']);
    for (const answer of await both({ ids: ['m02'], bbox: [100, 0, 101, 1] })) expect(ids(answer)).toEqual([]);
    for (const answer of await both({ collections: ['EAST', 'AWAY'] })) expect(ids(answer)).toEqual(['e1', 'a1']);
    for (const answer of await both({ collections: ['none'] })) expect(ids(answer)).toEqual([]);
    for (const answer of await both({ collections: ['AWAY'], ids: ['e1'] })) expect(ids(answer)).toEqual([]);
  });

  it('may come as a single string, and with any characters', async () => {
    expect(ids(await service.post('/search', { collections: 'EAST' }))).toEqual(['e1']);
    for (const answer of await both({ ids: ['\0', '\'"\\', '🛰'] })) expect([answer.status, ids(answer)]).toEqual([200, []]);
    expect((await service.post('/search', { ids: [1] })).status).toBe(400);
  });
});

describe('intersects', () => {
  const square = (w: number, s: number, size: number) => [[[w, s], [w + size, s], [w + size, s + size], [w, s + size], [w, s]]];
  it.each([
    [{ type: 'Point', coordinates: [100.1, 0.1] }, ['e1']],
    [{ type: 'LineString', coordinates: [[100, 0], [101, 1]] }, ['e1']],
    [{ type: 'Polygon', coordinates: square(100, 0, 2) }, ['e1']],
    [{ type: 'Polygon', coordinates: [square(95, -5, 10)[0], square(99, -1, 3)[0]] }, []],
    [{ type: 'MultiPoint', coordinates: [[0, 0], [100, 0]] }, ['e1']],
    [{ type: 'MultiLineString', coordinates: [[[0, 0], [1, 1]], [[100, 0], [101, 1]]] }, ['e1']],
    [{ type: 'MultiPolygon', coordinates: [square(0, 0, 1), square(100, 0, 1)] }, ['e1']],
    [{ type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [100.5, 0.5] }, { type: 'LineString', coordinates: [[-100, -40], [-99, -39]] }] }, ['e1', 'a1']],
  ])('%j finds %j', async (intersects, expected) => {
    for (const answer of await both({ intersects })) expect(ids(answer)).toEqual(expected);
  });

  it.each([
    { type: 'Polygon', coordinates: [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]] }, { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1]]] }, { type: 'Polygon', coordinates: [] },
    { type: 'Point', coordinates: ['a', 'b'] }, { type: 'Point', coordinates: [1000, 0] }, { type: 'Circle', coordinates: [0, 0] }, { type: 'Feature', geometry: null }, { type: 'GeometryCollection', geometries: [] }, [], 'x', 7,
  ])('%j is refused', async (intersects) => {
    const { status, body } = await service.post('/search', { intersects });
    expect([status, body['code']]).toEqual([400, 'InvalidParameterValue']);
  });

  it('that is not JSON is refused', async () => {
    expect((await service.get('/search?intersects={')).status).toBe(400);
  });
});

describe('paging', () => {
  it('reaches every item once by GET and by POST', async () => {
    const byGet: string[] = [];
    for (let url: string | undefined = '/search?limit=3&collections=MONTHS'; url !== undefined;) {
      const answer: Answer = await service.get(url);
      byGet.push(...ids(answer));
      expect(answer.body['numberMatched']).toBe(12);
      url = list(answer.body['links']!).find((l) => l['rel'] === 'next')?.['href'];
    }
    const byPost: string[] = [];
    for (let body: unknown = { limit: 3, collections: ['MONTHS'] }; body !== undefined;) {
      const answer: Answer = await service.post('/search', body);
      byPost.push(...ids(answer));
      const next = list(answer.body['links']!).find((l) => l['rel'] === 'next');
      if (next) expect(next).toMatchObject({ method: 'POST', href: `${service.url}/search`, merge: false, body: { limit: 3, collections: ['MONTHS'] } });
      body = next?.['body'];
    }
    expect(byGet.length).toBe(12);
    expect(byPost).toEqual(byGet);
    expect(new Set(byGet).size).toBe(12);
  });

  it('refuses tokens it did not give', async () => {
    for (const answer of await both({ token: 'next:abc' })) expect(answer.status).toBe(400);
  });
});

describe('what is not supported', () => {
  it.each(['q'])('%s is refused by name instead of being left out', async (name) => {
    for (const { status, body } of await both({ [name]: 'x' })) expect([status, body['description']!.includes(name)]).toEqual([400, true]);
  });
});

describe('a body', () => {
  it.each(['{', '[]', '"x"', 'null', '7'])('%s is refused', async (body) => {
    const { status, body: answer } = await service.post('/search', body);
    expect([status, answer['code']]).toEqual([400, 'InvalidBody']);
  });

  it('may be empty', async () => {
    expect((await service.post('/search', {})).status).toBe(200);
    expect(await service.post('/search', 'x'.repeat(2_000_000))).toMatchObject({ status: 413, body: { code: 'BodyTooLarge' } });
  });
});
