/** Large files of items: NDJSON, ItemCollections, stac-geoparquet, prefixes of buckets; checked, idempotent, taken up again. */
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkpointsIn } from '../../../src/catalog/bulk/checkpoints.ts';
import { exportItems } from '../../../src/catalog/bulk/export-items.ts';
import { createItemChecker } from '../../../src/catalog/bulk/item-checker.ts';
import { storedItems } from '../../../src/catalog/bulk/stored-items.ts';
import { ingest } from '../../../src/catalog/ingest/ingest.ts';
import type { Buckets, IngestDependencies, IngestReport } from '../../../src/catalog/ingest/report.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { silentLog } from '../../../src/log.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import { hasSchemas } from '../../api/stac/validator.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { startS3 } from '../../storage/s3-double.ts';
import { item, items, writeLines } from './items.ts';

const data = resolve('../shared/data/stac-items');
const schemas = resolve('../shared/spec/stac/schemas');
let fresh: FreshDatabase;
let store: CatalogStore;
let folder: string;
const rasters = new RasterCache();

beforeAll(async () => {
  fresh = await startFreshDatabase();
  store = new CatalogStore(fresh.database);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-bulk-'));
});
afterAll(async () => {
  await rasters.close();
  await fresh.stop();
});

const check = createItemChecker(null);
const bulkOf = (more: Partial<NonNullable<IngestDependencies['bulk']>> = {}) => ({ check, checkpoints: checkpointsIn(join(folder, 'state')), ...more });
const run = (collection: string, source: string, bulk = bulkOf(), buckets?: Buckets): Promise<IngestReport> =>
  ingest({ collection, sources: [source] }, { store, rasters, log: silentLog, bulk, ...(buckets ? { buckets } : {}) });
const count = async (collection: string) => (await fresh.database.query<{ n: number }>('select count(*) as n from items where collection = $1', [collection]))[0]!.n;

