import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { zstdDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cube } from '../../../src/cube/cube.ts';
import { CellShapes } from '../../../src/formats/parquet/cell-shapes.ts';
import { hilbertBlocks, hilbertCells, hilbertIndex } from '../../../src/formats/parquet/hilbert.ts';
import { parquet } from '../../../src/formats/parquet/write.ts';
import { transformer } from '../../../src/geo/crs.ts';
import { bands, dates, testContext, testCube, type TestContext } from '../cubes.ts';
import { DATES, DIMENSIONS, HEIGHT, vectorCube, WIDTH } from '../vectors.ts';

let context: TestContext;
beforeEach(async () => {
  context = await testContext();
});
afterEach(() => context.remove());

interface Row {
  readonly id: string;
  readonly geometry: { readonly type: string; readonly coordinates: number[][][] } | null;
  readonly bbox: Record<'xmin' | 'ymin' | 'xmax' | 'ymax', number>;
  readonly datetime: Date;
  readonly source_items: string[];
  readonly embedding: number[];
  readonly [column: string]: unknown;
}

async function readBack(cube: Cube, options: Record<string, unknown> = {}) {
  const [written] = await parquet.write(cube, options, context);
  const file = await asyncBufferFromFile(written!.path);
  const metadata = await parquetMetadataAsync(file);
  const compressors = { ZSTD: (bytes: Uint8Array) => zstdDecompressSync(bytes) };
  const rows = await parquetReadObjects({ file, metadata, compressors }) as unknown as Row[];
  const text = (key: string) => JSON.parse(metadata.key_value_metadata?.find((entry) => entry.key === key)?.value ?? 'null') as Record<string, unknown> | null;
  return { written: written!, metadata, rows, geo: text('geo')!, emb: text('emb') };
}

describe('the Hilbert curve', () => {
  it('visits every cell of a square once, from neighbour to neighbour', () => {
    const order = [...hilbertCells({ x: 0, y: 0, width: 16, height: 16 })].map((i) => [i % 16, Math.floor(i / 16)] as const);
    expect(new Set(order.map(String)).size).toBe(256);
    for (let i = 1; i < order.length; i++) expect(Math.abs(order[i]![0] - order[i - 1]![0]) + Math.abs(order[i]![1] - order[i - 1]![1])).toBe(1);
    expect([hilbertIndex(2, 0, 0), hilbertIndex(2, 0, 1), hilbertIndex(2, 1, 1), hilbertIndex(2, 1, 0)]).toEqual([0, 1, 2, 3]);
  });

  it('covers any area with blocks cut at its borders', () => {
    const blocks = hilbertBlocks(37, 9, 8);
    expect(blocks).toHaveLength(10);
    expect(blocks.reduce((sum, { width, height }) => sum + width * height, 0)).toBe(37 * 9);
    expect(blocks).toContainEqual({ x: 32, y: 8, width: 5, height: 1 });
  });
});

