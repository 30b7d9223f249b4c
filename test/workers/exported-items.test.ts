/** Items of saved results, made without a run. */
import { expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../src/cube/dimension.ts';
import type { ProcessGraph } from '../../src/graph/wire.ts';
import type { StoredFile } from '../../src/jobs/results.ts';
import { exportedItems, isLoadable } from '../../src/workers/exported-items.ts';
import { registry as operators, utmGrid } from '../layers/fixtures.ts';

const grid = utmGrid(4, 4);
const file = (name: string, more: Partial<StoredFile> = {}): StoredFile => ({
  objectKey: `results/j/1/${name}`, name, mediaType: 'image/tiff; application=geotiff; profile=cloud-optimized', roles: ['data'], sizeBytes: 9,
  metadata: { 'proj:code': grid.crs, 'proj:shape': [4, 4], 'proj:transform': [10, 0, grid.originX, 0, -10, grid.originY], bands: [{ name: 'a' }] }, ...more,
});
const cubeOf = (sources: readonly string[]) => arrayCube({ dimensions: [bandsDimension(['a']), ...spatialDimensions(grid)], grid, dtype: 'uint8', data: new Uint8Array(16), attributes: { sources } });
const items = (origin: ProcessGraph, sources: readonly string[], files: readonly StoredFile[] = [file('result.tif')]) => exportedItems(
  { cube: cubeOf(sources), origin, files },
  { catalog: { get: () => Promise.resolve(null) }, operators, collection: 'c', jobId: 'j', keyOf: ({ name }) => `exports/c/${name}` },
);
const stac = (url: string): ProcessGraph => ({ load: { process_id: 'load_stac', arguments: { url }, result: true } });

it('tell nobody the keys in URLs', async () => {
  const [item] = await items(stac('https://example.org/i.json?token=SECRET'), ['https://example.org/i.json?token=SECRET']);
  expect(JSON.stringify(item)).not.toContain('SECRET');
  expect(item!.links).toMatchObject([{ rel: 'derived_from', href: 'https://example.org/i.json', title: 'i.json' }]);
});

it('tell how they were made where no key is in it', async () => {
  const [item] = await items(stac('https://example.org/i.json'), []);
  expect(item!.properties['processing:expression']).toEqual({ format: 'openeo', expression: { process_graph: stac('https://example.org/i.json') } });
});

it('are of now when nothing else is known', async () => {
  const before = Date.now();
  const [item] = await items(stac('https://example.org/i.json'), ['https://example.org/i.json']);
  expect(Date.parse(item!.properties.datetime!)).toBeGreaterThanOrEqual(before);
});

it('have no lattice where load_collection could not read the file', async () => {
  const wkt = file('result.tif', { metadata: { ...file('x').metadata, 'proj:code': null } });
  expect([isLoadable(file('a.tif')), isLoadable(wkt), isLoadable(file('a.nc', { mediaType: 'application/x-netcdf' }))]).toEqual([true, false, false]);
  const [item] = await items({}, [], [wkt]);
  expect(item!.assets['data']).not.toHaveProperty('proj:transform');
});

it('are one per date, in the words of catalogs', async () => {
  const made = await items({}, [], [file('r_2021-05.tif', { datetime: '2021-05' }), file('r_2021-06.tif', { datetime: '2021-06' })]);
  expect(made.map(({ id, properties }) => [id, properties.datetime])).toEqual([['j_r_2021-05', '2021-05-01T00:00:00Z'], ['j_r_2021-06', '2021-06-01T00:00:00Z']]);
});
