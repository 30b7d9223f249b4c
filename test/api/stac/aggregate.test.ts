/** The aggregation extension, against counts by hand. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deriveCollection } from '../../../src/catalog/ingest/collection.ts';
import { fill, list, scene, startService, type Json, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
  await fill(service.store);
  const cloudy = [0, 9.9, 10, 55, 100, 'many'].map((cover, i) => {
    const item = scene('CLOUDY', `c${i}`, `2022-01-${String(1 + i * 6).padStart(2, '0')}T12:30:00Z`, 20 + i, 30);
    return { ...item, properties: { ...item.properties, 'eo:cloud_cover': cover } };
  });
  await service.store.putCollection(deriveCollection('CLOUDY', cloudy, {}, null));
  await service.store.putItems('CLOUDY', cloudy);
});
afterAll(() => service.stop());

/** Aggregation name → value, or bucket key → frequency. */
function read(body: Json): Record<string, unknown> {
  const buckets = (entry: Json) => Object.fromEntries(list(entry['buckets']!).map((bucket) => [bucket['key']!, bucket['frequency']]));
  return Object.fromEntries(list(body['aggregations']!).map((entry) => [entry['name']!, entry['buckets'] === undefined ? entry['value'] : buckets(entry)]));
}
const both = async (query: Record<string, unknown>, place = ''): Promise<Record<string, unknown>[]> => {
  const text = Object.entries(query).map(([key, value]): [string, string] => [key, Array.isArray(value) ? value.join(',') : typeof value === 'object' ? JSON.stringify(value) : String(value)]);
  return [read((await service.get(`${place}/aggregate?${new URLSearchParams(text).toString()}`)).body), read((await service.post(`${place}/aggregate`, query)).body)];
};

describe('aggregations', () => {
  it('are named, with links from the landing page and the collections', async () => {
    for (const place of ['/', '/collections/CLOUDY']) {
      const links = list((await service.get(place)).body['links']!);
      const of = (rel: string) => links.find((link) => link['rel'] === rel)!['href']!;
      const { body, status, type } = await service.get(of('aggregations'));
      expect([status, type, body['type']]).toEqual([200, 'application/json', 'AggregationCollection']);
      const names = list(body['aggregations']!).map((entry) => entry['name']!);
      expect(names).toEqual(['total_count', 'datetime_min', 'datetime_max', 'collection_frequency', 'datetime_frequency', 'cloud_cover_frequency']);
      expect(Object.keys(read((await service.get(of('aggregate'))).body))).toEqual(names);
    }
  });

  it('count all items', async () => {
    for (const counts of await both({})) {
      expect(counts).toMatchObject({ total_count: 20, datetime_min: '2019-06-01T00:00:00.000Z', datetime_max: '2022-01-31T12:30:00.000Z', collection_frequency: { AWAY: 1, CLOUDY: 6, EAST: 1, MONTHS: 12 } });
      expect(counts['cloud_cover_frequency']).toEqual({ 0: 2, 10: 1, 50: 1, 100: 1 });
      expect(Object.values(counts['datetime_frequency'] as Record<string, number>).reduce((a, b) => a + b)).toBe(20);
      expect(counts['datetime_frequency']).toMatchObject({ '2020-06-01T00:00:00.000Z': 2, '2022-01-01T00:00:00.000Z': 6 });
    }
  });

  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ collections: ['CLOUDY'], aggregations: ['datetime_frequency'], datetime_frequency_interval: 'day' }, { datetime_frequency: Object.fromEntries(['01', '07', '13', '19', '25', '31'].map((day) => [`2022-01-${day}T00:00:00.000Z`, 1])) }],
    [{ aggregations: ['datetime_frequency'], datetime_frequency_interval: 'year' }, { datetime_frequency: { '2019-01-01T00:00:00.000Z': 1, '2020-01-01T00:00:00.000Z': 13, '2022-01-01T00:00:00.000Z': 6 } }],
    [{ bbox: [99, -1, 102, 2], aggregations: ['total_count', 'collection_frequency'] }, { total_count: 1, collection_frequency: { EAST: 1 } }],
    [{ intersects: { type: 'Polygon', coordinates: [[[20.5, 30.5], [22.5, 30.5], [22.5, 30.6], [20.5, 30.5]]] }, aggregations: ['total_count'] }, { total_count: 3 }],
    [{ query: { 'eo:cloud_cover': { gte: 10 } }, aggregations: ['total_count'] }, { total_count: 3 }],
    [{ datetime: '2020-03-01T00:00:00Z/2020-05-31T00:00:00Z', aggregations: ['total_count', 'datetime_max'] }, { total_count: 3, datetime_max: '2020-05-15T10:00:00.000Z' }],
    [{ ids: ['none'] }, { total_count: 0, datetime_min: null, datetime_max: null, collection_frequency: {}, datetime_frequency: {}, cloud_cover_frequency: {} }],
  ])('%j', async (query, expected) => {
    for (const counts of await both(query)) expect(counts).toEqual(expected);
  });

  it('of a collection count that collection only', async () => {
    for (const counts of await both({ aggregations: ['total_count'], collections: ['MONTHS'] }, '/collections/EAST')) expect(counts).toEqual({ total_count: 1 });
    expect((await service.get('/collections/NONE/aggregate')).status).toBe(404);
  });

  it.each([{ aggregations: ['nothing'] }, { aggregations: 7 }, { datetime_frequency_interval: "month', now()); drop table items; --" }, { bbox: [1] }, { query: { a: 1 } }])('refuse %j', async (query) => {
    expect((await service.post('/aggregate', query)).status).toBe(400);
  });
});
