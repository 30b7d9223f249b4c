import { describe, expect, it } from 'vitest';
import type { Cube } from '../../../src/cube/cube.ts';
import { findGeometries } from '../../../src/cube/geometries.ts';
import { isInside, lineLength } from '../../../src/geo/measure.ts';
import { positionsOf, type Geometry } from '../../../src/geo/geometry.ts';
import { callback, codeOf, fingerprint, grid, recordingScope, reducer, run, runCube, sample, values } from './harness.ts';

const UTM = { type: 'name', properties: { name: 'urn:ogc:def:crs:EPSG::32631' } };
const box = (west: number, south: number, east: number, north: number) => ({ type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] });
const feature = (geometry: unknown, properties: object = {}, id?: string | number) => ({ type: 'Feature', geometry, properties, ...(id !== undefined && { id }) });
const collection = (...features: object[]) => ({ type: 'FeatureCollection', crs: UTM, features });
const load = (...features: object[]) => runCube('load_geojson', { data: collection(...features) });
const shapesOf = (cube: Cube): readonly Geometry[] => findGeometries(cube)!.geometries.shapes;
const labelsOf = (cube: Cube) => cube.labels(findGeometries(cube)!.name);

const left = box(600_000, 5_599_960, 600_020, 5_600_000);
const right = box(600_021, 5_599_961, 600_039, 5_599_979);
const far = box(700_000, 5_599_960, 700_020, 5_600_000);

describe('load_geojson', () => {
  it('keeps ids, properties and the reference system', async () => {
    const cube = await load(feature(left, { crop: 'maize' }, 'a'), feature(null, {}, 7), feature(right));
    const { geometries, labels, type } = findGeometries(cube)!;
    expect({ crs: geometries.crs, labels, type }).toEqual({ crs: 'EPSG:32631', labels: ['a', '7', 2], type: 'geometry' });
    expect(geometries.properties).toEqual([{ crop: 'maize' }, {}, {}]);
    expect(await values(cube)).toEqual([null, null, null]);
    expect(await run('dimension_labels', { data: cube, dimension: 'geometry' })).toEqual([
      'POLYGON ((600000 5599960, 600020 5599960, 600020 5600000, 600000 5600000, 600000 5599960))', 'GEOMETRYCOLLECTION EMPTY',
      expect.stringMatching(/^POLYGON \(\(600021/),
    ]);
  });

  it('makes values of properties', async () => {
    const data = collection(feature(left, { n: 1, ok: true, list: [1, 2], text: 'x' }), feature(right, { n: null, list: [3] }));
    const two = await runCube('load_geojson', { data, properties: ['n', 'ok'] });
    expect(two.dimensions.map(({ name, type, labels }) => [name, type, labels])).toEqual([['geometry', 'geometry', [0, 1]], ['properties', 'other', ['n', 'ok']]]);
    expect(await values(two)).toEqual([1, 1, null, null]);
    expect(await values(await runCube('load_geojson', { data, properties: ['ok'] }))).toEqual([true, null]);
    const list = await runCube('load_geojson', { data, properties: ['list'] });
    expect([list.labels('properties'), await values(list)]).toEqual([[0, 1], [1, 2, 3, null]]);
    await expect(run('load_geojson', { data, properties: ['text'] })).rejects.toThrow(/'properties'.*'text' holds texts/);
    await expect(run('load_geojson', { data, properties: ['crop'] })).rejects.toThrow(/no feature has a property 'crop'; there are n, ok, list, text/);
  });

  it.each([
    ['crs', { ...left, crs: { type: 'name', properties: { name: 'EPSG:1' } } }, /no known reference system/],
    ['degrees', left, /not longitude and latitude.*crs/],
    ['open ring', { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1], [0, 1]]] }, /must end at the position where it begins/],
    ['short ring', { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [0, 0]]] }, /at least four positions/],
    ['point of a line', { type: 'LineString', coordinates: [[0, 0]] }, /at least two/],
    ['infinite', { type: 'Point', coordinates: [Infinity, 0] }, /two or three numbers/],
    ['unknown type', { type: 'Feature', geometry: { type: 'Circle', coordinates: [] } }, /'Circle' is no GeoJSON geometry type/],
    ['collections', { type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [0, 0] }] }, /GeometryCollection is not supported/],
    ['no features', { type: 'FeatureCollection', features: [] }, /not empty/],
    ['second feature', { type: 'FeatureCollection', features: [feature({ type: 'Point', coordinates: [1, 2] }), feature({ type: 'Point', coordinates: [1] })] }, /feature 1/],
  ])('refuses %s', async (_, data, message) => {
    await expect(run('load_geojson', { data })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringMatching(message) as string });
  });
});

