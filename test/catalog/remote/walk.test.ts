/** Every kind of STAC that a URL may lead to, and what is refused. */
import { join, resolve } from 'node:path';
import { readdirSync, existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../../../src/cube/array-cube.ts';
import { takeOver } from '../../../src/catalog/ingest/stac-source.ts';
import { item, remoteStac, startStacServer, type StacServer } from './stac-server.ts';

const TIFF = 'image/tiff; application=geotiff';
const formats = join(import.meta.dirname, '../../formats/fixtures');
let server: StacServer;
beforeAll(async () => {
  server = await startStacServer();
  for (const name of readdirSync(formats).filter((name) => name.endsWith('.tif'))) server.files.set(`/files/${name}`, join(formats, name));
});
afterAll(() => server.close());
beforeEach(() => server.documents.clear());

const publish = (path: string, document: object) => {
  server.documents.set(path, document);
  return `${server.url}${path}`;
};
const asset = (name: string, more: object = {}) => ({ href: `${server.url}/files/${name}.tif`, type: TIFF, roles: ['data'], ...more });
/** overviews.tif: one band; lies in Belgium. */
const dated = (id: string, datetime: string, more: object = {}) => item(id, { data: asset('overviews') }, { properties: { datetime, ...more }, bbox: [2, 49, 6, 52] });
const collection = (links: object[], more: object = {}) => ({
  type: 'Collection', stac_version: '1.0.0', id: 'c', description: 'A collection', license: 'CC0-1.0', extent: { spatial: { bbox: [[2, 49, 6, 52]] }, temporal: { interval: [['2020-01-01T00:00:00Z', null]] } }, links, ...more,
});
const dates = async (url: string, request = {}, run = {}) => (await remoteStac(server).load({ url, ...request }, run)).labels('t');

describe('an item', () => {
  it('needs no projection metadata: the file tells', async () => {
    const cube = await remoteStac(server).load({ url: publish('/i.json', dated('a', '2021-05-01T00:00:00Z')) });
    expect(cube.dimensions.map((d) => d.name)).toEqual(['t', 'bands', 'y', 'x']);
    expect(cube.labels('bands').every((name) => String(name).startsWith('data'))).toBe(true);
    expect(cube.grid!.crs).toBe('EPSG:32631');
    expect((await readAll(cube)).data.some((value) => value !== 0)).toBe(true);
    expect(cube.attributes.sources).toEqual([`${server.url}/i.json`]);
  });

  it('keeps secrets of its URL out of the sources', async () => {
    publish('/signed.json', dated('a', '2021-05-01T00:00:00Z'));
    const cube = await remoteStac(server).load({ url: `${server.url}/signed.json?token=hush` });
    expect(JSON.stringify(cube.attributes.sources)).not.toContain('hush');
  });

  it('passes over pictures beside the data', async () => {
    const assets = { thumbnail: { ...asset('degrees'), roles: ['thumbnail'] }, info: { href: 'x.json', type: 'application/json' }, B04: asset('south_up', { bands: [{ name: 'red4', 'eo:common_name': 'red' }] }) };
    const url = publish('/i.json', item('a', assets, { bbox: [2, 49, 6, 52] }));
    const cube = await remoteStac(server).load({ url, bands: ['red'] }).catch((error: unknown) => error);
    // south_up.tif has several bands, one of which is named: the names of metadata are believed.
    expect(cube).toMatchObject({ dimensions: [{}, { labels: ['red4'] }, {}, {}] });
  });

  it.each([
    ['no georeference', { data: () => asset('rotated') }, /has no place.*rotated/],
    ['an asset elsewhere', { data: () => ({ href: 's3://bucket/x.tif', type: TIFF }) }, /lies at s3:/],
    ['a local file', { data: () => ({ href: 'file:///etc/passwd', type: TIFF }) }, /lies at file:/],
    ['an object of the store', { data: () => ({ href: 'object:results/1.tif', type: TIFF }) }, /lies at object:/],
    ['no raster', { data: () => ({ href: 'x.nc', type: 'application/x-netcdf' }) }, /no.*raster asset|GeoTIFF/],
  ])('with %s is refused', async (_, assets, message) => {
    const url = publish('/i.json', item('a', Object.fromEntries(Object.entries(assets).map(([key, make]) => [key, make()]))));
    await expect(remoteStac(server).load({ url })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(message) as string });
  });

  it('with an asset on an internal address is refused, whoever serves the item', async () => {
    const url = publish('/i.json', item('a', { data: { href: 'http://127.0.0.1:9/x.tif', type: TIFF } }));
    await expect(remoteStac(server).load({ url })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('not a public address') as string });
    const shape = { 'proj:code': 'EPSG:32631', 'proj:shape': [64, 64], 'proj:transform': [10, 0, 500000, 0, -10, 5600000], data_type: 'uint8', bands: [{ name: 'x' }] };
    const described = publish('/d.json', item('a', { data: { href: 'http://[::ffff:169.254.169.254]/x.tif', type: TIFF, ...shape } }));
    await expect(remoteStac(server).load({ url: described }).then(readAll)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('not a public address') as string });
    server.documents.set('/files/away.tif', (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/x.tif' }).end());
    const redirected = publish('/r.json', item('a', { data: asset('away') }));
    await expect(remoteStac(server).load({ url: redirected })).rejects.toMatchObject({ message: expect.stringContaining('not a public address') as string });
  });
});

