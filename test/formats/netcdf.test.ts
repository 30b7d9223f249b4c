import h5wasm, { type Dataset } from 'h5wasm/node';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Cube } from '../../src/cube/cube.ts';
import { netcdf } from '../../src/formats/netcdf/write.ts';
import { bands, dates, testContext, testCube, type TestContext } from './cubes.ts';

let context: TestContext;
beforeAll(async () => {
  await h5wasm.ready;
});
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

interface ReadBack {
  readonly variables: string[];
  readonly get: (name: string) => { readonly values: unknown[]; readonly shape: number[]; readonly dtype: unknown; readonly attributes: Record<string, unknown>; readonly scales: string[] };
}

async function readBack(cube: Cube): Promise<ReadBack> {
  const [file] = await netcdf.write(cube, {}, context);
  expect(file).toMatchObject({ name: 'result.nc', mediaType: 'application/x-netcdf', roles: ['data'] });
  const h5 = new h5wasm.File(file!.path, 'r');
  const variables = h5.keys();
  const all = Object.fromEntries(variables.map((name) => {
    const dataset = h5.get(name) as Dataset;
    const raw: unknown = dataset.value;
    const values = typeof raw === 'object' ? Array.from(raw as ArrayLike<unknown>) : [raw];
    const attributes = Object.fromEntries(Object.entries(dataset.attrs).map(([key, attribute]) => [key, attribute.value]));
    const scales = (dataset.shape ?? []).flatMap((_, i) => (key(dataset) ? dataset.get_attached_scales(i) : []));
    return [name, { values, shape: dataset.shape ?? [], dtype: dataset.dtype, attributes, scales }];
  }));
  h5.close();
  return { variables, get: (name) => all[name]! };
}

const key = (dataset: Dataset) => (dataset.shape ?? []).length > 1;
const FILL = Math.fround(9.969209968386869e36);

describe('variables', () => {
  it('are the bands, over time and space', async () => {
    const cube = testCube({ dimensions: [dates('2021-01-01T00:00:00Z', '2021-01-03T00:00:00Z'), bands('B02', 'B/03')], attributes: { bands: [{ name: 'B02', unit: '1', description: 'blue' }, { name: 'B/03' }] } });
    const file = await readBack(cube);
    expect(file.variables.toSorted()).toEqual(['B02', 'B_03', 'crs', 't', 'x', 'y']);
    expect(file.get('B02')).toMatchObject({ shape: [2, 4, 5], attributes: { long_name: 'blue', units: '1', grid_mapping: 'crs' }, scales: ['/t', '/y', '/x'] });
    expect(file.get('B_03').values[0]).toBe(20);
    expect(file.get('B02').values.slice(20, 22)).toEqual([40, 41]);
    expect(file.get('t')).toMatchObject({ values: [18_628, 18_630], attributes: { units: 'days since 1970-01-01 00:00:00', standard_name: 'time' } });
    expect(file.get('x')).toMatchObject({ values: [500_005, 500_015, 500_025, 500_035, 500_045], attributes: { standard_name: 'projection_x_coordinate', units: 'm' } });
    expect(file.get('crs').attributes).toMatchObject({ grid_mapping_name: 'transverse_mercator', longitude_of_central_meridian: new Float64Array([3]), GeoTransform: '500000 10 0 5600000 0 -10' });
    expect(file.get('crs').attributes.crs_wkt).toContain('UTM zone 31N');
  });

  it('are one with a dimension when bands are many', async () => {
    const labels = Array.from({ length: 40 }, (_, i) => `e${i}`);
    const file = await readBack(testCube({ dimensions: [bands(...labels)] }));
    expect(file.get('var')).toMatchObject({ shape: [40, 4, 5], scales: ['/bands', '/y', '/x'] });
    expect(file.get('bands').values).toEqual(labels);
    expect(file.get('var').values).toEqual(Array.from({ length: 800 }, (_, i) => i));
  });

  it('have seconds for times of day', async () => {
    expect((await readBack(testCube({ dimensions: [dates('1970-01-02T00:00:01Z')] }))).get('t')).toMatchObject({ values: [86_401], attributes: { units: 'seconds since 1970-01-01 00:00:00' } });
  });

  it('larger than a window are complete', async () => {
    const file = await readBack(testCube({ dimensions: [], width: 1300, height: 1100 }));
    expect(file.get('var').values.every((value, i) => value === i)).toBe(true);
    expect(context.shares.length).toBeGreaterThan(2);
  });
});

describe('no-data', () => {
  it('is the fill value, and NaN stays NaN', async () => {
    const data = (await readBack(testCube({ dimensions: [], value: (i) => (i === 1 ? null : i === 2 ? Number.NaN : i) }))).get('var');
    expect(data.attributes._FillValue).toEqual(new Float32Array([FILL]));
    expect(data.values.slice(0, 4)).toEqual([0, FILL, Number.NaN, 3]);
  });

  it('of integers is a value that no sample has', async () => {
    const data = (await readBack(testCube({ dtype: 'uint16', dimensions: [], attributes: { nodata: 0 }, value: (i) => (i === 7 ? null : i) }))).get('var');
    expect(data.attributes._FillValue).toEqual(new Uint16Array([65_535]));
    expect(data.values.slice(6, 9)).toEqual([6, 65_535, 8]);
  });
});

describe('encodings', () => {
  const encoding = (scale: number[]) => ({ encoding: { method: 'int8' as const, dtype: 'int8' as const, scale, offset: scale.map(() => 1), nodata: -128 } });

  it('store int8 with scale_factor and add_offset per variable', async () => {
    const file = await readBack(testCube({ attributes: encoding([0.5, 2]), value: (i) => (i === 0 ? null : i < 20 ? 1 + i / 2 : 1 + 2 * (i - 20)) }));
    expect(file.get('a')).toMatchObject({ dtype: '<b', attributes: { scale_factor: new Float64Array([0.5]), add_offset: new Float64Array([1]), _FillValue: new Int8Array([-128]) } });
    expect(file.get('a').values.slice(0, 3)).toEqual([-128, 1, 2]);
    expect(file.get('b').values.slice(0, 3)).toEqual([0, 1, 2]);
  });

  it('fall back to float32 when one variable would need several scales', async () => {
    const many = bands(...Array.from({ length: 40 }, (_, i) => `e${i}`));
    const scales = (last: number) => encoding(Array.from({ length: 40 }, (_, i) => (i === 39 ? last : 0.5)));
    expect((await readBack(testCube({ dimensions: [many], attributes: scales(2) }))).get('var').dtype).toBe('<f');
    await context.remove();
    context = await testContext();
    expect((await readBack(testCube({ dimensions: [many], attributes: scales(0.5) }))).get('var').dtype).toBe('<b');
  });
});

describe('refusals', () => {
  it('name the option, the empty dimension, and leave on abort', async () => {
    await expect(netcdf.write(testCube(), { chunks: 1 }, context)).rejects.toMatchObject({ code: 'ProcessParameterInvalid' });
    await expect(netcdf.write(testCube({ dimensions: [bands()] }), {}, context)).rejects.toMatchObject({ code: 'DataCubeEmpty' });
    await expect(netcdf.write(testCube(), {}, { ...context, signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});
