import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { readFile } from 'node:fs/promises';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { bandsDimension, temporalDimension, type Dimension } from '../../src/cube/dimension.ts';
import { bareCube, featuresDimension } from '../../src/cube/geometries.ts';
import { resultFormats, type FormatName } from '../../src/formats/index.ts';
import { readFeatures } from '../../src/formats/read-features.ts';
import { readGeoJson } from '../../src/geo/geojson.ts';
import { reproject } from '../../src/geo/reproject.ts';
import { bands, testContext, testCube, type TestContext } from './cubes.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

const square = { type: 'Polygon', coordinates: [[[500_000, 5_600_000], [500_100, 5_600_000], [500_100, 5_600_100], [500_000, 5_600_000]]] };
const parts = { type: 'MultiPolygon', coordinates: [square.coordinates, [[[500_200, 5_600_000], [500_300, 5_600_000], [500_300, 5_600_100], [500_200, 5_600_000]]]] };
const features = readGeoJson({
  type: 'FeatureCollection', crs: 'EPSG:32631',
  features: [
    { type: 'Feature', id: 'a', geometry: square, properties: { crop: 'beet; "red"', area: 1.5, B04: 'taken', tags: ['x'] } },
    { type: 'Feature', geometry: parts, properties: { crop: 'maize, late', area: 2, organic: true } },
    { type: 'Feature', geometry: null, properties: null },
  ],
});

const series: Dimension[] = [temporalDimension(['2021-01-01T00:00:00Z', '2021-02-01T10:30:00Z']), bandsDimension(['B04', 'B08'])];

function zones(more: readonly Dimension[] = series, dtype: 'float64' | 'bool' = 'float64'): Cube {
  const dimensions = [featuresDimension(features), ...more];
  const length = dimensions.reduce((n, d) => n * d.size, 1);
  const data = Float64Array.from({ length }, (_, i) => (i === 1 ? NaN : i === 2 ? Infinity : i + 0.5));
  const nulls = Uint8Array.from({ length }, (_, i) => Number(i >= length * 2 / 3));
  return arrayCube({ dimensions, dtype, data: dtype === 'bool' ? Uint8Array.from(data, (v) => Number(v !== 0.5)) : data, nulls });
}

async function written(format: FormatName, cube: Cube, options: Record<string, unknown> = {}) {
  const [file] = await resultFormats[format].write(cube, options, context);
  return { file: file!, text: await readFile(file!.path, 'utf8') };
}

