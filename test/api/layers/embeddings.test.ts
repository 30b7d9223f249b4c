/** The route of a layer's files, with jobs that only write bytes. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerErrors } from '../../../src/api/http/error-response.ts';
import { createLayerRouter } from '../../../src/api/layers/embeddings.ts';
import type { ItemSource } from '../../../src/catalog/item-source.ts';
import type { StacItem } from '../../../src/catalog/types.ts';
import { OpenEOError } from '../../../src/errors.ts';
import type { JobDefinition } from '../../../src/jobs/job.ts';
import type { Jobs } from '../../../src/jobs/service.ts';
import { describeLayerItem } from '../../../src/layers/describe.ts';
import { layerOf } from '../../../src/layers/layer.ts';
import { VirtualCatalog } from '../../../src/layers/virtual-catalog.ts';
import { silentLog } from '../../../src/log.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { registry } from '../../layers/fixtures.ts';
import { layerCollection, rawCollection } from '../../layers/service.ts';

const raw = (id: string): StacItem => ({
  type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id, collection: 'RAW', bbox: [4, 50, 5, 51], geometry: null,
  properties: { datetime: '2021-05-01T00:00:00Z' }, links: [], assets: {},
});

let folder: string;
let objects: ObjectStore;
let server: Server;
let url: string;
let items: Map<string, StacItem>;
let computed: JobDefinition[];
let users: string[];
let discarded: number;
let fault: Error | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-layer-files-'));
  objects = createLocalStore(folder);
  items = new Map([['a 1', raw('a 1')]]);
  [computed, users, discarded, fault] = [[], [], 0, null];
  const jobs = {
    compute: async (user: string, definition: JobDefinition) => {
      computed.push(definition);
      users.push(user);
      await new Promise((resolve) => setTimeout(resolve, 50));
      if (fault) throw fault;
      await objects.put('results/1/1/out.tif', Buffer.from('0123456789'));
      return { id: '1', files: [{ objectKey: 'results/1/1/out.tif' }], discard: async () => {
        discarded++;
        await objects.delete('results/1/1/out.tif');
      } };
    },
  } as unknown as Jobs;
  const hers = { ...layerCollection, id: 'HERS', 'lamina:layer': { ...(layerCollection['lamina:layer'] as object), visibility: 'private', owner: 'ann', views: ['float16', 'int8'] } };
  const collection = async (id: string) => [rawCollection, layerCollection, hers].find((c) => c.id === id) ?? null;
  const source = { get: async (of: string, id: string) => (of === 'RAW' ? items.get(id) ?? null : null) } as unknown as ItemSource;
  const app = express();
  app.use('/layers', createLayerRouter({ virtual: new VirtualCatalog({ collection }, registry), items: source, jobs, objects, timeoutSeconds: 10, visitor: async (request) => request.headers.authorization ?? null }));
  app.use(answerErrors(silentLog));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/layers/LAYER/a%201/embeddings.tif`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

describe('GET /layers/{layer}/{item}/embeddings.tif', () => {
  it('computes the file once for all who ask at the same time, and never again', async () => {
    const answers = await Promise.all([fetch(url), fetch(url), fetch(url)]);
    for (const answer of answers) {
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'image/tiff; application=geotiff; profile=cloud-optimized']);
      expect(await answer.text()).toBe('0123456789');
    }
    expect(await (await fetch(url)).text()).toBe('0123456789');
    expect(computed).toHaveLength(1);
    expect(discarded).toBe(1);
    expect(computed[0]!.process.process_graph).toMatchObject({
      load: { process_id: 'load_collection', arguments: { id: 'LAYER', spatial_extent: { west: 4, south: 50, east: 5, north: 51 }, temporal_extent: ['2021-05-01T00:00:00.000Z', '2021-05-01T00:00:00.001Z'] } },
      save: { process_id: 'save_result', arguments: { format: 'GTiff' } },
    });
  });

  it('sends parts, heads, and nothing to who has it', async () => {
    const part = await fetch(url, { headers: { Range: 'bytes=2-4' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234']);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges'), await head.text()]).toEqual([200, '10', 'bytes', '']);
    expect((await fetch(url, { headers: { Range: 'bytes=20-' } })).status).toBe(416);
    expect((await fetch(url, { headers: { 'If-None-Match': head.headers.get('etag')! } })).status).toBe(304);
    expect(head.headers.get('content-disposition')).toContain('LAYER_a%201.tif');
    expect(computed).toHaveLength(1);
  });

  it('computes another file when the raw item has changed', async () => {
    await fetch(url);
    items.set('a 1', { ...raw('a 1'), properties: { datetime: '2021-06-01T00:00:00Z' } });
    await fetch(url);
    expect(computed).toHaveLength(2);
  });

  it('tells all of them of an error, and tries anew for the next', async () => {
    fault = new OpenEOError('NoDataAvailable', {});
    const answers = await Promise.all([fetch(url), fetch(url)]);
    for (const answer of answers) expect(await answer.json()).toMatchObject({ code: 'NoDataAvailable' });
    expect(computed).toHaveLength(1);
    fault = null;
    expect((await fetch(url)).status).toBe(200);
    expect(computed).toHaveLength(2);
  });

  it('serves the scales beside the codes that have one for each vector, and only those', async () => {
    expect((await fetch(url.replace('embeddings.tif', 'embeddings_scale.tif'))).status).toBe(404);
    const views = ['float32', 'int8_per_vector'];
    const scaled = { ...layerCollection, id: 'SCALED', 'lamina:layer': { ...(layerCollection['lamina:layer'] as object), views } };
    const item = describeLayerItem(layerOf(scaled as typeof layerCollection, registry)!, raw('a 1'));
    expect(Object.entries(item.assets).map(([key, asset]) => [key, asset.href, asset['lamina:scale_of']])).toEqual([
      ['embeddings', '/layers/SCALED/a%201/embeddings.tif', undefined],
      ['embeddings_int8_per_vector', '/layers/SCALED/a%201/embeddings.tif?view=int8_per_vector', undefined],
      ['embeddings_int8_per_vector_scale', '/layers/SCALED/a%201/embeddings_scale.tif', 'embeddings_int8_per_vector'],
    ]);
    expect(item.assets['embeddings_int8_per_vector']).toMatchObject({ data_type: 'int8', 'lamina:quantization': { method: 'per_pixel_scale', scale: { array_name: 'embeddings_scale.tif' } } });
  });

  it('knows no other layers and items', async () => {
    expect((await fetch(url.replace('LAYER', 'RAW'))).status).toBe(404);
    expect((await fetch(url.replace('LAYER', 'NONE'))).status).toBe(404);
    expect((await fetch(url.replace('a%201', 'none'))).status).toBe(404);
    expect(computed).toEqual([]);
  });

  it('has the views that the layer offers, its first one unasked, and a private layer for its owner only', async () => {
    const hers = url.replace('LAYER', 'HERS');
    const get = (path: string, user?: string) => fetch(path, user === undefined ? {} : { headers: { authorization: user } });
    expect([(await get(hers)).status, (await get(hers, 'bob')).status]).toEqual([404, 404]);
    expect([(await get(hers, 'ann')).status, (await get(`${hers}?view=float16`, 'ann')).status, (await get(`${hers}?view=int8`, 'ann')).status]).toEqual([200, 200, 200]);
    expect(users).toEqual(['ann', 'ann']);
    expect(computed.map(({ process }) => (process.process_graph as { view: { arguments: object } }).view.arguments)).toMatchObject([{ quantization: 'float16' }, { quantization: 'int8' }]);
    expect((await get(`${hers}?view=int8`, 'ann')).headers.get('cache-control')).toMatch(/private/);
    const unknown = await get(`${hers}?view=binary`, 'ann');
    expect([unknown.status, await unknown.json()]).toMatchObject([400, { code: 'ProcessParameterInvalid', message: expect.stringMatching(/float16, int8/) as unknown }]);
  });
});
