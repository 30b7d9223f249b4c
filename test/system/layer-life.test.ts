/** The life of a layer on a running service, by HTTP and by the command line: published, read, replaced, hidden, built upon, deleted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from './deployed.ts';
import { Client, freePort, lamina, run, until, type Started } from './processes.ts';

const WAIT_MS = 180_000;
const bands = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];

/** A layer over a collection, embedded by an operator; without one the samples of the source plus one. */
const layer = (id: string, source: string, operator: string | null, more: object = {}) => ({
  id, type: 'Collection', stac_version: '1.1.0', title: `Layer ${id}`, description: 'For tests.', license: 'CC0-1.0',
  'lamina:layer': {
    ...(operator === null ? {} : { operator }), ...more,
    process_graph: {
      load: { process_id: 'load_collection', arguments: { id: source, spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' }, ...(operator === null ? {} : { bands }) } },
      end: operator === null
        ? { process_id: 'apply', arguments: { data: { from_node: 'load' }, process: { process_graph: { add: { process_id: 'add', arguments: { x: { from_parameter: 'x' }, y: 1 }, result: true } } } }, result: true }
        : { process_id: 'compress_embed', arguments: { data: { from_node: 'load' }, model: { from_parameter: 'operator' } }, result: true },
    },
  },
});

/** A corner of the synthetic scene, some patches wide. */
const place = { west: 708_000, south: 5_612_000, east: 709_000, north: 5_613_000, crs: 'EPSG:32631' };

describe('the life of a layer', () => {
  const directory = mkdtempSync(join(tmpdir(), 'lamina-life-'));
  let environment: Record<string, string>;
  let service: Started;
  let anna: Client;
  let ben: Client;
  let url: string;

  const serve = async () => {
    service = lamina(['serve'], environment);
    await until(() => (service.output().includes('Ctrl-C ends everything') ? true : null), 'lamina serve', WAIT_MS, service);
  };

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    environment = { LAMINA_PORT: String(port), LAMINA_DATA: join(directory, 'data'), LAMINA_BASIC_USERS: 'anna:secret-anna,ben:secret-ben' };
    await serve();
    anna = new Client(url);
    await anna.login('anna', 'secret-anna');
    ben = new Client(url);
    await ben.login('ben', 'secret-ben');
  }, WAIT_MS);

  afterAll(async () => {
    await service.end();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const load = async (client: Client, id: string) => {
    const graph = {
      load: { process_id: 'load_collection', arguments: { id, spatial_extent: place, temporal_extent: ['2023-06-24', '2023-06-25'] } },
      save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
    };
    const response = await client.fetch('/result', { method: 'POST', body: { process: { process_graph: graph } } });
    return response.ok ? sha256(await response.arrayBuffer()) : ((await response.json()) as { code: string }).code;
  };
  const stac = (client: Client, path: string, init: Parameters<Client['fetch']>[1] = {}) => client.fetch(`${url}/stac${path}`, init);
  const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code?: string }).code];

  it('is published, read, and replaced by another operator; the old version keeps its values', async () => {
    const created = await stac(anna, '/collections', { method: 'POST', body: layer('LIFE', 'SYNTHETIC_S2', 'pca:1.0.0') });
    expect([created.status, created.headers.get('location')]).toEqual([201, `${url}/stac/collections/LIFE`]);
    expect(await codeOf(await stac(anna, '/collections', { method: 'POST', body: layer('LIFE', 'SYNTHETIC_S2', 'pca:1.0.0') }))).toEqual([409, 'CollectionExists']);
    const old = await load(anna, 'LIFE');
    expect(old).toMatch(/^[0-9a-f]{64}$/);
    // The layer of the deployment has the same operator over the same pixels.
    expect(await load(ben, 'EMB_SYNTHETIC_S2_PCA')).toBe(old);

    expect(await codeOf(await stac(ben, '/collections/LIFE', { method: 'PUT', body: layer('LIFE', 'SYNTHETIC_S2', 'conv:1.0.0') }))).toEqual([403, 'PermissionsInsufficient']);
    const replaced = await stac(anna, '/collections/LIFE', { method: 'PUT', body: layer('LIFE', 'SYNTHETIC_S2', 'conv:1.0.0') });
    expect(replaced.status).toBe(200);
    const after = await replaced.json() as { version: string; links: { rel: string; href: string }[] };
    expect(after.version).toBe('2');
    expect(after.links.find(({ rel }) => rel === 'predecessor-version')?.href).toBe(`${url}/stac/collections/LIFE.v1`);
    const now = await load(anna, 'LIFE');
    expect(now).toBe(await load(ben, 'EMB_SYNTHETIC_S2_CONV'));
    expect(now).not.toBe(old);
    expect(await load(ben, 'LIFE.v1')).toBe(old);
    expect(await (await stac(ben, '/collections/LIFE.v1')).json()).toMatchObject({ deprecated: true, version: '1' });
  }, WAIT_MS);

  it('is invisible to others when it is private', async () => {
    expect((await stac(anna, '/collections', { method: 'POST', body: layer('SECRET', 'SYNTHETIC_S2', 'pca:1.0.0', { visibility: 'private' }) })).status).toBe(201);
    const { features } = await (await stac(anna, '/collections/SECRET/items?limit=1')).json() as { features: { id: string; assets: Record<string, { href: string }> }[] };
    const file = Object.values(features[0]!.assets)[0]!.href;
    for (const client of [ben, new Client(url)]) {
      const isVisitor = client !== ben;
      const listed = await (await (isVisitor ? fetch(`${url}/stac/collections`) : stac(client, '/collections'))).json() as { collections: { id: string }[] };
      expect(listed.collections.map(({ id }) => id)).not.toContain('SECRET');
      for (const path of ['/stac/collections/SECRET', '/stac/collections/SECRET/items', `/stac/collections/SECRET/items/${features[0]!.id}`, '/openeo/1.3/collections/SECRET', '/tiles/SECRET/tilejson.json', '/tiles/SECRET/13/4232/2755.png', '/layers/SECRET/materialisations', new URL(file).pathname]) {
        const answer = isVisitor ? await fetch(url + path) : await client.fetch(url + path);
        expect([path, answer.status]).toEqual([path, 404]);
        expect(await answer.text()).not.toContain('pca');
      }
      const found = await (isVisitor ? fetch(`${url}/stac/search?collections=SECRET`) : client.fetch(`${url}/stac/search?collections=SECRET`));
      expect((await found.json() as { features?: unknown[] }).features ?? []).toEqual([]);
    }
    expect(await load(ben, 'SECRET')).toBe('CollectionNotFound');
    expect(await codeOf(await stac(ben, '/collections/SECRET', { method: 'DELETE' }))).toEqual([404, 'CollectionNotFound']);
    expect(await load(anna, 'SECRET')).toBe(await load(anna, 'LIFE.v1'));
    expect((await anna.fetch(file)).status).toBe(200);
  }, WAIT_MS);

  it('stays while another builds on it, and is deleted after that', async () => {
    expect((await stac(ben, '/collections', { method: 'POST', body: layer('UPON', 'LIFE', null) })).status).toBe(201);
    const refused = await stac(anna, '/collections/LIFE', { method: 'DELETE' });
    expect(refused.status).toBe(409);
    expect(await refused.text()).toContain('\'UPON\'');
    expect(await load(ben, 'UPON')).toMatch(/^[0-9a-f]{64}$/);
    for (const [client, id] of [[ben, 'UPON'], [anna, 'LIFE'], [anna, 'SECRET']] as const) expect([id, (await stac(client, `/collections/${id}`, { method: 'DELETE' })).status]).toEqual([id, 204]);
    for (const id of ['UPON', 'LIFE', 'LIFE.v1', 'SECRET']) expect([id, await load(anna, id)]).toEqual([id, 'CollectionNotFound']);
  }, WAIT_MS);

  /** Runs a command: exit code, and its output without what it says of progress. */
  const command = async (...args: string[]) => {
    const started = lamina(['layer', ...args], environment);
    const { code } = await run(started);
    return { code, out: started.output().replace(started.errors(), ''), errors: started.errors() };
  };
  /** One line on stderr that begins with our name, and exit code 1. */
  const refused = async (words: RegExp, ...args: string[]) => {
    const { code, errors } = await command(...args);
    expect([args.join(' '), code]).toEqual([args.join(' '), 1]);
    const lines = errors.replaceAll(/.*\r/g, '').trim().split('\n').filter((line) => !/^(queued|running) /.test(line));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^lamina: /);
    expect(lines[0]).toMatch(words);
  };
  const done = async (words: RegExp, ...args: string[]) => {
    const { code, out, errors } = await command(...args);
    expect([args.join(' '), code, code === 0 ? '' : errors]).toEqual([args.join(' '), 0, '']);
    expect(out).toMatch(words);
    return out;
  };
  it('says in one line what is wrong with a command', async () => {
    await refused(/there are create, list, /);
    await refused(/no command `lamina layer nope`/, 'nope');
    await refused(/no layer 'NOPE'/, 'show', 'NOPE');
    await Promise.all(['stats', 'verify', 'warm', 'materialise'].map((name) => refused(/no layer 'NOPE'/, name, 'NOPE')));
    await refused(/no layer 'NOPE'/, 'evict', 'NOPE', '--all');
    await refused(/needs to know what/, 'evict');
    await refused(/'NOPE' does not exist/, 'delete', 'NOPE');
    await refused(/comes from a file of the deployment/, 'delete', 'EMB_SYNTHETIC_S2_PCA');
    await refused(/takes one file/, 'create');
    await refused(/nothing\.json can't be read/, 'create', join(directory, 'nothing.json'));
    await refused(/'Foo'; layers can be written as GTiff, Zarr, Parquet/, 'materialise', 'EMB_SYNTHETIC_S2_PCA', '--formats', 'Foo');
  }, WAIT_MS);

  it('is looked after by commands beside a running service', async () => {
    const file = join(directory, 'MINE.json');
    writeFileSync(file, JSON.stringify(layer('MINE', 'SYNTHETIC_S2', 'pca:1.0.0')));
    await done(/^MINE: created, version 1\n {2}pca:1\.0\.0 is pca@sha256:[0-9a-f]{64}\n$/, 'create', file);
    await refused(/'MINE' already/, 'create', file);
    writeFileSync(file, JSON.stringify(layer('MINE', 'SYNTHETIC_S2', 'conv:1.0.0')));
    await done(/^MINE: new version, version 2\n/, 'create', file, '--replace');
    expect(await done(/^MINE {2}v2 {2}conv@/m, 'list')).toMatch(/^MINE\.v1 {2}v1 {2}pca@\S+ {2}over SYNTHETIC_S2 {2}deprecated$/m);
    expect(JSON.parse(await done(/"id": "MINE"/, 'show', 'MINE'))).toMatchObject({ id: 'MINE', title: 'Layer MINE', version: '2' });
    // The service knows of it at once.
    const box = ['--bbox', '5.93,50.62,5.95,50.64', '--datetime', '2023-07-29'];
    await done(/^m-[0-9a-f-]{36}\n$/, 'warm', 'MINE', ...box);
    await done(/^MINE +block +stored +\d+ +[\d.]+ [KM]iB/m, 'stats', 'MINE');
    expect(JSON.parse(await done(/"layer": "MINE"/, 'stats', '--json'))).toContainEqual(expect.objectContaining({ layer: 'MINE', kind: 'block', state: 'stored' }));
    await done(/^\d+ objects read, [\d.]+ [KM]iB whole\n$/, 'verify', 'MINE');
    await done(/\/embeddings\.tif {2}\d+ bytes\nembeddings\.parquet {2}\d+ bytes\nembeddings\.zarr {2}\d+ bytes\n$/, 'materialise', 'MINE', ...box, '--formats', 'GTiff,Zarr,Parquet');
    await done(/^MINE +block +filed +\d+/m, 'stats', 'MINE');
    await done(/^m-/, 'warm', 'EMB_SYNTHETIC_S2_PCA', ...box);
    await done(/^[1-9]\d* objects deleted, [\d.]+ [KM]iB\n$/, 'evict', 'EMB_SYNTHETIC_S2_PCA', '--all');
    await refused(/There is no data available/, 'warm', 'MINE', '--datetime', '1999-01-01');
    await refused(/There is no data available/, 'warm', 'MINE', '--bbox', '-5.93,50.62,-5.9,50.64');
    await done(/^MINE: deleted\n$/, 'delete', 'MINE');
    await refused(/no layer 'MINE'/, 'show', 'MINE');
  }, WAIT_MS * 2);

  it('is looked after by commands when no service runs', async () => {
    expect(await service.end('SIGINT')).toBe(0);
    // What users ask for wrongly is no trouble of the service.
    expect(service.errors()).not.toContain('    at ');
    const file = join(directory, 'LATE.json');
    writeFileSync(file, JSON.stringify(layer('LATE', 'SYNTHETIC_S2', 'pca:1.0.0')));
    await done(/^LATE: created/, 'create', file);
    await done(/^LATE {2}v1/m, 'list');
    await done(/objects read/, 'verify');
    const asked = await command('warm', 'LATE', '--bbox', '5.93,50.62,5.95,50.64', '--datetime', '2023-04-05');
    expect([asked.code, asked.errors]).toEqual([0, 'No service runs on this data directory: the work begins when one is started.\n']);
    await refused(/no layer 'NOPE'/, 'stats', 'NOPE');
    await serve();
    const warmed = async () => (await (await fetch(`${url}/layers/LATE/materialisations/${asked.out.trim()}`)).json()) as { status: string };
    await until(async () => ((await warmed()).status === 'finished' ? true : null), 'what was asked for before', 60_000, service);
    await done(/^LATE +block +stored/m, 'stats', 'LATE');
    await done(/^LATE: deleted\n$/, 'delete', 'LATE');
  }, WAIT_MS * 2);
});
