/**
 * What a user does from the first file to the last, once with objects on the disk and once on an S3 server:
 * ingest, publish a layer, read it by every road, write it to files and read those, look after the cache. The
 * bytes and values are the same on both.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { startFauxqs } from 'fauxqs';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as zarrita from 'zarrita';
import { openRaster } from '../../src/formats/cog/open.ts';
import { openHttpSource } from '../../src/formats/http-source.ts';
import { openObjectStore } from '../../src/storage/open.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { sha256 } from './deployed.ts';
import { Client, freePort, lamina, run, until, type Started } from './processes.ts';

const WAIT_MS = 180_000;
const bands = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];
const BOX = [5.93, 50.62, 5.95, 50.64] as const;
const DAY = '2023-07-29';

const layer = {
  id: 'MINE', type: 'Collection', stac_version: '1.1.0', title: 'Mine', description: 'For tests.', license: 'CC0-1.0',
  'lamina:layer': {
    operator: 'pca:1.0.0',
    process_graph: {
      load: { process_id: 'load_collection', arguments: { id: 'OWN', spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' }, bands } },
      embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: { from_parameter: 'operator' } }, result: true },
    },
  },
};

const [west, south, east, north] = BOX;
const graph = {
  load: { process_id: 'load_collection', arguments: { id: 'MINE', spatial_extent: { west, south, east, north }, temporal_extent: [DAY, '2023-07-30'] } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
};

interface Item {
  readonly id: string;
  readonly assets: Readonly<Record<string, { readonly href: string; readonly type: string }>>;
}

/** Vectors as texts, in one order: what files of every format must have in common. */
type Vectors = readonly string[];

/** From samples [dimensions, cells] without those cells that have none. */
function vectorsOf(samples: ArrayLike<number>, dimensions: number, isNull: (cell: number) => boolean): Vectors {
  const cells = samples.length / dimensions;
  const all = Array.from({ length: cells }, (_, cell) => (isNull(cell) ? null : Array.from({ length: dimensions }, (_d, k) => samples[k * cells + cell]!).join()));
  return all.filter((vector) => vector !== null).sort();
}

async function fromCog(href: string): Promise<Vectors> {
  const signal = new AbortController().signal;
  const file = await openRaster(await openHttpSource(href));
  const { width, height } = file.levels[0]!;
  const { data, nulls } = await file.read({ level: 0, window: { x: 0, y: 0, width, height }, bands: file.bands.map((_, i) => i) }, signal);
  return vectorsOf(data, file.bands.length, (cell) => nulls?.[cell] === 1);
}

async function fromZarr(href: string): Promise<Vectors> {
  const array = await zarrita.open.v3(zarrita.root(new zarrita.FetchStore(href)).resolve('embeddings'), { kind: 'array' });
  const { data } = await zarrita.get(array) as { data: Float32Array };
  return vectorsOf(data, 32, (cell) => Number.isNaN(data[cell]!));
}

async function fromParquet(href: string): Promise<Vectors> {
  const bytes = await (await fetch(href)).arrayBuffer();
  const rows = await parquetReadObjects({ file: bytes, compressors: { ZSTD: (part: Uint8Array) => zstdDecompressSync(part) } });
  return rows.map((row) => Array.from(row['embedding'] as number[]).join()).sort();
}

/** What came out, by the place where objects lay. */
const seen = new Map<string, Record<string, string>>();

