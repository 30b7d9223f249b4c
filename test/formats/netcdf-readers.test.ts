/** What xarray and GDAL read out of our netCDF files, and every option of the format. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { bandsDimension, geometryDimension, temporalDimension } from '../../src/cube/dimension.ts';
import { netcdf } from '../../src/formats/netcdf/write.ts';
import { bands, dates, testContext, testCube, type TestContext } from './cubes.ts';
import { findPython, runPython } from './python.ts';

const python = findPython(['xarray', 'netCDF4', 'numpy']);
const gdalPath = '/usr/bin/python3';
const hasGdal = existsSync(gdalPath) && existsSync('/usr/bin/gdalinfo');

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

const write = async (cube: Cube, options = {}) => (await netcdf.write(cube, options, context))[0]!;

interface Variable { readonly dims: string[]; readonly dtype: string; readonly values: (number | null)[]; readonly encoding: Record<string, unknown>; readonly attrs: Record<string, unknown> }
interface View { readonly coords: string[]; readonly time: string[]; readonly variables: Record<string, Variable>; readonly crs: Record<string, unknown>; readonly lonlat: number[][]; readonly labels: string[] }

const VIEW = `
import xarray
warnings.resetwarnings()
keep = ('chunksizes', 'zlib', 'complevel', '_FillValue', 'dtype', 'grid_mapping', 'coordinates')
with xarray.open_dataset(sys.argv[1], decode_coords='all', engine='netcdf4') as d:
    show = lambda v: float(v) if hasattr(v, 'dtype') else str(v) if not isinstance(v, (bool, int, float, tuple, type(None))) else v
    print(json.dumps(dict(
        coords=sorted(map(str, d.coords)), time=[str(t) for t in d.t.values] if 't' in d.coords else [],
        variables={str(n): dict(dims=v.dims, dtype=str(v.dtype), values=clean(v.values), encoding={k: show(v.encoding.get(k)) for k in keep}, attrs={k: show(a) for k, a in v.attrs.items()}) for n, v in d.data_vars.items()},
        crs={k: show(a) for k, a in d.crs.attrs.items()} if 'crs' in d.coords else {},
        lonlat=[d.lon.values.tolist(), d.lat.values.tolist()] if 'lon' in d.coords else [], labels=[str(v) for v in d.geometry.values] if 'geometry' in d.coords else [])))
`;
const view = (path: string) => runPython((python as { path: string }).path, VIEW, path) as View;

describe.skipIf('reason' in python)(`xarray${'reason' in python ? ` (skipped: ${python.reason})` : ''}`, () => {
  const cube = () => testCube({ dimensions: [dates('2021-01-01T00:00:00Z', '2021-01-02T06:30:00Z'), bands('B04', 'B08')], width: 3, height: 2, value: (i) => (i === 1 ? null : i) });

  it('finds times, the grid mapping as a coordinate, and no-data', async () => {
    const seen = view((await write(cube())).path);
    expect(seen.coords).toEqual(['crs', 't', 'x', 'y']);
    expect(seen.time).toEqual(['2021-01-01T00:00:00.000000000', '2021-01-02T06:30:00.000000000']);
    expect(seen.variables['B04']).toMatchObject({ dims: ['t', 'y', 'x'], dtype: 'float32', values: [0, null, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17], encoding: { grid_mapping: 'crs', zlib: true, complevel: 4 } });
    expect(seen.crs).toMatchObject({ grid_mapping_name: 'transverse_mercator', GeoTransform: '500000 10 0 5600000 0 -10' });
  });

  it('sees compression and chunks as asked for', async () => {
    const large = testCube({ dtype: 'int16', dimensions: [], width: 100, height: 70, value: (i) => i % 97 });
    const plain = await write(large, { zlib: false, chunk_size: 32, filename_prefix: 'plain' });
    expect(view(plain.path).variables['var']!.encoding).toMatchObject({ zlib: false, chunksizes: [32, 32] });
    const small = await write(large, { complevel: 9, filename_prefix: 'small' });
    expect(view(small.path).variables['var']).toMatchObject({ encoding: { zlib: true, complevel: 9, chunksizes: [70, 100] }, values: Array.from({ length: 7000 }, (_, i) => i % 97) });
    expect((await stat(small.path)).size).toBeLessThan((await stat(plain.path)).size);
  });

  it('gets the type and the fill value that are asked for', async () => {
    const file = await write(testCube({ dimensions: [bands('a')], width: 4, height: 1, value: (i) => [1.4, null, -9999, 7][i]! }), { dtype: 'int16', nodata: -9999 });
    expect(view(file.path).variables['a']).toMatchObject({ values: [1, null, null, 7], encoding: { dtype: 'int16', _FillValue: -9999 } });
    expect(file.metadata).toMatchObject({ bands: [{ data_type: 'int16', nodata: -9999, statistics: { minimum: 1, maximum: 7, valid_percent: 50 } }] });
  });

  it('finds where the geometries of a vector cube are', async () => {
    const shapes = [{ type: 'Point', coordinates: [500_000, 5_600_000] }, { type: 'Polygon', coordinates: [[[499_000, 5_599_000], [501_000, 5_599_000], [501_000, 5_601_000], [499_000, 5_599_000]]] }];
    const vectors = arrayCube({
      dimensions: [geometryDimension({ crs: 'EPSG:32631', shapes }, ['north', 'south']), temporalDimension(['2021-01-01T00:00:00Z', '2021-01-02T00:00:00Z']), bandsDimension(['a'])],
      grid: null, dtype: 'float64', data: Float64Array.of(1, 2, 3, 4),
    });
    const seen = view((await write(vectors)).path);
    expect(seen.labels).toEqual(['north', 'south']);
    expect(seen.variables['a']).toMatchObject({ dims: ['t', 'geometry'], values: [1, 3, 2, 4] });
    const [longitudes, latitudes] = seen.lonlat as [number[], number[]];
    for (const longitude of longitudes) expect(longitude).toBeCloseTo(3, 9);
    // By gdaltransform.
    for (const latitude of latitudes) expect(latitude).toBeCloseTo(50.551932382704, 9);
  });
});

const GDAL = `
from osgeo import gdal
gdal.UseExceptions()
out = {}
for name in sys.argv[2:]:
    d = gdal.Open('NETCDF:"%s":%s' % (sys.argv[1], name))
    b = d.GetRasterBand(1)
    out[name] = dict(transform=d.GetGeoTransform(), epsg=d.GetSpatialRef().GetAuthorityCode(None), count=d.RasterCount, nodata=b.GetNoDataValue(), first=float(b.ReadAsArray()[0][0]), last=float(d.GetRasterBand(d.RasterCount).ReadAsArray()[-1][-1]), times=[d.GetRasterBand(i + 1).GetMetadataItem('NETCDF_DIM_t') for i in range(d.RasterCount)], units=d.GetMetadataItem('t#units'))
print(json.dumps(out))
`;

describe.skipIf(!hasGdal)(`GDAL${hasGdal ? '' : ' (skipped: there is no osgeo)'}`, () => {
  it.each([['EPSG:32631', '32631'], ['EPSG:32733', '32733'], ['EPSG:3035', '3035'], ['EPSG:3857', '3857']])('places the pixels in %s', async (crs, code) => {
    const cube = testCube({ crs, dimensions: [dates('2021-01-01T00:00:00Z', '2021-01-03T00:00:00Z'), bands('a', 'b')], width: 4, height: 3 });
    const file = await write(cube);
    const seen = runPython(gdalPath, GDAL, file.path, 'a', 'b') as Record<string, unknown>;
    expect(seen['b']).toMatchObject({ transform: [500_000, 10, 0, 5_600_000, 0, -10], epsg: code, count: 2, first: 12, last: 47, times: ['18628', '18630'], units: 'days since 1970-01-01 00:00:00' });
  });

  it('places degrees', async () => {
    const plain = testCube({ crs: 'EPSG:4326', dimensions: [bands('a')], width: 4, height: 3 });
    const file = await write(plain.with({ grid: { crs: 'EPSG:4326', originX: 3, originY: 51, stepX: 0.25, stepY: 0.5, width: 4, height: 3 } }));
    expect((runPython(gdalPath, GDAL, file.path, 'a') as Record<string, unknown>)['a']).toMatchObject({ transform: [3, 0.25, 0, 51, 0, -0.5], epsg: '4326', first: 0, last: 11 });
  });
});

describe('refusals', () => {
  it.each([
    [{ compression_level: 0 }, 'at least 1'], [{ complevel: 5, compression_level: 5 }, 'give \'compression_level\' once'], [{ chunk_size: 8 }, 'at least 16'], [{ dtype: 'float16' }, 'one of "uint8"'],
    [{ dtype: 'uint8', nodata: 300 }, 'no value of uint8'], [{ zlib: 4 }, 'of type boolean'], [{ shuffle: true }, 'there are filename_prefix, zlib, compression_level, chunk_size, dtype, nodata'],
  ])('%j', async (options, message) => {
    await expect(write(testCube(), options)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining(message) as string });
    expect(await context.names()).toEqual([]);
  });
});
