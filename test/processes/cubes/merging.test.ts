import { describe, expect, it } from 'vitest';
import { callback, codeOf, fingerprint, grid, run, runCube, sample, values } from './harness.ts';

const days = ['2024-01-01T00:00:00Z', '2024-01-11T00:00:00Z'];
const bySum = callback('add', { x: { from_parameter: 'x' }, y: { from_parameter: 'y' } });

describe('merge_cubes', () => {
  const cube1 = sample({ bands: ['a', 'b'], grid: grid(2, 1), attributes: { bands: [{ name: 'a', common_name: 'red' }, { name: 'b' }], sources: ['c/1'] } });

  it('puts bands beside bands', async () => {
    const cube2 = sample({ bands: ['c'], grid: grid(2, 1), dtype: 'uint8', value: (i) => 10 + i, attributes: { bands: [{ name: 'c', common_name: 'nir' }], sources: ['c/2'] } });
    const merged = await runCube('merge_cubes', { cube1, cube2 });
    expect(merged.labels('bands')).toEqual(['a', 'b', 'c']);
    expect(merged.dtype).toBe('float32');
    expect(merged.attributes).toMatchObject({ bands: [{ common_name: 'red' }, { name: 'b' }, { common_name: 'nir' }], sources: ['c/1', 'c/2'] });
    expect(await values(merged)).toEqual([0, 1, 2, 3, 10, 11]);
    expect(await values(merged, [1, 0, 1], [2, 1, 1])).toEqual([3, 11]);
  });

  it('sorts dates and keeps instants apart from their spelling', async () => {
    const late = sample({ t: [days[1]!, '2024-02-01T00:00:00Z'], grid: grid(1, 1) });
    const early = sample({ t: ['2024-01-05T00:00:00.000Z', '2024-01-11T00:00:00.000Z'], grid: grid(1, 1), value: (i) => i + 10 });
    const merged = await runCube('merge_cubes', { cube1: late, cube2: early, overlap_resolver: bySum });
    expect(merged.labels('t')).toEqual(['2024-01-05T00:00:00.000Z', days[1], '2024-02-01T00:00:00Z']);
    expect(await values(merged)).toEqual([10, 11, 1]);
  });

  it('repeats a cube along the dimensions it lacks, whichever it is', async () => {
    const plane = sample({ grid: grid(2, 1), value: (i) => 100 * (i + 1) });
    const resolver = callback('subtract', { x: { from_parameter: 'x' }, y: { from_parameter: 'y' } });
    const merged = await runCube('merge_cubes', { cube1, cube2: plane, overlap_resolver: resolver });
    expect(await values(merged)).toEqual([-100, -199, -98, -197]);
    const turned = await runCube('merge_cubes', { cube1: plane, cube2: cube1, overlap_resolver: resolver });
    expect(turned.dimensions.map((d) => d.name)).toEqual(['bands', 'y', 'x']);
    expect(await values(turned)).toEqual([100, 199, 98, 197]);
    expect(await codeOf(run('merge_cubes', { cube1, cube2: plane }))).toBe('OverlapResolverMissing');
  });

  it('reads beyond equal extents, so that halos stay real', async () => {
    const crop = { west: 600_010, south: 5_599_990, east: 600_020, north: 5_600_000, crs: 32631 };
    const part = await runCube('filter_bbox', { data: sample({ bands: ['a'], grid: grid(3, 1) }), extent: crop });
    const other = await runCube('filter_bbox', { data: sample({ bands: ['b'], grid: grid(3, 1), value: (i) => i + 10 }), extent: crop });
    const merged = await runCube('merge_cubes', { cube1: part, cube2: other });
    expect(await values(merged, [0, 0, -1], [2, 1, 3])).toEqual([0, 1, 2, 10, 11, 12]);
  });

  it('makes one grid around two extents', async () => {
    const right = sample({ grid: grid(2, 2, { originX: 600_010 }), value: (i) => i + 10 });
    const merged = await runCube('merge_cubes', { cube1: sample({ grid: grid(2, 1) }), cube2: right, overlap_resolver: bySum });
    expect(merged.grid).toEqual(grid(3, 2));
    expect(await values(merged)).toEqual([0, 11, 11, null, 12, 13]);
    const apart = sample({ grid: grid(1, 1, { originX: 600_030 }), value: () => 7 });
    expect(await values(await runCube('merge_cubes', { cube1: sample({ grid: grid(2, 1) }), cube2: apart }))).toEqual([0, 1, null, 7]);
  });

  it('brings the second cube to the lattice of the first, but never embeddings', async () => {
    const fine = sample({ bands: ['c'], grid: grid(4, 2, { stepX: 5, stepY: 5 }) });
    const merged = await runCube('merge_cubes', { cube1, cube2: fine });
    expect(await values(merged)).toEqual([0, 1, 2, 3, 5, 7]);
    const vectors = sample({ bands: ['c'], grid: grid(4, 2, { stepX: 5, stepY: 5 }), attributes: { operator: 'pca@sha256:0' } });
    await expect(run('merge_cubes', { cube1, cube2: vectors })).rejects.toThrow(/cube2.*resample the raw data before compress_embed/);
  });

  it('has a fingerprint of both cubes and the resolver', async () => {
    const of = async (cube2: unknown, more = {}) => fingerprint(await runCube('merge_cubes', { cube1, cube2, ...more }));
    const one = sample({ bands: ['c'], grid: grid(2, 1) });
    expect(await of(one)).toBe(await of(sample({ bands: ['c'], grid: grid(2, 1) })));
    expect(await of(one)).not.toBe(await of(sample({ bands: ['c'], grid: grid(2, 1), value: (i) => i + 1 })));
    const bothWays = [bySum, callback('max', { data: [{ from_parameter: 'x' }, { from_parameter: 'y' }] })];
    const [a, b] = await Promise.all(bothWays.map((overlap_resolver) => of(cube1, { overlap_resolver })));
    expect(a).not.toBe(b);
  });
});