describe('the same items', () => {
  it.each(['ndjson', 'jsonl.gz', 'json', 'geojson', 'parquet'])('come in from .%s, and again without a change', async (ending) => {
    const path = join(folder, `items.${ending}`);
    const all = items(2500);
    if (ending === 'parquet') await exportItems((async function* each() { yield* all; })(), path, 'parquet');
    else if (ending.startsWith('json') && !ending.endsWith('gz')) writeFileSync(path, JSON.stringify({ type: 'FeatureCollection', features: all, links: [{ rel: 'next', href: 'https://example.org/never' }] }));
    else if (ending === 'geojson') writeFileSync(path, JSON.stringify({ type: 'FeatureCollection', features: all }, null, 1));
    else writeFileSync(path, ending.endsWith('gz') ? gzipSync(all.map((each) => JSON.stringify(each)).join('\r\n')) : all.map((each) => JSON.stringify(each)).join('\n\n'));
    const id = `SAME_${ending.replace('.', '_')}`;
    const progress: (number | null)[] = [];
    const report = await run(id, path, bulkOf({ onProgress: ({ fraction }) => progress.push(fraction) }));
    expect(report).toMatchObject({ items: 2500, changed: 2500, refused: [], warnings: [], assets: 3000, crs: ['EPSG:4326'], bands: ['B04', 'B08'], interval: ['2020-01-01T00:00:00Z', '2020-01-02T17:39:00Z'] });
    expect(progress).toHaveLength(3);
    expect(progress.at(-1)).toBe(1);
    const revision = await store.revision(id);
    expect(await run(id, path)).toMatchObject({ items: 2500, changed: 0 });
    expect(await store.revision(id)).toBe(revision);
    const { collection: _, links: __, ...stored } = (await store.get(id, 'item-000007'))!;
    const { links: ___, ...made } = item(7);
    expect(stored).toEqual(made);
    expect(await store.collection(id)).toMatchObject({
      extent: { spatial: { bbox: [[0, 49, 30.9, 50.08]] }, temporal: { interval: [['2020-01-01T00:00:00Z', '2020-01-02T17:39:00Z']] } },
      summaries: { platform: ['sat-0', 'sat-1', 'sat-2'], 'proj:code': ['EPSG:4326'] }, item_assets: { data: {}, thumbnail: {} },
    });
    expect(await readdir(join(folder, 'state'))).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe('files of others', () => {
  it.skipIf(!existsSync(data)).each(['100-sentinel-2-items.parquet', '100-landsat-items.parquet'])(existsSync(data) ? '%s comes in as STAC 1.1' : 'skipped: ../shared/data/stac-items is absent (%s)', async (name) => {
    const report = await run(name.split('.')[0]!, join(data, name));
    expect(report).toMatchObject({ items: 100, changed: 100, refused: [] });
    const { items: [first] } = await store.search({ collections: [name.split('.')[0]!], limit: 1 });
    expect(first).toMatchObject({ stac_version: '1.1.0', bbox: expect.any(Array) as unknown, properties: { 'proj:code': expect.stringMatching(/^EPSG:326/) as unknown } });
    expect(JSON.stringify(first)).not.toMatch(/raster:bands|eo:bands|proj:epsg/);
    expect(first!.links[0]).toMatchObject({ rel: 'via', href: expect.stringMatching(/^https:/) as unknown });
  });
});

describe('an ingest that was interrupted', () => {
  it.each(['ndjson', 'json', 'parquet'])('goes on where it was (%s)', async (ending) => {
    const path = join(folder, `items.${ending}`);
    const all = items(3500);
    await exportItems((async function* each() { yield* all; })(), path, ending as 'json');
    const id = `STOPPED_${ending}`;
    let batches = 0;
    const dying: Partial<NonNullable<IngestDependencies['bulk']>> = { onProgress: () => { if (++batches === 2) throw new Error('the power went'); } };
    expect((await run(id, path, bulkOf(dying))).refused).toEqual([{ source: path, reason: 'the power went' }]);
    expect(await count(id)).toBe(2000);
    const report = await run(id, path);
    expect(report).toMatchObject({ items: 3500, changed: 3500, refused: [], warnings: [expect.stringContaining('went on after record 2000')] });
    expect(await count(id)).toBe(3500);
    // Of all items, not only of those that came at last.
    expect((await store.collection(id))!.extent.temporal.interval).toEqual([['2020-01-01T00:00:00Z', '2020-01-03T10:19:00Z']]);
  });

  it('begins anew when the file is another one', async () => {
    const path = writeLines(join(folder, 'items.ndjson'), items(1500));
    await run('ANOTHER', path, bulkOf({ onProgress: () => { throw new Error('stop'); } }));
    writeLines(path, items(1200, 500));
    expect(await run('ANOTHER', path)).toMatchObject({ items: 1200, changed: 700, warnings: [] });
    expect(await count('ANOTHER')).toBe(1700);
  });
});

describe('what is wrong', () => {
  it('is refused with its place and the path of the fault; the rest comes in', async () => {
    const broken = [
      '{"type": "Feature", ', { ...item(1), geometry: { type: 'Polygon', coordinates: [[[0, 0], [1, 1]]] } }, { ...item(2), properties: { datetime: 'yesterday' } },
      { ...item(3), properties: { datetime: null } }, { ...item(4), assets: { data: { href: '' } } }, { ...item(5), links: [{ rel: 'self' }] }, { ...item(6), stac_version: '0.9.0' }, '[1, 2]',
      { ...item(8), bbox: [1, 2, 3] }, { ...item(9), properties: { ...(item(9)['properties'] as object), text: 'a\u0000b' } },
    ];
    const path = writeLines(join(folder, 'mixed.ndjson'), [item(0), ...broken, item(11)]);
    const report = await run('MIXED', path);
    expect(report).toMatchObject({ items: 2, changed: 2 });
    expect(report.refused.map(({ source, reason }) => [/#(\d+)|^item-0*(\d+)/.exec(source)?.slice(1).find(Boolean), reason])).toEqual([
      ['2', expect.stringContaining('it is no JSON')], ['1', '`geometry/coordinates/0` must NOT have fewer than 4 items'], ['2', expect.stringContaining('`properties/datetime` must match format')],
      ['3', '`properties/start_datetime` is missing'], ['4', expect.stringContaining('`assets/data/href`')], ['5', '`links/0/href` is missing'], ['6', expect.stringContaining('`stac_version`')], ['9', expect.stringContaining('must be object')],
      ['8', expect.stringContaining('`bbox`')], ['9', expect.stringContaining('database does not take it')],
    ]);
    expect((await run('MIXED', path)).changed).toBe(0);
  });

  it('is not to blame for a database that goes away: the file is refused, and the next run brings the rest', async () => {
    const path = join(folder, 'away.ndjson');
    const bad = { ...item(3), id: 'bad', properties: { ...(item(3)['properties'] as object), text: 'a\u0000b' } };
    writeFileSync(path, [...items(20), bad].map((each) => JSON.stringify(each)).join('\n'));
    let calls = 0;
    class GoingAway extends CatalogStore {
      override putItems(collection: string, each: Parameters<CatalogStore['putItems']>[1]): Promise<number> {
        return ++calls === 5 ? Promise.reject(new Error('Connection terminated unexpectedly')) : super.putItems(collection, each);
      }
    }
    const report = await ingest({ collection: 'AWAY', sources: [path] }, { store: new GoingAway(fresh.database), rasters, log: silentLog, bulk: bulkOf() });
    expect(report.refused).toEqual([{ source: path, reason: 'Connection terminated unexpectedly' }]);
    expect(await run('AWAY', path)).toMatchObject({ refused: [{ source: expect.stringContaining('bad') as string }] });
    expect(await count('AWAY')).toBe(20);
  });

  it('ends an ingest of a file that holds no items at all', async () => {
    const path = writeLines(join(folder, 'words.ndjson'), Array.from({ length: 3000 }, (_, i) => ({ word: i })));
    const report = await run('WORDS', path);
    expect(report).toMatchObject({ items: 0, refused: [{ source: path, reason: expect.stringMatching(/none of its first 1000 records is a STAC item: `type` is missing/) as unknown }] });
    expect(await store.collection('WORDS')).toBeNull();
    for (const name of ['none.ndjson', 'none.parquet']) expect((await run('WORDS', join(folder, name))).refused).toEqual([{ source: join(folder, name), reason: 'it does not exist' }]);
    writeFileSync(join(folder, 'broken.parquet'), 'PAR1 this is no table PAR1');
    expect((await run('WORDS', join(folder, 'broken.parquet'))).refused[0]!.reason).toContain('no Parquet file');
    writeFileSync(join(folder, 'cut.json'), JSON.stringify({ type: 'FeatureCollection', features: items(3) }).slice(0, -200));
    expect((await run('CUT', join(folder, 'cut.json'))).refused[0]!.reason).toContain('in the middle of the document');
  });

  it.skipIf(!hasSchemas)(hasSchemas ? 'is also what the official schemas say, of which none is fetched' : 'skipped: ../shared/spec/stac is absent', async () => {
    const wrong = item(1, { 'eo:cloud_cover': 'much' });
    const path = writeLines(join(folder, 'items.ndjson'), [item(0), { ...wrong, stac_extensions: ['https://stac-extensions.github.io/eo/v2.0.0/schema.json'] }, { ...item(2), stac_extensions: ['http://127.0.0.1:1/secret/schema.json', 'https://stac-extensions.github.io/../../etc/passwd'] }]);
    const report = await run('STRICT', path, bulkOf({ check: createItemChecker(schemas) }));
    expect(report).toMatchObject({ items: 2, refused: [{ source: expect.stringContaining('item-000001') as unknown, reason: '`properties/eo:cloud_cover` must be number' }] });
  });
});

describe('a prefix of a bucket', () => {
  it('gives its items, whatever files they lie in', async () => {
    const s3 = await startS3();
    const settings = { endpoint: `http://127.0.0.1:${s3.port}`, region: 'us-east-1', accessKey: 'a', secretKey: 'b' };
    const bucket = await openS3Store({ ...settings, bucket: 'catalogs' });
    try {
      await bucket.put('in/a.ndjson', Buffer.from(items(1200).map((each) => JSON.stringify(each)).join('\n')));
      await bucket.put('in/deep/one.json', Buffer.from(JSON.stringify({ ...item(5000), assets: { data: { href: './one.tif' } } })));
      await exportItems((async function* each() { yield* items(300, 9000); })(), join(folder, 'b.parquet'), 'parquet');
      await bucket.put('in/b.parquet', { path: join(folder, 'b.parquet') });
      await bucket.put('in/readme.txt', Buffer.from('no items'));
      await bucket.put('out/c.ndjson', Buffer.from(JSON.stringify(item(7777))));
      const buckets: Buckets = { open: (name) => openS3Store({ ...settings, bucket: name, create: false }), ingestRaster: async () => ({ did: 'refused', reason: 'no rasters here' }) };
      expect(await run('BUCKET', 's3://catalogs/in/', bulkOf(), buckets)).toMatchObject({ items: 1501, changed: 1501, refused: [] });
      expect((await store.get('BUCKET', 'item-005000'))!.assets['data']!.href).toBe('s3://catalogs/in/deep/one.tif');
      expect((await run('BUCKET', 's3://catalogs/none/', bulkOf(), buckets)).refused).toEqual([{ source: 's3://catalogs/none/', reason: expect.stringContaining('no GeoTIFF') as unknown }]);
      expect((await run('BUCKET', 's3://nowhere/', bulkOf(), buckets)).refused[0]!.reason).toBe('there is no bucket \'nowhere\'');
    } finally {
      bucket.close();
      await s3.stop();
    }
  });
});

it('exports of a collection hold every item once, and come in elsewhere', async () => {
  await run('ORIGIN', writeLines(join(folder, 'items.ndjson'), items(1300)));
  for (const format of ['parquet', 'ndjson', 'json'] as const) {
    const path = join(folder, `out.${format}`);
    expect(await exportItems(storedItems(store, { collections: ['ORIGIN'] }), path, format)).toBe(1300);
    expect(await run(`COPY_${format}`, path)).toMatchObject({ items: 1300, changed: 1300, refused: [] });
    const [a, b] = [(await store.get('ORIGIN', 'item-000123'))!, (await store.get(`COPY_${format}`, 'item-000123'))!];
    expect({ ...b, collection: 'ORIGIN' }).toEqual(a);
  }
});

it('texts may hold the signs that other programs take for the end of a line', async () => {
  const titles = ['a\u2028b', 'a\u2029b', 'a\u0085b', 'a\r\nb'];
  await run('SIGNS', writeLines(join(folder, 'signs.ndjson'), titles.map((title, i) => item(i, { title }))));
  for (const format of ['parquet', 'ndjson', 'json'] as const) {
    const path = join(folder, `signs-out.${format}`);
    expect(await exportItems(storedItems(store, { collections: ['SIGNS'] }), path, format)).toBe(4);
    await run(`SIGNS_${format}`, path);
    const { items: found } = await store.search({ collections: [`SIGNS_${format}`], limit: 10 });
    expect(new Set(found.map(({ properties }) => properties['title']))).toEqual(new Set(titles));
  }
});
