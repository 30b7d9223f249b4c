/** The tile route: what it asks the queue for and how it answers. Nothing is drawn here. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerErrors } from '../../../src/api/http/error-response.ts';
import { createTileRouter, type TileDependencies } from '../../../src/api/tiles/tiles.ts';
import { invalidArgument } from '../../../src/errors.ts';
import type { TileResult } from '../../../src/jobs/payloads.ts';
import type { Task, TaskQueues } from '../../../src/jobs/queue.ts';
import { tileObjectKey, type TileTask } from '../../../src/layers/tile-key.ts';
import { VirtualCatalog } from '../../../src/layers/virtual-catalog.ts';
import { silentLog } from '../../../src/log.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { registry } from '../../layers/fixtures.ts';
import { layerCollection, rawCollection } from '../../layers/service.ts';

const png = Buffer.from('a picture');
let folder: string;
let objects: ObjectStore;
let server: Server;
let url: string;
let revision: number;
let added: TileTask[];
let waiting: number;
/** What a worker does with a task. */
let work: (task: TileTask, signal: AbortSignal) => Promise<TileResult>;

async function start(changes: Partial<TileDependencies> = {}): Promise<void> {
  const known = new Map<string, TileTask>();
  const queues = {
    add: async (_: string, { id, payload }: Task<TileTask>) => {
      if (!known.has(id)) added.push(payload);
      known.set(id, payload);
    },
    result: (_: string, id: string, signal: AbortSignal) => work(known.get(id)!, signal),
    remove: async (_: string, id: string) => void known.delete(id),
    depth: async () => ({ waiting, active: 0 }),
  } as unknown as TaskQueues;
  const collection = async (id: string) => [rawCollection, layerCollection].find((c) => c.id === id) ?? null;
  const app = express();
  const catalog = { collection, collections: async () => [rawCollection, layerCollection], revision: async () => revision, days: async () => ['2021-05-01', '2021-06-01'] };
  app.use(createTileRouter({ catalog, virtual: new VirtualCatalog({ collection }, registry), queues, objects, publicUrl: () => url, believedMs: 0, ...changes }));
  app.use(answerErrors(silentLog));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-tiles-'));
  objects = createLocalStore(folder);
  [revision, waiting, added] = [1, 0, []];
  work = async (task) => {
    const objectKey = tileObjectKey(task);
    await objects.put(objectKey, png);
    return { objectKey, mediaType: 'image/png' };
  };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(url + path, { headers });
const header = (answer: Response, name: string) => answer.headers.get(name);

describe('GET /tiles/{collection}/{z}/{x}/{y}.png', () => {
  it('has a tile drawn once and serves it from the store after that', async () => {
    await start();
    const first = await get('/tiles/RAW/12/2098/1375.png');
    expect([first.status, header(first, 'content-type'), header(first, 'lamina-cache')]).toEqual([200, 'image/png', 'miss']);
    expect(Buffer.from(await first.arrayBuffer())).toEqual(png);
    expect(added).toEqual([{ view: { collection: 'RAW', z: 12, x: 2098, y: 1375, interval: null, bands: null, range: null }, revision: '1' }]);
    const second = await get('/tiles/RAW/12/2098/1375.png');
    expect([second.status, header(second, 'lamina-cache'), header(second, 'etag')]).toEqual([200, 'hit', header(first, 'etag')]);
    expect(added).toHaveLength(1);
    const head = await fetch(`${url}/tiles/RAW/12/2098/1375.png`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('answers 304 to who has it, also among others, and not when the catalog has changed', async () => {
    await start();
    const etag = header(await get('/tiles/RAW/1/0/0.png'), 'etag')!;
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await get('/tiles/RAW/1/0/0.png', { 'If-None-Match': given });
      expect([again.status, header(again, 'etag'), await again.text()]).toEqual([304, etag, '']);
    }
    revision = 2;
    const changed = await get('/tiles/RAW/1/0/0.png', { 'If-None-Match': etag });
    expect(changed.status).toBe(200);
    expect(header(changed, 'etag')).not.toBe(etag);
  });

  it('names a layer by its own state, its source and its operator', async () => {
    await start();
    await get('/tiles/LAYER/12/1/1.png');
    expect(added[0]!.revision).toBe('1.1.sha256:00');
  });

  it('reads what is to be drawn from the query', async () => {
    await start();
    const views = ['datetime=2021-05-03', 'datetime=2021-05-03T10:00:00Z/..', 'datetime=/2021-06-01', 'bands=B08,B02,B02&rescale=-0.5,1.5'];
    for (const query of views) expect((await get(`/tiles/RAW/3/1/2.png?${query}`)).status).toBe(200);
    expect(added.map(({ view }) => [view.interval, view.bands, view.range])).toEqual([
      [['2021-05-03T00:00:00.000Z', '2021-05-04T00:00:00.000Z'], null, null],
      [['2021-05-03T10:00:00.000Z', null], null, null],
      [[null, '2021-06-01T00:00:00.000Z'], null, null],
      [null, ['B08', 'B02', 'B02'], [-0.5, 1.5]],
    ]);
  });

  it('reads single dimensions and colormaps', async () => {
    await start();
    const views = ['dimension=5&colormap=viridis', 'dimension=0,1,12', 'bands=e001'];
    for (const query of views) expect((await get(`/tiles/LAYER/3/1/2.png?${query}`)).status).toBe(200);
    expect(added.map(({ view }) => [view.bands, view.colormap])).toEqual([[['e005'], 'viridis'], [['e000', 'e001', 'e012'], undefined], [['e001'], undefined]]);
  });

  it('believes what the catalog says for a moment, and then asks again', async () => {
    await start({ believedMs: 150 });
    const etag = header(await get('/tiles/RAW/1/0/0.png'), 'etag')!;
    revision = 2;
    expect((await get('/tiles/RAW/1/0/0.png', { 'If-None-Match': etag })).status).toBe(304);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await get('/tiles/RAW/1/0/0.png', { 'If-None-Match': etag })).status).toBe(200);
  });

  it('answers 204 where there is nothing to see', async () => {
    work = async () => ({ objectKey: null, mediaType: 'image/png' });
    await start();
    const answer = await get('/tiles/RAW/3/1/2.png');
    expect([answer.status, header(answer, 'etag'), await answer.text()]).toEqual([204, null, '']);
  });

  it('has a tile drawn again that was deleted meanwhile', async () => {
    await start();
    await get('/tiles/RAW/3/1/2.png');
    for await (const { key } of objects.list('tiles/')) await objects.delete(key);
    let isForgotten = true;
    const draw = work;
    // The queue still knows the first outcome.
    work = async (task, signal) => {
      if (!isForgotten) return draw(task, signal);
      isForgotten = false;
      return { objectKey: tileObjectKey(task), mediaType: 'image/png' };
    };
    expect((await get('/tiles/RAW/3/1/2.png')).status).toBe(200);
    expect(added).toHaveLength(2);
  });

  it('asks to come again when too many tiles wait', async () => {
    await start({ maxWaiting: 10 });
    waiting = 10;
    const busy = await get('/tiles/RAW/3/1/2.png');
    expect([busy.status, header(busy, 'retry-after'), header(busy, 'cache-control')]).toEqual([503, '5', 'no-store']);
    expect(await busy.json()).toMatchObject({ code: 'InfrastructureBusy', message: expect.stringContaining('again in 5 s') as unknown });
    expect(added).toEqual([]);
  });

  it('asks to come again when the drawing takes long', async () => {
    work = (_, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    await start({ deadlineMs: 50 });
    const late = await get('/tiles/RAW/3/1/2.png');
    expect([late.status, header(late, 'retry-after')]).toEqual([503, '2']);
    expect(added).toHaveLength(1);
  });

  it('passes on what the worker refuses', async () => {
    work = async () => {
      throw invalidArgument('load_collection', 'bands', 'there is no band \'B99\'');
    };
    await start();
    const refused = await get('/tiles/RAW/3/1/2.png?bands=B99');
    expect([refused.status, header(refused, 'cache-control')]).toEqual([400, 'no-store']);
    expect(await refused.json()).toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('B99') as unknown });
  });

  it.each([
    ['23/0/0', 'z', '0 to 22'], ['3/8/0', 'x', '8 × 8'], ['3/0/8', 'x', '8 × 8'], ['3/-1/0', 'x', '-1'], ['a/0/0', 'z', 'whole number'], ['3/0.5/0', 'x', 'whole number'],
  ])('refuses %s', async (path, parameter, words) => {
    await start();
    const answer = await get(`/tiles/RAW/${path}.png`);
    expect(answer.status).toBe(400);
    const { message } = await answer.json() as { message: string };
    expect(message).toContain(parameter);
    expect(message).toContain(words);
  });

  it.each([
    'datetime=yesterday', 'datetime=2021-01-01/2021-02-01/2021-03-01', 'datetime=2021-02-01/2021-01-01', 'datetime=2021-13-01',
    'colormap=jet', 'bands=B02,B08', 'dimension=x', 'dimension=1,2', 'dimension=1&bands=B02', 'rescale=1', 'rescale=5,1', 'rescale=a,b', 'rescale=1,2,3', 'rescale=0,Infinity', 'rescale=1,1',
  ])('refuses ?%s', async (query) => {
    await start();
    const answer = await get(`/tiles/RAW/3/1/2.png?${query}`);
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { message: string }).message).toContain(query.split('=')[0]);
    expect(added).toEqual([]);
  });

  it('knows no other collections', async () => {
    await start();
    for (const path of ['/tiles/NONE/3/1/2.png', '/tiles/NONE/tilejson.json']) expect((await get(path)).status).toBe(404);
  });
});

describe('GET /tiles/{collection}/tilejson.json', () => {
  it('says where the tiles are and what they cover', async () => {
    await start();
    expect(await (await get('/tiles/RAW/tilejson.json')).json()).toMatchObject({ tilejson: '3.0.0', name: 'Raw <scenes>', scheme: 'xyz', tiles: [`${url}/tiles/RAW/{z}/{x}/{y}.png`], bounds: [4.4, 50.4, 4.6, 50.6], minzoom: 5 });
    // A layer covers what its source covers; its far zooms are there, but cost too much while they are cold.
    expect(await (await get('/tiles/LAYER/tilejson.json')).json()).toMatchObject({
      name: 'Toy layer', bounds: [4.4, 50.4, 4.6, 50.6], minzoom: 0, 'lamina:cold_minzoom': 12,
      'lamina:styles': ['pca', 'e000', 'e001'], 'lamina:days': ['2021-05-01', '2021-06-01'],
      'lamina:sources': [{ id: 'RAW', tiles: [`${url}/tiles/RAW/{z}/{x}/{y}.png`] }],
    });
  });
});
