/**
 * Embedding throughput of the whole pipeline (COG read, decode, halo, masks, inference in worker threads,
 * block storage) against bare ONNX sessions on the same cores and the same block shape. The scene is a real
 * Sentinel-2 tile of ../shared/data, mirrored to 1536 × 1536 pixels of nine bands; two threads each.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { EmbedBlocks } from '../src/layers/embed-blocks.ts';
import { embeddedCube } from '../src/layers/embedded-cube.ts';
import { BLOCK_PATCHES } from '../src/layers/patch-lattice.ts';
import { silentLog } from '../src/log.ts';
import type { Operator } from '../src/operators/operator.ts';
import { openRegistry } from '../src/operators/registry/installed.ts';
import { modelOf } from '../src/operators/runtime/model.ts';
import { createOnnxRuntime } from '../src/operators/runtime/onnx.ts';
import { createLocalStore } from '../src/storage/local.ts';
import { directComputer } from '../src/workers/embed.ts';
import { alternate, say, type Figure } from './harness.ts';
import type { RawTask } from './raw-session-thread.ts';
import { makeScene, sceneCube, tile } from './scene.ts';

const SIZE = 1536;
const THREADS = 2;
const BLOCKS = (SIZE / (8 * BLOCK_PATCHES)) ** 2;

/** Milliseconds that bare sessions take for as many blocks, each looping over one block in its own memory. */
async function rawSessions(operator: Operator): Promise<{ run: () => Promise<number>; close: () => Promise<unknown> }> {
  const model = await modelOf(operator);
  const { output, input, halo, patch } = operator.manifest;
  const edge = BLOCK_PATCHES * patch + 2 * halo;
  const data = Float32Array.from({ length: input.bands.length * edge * edge }, (_, i) => 1500 + 900 * Math.sin(i / 900));
  const task: RawTask = { path: model.path, input: model.input, output: model.output, data, inputShape: [1, input.bands.length, edge, edge], outputShape: [1, output.dimensions, BLOCK_PATCHES, BLOCK_PATCHES] };
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
    const item = await makeScene(folder, SIZE);
    for (const model of ['conv', 'pca']) {
      const raw = await rawSessions(operators.resolve(model));
      let round = 0;
      // Each round is a first request: no block stored, no header open, no pixel decoded.
      const pipeline = async () => {
        const store = createLocalStore(join(folder, `${model}-${round++}`));
        const rasters = new RasterCache();
        const blocks = new EmbedBlocks({ store, compute: directComputer(store, runtime) });
        const data = sceneCube(item, rasters);
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
