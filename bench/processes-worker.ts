/**
 * Our side of processes.ts in a process of its own, so that its memory can be told: runs a process graph over
 * the scenes and answers on one JSON line for each that it is sent. Nothing is kept between runs: every run is
 * a first request that opens its files.
 */
import { existsSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline/promises';
import { pathToFileURL } from 'node:url';
import { loadedCube } from '../src/catalog/load.ts';
import { planLoad } from '../src/catalog/load-plan.ts';
import type { StacCollection, StacItem } from '../src/catalog/types.ts';
import { createNullBlock, type Block, type Window } from '../src/cube/block.ts';
import { Cube } from '../src/cube/cube.ts';
import { pasteBlock } from '../src/cube/paste.ts';
import { spatialAxes } from '../src/cube/window.ts';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { evaluate } from '../src/graph/evaluate.ts';
import type { LoadRequest, Scope } from '../src/graph/scope.ts';
import { silentLog } from '../src/log.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../src/processes/index.ts';
import { say } from './harness.ts';

/** One date: its files by the ending of their names. */
export interface Scene {
  readonly datetime: string;
  readonly assets: Readonly<Record<string, { readonly path: string; readonly dtype: string; readonly shape: readonly number[]; readonly transform: readonly number[] }>>;
}

export interface RunTask {
  readonly graph: object;
  /** Path of a JSON file with the scenes. */
  readonly scenes: string;
  /** Where to write the samples as float64, NaN for no-data. */
  readonly output?: string;
}

export interface RunAnswer {
  readonly ms: number;
  /** Bytes that were resident at most since the process began. */
  readonly peak: number;
  readonly shape: readonly number[];
  readonly dimensions: readonly string[];
  readonly error?: string;
}

/** Edge in cells of the pieces that a result is read in, as a writer of files does. */
const PIECE = 256;
const bandsOf: Readonly<Record<string, readonly string[]>> = { '10m': ['B02', 'B03', 'B04', 'B08'], '20m': ['B05', 'B06', 'B07', 'B8A', 'B11', 'B12'], SCL: ['SCL'] };
const names = Object.values(bandsOf).flat();
const collection = { id: 'FLANDERS', bands: names.map((name) => ({ name })), 'cube:dimensions': { bands: { type: 'bands', values: names } } } as unknown as StacCollection;

function itemOf({ datetime, assets }: Scene): StacItem {
  const described = Object.entries(assets).map(([key, { path, dtype, shape, transform }]) => [key, {
    href: pathToFileURL(path).href, data_type: dtype, nodata: 0, bands: bandsOf[key]!.map((name) => ({ name })), 'proj:code': 'EPSG:32631', 'proj:shape': shape, 'proj:transform': transform,
  }]);
  return { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: datetime, collection: 'FLANDERS', geometry: null, bbox: [], links: [], properties: { datetime }, assets: Object.fromEntries(described) };
}

const refuse = () => Promise.reject(new Error('only load_collection is here'));

function scopeOf(items: readonly StacItem[], rasters: RasterCache): Scope {
  const loadCollection = async ({ temporalExtent, bands }: LoadRequest) => {
    const [start, end] = temporalExtent ?? [null, null];
    const within = items.filter(({ properties: { datetime } }) => (!start || datetime! >= start) && (!end || datetime! < end));
    const plan = planLoad({ collection, items: within, bands, extent: null, anchor: () => undefined });
    return loadedCube(plan, { collectionId: collection.id, anchor: undefined, rasters });
  };
  return {
    signal: new AbortController().signal, log: silentLog, loadCollection, loadStac: refuse, loadUrl: refuse, embed: refuse, view: refuse, saveResult: refuse,
    exportCollection: refuse, loadFiles: refuse, modifyStac: refuse, exportWorkspace: refuse,
  };
}

/** All samples of a cube, read piece by piece. */
async function readInPieces(cube: Cube): Promise<Block> {
  const whole = cube.fullWindow();
  const out = createNullBlock(cube.dtype, whole.size);
  for (const piece of pieces(cube, whole)) pasteBlock(out, whole, await cube.read(piece), piece);
  return out;
}

function* pieces(cube: Cube, whole: Window): Generator<Window> {
  const axes = spatialAxes(cube.dimensions);
  if (!axes) return yield whole;
  for (let y = 0; y < whole.size[axes.y]!; y += PIECE) for (let x = 0; x < whole.size[axes.x]!; x += PIECE) {
    const [start, size] = [[...whole.start], [...whole.size]];
    [start[axes.x], start[axes.y]] = [x, y];
    [size[axes.x], size[axes.y]] = [Math.min(PIECE, size[axes.x]! - x), Math.min(PIECE, size[axes.y]! - y)];
    yield { start, size };
  }
}

const registry = createRegistry(await loadDescriptions(new URL('../processes/', import.meta.url)), allProcesses);

async function run({ graph, scenes, output }: RunTask): Promise<RunAnswer> {
  const items = (JSON.parse(await readFile(scenes, 'utf8')) as Scene[]).map(itemOf);
  const start = performance.now();
  const rasters = new RasterCache();
  const cube = await evaluate({ process_graph: graph }, registry, scopeOf(items, rasters));
  if (!(cube instanceof Cube)) throw new Error('The graph gives no cube.');
  const block = await readInPieces(cube);
  await rasters.close();
  const ms = performance.now() - start;
  const peak = peakMemory();
  if (output !== undefined) await writeFile(output, Float64Array.from(block.data, (value, i) => (block.nulls?.[i] ? NaN : Number(value))));
  return { ms, peak, shape: block.shape, dimensions: cube.dimensions.map(({ name }) => name) };
}

/** VmHWM where the system tells it: what the peer reads too. */
function peakMemory(): number {
  if (!existsSync('/proc/self/status')) return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024;
}

flushCompileCache();
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(JSON.stringify(await run(JSON.parse(line) as RunTask)));
  } catch (error) {
    say(JSON.stringify({ error: String(error) }));
  }
}
