/** Objects of a watched prefix become items and go with them, on a real database and the local object store. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ingestObject, type ObjectIngest } from '../../../src/catalog/ingest/ingest-object.ts';
import { parseEvents } from '../../../src/catalog/ingest/object-events.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import { hrefOf, Watches } from '../../../src/catalog/watches.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { createLog, type LogEntry } from '../../../src/log.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { writeItem } from '../../layers/service.ts';

let fresh: FreshDatabase;
let folder: string;
let objects: ObjectStore;
let store: CatalogStore;
let watches: Watches;
let parts: ObjectIngest;
let rasters: RasterCache;
let logged: LogEntry[];
let files: string[];

beforeAll(async () => {
  fresh = await startFreshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lamina-object-'));
  objects = createLocalStore(join(folder, 'objects'));
  store = new CatalogStore(fresh.database);
  watches = new Watches(fresh.database);
  rasters = new RasterCache({ store: objects });
  files = [];
  for (const value of [20, 50]) files.push(fileURLToPath((await writeItem(folder, 'x', '2021-05-01T00:00:00Z', (band) => value + band)).assets['data']!.href));
});
afterAll(async () => {
  await rasters.close();
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await store.deleteCollection('WATCHED');
  for (const prefix of ['incoming/', '']) for await (const { key } of objects.list(prefix)) await objects.delete(key);
  logged = [];
  parts = { store, watches, rasters, objects, log: createLog((entry) => logged.push(entry)) };
  await store.putCollection({
    type: 'Collection', stac_version: '1.1.0', stac_extensions: [], id: 'WATCHED', description: 'W', license: 'other', extent: { spatial: { bbox: [] }, temporal: { interval: [] } }, summaries: {}, 'cube:dimensions': {}, links: [],
  });
  await watches.put({ bucket: 'lamina', prefix: 'incoming/', collection: 'WATCHED', url: null, bands: null, datetime: null });
});

const put = (key: string, which = 0) => objects.put(key, { path: files[which]! });
const sync = (key: string) => ingestObject(parts, 'lamina', key);
const items = async () => (await store.search({ collections: ['WATCHED'], limit: 100 })).items;

describe('ingestObject', () => {
  it('makes an item of an object, once, and another version when it changes', async () => {
    await put('incoming/S2_20210501T103000.tif');
    expect(await sync('incoming/S2_20210501T103000.tif')).toEqual({ did: 'ingested' });
    const [item] = await items();
    expect(item).toMatchObject({ id: 'S2_20210501T103000', properties: { datetime: '2021-05-01T10:30:00Z' }, assets: { data: { href: 'object:incoming/S2_20210501T103000.tif', 'proj:code': 'EPSG:32631' } } });
    expect((await store.collection('WATCHED'))!.bands!.map((band) => band.name)).toEqual(['B02', 'B08']);
    expect(await sync('incoming/S2_20210501T103000.tif')).toEqual({ did: 'unchanged' });
    await put('incoming/S2_20210501T103000.tif', 1);
    expect(await sync('incoming/S2_20210501T103000.tif')).toEqual({ did: 'ingested' });
    expect(await fresh.database.query('select 1 from item_changes where collection = \'WATCHED\' and kind = \'put\'')).toHaveLength(2);
  });

  it('looks at what there is, whatever event came: late and out of order they lead to the same', async () => {
    await put('incoming/a_20210501.tif');
    await sync('incoming/a_20210501.tif');
    await objects.delete('incoming/a_20210501.tif');
    expect(await sync('incoming/a_20210501.tif')).toEqual({ did: 'withdrawn' });
    expect(await items()).toEqual([]);
    expect(await sync('incoming/a_20210501.tif')).toEqual({ did: 'unchanged' });
  });

  it('joins files of one acquisition, and takes them away one by one', async () => {
    for (const key of ['incoming/T31_20210501_R10m.tif', 'incoming/T31_20210501_R20m.tif']) await put(key);
    await Promise.all(['incoming/T31_20210501_R10m.tif', 'incoming/T31_20210501_R20m.tif'].map(sync));
    const [item, ...more] = await items();
    expect(more).toEqual([]);
    expect(Object.values(item!.assets).map(({ href }) => href).sort()).toEqual(['object:incoming/T31_20210501_R10m.tif', 'object:incoming/T31_20210501_R20m.tif']);
    await objects.delete('incoming/T31_20210501_R10m.tif');
    await sync('incoming/T31_20210501_R10m.tif');
    expect((await items()).map(({ assets }) => Object.keys(assets).length)).toEqual([1]);
  });

  it('keeps the same name in two folders apart', async () => {
    for (const day of ['d1', 'd2']) await put(`incoming/${day}/tile_20210501.tif`);
    for (const day of ['d1', 'd2']) await sync(`incoming/${day}/tile_20210501.tif`);
    expect((await items()).map(({ id }) => id).sort()).toEqual(['incoming_d2_tile_20210501', 'tile_20210501']);
    await objects.delete('incoming/d2/tile_20210501.tif');
    expect(await sync('incoming/d2/tile_20210501.tif')).toEqual({ did: 'withdrawn' });
    expect((await items()).map(({ id }) => id)).toEqual(['tile_20210501']);
  });

  it('leaves alone what nobody watches, and says what can\'t be taken', async () => {
    await put('elsewhere/a_20210501.tif');
    expect(await sync('elsewhere/a_20210501.tif')).toEqual({ did: 'ignored' });
    expect(await ingestObject(parts, 'other', 'incoming/a.tif')).toEqual({ did: 'ignored' });
    expect(await sync('incoming/readme.txt')).toEqual({ did: 'ignored' });
    await objects.put('incoming/broken_20210501.tif', Buffer.from('no tiff'));
    expect(await sync('incoming/broken_20210501.tif')).toMatchObject({ did: 'refused' });
    expect(logged.at(-1)!.message).toContain('incoming/broken_20210501.tif');
    expect(await items()).toEqual([]);
  });

  it('reads the objects of another bucket behind its URL', async () => {
    await watches.put({ bucket: 'theirs', prefix: 's2/', collection: 'WATCHED', url: 'https://data.example/s2 bucket/', bands: ['B02', 'B08'], datetime: null });
    expect(hrefOf((await watches.find('theirs', 's2/a b.tif'))!, 's2/a b.tif')).toBe('https://data.example/s2 bucket/s2/a%20b.tif');
    const asked: string[] = [];
    const gone = async (href: string | URL | Request) => {
      asked.push(String(href));
      return new Response(null, { status: 404 });
    };
    expect(await ingestObject({ ...parts, fetch: gone }, 'theirs', 's2/a.tif')).toEqual({ did: 'unchanged' });
    expect(asked).toEqual(['https://data.example/s2 bucket/s2/a.tif']);
    const down = async () => new Response(null, { status: 503 });
    await expect(ingestObject({ ...parts, fetch: down }, 'theirs', 's2/a.tif')).rejects.toThrow('503');
    const copy = join(folder, 'copy_20210601.tif');
    await copyFile(files[0]!, copy);
    const local = { open: () => rasters.open(copy) };
    const there = async () => new Response(null, { status: 200, headers: { 'content-length': '1', etag: '"7"', 'last-modified': 'Tue, 01 Jun 2021 00:00:00 GMT' } });
    expect(await ingestObject({ ...parts, rasters: local, fetch: there }, 'theirs', 's2/a_20210601.tif')).toEqual({ did: 'ingested' });
    expect((await items())[0]!.assets['data']).toMatchObject({ href: 'https://data.example/s2 bucket/s2/a_20210601.tif', 'lamina:etag': '7' });
  });
});

describe('parseEvents', () => {
  const record = (eventName: string, key: string) => ({ eventName, eventTime: '2021-05-01T00:00:00Z', s3: { bucket: { name: 'lamina' }, object: { key, eTag: 'abc', sequencer: '1' } } });

  it('reads what Amazon and MinIO send, keys decoded', () => {
    expect(parseEvents({ Records: [record('ObjectCreated:Put', 'incoming/a+b%C3%A9.tif'), record('s3:ObjectRemoved:Delete', 'incoming/c.tif')] })).toEqual([
      { bucket: 'lamina', key: 'incoming/a bé.tif', kind: 'created', mark: '2021-05-01T00:00:00Z 1  abc' },
      { bucket: 'lamina', key: 'incoming/c.tif', kind: 'removed', mark: '2021-05-01T00:00:00Z 1  abc' },
    ]);
  });

  it('leaves out what is of no interest or makes no sense, and knows what is no notification', () => {
    const odd = [record('s3:ObjectAccessed:Get', 'a.tif'), record('ObjectCreated:Put', 'folder/'), record('ObjectCreated:Put', '%E0%A4%A'), record('ObjectCreated:Put', 'a%00.tif'), null, 7, { eventName: 'ObjectCreated:Put' }];
    expect(parseEvents({ Records: odd })).toEqual([]);
    expect(parseEvents({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'b' })).toEqual([]);
    for (const body of [null, 1, 'x', [], {}, { Records: 'x' }]) expect(parseEvents(body)).toBeNull();
  });
});