describe('mask', () => {
  const data = sample({ t: days, grid: grid(2, 1), dtype: 'uint8', attributes: { operator: 'pca@sha256:0' } });
  const mask = sample({ grid: grid(2, 1), dtype: 'bool', value: (i) => i });

  it('hides what the mask sets, on every label it lacks', async () => {
    const masked = await runCube('mask', { data, mask });
    expect(await values(masked)).toEqual([0, null, 2, null]);
    expect(masked.dtype).toBe('uint8');
    expect(masked.attributes.operator).toBe('pca@sha256:0');
    expect((await data.read(data.fullWindow())).nulls).toBeNull();
  });

  it('does not take no-data in the mask for set', async () => {
    expect(await values(await runCube('mask', { data, mask: sample({ grid: grid(2, 1), value: (i) => (i ? null : 5) }) }))).toEqual([null, 1, null, 3]);
  });

  it('puts in a replacement, in a type that holds it', async () => {
    const masked = await runCube('mask', { data, mask, replacement: -1 });
    expect(masked.dtype).toBe('int16');
    expect(await values(masked)).toEqual([0, -1, 2, -1]);
    expect(masked.attributes.operator).toBeUndefined();
  });

  it('finds the pixels of a mask with another extent', async () => {
    const wide = sample({ grid: grid(4, 3, { originX: 599_990, originY: 5_600_010 }), value: (i) => (i === 5 ? 1 : 0) });
    expect(await values(await runCube('mask', { data, mask: wide }))).toEqual([null, 1, null, 3]);
  });

  it('refuses other dimensions, other labels and replacements of another kind', async () => {
    expect(await codeOf(run('mask', { data, mask: sample({ bands: ['a'], grid: grid(2, 1) }) }))).toBe('IncompatibleDataCubes');
    expect(await codeOf(run('mask', { data, mask: sample({ t: ['2020-01-01', '2020-02-01'], grid: grid(2, 1) }) }))).toBe('IncompatibleDataCubes');
    expect(await codeOf(run('mask', { data, mask, replacement: true }))).toBe('ProcessParameterInvalid');
  });
});

describe('ndvi', () => {
  const bands = [{ name: 'B04', common_name: 'red' }, { name: 'B08', common_name: 'nir' }];
  const data = sample({ bands: ['B04', 'B08'], grid: grid(3, 1), dtype: 'uint16', attributes: { bands }, value: (i) => [1000, 0, null, 3000, 0, 5][i]! });

  it('computes the index, undefined where both are zero, no-data where one is', async () => {
    const index = await runCube('ndvi', { data });
    expect(index.dimensions.map((d) => d.name)).toEqual(['y', 'x']);
    expect(await values(index)).toEqual([0.5, NaN, null]);
  });

  it('adds it to the bands when it gets a name', async () => {
    const index = await runCube('ndvi', { data, target_band: 'ndvi' });
    expect(index.labels('bands')).toEqual(['B04', 'B08', 'ndvi']);
    expect(await values(index)).toEqual([1000, 0, null, 3000, 0, 5, 0.5, NaN, null]);
    expect(await values(index, [2, 0, 0], [1, 1, 1])).toEqual([0.5]);
  });

  it.each([
    ['NirBandAmbiguous', { nir: 'B8A' }], ['RedBandAmbiguous', { red: 'B05' }], ['BandExists', { target_band: 'B08' }],
  ])('says %s', async (code, args) => {
    expect(await codeOf(run('ndvi', { data, ...args }))).toBe(code);
  });

  it('needs a dimension of bands', async () => {
    expect(await codeOf(run('ndvi', { data: sample({ grid: grid(1, 1) }) }))).toBe('DimensionAmbiguous');
  });
});
