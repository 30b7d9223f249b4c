import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cube } from '../../src/cube/cube.ts';
import { arrayCube } from '../../src/cube/array-cube.ts';
import { LabeledArray } from '../../src/graph/value.ts';
import { json } from '../../src/formats/json.ts';
import { bands, testContext, testCube, type TestContext } from './cubes.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

async function written(data: unknown): Promise<unknown> {
  return JSON.parse(await textOf(data));
}

async function textOf(data: unknown, options = {}): Promise<string> {
  const [file] = await json.write(data as Cube, options, context);
  expect(file).toMatchObject({ name: 'result.json', mediaType: 'application/json' });
  return readFile(file!.path, 'utf8');
}

describe('plain values', () => {
  it.each([[5, 5], [null, null], [true, true], ['a"b', 'a"b'], [[1, [null, 'x']], [1, [null, 'x']]], [Number.NaN, 'NaN'], [[-Infinity], ['-Infinity']], [{ a: { b: 1 } }, { a: { b: 1 } }]])('%j', async (value, expected) => {
    expect(await written(value)).toEqual(expected);
  });

  it('labeled arrays keep their labels', async () => {
    expect(await written(new LabeledArray([1, null], ['a', 'b']))).toEqual({ type: 'labeled-array', data: [{ key: 'a', value: 1 }, { key: 'b', value: null }] });
  });

  it.each([[Number.NaN, 'NaN'], [[1, -Infinity, null], '[1,-Infinity,null]'], [{ a: [Infinity, 'NaN'] }, '{"a":[Infinity,"NaN"]}']])('%j has bare words on demand', async (value, expected) => {
    expect(await textOf(value, { non_finite: 'literal' })).toBe(expected);
    await expect(textOf(value, { non_finite: 'null' })).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
  });
});

describe('cubes', () => {
  it('become nested arrays with labels, null and NaN apart', async () => {
    const cube = testCube({ width: 2, height: 2, value: (i) => (i === 1 ? null : i === 2 ? Number.NaN : i), attributes: { bands: [{ name: 'a' }, { name: 'b', unit: 'm' }] } });
    expect(await written(cube)).toEqual({
      dims: ['bands', 'y', 'x'],
      coords: {
        bands: { dims: ['bands'], attrs: {}, data: ['a', 'b'] },
        y: { dims: ['y'], attrs: {}, data: [5_599_995, 5_599_985] },
        x: { dims: ['x'], attrs: {}, data: [500_005, 500_015] },
      },
      attrs: { crs: 'EPSG:32631', bands: [{ name: 'a' }, { name: 'b', unit: 'm' }] },
      data: [[[0, null], ['NaN', 3]], [[4, 5], [6, 7]]],
    });
  });

  it('have bare words on demand', async () => {
    const cube = testCube({ width: 2, height: 1, dimensions: [], value: (i) => (i === 0 ? Number.NaN : -Infinity) });
    expect(await textOf(cube, { non_finite: 'literal' })).toContain('"data":[[NaN,-Infinity]]');
  });

  it('of booleans have true and false', async () => {
    expect(await written(testCube({ dtype: 'bool', width: 2, height: 1, dimensions: [], value: (i) => i }))).toMatchObject({ data: [[false, true]] });
  });

  it('without dimensions are one number', async () => {
    expect(await written(arrayCube({ dimensions: [], dtype: 'float64', data: Float64Array.of(2.5) }))).toMatchObject({ dims: [], data: 2.5 });
  });

  it('that are read in several windows are the same', async () => {
    const cube = testCube({ width: 700, height: 300 });
    const { data } = (await written(cube)) as { data: number[][][] };
    expect([data.length, data[0]!.length, data[0]![0]!.length]).toEqual([2, 300, 700]);
    expect(data.flat(2).every((value, i) => value === i)).toBe(true);
    expect(context.shares.length).toBeGreaterThan(1);
  });

  it('without cells and unknown options are refused', async () => {
    await expect(json.write(testCube({ dimensions: [bands()] }), {}, context)).rejects.toMatchObject({ code: 'DataCubeEmpty' });
    await expect(json.write(testCube(), { indent: 2 }, context)).rejects.toMatchObject({ code: 'ProcessParameterInvalid', message: expect.stringContaining('\'indent\'') as string });
  });
});
