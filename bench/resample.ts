/**
 * Resampling against GDAL's warper (rasterio, one thread) on four bands of uint16 with no-data in memory: finer and
 * coarser pixels, and another CRS. Results are compared before times are. GDAL puts most positions between three
 * that it computes (an eighth of a pixel at most beside the place); its default is left, since it is what users get.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrayCube } from '../src/cube/array-cube.ts';
import { createBlock, type Block } from '../src/cube/block.ts';
import type { Resampling } from '../src/cube/cube.ts';
import { bandsDimension, spatialDimensions } from '../src/cube/dimension.ts';
import { pasteBlock } from '../src/cube/paste.ts';
import { resampleCube } from '../src/cube/resample.ts';
import type { Grid } from '../src/geo/grid.ts';
import { alternate, python, say, spread, startPeer, type Figure, type Peer } from './harness.ts';

const SIZE = 2048;
const BANDS = ['B02', 'B03', 'B04', 'B08'];
/** Edge of the windows that the result is read in, as a writer of files does. */
const PIECE = 512;
const source: Grid = { crs: 'EPSG:32631', originX: 600_000, originY: 5_660_000, stepX: 10, stepY: 10, width: SIZE, height: SIZE };
const scaled = (step: number): Grid => ({ ...source, stepX: step, stepY: step, width: Math.floor((SIZE * 10) / step), height: Math.floor((SIZE * 10) / step) });
/** In the middle of the source, so that its edge, where GDAL's results depend on how it cuts its work, is out of sight. */
const mercator: Grid = { crs: 'EPSG:3857', originX: 492_500, originY: 6_635_000, stepX: 16, stepY: 16, width: 1700, height: 1700 };

interface Case {
  readonly target: Grid;
  readonly method: Resampling;
  /** What rasterio calls the method. */
  readonly theirs: string;
  /** Share of samples that may differ by more than `counts`: rounding, or an eighth of a pixel on the steepest slope. */
  readonly share: number;
  readonly counts: number;
}

const cases: Readonly<Record<string, Case>> = {
  'bilinear, 10 m to 6 m': { target: scaled(6), method: 'bilinear', theirs: 'bilinear', share: 0, counts: 1 },
  'cubic, 10 m to 6 m': { target: scaled(6), method: 'cubic', theirs: 'cubic', share: 0, counts: 1 },
  'average, 10 m to 60 m': { target: scaled(60), method: 'average', theirs: 'average', share: 0, counts: 1 },
  'nearest, UTM to Web Mercator': { target: mercator, method: 'near', theirs: 'nearest', share: 0.05, counts: 1 },
  'bilinear, UTM to Web Mercator': { target: mercator, method: 'bilinear', theirs: 'bilinear', share: 0.01, counts: 40 },
  'cubic, UTM to Web Mercator': { target: mercator, method: 'cubic', theirs: 'cubic', share: 0.01, counts: 40 },
};

/** Reflectance with the texture of fields; patches of no-data. */
function samples(): Uint16Array<ArrayBuffer> {
  const data = new Uint16Array(BANDS.length * SIZE * SIZE);
  for (let b = 0, to = 0; b < BANDS.length; b++) for (let y = 0; y < SIZE; y++) for (let x = 0; x < SIZE; x++, to++) {
    const isHidden = (Math.imul((x >> 6) + 31 * (y >> 6), 2_654_435_761) >>> 24) < 12;
    data[to] = isHidden ? 0 : Math.round(2000 + 400 * b + 900 * Math.sin(x / 9 + b) * Math.cos(y / 13) + 200 * Math.sin((x + y) / 3));
  }
  return data;
}

/** `only` names some of the cases. */
export async function benchResample(only = Object.keys(cases)): Promise<Figure[]> {
  if (python === null) {
    say('skipped: there is no Python with rasterio (see test/clients/requirements.txt)');
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const peer = startPeer('resample_peer.py');
  const data = samples();
  const figures: Figure[] = [];
  try {
    await writeFile(join(folder, 'input.raw'), new Uint8Array(data.buffer));
    for (const name of only) figures.push(await measure(name, data, peer, folder));
    return figures;
  } finally {
    peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(name: string, data: Uint16Array<ArrayBuffer>, peer: Peer, folder: string): Promise<Figure> {
  const { target, method, theirs } = cases[name]!;
  const [input, output] = ['input.raw', 'output.raw'].map((file) => join(folder, file)) as [string, string];
  const cube = arrayCube({ dimensions: [bandsDimension(BANDS), ...spatialDimensions(source)], grid: source, dtype: 'uint16', data, nulls: Uint8Array.from(data, (v) => Number(v === 0)) });
  const processor = { ours: [] as number[], gdal: [] as number[] };
  let result: Block | undefined;
  const ours = async () => {
    const [start, used] = [performance.now(), process.cpuUsage()];
    const warped = resampleCube(cube, target, method);
    result = createBlock(warped.dtype, warped.fullWindow().size);
    for (let y = 0; y < target.height; y += PIECE) for (let x = 0; x < target.width; x += PIECE) {
      const window = { start: [0, y, x], size: [BANDS.length, Math.min(PIECE, target.height - y), Math.min(PIECE, target.width - x)] };
      pasteBlock(result, warped.fullWindow(), await warped.read(window), window);
    }
    const { user, system } = process.cpuUsage(used);
    processor.ours.push((user + system) / 1000);
    return performance.now() - start;
  };
  const gdal = async () => {
    const { ms, cpu } = await peer.ask<{ ms: number; cpu: number }>({ source, target, method: theirs, bands: BANDS.length, input, output });
    processor.gdal.push(cpu);
    return ms;
  };
  await ours();
  await gdal();
  say(`\n${name}, 4 × ${SIZE}², uint16 with no-data, load ${loadavg()[0]!.toFixed(1)}`);
  compare(result!, new Float64Array((await readFile(output)).buffer), cases[name]!);
  const times = await alternate({ ours, 'GDAL, one thread': gdal });
  const [own, other] = [times['ours']!.median, times['GDAL, one thread']!.median];
  const [ownCpu, otherCpu] = [spread(processor.ours).median, spread(processor.gdal).median];
  say(`  ours takes ${(own / other).toFixed(2)} × the time of GDAL, ${(ownCpu / otherCpu).toFixed(2)} × its processor time (${ownCpu.toFixed(0)} of ${otherCpu.toFixed(0)} ms)`);
  return { what: `resampling, ${name}`, ours: `${own.toFixed(0)} ms`, peer: `GDAL ${other.toFixed(0)} ms`, ratio: `${(own / other).toFixed(2)}×`, goal: '≤ 1×' };
}

/** Throws when more samples than `share` differ by more than `counts`, a margin of the edge left out. */
function compare(block: Block, expected: Float64Array, { target: { width, height }, share, counts }: Case): void {
  const MARGIN = 4;
  let [different, worst, counted] = [0, 0, 0];
  block.data.forEach((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    if (Math.min(x, y, width - 1 - x, height - 1 - y) < MARGIN) return;
    counted++;
    const own = block.nulls?.[i] ? 0 : Number(value);
    const gap = Math.abs(own - expected[i]!);
    if (gap > counts) different++;
    else worst = Math.max(worst, gap);
  });
  say(`  ${different} of ${counted} samples differ by more than ${counts}, the others by at most ${worst}`);
  if (different > counted * share) throw new Error(`more than ${share} of the samples differ`);
}

if (import.meta.main) await benchResample(process.argv.length > 2 ? process.argv.slice(2) : undefined);
