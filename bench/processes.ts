/**
 * Realistic process graphs (test/clients/graphs.py) beside openeo-processes-dask: time and peak memory of the
 * same flat graph over the same GeoTIFF files. The files are real Sentinel-2 acquisitions over Flanders,
 * every second one, mirrored from 64 × 64 to 512 × 512 pixels. Both engines read from disk, use two threads
 * (theirs: dask's scheduler; ours: one for the processes and those that inflate) and give all samples.
 *
 * A fresh process per engine and graph: its first run tells the peak of resident memory, interpreter and
 * packages included, and the result, which is compared; then they take turns for the times. A graph that the
 * peer can't run, or with another result, is printed with the reason and not counted.
 *
 * The peer's packages are a heavy set, so they have an environment of their own, named by LAMINA_OPENEO_DASK:
 *   python3.11 -m venv E && E/bin/pip install --prefer-binary openeo-processes-dask==2026.9.1 \
 *     openeo openeo-pg-parser-networkx geopandas rasterio 'dask[array,dataframe,distributed]' dask-geopandas joblib \
 *     'odc-geo<1' 'odc-loader[zarr]' odc-stac planetary_computer pystac_client 'rioxarray<1' stac_validator xvec==0.2.0
 * (its extra [implementations] without `gdal`, which has to be compiled and is not used by these graphs).
 * `LAMINA_BENCH_CORES=0` pins both to a core, with one thread for dask.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { WORKER_FLAGS } from '../src/workers/process-settings.ts';
import { alternate, say, startPeer, type Figure, type Peer } from './harness.ts';
import type { RunAnswer, Scene } from './processes-worker.ts';

const source = resolve(import.meta.dirname, '../../shared/data/flanders-timeseries');
const peerPython = process.env['LAMINA_OPENEO_DASK'] ?? null;
const cores = process.env['LAMINA_BENCH_CORES'] ?? null;
const THREADS = cores === null ? 2 : cores.split(',').length;
const ROUNDS = 5;
/** Fewer rounds where one takes longer than so many milliseconds. */
const LONG = 20_000;
/** The peer computes in float32. */
const TOLERANCE = 1e-4;

const graphs = [
  'evi composite', 'evi, gaps filled', 'evi, monthly median', 'phenology', 'ndvi, monthly median', 'change', 'texture', 'smoothing',
  'moisture', 'clear views', 'anomalies', 'vegetation share', 'zonal statistics', 'water in fields',
];

/** Where results may differ by more: why, and in which share of the samples at most. */
const knownDifferences: Readonly<Record<string, { readonly why: string; readonly share: number }>> = {
  'evi, gaps filled': { why: 'its code seems to interpolate over positions, ours over dates', share: 0.25 },
  'zonal statistics': { why: 'a pixel on the edge of a polygon, by less than 0.001', share: 0.05 },
};

function reasonToSkip(): string | null {
  if (!existsSync(source)) return '../shared/data/flanders-timeseries is absent';
  if (peerPython === null) return 'LAMINA_OPENEO_DASK names no Python with openeo-processes-dask (see bench/processes.ts)';
  const found = spawnSync(peerPython, ['-c', 'import openeo_processes_dask.process_implementations, openeo_pg_parser_networkx, odc.stac']);
  return found.status === 0 ? null : `${peerPython} lacks openeo-processes-dask or what it needs (see bench/processes.ts)`;
}

const command = (...of: [string, ...string[]]): [string, ...string[]] => (cores === null ? of : ['taskset', '-c', cores, ...of]);
const startOurs = () => {
  // As bin/lamina.mjs does for the service.
  process.env['NODE_COMPILE_CACHE'] ??= resolve(import.meta.dirname, '../node_modules/.cache/lamina');
  return startPeer('processes-worker.ts', command(process.execPath, ...WORKER_FLAGS), { isOurs: true });
};
const startTheirs = () => startPeer('processes_peer.py', command(peerPython!));

