/** The routes of materialisations, on a real database and a real queue that nobody works on. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMaterialisationRouter } from '../../../src/api/layers/materialisations.ts';
import { Materialiser } from '../../../src/api/layers/materialiser.ts';
import { LoginGuard } from '../../../src/api/auth/login-guard.ts';
import { deriveKey } from '../../../src/api/auth/secret.ts';
import { Tokens } from '../../../src/api/auth/tokens.ts';
import type { Shared } from '../../../src/api/dependencies.ts';
import { answerErrors } from '../../../src/api/http/error-response.ts';
import { Materialisations } from '../../../src/catalog/materialisations.ts';
import { CatalogStore } from '../../../src/catalog/store.ts';
import { openDatabase } from '../../../src/database/connection.ts';
import { OpenEOError } from '../../../src/errors.ts';
import { openTaskQueues } from '../../../src/jobs/bullmq-queues.ts';
import type { TaskQueues } from '../../../src/jobs/queue.ts';
import { isVisible, layerOf } from '../../../src/layers/layer.ts';
import { silentLog } from '../../../src/log.ts';
import { createLocalStore } from '../../../src/storage/local.ts';
import type { ObjectStore } from '../../../src/storage/object-store.ts';
import { startFreshDatabase, type FreshDatabase } from '../../database/fresh-database.ts';
import { registry } from '../../layers/fixtures.ts';
import { layerCollection, rawCollection } from '../../layers/service.ts';

const SECRET = { ...layerCollection, id: 'SECRET', 'lamina:layer': { ...(layerCollection['lamina:layer'] as object), visibility: 'private', owner: 'bob' } };

let fresh: FreshDatabase;
let folder: string;
let queues: TaskQueues;
let objects: ObjectStore;
let server: Server;
let url: string;
let store: Materialisations;
let catalog: CatalogStore;
let materialiser: Materialiser;
const tokens = new Tokens(deriveKey('0123456789abcdef0123456789abcdef', 'tokens'), 1);

beforeAll(async () => {
  fresh = await startFreshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lamina-material-api-'));
  objects = createLocalStore(folder);
  queues = await openTaskQueues({ connection: { database: openDatabase(fresh.url, { searchPath: 'bullmq', maxConnections: 8 }) } });
  catalog = new CatalogStore(fresh.database);
  for (const collection of [rawCollection, layerCollection, SECRET]) await catalog.putCollection(collection);
  store = new Materialisations(fresh.database);
  materialiser = new Materialiser({ store, queues, objects, catalog, maxQueued: 3, log: silentLog });
  const users = { credential: async () => 'password', verify: async () => true };
  const shared = { baseUrl: () => 'https://lamina.example', authentication: { users, tokens, guard: new LoginGuard(), providers: [], isBasicOn: true } } as unknown as Shared;
  const layerFor = async (id: string, user: string | null) => {
    const stored = await catalog.collection(id);
    const layer = stored && isVisible(stored, user) ? layerOf(stored, registry) : null;
    if (!layer) throw new OpenEOError('CollectionNotFound', { identifier: id });
    return layer;
  };
  const app = express();
  app.use('/layers', createMaterialisationRouter({ materialiser, layerFor, objects, editors: new Set(['ann']), shared }));
  app.use(answerErrors(silentLog));
  server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/layers`;
});
afterAll(async () => {
  server.close();
  await queues.close();
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const { id } of await store.list('LAYER')) await store.delete(id);
});

async function send(method: string, path: string, user: string | null, body?: unknown): Promise<{ status: number; headers: Headers; json: Record<string, unknown> }> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(user === null ? {} : { authorization: `Bearer ${await tokens.issue({ userId: user, credential: 'password' }, 'https://lamina.example')}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === '' ? {} : JSON.parse(text) as Record<string, unknown> };
}

describe('POST /layers/{layer}/materialisations', () => {
  it('queues the work and tells where to look', async () => {
    const { status, headers, json } = await send('POST', '/LAYER/materialisations', 'ann', { bbox: [4, 50, 5, 51], datetime: '2021-05-01', formats: ['zarr', 'gtiff', 'Zarr'] });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`https://lamina.example/layers/LAYER/materialisations/${String(json['id'])}`);
    expect(json).toMatchObject({
      layer: 'LAYER', status: 'queued', progress: 0, bbox: [4, 50, 5, 51], datetime: '2021-05-01T00:00:00.000Z/2021-05-02T00:00:00.000Z', formats: ['Zarr', 'GTiff'], view: 'float32',
    });
    expect(await store.find(String(json['id']))).toMatchObject({ user: 'ann' });
    expect((await send('GET', '/LAYER/materialisations', null)).json['materialisations']).toHaveLength(1);
    expect((await send('GET', `/LAYER/materialisations/${String(json['id'])}`, null)).json).toEqual(json);
  });

  it.each([
    [{ bbox: [5, 50, 4, 51] }, /west before its east/],
    [{ bbox: '4,50,5' }, /four numbers/],
    [{ datetime: 'yesterday' }, /'yesterday'.*RFC 3339/],
    [{ datetime: '2021-06-01/2021-05-01' }, /start before its end/],
    [{ formats: ['PNG'] }, /'PNG'.*GTiff, Zarr, Parquet/],
    [{ view: 'int8' }, /"int8".*float32/],
    [{ color: 'red', formats: 'GTiff' }, /'color' is no field.*'formats' must be an array/],
  ])('refuses %j', async (body, message) => {
    const { status, json } = await send('POST', '/LAYER/materialisations', 'ann', body);
    expect([status, json['code']]).toEqual([400, 'ProcessParameterInvalid']);
    expect(json['message']).toMatch(message);
    expect(await store.list('LAYER')).toEqual([]);
  });

  it('wants an account, a layer, and the right to see it', async () => {
    expect((await send('POST', '/LAYER/materialisations', null, {})).json['code']).toBe('AuthenticationRequired');
    expect((await send('POST', '/RAW/materialisations', 'ann', {})).json['code']).toBe('CollectionNotFound');
    expect((await send('POST', '/SECRET/materialisations', 'ann', {})).json['code']).toBe('CollectionNotFound');
    expect((await send('GET', '/SECRET/materialisations', null)).json['code']).toBe('CollectionNotFound');
    expect((await send('GET', '/SECRET/materialisations', 'bob')).status).toBe(200);
  });

  it('is for the owner and for editors, a few at a time', async () => {
    expect((await send('POST', '/LAYER/materialisations', 'bob', {})).json['code']).toBe('PermissionsInsufficient');
    expect((await send('POST', '/SECRET/materialisations', 'bob', {})).status).toBe(201);
    for (let i = 0; i < 3; i++) expect((await send('POST', '/LAYER/materialisations', 'ann', {})).status).toBe(201);
    const { status, headers, json } = await send('POST', '/LAYER/materialisations', 'ann', {});
    expect([status, json['code'], headers.get('retry-after')]).toEqual([429, 'TooManyRequests', '60']);
  });
});

describe('a materialisation that is there', () => {
  const made = async (user: string | null = 'ann') => (await materialiser.request({ layer: 'LAYER', files: 'LAYER.files', bbox: null, interval: null, formats: ['Zarr'], view: 'float32' }, user)).id;

  it('serves the objects of its store, and nothing else', async () => {
    const id = await made();
    await objects.put(`materialised/${id}/embeddings.zarr/zarr.json`, Buffer.from('{"zarr_format":3}'));
    await objects.put(`materialised/${id}/embeddings.parquet`, Buffer.from('PAR1'));
    expect((await send('GET', `/LAYER/materialisations/${id}/embeddings.zarr/zarr.json`, null)).json).toEqual({ zarr_format: 3 });
    for (const path of ['embeddings.parquet', 'embeddings.zarr/missing', 'embeddings.zarr/%2e%2e/embeddings.parquet']) {
      expect((await send('GET', `/LAYER/materialisations/${id}/${path}`, null)).status, path).toBe(404);
    }
  });

  it('is deleted with its files and items by who asked for it', async () => {
    const id = await made();
    await objects.put(`materialised/${id}/embeddings.zarr/zarr.json`, Buffer.from('{}'));
    expect((await send('DELETE', `/LAYER/materialisations/${id}`, 'bob')).json['code']).toBe('PermissionsInsufficient');
    expect((await send('DELETE', `/LAYER/materialisations/${id}`, 'ann')).status).toBe(204);
    expect(await objects.head(`materialised/${id}/embeddings.zarr/zarr.json`)).toBeNull();
    expect((await send('GET', `/LAYER/materialisations/${id}`, null)).status).toBe(404);
  });

  it('gets its task back when it was lost', async () => {
    const id = await made(null);
    await queues.remove('backfill', `materialise-${id}`);
    await fresh.database.query(`update materialisations set updated = now() - interval '1 hour'`);
    const before = (await queues.depth('backfill')).waiting;
    await materialiser.requeueLost();
    expect((await queues.depth('backfill')).waiting).toBe(before + 1);
  });
});
