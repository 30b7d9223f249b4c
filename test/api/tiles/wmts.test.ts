/** WMTS 1.0.0: capabilities, tiles by key-value pairs and by path, and errors as the standard words them. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { answerErrors } from '../../../src/api/http/error-response.ts';
import { createTileRouter } from '../../../src/api/tiles/tiles.ts';
import type { StacCollection } from '../../../src/catalog/types.ts';
import { OpenEOError } from '../../../src/errors.ts';
import type { Task, TaskQueues } from '../../../src/jobs/queue.ts';
import { tileObjectKey, type TileTask } from '../../../src/layers/tile-key.ts';
import { VirtualCatalog } from '../../../src/layers/virtual-catalog.ts';
import { silentLog } from '../../../src/log.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import { registry } from '../../layers/fixtures.ts';
import { layerCollection, rawCollection } from '../../layers/service.ts';

const png = Buffer.from('a picture');
const secret = { ...layerCollection, id: 'SECRET', 'lamina:layer': { ...(layerCollection['lamina:layer'] as object), visibility: 'private', owner: 'ann' } } as StacCollection;
const shown = [rawCollection, layerCollection, secret];
let folder: string;
let server: Server;
let url: string;
let drawn: TileTask['view'][];
let outcome: 'picture' | 'nothing' | OpenEOError;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-wmts-'));
  const objects = createLocalStore(folder);
  const tasks = new Map<string, TileTask>();
  const queues = {
    add: async (_: string, { id, payload }: Task<TileTask>) => void tasks.set(id, payload),
    result: async (_: string, id: string) => {
      const task = tasks.get(id)!;
      drawn.push(task.view);
      if (outcome instanceof OpenEOError) throw outcome;
      if (outcome === 'nothing') return { objectKey: null, mediaType: 'image/png' };
      await objects.put(tileObjectKey(task), png);
      return { objectKey: tileObjectKey(task), mediaType: 'image/png' };
    },
    depth: async () => ({ waiting: 0, active: 0 }),
  } as unknown as TaskQueues;
  const collection = async (id: string) => shown.find((c) => c.id === id) ?? null;
  let revision = 0;
  const catalog = { collection, collections: async () => shown, revision: async () => revision++, days: async (id: string) => (id === 'RAW' ? ['2021-05-01', '2021-06-01'] : []) };
  const app = express();
  app.use(createTileRouter({ catalog, virtual: new VirtualCatalog({ collection }, registry), queues, objects, publicUrl: () => url, believedMs: 0, visitor: async (request) => (request.headers.authorization === 'Bearer ann' ? 'ann' : null) }));
  app.use(answerErrors(silentLog));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => void ([drawn, outcome] = [[], 'picture']));
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers });
const tile = { SERVICE: 'WMTS', REQUEST: 'GetTile', VERSION: '1.0.0', LAYER: 'LAYER', STYLE: 'pca', FORMAT: 'image/png', TILEMATRIXSET: 'EPSG:3857', TILEMATRIX: '3', TILEROW: '2', TILECOL: '1' };
const kvp = (changes: Record<string, string | undefined> = {}) => {
  const all = Object.entries({ ...tile, ...changes }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/wmts?${new URLSearchParams(all).toString()}`;
};
const identifiers = (xml: string, element: string) => [...xml.matchAll(new RegExp(`<${element}[^>]*>(?:(?!</${element}>)[\\s\\S])*?<ows:Identifier>([^<]+)`, 'g'))].map((m) => m[1]);

describe('GetCapabilities', () => {
  it.each(['/wmts?service=WMTS&request=GetCapabilities', '/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&AcceptVersions=2.0.0,1.0.0', '/wmts/1.0.0/WMTSCapabilities.xml'])('lists what everybody may see: %s', async (path) => {
    const answer = await get(path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/xml; charset=utf-8']);
    const xml = await answer.text();
    expect(identifiers(xml, 'Layer')).toEqual(['RAW', 'LAYER']);
    expect(xml).toContain('<ows:Title>Raw &lt;scenes&gt;</ows:Title>');
    expect(xml).toContain('<ows:LowerCorner>4.4 50.4</ows:LowerCorner>');
    expect(xml).toContain(`template="${url}/wmts/LAYER/1.0.0/{Style}/{Time}/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png"`);
    expect(xml).toContain('<Value>2021-06-01</Value>');
    expect(xml).toMatch(/<Style isDefault="true"><ows:Title>[^<]+<\/ows:Title><ows:Identifier>pca</);
  });

  it('of a layer lists it and its source; of a private one only for its owner', async () => {
    expect(identifiers(await (await get('/wmts/LAYER/1.0.0/WMTSCapabilities.xml')).text(), 'Layer')).toEqual(['LAYER', 'RAW']);
    expect((await get('/wmts/SECRET?service=WMTS&request=GetCapabilities')).status).toBe(404);
    const own = await get('/wmts/SECRET?service=WMTS&request=GetCapabilities', { Authorization: 'Bearer ann' });
    expect(identifiers(await own.text(), 'Layer')).toEqual(['SECRET', 'RAW']);
  });
});

describe('GetTile', () => {
  it('gives the tile of the view by key-value pairs and by path', async () => {
    const answer = await get(kvp());
    expect([answer.status, answer.headers.get('content-type'), Buffer.from(await answer.arrayBuffer())]).toEqual([200, 'image/png', png]);
    for (const path of [
      kvp({ STYLE: 'e001', TIME: '2021-05-01' }), kvp({ LAYER: 'RAW', STYLE: undefined, TIME: 'default' }), kvp({ TILEMATRIXSET: 'WorldCRS84Quad', TILECOL: '15' }),
      '/wmts/LAYER/1.0.0/e000/default/EPSG:3857/3/2/1.png', '/wmts/RAW/1.0.0/B08/2021-06-01/EPSG:3857/3/2/1.png', kvp().replace('/wmts', '/wmts/LAYER').replace(/[A-Z]+(?==)/g, (name) => name.toLowerCase()),
    ]) expect((await get(path)).status, path).toBe(200);
    const day = (text: string) => [`${text}T00:00:00.000Z`, `${text.slice(0, -1)}2T00:00:00.000Z`];
    expect(drawn.map(({ collection, z, x, y, bands, interval, matrixSet }) => [collection, z, x, y, bands, interval, matrixSet])).toEqual([
      ['LAYER', 3, 1, 2, null, null, undefined],
      ['LAYER', 3, 1, 2, ['e001'], day('2021-05-01'), undefined], ['RAW', 3, 1, 2, null, null, undefined], ['LAYER', 3, 15, 2, null, null, 'WorldCRS84Quad'],
      ['LAYER', 3, 1, 2, ['e000'], null, undefined], ['RAW', 3, 1, 2, ['B08'], day('2021-06-01'), undefined], ['LAYER', 3, 1, 2, null, null, undefined],
    ]);
  });

  it('is a transparent picture where there is nothing to see', async () => {
    outcome = 'nothing';
    const answer = await get(kvp());
    expect(answer.status).toBe(200);
    const { data, info } = await sharp(Buffer.from(await answer.arrayBuffer())).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels, data.every((byte) => byte === 0)]).toEqual([256, 256, 4, true]);
  });
});

/** [status, exception code, locator]. */
async function refusal(path: string): Promise<[number, string | undefined, string | undefined]> {
  const answer = await get(path);
  const xml = await answer.text();
  expect(xml, path).toContain('<ows:ExceptionReport');
  expect(answer.headers.get('content-type')).toContain('xml');
  return [answer.status, /exceptionCode="(\w+)"/.exec(xml)?.[1], /locator="(\w+)"/.exec(xml)?.[1]];
}

