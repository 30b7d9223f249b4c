/** Ingest of the real data in ../shared/data, and of files made here that are wrong in some way. */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ingest } from '../../../src/catalog/ingest/ingest.ts';
import type { IngestReport, IngestRequest } from '../../../src/catalog/ingest/report.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import type { StacItem } from '../../../src/catalog/types.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { silentLog } from '../../../src/log.ts';
import { hasSchemas, problemsOf, withCollectionLink } from '../../api/stac/validator.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';

const data = resolve('../shared/data');
const hasData = existsSync(data);

let fresh: FreshDatabase;
let store: CatalogStore;
let scratch: string;
const rasters = new RasterCache();
beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
  scratch = await mkdtemp(join(tmpdir(), 'lamina-ingest-'));
});
afterAll(async () => {
  await rasters.close();
  await fresh.stop();
  await rm(scratch, { recursive: true, force: true });
});

const run = (collection: string, sources: readonly string[], more: Partial<IngestRequest> = {}): Promise<IngestReport> => (
  ingest({ collection, sources: sources.map((source) => (source.startsWith('/') ? source : join(data, source))), ...more }, { store, rasters, log: silentLog })
);
const itemsOf = async (collection: string) => (await store.search({ collections: [collection], limit: 1000 })).items;
const L2A = ['B01', 'B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B09', 'B11', 'B12'];

async function expectValid(collection: string): Promise<void> {
  if (!hasSchemas) return;
  expect(await problemsOf(await store.collection(collection))).toEqual([]);
  const items = await itemsOf(collection);
  for (const item of [items[0]!, items.at(-1)!]) expect([item.id, await problemsOf(withCollectionLink(item))]).toEqual([item.id, []]);
}