describe('aggregate_spatial', () => {
  const cells = grid(4, 4);
  const cube = sample({ t: ['2021-01-01', '2021-02-01'], bands: ['a', 'b'], grid: cells, dtype: 'uint16' });
  const zones = collection(feature(left, { name: 'left' }), feature(right), feature(far), feature(null));
  const aggregate = (args: object, data = cube) => runCube('aggregate_spatial', { data, geometries: zones, reducer: reducer('mean'), ...args });

  it('reduces the pixels of each geometry, date and band', async () => {
    const result = await aggregate({});
    expect(result.dimensions.map(({ name, size }) => [name, size])).toEqual([['geometry', 4], ['t', 2], ['bands', 2]]);
    // Left: columns 0 and 1 of four rows; right: columns 2 and 3 of rows 2 and 3.
    const mean = (list: number[], base: number) => list.reduce((a, b) => a + b, 0) / list.length + base;
    const own = [0, 1, 4, 5, 8, 9, 12, 13];
    const other = [10, 11, 14, 15];
    const none = [null, null, null, null];
    expect(await values(result)).toEqual([...[0, 16, 32, 48].map((base) => mean(own, base)), ...[0, 16, 32, 48].map((base) => mean(other, base)), ...none, ...none]);
    expect(findGeometries(result)!.geometries.properties![0]).toEqual({ name: 'left' });
    expect(result.dtype).toBe('float64');
    expect(await values(result, [1, 1, 0], [1, 1, 2])).toEqual([mean(other, 32), mean(other, 48)]);
  });

  it('counts pixels on request', async () => {
    const gaps = sample({ grid: cells, value: (i) => (i === 10 ? null : i === 11 ? NaN : i) });
    const result = await aggregate({ target_dimension: 'facts', reducer: callback('max', { data: { from_parameter: 'data' }, ignore_nodata: true }) }, gaps);
    expect(result.labels('facts')).toEqual(['value', 'total_count', 'valid_count']);
    const all = await values(result);
    expect(all.slice(0, 3)).toEqual([13, 8, 8]);
    expect(all.slice(4, 6)).toEqual([4, 2]);
    expect(all.slice(6, 9)).toEqual([null, 0, 0]);
    expect(all.slice(9)).toEqual([null, null, null]);
    expect(await values(result, [1, 1], [1, 2])).toEqual([4, 2]);
    expect(await codeOf(aggregate({ target_dimension: 'bands' }))).toBe('TargetDimensionExists');
    expect(await codeOf(aggregate({ target_dimension: 'geometry' }))).toBe('TargetDimensionExists');
  });

  it('takes vector cubes, whatever their dimension is called, and any order of dimensions', async () => {
    const geometries = await runCube('rename_dimension', { data: await load(feature(left), feature(right)), source: 'geometry', target: 'fields' });
    const turned = await runCube('reduce_dimension', { data: cube, dimension: 't', reducer: reducer('max') });
    const result = await aggregate({ geometries }, turned);
    expect(result.dimensions.map((d) => d.name)).toEqual(['fields', 'bands']);
    expect(await values(result)).toEqual([38.5, 54.5, 44.5, 60.5]);
    const clash = await runCube('rename_dimension', { data: geometries, source: 'fields', target: 'bands' });
    await expect(aggregate({ geometries: clash }, turned)).rejects.toThrow(/rename_dimension/);
  });

  it('computes sums to the last digit, and reads each block once for all geometries', async () => {
    const wide = sample({ grid: grid(600, 40), dtype: 'uint16', value: () => 65_535, attributes: { blockSize: 64 } });
    const reads: number[][] = [];
    const counted = wide.with({ read: (window, signal) => { reads.push([...window.start, ...window.size]); return wide.read(window, signal); } });
    const strips = collection(...Array.from({ length: 30 }, (_, i) => feature(box(600_000, 5_599_601 + i * 10, 606_000, 5_599_609 + i * 10))));
    const result = await aggregate({ geometries: strips, reducer: reducer('sum') }, counted);
    expect(new Set(await values(result))).toEqual(new Set([600 * 65_535]));
    expect(reads.length).toBe(10);
  });

  it('has fingerprints for geometries, reducer and pixels', async () => {
    const prints = await Promise.all([aggregate({}), aggregate({ reducer: reducer('max') }), aggregate({ geometries: collection(feature(left)) }), aggregate({}, sample({ t: ['2021-01-01', '2021-02-01'], bands: ['a', 'b'], grid: cells, dtype: 'uint16', value: (i) => i + 1 }))].map(async (c) => fingerprint(await c)));
    expect(new Set(prints).size).toBe(4);
    expect(await fingerprint(await aggregate({}))).toBe(prints[0]);
  });

  it('refuses cubes without pixels and reducers that give arrays', async () => {
    expect(await codeOf(aggregate({}, sample({ t: ['2021-01-01'] })))).toBe('ProcessParameterInvalid');
    expect(await codeOf(aggregate({ reducer: reducer('sort') }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(aggregate({ geometries: { type: 'Point' } }))).toBe('ProcessParameterInvalid');
  });
});

describe('mask_polygon and filter_spatial', () => {
  const cube = sample({ bands: ['a'], grid: grid(4, 4), dtype: 'uint8', value: (i) => (i === 0 ? null : i) });
  const polygon = { ...right, crs: UTM };
  const inside = [10, 11, 14, 15];

  it('replaces what lies outside, or inside, and leaves no-data', async () => {
    const all = Array.from({ length: 16 }, (_, i) => i);
    expect(await values(await runCube('mask_polygon', { data: cube, mask: polygon }))).toEqual(all.map((i) => (inside.includes(i) ? i : null)));
    expect(await values(await runCube('mask_polygon', { data: cube, mask: polygon, inside: true }))).toEqual(all.map((i) => (i === 0 || inside.includes(i) ? null : i)));
    const replaced = await runCube('mask_polygon', { data: cube, mask: polygon, replacement: -1.5 });
    expect(replaced.dtype).toBe('float32');
    expect(await values(replaced)).toEqual(all.map((i) => (i === 0 ? null : inside.includes(i) ? i : -1.5)));
    expect(await values(await runCube('mask_polygon', { data: cube, mask: { ...far, crs: UTM }, inside: true, replacement: 300 }))).toEqual(await values(cube));
  });

  it('reads nothing where nothing is kept', async () => {
    const reads: unknown[] = [];
    const counted = cube.with({ read: (window, signal) => { reads.push(window); return cube.read(window, signal); } });
    const masked = await runCube('mask_polygon', { data: counted, mask: polygon });
    expect(await values(masked, [0, 0, 0], [1, 2, 4])).toEqual(new Array(8).fill(null));
    expect(reads).toEqual([]);
  });

  it('wants polygons and a fitting replacement', async () => {
    expect(await codeOf(run('mask_polygon', { data: cube, mask: { type: 'Point', coordinates: [3, 50] } }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('mask_polygon', { data: cube, mask: polygon, replacement: 'x' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('mask_polygon', { data: cube, mask: polygon, replacement: true }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('mask_polygon', { data: await load(feature(left)), mask: polygon }))).toBe('ProcessParameterInvalid');
  });

  it('cuts to the geometries', async () => {
    const cut = await runCube('filter_spatial', { data: cube, geometries: polygon });
    expect(cut.grid).toMatchObject({ originX: 600_020, originY: 5_599_980, width: 2, height: 2 });
    expect(await values(cut)).toEqual(inside);
    const points = await runCube('filter_spatial', { data: cube, geometries: { type: 'MultiPoint', coordinates: [[600_001, 5_599_999], [600_012, 5_599_985]], crs: UTM } });
    expect(await values(points)).toEqual([null, null, null, 5]);
    expect((await runCube('filter_spatial', { data: cube, geometries: { ...far, crs: UTM } })).shape).toEqual([1, 0, 0]);
  });

  it('of geometries keeps those that meet', async () => {
    const cube = await load(feature(left, {}, 'left'), feature(right, {}, 'right'), feature(null, {}, 'empty'));
    expect(labelsOf(await runCube('filter_spatial', { data: cube, geometries: { type: 'Point', coordinates: [600_020, 5_599_970], crs: UTM } }))).toEqual(['left']);
    const extent = { west: 600_000, south: 5_599_960, east: 600_040, north: 5_599_990, crs: 32631 };
    expect(labelsOf(await runCube('filter_bbox', { data: cube, extent }))).toEqual(['right']);
  });

  it('is what load_collection does with polygons', async () => {
    const { scope, loads } = recordingScope(cube);
    const loaded = (await run('load_collection', { id: 'c', spatial_extent: polygon, temporal_extent: null }, scope)) as Cube;
    expect(loads[0]!.spatialExtent).toEqual({ west: 600_021, south: 5_599_961, east: 600_039, north: 5_599_979, crs: 'EPSG:32631' });
    expect(loads[0]).not.toHaveProperty('polygons');
    expect(await values(loaded)).toEqual(inside);
    const load = (spatial_extent: unknown) => run('load_collection', { id: 'c', spatial_extent, temporal_extent: null }, scope);
    expect(await codeOf(load({ ...box(600_021, 5_599_961, 600_023, 5_599_963), crs: UTM }))).toBe('NoDataAvailable');
    expect(await codeOf(load({ type: 'Point', coordinates: [4.4, 50.5] }))).toBe('ProcessParameterInvalid');
  });
});

describe('vector processes', () => {
  it('filter_vector reads as "data relation geometries"', async () => {
    const data = await load(feature(left, {}, 'left'), feature(right, {}, 'right'), feature(far, {}, 'far'), feature(null, {}, 'empty'));
    const geometries = await load(feature(box(600_010, 5_599_950, 600_040, 5_600_000)), feature(box(600_040, 5_599_950, 600_050, 5_600_000)));
    const filtered = async (relation?: string) => labelsOf(await runCube('filter_vector', { data, geometries, ...(relation && { relation }) }));
    expect(await filtered()).toEqual(['left', 'right']);
    expect(await filtered('within')).toEqual(['right']);
    expect(await filtered('contains')).toEqual([]);
    expect(await filtered('overlaps')).toEqual(['left']);
    expect(await filtered('disjoint')).toEqual(['far']);
    expect(await codeOf(run('filter_vector', { data, geometries: sample({ grid: grid(2, 2) }) }))).toBe('ProcessParameterInvalid');
    const bow = await load(feature({ type: 'Polygon', coordinates: [[[600_000, 5_599_990], [600_010, 5_600_000], [600_010, 5_599_990], [600_000, 5_600_000], [600_000, 5_599_990]]] }));
    await expect(run('filter_vector', { data: bow, geometries })).rejects.toThrow(/'data'.*not valid/);
  });

  it('vector_buffer grows, shrinks and empties', async () => {
    const data = await load(feature(left, { n: 1 }, 'a'), feature({ type: 'Point', coordinates: [600_000, 5_600_000] }), feature(null));
    const [grown, disc, empty] = shapesOf(await runCube('vector_buffer', { geometries: data, distance: 10 }));
    const area = (shape: Geometry) => Math.abs(positionsOf(shape).slice(1).reduce((sum, [x, y], i) => sum + positionsOf(shape)[i]![0]! * y! - x! * positionsOf(shape)[i]![1]!, 0)) / 2;
    expect(area(grown!)).toBeCloseTo(20 * 40 + 2 * 60 * 10 + 16 * 4 * 0.5 * 100 * Math.sin(Math.PI / 32), 1);
    expect(positionsOf(disc!)).toHaveLength(65);
    expect(empty!.geometries).toEqual([]);
    const [shrunk, gone] = shapesOf(await runCube('vector_buffer', { geometries: data, distance: -9 }));
    expect(area(shrunk!)).toBeCloseTo(2 * 22, 6);
    expect(gone!.geometries).toEqual([]);
    const degrees = await runCube('load_geojson', { data: { type: 'Point', coordinates: [5, 50] } });
    expect(await codeOf(run('vector_buffer', { geometries: degrees, distance: 10 }))).toBe('UnitMismatch');
    expect(await codeOf(run('vector_buffer', { geometries: data, distance: NaN }))).toBe('ProcessParameterInvalid');
  });

  it('vector_reproject moves every position', async () => {
    const data = await runCube('load_geojson', { data: { type: 'Point', coordinates: [3, 51] } });
    const moved = await runCube('vector_reproject', { data, projection: 32631 });
    const [[x, y]] = positionsOf(shapesOf(moved)[0]!) as [[number, number]];
    expect([x, y]).toEqual([expect.closeTo(500_000, 3), expect.closeTo(5_649_824.5, 0)]);
    expect(findGeometries(moved)!.geometries.crs).toBe('EPSG:32631');
    expect(await codeOf(run('vector_reproject', { data, projection: 32631, dimension: 'space' }))).toBe('DimensionNotAvailable');
    expect(await codeOf(run('vector_reproject', { data, projection: 999_999 }))).toBe('ProcessParameterInvalid');
  });

  const ring = box(600_000, 5_599_000, 601_000, 5_600_000).coordinates[0]!;
  const hole = box(600_100, 5_599_100, 600_900, 5_599_900).coordinates[0]!;
  const holed = { type: 'Polygon', coordinates: [ring, hole] };

  it('random points lie in their geometries and come again', async () => {
    const data = await load(feature(holed, { n: 1 }, 'a'), feature({ type: 'LineString', coordinates: [[600_000, 5_600_000], [600_100, 5_600_000]] }), feature({ type: 'MultiPoint', coordinates: [[600_000, 5_600_000], [600_001, 5_600_000]] }), feature(null));
    const draw = (args: object) => runCube('vector_to_random_points', { data, seed: 5, ...args });
    const [inside, along, picked, none] = shapesOf(await draw({ geometry_count: 50 }));
    expect(positionsOf(inside!)).toHaveLength(50);
    expect(positionsOf(inside!).every(([x, y]) => isInside(holed.coordinates, x!, y!))).toBe(true);
    expect(positionsOf(along!).every(([x, y]) => y === 5_600_000 && x! >= 600_000 && x! <= 600_100)).toBe(true);
    expect(positionsOf(picked!).map(([x]) => x!).toSorted((a, b) => a - b)).toEqual([600_000, 600_001]);
    expect(none!.geometries).toEqual([]);
    expect(shapesOf(await draw({ geometry_count: 50 }))).toEqual(shapesOf(await draw({ geometry_count: 50 })));
    expect(shapesOf(await draw({ seed: 6 }))).not.toEqual(shapesOf(await draw({})));
    expect(shapesOf(await draw({ total_count: 7 })).map((shape) => positionsOf(shape).length)).toEqual([3, 2, 2, 0]);
    expect(await codeOf(draw({ total_count: 2 }))).toBe('CountMismatch');
    const single = await draw({ total_count: 7, geometry_count: 2, group: false });
    expect(shapesOf(single).map(({ type }) => type)).toEqual([...new Array(6).fill('Point'), 'GeometryCollection']);
    expect(findGeometries(single)!.geometries.properties![1]).toEqual({ n: 1 });
    expect(labelsOf(single)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await values(single)).toHaveLength(7);
  });

  it('regular points are the centres of a lattice, and steps along lines', async () => {
    const line = { type: 'LineString', coordinates: [[600_000, 5_600_000], [600_030, 5_600_040], [600_030, 5_600_050]] };
    const data = await load(feature(box(600_000, 5_599_965, 600_035, 5_600_000), {}, 'a'), feature(line), feature(box(600_000, 5_599_999, 600_001, 5_600_000)));
    const [lattice, steps, small] = shapesOf(await runCube('vector_to_regular_points', { data, distance: 20 }));
    expect(positionsOf(lattice!)).toEqual([[600_010, 5_599_990], [600_030, 5_599_990], [600_010, 5_599_970], [600_030, 5_599_970]]);
    expect(lineLength(line.coordinates)).toBe(60);
    expect(positionsOf(steps!)).toEqual([[600_000, 5_600_000], [600_012, 5_600_016], [600_024, 5_600_032], [600_030, 5_600_050]]);
    expect(positionsOf(small!)).toEqual([[600_000, 5_599_999]]);
    expect(await codeOf(run('vector_to_regular_points', { data, distance: 1e-9 }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('vector_to_regular_points', { data: await runCube('load_geojson', { data: { type: 'Point', coordinates: [5, 50] } }), distance: 5 }))).toBe('UnitMismatch');
  });
});

describe('merge_cubes of geometries', () => {
  const valued = (...features: [unknown, number, (string | number)?][]) => runCube('load_geojson', { data: collection(...features.map(([shape, n, id]) => feature(shape, { n }, id))), properties: ['n'] });
  const merge = (cube1: Cube, cube2: Cube, resolver?: string) => runCube('merge_cubes', { cube1, cube2, ...(resolver && { overlap_resolver: callback(resolver, { x: { from_parameter: 'x' }, y: { from_parameter: 'y' } }) }) });

  it('knows them by shape and id', async () => {
    const merged = await merge(await valued([left, 1, 'a'], [right, 2, 'b']), await valued([right, 10, 'b'], [far, 20, 'c']), 'add');
    expect([labelsOf(merged), await values(merged)]).toEqual([['a', 'b', 'c'], [1, 12, 20]]);
    expect(shapesOf(merged)).toEqual([left, right, far]);
    expect(findGeometries(merged)!.geometries.properties).toEqual([{ n: 1 }, { n: 2 }, { n: 20 }]);
  });

  it('without ids by shape alone; other shapes under one label are other geometries', async () => {
    const merged = await merge(await valued([left, 1], [right, 2]), await valued([right, 10], [far, 20]), 'add');
    expect([labelsOf(merged), await values(merged)]).toEqual([[0, 1, 2], [1, 12, 20]]);
    const apart = await merge(await valued([left, 1, 'a']), await valued([right, 10, 'a']));
    expect([labelsOf(apart), shapesOf(apart), await values(apart)]).toEqual([['a', 'a_2'], [left, right], [1, 10]]);
  });

  it('refuses two reference systems', async () => {
    const other = await runCube('vector_reproject', { data: await valued([left, 1]), projection: 4326 });
    await expect(merge(await valued([left, 1]), other)).rejects.toThrow(/vector_reproject/);
  });
});

describe('load_url', () => {
  it('asks the scope', async () => {
    const { scope, urls } = recordingScope(sample({ t: ['2021-01-01'] }));
    await run('load_url', { url: 'https://a.example/f.json#x', format: 'geojson', options: { properties: ['n'] } }, scope);
    expect(urls).toEqual([{ url: 'https://a.example/f.json', format: 'geojson', properties: ['n'] }]);
    for (const options of [{ layer: 'x' }, { properties: 'n' }]) expect(await codeOf(run('load_url', { url: 'https://a.example/f.json', format: 'GeoJSON', options }, scope))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('load_url', { url: 'file:///etc/passwd', format: 'GeoJSON' }, scope))).toBe('ProcessParameterInvalid');
  });
});