describe('a static catalog', () => {
  const tree = () => {
    publish('/one/item.json', dated('one', '2021-01-01T00:00:00Z', { cloud: 5 }));
    publish('/two/item.json', dated('two', '2021-02-01T00:00:00Z', { cloud: 50 }));
    publish('/one/collection.json', collection([{ rel: 'item', href: './item.json' }, { rel: 'parent', href: '../catalog.json' }]));
    publish('/two/collection.json', collection([{ rel: 'item', href: './item.json' }]));
    return publish('/catalog.json', { type: 'Catalog', stac_version: '1.0.0', id: 'root', description: '', links: [{ rel: 'child', href: './one/collection.json' }, { rel: 'child', href: './two/collection.json' }, { rel: 'child', href: './catalog.json' }] });
  };

  it('is walked through, and circles end', async () => {
    const url = tree();
    expect(await dates(url)).toEqual(['2021-01-01T00:00:00Z', '2021-02-01T00:00:00Z']);
    expect(await dates(`${server.url}/one/collection.json`)).toEqual(['2021-01-01T00:00:00Z']);
  });

  it('is limited by time, place and properties', async () => {
    const url = tree();
    expect(await dates(url, { temporalExtent: ['2021-01-15T00:00:00Z', null] })).toEqual(['2021-02-01T00:00:00Z']);
    expect(await dates(url, { temporalExtent: ['2021-01-01T00:00:00Z', '2021-02-01T00:00:00Z'] })).toEqual(['2021-01-01T00:00:00Z']);
    expect(await dates(url, { properties: { cloud: (value: unknown) => (value as number) < 20 } })).toEqual(['2021-01-01T00:00:00Z']);
    await expect(dates(url, { temporalExtent: ['2030-01-01T00:00:00Z', null] })).rejects.toMatchObject({ code: 'NoDataAvailable' });
    const asked = server.requests.length;
    await expect(dates(url, {}, { bbox: [100, 0, 101, 1] })).rejects.toMatchObject({ code: 'NoDataAvailable' });
    expect(server.requests.slice(asked).some((path) => path.includes('item'))).toBe(false);
  });

  it('is bounded in documents, depth, bytes, items and time', async () => {
    const url = tree();
    const limited = (limits: object) => remoteStac(server, { limits }).load({ url });
    await expect(limited({ documents: 3 })).rejects.toThrow(/more than 3 documents/);
    await expect(limited({ depth: 1 })).rejects.toThrow(/more than 1 levels/);
    await expect(limited({ documentBytes: 50 })).rejects.toThrow(/too large/);
    await expect(limited({ items: 1 })).rejects.toThrow(/more than 1 items/);
    server.documents.set('/two/item.json', () => {});
    await expect(limited({ timeMs: 300 })).rejects.toThrow(/longer than 0.3 s/);
    await expect(limited({ requestMs: 200 })).rejects.toThrow(/can't be reached/);
  });
});

describe('a collection of an API', () => {
  it('is asked for place and time, page by page', async () => {
    const url = publish('/collections/c', collection([{ rel: 'items', href: '/collections/c/items' }, { rel: 'item', href: '/never.json' }]));
    server.documents.set('/collections/c/items', (request, response) => {
      const page = Number(new URL(request.url!, 'http://x').searchParams.get('page') ?? 1);
      const next = page < 3 ? [{ rel: 'next', href: `${request.url!.replace(/&page=\d+/, '')}&page=${page + 1}` }] : [];
      response.end(JSON.stringify({ type: 'FeatureCollection', features: [dated(`i${page}`, `2021-0${page}-01T00:00:00Z`)], links: next }));
    });
    const asked = server.requests.length;
    expect(await dates(url, { temporalExtent: ['2020-01-01T00:00:00Z', null] }, { bbox: [4, 50, 5, 51] })).toHaveLength(3);
    const first = new URL(server.requests.slice(asked).find((path) => path.includes('/items'))!, server.url).searchParams;
    expect(Object.fromEntries(first)).toEqual({ limit: '200', bbox: '4,50,5,51', datetime: '2020-01-01T00:00:00Z/..' });
  });

  it('is not a landing page', async () => {
    const url = publish('/api', { type: 'Catalog', id: 'api', description: '', conformsTo: ['https://api.stacspec.org/v1.0.0/item-search'], links: [] });
    await expect(dates(url)).rejects.toThrow(/landing page of a STAC API.*collections/);
  });

  it('is remembered for a while', async () => {
    const url = publish('/i.json', dated('a', '2021-05-01T00:00:00Z'));
    const { load } = remoteStac(server);
    const asked = server.requests.length;
    await Promise.all([load({ url }), load({ url })]);
    expect(server.requests.slice(asked).filter((path) => path === '/i.json')).toHaveLength(1);
  });

  it('shares what item_assets tell', async () => {
    const shared = { data: { type: TIFF, roles: ['data'], bands: [{ name: 'B01' }], data_type: 'uint16' } };
    publish('/s.json', item('a', { data: { href: '/files/overviews.tif' } }, { bbox: [2, 49, 6, 52] }));
    const url = publish('/c.json', collection([{ rel: 'item', href: '/s.json' }], { item_assets: shared }));
    expect((await remoteStac(server).load({ url })).labels('bands')).toEqual(['B01']);
  });
});

describe('results of batch jobs', () => {
  it('may be a collection that holds its files itself', async () => {
    const url = publish('/jobs/1/results', collection([{ rel: 'canonical', href: '/jobs/1/results' }], { assets: { 'openEO.tif': asset('overviews'), 'metadata.json': { href: 'm.json', type: 'application/json', roles: ['metadata'] } } }));
    expect(await dates(url)).toEqual(['2020-01-01T00:00:00Z']);
  });

  it('may be one item', async () => {
    const url = publish('/jobs/2/results', dated('2', '2022-01-01T00:00:00Z'));
    expect(await dates(url)).toEqual(['2022-01-01T00:00:00Z']);
  });
});

describe('a URL', () => {
  it.each([
    ['that is not there', '/absent.json', undefined, /answered with status 404/],
    ['of a web page', '/page', (_: unknown, response: { end(text: string): void }) => response.end('<html>'), /is not JSON/],
    ['of a list', '/list', (_: unknown, response: { end(text: string): void }) => response.end('[1]'), /not a STAC document/],
    ['of something else', '/else', { type: 'Pizza' }, /neither a STAC Item, Collection nor Catalog/],
  ])('%s is refused', async (_, path, answer, message) => {
    if (answer !== undefined) server.documents.set(path, answer as object);
    await expect(dates(server.url + path)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(message) as string });
  });

  it.each([
    ['assets', { assets: { data: null } }], ['roles', { assets: { data: { href: 'x.tif', roles: 7 } } }], ['links', { links: 5, assets: {} }],
    ['an href', { assets: { data: { href: 5, type: TIFF } } }], ['a box', { bbox: ['a', 'b', 'c', 'd'] }],
  ])('of an item with broken %s is refused', async (_, broken) => {
    const answer = await dates(publish('/broken.json', { ...item('a', {}), ...broken })).catch((error: unknown) => error);
    expect([400, 404]).toContain((answer as { status?: number }).status);
  });

  it('of a server that is not there is refused', async () => {
    await expect(remoteStac(server, { allowedHosts: ['127.0.0.1'] }).load({ url: 'http://127.0.0.1:1/x' })).rejects.toThrow(/can't be reached/);
  });

  it('of an internal server is refused', async () => {
    const url = publish('/i.json', dated('a', '2021-05-01T00:00:00Z'));
    await expect(remoteStac(server, { allowedHosts: [] }).load({ url })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(/'url' in process 'load_stac'.*not a public address/) as string });
  });

  it('with wanted bands that there are not is refused', async () => {
    await expect(remoteStac(server).load({ url: publish('/i.json', dated('a', '2021-05-01T00:00:00Z')), bands: ['B99'] })).rejects.toThrow(/'bands' in process 'load_stac'.*no band 'B99'/);
  });
});

const items = resolve('../shared/data/stac-items');
describe.skipIf(!existsSync(items))(existsSync(items) ? 'items of the world' : 'skipped: ../shared/data/stac-items is absent', () => {
  it('are taken over, whatever their version', () => {
    for (const name of readdirSync(items).filter((name) => name.endsWith('.json'))) {
      const document = JSON.parse(readFileSync(join(items, name), 'utf8')) as Record<string, unknown>;
      if (document['type'] !== 'Feature') continue;
      expect([name, takeOver(document, 'https://stac.example/x.json', 'c')]).toEqual([name, expect.objectContaining({ type: 'Feature', stac_version: '1.1.0' })]);
    }
  });
});
