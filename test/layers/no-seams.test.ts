/**
 * The promise of layers: a place has one vector, bit by bit, whatever asked for it and in which order. A
 * scene of 2000 × 2000 pixels under the real operators, with inference threads that batch as they like.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { bandsDimension, spatialDimensions, temporalDimension } from '../../src/cube/dimension.ts';
import { cropCells } from '../../src/cube/view.ts';
import type { CellWindow, Grid } from '../../src/geo/grid.ts';
import { EmbedBlocks } from '../../src/layers/embed-blocks.ts';
import { embeddedCube } from '../../src/layers/embedded-cube.ts';
import { silentLog } from '../../src/log.ts';
import type { OperatorRegistry, OperatorRuntime } from '../../src/operators/operator.ts';
import { openRegistry } from '../../src/operators/registry/installed.ts';
import { createOnnxRuntime } from '../../src/operators/runtime/onnx.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import { directComputer } from '../../src/workers/embed.ts';

const EDGE = 2000;
const BANDS = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];
const grid: Grid = { crs: 'EPSG:32631', originX: 600_000, originY: 5_600_000, stepX: 10, stepY: 10, width: EDGE, height: EDGE };
const signal = new AbortController().signal;

let folder: string;
let operators: OperatorRegistry;
let runtime: OperatorRuntime;
let scene: Cube;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-seams-'));
  operators = await openRegistry(new URL('../../operators/', import.meta.url).pathname);
  runtime = createOnnxRuntime({ threads: 2, providers: ['cpu'], log: silentLog });
  scene = arrayCube({
    dimensions: [temporalDimension(['2021-05-01T00:00:00Z']), bandsDimension(BANDS), ...spatialDimensions(grid)],
    grid, dtype: 'uint16', nulls: null, data: texture(),
    attributes: { bands: BANDS.map((name) => ({ name })), anchor: { x: grid.originX, y: grid.originY } },
  });
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true, force: true });
});

/** Fields, edges and noise: every pixel matters. */
function texture(): Uint16Array<ArrayBuffer> {
  const data = new Uint16Array(BANDS.length * EDGE * EDGE);
  let state = 12345;
  for (let i = 0; i < data.length; i++) {
    const pixel = i % (EDGE * EDGE);
    const [x, y] = [pixel % EDGE, Math.floor(pixel / EDGE)];
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = 400 + 900 * Number((x >> 5) % 3 === (y >> 6) % 3) + 200 * Math.floor(i / (EDGE * EDGE)) + (state >>> 23);
  }
  return data;
}

/** The scene's embeddings, through a cache that holds nothing yet. */
async function embedded(model: string, data: Cube = scene): Promise<Cube> {
  const store = createLocalStore(await mkdtemp(join(folder, 'store-')));
  const blocks = new EmbedBlocks({ store, compute: directComputer(store, runtime) });
  return embeddedCube({ data, origin: {}, model, quantization: 'float32', dimensions: null }, { operators, blocks, wish: { user: null, layer: null, facts: { cached: 0, computed: 0 } } });
}

const PATCHES = EDGE / 8;
const windowOf = ({ x, y, width, height }: CellWindow) => ({ start: [0, 0, y, x], size: [1, 32, height, width] });

/** 8 × 8 tiles; their edges are no edges of blocks. */
const tiles: CellWindow[] = Array.from({ length: 64 }, (_, i) => {
  const cut = (k: number) => Math.round((k * PATCHES) / 8);
  const [x, y] = [cut(i % 8), cut(Math.floor(i / 8))];
  return { x, y, width: cut((i % 8) + 1) - x, height: cut(Math.floor(i / 8) + 1) - y };
});

function shuffled<T>(list: readonly T[], seed: number): T[] {
  const out = [...list];
  for (let i = out.length - 1, state = seed; i > 0; i--) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const k = state % (i + 1);
    [out[i], out[k]] = [out[k]!, out[i]!];
  }
  return out;
}

/** The tiles in an order, some at the same time, put together. */
async function inTiles(cube: Cube, order: readonly CellWindow[]): Promise<Float32Array> {
  const out = new Float32Array(32 * PATCHES * PATCHES);
  const queue = [...order];
  const lane = async () => {
    for (let tile = queue.shift(); tile; tile = queue.shift()) {
      const { data } = await cube.read(windowOf(tile), signal);
      for (let e = 0, from = 0; e < 32; e++) {
        for (let row = 0; row < tile.height; row++, from += tile.width) out.set(data.subarray(from, from + tile.width) as Float32Array, (e * PATCHES + tile.y + row) * PATCHES + tile.x);
      }
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  return out;
}

/** Inference of conv takes a while: CI asks for it. */
const models = process.env['SLOW_TESTS'] ? ['pca', 'conv'] : ['pca'];

describe.each(models)('%s', (model) => {
  it('gives bit-equal vectors as one piece, as 64 tiles, and in three random orders', async () => {
    const whole = (await (await embedded(model)).read(windowOf({ x: 0, y: 0, width: PATCHES, height: PATCHES }), signal)).data;
    for (const order of [tiles, ...[1, 2, 3].map((seed) => shuffled(tiles, seed))]) {
      expect(Buffer.compare(Buffer.from((await inTiles(await embedded(model), order)).buffer), Buffer.from(whole.buffer))).toBe(0);
    }
  }, 300_000);

  it('puts a shifted request on the patches that have their centre in it', async () => {
    const cube = await embedded(model);
    const first = (await cube.read(windowOf({ x: 0, y: 0, width: 12, height: 12 }), signal)).data;
    for (const shift of [0, 1, 3, 4, 5, 7, 8]) {
      const part = await embedded(model, cropCells(scene, { x: shift, y: shift, width: 80, height: 80 }));
      // A patch of 8 pixels has its centre at 4: it belongs to the request until that is passed.
      const index = shift <= 4 ? 0 : 1;
      expect([part.grid!.originX, part.grid!.originY, part.grid!.stepX], `shift ${shift}`).toEqual([600_000 + index * 80, 5_600_000 - index * 80, 80]);
      const vector = (await part.read(windowOf({ x: 0, y: 0, width: 1, height: 1 }), signal)).data;
      expect([...vector], `shift ${shift}`).toEqual(Array.from({ length: 32 }, (_, e) => first[e * 144 + index * 13]));
    }
  }, 60_000);
});

if (models.length === 1) it.skip('skipped: conv takes a minute, SLOW_TESTS=1 runs it');
