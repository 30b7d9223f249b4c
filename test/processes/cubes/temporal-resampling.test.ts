import { describe, expect, it } from 'vitest';
import { arrayCube } from '../../../src/cube/array-cube.ts';
import { temporalDimension } from '../../../src/cube/dimension.ts';
import { codeOf, fingerprint, grid, run, runCube, sample, values } from './harness.ts';

const day = (text: string) => `2024-${text}T00:00:00Z`;
const source = [day('01-01'), day('01-05'), day('01-09')];
const target = (...labels: string[]) => sample({ t: labels.map(day) });
const resample = (args: Record<string, unknown>) => runCube('resample_cube_temporal', args);

describe('resample_cube_temporal', () => {
  const data = sample({ t: source, bands: ['a', 'b'], grid: grid(2, 1), attributes: { sources: ['c/1', 'c/3'], sourcesByLabel: { [source[0]!]: ['c/1'], [source[2]!]: ['c/3'] } } });

  it('takes the nearest dates, the earlier of two, and some of them twice', async () => {
    const result = await resample({ data, target: target('01-02', '01-03', '01-08', '03-01') });
    expect(result.labels('t')).toEqual([day('01-02'), day('01-03'), day('01-08'), day('03-01')]);
    expect(await values(result)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11]);
    expect(await values(result, [1, 1, 0, 1], [2, 1, 1, 1])).toEqual([3, 11]);
  });

  it('keeps the grid, and knows of which source each new date is', async () => {
    const result = await resample({ data, target: target('01-02', '01-08') });
    expect(result.grid).toEqual(data.grid);
    expect(result.attributes.sourcesByLabel).toEqual({ [day('01-02')]: ['c/1'], [day('01-08')]: ['c/3'] });
  });

  it('picks gaps and NaN when no limit is given', async () => {
    const gaps = sample({ t: source, value: (i) => [null, NaN, 5][i]! });
    expect(await values(await resample({ data: gaps, target: target('01-01', '01-04', '01-08') }))).toEqual([null, NaN, 5]);
  });

  it('looks for valid values nearer than the limit', async () => {
    // Two pixels: the first lacks the 5th, the second has NaN on the 9th.
    const gaps = sample({ t: source, grid: grid(2, 1), value: (i) => [1, 2, null, 4, 5, NaN][i]! });
    const within = (days: number) => resample({ data: gaps, target: target('01-05', '01-10', '02-01'), valid_within: days });
    expect(await values(await within(4))).toEqual([null, 4, 5, null, null, null]);
    expect(await values(await within(5.5))).toEqual([1, 4, 5, 4, null, null]);
    expect(await values(await within(5.5), [1, 0, 1], [1, 1, 1])).toEqual([4]);
  });

  it('prefers the earlier of two valid values', async () => {
    expect(await values(await resample({ data: sample({ t: source }), target: target('01-07'), valid_within: 10 }))).toEqual([1]);
  });

  it('resamples dates that are in no order', async () => {
    const shuffled = sample({ t: [source[2]!, source[0]!, source[1]!] });
    expect(await values(await resample({ data: shuffled, target: target('01-03', '01-07', '01-20') }))).toEqual([1, 2, 0]);
  });

  it('gives no-data where there are no dates at all', async () => {
    expect(await values(await resample({ data: sample({ t: [] }), target: target('01-01', '01-02') }))).toEqual([null, null]);
    expect(await values(await resample({ data, target: target() }))).toEqual([]);
  });

  it('has a fingerprint of what it takes', async () => {
    const of = async (limit: number | null, label: string) => fingerprint(await resample({ data, target: target(label), valid_within: limit }));
    expect(await of(5, '01-02')).toBe(await of(5, '01-02'));
    expect(await of(5, '01-02')).not.toBe(await of(5, '01-08'));
    expect(await of(null, '01-02')).not.toBe(await of(null, '01-08'));
  });

  it('resamples every temporal dimension that both cubes have', async () => {
    const two = arrayCube({ dimensions: [temporalDimension(source, 't'), temporalDimension(source, 'u')], dtype: 'uint8', data: new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8]) });
    const other = arrayCube({ dimensions: [temporalDimension([day('01-09')], 'u'), temporalDimension([day('01-05')], 't')], dtype: 'uint8', data: new Uint8Array(1) });
    expect(await values(await resample({ data: two, target: other }))).toEqual([5]);
    expect(await values(await resample({ data: two, target: other, dimension: 't' }))).toEqual([3, 4, 5]);
  });

  it('refuses what does not go together', async () => {
    const given = { data, target: target('01-01') };
    expect(await codeOf(run('resample_cube_temporal', { ...given, dimension: 'z' }))).toBe('DimensionNotAvailable');
    expect(await codeOf(run('resample_cube_temporal', { ...given, dimension: 'bands' }))).toBe('DimensionNotAvailable');
    expect(await codeOf(run('resample_cube_temporal', { data, target: sample({ t: source, bands: ['a'] }), dimension: 'bands' }))).toBe('DimensionMismatch');
    expect(await codeOf(run('resample_cube_temporal', { data: sample({ bands: ['a'] }), target: target('01-01') }))).toBe('DimensionMismatch');
    await expect(run('resample_cube_temporal', { ...given, valid_within: -1 })).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('valid_within') as string });
    expect(await codeOf(run('resample_cube_temporal', { ...given, valid_within: Infinity }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('resample_cube_temporal', { ...given, valid_within: NaN }))).toBe('ProcessParameterInvalid');
    await expect(run('resample_cube_temporal', { data, target: sample({ t: ['2024-05'] }) })).rejects.toThrow(/'2024-05' of its temporal dimension/);
    expect(await codeOf(run('resample_cube_temporal', { data: 5, target: target('01-01') }))).toBe('ProcessParameterInvalid');
  });
});
