import { describe, expect, it } from 'vitest';
import { parseName, parseTime } from '../../../src/catalog/ingest/file-name.ts';
import { describeBand, sensorOf } from '../../../src/catalog/ingest/known-bands.ts';

describe('parseName', () => {
  it.each([
    ['S2_20170804T105328_10m.tif', 'S2_20170804T105328', [], '10m', '2017-08-04T10:53:28Z'],
    ['S2_20170804T105328_SCL.tif', 'S2_20170804T105328', ['SCL'], 'SCL', '2017-08-04T10:53:28Z'],
    ['S2_L2A_2020-11-01.tif', 'S2_L2A_2020-11-01', [], '', '2020-11-01T00:00:00Z'],
    ['S2_L2A_20220612_bolzano_B04B03B02B08SCL_cog.tif', 'S2_L2A_20220612_bolzano_cog', ['B04', 'B03', 'B02', 'B08', 'SCL'], 'B04B03B02B08SCL', '2022-06-12T00:00:00Z'],
    ['LC08_L1TP_013032_20180131_BQA.TIF', 'LC08_L1TP_013032_20180131', ['BQA'], 'BQA', '2018-01-31T00:00:00Z'],
    ['LC08_L2SP_013032_20180131_20200902_02_T1_SR_B4.TIF', 'LC08_L2SP_013032_20180131_20200902_02_T1', ['SR_B4'], 'SR_B4', '2018-01-31T00:00:00Z'],
    ['T31UFS_20200101T105328_B8A_20m.tif', 'T31UFS_20200101T105328', ['B8A'], 'B8A_20m', '2020-01-01T10:53:28Z'],
    ['landsat_b2.tif', 'landsat', ['B2'], 'b2', null],
    ['labels_LC_CT.tif', 'labels_LC_CT', [], '', null],
    ['B02.tif', '', ['B02'], 'B02', null],
  ])('%s', (name, stem, bands, part, start) => {
    expect(parseName(name)).toEqual({ stem, bands, part, time: start === null ? null : { start } });
  });
});

describe('parseTime', () => {
  it.each([
    ['2021-07-23T13:22:41.000000000', '2021-07-23T13:22:41Z'], ['2018:07:16 06:06:23', '2018-07-16T06:06:23Z'], ['x_2020_02_29_y', '2020-02-29T00:00:00Z'],
    ['MOD13Q1.A2018031.h18v03', '2018-01-31T00:00:00Z'], ['S2A_MSIL1C_20200101T105328_N0208_20200102T111111', '2020-01-01T10:53:28Z'],
  ])('%s is %s', (text, start) => expect(parseTime(text)).toEqual({ start }));

  it('takes a month for what it is', () => {
    expect(parseTime('ndvi_2020-02')).toEqual({ start: '2020-02-01T00:00:00Z', end: '2020-02-29T23:59:59Z' });
  });

  it.each(['nlcd2011', '282D_485L_3_3', 'a_20201345', '2021-02-30', 'tile_12345678', '0080717_0', '19000101'])('%s has none', (text) => expect(parseTime(text)).toBeNull());
});

describe('known bands', () => {
  it.each([
    ['S2_L2A_2020-11-01 X', [], 'sentinel-2'], ['T X', ['B02', 'B8A'], 'sentinel-2'], ['S2L2A', [], 'sentinel-2'], ['LC08_L1TP', ['B2'], 'landsat-oli'], ['LANDSAT8_ZION', [], 'landsat-oli'],
    ['LT05_L1TP', [], 'landsat-tm'], ['landsat', ['B2', 'B3'], null], ['S1_GRD_2020', ['VV', 'VH'], null], ['dem', ['elevation'], null],
  ])('%s with %j is %s', (text, bands, sensor) => expect(sensorOf(text, bands)).toBe(sensor));

  it('give common names by sensor', () => {
    expect(describeBand('B4', 'sentinel-2')).toMatchObject({ name: 'B4', 'eo:common_name': 'red' });
    expect(describeBand('B4', 'landsat-tm')).toMatchObject({ 'eo:common_name': 'nir' });
    expect(describeBand('B4', null)).toEqual({ name: 'B4' });
    expect(describeBand('SCL', 'sentinel-2')['description']).toContain('Scene classification');
  });
});
