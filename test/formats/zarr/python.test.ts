import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAll } from '../../../src/cube/array-cube.ts';
import type { Cube, Quantization } from '../../../src/cube/cube.ts';
import { ZarrStore } from '../../../src/formats/zarr/store.ts';
import { zarr } from '../../../src/formats/zarr/write.ts';
import { bands, testContext, testCube, type TestContext } from '../cubes.ts';
import { findPython, runPython } from '../python.ts';
import { DATES, DIMENSIONS, encodings, vectorCube } from '../vectors.ts';

const python = findPython(['zarr', 'xarray']);

const WITH_ZARR = `
import zarr
source = zarr.storage.ZipStore(sys.argv[1], mode='r') if sys.argv[1].endswith('.zip') else sys.argv[1]
group = zarr.open_consolidated(source, mode='r', zarr_format=3)
array = group[sys.argv[2]]
print(json.dumps({'values': clean(array[:]), 'dtype': str(array.dtype), 'shards': array.shards, 'chunks': array.chunks, 'arrays': sorted(group.array_keys()),
  'scale': clean(group['scale'][:]) if 'scale' in group else None}))
`;

const WITH_XARRAY = `
import xarray as xr, zarr
source = zarr.storage.ZipStore(sys.argv[1], mode='r') if sys.argv[1].endswith('.zip') else sys.argv[1]
data = xr.open_zarr(source, consolidated=True)
array = data[sys.argv[2]]
print(json.dumps({'values': clean(array.values), 'dims': array.dims, 'times': [str(t)[:19] for t in data.t.values] if 't' in data else [],
  'names': [str(n) for n in data[array.dims[-3]].values], 'x': float(data.x[0]), 'crs': data.spatial_ref.attrs['crs_wkt'], 'coords': sorted(map(str, array.coords))}))
`;

interface ReadBack {
  readonly values: (number | null)[];
  readonly [key: string]: unknown;
}

async function valuesOf(cube: Cube): Promise<(number | null)[]> {
  const { data, nulls } = await readAll(cube);
  return Array.from(data, (value, i) => (nulls?.[i] || Number.isNaN(value) ? null : value));
}

if ('reason' in python) {
  it.skip(`skipped: ${python.reason}`);
} else {
  let context: TestContext;
  beforeAll(async () => {
    context = await testContext();
  });
  afterAll(() => context.remove());

  const zip = async (cube: Cube, prefix: string) => (await zarr.write(cube, { filename_prefix: prefix, chunk_size: 8, shard_size: 16 }, context))[0]!.path;
  const read = (script: string, path: string, name: string) => runPython(python.path, script, path, name) as ReadBack;

  /** The store as a tree of files, in the way that a materialised one is written. */
  async function directory(cube: Cube, name: string): Promise<string> {
    const root = join(context.directory, name);
    const store = new ZarrStore(cube, { chunkSize: 8, shardSize: 16 });
    const objects = store.metadata();
    for (let i = 0; i < store.shardCount; i++) objects.push(...(await store.encode(i, await cube.read(store.shard(i).window), context.signal)).objects);
    for (const { key, bytes } of objects) {
      await mkdir(dirname(join(root, key)), { recursive: true });
      await writeFile(join(root, key), bytes);
    }
    return root;
  }

  describe('zarr-python', () => {
    it('reads the ZIP file and the directory alike', async () => {
      const cube = vectorCube();
      const values = await valuesOf(cube);
      for (const path of [await zip(cube, 'plain'), await directory(cube, 'plain.zarr')]) {
        const result = read(WITH_ZARR, path, 'embeddings');
        expect(result).toMatchObject({ dtype: 'float32', shards: [1, DIMENSIONS, 16, 16], chunks: [1, DIMENSIONS, 8, 8], arrays: ['embedding', 'embeddings', 'spatial_ref', 't', 'x', 'y'] });
        expect(result.values).toEqual(values);
      }
    });

    it.each<Quantization>(['float16', 'int8', 'int8_power2', 'int8_per_vector', 'binary'])('reads %s', async (method) => {
      const cube = vectorCube(method);
      const result = read(WITH_ZARR, await zip(cube, method), 'embeddings');
      const { dtype, nodata } = encodings[method];
      expect(result['dtype']).toBe(dtype);
      const values = await valuesOf(cube);
      // Codes of no-data and of nothing else where there is none.
      expect(result.values.map((v) => v === null || v === nodata)).toEqual(values.map((v) => v === null));
      if (method === 'binary' || method === 'float16') expect(result.values.map((v) => (v === nodata ? null : v))).toEqual(values);
    });
  });

  describe('xarray', () => {
    it('has dates, names, coordinates and the reference system', async () => {
      const cube = vectorCube();
      const result = read(WITH_XARRAY, await zip(cube, 'labels'), 'embeddings');
      expect(result).toMatchObject({
        dims: ['t', 'embedding', 'y', 'x'], times: DATES.map((d) => d.slice(0, 19)), x: 500_040, coords: ['embedding', 'spatial_ref', 't', 'x', 'y'],
        crs: expect.stringContaining('UTM zone 31N') as string,
      });
      expect((result['names'] as string[]).slice(0, 2)).toEqual(['e000', 'e001']);
      expect(result.values).toEqual(await valuesOf(cube));
    });

    it('applies one scale, and masks no-data of integers', async () => {
      const step = new Array<number>(DIMENSIONS).fill(0.0078125);
      const scaled = vectorCube('int8', { method: 'int8', dtype: 'int8', nodata: -128, scale: step, offset: step.map(() => 0) });
      expect(read(WITH_XARRAY, await zip(scaled, 'scaled'), 'embeddings').values).toEqual(await valuesOf(scaled));
      const counts = testCube({ dtype: 'uint16', dimensions: [bands('a', 'b', 'c')], value: (i) => (i % 7 === 0 ? null : i * 100) });
      expect(read(WITH_XARRAY, await zip(counts, 'counts'), 'data').values).toEqual(await valuesOf(counts));
    });
  });
}
