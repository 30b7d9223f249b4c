import { describe, expect, it } from 'vitest';
import { codeOf, fingerprint, grid, run, runCube, sample, values } from './harness.ts';

const normal = (args: Record<string, unknown>) => runCube('climatological_normal', args);
const anomaly = (args: Record<string, unknown>) => runCube('anomaly', args);

/** The first of each month. */
const monthsOf = (...years: number[]) => years.flatMap((year) => Array.from({ length: 12 }, (_, m) => `${year}-${String(m + 1).padStart(2, '0')}-01T00:00:00Z`));

describe('climatological_normal', () => {
  const two = sample({ t: monthsOf(2022, 2023), grid: grid(1, 1) });

  it('averages the same month of all years', async () => {
    const result = await normal({ data: two, period: 'month', climatology_period: [2022, 2023] });
    expect(result.labels('t')).toEqual(['01', '02', '03', '04', '05', '06', '07', '08', '09', '10', '11', '12']);
    expect(await values(result)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    expect(result.dimension('t').type).toBe('temporal');
    expect(result.grid).toEqual(two.grid);
  });

  it('leaves out years before and after, no-data, and NaN not', async () => {
    const data = sample({ t: monthsOf(2021, 2022, 2023, 2024), value: (i) => (i === 12 ? null : i === 13 ? NaN : i) });
    const result = await values(await normal({ data, period: 'month', climatology_period: [2022, 2023] }));
    expect(result.slice(0, 3)).toEqual([24, NaN, 20]);
  });

  it('averages everything of the climatology', async () => {
    const result = await normal({ data: two, period: 'climatology-period', climatology_period: [2022, 2023] });
    expect(result.labels('t')).toEqual(['climatology-period']);
    expect(await values(result)).toEqual([11.5]);
  });

  it('leaves the first winter out when its December is missing, and the last December always', async () => {
    const result = await normal({ data: two, period: 'season', climatology_period: [2022, 2023] });
    expect(result.labels('t')).toEqual(['djf', 'mam', 'jja', 'son']);
    // djf: December 2022 (11), January and February 2023 (12, 13).
    expect(await values(result)).toEqual([12, (2 + 3 + 4 + 14 + 15 + 16) / 6, (5 + 6 + 7 + 17 + 18 + 19) / 6, (8 + 9 + 10 + 20 + 21 + 22) / 6]);
  });

  it('takes the first winter when its December is there', async () => {
    const result = await normal({ data: sample({ t: monthsOf(2021, 2022, 2023) }), period: 'season', climatology_period: [2022, 2023] });
    expect((await values(result))[0]).toBe((11 + 12 + 13 + 23 + 24 + 25) / 6);
  });

  it('knows the tropical seasons, whose winter needs November and December', async () => {
    const of = async (t: string[]) => values(await normal({ data: sample({ t }), period: 'tropical-season', climatology_period: [2022, 2023] }));
    const mean = (...list: number[]) => list.reduce((a, b) => a + b) / list.length;
    expect(await of(monthsOf(2022, 2023))).toEqual([mean(10, 11, 12, 13, 14, 15), mean(4, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 21)]);
    const withDecember = [...monthsOf(2021).slice(11), ...monthsOf(2022, 2023)];
    expect((await of(withDecember))[0]).toBe(mean(11, 12, 13, 14, 15, 16));
    const withBoth = [...monthsOf(2021).slice(10), ...monthsOf(2022, 2023)];
    expect((await of(withBoth))[0]).toBe(mean(0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17));
  });

  it('counts days through the year, the 366th with the 365th', async () => {
    const t = ['2023-12-31T10:00:00Z', '2024-01-02T00:00:00Z', '2024-12-30T00:00:00Z', '2024-12-31T00:00:00Z'];
    const result = await normal({ data: sample({ t, dtype: 'float64' }), period: 'day', climatology_period: [2023, 2024] });
    const all = await values(result);
    expect(result.labels('t')).toHaveLength(365);
    expect(result.labels('t')[0]).toBe('001');
    expect([all[0], all[1], all[364]]).toEqual([null, 1, (0 + 2 + 3) / 3]);
  });

  it('takes what aggregate_temporal_period makes', async () => {
    const months = await runCube('aggregate_temporal_period', { data: two, period: 'month', reducer: { process_graph: { m: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } } } });
    expect(await values(await normal({ data: months, period: 'month', climatology_period: [2022, 2023] }))).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
    const seasons = sample({ t: ['2021-djf', '2022-mam', '2022-djf', '2023-mam', '2023-djf'] });
    expect(await values(await normal({ data: seasons, period: 'season', climatology_period: [2022, 2023] }))).toEqual([1, 2, null, null]);
    expect(await values(await normal({ data: sample({ t: ['2022', '2023'] }), period: 'climatology-period', climatology_period: [2022, 2023] }))).toEqual([0.5]);
    expect(await values(await normal({ data: sample({ t: ['2022-001', '2023-001'] }), period: 'month', climatology_period: [2022, 2023] }))).toEqual([0.5, ...Array<null>(11).fill(null)]);
  });

  it('has a fingerprint of its period and years', async () => {
    const of = async (period: string, years: number[]) => fingerprint(await normal({ data: sample({ t: monthsOf(2021, 2022, 2023) }), period, climatology_period: years }));
    expect(await of('month', [2022, 2023])).toBe(await of('month', [2022, 2023]));
    expect(await of('month', [2022, 2023])).not.toBe(await of('month', [2021, 2023]));
    expect(await of('season', [2022, 2023])).not.toBe(await of('month', [2022, 2023]));
  });

  it('says what is missing', async () => {
    await expect(run('climatological_normal', { data: two, period: 'month' })).rejects.toThrow(/must span the years 1981 to 2010, but spans 2022 to 2023/);
    await expect(run('climatological_normal', { data: two, period: 'month', climatology_period: [2023, 2022] })).rejects.toThrow(/climatology_period.*first year/);
    await expect(run('climatological_normal', { data: sample({ t: ['2022', '2023'] }), period: 'month', climatology_period: [2022, 2023] })).rejects.toThrow(/longer times than the period 'month'/);
    await expect(run('climatological_normal', { data: sample({ t: ['2022-99', '2023'] }), period: 'month', climatology_period: [2022, 2023] })).rejects.toThrow(/'2022-99'/);
    expect(await codeOf(run('climatological_normal', { data: two, period: 'week', climatology_period: [2022, 2023] }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('climatological_normal', { data: two, period: 'month', climatology_period: [2022, 2022.5] }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('climatological_normal', { data: sample({ bands: ['a'] }), period: 'month', climatology_period: [2022, 2023] }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('climatological_normal', { data: sample({ t: [] }), period: 'month', climatology_period: [2022, 2023] }))).toBe('ProcessParameterInvalid');
  });
});

describe('anomaly', () => {
  const normals = sample({ t: ['01', '02', '03'], bands: ['a', 'b'], value: (i) => 10 * i });
  const data = sample({ t: ['2023-03', '2024-01', '2024-02'], bands: ['a', 'b'] });

  it('subtracts the normal of the same month', async () => {
    const result = await anomaly({ data, normals, period: 'month' });
    expect(result.labels('t')).toEqual(data.labels('t'));
    expect(await values(result)).toEqual([0 - 40, 1 - 50, 2 - 0, 3 - 10, 4 - 20, 5 - 30]);
    expect(await values(result, [1, 1], [2, 1])).toEqual([-7, -25]);
  });

  it('knows the labels of all periods', async () => {
    const one = async (label: string, name: string, period: string) => values(await anomaly({ data: sample({ t: [label], value: () => 7 }), normals: sample({ t: ['other', name], value: (i) => i }), period }));
    for (const [period, label, name] of [
      ['hour', '2024-05-17-09', '09'], ['day', '2024-138', '138'], ['week', '2024-20', '20'], ['dekad', '2024-14', '14'], ['month', '2024-05', '05'],
      ['season', '2023-djf', 'djf'], ['tropical-season', '2024-mjjaso', 'mjjaso'], ['year', '2024', '2024'], ['decade', '2020', '2020'], ['decade-ad', '2021', '2021'],
      ['month', '2024-05-17T00:00:00Z', '05'], ['season', '2024-01-17', 'djf'], ['hour', '2024-05-17T09:59:00Z', '09'], ['year', '2024-05-17', '2024'],
    ] as const) expect(await one(label, name, period), `${period} ${label}`).toEqual([6]);
  });

  it('compares everything with a single normal', async () => {
    const single = sample({ t: ['climatology-period'], bands: ['a', 'b'], value: (i) => i + 1 });
    for (const period of ['single-period', 'climatology-period']) expect(await values(await anomaly({ data, normals: single, period }))).toEqual([-1, -1, 1, 1, 3, 3]);
    await expect(run('anomaly', { data, normals, period: 'single-period' })).rejects.toThrow(/3 labels/);
  });

  it('compares day 366 with day 365 when there is no other', async () => {
    const days = sample({ t: ['365'], value: () => 2 });
    expect(await values(await anomaly({ data: sample({ t: ['2024-366', '2024-12-31'] }), normals: days, period: 'day' }))).toEqual([-2, -1]);
  });

  it('gives no-data for no-data, and repeats normals over dimensions that they lack', async () => {
    const gaps = sample({ t: ['2024-01', '2024-02'], bands: ['a', 'b'], value: (i) => (i === 1 ? null : i) });
    const flat = sample({ t: ['01', '02'], value: (i) => (i === 1 ? null : 100) });
    expect(await values(await anomaly({ data: gaps, normals: flat, period: 'month' }))).toEqual([-100, null, null, null]);
  });

  it('does not overflow the integers it is given', async () => {
    const small = sample({ t: ['2024-01'], dtype: 'uint8', value: () => 3 });
    expect(await values(await anomaly({ data: small, normals: sample({ t: ['01'], dtype: 'uint8', value: () => 250 }), period: 'month' }))).toEqual([-247]);
  });

  it('is zero on average after climatological_normal', async () => {
    const all = sample({ t: monthsOf(2022, 2023), grid: grid(2, 1), dtype: 'float64', value: (i) => Math.sin(i) });
    const result = await values(await anomaly({ data: all, normals: await normal({ data: all, period: 'month', climatology_period: [2022, 2023] }), period: 'month' })) as number[];
    for (let i = 0; i < 24; i++) expect(result[i]! + result[i + 24]!).toBeCloseTo(0, 12);
  });

  it('has a fingerprint of both cubes', async () => {
    const of = async (value: number) => fingerprint(await anomaly({ data, normals: sample({ t: ['01', '02', '03'], bands: ['a', 'b'], value: () => value }), period: 'month' }));
    expect(await of(1)).toBe(await of(1));
    expect(await of(1)).not.toBe(await of(2));
  });

  it('says which label is wrong or missing', async () => {
    await expect(run('anomaly', { data: sample({ t: ['2024-04'], bands: ['a', 'b'] }), normals, period: 'month' })).rejects.toThrow(/normals.*'2024-04': the label '04' is missing/);
    await expect(run('anomaly', { data: sample({ t: ['April'], bands: ['a', 'b'] }), normals, period: 'month' })).rejects.toThrow(/'April' is not one of the period 'month'/);
    await expect(run('anomaly', { data, normals: sample({ t: ['01', '02', '03'], bands: ['a', 'c'] }), period: 'month' })).rejects.toThrow(/labels on 'bands'/);
    await expect(run('anomaly', { data: sample({ t: ['2024-01'] }), normals, period: 'month' })).rejects.toThrow(/dimension 'bands'/);
    expect(await codeOf(run('anomaly', { data, normals: sample({ bands: ['a'] }), period: 'month' }))).toBe('ProcessParameterInvalid');
    expect(await codeOf(run('anomaly', { data, normals, period: 'moon' }))).toBe('ProcessParameterInvalid');
  });
});