describe('rows of embeddings', () => {
  it('are the cells that have data, once per date', async () => {
    const { rows, emb, written, metadata } = await readBack(vectorCube());
    expect(rows).toHaveLength(2 * (WIDTH - 3) * HEIGHT - 1);
    expect(written).toMatchObject({ name: 'result.parquet', mediaType: 'application/vnd.apache.parquet', roles: ['data'], metadata: { 'table:row_count': rows.length, 'table:primary_geometry': 'geometry' } });
    expect(metadata.row_groups.flatMap((g) => g.columns.map((c) => c.meta_data!.codec))).toEqual(new Array(9).fill('ZSTD'));
    const cube = vectorCube();
    const { data } = await cube.read(cube.fullWindow());
    for (const { id, datetime, embedding, source_items: sources } of [rows[0]!, rows[500]!, rows.at(-1)!]) {
      const [, west, north, step] = id.split('/').map(Number);
      const [column, row, t] = [(west! - 500_000) / 80, (5_600_000 - north!) / 80, DATES.map(Date.parse).indexOf(datetime.getTime())];
      expect(step).toBe(80);
      expect(embedding).toEqual(Array.from({ length: DIMENSIONS }, (_, k) => data[((t * DIMENSIONS + k) * HEIGHT + row) * WIDTH + column]));
      expect(sources).toEqual(t === 0 ? ['s2/one'] : ['s2/two', 's2/three']);
    }
    expect(emb).toMatchObject({ type: 'chip', dimensions: DIMENSIONS, model: 'urn:lamina:operator:pca@sha256:abc', data_type: 'float32', 'proj:code': 'EPSG:32631' });
    expect(emb).not.toHaveProperty('quantization');
  });

  it('have outlines in longitude and latitude, counter-clockwise, in their boxes', async () => {
    const { rows, geo } = await readBack(vectorCube());
    const { geometry, bbox } = rows.find((row) => row.id === 'EPSG:32631/500240/5600000/80')!;
    const ring = geometry!.coordinates[0]!;
    const forward = transformer('EPSG:32631', 'EPSG:4326');
    expect(ring).toEqual([[500_240, 5_599_920], [500_320, 5_599_920], [500_320, 5_600_000], [500_240, 5_600_000], [500_240, 5_599_920]].map(([x, y]) => forward(x!, y!)));
    expect(ring.slice(1).reduce((area, [x, y], i) => area + ring[i]![0]! * y! - x! * ring[i]![1]!, 0)).toBeGreaterThan(0);
    expect(bbox).toEqual({ xmin: Math.min(...ring.map((p) => p[0]!)), ymin: Math.min(...ring.map((p) => p[1]!)), xmax: Math.max(...ring.map((p) => p[0]!)), ymax: Math.max(...ring.map((p) => p[1]!)) });
    expect(geo).toMatchObject({ version: '1.1.0', primary_column: 'geometry', columns: { geometry: { encoding: 'WKB', geometry_types: ['Polygon'], orientation: 'counterclockwise', covering: { bbox: { xmin: ['bbox', 'xmin'] } } } } });
    const [west, south, east, north] = (geo['columns'] as { geometry: { bbox: number[] } }).geometry.bbox;
    expect(rows.every((row) => row.bbox.xmin >= west! && row.bbox.ymin >= south! && row.bbox.xmax <= east! && row.bbox.ymax <= north!)).toBe(true);
  });

  it('have centres when asked for points', async () => {
    const { rows, geo } = await readBack(vectorCube(), { geometry: 'point' });
    const { geometry } = rows.find((row) => row.id === 'EPSG:32631/500240/5600000/80')!;
    expect(geometry).toEqual({ type: 'Point', coordinates: transformer('EPSG:32631', 'EPSG:4326')(500_280, 5_599_960) });
    expect(geo).toMatchObject({ columns: { geometry: { geometry_types: ['Point'] } } });
  });

  it('keep their ids when the area is another', async () => {
    const grid = { crs: 'EPSG:4326', originX: 5, originY: 51, stepX: 0.1, stepY: 0.1, width: 9, height: 9 };
    const whole = new CellShapes(grid, { x: 3, y: 2, width: 1, height: 1 }, 'point');
    const part = new CellShapes({ ...grid, originX: 5 + 3 * 0.1, originY: 51 - 0.1 - 0.1, width: 1 }, { x: 0, y: 0, width: 1, height: 1 }, 'point');
    expect(part.shape(0).id).toBe(whole.shape(0).id);
    expect(whole.shape(0).id).toBe('EPSG:4326/5.3/50.8/0.1');
  });

  it('come in row groups of the wanted size', async () => {
    const { metadata, rows } = await readBack(vectorCube(), { row_group_size: 700 });
    expect(metadata.row_groups.map((g) => Number(g.num_rows))).toEqual([700, 700, rows.length - 1400]);
    expect(context.shares.at(-1)).toBe(1);
  });

  it('that don\'t know their dates have all sources', async () => {
    const cube = vectorCube();
    const { sourcesByLabel: _, ...attributes } = cube.attributes;
    const { rows } = await readBack(cube.with({ attributes }));
    expect(rows[0]!.source_items).toEqual(['s2/one', 's2/two', 's2/three']);
  });
});

