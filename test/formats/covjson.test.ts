/** CoverageJSON: its rules, checked by hand, and by covjson-pydantic where Python has it. */
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { geometryDimension } from '../../src/cube/dimension.ts';
import { Cube as LazyCube } from '../../src/cube/cube.ts';
import { spatialReference } from '../../src/formats/covjson/referencing.ts';
import { covjson } from '../../src/formats/covjson/write.ts';
import type { Geometry } from '../../src/geo/geometry.ts';
import { bands, dates, testContext, testCube, type TestContext } from './cubes.ts';
import { findPython, runPython } from './python.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

interface NdArray { readonly type: string; readonly dataType: string; readonly axisNames: string[]; readonly shape: number[]; readonly values: (number | null)[] }
interface Axis { readonly start?: number; readonly stop?: number; readonly num?: number; readonly values?: unknown[]; readonly dataType?: string; readonly coordinates?: string[] }
interface Domain { readonly type: string; readonly domainType?: string; readonly axes: Record<string, Axis>; readonly referencing?: { coordinates: string[]; system: Record<string, unknown> }[] }
interface Coverage { readonly type: string; readonly id?: string; readonly domain: Domain; readonly parameters?: Record<string, Record<string, unknown>>; readonly ranges: Record<string, NdArray> }
interface Collection { readonly type: string; readonly domainType: string; readonly coverages: Coverage[]; readonly referencing: unknown[]; readonly parameters: Record<string, unknown> }

async function written<T = Coverage>(cube: Cube, options = {}): Promise<T> {
  const [file] = await covjson.write(cube, options, context);
  const text = await readFile(file!.path, 'utf8');
  expect(await context.names()).toEqual([file!.name]);
  const coverage = JSON.parse(text) as T;
  checkRules(coverage as Coverage | Collection);
  checkWithPydantic(file!.path, (coverage as Coverage).domain?.domainType ?? '');
  return coverage;
}

const sizeOf = (axis: Axis) => axis.num ?? axis.values!.length;

/** What the standard demands of every coverage. */
function checkRules(document: Coverage | Collection): void {
  const coverages = 'coverages' in document ? document.coverages : [document];
  for (const { type, domain, ranges, parameters } of coverages) {
    expect([type, domain.type]).toEqual(['Coverage', 'Domain']);
    expect(Object.keys(ranges)).toEqual(Object.keys(parameters ?? document.parameters!));
    const referencing = domain.referencing ?? (document as Collection).referencing as NonNullable<Domain['referencing']>;
    const coordinates = Object.entries(domain.axes).flatMap(([name, axis]) => axis.coordinates ?? [name]);
    expect(referencing.flatMap((reference) => reference.coordinates).toSorted()).toEqual(coordinates.toSorted());
    for (const range of Object.values(ranges)) {
      expect(range.type).toBe('NdArray');
      expect(range.shape).toEqual(range.axisNames.map((name) => sizeOf(domain.axes[name]!)));
      expect(range.values).toHaveLength(range.shape.reduce((a, b) => a * b, 1));
    }
  }
}

const python = findPython(['covjson_pydantic']);
const CHECK = `
from covjson_pydantic.coverage import Coverage, CoverageCollection
text = open(sys.argv[1]).read()
kind = CoverageCollection if json.loads(text)['type'] == 'CoverageCollection' else Coverage
kind.model_validate_json(text)
print('true')
`;

/** covjson-pydantic knows no domains of several polygons. */
function checkWithPydantic(path: string, domainType: string): void {
  if ('reason' in python || domainType.startsWith('MultiPolygon')) return;
  expect(runPython(python.path, CHECK, path)).toBe(true);
}

