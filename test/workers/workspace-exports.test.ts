/** stac_modify and export_workspace in whole runs: what lies in a workspace afterwards, and what must not. */
import { mkdtemp, readdir, readFile, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startFauxqs } from 'fauxqs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CatalogStore } from '../../src/catalog/store.ts';
import { Watches } from '../../src/catalog/watches.ts';
import type { StacItem } from '../../src/catalog/types.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import type { Publication } from '../../src/jobs/run.ts';
import { silentLog } from '../../src/log.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import { UserFiles } from '../../src/storage/user-files.ts';
import { Workspaces } from '../../src/storage/workspaces.ts';
import { runProcess, type RunRequest } from '../../src/workers/run-process.ts';
import { hasSchemas, problemsOf } from '../api/stac/validator.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { rawCollection, toyService, writeItem, type ToyService } from '../layers/service.ts';

let fresh: FreshDatabase;
let folder: string;
let catalog: CatalogStore;
let service: ToyService;
let rasters: RasterCache;
let files: UserFiles;
let workspaces: Workspaces;
let server: Awaited<ReturnType<typeof startFauxqs>>;
const s3 = () => ({ endpoint: `http://127.0.0.1:${server.port}`, bucket: 'results', region: 'us-east-1', accessKey: 'test', secretKey: 'test' });

beforeAll(async () => {
  fresh = await startFreshDatabase();
  server = await startFauxqs({ port: 0, host: '127.0.0.1', logger: false });
  folder = await mkdtemp(join(tmpdir(), 'lamina-workspaces-'));
  catalog = new CatalogStore(fresh.database);
  await catalog.putCollection(rawCollection);
  await catalog.fixAnchor('RAW', { crs: 'EPSG:32631', x: 600_000, y: 5_600_000, stepX: 10, stepY: 10 });
  await catalog.putItems('RAW', [
    await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band, column) => 20 + band + (column % 50)),
    await writeItem(folder, 'b', '2021-06-01T00:00:00Z', (band, column) => 90 + band + (column % 50)),
  ]);
});
afterAll(async () => {
  await fresh.stop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  service = await toyService(await mkdtemp(join(folder, 'service-')), []);
  rasters = new RasterCache({ store: service.store });
  files = new UserFiles(service.store, { quotaBytes: 10_000_000, fileBytes: 10_000_000 });
  await rm(join(folder, 'lab'), { recursive: true, force: true });
  workspaces = new Workspaces(files, new Map<string, { directory: string } | { bucket: string; prefix: string }>([['lab', { directory: join(folder, 'lab') }], ['bucket', { bucket: 'results', prefix: 'eo/' }]]), s3());
});
afterEach(async () => {
  await rasters.close();
  await service.close();
});

type Graph = Record<string, { process_id: string; arguments: Record<string, unknown>; result?: true }>;
const saved = (extent: unknown = null): Graph => ({
  load: { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: null, temporal_extent: extent } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' } },
});
const modified = (changes: object, graph = saved()): Graph => ({ ...graph, modify: { process_id: 'stac_modify', arguments: { data: { from_node: 'save' }, changes } } });
const exported = (workspace: string, merge: string | null, graph = saved()): Graph => ({
  ...graph, export: { process_id: 'export_workspace', arguments: { data: { from_node: 'modify' in graph ? 'modify' : 'save' }, workspace, merge }, result: true },
});
const one: [string, string] = ['2021-05-01', '2021-05-02'];

async function run(graph: Graph, { jobId = 'job-1', run: number = 1, user = 'ann' } = {}): Promise<Publication> {
  const watches = new Watches(fresh.database);
  const outcome = await runProcess({ ...service.engine, catalog, rasters }, service.store, {
    process: { process_graph: graph as RunRequest['process']['process_graph'] }, prefix: `results/${jobId}/${number}`, scratch: join(folder, 'scratch'), log: silentLog,
    signal: new AbortController().signal, user, exports: { catalog, editors: new Set(), jobId, run: number, workspaces, exclusively: watches.exclusively.bind(watches) },
  });
  return outcome.publish();
}

const listed = async (directory = join(folder, 'lab')) => (await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])).filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name).slice(directory.length + 1)).sort();
const document = async (path: string) => JSON.parse(await readFile(join(folder, 'lab', path), 'utf8')) as Record<string, unknown> & { links: { rel: string; href: string }[] };

