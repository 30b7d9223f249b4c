import { describe, expect, it } from 'vitest';
import type { Cube } from '../../../src/cube/cube.ts';
import { callbackFrom } from '../../graph/kernels.ts';
import { codeOf, fingerprint, grid, run, runCube, sample, values } from './harness.ts';

const YEAR = 31_557_600;
const parameter = (name: string) => ({ from_parameter: name });
const element = (index: number) => ({ process_id: 'array_element', arguments: { data: parameter('parameters'), index } });
const angle = { process_id: 'multiply', arguments: { x: parameter('x'), y: (2 * Math.PI) / YEAR } };

/** a + b cos(2πx/year) + c sin(2πx/year) */
const harmonic = {
  a: element(0), b: element(1), c: element(2), angle,
  cos: { process_id: 'cos', arguments: { x: { from_node: 'angle' } } },
  sin: { process_id: 'sin', arguments: { x: { from_node: 'angle' } } },
  bc: { process_id: 'multiply', arguments: { x: { from_node: 'b' }, y: { from_node: 'cos' } } },
  cs: { process_id: 'multiply', arguments: { x: { from_node: 'c' }, y: { from_node: 'sin' } } },
  sum: { process_id: 'sum', arguments: { data: [{ from_node: 'a' }, { from_node: 'bc' }, { from_node: 'cs' }] }, result: true },
};
const line = {
  slope: element(1), start: element(0),
  product: { process_id: 'multiply', arguments: { x: { from_node: 'slope' }, y: parameter('x') } },
  sum: { process_id: 'add', arguments: { x: { from_node: 'start' }, y: { from_node: 'product' } }, result: true },
};

const fitting = (model: object, parameters: readonly unknown[], more: object = {}) => ({
  process_graph: { fit: { process_id: 'fit_curve', arguments: { data: parameter('data'), parameters, function: { process_graph: model }, ...more }, result: true } },
});
const fit = (data: Cube, model: object, parameters: readonly unknown[], more: object = {}) =>
  runCube('apply_dimension', { data, dimension: 't', target_dimension: 'param', process: fitting(model, parameters, more) });

const dates = Array.from({ length: 30 }, (_, k) => new Date(Date.UTC(2021, 0, 1 + 13 * k)).toISOString());
const seconds = dates.map((date) => Date.parse(date) / 1000);
const truth = (x: number, pixel: number) => 1000 + pixel + (200 - pixel) * Math.cos((2 * Math.PI * x) / YEAR) + 50 * Math.sin((2 * Math.PI * x) / YEAR);
const seasons = (value = (x: number, pixel: number): number | null => truth(x, pixel)) =>
  sample({ t: dates, grid: grid(3, 2), dtype: 'float64', value: (i) => value(seconds[Math.floor(i / 6)]!, i % 6) });

