/** Files that this service writes of its embeddings, in every view, come back through load_stac as they were. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayCube, readAll } from '../../../src/cube/array-cube.ts';
import type { Encoding } from '../../../src/cube/cube.ts';
import { bandsDimension, spatialDimensions } from '../../../src/cube/dimension.ts';
import { quantizedBlock } from '../../../src/cube/quantize.ts';
import { gtiff } from '../../../src/formats/cog/write.ts';
import type { WrittenFile } from '../../../src/formats/writer.ts';
import type { Grid } from '../../../src/geo/grid.ts';
import { silentLog } from '../../../src/log.ts';
import { item, remoteStac, startStacServer, type StacServer } from './stac-server.ts';

const [BANDS, HEIGHT, WIDTH] = [5, 150, 170];
const grid: Grid = { crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 80, stepY: 80, width: WIDTH, height: HEIGHT };
const labels = Array.from({ length: BANDS }, (_, i) => `e${String(i).padStart(3, '0')}`);
const encodings: readonly Encoding[] = [
  { method: 'float32', dtype: 'float32', nodata: NaN },
  { method: 'float16', dtype: 'float16', nodata: NaN },
  { method: 'int8', dtype: 'int8', nodata: -128, scale: [0.01, 0.02, 0.013, 0.007, 0.05], offset: [0, 0.5, -0.25, 0.1, 0] },
  { method: 'int8_power2', dtype: 'int8', nodata: -128, gain: 1.3 },
  { method: 'int8_per_vector', dtype: 'int8', nodata: -128 },
  { method: 'binary', dtype: 'uint8', nodata: 255, threshold: [0, 0.1, -0.1, 0.2, 0] },
];

/** Vectors in [−1, 1) with a hole. */
function vectors() {
  const data = new Float32Array(BANDS * HEIGHT * WIDTH);
  const nulls = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    data[i] = (((i * 7919) % 10_007) / 10_007) * 2 - 1;
    const [row, column] = [Math.floor(i / WIDTH) % HEIGHT, i % WIDTH];
    if (row < 20 && column > 100) nulls[i] = 1;
  }
  return { dtype: 'float32' as const, shape: [BANDS, HEIGHT, WIDTH], data, nulls };
}

let server: StacServer;
let folder: string;
beforeAll(async () => {
  server = await startStacServer();
  folder = await mkdtemp(join(tmpdir(), 'lamina-round-trip-'));
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(encoding: Encoding): Promise<{ files: WrittenFile[]; view: ReturnType<typeof quantizedBlock> }> {
  const view = quantizedBlock(vectors(), 0, encoding);
  const cube = arrayCube({ dimensions: [bandsDimension(labels, 'embedding'), ...spatialDimensions(grid)], grid, dtype: view.dtype, data: view.data, nulls: view.nulls, attributes: { encoding, operator: 'toy@sha256:00' } });
  const directory = await mkdtemp(join(folder, `${encoding.method}-`));
  const files = await gtiff.write(cube, {}, { directory, signal: new AbortController().signal, log: silentLog });
  for (const file of files) server.files.set(`/${encoding.method}/${file.name}`, file.path);
  return { files, view };
}

/** An item as results of jobs are: assets called by their files. */
function published(method: string, files: readonly WrittenFile[], facts: (file: WrittenFile) => object): string {
  const assets = Object.fromEntries(files.map((file) => [file.name, { href: `./${file.name}`, type: file.mediaType, roles: file.roles, ...facts(file) }]));
  server.documents.set(`/${method}/item.json`, item(method, assets, { properties: { 'emb:runtime_parameters': { operator: 'toy@sha256:00' } } }));
  return `${server.url}/${method}/item.json`;
}

async function expectView(url: string, view: ReturnType<typeof quantizedBlock>): Promise<void> {
  const cube = await remoteStac(server, { freshMs: 0 }).load({ url });
  expect(cube.shape).toEqual([1, BANDS, HEIGHT, WIDTH]);
  expect(cube.labels('embedding')).toEqual(labels);
  expect(cube.dtype).toBe(view.dtype);
  expect(cube.grid).toEqual(grid);
  const block = await readAll(cube);
  const flags = (nulls: Uint8Array | null, data: ArrayLike<number>) => Uint8Array.from(data, (value, i) => Number(nulls?.[i] === 1 || Number.isNaN(value)));
  const [found, wanted] = [flags(block.nulls, block.data), flags(view.nulls, view.data)];
  expect(Buffer.compare(found, wanted)).toBe(0);
  expect(found.includes(1)).toBe(true);
  expect(view.data.findIndex((value, i) => wanted[i] === 0 && value !== block.data[i])).toBe(-1);
}

describe.each(encodings)('$method', (encoding) => {
  it('comes back as it was', async () => {
    const { files, view } = await write(encoding);
    await expectView(published(encoding.method, files, (file) => file.metadata), view);
  });

  it('comes back from the files alone', async () => {
    const { files, view } = await write(encoding);
    await expectView(published(encoding.method, files, (file) => ({ 'lamina:scale_of': file.metadata['lamina:scale_of'] })), view);
  });
});

it('knows the operator', async () => {
  const { files } = await write(encodings[0]!);
  const cube = await remoteStac(server).load({ url: published('float32', files, (file) => file.metadata) });
  expect(cube.attributes.embedding).toMatchObject({ operator: 'toy@sha256:00', dimensions: BANDS, gsd: 80 });
});