describe('quantised embeddings', () => {
  it('as int8 are codes, with scale and offset in the metadata', async () => {
    const { rows, emb, metadata } = await readBack(vectorCube('int8'));
    const { scale, offset } = vectorCube('int8').attributes.encoding!;
    expect(emb).toMatchObject({ data_type: 'int8', quantization: { method: 'linear', scale, offset } });
    expect(metadata.schema.find(({ name, type }) => name === 'element' && type === 'INT32')).toMatchObject({ converted_type: 'INT_8' });
    const plain = (await readBack(vectorCube('int8'), { filename_prefix: 'again' })).rows[10]!;
    const cube = vectorCube('int8');
    const { data } = await cube.read(cube.fullWindow());
    expect(plain.embedding.map((code, k) => Math.fround(code * scale![k]! + offset![k]!)).every((value) => data.includes(value))).toBe(true);
    expect(rows.every(({ embedding }) => embedding.every((code) => Number.isInteger(code) && code >= -127 && code <= 127))).toBe(true);
  });

  it('with a scale per vector have it in a column', async () => {
    const { rows, emb } = await readBack(vectorCube('int8_per_vector'));
    expect(emb).toMatchObject({ quantization: { method: 'per_pixel_scale', scale: { type: 'array', array_name: 'scale' } } });
    const cube = vectorCube('int8_per_vector');
    const { data } = await cube.read({ start: [0, 0, 0, 3], size: [1, DIMENSIONS, 1, 1] });
    const row = rows.find(({ id }) => id === 'EPSG:32631/500240/5600000/80')!;
    expect(row.embedding.map((code) => Math.fround(code * (row['scale'] as number)))).toEqual([...data]);
  });

  it('as bits are packed, the first dimension in the highest bit', async () => {
    const { rows, metadata } = await readBack(vectorCube('binary'));
    expect(metadata.schema.find(({ name }) => name === 'embedding')).toMatchObject({ type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2 });
    const cube = vectorCube('binary');
    const { data } = await cube.read({ start: [0, 0, 0, 3], size: [1, DIMENSIONS, 1, 1] });
    const bytes = rows.find(({ id }) => id === 'EPSG:32631/500240/5600000/80')!.embedding as unknown as Uint8Array;
    expect(Array.from({ length: DIMENSIONS }, (_, k) => (bytes[k >> 3]! >> (7 - (k & 7))) & 1)).toEqual([...data]);
  });

  it('as halves keep their values', async () => {
    const { rows, metadata } = await readBack(vectorCube('float16'));
    expect(metadata.schema.find(({ logical_type: type }) => type?.type === 'FLOAT16')).toBeDefined();
    expect(rows.every(({ embedding }) => embedding.every((value) => value === Math.f16round(value)))).toBe(true);
  });
});

