/** Views of embeddings in netCDF: the variables, decoded by what their attributes say, are what the cube holds. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAll } from '../../src/cube/array-cube.ts';
import type { Cube, Quantization } from '../../src/cube/cube.ts';
import { netcdf } from '../../src/formats/netcdf/write.ts';
import { bands, testContext, testCube, type TestContext } from './cubes.ts';
import { findPython, runPython } from './python.ts';
import { DIMENSIONS, encodings, vectorCube } from './vectors.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

const python = findPython(['xarray', 'netCDF4']);

/** What xarray makes of the file on its own (no-data as NaN, scale_factor), and the rest by the attributes. */
const DECODE = `
import xarray
file = xarray.open_dataset(sys.argv[1])
raw = xarray.open_dataset(sys.argv[1], mask_and_scale=False)
names = [n for n in file.data_vars if n not in ('crs', 'scale')]
def decode(name):
    values, facts = file[name].values.astype('float64'), raw[name].attrs
    method = facts.get('quantization', 'float32')
    if method == 'int8_power2':
        values = np.sign(values) * (np.abs(values) / facts['quantization_scale']) ** facts['quantization_power'] * facts['quantization_gain']
    elif method == 'int8_per_vector':
        scale = file[facts['quantization_scale_variable']].transpose(*[d for d in file[name].dims if d != 'embedding']).values
        values = values * (scale if 'embedding' not in file[name].dims else np.expand_dims(scale, file[name].dims.index('embedding')))
    elif method == 'int8':
        codes = raw[name].values.astype('float64')
        values = np.where(codes == facts['_FillValue'], np.nan, codes * facts['scale_factor'] + facts['add_offset'])
    return values.astype('float32')
print(json.dumps({'dtype': str(raw[names[0]].dtype), 'shape': list(raw[names[0]].shape), 'names': names, 'values': clean(np.stack([decode(n) for n in names], axis=1) if len(names) > 1 else decode(names[0])),
  'scales': list(file['scale'].dims) if 'scale' in file else None, 'threshold': [float(np.ravel(raw[n].attrs['quantization_threshold'])[0]) for n in names if 'quantization_threshold' in raw[n].attrs]}))
`;

interface Decoded {
  readonly dtype: string;
  readonly shape: number[];
  readonly names: string[];
  readonly values: (number | null)[];
  readonly scales: string[] | null;
  readonly threshold: number[];
}

async function decode(cube: Cube): Promise<Decoded> {
  const [file, ...others] = await netcdf.write(cube, {}, context);
  expect(others).toEqual([]);
  return runPython((python as { path: string }).path, DECODE, file!.path) as Decoded;
}

async function held(cube: Cube): Promise<(number | null)[]> {
  const block = await readAll(cube);
  return Array.from(block.data, (v, i) => (block.nulls?.[i] || Number.isNaN(v) ? null : v === 0 ? 0 : v));
}

/** More dimensions than become variables: they stay a dimension. */
function manyDimensions(method: Quantization): Cube {
  const count = 40;
  const labels = Array.from({ length: count }, (_, i) => `d${i}`);
  const encoding = { ...encodings[method], ...(method === 'binary' && { threshold: labels.map(() => 0.5) }) };
  const value = (i: number) => (i % 20 === 7 ? null : method === 'binary' ? i % 2 : method === 'int8_per_vector' ? ((Math.floor(i / 20) * 3 + 8) % 255 - 127) / 64 : Math.fround(Math.sign((i % 255) - 127) * (((i % 255) - 127) / 127.5) ** 2));
  return testCube({ dimensions: [{ ...bands(...labels), name: 'embedding' }], dtype: method === 'binary' ? 'uint8' : 'float32', attributes: { encoding }, value });
}

describe('xarray', () => {
  if ('reason' in python) return it.skip(`skipped: ${python.reason}`);

  it.each(Object.keys(encodings) as Quantization[])('decodes %s to the values of the cube, bit by bit', async (method) => {
    const cube = vectorCube(method);
    const file = await decode(cube);
    expect(file.names).toHaveLength(DIMENSIONS);
    expect(file.dtype).toBe(method === 'float16' ? 'float32' : encodings[method].dtype);
    expect(file.values).toEqual(await held(cube));
    expect(file.scales).toEqual(method === 'int8_per_vector' ? ['t', 'y', 'x'] : null);
    expect(file.threshold).toEqual(method === 'binary' ? encodings.binary.threshold : []);
  });

  it.each<Quantization>(['int8_power2', 'int8_per_vector', 'binary'])('decodes %s of many dimensions', async (method) => {
    const cube = manyDimensions(method);
    const file = await decode(cube);
    expect(file).toMatchObject({ dtype: encodings[method].dtype, shape: [40, 4, 5] });
    expect(file.values).toEqual(await held(cube));
  });
});
