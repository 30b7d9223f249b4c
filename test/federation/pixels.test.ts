/** Pixels of scenes in another catalog are those of the same scenes stored here, also embedded, signed, and on one offset. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ingest } from '../../src/catalog/ingest/ingest.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { readAll } from '../../src/cube/array-cube.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { evaluate } from '../../src/graph/evaluate.ts';
import type { ProcessGraph } from '../../src/graph/wire.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { EngineScope, type Engine } from '../../src/layers/scope.ts';
import { layerItems } from '../../src/layers/layer-items.ts';
import { lazyEngine } from '../../src/layers/layer-trial.ts';
import { LayerPublisher } from '../../src/layers/publish-layer.ts';
import type { Secrets } from '../../src/federation/secrets.ts';
import type { Upstream } from '../../src/federation/definition.ts';
import { silentLog } from '../../src/log.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../../src/processes/index.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { directComputer } from '../../src/workers/embed.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { registry as operators, toyRuntime } from '../layers/fixtures.ts';
import { writeItem } from '../layers/service.ts';
import { startDouble, type Double } from './double.ts';
import { federated, startFederation, type Federation } from './federation.ts';

let folder: string;
let fresh: FreshDatabase;
let double: Double;
let federation: Federation;
/** What is asked for files of scenes, and with what. */
let reads: { url: string; headers: Record<string, unknown> }[] = [];
let locked = false;
let tokens = 0;

const bands = ['B02', 'B08'].map((name) => ({ name, 'eo:common_name': name === 'B02' ? 'blue' : 'nir', data_type: 'uint16', nodata: 0, 'raster:scale': 0.0001, 'raster:offset': 0 }));
const more: Partial<StacCollection> = { bands, 'cube:dimensions': { x: { type: 'spatial', axis: 'x' }, y: { type: 'spatial', axis: 'y' }, t: { type: 'temporal' }, bands: { type: 'bands', values: ['B02', 'B08'] } } };
/** A collection that says nothing of scale and offset takes samples as they are stored. */
const asStored: Partial<StacCollection> = { ...more, bands: bands.map(({ name, 'eo:common_name': common }) => ({ name, 'eo:common_name': common })) };
const places: Upstream['bands'] = { B02: { asset: 'pair', index: 0 }, B08: { asset: 'pair', index: 1 } };

/** The item as a STAC 1.0 catalog has it. */
function former({ assets, bbox, geometry, id, properties: { datetime } }: StacItem, href: string, baseline: string) {
  const data = assets['data']!;
  const raster = { nodata: 0, data_type: 'uint16', scale: 0.0001, offset: baseline >= '04.00' ? -0.1 : 0 };
  return {
    type: 'Feature', stac_version: '1.0.0', stac_extensions: ['https://stac-extensions.github.io/eo/v1.0.0/schema.json', 'https://stac-extensions.github.io/projection/v1.1.0/schema.json'],
    id, collection: 's2', bbox, geometry, properties: { datetime, 'proj:epsg': 32631, 's2:processing_baseline': baseline }, links: [],
    assets: {
      picture: { href: `${href}.jpg`, type: 'image/jpeg', roles: ['thumbnail'] },
      pair: {
        href, type: 'image/tiff; application=geotiff; profile=cloud-optimized', roles: ['data'], 'proj:shape': data['proj:shape'], 'proj:transform': data['proj:transform'],
        'eo:bands': [{ name: 'B02', common_name: 'blue' }, { name: 'B08', common_name: 'nir' }], 'raster:bands': [raster, raster],
        alternate: { s3: { href: `s3://scenes/${id}.tif` } },
      },
    },
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-federation-'));
  fresh = await startFreshDatabase();
  const early = await writeItem(folder, 'early', '2021-05-01T10:00:00Z', (band, x, y) => (x < 5 && y < 5 ? 0 : 300 + band * 500 + x * 7 + y * 3));
  const late = await writeItem(folder, 'late', '2022-06-01T10:00:00Z', (band, x, y) => (x < 5 && y < 5 ? 0 : 900 + band * 500 + x * 11 + y));
  const files = new Map([early, late].map((item) => [item.id, fileURLToPath(item.assets['data']!.href)]));
  double = await startDouble({ collection: 's2', items: [] });
  double.items = [former(early, `${double.url}/files/early.tif`, '03.01'), former(late, `${double.url}/files/late.tif`, '05.11')];
  double.trouble = ({ path, headers }, response) => {
    if (path === '/v1/token') {
      response.end(JSON.stringify({ token: `sig=${++tokens}&se=later`, 'msft:expiry': new Date(Date.now() + 3600_000).toISOString() }));
      return true;
    }
    const id = /\/(early|late)\.tif$/.exec(path)?.[1];
    if (id === undefined) return false;
    const url = double.requests.at(-1)!;
    reads.push({ url, headers });
    if (locked) {
      response.writeHead(403).end();
      return true;
    }
    void readFile(files.get(id)!).then((bytes) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(headers.range!)!;
      const part = bytes.subarray(Number(from), Number(to) + 1);
      response.writeHead(206, { etag: `"${id}"`, 'content-length': part.length, 'content-range': `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}` }).end(part);
    });
    return true;
  };
});
afterAll(async () => {
  await double.close();
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  [reads, locked] = [[], false];
  await fresh.database.query('delete from collections');
  federation = await startFederation(double.host, {}, fresh.database);
});

