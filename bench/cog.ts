/**
 * Reading a 4096 × 4096 × 4 uint16 window of a tiled GeoTIFF: ours, GDAL (rasterio, one thread), geotiff.js.
 * `node bench/cog.ts` prints medians, spread and ratios; the readers alternate, and their bytes must agree.
 * The picture is a real Sentinel-2 scene from ../shared/data, mirrored until it fills the window.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fromFile } from 'geotiff';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';

const SIZE = 4096;
const BANDS = 4;
const ROUNDS = 7;
const scene = resolve(import.meta.dirname, '../../shared/data/bolzano/S2_L2A_20220612_bolzano_B04B03B02B08SCL_cog.tif');
const python = process.env.LAMINA_PYTHON ?? '/opt/lamina-venv/bin/python';

type Reading = { readonly ms: number; readonly digest: string };
type Reader = (path: string) => Promise<Reading>;

const digest = (bytes: ArrayBufferView) => createHash('sha256').update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)).digest('hex');

const ours: Reader = async (path) => {
  const start = performance.now();
  const cache = new RasterCache({ blockBytes: 0 });
  const file = await cache.open(path);
  const block = await file.read({ level: 0, window: { x: 0, y: 0, width: SIZE, height: SIZE }, bands: [0, 1, 2, 3] });
  const ms = performance.now() - start;
  await cache.close();
  return { ms, digest: digest(block.data) };
};

const geotiffJs: Reader = async (path) => {
  const start = performance.now();
  const tiff = await fromFile(path);
  const bands = await (await tiff.getImage()).readRasters({ interleave: false });
  const ms = performance.now() - start;
  await tiff.close();
  const hash = createHash('sha256');
  for (const band of bands) hash.update(new Uint8Array(band.buffer, band.byteOffset, band.byteLength));
  return { ms, digest: hash.digest('hex') };
};

/** The Python process, one JSON line per question. */
function startPeer(): { ask: (task: object) => Promise<Reading>; stop: () => void } {
  const child = spawn(python, [join(import.meta.dirname, 'cog_peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(task) {
      child.stdin.write(`${JSON.stringify(task)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('the Python side ended');
      return JSON.parse(value as string) as Reading;
    },
    stop: () => child.stdin.end(),
  };
}

function summary(times: readonly number[]): { median: number; low: number; high: number } {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, low: sorted[0]!, high: sorted.at(-1)! };
}

async function measure(path: string, readers: Readonly<Record<string, { read: Reader; rounds: number }>>): Promise<Record<string, number>> {
  const times: Record<string, number[]> = {};
  const digests = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, { read, rounds }] of Object.entries(readers)) {
      if (round >= rounds) continue;
      const reading = await read(path);
      digests.add(reading.digest);
      (times[name] ??= []).push(reading.ms);
    }
  }
  if (digests.size !== 1) throw new Error('the readers disagree about the pixels');
  return Object.fromEntries(Object.entries(times).map(([name, list]) => {
    const { median, low, high } = summary(list);
    const speed = (SIZE * SIZE * BANDS * 2) / 1e3 / median;
    console.log(`${name.padEnd(12)} ${median.toFixed(0).padStart(6)} ms (${low.toFixed(0)}–${high.toFixed(0)}, ${list.length} rounds)  ${speed.toFixed(0)} MB/s`);
    return [name, median];
  }));
}

/** Runs the benchmark; gives the ratios to GDAL and geotiff.js per compression (1 = as fast, 2 = twice as fast). */
export async function benchCog(): Promise<Record<string, { vsGdal: number; vsGeotiffJs: number }> | null> {
  if (!existsSync(scene) || !existsSync(python)) {
    console.log(`skipped: ${existsSync(scene) ? python : scene} is absent`);
    return null;
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const peer = startPeer();
  try {
    await peer.ask({ make: folder, scene, size: SIZE });
    const ratios: Record<string, { vsGdal: number; vsGeotiffJs: number }> = {};
    for (const compression of ['deflate', 'zstd']) {
      console.log(`\n${SIZE} × ${SIZE} × ${BANDS} uint16, ${compression}, predictor 2, 512-pixel tiles`);
      const medians = await measure(join(folder, `${compression}.tif`), {
        ours: { read: ours, rounds: ROUNDS },
        GDAL: { read: (path) => peer.ask({ read: path }), rounds: ROUNDS },
        'geotiff.js': { read: geotiffJs, rounds: 3 },
      });
      ratios[compression] = { vsGdal: medians.GDAL! / medians.ours!, vsGeotiffJs: medians['geotiff.js']! / medians.ours! };
      console.log(`ours is ${ratios[compression].vsGdal.toFixed(2)} × GDAL and ${ratios[compression].vsGeotiffJs.toFixed(1)} × geotiff.js`);
    }
    return ratios;
  } finally {
    peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchCog();