describe.skipIf(!hasData)(hasData ? 'ingest of ../shared/data' : 'skipped: ../shared/data is absent', () => {
  it('hesbaye: twelve months, their dates, bands, CRS and footprint', async () => {
    const report = await run('HESBAYE_S2', ['hesbaye/s2']);
    expect(report).toMatchObject({ items: 12, changed: 12, assets: 12, crs: ['EPSG:32631'], refused: [], warnings: [] });
    const items = await itemsOf('HESBAYE_S2');
    expect(items.map((item) => item.properties.datetime!.slice(0, 7)).sort()).toEqual(['2020-11', '2020-12', ...Array.from({ length: 10 }, (_, i) => `2021-${String(i + 1).padStart(2, '0')}`)]);
    const { bbox, assets } = items[0]!;
    expect(bbox.map((edge) => Math.round(edge * 1000) / 1000)).toEqual([5.319, 50.629, 5.333, 50.638]);
    expect(assets['data']).toMatchObject({ 'proj:shape': [100, 100], 'proj:transform': [10, 0, 664000, 0, -10, 5612120], data_type: 'uint16', roles: ['data'] });
    expect(assets['data']!.bands![2]).toMatchObject({ name: 'B04', 'eo:common_name': 'red', nodata: 65535 });
    expect(await store.anchor('HESBAYE_S2', 'EPSG:32631')).toMatchObject({ x: 664000, y: 5612120, stepX: 10 });
    await expectValid('HESBAYE_S2');
  });

  it('again: nothing changes, not even the revision', async () => {
    const before = await store.revision('HESBAYE_S2');
    expect(await run('HESBAYE_S2', ['hesbaye/s2'])).toMatchObject({ items: 12, changed: 0 });
    expect(await store.revision('HESBAYE_S2')).toBe(before);
  });

  it('flanders: 118 acquisitions in two resolutions with SCL, labels refused', async () => {
    const report = await run('FLANDERS', ['flanders-timeseries'], { title: 'Time series in Flanders', license: 'MIT', keywords: ['crops'] });
    expect(report).toMatchObject({ items: 118, assets: 354, interval: ['2017-08-04T10:53:28Z', '2018-11-27T10:56:51Z'] });
    expect(report.refused.map(({ source, reason }) => [source.split('/').at(-1), reason])).toEqual([['labels_LC_CT.tif', expect.stringContaining('no date')]]);
    const items = await itemsOf('FLANDERS');
    expect(new Set(items.map((item) => Object.keys(item.assets).sort().join()))).toEqual(new Set(['10m,20m,SCL']));
    const collection = (await store.collection('FLANDERS'))!;
    expect(collection).toMatchObject({ title: 'Time series in Flanders', license: 'MIT', keywords: ['crops'], summaries: { gsd: [10, 20], 'proj:code': ['EPSG:32631'] } });
    expect(collection['cube:dimensions']).toMatchObject({
      x: { extent: [501360, 502000], step: 10, reference_system: 32631 }, t: { extent: ['2017-08-04T10:53:28Z', '2018-11-27T10:56:51Z'] },
      bands: { values: ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B8A', 'B11', 'B12', 'SCL'] },
    });
    await expectValid('FLANDERS');
  });

  it('labels are refused by their bands when a date is given', async () => {
    const report = await run('FLANDERS_DATED', ['flanders-timeseries'], { datetime: '2018-06-01' });
    expect(report.refused).toEqual([{ source: join(data, 'flanders-timeseries/labels_LC_CT.tif'), reason: expect.stringContaining('its bands (CT, LC) are not those') }]);
  });

  it('terramesh: names for bands that have none, three zones, a warning about the date', async () => {
    const report = await run('TERRA', ['terramesh/S2L2A'], { bands: L2A });
    expect(report).toMatchObject({ items: 3, bands: L2A, refused: [] });
    expect(report.warnings[0]).toContain('--datetime');
    expect(report.crs.length).toBe(3);
    expect((await store.collection('TERRA'))!['cube:dimensions']).toMatchObject({ x: { reference_system: 4326 }, bands: { values: L2A } });
    expect(await run('TERRA_BAD', ['terramesh/S2L2A'], { bands: ['a', 'b'] })).toMatchObject({ items: 0, refused: [{ reason: 'it has 12 bands without names, but 2 names were given' }, {}, {}] });
    expect(await store.collection('TERRA_BAD')).toBeNull();
    expect((await run('TERRA_S1', ['terramesh/S1RTC'], { bands: ['VV', 'VH'] })).interval).toEqual(['2017-10-30T05:32:30Z', '2021-07-21T08:40:10Z']);
    await expectValid('TERRA');
  });

  it('bolzano: bands from the file name, or given', async () => {
    const folder = await run('BOLZANO', ['bolzano']);
    expect(folder).toMatchObject({ items: 1, bands: ['B04', 'B03', 'B02', 'B08', 'SCL'], interval: ['2022-06-12T00:00:00Z', '2022-06-12T00:00:00Z'] });
    const one = await run('BOLZANO_ONE', ['bolzano/S2_L2A_sample.tif'], { bands: ['B04', 'B03', 'B02', 'B08', 'SCL'], datetime: '2022-06-12' });
    expect(one).toMatchObject({ items: 1, refused: [] });
    await expectValid('BOLZANO_ONE');
  });

  it('landsat-nyc: nineteen scenes of twelve files', async () => {
    const report = await run('NYC', ['landsat-nyc']);
    expect(report).toMatchObject({ items: 19, assets: 228, refused: [] });
    const item = (await store.get('NYC', 'LC08_L1TP_013032_20180131'))!;
    expect(Object.keys(item.assets).sort()).toEqual(['B1', 'B10', 'B11', 'B2', 'B3', 'B4', 'B5', 'B6', 'B7', 'B8', 'B9', 'BQA']);
    expect(item.assets['B5']!.bands![0]).toMatchObject({ 'eo:common_name': 'nir08' });
    expect(((await store.collection('NYC'))!['cube:dimensions']['bands'] as { values: string[] }).values).toEqual(['B1', 'B2', 'B3', 'B4', 'B5', 'B6', 'B7', 'B8', 'B9', 'B10', 'B11', 'BQA']);
    await expectValid('NYC');
  });

  it('zion: four band files make one item, what is no Landsat stays out', async () => {
    const report = await run('LANDSAT8_ZION', ['zion'], { datetime: '2015-08-18' });
    expect(report).toMatchObject({ items: 1, assets: 4, bands: ['B2', 'B3', 'B4', 'B5'], crs: ['EPSG:32612'] });
    expect(new Set(report.refused.map(({ source }) => source.split('/').at(-1)))).toEqual(new Set(['nlcd.tif', 'nlcd2011.tif', 'srtm.tif']));
    await expectValid('LANDSAT8_ZION');
  });

  it('ssl4eo: a dummy georeference is told as such', async () => {
    const report = await run('SSL4EO', ['ssl4eo-s2l2a']);
    expect(report.items).toBe(0);
    expect(new Set(report.refused.map(({ reason }) => reason))).toEqual(new Set(['its georeference is a dummy (pixel numbers instead of coordinates)']));
    expect(report.refused.length).toBe(20);
  });

  it('cog-cases: the antimeridian is cut, ground control points are refused', async () => {
    const report = await run('COG_CASES', ['cog-cases'], { datetime: '2020-01-01' });
    expect(report.refused).toEqual([{ source: join(data, 'cog-cases/cog_gcps.tif'), reason: expect.stringContaining('ground control points') }]);
    const dateline = (await store.get('COG_CASES', 'cog_dateline'))!;
    expect(dateline.geometry!.type).toBe('MultiPolygon');
    expect(dateline.bbox[0]).toBeGreaterThan(dateline.bbox[2]!);
    expect((await store.search({ collections: ['COG_CASES'], bbox: [179.9, 51, -179.9, 52], limit: 10 })).items.map((item) => item.id)).toEqual(['cog_dateline']);
    await expectValid('COG_CASES');
  });

  it('STAC 1.0 items: bands and projection as in 1.1, assets where they were', async () => {
    const report = await run('EARTH_SEARCH', ['stac-items/item-collection.json']);
    expect(report).toMatchObject({ items: 10, changed: 10, refused: [] });
    const [item] = await itemsOf('EARTH_SEARCH');
    expect(item).toMatchObject({ stac_version: '1.1.0', collection: 'EARTH_SEARCH', properties: { 'proj:code': 'EPSG:32613' } });
    expect(item!.assets['red']).toMatchObject({ href: expect.stringMatching(/^https:.*B04\.tif$/), bands: [{ name: 'B04', 'eo:common_name': 'red', nodata: 0, data_type: 'uint16', 'raster:scale': 0.0001, 'raster:offset': -0.1 }] });
    expect(JSON.stringify(item)).not.toMatch(/eo:bands|raster:bands|proj:epsg/);
    expect(item!.links[0]).toEqual(expect.objectContaining({ rel: 'via', href: expect.stringContaining('earth-search') }));
    expect(item!.links.filter(({ rel }) => !['via', 'license', 'canonical', 'derived_from', 'about'].includes(rel))).toEqual([]);
    const known = (object: StacItem) => ({ ...object, stac_extensions: object.stac_extensions.filter((uri) => !/mgrs|sentinel-2/.test(uri)) });
    if (hasSchemas) expect(await problemsOf(withCollectionLink(known(item!)))).toEqual([]);
  });
});

describe('ingest', () => {
  it('refuses requests that make no sense, in one line', async () => {
    await expect(run('a b', ['/x'])).rejects.toThrow('\'a b\' can\'t be the id of a collection');
    await expect(run('A', [])).rejects.toThrow('Nothing to ingest');
    await expect(run('A', ['/x'], { bands: ['B1', 'B1'] })).rejects.toThrow('must differ');
    await expect(run('A', ['/x'], { datetime: 'yesterday' })).rejects.toThrow('is not a date');
    const base = { type: 'Collection', stac_version: '1.1.0', stac_extensions: [], description: 'd', license: 'other', links: [], summaries: {}, 'cube:dimensions': {}, extent: { spatial: { bbox: [[0, 0, 1, 1]] }, temporal: { interval: [[null, null]] } } } as const;
    await store.putCollection({ ...base, id: 'LAYER', 'lamina:layer': {} });
    await expect(run('LAYER', ['/x'])).rejects.toThrow('is a virtual one');
  });

  it('lists what can\'t be read with the reason and takes the rest', async () => {
    const folder = join(scratch, 'mixed');
    mkdirSync(join(folder, 'empty'), { recursive: true });
    writeFileSync(join(folder, 'broken_20200101.tif'), 'II*\0 this is no image');
    writeFileSync(join(folder, 'text_20200101.tif'), 'hello');
    writeFileSync(join(folder, 'notes.txt'), 'not looked at');
    if (hasData) copyFileSync(join(data, 'hesbaye/s2/S2_L2A_2021-03-01.tif'), join(folder, 'S2_L2A_2021-03-01.tif'));
    const report = await run('MIXED', [folder, join(folder, 'empty'), '/does/not/exist']);
    expect(report.items).toBe(hasData ? 1 : 0);
    expect(report.refused.map(({ source, reason }) => [source.split('/').at(-1), reason])).toEqual([
      ['empty', expect.stringContaining('no GeoTIFF')], ['exist', 'it does not exist'], ['broken_20200101.tif', expect.stringContaining('can\'t be read')], ['text_20200101.tif', expect.stringContaining('can\'t be read')],
    ]);
  });

  it('reads a static STAC collection with its items, and says what is wrong with some', async () => {
    const folder = join(scratch, 'stac');
    mkdirSync(folder, { recursive: true });
    const good = { type: 'Feature', stac_version: '1.0.0', id: 'good', geometry: { type: 'Point', coordinates: [1, 2] }, bbox: [1, 2, 1, 2], properties: { datetime: '2020-01-01T00:00:00Z' }, links: [], assets: { data: { href: './good.tif', 'eo:bands': [{ name: 'red', common_name: 'red' }] } } };
    const collection = { type: 'Collection', stac_version: '1.0.0', id: 'source', title: 'From elsewhere', description: 'Described there.', license: 'proprietary', extent: {}, links: [{ rel: 'item', href: 'good.json' }, { rel: 'item', href: 'bad.json' }, { rel: 'item', href: 'gone.json' }, { rel: 'self', href: 'collection.json' }] };
    writeFileSync(join(folder, 'good.json'), JSON.stringify(good));
    writeFileSync(join(folder, 'bad.json'), JSON.stringify({ ...good, id: 'bad', properties: {} }));
    writeFileSync(join(folder, 'collection.json'), JSON.stringify(collection));
    const report = await run('STATIC', [join(folder, 'collection.json')]);
    expect(report.items).toBe(1);
    expect(report.refused).toEqual([{ source: 'bad', reason: 'it has no datetime' }, { source: join(folder, 'collection.json'), reason: expect.stringContaining('gone.json') }]);
    expect(await store.collection('STATIC')).toMatchObject({ id: 'STATIC', title: 'From elsewhere', description: 'Described there.', license: 'other' });
    expect((await store.get('STATIC', 'good'))!.assets['data']).toMatchObject({ href: `file://${join(folder, 'good.tif')}`, bands: [{ name: 'red', 'eo:common_name': 'red' }] });
  });
});
