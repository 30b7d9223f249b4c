/**
 * Embedding throughput of the whole pipeline (COG read, decode, halo, masks, inference in worker threads,
 * block storage) against bare ONNX sessions on the same cores and the same block shape. The scene is a real
 * Sentinel-2 tile of ../shared/data, mirrored to 1536 × 1536 pixels of nine bands; two threads each.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { loadedCube } from '../src/catalog/load.ts';
import { planLoad } from '../src/catalog/load-plan.ts';
import type { StacCollection, StacItem } from '../src/catalog/types.ts';
import { arrayCube } from '../src/cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../src/cube/dimension.ts';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../src/formats/index.ts';
import type { Grid } from '../src/geo/grid.ts';
import { EmbedBlocks } from '../src/layers/embed-blocks.ts';
import { embeddedCube } from '../src/layers/embedded-cube.ts';
import { BLOCK_PATCHES } from '../src/layers/patch-lattice.ts';
import { silentLog } from '../src/log.ts';
import type { Operator } from '../src/operators/operator.ts';
import { openRegistry } from '../src/operators/registry.ts';
import { createOnnxRuntime } from '../src/operators/runtime/onnx.ts';
import { createLocalStore } from '../src/storage/local.ts';
import { directComputer } from '../src/workers/embed.ts';
import { alternate, say, type Figure } from './harness.ts';
import type { RawTask } from './raw-session-thread.ts';

const tile = resolve(import.meta.dirname, '../../shared/data/terramesh/S2L2A/433D_629L_3_1.tif');
const SIZE = 1536;
const THREADS = 2;
const BLOCKS = (SIZE / (8 * BLOCK_PATCHES)) ** 2;
const names = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];
const signal = new AbortController().signal;

/** Writes the scene as a COG and gives its item. Band order of the tile: B01 B02 … B8A B09 B11 B12. */
async function makeScene(folder: string): Promise<StacItem> {
  const rasters = new RasterCache();
  const file = await rasters.open(pathToFileURL(tile).href);
  const { width, height } = file.levels[0]!;
  const source = await file.read({ level: 0, window: { x: 0, y: 0, width, height }, bands: [1, 2, 3, 4, 5, 6, 7, 10, 11] });
  await rasters.close();
  const mirrored = (i: number, n: number) => (Math.floor(i / n) % 2 === 0 ? i % n : n - 1 - (i % n));
  const data = new Uint16Array(names.length * SIZE * SIZE);
  for (let b = 0, to = 0; b < names.length; b++) for (let y = 0; y < SIZE; y++) for (let x = 0; x < SIZE; x++, to++) {
    data[to] = source.data[(b * height + mirrored(y, height)) * width + mirrored(x, width)]!;
  }
  const grid: Grid = { crs: 'EPSG:32632', originX: 600_000, originY: 6_200_000, stepX: 10, stepY: 10, width: SIZE, height: SIZE };
  const cube = arrayCube({ dimensions: [bandsDimension(names), ...spatialDimensions(grid)], grid, dtype: 'uint16', data, attributes: { nodata: 0 } });
  const [written] = await resultFormats.GTiff.write(cube, {}, { directory: folder, signal, log: silentLog });
  const asset = { href: pathToFileURL(written!.path).href, data_type: 'uint16', nodata: 0, bands: names.map((name) => ({ name })), 'proj:code': grid.crs, 'proj:shape': [SIZE, SIZE], 'proj:transform': [10, 0, grid.originX, 0, -10, grid.originY] };
  return { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: 'scene', collection: 'C', geometry: null, bbox: [], links: [], properties: { datetime: '2021-06-01T00:00:00Z' }, assets: { data: asset } };
}

/** Milliseconds that bare sessions take for as many blocks, each looping over one block in its own memory. */
function rawSessions(operator: Operator): { run: () => Promise<number>; close: () => Promise<unknown> } {
  const { manifest: { model, output, input, halo, patch }, modelPath } = operator;
  const edge = BLOCK_PATCHES * patch + 2 * halo;
  const data = Float32Array.from({ length: input.bands.length * edge * edge }, (_, i) => 1500 + 900 * Math.sin(i / 900));
  const task: RawTask = { path: modelPath, input: model.input, output: model.output, data, inputShape: [1, input.bands.length, edge, edge], outputShape: [1, output.dimensions, BLOCK_PATCHES, BLOCK_PATCHES] };
  const workers = Array.from({ length: THREADS }, () => new Worker(new URL('./raw-session-thread.ts', import.meta.url), { workerData: task }));
  const run = async () => {
    const start = performance.now();
    await Promise.all(workers.map((worker) => new Promise((done) => {
      worker.once('message', done);
      worker.postMessage(BLOCKS / THREADS);
    })));
    return performance.now() - start;
  };
  return { run, close: () => Promise.all(workers.map((worker) => worker.terminate())) };
}

export async function benchPipeline(): Promise<Figure[]> {
  if (!existsSync(tile)) {
    say('skipped: ../shared/data/terramesh is absent');
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const operators = await openRegistry(join(import.meta.dirname, '../operators'));
  const runtime = createOnnxRuntime({ threads: THREADS, log: silentLog });
  const figures: Figure[] = [];
  try {
    const item = await makeScene(folder);
    const collection = { id: 'C', bands: names.map((name) => ({ name })), 'cube:dimensions': { bands: { type: 'bands', values: names } } } as unknown as StacCollection;
    for (const model of ['conv', 'pca']) {
      const raw = rawSessions(operators.resolve(model));
      let round = 0;
      // Each round is a first request: no block stored, no header open, no pixel decoded.
      const pipeline = async () => {
        const store = createLocalStore(join(folder, `${model}-${round++}`));
        const rasters = new RasterCache();
        const blocks = new EmbedBlocks({ store, compute: directComputer(store, runtime) });
        const data = loadedCube(planLoad({ collection, items: [item], bands: null, extent: null, anchor: () => undefined }), { collectionId: 'C', anchor: undefined, rasters });
        const start = performance.now();
        const cube = embeddedCube({ data, origin: {}, model, quantization: 'float32', dimensions: null }, { operators, blocks, wish: { user: null, layer: null, facts: { cached: 0, computed: 0 } } });
        await cube.read(cube.fullWindow());
        const ms = performance.now() - start;
        await rasters.close();
        return ms;
      };
      await pipeline();
      await raw.run();
      say(`\nOperator ${model}: ${BLOCKS} blocks of ${BLOCK_PATCHES * 8}² pixels × 9 bands, ${THREADS} threads`);
      const times = await alternate({ pipeline, 'raw sessions': raw.run });
      const ratio = times['raw sessions']!.median / times['pipeline']!.median;
      const speed = SIZE ** 2 / 1e3 / times['pipeline']!.median;
      say(`  the pipeline reaches ${ratio.toFixed(2)} of the raw rate, ${speed.toFixed(2)} Mpx/s`);
      figures.push({ what: `embedding throughput, ${model}`, ours: `${speed.toFixed(2)} Mpx/s`, peer: `raw sessions ${(SIZE ** 2 / 1e3 / times['raw sessions']!.median).toFixed(2)} Mpx/s`, ratio: `${ratio.toFixed(2)}×`, goal: model === 'conv' ? '≥ 0.75×' : '–' });
      await raw.close();
    }
    return figures;
  } finally {
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchPipeline();
