/**
 * Writing 4096 × 4096 float32 as results: a cloud-optimized GeoTIFF against GDAL's COG driver (rasterio), and
 * netCDF against xarray. All begin with the array in memory and end with the file closed; compression, level,
 * tiles and overviews are the same, and what the files hold must agree. The picture is a vegetation index of
 * a real Sentinel-2 scene from ../shared/data, mirrored until it fills the window.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { arrayCube } from '../src/cube/array-cube.ts';
import type { Cube } from '../src/cube/cube.ts';
import { spatialDimensions } from '../src/cube/dimension.ts';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../src/formats/index.ts';
import type { Grid } from '../src/geo/grid.ts';
import { silentLog } from '../src/log.ts';
import { alternate, python, say, startPeer, type Figure } from './harness.ts';
import { tile } from './scene.ts';

const SIZE = 4096;
/** Fewer than elsewhere: a round takes seconds. */
const ROUNDS = 3;
const MEGABYTES = (SIZE * SIZE * 4) / 1e6;
const grid: Grid = { crs: 'EPSG:32632', originX: 600_000, originY: 6_200_000, stepX: 10, stepY: 10, width: SIZE, height: SIZE };

async function vegetation(): Promise<Float32Array<ArrayBuffer>> {
  const rasters = new RasterCache();
  const file = await rasters.open(pathToFileURL(tile).href);
  const { width, height } = file.levels[0]!;
  const { data } = await file.read({ level: 0, window: { x: 0, y: 0, width, height }, bands: [3, 7] });
  await rasters.close();
  const mirrored = (i: number, n: number) => (Math.floor(i / n) % 2 === 0 ? i % n : n - 1 - (i % n));
  const out = new Float32Array(SIZE * SIZE);
  for (let y = 0, to = 0; y < SIZE; y++) for (let x = 0; x < SIZE; x++, to++) {
    const at = mirrored(y, height) * width + mirrored(x, width);
    const [red, nir] = [data[at]!, data[width * height + at]!];
    out[to] = (nir - red) / (nir + red);
  }
  return out;
}

interface Task {
  readonly what: string;
  readonly format: 'GTiff' | 'netCDF';
  readonly options: Readonly<Record<string, unknown>>;
  readonly ending: string;
  readonly peer: string;
}

const tasks: readonly Task[] = [
  { what: `COG of ${SIZE}² float32, DEFLATE 6, predictor 3`, format: 'GTiff', options: { compression: 'DEFLATE', compression_level: 6 }, ending: 'tif', peer: 'GDAL, COG driver, all cores' },
  { what: `COG of ${SIZE}² float32, ZSTD 3, predictor 3`, format: 'GTiff', options: { compression: 'ZSTD', compression_level: 3 }, ending: 'tif', peer: 'GDAL, COG driver, all cores' },
  { what: `netCDF of ${SIZE}² float32, DEFLATE 4`, format: 'netCDF', options: { compression_level: 4 }, ending: 'nc', peer: 'xarray' },
];

/** Milliseconds that our writer takes; the file stays. */
async function ours(cube: Cube, { format, options }: Task, directory: string): Promise<number> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  const start = performance.now();
  await resultFormats[format].write(cube, { ...options, filename_prefix: 'ours' }, { directory, signal: new AbortController().signal, log: silentLog });
  return performance.now() - start;
}

/** Gives one figure per format and compression; the ratio is our time over theirs. `only` picks a format. */
export async function benchFormats(only?: string): Promise<Figure[]> {
  if (!existsSync(tile) || python === null) {
    say(`skipped: ${python === null ? 'a Python with rasterio and xarray' : tile} is absent`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const peer = startPeer('formats_peer.py');
  try {
    const data = await vegetation();
    await writeFile(join(folder, 'pixels.f32'), data);
    await peer.ask({ load: join(folder, 'pixels.f32'), size: SIZE });
    const cube = arrayCube({ dimensions: spatialDimensions(grid), grid, dtype: 'float32', data });
    const figures: Figure[] = [];
    for (const task of tasks.filter(({ format }) => only === undefined || format === only)) {
      const theirs = join(folder, `theirs.${task.ending}`);
      const mine = join(folder, 'ours', `ours.${task.ending}`);
      say(`\n${task.what} (${MEGABYTES.toFixed(0)} MB; load ${loadavg()[0]!.toFixed(1)})`);
      const times = await alternate({
        ours: () => ours(cube, task, join(folder, 'ours')),
        [task.peer]: async () => (await peer.ask<{ ms: number }>({ write: theirs, format: task.format, ...task.options })).ms,
      }, ROUNDS);
      const { same } = await peer.ask<{ same: boolean }>({ compare: [mine, theirs] });
      if (!same) throw new Error('the files hold different pixels');
      const sizes = await Promise.all([mine, theirs].map(async (path) => `${((await stat(path)).size / 1e6).toFixed(1)} MB`));
      const ratio = times['ours']!.median / times[task.peer]!.median;
      say(`  ours takes ${ratio.toFixed(2)} × as long; files of ${sizes.join(' and ')}`);
      const text = (name: string) => `${times[name]!.median.toFixed(0)} ms`;
      figures.push({ what: task.what, ours: text('ours'), peer: `${task.peer} ${text(task.peer)}`, ratio: `${ratio.toFixed(2)}×`, goal: '≤ 1.5×' });
    }
    return figures;
  } finally {
    peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) await benchFormats(process.argv[2]);