describe('fit_curve', () => {
  it('finds the parameters of each pixel, with dates as seconds', async () => {
    const result = await fit(seasons(), harmonic, [1, 1, 1]);
    expect(result.dimensions.map((d) => d.name)).toEqual(['param', 'y', 'x']);
    expect(result.dtype).toBe('float64');
    const found = await values(result) as number[];
    for (let pixel = 0; pixel < 6; pixel++) {
      expect(found[pixel]).toBeCloseTo(1000 + pixel, 6);
      expect(found[6 + pixel]).toBeCloseTo(200 - pixel, 6);
      expect(found[12 + pixel]).toBeCloseTo(50, 6);
    }
  });

  it('leaves no-data out, and has no solution where too little is left', async () => {
    const gaps = seasons((x, pixel) => (pixel === 0 && x > seconds[1]! ? null : pixel === 1 && x === seconds[4] ? null : truth(x, pixel)));
    const found = await values(await fit(gaps, harmonic, [1, 1, 1]));
    expect([found[0], found[6], found[12]]).toEqual([null, null, null]);
    expect(found[1]).toBeCloseTo(1001, 6);
    const strict = await values(await fit(gaps, harmonic, [1, 1, 1], { ignore_nodata: false }));
    expect([strict[1], strict[7]]).toEqual([null, null]);
    expect(strict[2]).toBeCloseTo(1002, 6);
  });

  it('gives no-data for series with NaN', async () => {
    const found = await values(await fit(seasons((x, pixel) => (pixel === 3 && x === seconds[2] ? NaN : truth(x, pixel))), harmonic, [1, 1, 1]));
    expect([found[3], found[9]]).toEqual([null, null]);
    expect(found[4]).toBeCloseTo(1004, 6);
  });

  it('takes labels that are numbers as they are', async () => {
    const cube = sample({ t: [2000, 2010, 2030] as unknown as string[], value: (i) => [7, 27, 67][i]! });
    const found = await values(await fit(cube, line, [0, 0]));
    expect(found[0]).toBeCloseTo(7 - 2 * 2000, 3);
    expect(found[1]).toBeCloseTo(2, 6);
  });

  it('is the same compiled and interpreted', async () => {
    const graph = fitting(line, [0.5, 0.5]).process_graph;
    const callback = callbackFrom(graph as never, ['data']);
    const kernel = callback.compile([{ name: 'data', kind: 'array', dtype: 'float64', labels: [1, 2, 4, 8] }]);
    expect(kernel.isInterpreted).toBe(false);
    const data = Float64Array.from([3.1, 4.9, 9.2, 16.8]);
    const { LabeledArray } = await import('../../../src/graph/value.ts');
    const interpreted = callback.interpret({ data: new LabeledArray([...data], [1, 2, 4, 8]) }) as number[];
    expect([...kernel.run([{ data, nulls: null }], 1, 1).data]).toEqual(interpreted);
    const gap = callback.interpret({ data: new LabeledArray([3, null, null, null], [1, 2, 4, 8]) });
    expect(gap).toEqual([null, null]);
  });

  it('is fast: 10,000 series of 30 dates in a second', async () => {
    const big = sample({ t: dates, grid: grid(100, 100), dtype: 'float32', value: (i) => truth(seconds[Math.floor(i / 10_000)]!, i % 97) + (i % 13) });
    const result = await fit(big, harmonic, [1, 1, 1]);
    const before = performance.now();
    await result.read(result.fullWindow());
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('refuses guesses, labels and functions that are none', async () => {
    const cube = sample({ t: dates });
    await expect(fit(cube, line, [])).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
    await expect(fit(cube, line, ['a'])).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
    await expect(fit(sample({ t: ['April', 'May'] }), line, [0, 0])).rejects.toThrow(/'April' is neither a number nor a date/);
    const isPositive = { only: { process_id: 'gt', arguments: { x: parameter('x'), y: 0 }, result: true } };
    await expect(fit(cube, isPositive, [1])).rejects.toThrow(/function/);
    expect(await codeOf(run('fit_curve', { data: [1, 2], parameters: [1], function: { process_graph: line } }))).toBe('ProcessParameterInvalid');
  });
});

describe('predict_curve', () => {
  const fitted = () => fit(seasons(), harmonic, [1, 1, 1]);
  const predict = async (parameters: Cube, labels: unknown, dimension = 't') => runCube('predict_curve', { parameters, function: { process_graph: harmonic }, dimension, labels });

  it('computes the model at dates, per pixel', async () => {
    const labels = ['2022-03-01', '2022-09-01T12:00:00Z'];
    const result = await predict(await fitted(), labels);
    expect(result.dimension('t')).toEqual({ name: 't', type: 'temporal', size: 2, labels });
    expect(result.grid).toEqual(grid(3, 2));
    const found = await values(result) as number[];
    labels.forEach((label, k) => {
      for (let pixel = 0; pixel < 6; pixel++) expect(found[k * 6 + pixel]).toBeCloseTo(truth(Date.parse(label) / 1000, pixel), 5);
    });
    expect((await values(result, [1, 1, 2], [1, 1, 1]))[0]).toBe(found[11]);
  });

  it('takes parameters from the dimension of that name, and numbers as labels', async () => {
    const cube = sample({ bands: ['start', 'slope'], value: (i) => [10, 2][i]! });
    const predicted = await runCube('predict_curve', { parameters: cube, function: { process_graph: line }, dimension: 'bands', labels: [0, 1.5] });
    expect(predicted.dimension('bands')).toEqual({ name: 'bands', type: 'other', size: 2, labels: [0, 1.5] });
    expect(await values(predicted)).toEqual([10, 13]);
  });

  it('gives no-data where a parameter is no-data', async () => {
    const cube = sample({ bands: ['start', 'slope'], grid: grid(2, 1), value: (i) => [10, null, 2, 2][i]! });
    expect(await values(await runCube('predict_curve', { parameters: cube, function: { process_graph: line }, dimension: 'x2', labels: [0, 1] }))).toEqual([10, null, 12, null]);
  });

  it('has a fingerprint of model, parameters and labels', async () => {
    const of = async (labels: unknown) => fingerprint(await predict(await fitted(), labels));
    expect(await of(['2022-03-01'])).toBe(await of(['2022-03-01']));
    expect(await of(['2022-03-01'])).not.toBe(await of(['2022-03-02']));
  });

  it('says what is missing', async () => {
    const cube = await fitted();
    await expect(predict(cube, null)).rejects.toThrow(/labels/);
    await expect(predict(cube, [])).rejects.toThrow(/labels/);
    await expect(predict(cube, ['2022-01-01', 5])).rejects.toThrow(/all numbers or all dates/);
    await expect(predict(cube, [Infinity])).rejects.toThrow(/labels/);
    await expect(predict(cube, ['soon'])).rejects.toThrow(/labels/);
    await expect(predict(cube, [1], 'x')).rejects.toThrow(/spatial/);
    await expect(predict(sample({ grid: grid(2, 1) }), [1])).rejects.toThrow(/neither a dimension 't'/);
    expect(await codeOf(predict(sample({ bands: ['only'] }), [1]))).toBe('ArrayElementNotAvailable');
    expect(await codeOf(run('predict_curve', { parameters: 3, function: { process_graph: line }, dimension: 't', labels: [1] }))).toBe('ProcessParameterInvalid');
  });
});