async function engineWith(secrets: Secrets = {}): Promise<Engine> {
  federation = await startFederation(double.host, { secrets }, fresh.database);
  const store = createLocalStore(join(folder, 'objects'));
  const registry = createRegistry(await loadDescriptions(new URL('../../processes/', import.meta.url)), allProcesses);
  const rasters = new RasterCache({ http: { fetch: federation.catalog.assetFetch, attempts: 1 } });
  return { catalog: federation.catalog, rasters, registry, operators, blocks: new EmbedBlocks({ store, compute: directComputer(store, toyRuntime()) }) };
}

async function run(engine: Engine, graph: ProcessGraph): Promise<Cube> {
  const scope = new EngineScope(engine, { signal: new AbortController().signal, log: silentLog });
  return (await evaluate({ process_graph: graph }, engine.registry, scope)) as Cube;
}

const load = (id: string, args: object = {}): ProcessGraph => ({ load: { process_id: 'load_collection', arguments: { id, spatial_extent: null, temporal_extent: null, ...args }, result: true } }) as ProcessGraph;
const embedded = (id: string): ProcessGraph => ({
  load: { process_id: 'load_collection', arguments: { id, spatial_extent: null, temporal_extent: null } },
  embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: 'toy' }, result: true },
}) as ProcessGraph;

async function expectSame(a: Cube, b: Cube): Promise<void> {
  expect(a.dimensions).toEqual(b.dimensions);
  expect(a.grid).toEqual(b.grid);
  const [left, right] = await Promise.all([readAll(a), readAll(b)]);
  expect(left.dtype).toBe(right.dtype);
  expect(same(left.data, right.data)).toBe(true);
  expect(same(left.nulls ?? [], right.nulls ?? [])).toBe(true);
}

/** Said as yes or no: a list of all differences would fill the screen. */
const same = (a: ArrayLike<number>, b: ArrayLike<number>) => a.length === b.length && Array.prototype.every.call(a, (value: number, i) => Object.is(value, b[i]));

/** The same items from the same catalog, registered here. */
async function ingestTwin(): Promise<void> {
  const rasters = new RasterCache();
  await ingest({ sources: [`${double.url}/collections/s2/items?limit=100`], collection: 'twin' }, { store: federation.catalog, rasters, log: silentLog });
}

