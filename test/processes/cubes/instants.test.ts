/** Time and place by the standard's rules, whatever way they are written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCrs } from '../../../src/geo/crs.ts';
import { instant, intervalOf, timeOfDay } from '../../../src/processes/cubes/temporal.ts';
import type { Cube } from '../../../src/cube/cube.ts';
import { codeOf, grid, runCube, sample } from './harness.ts';

describe('instants', () => {
  it('with an offset are the same as in UTC', () => {
    expect(instant('2020-01-01T00:30:00+01:00')).toBe(Date.UTC(2019, 11, 31, 23, 30));
    expect(instant('2020-01-01t10:00:00.5z')).toBe(Date.UTC(2020, 0, 1, 10, 0, 0, 500));
    expect(instant('2020-02-29')).toBe(Date.UTC(2020, 1, 29));
    expect(instant('0001-02-28')).toBe(new Date('0001-02-28T00:00:00Z').getTime());
  });

  it.each(['2020-02-30', '2021-02-29', '1900-02-29', '2020-04-31', '2020-13-01', '2020-00-10', '2020-01-01T24:00:00Z', '2020-01-01T10:60:00Z', '2020', 'now', ''])('there is none like %s', (text) => {
    expect(instant(text)).toBeNaN();
  });

  it('days have no 24th hour', () => {
    expect(timeOfDay('23:59:59')).toBe(86_399_000);
    expect(timeOfDay('24:00:00')).toBeNaN();
  });

  it('of equal ends, in whatever zone, make an empty interval', () => {
    expect(() => intervalOf(['2020-01-01T01:00:00+01:00', '2020-01-01'], 'p', 'extent')).toThrow(expect.objectContaining({ code: 'TemporalExtentEmpty' }));
    expect(() => intervalOf(['2020-01-01', '2020-01-01T01:00:00+02:00'], 'p', 'extent')).toThrow(expect.objectContaining({ code: 'TemporalExtentEmpty' }));
  });
});

describe('intervals', () => {
  const days = sample({ t: ['2019-12-31T23:00:00Z', '2020-01-01T00:00:00Z', '2020-01-02T00:00:00Z'] });
  const kept = async (extent: readonly (string | null)[]) => ((await runCube('filter_temporal', { data: days, extent })) as Cube).dimensions[0]!.labels;

  it('are left-closed, and compare instants', async () => {
    expect(await kept(['2020-01-01', '2020-01-02'])).toEqual(['2020-01-01T00:00:00Z']);
    expect(await kept(['2020-01-01T00:00:00+01:00', '2020-01-02T01:00:00+01:00'])).toEqual(['2019-12-31T23:00:00Z', '2020-01-01T00:00:00Z']);
    expect(await kept([null, '2020-01-01'])).toEqual(['2019-12-31T23:00:00Z']);
  });

  it('are refused with 24 o’clock', async () => {
    expect(await codeOf(kept(['2020-01-01', '2020-01-01T24:00:00Z']))).toBe('ProcessParameterInvalid');
  });
});

describe('reference systems', () => {
  const folder = new URL('../../../../shared/spec/openeo/processes-2.0.0-rc.2/tests/assets/', import.meta.url);
  const wkt2 = existsSync(folder) ? readFileSync(new URL(readdirSync(folder).find((name) => name.endsWith('.wkt2'))!, folder), 'utf8') : null;
  const box = { west: 600_000, south: 5_599_960, east: 600_020, north: 5_599_980 };
  const filtered = async (crs: unknown) => (await runCube('filter_bbox', { data: sample({ grid: grid(5, 5) }), extent: { ...box, crs } })).grid;

  it('are EPSG codes, WKT2 or PROJ strings', async () => {
    const expected = await filtered(32631);
    expect(expected).toMatchObject({ width: 2, height: 2, crs: 'EPSG:32631' });
    for (const crs of ['EPSG:32631', '32631', '+proj=utm +zone=31 +datum=WGS84 +units=m +no_defs']) expect(await filtered(crs), crs).toEqual(expected);
  });

  it.each([[99_999, 'not a known'], ['nonsense', 'neither an EPSG code nor'], [-32631, 'EPSG code']])('%s is none', async (crs, message) => {
    await expect(filtered(crs)).rejects.toThrow(message);
  });

  if (wkt2 === null) it.skip('skipped: ../shared/spec is absent');
  else it('WKT2 with the code of an authority is that code', () => expect(parseCrs(wkt2)).toBe('EPSG:25832'));
});
