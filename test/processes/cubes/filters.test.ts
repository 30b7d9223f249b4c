import { describe, expect, it } from 'vitest';
import type { CubeAttributes } from '../../../src/cube/cube.ts';
import type { Grid } from '../../../src/geo/grid.ts';
import { callback, codeOf, fingerprint, grid, run, runCube, sample, values } from './harness.ts';

const days = ['2024-01-01T00:00:00Z', '2024-01-11T00:00:00Z', '2024-01-21T00:00:00Z'];

describe('filter_bbox', () => {
  const cube = sample({ grid: grid(4, 3) });
  const box = (west: number, south: number, east: number, north: number) => ({ west, south, east, north, crs: 32631 });

  it('keeps the pixels whose centre is inside or on the edge', async () => {
    const cropped = await runCube('filter_bbox', { data: cube, extent: box(600_005, 5_599_976, 600_024, 5_599_995) });
    expect(cropped.grid).toMatchObject({ originX: 600_000, originY: 5_600_000, width: 2, height: 2 });
    expect(await values(cropped)).toEqual([0, 1, 4, 5]);
  });

  it('gives the source\'s own pixels beyond its extent', async () => {
    const cropped = await runCube('filter_bbox', { data: cube, extent: box(600_010, 5_599_980, 600_020, 5_599_990) });
    expect(await values(cropped)).toEqual([5]);
    expect(await values(cropped, [-1, -1], [3, 4])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(await values(cropped, [-2, 0], [1, 2])).toEqual([null, null]);
  });

  it('gives the fingerprint of the same cells of the source', async () => {
    const a = await runCube('filter_bbox', { data: cube, extent: box(600_010, 5_599_980, 600_030, 5_599_990) });
    expect(await fingerprint(a)).toBe(await cube.fingerprint({ start: [1, 1], size: [1, 2] }));
  });

  it('takes boxes in other reference systems, degrees unless told otherwise', async () => {
    const around = { west: 4.4, east: 4.5, south: 50, north: 51 };
    expect((await runCube('filter_bbox', { data: cube, extent: around })).shape).toEqual([3, 4]);
    const { west, south, east, north } = { west: 4.0, south: 50, east: 4.1, north: 51 };
    expect((await runCube('filter_bbox', { data: cube, extent: { west, south, east, north } })).shape).toEqual([0, 0]);
  });

  it.each([
    ['no width', box(600_010, 5_599_980, 600_010, 5_599_990), 'ProcessParameterInvalid'],
    ['south above north', box(600_000, 5_599_990, 600_010, 5_599_980), 'ProcessParameterInvalid'],
    ['an edge that is no number', { ...box(0, 0, 1, 1), east: 'x' }, 'ProcessParameterInvalid'],
    ['a height', { ...box(0, 0, 1, 1), base: 0, height: 3 }, 'ProcessParameterInvalid'],
    ['an unknown reference system', { ...box(0, 0, 1, 1), crs: 999_999 }, 'ProcessParameterInvalid'],
  ])('refuses a box with %s', async (_, extent, code) => {
    expect(await codeOf(run('filter_bbox', { data: cube, extent }))).toBe(code);
  });

  it('crosses the antimeridian with west greater than east, in cubes on either side and around the globe', async () => {
    const globe: Grid = { crs: 'EPSG:4326', originX: -180, originY: 1, stepX: 45, stepY: 1, width: 8, height: 2 };
    const data = sample({ grid: globe });
    const across = { west: 100, east: -100, south: -1, north: 1 };
    const cropped = await runCube('filter_bbox', { data, extent: across });
    expect(cropped.grid).toEqual({ ...globe, originX: 90, width: 4 });
    expect(await values(cropped)).toEqual([6, 7, 0, 1, 14, 15, 8, 9]);
    expect(await values(cropped, [1, 1], [1, 2])).toEqual([15, 8]);
    expect(await values(cropped, [0, -1], [1, 6])).toEqual([5, 6, 7, 0, 1, 2]);
    expect(await fingerprint(cropped)).not.toBe(await fingerprint(await runCube('filter_bbox', { data, extent: { ...across, west: 0, east: 180 } })));
    // A cube that itself goes on beyond 180, and a box by its name in the west.
    const beyond = sample({ grid: { ...globe, originX: 135, width: 2 } });
    expect(await values(await runCube('filter_bbox', { data: beyond, extent: { west: -179, east: -140, south: 0, north: 1 } }))).toEqual([1]);
    expect(await values(await runCube('filter_bbox', { data: beyond, extent: across }))).toEqual([0, 1, 2, 3]);
    // A map of the world in metres.
    const map = sample({ grid: { ...globe, crs: 'EPSG:3857', originX: -20_037_508.342789244, originY: 100_000, stepX: 5_009_377.085697311, stepY: 100_000 } });
    expect(await values(await runCube('filter_bbox', { data: map, extent: { ...across, south: -0.5, north: 0.5 } }))).toEqual([6, 7, 0, 1, 14, 15, 8, 9]);
    // Cells that do not fit around the globe can't be put side by side.
    const odd = sample({ grid: { ...globe, stepX: 44, width: 8 } });
    await expect(run('filter_bbox', { data: odd, extent: across })).rejects.toThrow(/'extent'.*crosses the antimeridian/);
    expect(await codeOf(run('filter_bbox', { data, extent: { ...across, crs: 32631 } }))).toBe('ProcessParameterInvalid');
  });

  it('filters irregular cubes by their labels', async () => {
    const irregular = cube.with({ grid: null, dimensions: [{ ...cube.dimensions[0]!, labels: [9, 5, 4] }, { ...cube.dimensions[1]!, labels: [1, 2, 5, 9] }] });
    const cropped = await runCube('filter_bbox', { data: irregular, extent: { west: 2, south: 4, east: 9, north: 5 } });
    expect(cropped.labels('x')).toEqual([2, 5, 9]);
    expect(cropped.labels('y')).toEqual([5, 4]);
    expect(await values(cropped)).toEqual([5, 6, 7, 9, 10, 11]);
  });
});

describe('filter_temporal', () => {
  const cube = sample({ t: days, grid: grid(2, 2) });

  it('includes the start and excludes the end', async () => {
    const filtered = await runCube('filter_temporal', { data: cube, extent: ['2024-01-11', '2024-01-21'] });
    expect(filtered.labels('t')).toEqual(['2024-01-11T00:00:00Z']);
    expect(await values(filtered)).toEqual([4, 5, 6, 7]);
    expect(filtered.grid).toEqual(cube.grid);
  });

  it.each([[['2024-01-21', '2024-01-21'], 'TemporalExtentEmpty'], [[null, null], 'ProcessParameterInvalid'], [['yesterday', null], 'ProcessParameterInvalid']])('refuses %j', async (extent, code) => {
    expect(await codeOf(run('filter_temporal', { data: cube, extent }))).toBe(code);
  });

  it('refuses a dimension that is not temporal', async () => {
    expect(await codeOf(run('filter_temporal', { data: cube, extent: ['2024-01-01', null], dimension: 'x' }))).toBe('DimensionNotAvailable');
  });
});

describe('filter_bands', () => {
  const attributes: CubeAttributes = {
    bands: [{ name: 'B02', common_name: 'blue', center_wavelength: 0.49 }, { name: 'B04', common_name: 'red', center_wavelength: 0.665 }, { name: 'B08', common_name: 'nir', center_wavelength: 0.842 }],
    encoding: { method: 'int8', dtype: 'int8', scale: [1, 2, 3], offset: [4, 5, 6], nodata: -128 },
    operator: 'pca@sha256:0',
  };
  const cube = sample({ bands: ['B02', 'B04', 'B08'], grid: grid(2, 1), attributes });

  it('picks by name, common name and wavelength in the order of the criteria', async () => {
    const picked = await runCube('filter_bands', { data: cube, bands: ['nir', 'B02'], wavelengths: [[0.6, 0.7]] });
    expect(picked.labels('bands')).toEqual(['B08', 'B02', 'B04']);
    expect(await values(picked)).toEqual([4, 5, 0, 1, 2, 3]);
  });

  it('keeps what is known of the bands that stay', async () => {
    const { attributes: kept } = await runCube('filter_bands', { data: cube, bands: ['B08', 'blue'] });
    expect(kept.bands?.map((b) => b.common_name)).toEqual(['nir', 'blue']);
    expect(kept.encoding).toMatchObject({ scale: [3, 1], offset: [6, 4] });
    expect(kept.operator).toBe('pca@sha256:0');
  });

  it('has the fingerprint of the bands it shows', async () => {
    const one = await runCube('filter_bands', { data: cube, bands: ['B04', 'B08'] });
    expect(await fingerprint(one)).toBe(await cube.fingerprint({ start: [1, 0, 0], size: [2, 1, 2] }));
    const turned = await runCube('filter_bands', { data: cube, bands: ['B08', 'B04'] });
    expect(await fingerprint(turned)).not.toBe(await fingerprint(one));
  });
});

describe('filter_labels', () => {
  it('asks the condition for every label', async () => {
    const condition = callback('text_ends', { data: { from_parameter: 'value' }, pattern: '2' });
    const filtered = await runCube('filter_labels', { data: sample({ bands: ['a1', 'a2', 'b2'] }), condition, dimension: 'bands' });
    expect(filtered.labels('bands')).toEqual(['a2', 'b2']);
    expect(await values(filtered)).toEqual([1, 2]);
  });
});
