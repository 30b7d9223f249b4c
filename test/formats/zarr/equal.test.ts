/** The same cube as Zarr, GeoParquet and GeoTIFF: equal values in all three, whatever the quantisation. */
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cube, Quantization } from '../../../src/cube/cube.ts';
import { RasterCache } from '../../../src/formats/cog/raster-cache.ts';
import { gtiff } from '../../../src/formats/cog/write.ts';
import { parquet } from '../../../src/formats/parquet/write.ts';
import { ZarrStore } from '../../../src/formats/zarr/store.ts';
import { testContext, type TestContext } from '../cubes.ts';
import { DATES, DIMENSIONS, HEIGHT, vectorCube, WIDTH } from '../vectors.ts';
import { MemoryStore } from './memory-store.ts';

/** '<date> <column> <row>' → stored vector; only vectors with data. */
type Vectors = Map<string, string>;

const CELLS = WIDTH * HEIGHT;

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

/** Vectors out of [bands, y, x] of one date. */
function collect(vectors: Vectors, date: string, samples: ArrayLike<number>, isNull: (value: number, index: number) => boolean): void {
  for (let cell = 0; cell < CELLS; cell++) {
    const vector = Array.from({ length: DIMENSIONS }, (_, k) => samples[k * CELLS + cell]!);
    if (!vector.some((value, k) => isNull(value, k * CELLS + cell))) vectors.set(`${date} ${cell % WIDTH} ${Math.floor(cell / WIDTH)}`, vector.join());
  }
}

async function fromGtiff(cube: Cube): Promise<Vectors> {
  const vectors: Vectors = new Map();
  const cache = new RasterCache();
  const files = await gtiff.write(cube, { compression: 'ZSTD' }, context);
  for (const { path, datetime } of files) {
    const file = await cache.open(path);
    const block = await file.read({ level: 0, window: { x: 0, y: 0, width: WIDTH, height: HEIGHT }, bands: Array.from({ length: DIMENSIONS }, (_, i) => i) });
    collect(vectors, datetime!, block.data, (_, i) => block.nulls?.[i] === 1);
  }
  await cache.close();
  return vectors;
}

async function fromZarr(cube: Cube): Promise<Vectors> {
  const store = new ZarrStore(cube, { chunkSize: 8, shardSize: 16 });
  const objects = new Map(store.metadata().map(({ key, bytes }) => [key, bytes]));
  for (let i = 0; i < store.shardCount; i++) {
    for (const { key, bytes } of (await store.encode(i, await cube.read(store.shard(i).window), context.signal)).objects) objects.set(key, bytes);
  }
  const { values } = await new MemoryStore(objects).read('embeddings');
  const vectors: Vectors = new Map();
  const { nodata } = store.type;
  for (const [t, date] of DATES.entries()) collect(vectors, date, values.slice(t * DIMENSIONS * CELLS), (value) => Object.is(value, nodata));
  return vectors;
}

async function fromParquet(cube: Cube): Promise<Vectors> {
  const [written] = await parquet.write(cube, {}, context);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(written!.path), compressors: { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) } });
  return new Map(rows.map((row) => {
    const [, west, north] = (row['id'] as string).split('/').map(Number);
    const date = (row['datetime'] as Date).toISOString().replace('.000', '');
    return [`${date} ${(west! - 500_000) / 80} ${(5_600_000 - north!) / 80}`, unpacked(row['embedding'] as number[] | Uint8Array).join()];
  }));
}

/** Packed bits as numbers. */
function unpacked(value: number[] | Uint8Array): number[] {
  if (!(value instanceof Uint8Array)) return value;
  return Array.from({ length: DIMENSIONS }, (_, k) => (value[k >> 3]! >> (7 - (k & 7))) & 1);
}

const sorted = (vectors: Vectors) => [...vectors].sort(([a], [b]) => (a < b ? -1 : 1));

describe.each<Quantization>(['float32', 'float16', 'int8', 'int8_power2', 'binary'])('%s', (method) => {
  it('is the same in GeoTIFF, Zarr and GeoParquet', async () => {
    const cube = vectorCube(method);
    const zarr = sorted(await fromZarr(cube));
    expect(zarr).toHaveLength(2 * (WIDTH - 3) * HEIGHT - 1);
    expect(sorted(await fromParquet(cube))).toEqual(zarr);
    expect(sorted(await fromGtiff(cube))).toEqual(zarr);
  });
});

it('int8 with a scale per vector is the same in Zarr and GeoParquet', async () => {
  const cube = vectorCube('int8_per_vector');
  expect(sorted(await fromParquet(cube))).toEqual(sorted(await fromZarr(cube)));
});
