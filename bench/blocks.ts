/**
 * Reading an area of a layer out of its cached blocks, against GDAL (rasterio) reading the same vectors from a
 * cloud-optimized GeoTIFF, both on the local disk. Ours includes everything that a request does: the plan, the
 * keys of the blocks, their checksums, and putting them together.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../src/formats/index.ts';
import { EmbedBlocks } from '../src/layers/embed-blocks.ts';
import { embeddedCube } from '../src/layers/embedded-cube.ts';
import { silentLog } from '../src/log.ts';
import { openRegistry } from '../src/operators/registry/installed.ts';
import { createOnnxRuntime } from '../src/operators/runtime/onnx.ts';
import { createLocalStore } from '../src/storage/local.ts';
import { directComputer } from '../src/workers/embed.ts';
import { alternate, python, say, startPeer, type Figure } from './harness.ts';
import { makeScene, sceneCube, tile } from './scene.ts';

const SIZE = 4096;
const MEGABYTES = ((SIZE / 8) ** 2 * 32 * 4) / 1e6;

export async function benchBlocks(): Promise<Figure[]> {
  if (!existsSync(tile) || python === null) {
    say(`skipped: ${python === null ? 'no Python packages' : '../shared/data/terramesh is absent'}`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const operators = await openRegistry(join(import.meta.dirname, '../operators'));
  const runtime = createOnnxRuntime({ threads: 2, log: silentLog });
  const peer = startPeer('cog_peer.py');
  try {
    const item = await makeScene(folder, SIZE);
    const store = createLocalStore(join(folder, 'store'));
    const compute = directComputer(store, runtime);
    const open = (rasters: RasterCache, blocks = new EmbedBlocks({ store, compute })) => embeddedCube(
      { data: sceneCube(item, rasters), origin: {}, model: 'pca', quantization: 'float32', dimensions: null },
      { operators, blocks, wish: { user: null, layer: null, facts: { cached: 0, computed: 0 } } },
    );
    const first = new RasterCache();
    const [file] = await resultFormats.GTiff.write(open(first), { filename_prefix: 'vectors' }, { directory: folder, signal: new AbortController().signal, log: silentLog });
    await first.close();
    let digest = '';
    const kept = new EmbedBlocks({ store, compute });
    const read = async (blocks?: EmbedBlocks) => {
      const rasters = new RasterCache();
      const start = performance.now();
      const cube = open(rasters, blocks);
      const { data } = await cube.read(cube.fullWindow());
      const ms = performance.now() - start;
      await rasters.close();
      digest = createHash('sha256').update(data).digest('hex');
      return ms;
    };
    const theirs = async () => {
      const answer = await peer.ask<{ ms: number; digest: string }>({ read: file!.path });
      if (digest !== '' && answer.digest !== digest) throw new Error('blocks and file differ');
      return answer.ms;
    };
    // A process that has not seen the layer yet, and one that keeps blocks in memory, as workers do.
    const [fresh, warm] = [() => read(), () => read(kept)];
    // Blocks are kept when they are read again; and the code has been in use for a while, as in a service.
    for (let round = 0; round < 5; round++) await warm();
    for (let round = 0; round < 5; round++) await fresh();
    await theirs();
    say(`\n${SIZE / 8}² vectors of 32 dimensions, ${MEGABYTES.toFixed(0)} MB`);
    const times = await alternate({ 'blocks on disk': fresh, 'blocks in memory': warm, 'GDAL, one thread': theirs }, 21);
    const speed = (name: string) => (MEGABYTES * 1000) / times[name]!.median;
    const gdal = speed('GDAL, one thread');
    return ['blocks in memory', 'blocks on disk'].map((name) => ({
      what: `layer from cached ${name}, 512² × 32`, ours: `${speed(name).toFixed(0)} MB/s`, peer: `GDAL, COG ${gdal.toFixed(0)} MB/s`, ratio: `${(speed(name) / gdal).toFixed(2)}×`, goal: '≥ 1×',
    }));
  } finally {
    peer.stop();
    await runtime.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchBlocks();