describe('export_workspace', () => {
  it('makes a static catalog whose links lead to each other and to the files', async () => {
    await run(exported('lab', 'team/scenes'));
    const ids = ['job-1_result_2021-05-01', 'job-1_result_2021-06-01'];
    const paths = await listed();
    expect(paths).toHaveLength(5);
    expect(paths).toContain('team/scenes/collection.json');
    const collection = await document('team/scenes/collection.json');
    expect(collection).toMatchObject({ type: 'Collection', id: 'scenes', extent: { temporal: { interval: [['2021-05-01T00:00:00Z', '2021-06-01T00:00:00Z']] } } });
    const links = collection.links.filter(({ rel }) => rel === 'item');
    expect(links).toHaveLength(ids.length);
    for (const { href } of links) {
      const item = await document(join('team/scenes', href)) as unknown as StacItem;
      const [asset] = Object.values(item.assets);
      expect(item).toMatchObject({ type: 'Feature', collection: 'scenes', properties: { 'lamina:job': 'job-1' } });
      expect(paths).toContain(join('team/scenes', dirname(href), asset!.href));
      expect(item.links.map((link) => [link.rel, link.href]).slice(0, 3)).toEqual([['root', '../collection.json'], ['parent', '../collection.json'], ['collection', '../collection.json']]);
      expect(JSON.stringify(item)).not.toMatch(/object:|"\/stac/);
      if (hasSchemas) expect(await problemsOf(item)).toEqual([]);
    }
    if (hasSchemas) expect(await problemsOf(collection)).toEqual([]);
  });

  it('keeps what is not merged in a folder called by the job', async () => {
    await run(exported('lab', null, saved(one)));
    expect((await listed()).every((path) => path.startsWith('job-1/'))).toBe(true);
    expect(await document('job-1/collection.json')).toMatchObject({ id: 'job-1' });
  });

  it('adds to a Collection that is there, keeps its words, and replaces items of the same job only', async () => {
    await run(exported('lab', 'all', modified({ properties: { title: 'Mine', license: 'CC-BY-4.0' } }, saved(one))));
    expect(await document('all/collection.json')).toMatchObject({ title: 'Mine', license: 'CC-BY-4.0' });
    await run(exported('lab', '/all/collection.json', saved(['2021-06-01', '2021-06-02'])), { jobId: 'job-2', user: 'bob' });
    await run(exported('lab', 'all/', modified({ properties: { title: 'Other' } }, saved(one))), { run: 2 });
    const collection = await document('all/collection.json');
    expect(collection).toMatchObject({ title: 'Mine', extent: { temporal: { interval: [['2021-05-01T00:00:00Z', '2021-06-01T00:00:00Z']] } } });
    expect(collection.links.filter(({ rel }) => rel === 'item')).toHaveLength(2);
    await expect(run(exported('lab', 'all', modified({ id: collection.links.find(({ rel, href }) => rel === 'item' && href.includes('job-2'))!.href.split('/')[1]! }, saved(one))))).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('already') as unknown });
    expect((await document('all/collection.json')).links).toHaveLength(collection.links.length);
  });

  it('writes to the files of the user, within the quota', async () => {
    await run(exported('user', 'results'));
    expect((await files.list('ann')).map(({ path }) => path)).toContain('results/collection.json');
    expect(await files.list('bob')).toEqual([]);
    workspaces = new Workspaces(new UserFiles(service.store, { quotaBytes: 1000, fileBytes: 1000 }), new Map(), null);
    await expect(run(exported('user', 'results'), { user: 'bob' })).rejects.toMatchObject({ code: 'FileSizeExceeded' });
    expect(await files.list('bob')).toEqual([]);
  });

  it('writes to a bucket below its prefix', async () => {
    await run(exported('bucket', 'x', saved(one)));
    const store = await openS3Store(s3());
    const keys = (await Array.fromAsync(store.list(''))).map(({ key }) => key);
    store.close();
    expect(keys).toHaveLength(3);
    expect(keys).toContain('eo/x/collection.json');
  });

  it('takes everything back when the run does not count, but not what others added', async () => {
    const publication = await run(exported('lab', 'all', saved(one)));
    await run(exported('lab', 'all', saved(['2021-06-01', '2021-06-02'])), { jobId: 'job-2' });
    await publication.undo();
    const collection = await document('all/collection.json');
    expect(collection.links.filter(({ rel }) => rel === 'item').map(({ href }) => href)).toEqual([expect.stringContaining('job-2')]);
    expect((await listed()).filter((path) => path.includes('job-1'))).toEqual([]);
    await (await run(exported('lab', 'alone', saved(one)))).undo();
    expect((await listed()).filter((path) => path.startsWith('alone'))).toEqual([]);
  });

  it.each<[string, Graph, string, RegExp]>([
    ['an unknown workspace', exported('nowhere', null), 'ProcessParameterInvalid', /nowhere.*user, lab, bucket/],
    ['a path out of it', exported('lab', '../x'), 'ProcessParameterInvalid', /merge.*'\.\.'/],
    ['a path out of it by detours', exported('lab', 'a/%2e%2e/b'), 'ProcessParameterInvalid', /merge/],
    ['what is no Collection', exported('lab', 'catalog.json'), 'ProcessParameterInvalid', /merge.*no Collection/],
    ['what is no JSON', exported('lab', 'broken.json'), 'ProcessParameterInvalid', /merge.*no JSON/],
    ['an object that only looks like a result', { ...saved(), export: { process_id: 'export_workspace', arguments: { data: { type: 'Feature', assets: {} }, workspace: 'lab' }, result: true } }, 'ProcessParameterInvalid', /data.*save_result/],
  ])('refuses %s', async (_, graph, code, message) => {
    await mkdir(join(folder, 'lab'), { recursive: true });
    await writeFile(join(folder, 'lab/catalog.json'), '{"type":"Catalog","id":"x"}');
    await writeFile(join(folder, 'lab/broken.json'), '{');
    await expect(run(graph)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as unknown });
    expect(await listed()).toEqual(['broken.json', 'catalog.json']);
  });
});