describe('a raster cube', () => {
  it('is a Grid with t, y and x, and a parameter per band', async () => {
    const cube = testCube({
      dimensions: [dates('2021-01-01T00:00:00Z', '2021-02-01T00:00:00Z'), bands('B04', 'B08')], width: 3, height: 2,
      attributes: { bands: [{ name: 'B04', description: 'red', unit: 'sr-1', common_name: 'red' }, { name: 'B08', scale: 0.0001, offset: -0.1 }] },
      value: (i) => (i === 1 ? null : i === 2 ? Number.NaN : i / 2),
    });
    const coverage = await written(cube);
    expect(coverage.domain).toEqual({
      type: 'Domain', domainType: 'Grid',
      axes: { x: { start: 500_005, stop: 500_025, num: 3 }, y: { start: 5_599_995, stop: 5_599_985, num: 2 }, t: { values: ['2021-01-01T00:00:00Z', '2021-02-01T00:00:00Z'] } },
      referencing: [
        { coordinates: ['x', 'y'], system: { type: 'ProjectedCRS', id: 'http://www.opengis.net/def/crs/EPSG/0/32631' } },
        { coordinates: ['t'], system: { type: 'TemporalRS', calendar: 'Gregorian' } },
      ],
    });
    expect(coverage.parameters).toEqual({
      B04: { type: 'Parameter', description: { en: 'red' }, unit: { symbol: 'sr-1' }, observedProperty: { label: { en: 'B04 (red)' } } },
      B08: { type: 'Parameter', description: { en: 'Physical value = value × 0.0001 + -0.1.' }, observedProperty: { label: { en: 'B08' } } },
    });
    expect(coverage.ranges['B04']).toEqual({ type: 'NdArray', dataType: 'float', axisNames: ['t', 'y', 'x'], shape: [2, 2, 3], values: [0, null, null, 1.5, 2, 2.5, 6, 6.5, 7, 7.5, 8, 8.5] });
    expect(coverage.ranges['B08']!.values.slice(0, 3)).toEqual([3, 3.5, 4]);
  });

  it('without bands or dates, in whole numbers', async () => {
    const [file] = await covjson.write(testCube({ dtype: 'uint8', dimensions: [], width: 1, height: 1 }), { filename_prefix: 'one' }, context);
    expect(file).toMatchObject({ name: 'one.covjson', mediaType: 'application/vnd.cov+json', roles: ['data'], metadata: { 'proj:code': 'EPSG:32631' } });
    const coverage = JSON.parse(await readFile(file!.path, 'utf8')) as Coverage;
    checkRules(coverage);
    expect(coverage.ranges).toEqual({ band_1: { type: 'NdArray', dataType: 'integer', axisNames: ['y', 'x'], shape: [1, 1], values: [0] } });
  });

  it('puts labels that are no instants, and other dimensions, into the names of parameters', async () => {
    const cube = testCube({ dimensions: [{ name: 'season', type: 'temporal', size: 2, labels: ['mam', 'jja'] }, { name: 'q', type: 'other', size: 2, labels: [0.1, 0.9] }, bands('a')], width: 2, height: 1 });
    const coverage = await written(cube);
    expect(Object.keys(coverage.ranges)).toEqual(['mam_0.1_a', 'mam_0.9_a', 'jja_0.1_a', 'jja_0.9_a']);
    expect(coverage.ranges['jja_0.1_a']!.values).toEqual([4, 5]);
  });

  it('comes out whole when it is read in many strips, each cell once', async () => {
    const [width, height] = [700, 300];
    const whole = testCube({ dtype: 'int32', dimensions: [bands('a', 'b', 'c'), dates('2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z')], width, height });
    let samples = 0;
    const counted = whole.with({ read: async (window, signal) => {
      samples += window.size.reduce((a, b) => a * b, 1);
      return whole.read(window, signal);
    } });
    const coverage = await written(counted);
    expect(samples).toBe(6 * width * height);
    const at = (band: number, date: number) => Array.from({ length: width * height }, (_, i) => (band * 2 + date) * width * height + i);
    expect(coverage.ranges['b']!.values).toEqual([...at(1, 0), ...at(1, 1)]);
    expect(context.shares.at(-1)).toBe(1);
  });

  it('without a grid is refused', async () => {
    await expect(covjson.write(testCube().with({ grid: null }), {}, context)).rejects.toMatchObject({ code: 'FormatUnsuitable' });
    await expect(covjson.write(testCube(), { precision: 2 }, context)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('there are filename_prefix') as string });
    expect(await context.names()).toEqual([]);
  });
});