describe.each(['disk', 's3'] as const)('objects on %s', (place) => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-flows-'));
  const closers: (() => Promise<unknown>)[] = [];
  const results: Record<string, string> = {};
  let environment: Record<string, string>;
  let service: Started;
  let client: Client;
  let url: string;
  let objects: ObjectStore;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    environment = { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data'), LAMINA_BASIC_USERS: 'anna:secret-anna', LAMINA_EDITORS: 'anna' };
    let s3 = null;
    if (place === 's3') {
      const server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
      closers.push(() => server.stop());
      s3 = { endpoint: `http://127.0.0.1:${server.port}`, bucket: 'lamina', region: 'us-east-1', accessKey: 'test', secretKey: 'test' };
      environment = { ...environment, LAMINA_S3_ENDPOINT: s3.endpoint, LAMINA_S3_ACCESS_KEY: 'test', LAMINA_S3_SECRET_KEY: 'test' };
    }
    service = lamina(['serve'], environment);
    await until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', WAIT_MS, service);
    client = new Client(url);
    await client.login('anna', 'secret-anna');
    objects = await openObjectStore({ directory: join(directory, 'data', 'objects'), s3 });
  }, WAIT_MS);

  afterAll(async () => {
    seen.set(place, results);
    await service.end();
    for (const close of closers) await close();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const command = async (...args: string[]) => {
    const started = lamina(args, environment);
    const { code } = await run(started);
    return { code, out: started.output().replace(started.errors(), ''), errors: started.errors() };
  };
  const done = async (...args: string[]) => {
    const { code, out, errors } = await command(...args);
    expect([args.join(' '), code, code === 0 ? '' : errors + out]).toEqual([args.join(' '), 0, '']);
    return out;
  };
  const synced = async () => {
    const response = await client.fetch('/result', { method: 'POST', body: { process: { process_graph: graph } } });
    expect(response.status).toBe(200);
    const facts = ['Lamina-Blocks-Cached', 'Lamina-Blocks-Computed'].map((name) => Number(response.headers.get(name)));
    return { hash: sha256(await response.arrayBuffer()), cached: facts[0]!, computed: facts[1]! };
  };
  const hashOf = async (href: string) => {
    const response = await fetch(href);
    expect([href, response.status]).toEqual([href, 200]);
    return sha256(await response.arrayBuffer());
  };
  const tile = `/tiles/MINE/14/8463/5510.png?datetime=${DAY}`;
  const stored = async (prefix: string) => (await Array.fromAsync(objects.list(prefix))).length;
  const items = async (collection: string) => (await (await fetch(`${url}/stac/collections/${collection}/items?limit=100`)).json() as { features: Item[] }).features;

  it('files are ingested, and a layer over them is published', async () => {
    const scenes = join(directory, 'scenes');
    mkdirSync(scenes);
    const from = join(directory, 'data', 'synthetic');
    for (const name of readdirSync(from).filter((file) => /_T31_2023(0729|0912)T\d+_(10|20)m\.tif$/.test(file))) copyFileSync(join(from, name), join(scenes, name.replace('SYNTHETIC', 'OWN')));
    expect(await done('ingest', scenes, '--collection', 'OWN')).toContain('2 items');
    writeFileSync(join(directory, 'MINE.json'), JSON.stringify(layer));
    expect(await done('layer', 'create', join(directory, 'MINE.json'))).toContain('MINE: created, version 1');
  }, WAIT_MS);

  it('a request, a job, a tile and the file of an item give the vectors', async () => {
    const cold = await synced();
    expect([cold.cached, cold.computed > 0]).toEqual([0, true]);
    expect(await synced()).toEqual({ hash: cold.hash, cached: cold.computed, computed: 0 });
    const id = await client.startJob(graph);
    await client.finished(id, WAIT_MS);
    const { assets } = await client.json<{ assets: Record<string, { href: string }> }>(`/jobs/${id}/results`);
    expect(await Promise.all(Object.values(assets).map(({ href }) => hashOf(href)))).toEqual([cold.hash]);
    const { href } = Object.values((await items('MINE'))[0]!.assets)[0]!;
    Object.assign(results, { result: cold.hash, tile: await hashOf(url + tile), file: await hashOf(href) });
    expect((await fetch(href, { headers: { Range: 'bytes=0-99' } })).status).toBe(206);
    expect(await stored('blocks/')).toBeGreaterThan(0);
    expect([await stored('tiles/'), await stored('layer-files/')]).toEqual([1, 1]);
  }, WAIT_MS);

  it('files of a part of it are written, listed with signed links, and read back equal', async () => {
    await done('layer', 'materialise', 'MINE', '--bbox', BOX.join(), '--datetime', DAY, '--formats', 'GTiff,Zarr,Parquet');
    const files = await items('MINE.files');
    const asset = (type: RegExp) => files.flatMap(({ assets }) => Object.values(assets)).find((each) => type.test(each.type))!.href;
    const [cog, zarr, parquet] = [asset(/^image\/tiff/), asset(/zarr/), asset(/parquet/)];
    for (const href of [cog, parquet]) {
      expect((await fetch(href, { headers: { Range: 'bytes=4-7' } })).status).toBe(206);
      const bare = await fetch(href.replace(/\?.*/, ''));
      const forged = await fetch(href.replace(/.$/, (last) => (last === '0' ? '1' : '0')));
      expect([bare.ok, forged.ok]).toEqual([false, false]);
    }
    // A folder: clients open it by its address and ask for what is below.
    expect((await fetch(`${zarr}/zarr.json`)).headers.get('content-type')).toMatch(/^application\/json/);
    expect((await fetch(`${zarr}/embeddings/c/99/99`)).status).toBe(404);
    const vectors = await fromCog(cog);
    expect(vectors.length).toBeGreaterThan(500);
    expect(await fromZarr(zarr)).toEqual(vectors);
    expect(await fromParquet(parquet)).toEqual(vectors);
    results['vectors'] = sha256(Buffer.from(vectors.join('\n')));
    // The blocks went into the file; requests read them from there.
    expect(await synced()).toMatchObject({ hash: results['result'], computed: 0 });
    expect(await done('layer', 'stats', 'MINE')).toMatch(/^MINE +block +filed/m);
  }, WAIT_MS);

  it('the cache is checked, mended, emptied and filled', async () => {
    expect(await done('layer', 'verify')).toMatch(/^\d+ objects read, [\d.]+ [KM]iB whole\n$/);
    const [{ key } = { key: '' }] = (await Array.fromAsync(objects.list('blocks/')));
    const bytes = (await objects.get(key))!;
    await objects.put(key, bytes.map((byte, i) => (i === bytes.length - 20 ? byte ^ 1 : byte)));
    const damaged = await command('layer', 'verify');
    expect([damaged.code, damaged.out]).toEqual([1, expect.stringContaining(`1 damaged and deleted:\n  ${key}`)]);
    expect(await objects.head(key)).toBeNull();

    expect(await done('layer', 'evict', '--all')).toMatch(/^[1-9]\d* objects deleted/);
    expect([await stored('blocks/'), await stored('tiles/'), await stored('layer-files/')]).toEqual([0, 0, 0]);
    await done('layer', 'warm', 'MINE', '--datetime', '2023-09-12');
    expect(await stored('blocks/')).toBeGreaterThan(0);
    const { href } = Object.values((await items('MINE'))[0]!.assets)[0]!;
    expect({ result: (await synced()).hash, tile: await hashOf(url + tile), file: await hashOf(href) }).toEqual({ result: results['result'], tile: results['tile'], file: results['file'] });
    expect(service.errors().split('\n').filter((line) => line.includes('"error"'))).toEqual([]);
  }, WAIT_MS);
});

it('bytes and values on S3 are those on the disk', () => {
  expect(Object.keys(seen.get('disk')!).sort()).toEqual(['file', 'result', 'tile', 'vectors']);
  expect(seen.get('s3')).toEqual(seen.get('disk'));
});