describe('stac_modify', () => {
  const itemsOf = async (id: string) => catalog.items({ collection: id, bbox: null, interval: null });

  it('changes what export_collection publishes', async () => {
    const graph: Graph = {
      ...modified({ id: 'first', properties: { title: 'A day', keywords: ['toy'], 'eo:cloud_cover': 3 }, assets: {} }, saved(one)),
      again: { process_id: 'stac_modify', arguments: { data: { from_node: 'modify' }, changes: { properties: { title: 'The day', license: 'CC0-1.0' } } } },
      export: { process_id: 'export_collection', arguments: { data: { from_node: 'again' }, collection: 'modified' }, result: true },
    };
    await run(graph);
    const [item] = await itemsOf('modified');
    expect(item).toMatchObject({ id: 'first', properties: { title: 'The day', 'eo:cloud_cover': 3, datetime: '2021-05-01T00:00:00Z' } });
    expect(await catalog.collection('modified')).toMatchObject({ title: 'The day', keywords: ['toy'], license: 'CC0-1.0' });
    await catalog.deleteCollection('modified');
  });

  it('names and takes out single files', async () => {
    const name = 'result_2021-05-01.tif';
    await run(exported('lab', 'x', modified({ id: 'y', assets: { [name]: { title: 'May', roles: ['data', 'may'] }, 'result_2021-06-01.tif': null } })));
    expect(await listed()).toEqual(['x/collection.json', `x/y/${name}`, 'x/y/y.json']);
    expect(await document('x/y/y.json')).toMatchObject({ id: 'y', assets: { data: { title: 'May', roles: ['data', 'may'], href: `./${name}` } } });
  });

  it.each<[string, object, RegExp]>([
    ['where files lie', { assets: { 'result_2021-05-01.tif': { href: 'file:///etc/passwd' } } }, /'href'.*follows/],
    ['a file that is not there', { assets: { 'other.tif': { title: 'x' } } }, /no asset 'other.tif'/],
    ['the place', { geometry: null }, /'geometry' can't be changed/],
    ['the grid', { properties: { 'proj:code': 'EPSG:3857' } }, /proj:code/],
    ['what the service notes', { properties: { 'lamina:job': 'other' } }, /lamina:job/],
    ['the type', { type: 'Collection' }, /'type'/],
    ['a title in the wrong place', { title: 'x' }, /belongs in properties/],
    ['dates of dated files', { properties: { datetime: '2020-01-01T00:00:00Z' } }, /dates of their own/],
    ['the id to a path', { id: '../x' }, /'id'/],
    ['every file to nothing', { assets: { 'result_2021-05-01.tif': null, 'result_2021-06-01.tif': null } }, /every file/],
  ])('refuses to change %s', async (_, changes, message) => {
    await expect(run(exported('lab', null, modified(changes)))).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(message) as unknown });
    expect(await listed()).toEqual([]);
  });
});
