/**
 * Reading a 4096 × 4096 × 4 uint16 window of a tiled GeoTIFF: ours, GDAL (rasterio, one thread), geotiff.js.
 * Every reader opens the file anew, they take turns, and their bytes must agree. The picture is a real
 * Sentinel-2 scene from ../shared/data, mirrored until it fills the window.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fromFile } from 'geotiff';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { alternate, python, say, startPeer, type Figure } from './harness.ts';

const SIZE = 4096;
const BANDS = [0, 1, 2, 3];
const MEGABYTES = (SIZE * SIZE * BANDS.length * 2) / 1e6;
const scene = resolve(import.meta.dirname, '../../shared/data/bolzano/S2_L2A_20220612_bolzano_B04B03B02B08SCL_cog.tif');

interface Reading {
  readonly ms: number;
  readonly digest: string;
}
type Reader = (path: string) => Promise<Reading>;

const digest = (arrays: readonly ArrayBufferView[]) => {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of arrays) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
};

const ours: Reader = async (path) => {
  const start = performance.now();
  const cache = new RasterCache({ blockBytes: 0 });
  const file = await cache.open(path);
  const block = await file.read({ level: 0, window: { x: 0, y: 0, width: SIZE, height: SIZE }, bands: BANDS });
  const ms = performance.now() - start;
  await cache.close();
  return { ms, digest: digest([block.data]) };
};

const geotiffJs: Reader = async (path) => {
  const start = performance.now();
  const tiff = await fromFile(path);
  const bands = await (await tiff.getImage()).readRasters({ interleave: false });
  const ms = performance.now() - start;
  await tiff.close();
  return { ms, digest: digest(bands) };
};

/** Gives one figure per compression and peer; the ratio is our speed over theirs. */
export async function benchCog(): Promise<Figure[]> {
  if (!existsSync(scene) || python === null) {
    say(`skipped: ${python === null ? 'a Python with rasterio' : scene} is absent`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const peer = startPeer('cog_peer.py');
  try {
    await peer.ask({ make: folder, scene, size: SIZE });
    const figures: Figure[] = [];
    for (const compression of ['deflate', 'zstd']) {
      const path = join(folder, `${compression}.tif`);
      const readers: Record<string, Reader> = { ours, 'GDAL, one thread': (p) => peer.ask<Reading>({ read: p }), 'geotiff.js': geotiffJs };
      const digests = new Set<string>();
      say(`\n${SIZE}² × ${BANDS.length} uint16, ${compression}, predictor 2, 512-pixel tiles (${MEGABYTES.toFixed(0)} MB)`);
      const times = await alternate(Object.fromEntries(Object.entries(readers).map(([name, read]) => [name, async () => {
        const reading = await read(path);
        digests.add(reading.digest);
        return reading.ms;
      }])));
      if (digests.size !== 1) throw new Error('the readers disagree about the pixels');
      const speed = (name: string) => MEGABYTES / 1e-3 / times[name]!.median;
      for (const [name, goal] of [['GDAL, one thread', '≥ 0.75×'], ['geotiff.js', '≥ 5×']] as const) {
        const ratio = speed('ours') / speed(name);
        say(`  ours is ${ratio.toFixed(2)} × as fast as ${name}`);
        figures.push({ what: `COG window ${SIZE}² × ${BANDS.length}, ${compression}`, ours: `${speed('ours').toFixed(0)} MB/s`, peer: `${name} ${speed(name).toFixed(0)} MB/s`, ratio: `${ratio.toFixed(2)}×`, goal });
      }
    }
    return figures;
  } finally {
    peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchCog();