describe('rows of other cubes', () => {
  it('have a column per band, null where that band has no data', async () => {
    const cube = testCube({ dtype: 'uint16', dimensions: [bands('B02', 'id')], value: (i) => (i === 3 || i === 7 || i === 27 ? null : i) });
    const { rows, emb, metadata } = await readBack(cube);
    expect(emb).toBeNull();
    expect(rows).toHaveLength(19);
    const at = (column: number, row: number) => rows.find(({ id }) => id === `EPSG:32631/${500_000 + column * 10}/${5_600_000 - row * 10}/10`);
    expect(at(0, 0)).toMatchObject({ B02: 0, id_value: 20 });
    expect(at(3, 0)).toMatchObject({ B02: null, id_value: 23 });
    expect(at(2, 1)).toBeUndefined();
    expect(metadata.schema.find(({ name }) => name === 'B02')).toMatchObject({ type: 'INT32', converted_type: 'UINT_16' });
    expect(rows[0]).not.toHaveProperty('datetime');
    expect(rows[0]).not.toHaveProperty('source_items');
  });

  it('have truth values, numbers and NaN as they are', async () => {
    const flags = await readBack(testCube({ dtype: 'bool', dimensions: [], value: (i) => i % 2 }));
    expect(new Set(flags.rows.map((row) => row['value']))).toEqual(new Set([true, false]));
    const large = await readBack(testCube({ dtype: 'uint32', dimensions: [], value: (i) => 4_294_967_290 - i }), { filename_prefix: 'large' });
    expect(large.rows.find(({ id }) => id.startsWith('EPSG:32631/500000/5600000'))!['value']).toBe(4_294_967_290);
    const holes = await readBack(testCube({ dtype: 'float64', dimensions: [], value: (i) => (i === 0 ? Number.NaN : i) }), { filename_prefix: 'holes' });
    expect(holes.rows.filter((row) => Number.isNaN(row['value']))).toHaveLength(1);
  });

  it('have their other labels as columns', async () => {
    const cube = testCube({ dimensions: [dates('winter', 'summer'), { name: 'pass', type: 'other', size: 2, labels: [1, 2] }, bands('a')] });
    const { rows } = await readBack(cube);
    expect(rows).toHaveLength(80);
    expect(rows.filter((row) => row['t'] === 'summer' && row['pass'] === 2).map((row) => row['a'])).toContain(3 * 20);
  });

  it('without any data are an empty table', async () => {
    const { rows, geo } = await readBack(testCube({ dimensions: [], value: () => null }));
    expect(rows).toEqual([]);
    expect((geo['columns'] as { geometry: object }).geometry).not.toHaveProperty('bbox');
  });
});

describe('the edges of the world', () => {
  it('are crossed by outlines that go on beyond 180°', () => {
    const shapes = new CellShapes({ crs: 'EPSG:3832', originX: 3_330_000, originY: 10_000, stepX: 20_000, stepY: 20_000, width: 1, height: 1 }, { x: 0, y: 0, width: 1, height: 1 }, 'polygon');
    const { xmin, xmax } = shapes.shape(0).bbox!;
    expect(xmin).toBeLessThan(180);
    expect(xmax).toBeGreaterThan(180);
    expect(xmax - xmin).toBeLessThan(1);
  });

  it('have no outline where there is no longitude', () => {
    const shapes = new CellShapes({ crs: '+proj=laea +lat_0=0 +lon_0=0 +datum=WGS84', originX: 4e7, originY: 4e7, stepX: 10, stepY: 10, width: 1, height: 1 }, { x: 0, y: 0, width: 1, height: 1 }, 'polygon');
    expect(shapes.shape(0)).toMatchObject({ geometry: null, bbox: null, id: expect.stringMatching(/^sha256:[0-9a-f]{16}\//) as string });
  });
});

describe('refusals', () => {
  it.each([
    [{ geometry: 'circle' }, /'geometry' must be one of "polygon", "point"/],
    [{ row_group_size: 0 }, /'row_group_size' must be at least 1/],
    [{ row_group_size: 2_000_000 }, /'row_group_size' must be at most 1048576 for rows of 2 numbers/],
  ])('%j', async (options, message) => {
    await expect(parquet.write(testCube(), options, context)).rejects.toThrow(message);
  });

  it('of empty cubes, cubes without a grid, and aborted work', async () => {
    await expect(parquet.write(testCube({ dimensions: [bands()] }), {}, context)).rejects.toMatchObject({ code: 'DataCubeEmpty' });
    await expect(parquet.write(testCube().with({ grid: null }), {}, context)).rejects.toMatchObject({ code: 'FormatUnsuitable' });
    await expect(parquet.write(testCube(), {}, { ...context, signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});