describe('errors', () => {
  it.each([
    ['/wmts', [400, 'MissingParameterValue', 'SERVICE']],
    ['/wmts?service=WMS&request=GetCapabilities', [400, 'InvalidParameterValue', 'SERVICE']],
    ['/wmts?service=WMTS', [400, 'MissingParameterValue', 'REQUEST']],
    ['/wmts?service=WMTS&request=GetMap', [400, 'InvalidParameterValue', 'REQUEST']],
    ['/wmts?service=WMTS&request=GetFeatureInfo', [501, 'OperationNotSupported', 'GetFeatureInfo']],
    ['/wmts?service=WMTS&request=GetCapabilities&AcceptVersions=2.0.0', [400, 'VersionNegotiationFailed', 'ACCEPTVERSIONS']],
    [kvp({ LAYER: undefined }), [400, 'MissingParameterValue', 'LAYER']],
    [kvp({ LAYER: 'NONE' }), [404, 'InvalidParameterValue', 'LAYER']],
    [kvp({ LAYER: 'SECRET' }), [404, 'InvalidParameterValue', 'LAYER']],
    [kvp().replace('/wmts', '/wmts/RAW'), [400, 'InvalidParameterValue', 'LAYER']],
    [kvp({ STYLE: 'e077' }), [400, 'InvalidParameterValue', 'STYLE']],
    [kvp({ VERSION: '2.0.0' }), [400, 'InvalidParameterValue', 'VERSION']],
    [kvp({ FORMAT: 'image/jpeg' }), [400, 'InvalidParameterValue', 'FORMAT']],
    [kvp({ TILEMATRIXSET: 'EPSG:31370' }), [400, 'InvalidParameterValue', 'TILEMATRIXSET']],
    [kvp({ TILEMATRIX: '23' }), [400, 'InvalidParameterValue', 'TILEMATRIX']],
    [kvp({ TILEROW: '8' }), [400, 'TileOutOfRange', 'TILEROW']],
    [kvp({ TILECOL: '-1' }), [400, 'TileOutOfRange', 'TILECOL']],
    [kvp({ TILECOL: 'a' }), [400, 'InvalidParameterValue', 'TILECOL']],
    [kvp({ TIME: 'yesterday' }), [400, 'InvalidParameterValue', 'TIME']],
    ['/wmts/LAYER/1.0.0/pca/default/EPSG:3857/3/8/1.png', [400, 'TileOutOfRange', 'TILEROW']],
  ] as const)('%s', async (path, expected) => {
    expect(await refusal(path)).toEqual(expected);
    expect(drawn).toEqual([]);
  });

  it('tells what the drawing refuses, and when to come again', async () => {
    outcome = new OpenEOError('ProcessGraphComplexity', {}, { detail: 'Zoom in <here>.' });
    const answer = await get(kvp());
    expect([answer.status, await answer.text()]).toEqual([outcome.status, expect.stringMatching(/NoApplicableCode[\s\S]*Zoom in &lt;here&gt;/)]);
    outcome = new OpenEOError('InfrastructureBusy', {}, { retryAfterSeconds: 7 });
    const busy = await get(kvp());
    expect([busy.status, busy.headers.get('retry-after'), busy.headers.get('cache-control')]).toEqual([503, '7', null]);
  });
});