describe('load_collection', () => {
  it('gives the pixels of the same scenes stored here', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }, asStored));
    await ingestTwin();
    const [away, twin] = [await run(engine, load('away')), await run(engine, load('twin'))];
    expect(away.shape).toEqual([2, 2, 128, 128]);
    await expectSame(away, twin);
    const part = { spatial_extent: { west: 600_100, south: 5_599_000, east: 600_700, north: 5_599_700, crs: 32631 }, temporal_extent: ['2022-01-01', '2023-01-01'], bands: ['nir'] };
    await expectSame(await run(engine, load('away', part)), await run(engine, load('twin', part)));
    expect(await federation.catalog.anchors('away')).toEqual(await federation.catalog.anchors('twin'));
  });

  it('gives the same embeddings', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }, asStored));
    await ingestTwin();
    const [away, twin] = [await run(engine, embedded('away')), await run(engine, embedded('twin'))];
    expect(away.shape).toEqual([2, 2, 32, 32]);
    await expectSame(away, twin);
  });

  it('leaves out the end of an interval', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }, asStored));
    const cube = await run(engine, load('away', { temporal_extent: ['2021-05-01T10:00:00Z', '2022-06-01T10:00:00Z'] }));
    expect(cube.labels('t')).toEqual(['2021-05-01T10:00:00Z']);
  });

  it('brings all dates to the offset of the collection', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('raw', { url: double.url, collection: 's2' }, asStored));
    await federation.catalog.putCollection(federated('even', { url: double.url, collection: 's2', bands: places, offset: [{ when: { 's2:processing_baseline': { from: '04.00' } }, offset: -0.1 }, { offset: 0 }] }, more));
    const [plain, even] = [await readAll(await run(engine, load('raw', { bands: ['B02', 'B08'] }))), await readAll(await run(engine, load('even')))];
    const half = plain.data.length / 2;
    const expected = plain.data.map((value, i) => (i < half || plain.nulls?.[i] ? value : Math.max(1, value - 1000)));
    expect(same(even.data, expected)).toBe(true);
    expect(even.nulls).toEqual(plain.nulls);
    // Without rules the items are believed, which say the same in raster:bands.
    await federation.catalog.putCollection(federated('told', { url: double.url, collection: 's2' }, more));
    expect(same((await readAll(await run(engine, load('told')))).data, expected)).toBe(true);
  });

  it('fails with a clear code when the catalog does', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('away', { url: `${double.url}/nothing`, collection: 's2' }, more));
    await expect(run(engine, load('away'))).rejects.toMatchObject({ code: 'UpstreamUnavailable' });
  });
});

describe('files', () => {
  it('are read with a token, which nobody else sees', async () => {
    const engine = await engineWith({ key: 'subscriber' });
    await federation.catalog.putCollection(federated('away', {
      url: double.url, collection: 's2', bands: places,
      access: [{ type: 'sas', prefix: `${double.url}/files/`, token_url: `${double.url}/token`, headers: { 'x-key': 'key' } }],
    }, more));
    tokens = 0;
    await readAll(await run(engine, load('away')));
    expect(tokens).toBe(1);
    expect(reads.length).toBeGreaterThan(1);
    const shown = JSON.stringify([await federation.catalog.search({ collections: ['away'], limit: 5 }), await federation.catalog.collections(), federation.log]);
    expect(shown).not.toMatch(/sig=|subscriber/);
  });

  it('whose token has ended are read with a new one, and given up when that does not help', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2', bands: places, access: [{ type: 'sas', prefix: `${double.url}/files/`, token_url: `${double.url}/token` }] }, more));
    tokens = 0;
    locked = true;
    const cube = await run(engine, load('away', { temporal_extent: ['2022-01-01', '2023-01-01'] }));
    await expect(readAll(cube)).rejects.toMatchObject({ message: expect.not.stringContaining('sig=') as string });
    expect(tokens).toBe(2);
    locked = false;
    expect((await readAll(cube)).data.some((value) => value > 0)).toBe(true);
  });

  it('in buckets whose reader pays are read with a signature', async () => {
    const engine = await engineWith({ bucket: { access_key: 'AKIDEXAMPLE', secret_key: 'hush' } });
    const access = [{ type: 's3', prefix: 's3://scenes/', region: 'eu-central-1', endpoint: double.url, credentials: 'bucket', requester_pays: true }] as const;
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2', bands: { B02: { ...places!['B02']!, alternate: 's3' }, B08: { ...places!['B08']!, alternate: 's3' } }, access }, more));
    await readAll(await run(engine, load('away')));
    expect(reads.every(({ url }) => url.startsWith('GET /v1/scenes/'))).toBe(true);
    expect(reads[0]!.headers).toMatchObject({ 'x-amz-request-payer': 'requester', authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/s3\/aws4_request, SignedHeaders=.*x-amz-request-payer.*, Signature=[0-9a-f]{64}$/) as string });
    expect(JSON.stringify(reads)).not.toContain('hush');
  });

  it('at addresses inside are not read, whatever an item says', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }, more));
    const before = double.items;
    double.items = before.map((item) => JSON.parse(JSON.stringify(item).replaceAll(`${double.url}/files`, 'http://169.254.169.254/latest')) as Record<string, unknown>);
    const cube = await run(engine, load('away'));
    await expect(readAll(cube)).rejects.toMatchObject({ code: 'FileContentInvalid', message: expect.stringContaining('not a public address') as string });
    double.items = before;
  });

  it('need the secrets that a definition names', async () => {
    const engine = await engineWith();
    await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2', headers: { 'x-key': 'absent' } }, more));
    await expect(run(engine, load('away'))).rejects.toMatchObject({ code: 'UpstreamUnavailable', message: expect.stringContaining('\'absent\'') as string });
  });
});

