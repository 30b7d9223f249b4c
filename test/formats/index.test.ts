import { describe, expect, it } from 'vitest';
import { parseGdalMetadata, formatGdalMetadata } from '../../src/formats/cog/gdal-metadata.ts';
import { crsOfGeoKeys } from '../../src/formats/cog/geokeys.ts';
import { geoKeyTags } from '../../src/formats/cog/write-geokeys.ts';
import { findFormat, formatName, resultFormats } from '../../src/formats/index.ts';

describe('the table of formats', () => {
  it('finds formats in any case', () => {
    expect(findFormat('gtiff')).toBe(resultFormats.GTiff);
    expect(formatName('NETCDF')).toBe('netCDF');
    expect(formatName('zip')).toBeUndefined();
  });

  it('lists what there is when a format is unknown', () => {
    expect(() => findFormat('zip')).toThrow(/There is no output format 'zip'; there are GTiff, netCDF, Zarr, Parquet, PNG, JPEG/);
  });

  it.each(Object.entries(resultFormats))('%s describes every option', (name, { description }) => {
    expect(description.gis_data_types).toContain(name === 'Parquet' || name === 'GeoJSON' ? 'vector' : 'raster');
    for (const parameter of Object.values(description.parameters)) expect(parameter).toMatchObject({ description: expect.stringMatching(/\.$/) as string, type: expect.anything() as unknown });
  });
});

describe('GDAL metadata', () => {
  it('comes back, awkward characters included', () => {
    const items = [
      { name: 'DESCRIPTION', sample: 3, role: 'description', value: 'a < b & "c" > \'d\' é &amp;' },
      { name: 'STATISTICS_MEAN', sample: 0, value: '1.5' },
      { name: 'note "x"', value: '' },
    ];
    expect(parseGdalMetadata(formatGdalMetadata(items))).toEqual(items);
  });

  it('that is no metadata has no items', () => {
    expect(parseGdalMetadata('<a><Item>x</Item>')).toEqual([]);
  });
});

describe('GeoKeys', () => {
  it('of a code are the code', () => {
    expect(geoKeyTags('EPSG:32631')).toEqual({ directory: [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32631], doubles: [], ascii: '' });
    expect(geoKeyTags('EPSG:4326').directory).toContain(2048);
  });

  it('of a PROJ string carry its parameters', () => {
    const { directory, doubles, ascii } = geoKeyTags('+proj=aea +lon_0=-96 +lat_0=23 +lat_1=29.5 +lat_2=45.5 +x_0=1 +y_0=2 +datum=NAD83 +units=m');
    expect(doubles).toEqual([29.5, 45.5, -96, 23, 1, 2]);
    expect(directory.slice(0, 4)).toEqual([1, 1, 0, (directory.length - 4) / 4]);
    expect(ascii).toBe('+proj=aea +lon_0=-96 +lat_0=23 +lat_1=29.5 +lat_2=45.5 +x_0=1 +y_0=2 +datum=NAD83 +units=m|');
  });

  it.each([
    [{}, { reason: 'it states no coordinate reference system' }],
    [{ ProjectedCSTypeGeoKey: 99_999 }, { reason: 'EPSG:99999 is not a known coordinate reference system' }],
    [{ GTModelTypeGeoKey: 2, GeographicTypeGeoKey: 4326 }, { crs: 'EPSG:4326' }],
    [{ GTModelTypeGeoKey: 1, ProjectedCSTypeGeoKey: 3035, GeographicTypeGeoKey: 4258 }, { crs: 'EPSG:3035' }],
    [{ ProjectedCSTypeGeoKey: 32767, ProjCoordTransGeoKey: 999, GeographicTypeGeoKey: 4326 }, { reason: 'its user-defined coordinate reference system is not supported' }],
    [{ ProjectedCSTypeGeoKey: 32767, ProjectionGeoKey: 16133, GeographicTypeGeoKey: 4326 }, { crs: '+proj=utm +zone=33 +south +datum=WGS84 +units=m +no_defs' }],
  ])('%j', (keys, expected) => {
    expect(crsOfGeoKeys(keys)).toEqual(expected);
  });
});
