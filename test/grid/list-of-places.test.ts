/** Grids over lists of places: answers of STAC searches and tables, as files. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGrid, type GridRun } from '../../src/grid/run-grid.ts';
import type { ListedTask } from '../../src/grid/work-list.ts';
import { tasksOfPlaces } from '../../src/commands/grid-tasks.ts';
import { silentLog } from '../../src/log.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-places-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const tiff = 'image/tiff; application=geotiff';
const item = (id: string, assets: object, more: object = {}) => ({ type: 'Feature', stac_version: '1.1.0', id, collection: 'S2', geometry: { type: 'Point', coordinates: [4, 50] }, bbox: [4, 50, 4, 50], properties: { datetime: '2021-05-01T00:00:00Z' }, links: [], assets, ...more });
const scene = (href: string) => ({ stack: { href, type: tiff, roles: ['data'] }, thumbnail: { href: './t.png', type: 'image/png', roles: ['thumbnail'] }, mask: { href: './mask.tif', type: tiff, roles: ['data-mask'] } });
const collectionOf = (features: readonly object[]) => JSON.stringify({ type: 'FeatureCollection', features, links: [{ rel: 'next', href: 'https://example.org/search?token=2' }] });

async function written(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function tasksOf(path: string, asset?: string): Promise<ListedTask[]> {
  const tasks: ListedTask[] = [];
  for await (const task of (await tasksOfPlaces(path, asset)) ?? []) tasks.push(task);
  return tasks;
}

const here = (path: string) => pathToFileURL(join(folder, path)).href;

describe('a list of places', () => {
  const features = [item('a', scene('./a.tif')), item('b.2021', scene('https://example.org/b.tif?sig=1'))];
  const expected = () => [{ task: 'S2/a.tif', href: here('a.tif') }, { task: 'S2/b.2021.tif', href: 'https://example.org/b.tif?sig=1' }];

  it('is the answer of a STAC search, as a collection or line by line', async () => {
    expect(await tasksOf(await written('search.json', collectionOf(features)))).toEqual(expected());
    expect(await tasksOf(await written('search.ndjson', features.map((each) => JSON.stringify(each)).join('\n')))).toEqual(expected());
  });

  it('is a table with a column of paths, or of STAC items', async () => {
    const paths = parquetWriteBuffer({ columnData: [{ name: 'name', data: ['x', 'y'], type: 'STRING' }, { name: 'path', data: ['one/a.tif', '/data/b.tif'], type: 'STRING' }] });
    expect(await tasksOf(await written('places.parquet', new Uint8Array(paths)))).toEqual([{ task: 'one/a.tif', href: here('one/a.tif') }, { task: '/data/b.tif', href: 'file:///data/b.tif' }]);
    const items = parquetWriteBuffer({ columnData: [
      { name: 'id', data: ['a', 'b'], type: 'STRING' }, { name: 'collection', data: ['S2', 'S2'], type: 'STRING' },
      { name: 'assets', data: [scene('s3://bucket/a.tif'), scene('s3://bucket/b.tif')], type: 'JSON' },
    ] });
    expect(await tasksOf(await written('items.parquet', new Uint8Array(items)))).toEqual([{ task: 'S2/a.tif', href: 's3://bucket/a.tif' }, { task: 'S2/b.tif', href: 's3://bucket/b.tif' }]);
  });

  it('is GeoJSON whose features name a file', async () => {
    expect(await tasksOf(await written('areas.geojson', collectionOf([{ type: 'Feature', geometry: null, properties: { href: 'c.tif' } }])))).toEqual([{ task: 'c.tif', href: here('c.tif') }]);
  });

  it('is no folder, no bucket, and no plain list of files', async () => {
    await mkdir(join(folder, 'some.d'), { recursive: true });
    for (const path of [join(folder, 'some.d'), 's3://bucket/items.parquet', await written('list.json', '["a.tif"]'), await written('list.txt', 'a.tif')]) expect(await tasksOfPlaces(path), path).toBeNull();
  });

  it.each([
    ['two bands in files of their own', { red: { href: 'r.tif', type: tiff, roles: ['data'] }, nir: { href: 'n.tif', type: tiff, roles: ['data'] } }, undefined, /Record 1 of .*several assets that may be meant: red, nir\. Say which with --asset/],
    ['no GeoTIFF', { data: { href: 'd.nc', type: 'application/netcdf', roles: ['data'] } }, undefined, /no GeoTIFF among its assets: data/],
    ['an asset that is not there', scene('a.tif'), 'visual', /no asset 'visual'; it has stack, thumbnail, mask/],
    ['nothing', {}, undefined, /names no file: it has neither assets nor one of the columns path, href/],
  ])('says what is wrong: %s', async (_, assets, asset, message) => {
    await expect(tasksOf(await written('odd.json', collectionOf([item('a', assets)])), asset)).rejects.toThrow(message);
  });

  it('takes the asset that is asked for', async () => {
    expect(await tasksOf(await written('named.json', collectionOf([item('a', scene('a.tif'))])), 'mask')).toEqual([{ task: 'S2/a.tif', href: here('mask.tif') }]);
  });

  it.each(['json', 'ndjson'])('of 10,000 items is read with little memory (%s)', async (ending) => {
    const path = join(folder, `many.${ending}`);
    const out = createWriteStream(path);
    const rest = 'x'.repeat(6000);
    if (ending === 'json') out.write('{"type":"FeatureCollection","features":[');
    for (let i = 0; i < 10_000; i++) {
      const text = JSON.stringify(item(`scene-${i}`, scene(`scenes/${i}.tif`), { description: rest }));
      if (!out.write(ending === 'json' ? `${i === 0 ? '' : ','}${text}` : `${text}\n`)) await once(out, 'drain');
    }
    out.end(ending === 'json' ? ']}' : '');
    await once(out, 'finish');
    const { stdout } = await promisify(execFile)(process.execPath, ['test/grid/list-places.ts', path]);
    const { tasks, kibibytes } = JSON.parse(stdout) as { tasks: number; kibibytes: number };
    expect(tasks).toBe(10_000);
    expect(kibibytes).toBeLessThan(300 * 1024);
    await rm(path);
  }, 60_000);
});

describe('a grid over a list of places', () => {
  it('takes files of this machine and of a server, and names outputs by collection and item', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/b.tif?sig=1' ? 200 : 404;
      response.end(request.url === '/b.tif?sig=1' ? 'pixels of b' : 'no');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await written('a.tif', 'pixels of a');
    const list = await written('both.json', collectionOf([item('a', scene('./a.tif')), item('b', scene(`${base}/b.tif?sig=1`)), item('c', scene(`${base}/c.tif?sig=secret`))]));
    const run: GridRun = {
      grid: join(folder, 'grid'), input: list, output: join(folder, 'out'), purpose: { operator: 'pca@sha256:1' }, leaseMs: 60_000, maxAttempts: 1, retry: false,
      tasks: (await tasksOfPlaces(list))!, process: (input, output) => copyFile(input, output),
    };
    const report = await runGrid(run, { s3: null, databaseUrl: null, log: silentLog }, new AbortController().signal, () => {});
    // A plain list may name the same files.
    const csv = await written('plain.csv', `name,path\nfirst,a.tif\nsecond,"${base}/b.tif?sig=1"\n`);
    const { tasks: _, ...plain } = { ...run, grid: join(folder, 'grid-csv'), input: csv, output: join(folder, 'out-csv') };
    expect(await runGrid(plain, { s3: null, databaseUrl: null, log: silentLog }, new AbortController().signal, () => {})).toMatchObject({ total: 2, done: 2, failed: 0 });
    server.close();
    expect(report).toMatchObject({ total: 3, done: 2, failed: 1 });
    expect(report.failures.map(({ task, reason }) => [task, reason])).toEqual([['S2/c.tif', `${base}/c.tif can't be had: its server answers 404.`]]);
    expect((await readdir(join(folder, 'out/S2'))).sort()).toEqual(['a.tif', 'b.tif']);
    expect(await readFile(join(folder, 'out/S2/b.tif'), 'utf8')).toBe('pixels of b');
  });

  it('refuses one task with two files', async () => {
    const list = await written('twice.json', collectionOf([item('a', scene('a.tif')), item('a', scene('other.tif'))]));
    const run = { grid: join(folder, 'grid2'), input: list, output: join(folder, 'out2'), purpose: {}, leaseMs: 60_000, maxAttempts: 1, retry: false, tasks: (await tasksOfPlaces(list))!, process: async () => {} };
    await expect(runGrid(run, { s3: null, databaseUrl: null, log: silentLog }, new AbortController().signal, () => {})).rejects.toThrow(/has 'S2\/a\.tif' twice, with different files/);
  });
});