/** Gives the figures of the graphs that both engines run; `only` names some. */
export async function benchProcesses(only: readonly string[] = graphs): Promise<Figure[]> {
  const reason = reasonToSkip();
  if (reason !== null) {
    say(`skipped: ${reason}`);
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const figures: Figure[] = [];
  const maker = startTheirs();
  try {
    const { scenes } = await maker.ask<{ scenes: Scene[] }>({ what: 'prepare', folder, source });
    const list = join(folder, 'scenes.json');
    await writeFile(list, JSON.stringify(scenes));
    say(`${scenes.length} real acquisitions, mirrored to ${scenes[0]!.assets['10m']!.shape.join(' × ')} pixels; ${THREADS} thread(s) each${cores === null ? '' : `, on core ${cores}`}`);
    for (const name of only) {
      const { graph, error } = await maker.ask<{ graph: object; error?: string }>({ what: 'graph', name });
      if (error !== undefined) throw new Error(`${name}: ${error}`);
      figures.push(...(await measure(name, { what: 'run', graph, scenes: list, threads: THREADS }, folder)));
    }
    return figures;
  } finally {
    maker.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(name: string, task: object, folder: string): Promise<Figure[]> {
  const [ours, theirs] = [startOurs(), startTheirs()];
  try {
    say(`\n${name}, load ${loadavg()[0]!.toFixed(1)}`);
    const outputs = [join(folder, 'ours.raw'), join(folder, 'theirs.raw')] as const;
    const own = await ours.ask<RunAnswer>({ ...task, output: outputs[0] });
    if (own.error !== undefined) throw new Error(`${name}: ${own.error}`);
    const other = await theirs.ask<RunAnswer>({ ...task, output: outputs[1], dimensions: own.dimensions });
    if (other.error !== undefined) {
      say(`  not counted: the peer can't run it: ${other.error}\n  ours ${own.ms.toFixed(0)} ms, ${megabytes(own.peak)}`);
      return [];
    }
    const { text, isAlike } = await compare(name, [own, other], outputs);
    say(`  ${text}`);
    if (!isAlike) {
      say(`  not counted: the results differ; ours ${own.ms.toFixed(0)} ms, ${megabytes(own.peak)}, theirs ${other.ms.toFixed(0)} ms, ${megabytes(other.peak)} in the first run`);
      return [];
    }
    const times = await alternate({ ours: timed(ours, task), 'openeo-processes-dask': timed(theirs, task) }, own.ms + other.ms > LONG ? 3 : ROUNDS);
    const [ms, peerMs] = [times['ours']!.median, times['openeo-processes-dask']!.median];
    say(`  first run ${own.ms.toFixed(0)} ms, theirs ${other.ms.toFixed(0)} ms; ours takes ${(ms / peerMs).toFixed(2)} × the time and ${(own.peak / other.peak).toFixed(2)} × the memory`);
    return [{
      what: name, ours: `${ms.toFixed(0)} ms, ${megabytes(own.peak)}`, peer: `openeo-processes-dask ${peerMs.toFixed(0)} ms, ${megabytes(other.peak)}`,
      ratio: `${(ms / peerMs).toFixed(2)}×, ${(own.peak / other.peak).toFixed(2)}×`, goal: '≤ 0.5×, ≤ 0.5×',
    }];
  } finally {
    ours.stop();
    theirs.stop();
  }
}

const timed = (peer: Peer, task: object) => async () => (await peer.ask<RunAnswer>(task)).ms;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;

/** How alike the results are: no more than one sample in a thousand may differ without a reason that is known. */
async function compare(name: string, [own, other]: readonly [RunAnswer, RunAnswer], [ours, theirs]: readonly [string, string]): Promise<{ readonly text: string; readonly isAlike: boolean }> {
  const [a, b] = (await Promise.all([ours, theirs].map((path) => readFile(path)))).map((bytes) => new Float64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8)) as [Float64Array, Float64Array];
  if (a.length !== b.length) return { isAlike: false, text: `ours is ${shapeOf(own)}, theirs ${shapeOf(other)}` };
  let [different, worst] = [0, 0];
  a.forEach((value, i) => {
    const gap = difference(value, b[i]!);
    if (gap > TOLERANCE) different++;
    else worst = Math.max(worst, gap);
  });
  const text = `${shapeOf(own)}: ${different} of ${a.length} samples differ by more than ${TOLERANCE}, the others by at most ${worst.toExponential(1)}`;
  const known = knownDifferences[name];
  return { isAlike: different <= a.length * (known?.share ?? 0.001), text: known === undefined ? text : `${text} (${known.why})` };
}

const shapeOf = ({ dimensions, shape }: RunAnswer) => `[${dimensions.join()}] ${shape.join()}`;

/** Relative to the size of the values, 1 at least; Infinity where only one has a number. */
function difference(a: number, b: number): number {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.isFinite(a) === Number.isFinite(b) ? 0 : Infinity;
  return Math.abs(a - b) / Math.max(1, Math.abs(a));
}

if (import.meta.main) await benchProcesses(process.argv.length > 2 ? process.argv.slice(2) : graphs);
