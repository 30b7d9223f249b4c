/** The definitions that come along, and what they make of real items of their catalogs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { readCollectionFiles } from '../../src/catalog/collection-files.ts';
import { assetGrid, collectionBands, planLoad } from '../../src/catalog/load-plan.ts';
import type { StacCollection } from '../../src/catalog/types.ts';
import { Converter } from '../../src/federation/convert.ts';
import { checkUpstream, checkUpstreams, upstreamOf, type Upstream } from '../../src/federation/definition.ts';

const folder = 'collections/federated';
const read = (id: string) => JSON.parse(readFileSync(join(folder, `${id}.json`), 'utf8')) as StacCollection;
const withUpstream = (id: string, change: Partial<Upstream>): StacCollection => {
  const collection = read(id);
  return { ...collection, 'lamina:upstream': { ...upstreamOf(collection), ...change } };
};

describe('collections/federated', () => {
  const names = readdirSync(folder).map((file) => file.replace('.json', ''));

  it('has the two catalogs', () => expect(names.toSorted()).toEqual(['earth-search-sentinel-2-l2a', 'planetary-computer-sentinel-2-l2a']));

  it('is read like a folder of collections of one\'s own', async () => {
    const files = await readCollectionFiles([folder]);
    expect([...files.raw.values()].map(({ id }) => id).toSorted()).toEqual(names.toSorted());
    expect(() => checkUpstreams(files.raw)).not.toThrow();
  });

  it('is not active by itself', async () => {
    const files = await readCollectionFiles(['collections']);
    expect([...files.raw.values()].filter((each) => upstreamOf(each) !== undefined)).toEqual([]);
  });

  it.each(names)('%s has a place for every band', (name) => {
    const collection = read(name);
    expect(Object.keys(upstreamOf(collection)!.bands!).toSorted()).toEqual(collectionBands(collection).map((band) => band.name).toSorted());
    expect(collectionBands(collection).find((band) => band.name === 'SCL')!.clouds).toBeDefined();
  });
});

describe('checkUpstream', () => {
  const good = { url: 'https://example.org/stac', collection: 'c' };
  it.each<[unknown, string]>([
    [5, '/lamina:upstream must be an object'], [{ ...good, url: 'ftp://x' }, '/url'], [{ ...good, url: 'https://user:word@example.org' }, '/url'], [{ ...good, url: 'https://example.org/?key=1' }, '/url'],
    [{ ...good, collection: '' }, '/collection'], [{ ...good, key: 'secret' }, '/key'], [{ ...good, headers: { a: 1 } }, '/headers'], [{ ...good, timeout_seconds: 0 }, '/timeout_seconds'],
    [{ ...good, bands: { B04: 'red' } }, '/bands/B04'], [{ ...good, bands: { B04: { asset: 'red', index: -1 } } }, '/bands/B04/index'],
    [{ ...good, offset: [{ when: { a: null }, offset: 1 }] }, '/offset/0/when/a'], [{ ...good, offset: [{ when: {} }] }, '/offset/0/offset'],
    [{ ...good, access: [{ type: 'ftp', prefix: 'https://x/' }] }, '/access/0/type'], [{ ...good, access: [{ type: 's3', prefix: 's3://bucket', region: 'x' }] }, '/access/0/prefix'],
    [{ ...good, access: [{ type: 's3', prefix: 's3://bucket/', region: 'x', requester_pays: true }] }, '/access/0/requester_pays'], [{ ...good, access: [{ type: 'sas', prefix: 'https://x/y/', token_url: 'x' }] }, '/access/0/token_url'],
    [{ ...good, access: [{ type: 'sas', prefix: 'https://x/y', token_url: 'https://x/z' }] }, '/access/0/prefix'],
  ])('%j names %s', (value, place) => expect(() => checkUpstream(value)).toThrow(place));
  it('takes what is right', () => expect(checkUpstream(good)).toBe(good));
});

const data = '/work/shared/data/stac-items';
const shared = existsSync('../shared/data/stac-items') ? '../shared/data/stac-items' : data;

describe('real items', () => {
  if (!existsSync(shared)) {
    it.skip('skipped: ../shared/data/stac-items is absent');
    return;
  }

  const extent = { crs: 'EPSG:4326', west: -105.1, south: 40.0, east: -105.05, north: 40.05 };
  const harmonised = (item: { assets: Record<string, object> }) => Object.fromEntries(Object.entries(item.assets).map(([key, asset]) => [key, (asset as Record<string, unknown>)['lamina:shift'] ?? 0]));

  it('of Earth Search become loadable scenes', () => {
    const collection = withUpstream('earth-search-sentinel-2-l2a', { collection: 'sentinel-2-c1-l2a' });
    const converter = new Converter(collection);
    const { features } = JSON.parse(readFileSync(join(shared, 'item-collection.json'), 'utf8')) as { features: object[] };
    const items = features.map((feature) => converter.item(feature, 'https://earth-search.aws.element84.com/v1/search')!);
    expect(items).not.toContain(null);
    const [first] = items;
    expect(first).toMatchObject({ stac_version: '1.1.0', collection: 'earth-search-sentinel-2-l2a', properties: { 'proj:code': 'EPSG:32613' } });
    expect(first!.properties).not.toHaveProperty('proj:epsg');
    expect(first!.assets['red']).toMatchObject({ bands: [{ name: 'B04', 'eo:common_name': 'red', 'raster:scale': 0.0001, 'raster:offset': -0.1, data_type: 'uint16', nodata: 0 }] });
    expect(first!.assets['visual']!.bands!.every((band) => band.name === undefined)).toBe(true);
    const ready = items.map((item) => converter.readable(item));
    expect(Object.keys(ready[0]!.assets).toSorted()).toEqual(Object.values(upstreamOf(collection)!.bands!).map(({ asset }) => asset).toSorted());
    // Baseline 05.10 without the mark of Earth Search: 1000 too much in the bands, and nowhere else.
    expect(harmonised(ready[0]!)).toMatchObject({ red: -1000, swir22: -1000, scl: 0, aot: 0 });
    const plan = planLoad({ collection, items: ready, bands: ['B04', 'B11', 'SCL'], extent, anchor: () => undefined });
    expect(plan.grid).toMatchObject({ crs: 'EPSG:32613', stepX: 10, stepY: 10 });
    expect(plan.dates[0]!.items[0]!.bands.map((source) => source!.href.split('/').at(-1))).toEqual(['B04.tif', 'B11.tif', 'SCL.tif']);
  });

  it('whose offset Earth Search has subtracted are left alone, also where it says otherwise', () => {
    const collection = withUpstream('earth-search-sentinel-2-l2a', { collection: 'sentinel-2-c1-l2a' });
    const converter = new Converter(collection);
    const { features } = JSON.parse(readFileSync(join(shared, 'item-collection.json'), 'utf8')) as { features: { properties: object }[] };
    const variant = (properties: object) => converter.item({ ...features[0]!, properties: { ...features[0]!.properties, ...properties } }, 'https://x.example/')!;
    const applied = variant({ 'earthsearch:boa_offset_applied': true });
    expect(applied.assets['red']!.bands![0]!['raster:offset']).toBe(0);
    expect(harmonised(converter.readable(applied))['red']).toBe(0);
    const early = variant({ 's2:processing_baseline': '03.01' });
    expect(harmonised(converter.readable(early))['red']).toBe(0);
    expect(harmonised(converter.readable(variant({ 'earthsearch:boa_offset_applied': false })))['red']).toBe(-1000);
  });

  it('of the Planetary Computer become loadable scenes', async () => {
    const collection = read('planetary-computer-sentinel-2-l2a');
    const converter = new Converter(collection);
    const file = readFileSync(join(shared, '100-sentinel-2-items.parquet'));
    const rows = (await parquetReadObjects({ file: file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) })) as Record<string, any>[]; // oxlint-disable-line typescript/no-explicit-any -- rows of a table
    const items = rows.map(({ assets, bbox, links, stac_extensions, id, type, collection: theirs, datetime, ...properties }) => converter.item({
      type, id, collection: theirs, stac_version: '1.0.0', stac_extensions, links, bbox: [bbox.xmin, bbox.ymin, bbox.xmax, bbox.ymax],
      geometry: { type: 'Polygon', coordinates: [[[bbox.xmin, bbox.ymin], [bbox.xmax, bbox.ymin], [bbox.xmax, bbox.ymax], [bbox.xmin, bbox.ymax], [bbox.xmin, bbox.ymin]]] },
      properties: { ...properties, geometry: undefined, 'proj:epsg': Number(properties['proj:epsg']), datetime: (datetime as Date).toISOString() },
      assets: Object.fromEntries(Object.entries(assets as object).filter(([, asset]) => asset !== null && asset !== undefined).map(([key, asset]) => [key, numbers(asset)])),
    }, 'https://planetarycomputer.microsoft.com/api/stac/v1/search')!);
    expect(items).toHaveLength(100);
    expect(items).not.toContain(null);
    const ready = items.map((item) => converter.readable(item));
    expect(ready.every((item) => Object.keys(item.assets).length === 15)).toBe(true);
    expect(ready.every((item) => assetGrid(item, item.assets['B04']!) !== null)).toBe(true);
    expect(items[0]!.assets['SCL']).toMatchObject({ bands: [{ name: 'SCL', data_type: 'uint8' }] });
    const shifts = Object.groupBy(ready, (item) => `${String(item.properties['s2:processing_baseline']) >= '04.00'} ${String(harmonised(item)['B08'])}`);
    expect(Object.keys(shifts).every((key) => ['true -1000', 'false 0'].includes(key))).toBe(true);
    expect(planLoad({ collection, items: ready, bands: ['nir', 'SCL'], extent, anchor: () => undefined }).dates.length).toBeGreaterThan(20);
  });
});

/** Parquet has 64-bit integers, JSON numbers. */
const numbers = (value: unknown): unknown => JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? Number(part) : (part ?? undefined)))) as unknown;