it('what others write into fields of this service is not believed', async () => {
  const before = double.items;
  double.items = before.map((item) => JSON.parse(JSON.stringify(item).replaceAll('"href":', '"lamina:file":"https://example.org/of-others.tif","lamina:shift":7,"href":')) as Record<string, unknown>);
  await federation.catalog.putCollection(federated('away', { url: double.url, collection: 's2' }, asStored));
  const found = [...(await federation.catalog.items({ collection: 'away', bbox: null, interval: null })), ...(await federation.catalog.search({ collections: ['away'], limit: 5 })).items];
  double.items = before;
  expect(found).toHaveLength(4);
  const names = found.flatMap(({ assets }) => Object.values(assets).flatMap((asset) => Object.keys(asset)));
  expect(names).toContain('href');
  expect(names.filter((name) => name.startsWith('lamina:'))).toEqual([]);
});

describe('hrefs that are signed anew in every answer', () => {
  it('name the same file in keys of blocks', async () => {
    const before = double.items;
    let signature = 0;
    const sign = () => (double.items = before.map((item) => JSON.parse(JSON.stringify(item).replaceAll('.tif"', `.tif?signature=${++signature}"`)) as Record<string, unknown>));
    const fingerprints = async (id: string) => {
      const engine = await engineWith();
      const keys: string[] = [];
      for (let i = 0; i < 2; i++) {
        sign();
        const cube = await run(engine, load(id));
        keys.push(await cube.fingerprint({ start: [0, 0, 0, 0], size: cube.shape }));
      }
      return keys;
    };
    const upstream = { url: double.url, collection: 's2', bands: places };
    await federation.catalog.putCollection(federated('plain', upstream, more));
    await federation.catalog.putCollection(federated('signed', { ...upstream, access: [{ type: 'signed', prefix: `${double.url}/files/` }] }, more));
    const [plainKeys, signedKeys] = [await fingerprints('plain'), await fingerprints('signed')];
    double.items = before;
    expect(plainKeys[0]).not.toBe(plainKeys[1]);
    expect(signedKeys[0]).toBe(signedKeys[1]);
  });
});

describe('a layer over it', () => {
  it('is published, searched and loaded like others', async () => {
    const engine = await engineWith();
    const { catalog } = federation;
    await catalog.putCollection(federated('RAW', { url: double.url, collection: 's2' }, more));
    const publisher = new LayerPublisher(catalog, lazyEngine({ catalog, registry: engine.registry, operators }));
    await publisher.create({
      id: 'EMB', title: 'Toy', description: 'Embeddings of scenes that lie elsewhere.', license: 'CC0-1.0',
      'lamina:layer': { process_graph: {
        load: { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' } } },
        embed: { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: 'toy' }, result: true },
      } },
    }, null);
    const items = layerItems(catalog, operators, lazyEngine({ catalog, registry: engine.registry, operators }));
    expect((await items.search({ collections: ['EMB'], limit: 10 })).items.map(({ id }) => id)).toEqual(['late', 'early']);
    expect((await items.search({ collections: ['EMB'], limit: 1, sortby: [{ property: 'datetime', direction: 'asc' }] })).items.map(({ id }) => id)).toEqual(['early']);
    expect((await items.search({ collections: ['EMB'], limit: 10, where: [{ property: 'processing:level', comparison: 'eq', value: 'L4' }] })).items).toHaveLength(2);
    expect(await items.get('EMB', 'late')).toMatchObject({ collection: 'EMB', properties: { 'processing:level': 'L4' } });
    await expectSame(await run(engine, load('EMB')), await run(engine, embedded('RAW')));
  });
});