describe('CSV', () => {
  it('has a row per geometry and date, with properties', async () => {
    const { file, text } = await written('CSV', zones());
    expect(text.split('\r\n')).toEqual([
      'geometry,crop,area,property_B04,tags,organic,t,B04,B08',
      'a,"beet; ""red""",1.5,taken,"[""x""]",,2021-01-01T00:00:00Z,0.5,NaN',
      'a,"beet; ""red""",1.5,taken,"[""x""]",,2021-02-01T10:30:00Z,Infinity,3.5',
      '1,"maize, late",2,,,true,2021-01-01T00:00:00Z,4.5,5.5',
      '1,"maize, late",2,,,true,2021-02-01T10:30:00Z,6.5,7.5',
      '2,,,,,,2021-01-01T00:00:00Z,,',
      '2,,,,,,2021-02-01T10:30:00Z,,',
      '',
    ]);
    expect(file).toMatchObject({ name: 'result.csv', mediaType: 'text/csv', metadata: { 'table:row_count': 6 } });
  });

  it('has outlines and another separator on request', async () => {
    const { text } = await written('CSV', zones([]), { geometry: 'wkt', separator: ';' });
    const [header, first, second] = text.split('\r\n');
    expect(header).toBe('geometry;crop;area;B04;tags;organic;wkt;value');
    expect(first).toMatch(/^a;"beet; ""red""";1\.5;taken;"\[""x""\]";;POLYGON \(\(500000 5600000, /);
    expect(second).toMatch(/^1;maize, late;2;;;true;MULTIPOLYGON \(\(\(/);
  });

  it('joins the labels of several dimensions of columns', async () => {
    const facts: Dimension = { name: 'facts', type: 'other', size: 2, labels: ['value', 'total_count'] };
    expect((await written('CSV', zones([facts, ...series]))).text).toMatch(/,t,value_B04,value_B08,total_count_B04,total_count_B08\r\n/);
  });

  it('of pixels has coordinates, and leaves out pixels without data', async () => {
    const cube = testCube({ width: 2, height: 2, dimensions: [bands('a', 'b')], value: (i) => (i === 1 || i === 5 ? null : i === 2 ? null : i) });
    expect((await written('CSV', cube)).text).toBe('y,x,a,b\r\n5599995,500005,0,4\r\n5599985,500005,,6\r\n5599985,500015,3,7\r\n');
  });
});

describe('GeoJSON', () => {
  it('has a feature per geometry with values called by their labels', async () => {
    const { file, text } = await written('GeoJSON', zones());
    const { features: [first, second, third] } = JSON.parse(text) as { features: { id?: string; geometry: unknown; bbox?: number[]; properties: Record<string, unknown> }[] };
    expect(first).toMatchObject({ id: 'a', geometry: reproject(square, 'EPSG:32631', 'EPSG:4326') });
    expect(first!.properties).toEqual({ crop: 'beet; "red"', area: 1.5, B04: 'taken', tags: ['x'], organic: null, '2021-01-01_B04': 0.5, '2021-01-01_B08': null, '2021-02-01T10:30:00Z_B04': null, '2021-02-01T10:30:00Z_B08': 3.5 });
    expect(second).not.toHaveProperty('id');
    expect(third).toMatchObject({ geometry: null });
    expect(file).toMatchObject({ name: 'result.geojson', mediaType: 'application/geo+json' });
  });

  it('of one dimension has one value, and none where there are geometries only', async () => {
    const valued = JSON.parse((await written('GeoJSON', zones([], 'bool'))).text) as { features: { properties: Record<string, unknown> }[] };
    expect(valued.features.map(({ properties }) => properties['value'])).toEqual([false, true, undefined]);
    const bare = JSON.parse((await written('GeoJSON', bareCube(featuresDimension(features)), { filename_prefix: 'bare' })).text) as { features: { properties: Record<string, unknown> }[] };
    expect(bare.features[1]!.properties).toEqual({ crop: 'maize, late', area: 2, organic: true, B04: null, tags: null });
  });

  it('refuses pixels, and names what holds them', async () => {
    await expect(written('GeoJSON', testCube())).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringMatching(/GTiff, netCDF/) as string });
  });
});

describe('GeoParquet', () => {
  it('has a row per geometry and date, typed properties and WKB', async () => {
    const { file } = await written('Parquet', zones(), { row_group_size: 4 });
    const buffer = await asyncBufferFromFile(file.path);
    const metadata = await parquetMetadataAsync(buffer);
    const rows = (await parquetReadObjects({ file: buffer, metadata, compressors: { ZSTD: (bytes) => zstdDecompressSync(bytes) } })) as Record<string, unknown>[];
    expect(metadata.row_groups.map((group) => Number(group.num_rows))).toEqual([4, 2]);
    expect(Object.keys(rows[0]!)).toEqual(['id', 'geometry', 'bbox', 'crop', 'area', 'property_B04', 'tags', 'organic', 'datetime', 'B04', 'B08']);
    expect(rows[3]).toMatchObject({ id: '1', geometry: reproject(parts, 'EPSG:32631', 'EPSG:4326'), crop: 'maize, late', area: 2, organic: true, datetime: new Date('2021-02-01T10:30:00Z'), B04: 6.5, B08: 7.5 });
    expect(rows[5]).toMatchObject({ geometry: null, crop: null, B04: null });
    const geo = JSON.parse(metadata.key_value_metadata!.find(({ key }) => key === 'geo')!.value!) as { columns: { geometry: Record<string, unknown> } };
    expect(geo.columns.geometry).toMatchObject({ encoding: 'WKB', geometry_types: ['MultiPolygon', 'Polygon'] });
    await expect(written('Parquet', zones(), { geometry: 'point', filename_prefix: 'no' })).rejects.toThrow(/'geometry' is for pixels/);
  });

  it('comes back as features', async () => {
    const { file } = await written('Parquet', zones([]));
    const read = await readFeatures('Parquet', await readFile(file.path), 'zones.parquet');
    expect(read).toMatchObject({ crs: 'EPSG:4326', ids: ['a', '1', '2'] });
    expect(read.shapes[1]).toEqual(reproject(parts, 'EPSG:32631', 'EPSG:4326'));
    expect(read.shapes[2]!.geometries).toEqual([]);
    expect(read.properties[1]).toMatchObject({ crop: 'maize, late', organic: true, value: NaN });
  });

  it('that is none is refused', async () => {
    await expect(readFeatures('Parquet', Buffer.from('PAR1 and no more'), 'x.parquet')).rejects.toMatchObject({ code: 'FileContentInvalid' });
    await expect(readFeatures('GeoJSON', Buffer.from('{"type":'), 'x.json')).rejects.toMatchObject({ code: 'FormatUnsuitable' });
    await expect(readFeatures('GeoJSON', Buffer.from('{"type":"Circle"}'), 'x.json')).rejects.toThrow(/'Circle'/);
  });
});

it.each(['GTiff', 'Zarr', 'PNG', 'JPEG'] as const)('%s refuses geometries and names formats that hold them', async (format) => {
  await expect(written(format, zones())).rejects.toMatchObject({ code: 'FormatUnsuitable', message: expect.stringMatching(/GeoJSON, CSV, Parquet/) as string });
});

it('JSON tells what the labels stand for', async () => {
  const { coords } = JSON.parse((await written('JSON', zones())).text) as { coords: { geometry: { data: unknown; attrs: { crs: string; geometries: unknown[] } } } };
  expect(coords.geometry.data).toEqual(['a', 1, 2]);
  expect(coords.geometry.attrs).toMatchObject({ crs: 'EPSG:32631', geometries: [square, parts, { geometries: [] }] });
});