describe('reference systems', () => {
  it.each([
    ['EPSG:4326', ['x', 'y'], { type: 'GeographicCRS', id: 'http://www.opengis.net/def/crs/OGC/1.3/CRS84' }],
    ['EPSG:4258', ['y', 'x'], { type: 'GeographicCRS', id: 'http://www.opengis.net/def/crs/EPSG/0/4258' }],
    ['EPSG:3035', ['y', 'x'], { type: 'ProjectedCRS', id: 'http://www.opengis.net/def/crs/EPSG/0/3035' }],
    ['EPSG:3857', ['x', 'y'], { type: 'ProjectedCRS', id: 'http://www.opengis.net/def/crs/EPSG/0/3857' }],
    ['+proj=sinu +R=6371007', ['x', 'y'], { type: 'ProjectedCRS', description: { en: '+proj=sinu +R=6371007' } }],
  ])('%s has its axes in the order of its definition', (crs, coordinates, system) => {
    expect(spatialReference(crs)).toEqual({ coordinates, system });
  });
});

describe('a vector cube', () => {
  const square = (x: number): Geometry => ({ type: 'Polygon', coordinates: [[[x, 50], [x + 1, 50], [x + 1, 51], [x, 51], [x, 50]]] });
  const point = (x: number): Geometry => ({ type: 'Point', coordinates: [x, 50, 7] });
  const vectors = (shapes: readonly Geometry[], ...more: Parameters<typeof arrayCube>[0]['dimensions'][number][]) => {
    const dimensions = [geometryDimension({ crs: 'EPSG:4326', shapes }, shapes.map((_, i) => `f${i}`)), ...more];
    const length = dimensions.reduce((n, d) => n * d.size, 1);
    return arrayCube({ dimensions, grid: null, dtype: 'float32', data: Float32Array.from({ length }, (_, i) => i), nulls: Uint8Array.from({ length }, (_, i) => Number(i === 1)) });
  };
  const days = dates('2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z');

  it('of polygons is a MultiPolygon', async () => {
    const coverage = await written(vectors([square(3), square(5)], bands('a', 'b')));
    expect(coverage.domain.domainType).toBe('MultiPolygon');
    expect(coverage.domain.axes).toEqual({ composite: { dataType: 'polygon', coordinates: ['x', 'y'], values: [square(3).coordinates, square(5).coordinates] } });
    expect(Object.values(coverage.ranges).map((range) => range.values)).toEqual([[0, 2], [null, 3]]);
  });

  it('of polygons with dates is a MultiPolygonSeries', async () => {
    const coverage = await written(vectors([square(3), square(5)], days));
    expect(coverage.domain.domainType).toBe('MultiPolygonSeries');
    expect(Object.values(coverage.ranges)).toEqual([{ type: 'NdArray', dataType: 'float', axisNames: ['t', 'composite'], shape: [2, 2], values: [0, 2, null, 3] }]);
  });

  it('of points is a MultiPoint, without heights', async () => {
    const coverage = await written(vectors([point(3), point(4)], bands('a')));
    expect(coverage.domain).toMatchObject({ domainType: 'MultiPoint', axes: { composite: { dataType: 'tuple', values: [[3, 50], [4, 50]] } } });
  });

  it('of points with dates is a collection of PointSeries, which keep their names', async () => {
    const collection = await written<Collection>(vectors([point(3), point(4)], days, bands('a', 'b')));
    expect([collection.type, collection.domainType]).toEqual(['CoverageCollection', 'PointSeries']);
    expect(collection.coverages.map(({ id, domain }) => [id, domain.axes['x']!.values])).toEqual([['f0', [3]], ['f1', [4]]]);
    expect(collection.coverages.map(({ ranges }) => [ranges['a']!.values, ranges['b']!.values])).toEqual([[[0, 2], [null, 3]], [[4, 6], [5, 7]]]);
  });

  it('of other geometries, or without any, is refused', async () => {
    await expect(covjson.write(vectors([square(1), point(2)]), {}, context)).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringContaining('not Polygon, Point') as string });
    await expect(covjson.write(vectors([{ type: 'MultiPolygon', coordinates: [square(1).coordinates] }]), {}, context)).rejects.toMatchObject({ code: 'FormatUnsuitable' });
    const bare = new LazyCube({ dimensions: [{ name: 'geometry', type: 'geometry', size: 1, labels: ['x'] }], grid: null, dtype: 'float32', read: (window, signal) => vectors([point(1)]).read(window, signal), fingerprint: async () => '' });
    await expect(covjson.write(bare, {}, context)).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringContaining('no longer stand for any') as string });
  });
});
