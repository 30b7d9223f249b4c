/**
 * The openEO Web Editor (0.15) against a running service. It can't be had from npm; its requests are replayed in
 * Chromium, from a page of another origin, by the client library that it is built on, in its order.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, lamina, start, until, type Started } from '../system/processes.ts';

const CHROMIUM = '/usr/bin/chromium';
const reason = process.env['LAMINA_TEST_CLIENTS'] !== '1' ? 'set LAMINA_TEST_CLIENTS=1' : existsSync(CHROMIUM) ? '' : `no Chromium at ${CHROMIUM}`;
const scripts: Readonly<Record<string, string>> = {
  '/axios.js': 'node_modules/axios/dist/axios.min.js',
  '/oidc.js': 'node_modules/oidc-client/dist/oidc-client.min.js',
  '/openeo.js': 'node_modules/@openeo/js-client/openeo.min.js',
  '/editor.js': 'test/clients/editor-page.js',
};
const html = `<!doctype html><title>Editor</title>${Object.keys(scripts).map((path) => `<script src="${path}"></script>`).join('')}`;

type Result = Record<string, unknown>;

describe.skipIf(reason !== '')(`the openEO Web Editor${reason === '' ? '' : ` (skipped: ${reason})`}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-editor-'));
  const faults: string[] = [];
  const started: Started[] = [];
  let pages: Server;
  let browser: Browser;
  let page: Page;
  let backend: string;
  let vegetation: Result;

  /** Calls a function of editor-page.js. */
  const does = (name: string, ...args: unknown[]) => page.evaluate(([called, given]) => {
    const { session } = globalThis as unknown as { session: Record<string, (...each: readonly unknown[]) => unknown> };
    return session[called]!(...given);
  }, [name, args] as const) as Promise<Result>;

  beforeAll(async () => {
    pages = createServer((request, response) => {
      const script = scripts[request.url!.split('?')[0]!];
      response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript');
      response.end(script === undefined ? html : readFileSync(script));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => pages.once('listening', resolve));
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    const [port, idPort] = [await freePort(), await freePort()];
    const provider = start(process.execPath, ['test/clients/oidc-provider.ts', String(idPort)]);
    started.push(provider);
    await until(() => (provider.output().includes('http') ? true : null), 'the provider', 30_000, provider);
    const settings = join(directory, 'oidc.json');
    writeFileSync(settings, JSON.stringify([{ id: 'idp', title: 'Provider', issuer: `http://127.0.0.1:${idPort}`, scopes: ['openid', 'profile'], default_clients: [{ id: 'editor', grant_types: ['authorization_code+pkce'], redirect_urls: [origin] }] }]));
    const service = lamina(['serve'], { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data'), LAMINA_BASIC_USERS: 'test:test-password', LAMINA_OIDC_FILE: settings });
    started.push(service);
    backend = `http://127.0.0.1:${port}`;
    await until(async () => ((await fetch(`${backend}/health`).catch(() => null))?.status === 200 ? true : null), 'the service', 120_000, service);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(origin);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    for (const each of started.toReversed()) await each.end('SIGINT');
    pages?.close();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  it('connects, and lists what is open to everybody', async () => {
    const found = await does('connect', backend);
    expect(found).toMatchObject({ version: '1.3.0', missing: [], plans: ['free'], collections: expect.arrayContaining(['SYNTHETIC_S2', 'EMB_SYNTHETIC_S2_PCA']) as unknown, outputs: expect.arrayContaining(['GTIFF', 'PNG']) as unknown });
    expect(found['serviceTypes']).toEqual(expect.arrayContaining([expect.stringMatching(/^xyz$/i), expect.stringMatching(/^wmts$/i)]));
    expect(found['processes']).toBeGreaterThan(100);
    expect(found['parameters']).toEqual(expect.arrayContaining(['create_job_parameters', 'create_service_parameters', 'create_synchronous_parameters']));
    expect(await does('providers')).toEqual([{ type: 'oidc', id: 'idp', client: 'editor' }, { type: 'basic', id: '', client: null }]);
  }, 60_000);

  it('shows a collection with its queryables, items and preview', async () => {
    const found = await does('collection', 'SYNTHETIC_S2');
    expect(found).toMatchObject({ dimensions: expect.arrayContaining(['x', 'y', 't', 'bands']) as unknown, queryables: 'object', preview: expect.stringContaining('{z}') as unknown });
    expect(found['items']).toBeGreaterThan(0);
    const first = (found['interval'] as string[])[0]!.slice(0, 10);
    const next = new Date(Date.parse(first) + 86_400_000).toISOString().slice(0, 10);
    vegetation = { process_graph: {
      load: { process_id: 'load_collection', arguments: { id: 'SYNTHETIC_S2', spatial_extent: null, temporal_extent: [first, next], bands: ['B04', 'B08'] } },
      ndvi: { process_id: 'ndvi', arguments: { data: { from_node: 'load' }, nir: 'B08', red: 'B04' } },
      save: { process_id: 'save_result', arguments: { data: { from_node: 'ndvi' }, format: 'GTiff' }, result: true },
    } };
  }, 60_000);

  it('logs in with OpenID Connect, in a window of its own, with PKCE', async () => {
    const window = page.waitForEvent('popup');
    const account = does('loginOidc');
    const popup = await window;
    await popup.fill('input[name=login]', 'ann');
    await popup.fill('input[name=password]', 'anything');
    await popup.click('button[type=submit]');
    // The consent.
    await popup.waitForSelector('input[name=prompt][value=consent]', { state: 'attached' });
    await popup.click('button[type=submit]');
    expect(await account).toBe('idp~ann');
    expect(await does('lists')).toEqual([0, 0, 0, 0]);
  }, 60_000);

  it('logs in with name and password', async () => {
    expect(await does('loginBasic', backend, 'test', 'test-password')).toBe('test');
    expect(await does('lists')).toEqual([0, 0, 0, 0]);
  });

  it('validates, and shows errors', async () => {
    expect(await does('validate', vegetation)).toEqual([]);
    expect(await does('validate', { process_graph: { a: { process_id: 'nope', arguments: {}, result: true } } })).toEqual(['ProcessUnsupported']);
    expect(await does('failure', { process_graph: { load: { process_id: 'load_collection', arguments: { id: 'NOPE', spatial_extent: null, temporal_extent: null }, result: true } } })).toMatchObject({ code: 'CollectionNotFound', message: expect.stringContaining('NOPE') as unknown });
  }, 60_000);

  it('computes at once, and reads the log of it', async () => {
    const found = await does('compute', vegetation);
    expect(found).toMatchObject({ type: expect.stringMatching(/^image\/tiff/) as unknown, start: 'II' });
    expect(found['logs']).toBeGreaterThan(0);
  }, 90_000);

  it('runs a job: estimate, change, progress, log, results in parts and shared', async () => {
    const found = await does('job', vegetation);
    expect(found).toMatchObject({ created: 'created', ended: 'finished', title: 'Another title', own: true, type: expect.stringMatching(/^image\/tiff/) as unknown, ranges: 'bytes', part: [206, `bytes 0-3/${String(found['length'])}`, [0x49, 0x49, 42, 0]], shared: 'Feature' });
    expect(found['estimate']).toContain('size');
    expect(new Set(found['logs'] as string[])).toEqual(new Set(['string']));
  }, 120_000);

  it('stops a job', async () => {
    expect(['created', 'canceled', 'finished']).toContain(await does('stopped', vegetation));
  }, 60_000);

  it('publishes maps: XYZ with a tile in an image, WMTS with capabilities', async () => {
    const preview = vegetation['process_graph'] as Record<string, object>;
    const process = { process_graph: { ...preview, save: { process_id: 'save_result', arguments: { data: { from_node: 'ndvi' }, format: 'PNG' }, result: true } } };
    const xyz = await does('service', process, 'xyz', [2, 2, 1]);
    expect(xyz).toMatchObject({ type: expect.stringMatching(/^xyz$/i) as unknown, url: expect.stringMatching(/\{z\}.*\{x\}.*\{y\}/) as unknown, enabled: [true, false], title: 'Another title', shown: [256, 256] });
    expect(xyz['logs']).toBeGreaterThan(0);
    const wmts = await does('service', process, 'wmts', null);
    expect(wmts['shown']).toMatch(/<TileMatrixSet>EPSG:3857<\/TileMatrixSet>/);
  }, 120_000);

  it('keeps processes of the user', async () => {
    const own = { process_graph: { a: { process_id: 'add', arguments: { x: { from_parameter: 'x' }, y: 1 }, result: true } }, parameters: [{ name: 'x', description: 'A number.', schema: { type: 'number' } }], summary: 'First', description: null };
    expect(await does('ownProcess', 'plus_one', own)).toEqual({ listed: ['plus_one'], nodes: ['a'], replaced: 'Replaced', left: 0 });
  });

  it('keeps files of the user', async () => {
    expect(await does('files', 'folder/ä b.txt', 'hello')).toEqual({ listed: [['folder/ä b.txt', 5]], content: 'hello', left: 0 });
  });

  it('threw nothing in the page', () => {
    expect(faults).toEqual([]);
  });
});
