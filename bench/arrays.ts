/**
 * Work on bands and dates against numpy, on 12 dates of uint16 reflectance in memory. Ours are whole process
 * graphs over a cube, read as one block; a real scene is not needed, because time does not depend on the
 * values. Results are compared before times are. Beside the time on the clock the processor's time is
 * printed, whose ratio a busy machine changes less.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrayCube, readAll } from '../src/cube/array-cube.ts';
import type { Block } from '../src/cube/block.ts';
import { Cube } from '../src/cube/cube.ts';
import { bandsDimension, spatialDimensions, temporalDimension } from '../src/cube/dimension.ts';
import { evaluate } from '../src/graph/evaluate.ts';
import type { ProcessRegistry } from '../src/graph/process.ts';
import type { Scope } from '../src/graph/scope.ts';
import type { ProcessGraph } from '../src/graph/wire.ts';
import { silentLog } from '../src/log.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../src/processes/index.ts';
import { alternate, python, say, spread, startPeer, type Figure, type Peer } from './harness.ts';

const DATES = 12;
const SIZE = 1024;
/** Rounds are short, so there can be many of them. */
const ROUNDS = 21;
/** Before the first: code of both, ours compiled while it runs, is what it is in a worker after its first windows. */
const WARM_UP = 3;
const refuse = () => Promise.reject(new Error('no input or output here'));
const scope: Scope = {
  signal: new AbortController().signal, log: silentLog, loadCollection: refuse, loadStac: refuse, loadUrl: refuse, embed: refuse, view: refuse,
  saveResult: refuse, exportCollection: refuse, loadFiles: refuse, modifyStac: refuse, exportWorkspace: refuse,
};

const node = (process_id: string, args: object, result = false) => ({ process_id, arguments: { ...args }, ...(result ? { result } : {}) });
const from = (name: string) => ({ from_parameter: name });
const of = (from_node: string) => ({ from_node });
const reducer = (process_id: string, args: object = {}) => ({ process_graph: { v: node(process_id, { data: from('data'), ...args }, true) } });
const reduce = (data: object, dimension: string, by: object, result = false) => node('reduce_dimension', { data, dimension, reducer: by }, result);
const band = (label: string) => node('array_element', { data: from('data'), label });
const bandMath = (bands: Readonly<Record<string, string>>, rest: object) => ({ process_graph: { ...Object.fromEntries(Object.entries(bands).map(([id, label]) => [id, band(label)])), ...rest } });

const ndvi = bandMath({ red: 'B04', nir: 'B08' }, { ndvi: node('normalized_difference', { x: of('nir'), y: of('red') }, true) });

/** 2.5 · (nir − red) / (nir + 6 · red − 7.5 · blue + 10000) on stored reflectance. */
const evi = bandMath({ blue: 'B02', red: 'B04', nir: 'B08' }, {
  difference: node('subtract', { x: of('nir'), y: of('red') }),
  above: node('multiply', { x: of('difference'), y: 2.5 }),
  red6: node('multiply', { x: of('red'), y: 6 }),
  blue7: node('multiply', { x: of('blue'), y: 7.5 }),
  sum: node('add', { x: of('nir'), y: of('red6') }),
  rest: node('subtract', { x: of('sum'), y: of('blue7') }),
  below: node('add', { x: of('rest'), y: 10_000 }),
  evi: node('divide', { x: of('above'), y: of('below') }, true),
});

/** Clouds and shadows by value, as in a scene classification. */
const isHidden = { process_graph: {
  shadow: node('eq', { x: from('x'), y: 3 }), cloud: node('between', { x: from('x'), min: 8, max: 10 }), either: node('or', { x: of('shadow'), y: of('cloud') }, true),
} };

interface Case {
  readonly graph: ProcessGraph;
  readonly bands: readonly string[];
  /** A tenth of the samples is no-data. */
  readonly hasGaps: boolean;
  readonly goal: string;
}

const cases: Readonly<Record<string, Case>> = {
  'NDVI mean': { bands: ['B04', 'B08'], hasGaps: true, goal: '≤ 0.33×', graph: { bands: reduce(from('cube'), 'bands', ndvi), t: reduce(of('bands'), 't', reducer('mean'), true) } },
  'EVI maximum': { bands: ['B02', 'B04', 'B08'], hasGaps: true, goal: '≤ 0.33×', graph: { bands: reduce(from('cube'), 'bands', evi), t: reduce(of('bands'), 't', reducer('max'), true) } },
  'nan-median': { bands: ['B04'], hasGaps: true, goal: '≤ 0.2×', graph: { t: reduce(from('cube'), 't', reducer('median'), true) } },
  'quantiles 10, 50 and 90 %': { bands: ['B04'], hasGaps: false, goal: '≤ 0.33×', graph: { t: node('apply_dimension', { data: from('cube'), dimension: 't', process: reducer('quantiles', { probabilities: [0.1, 0.5, 0.9] }) }, true) } },
  'standard deviation': { bands: ['B04'], hasGaps: true, goal: '≤ 0.33×', graph: { t: reduce(from('cube'), 't', reducer('sd'), true) } },
  'masked mean': { bands: ['B04'], hasGaps: false, goal: '≤ 0.33×', graph: {
    hidden: node('apply', { data: from('classes'), process: isHidden }), clear: node('mask', { data: from('cube'), mask: of('hidden') }), t: reduce(of('clear'), 't', reducer('mean'), true),
  } },
};

/** Reflectance [t, bands, y, x], 0 for no-data, the same for ours and numpy. */
function samples(bands: number, hasGaps: boolean): Uint16Array<ArrayBuffer> {
  let state = 7;
  return Uint16Array.from({ length: DATES * bands * SIZE * SIZE }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return hasGaps && state >>> 28 < 2 ? 0 : 200 + (state >>> 20);
  });
}

/** A class from 0 to 11 for each pixel and date, in patches of 32 pixels. */
function classes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: DATES * SIZE * SIZE }, (_, i) => {
    const [date, y, x] = [Math.floor(i / SIZE / SIZE), Math.floor(i / SIZE) % SIZE, i % SIZE];
    return (Math.imul((x >> 5) + 31 * (y >> 5) + 997 * date, 2654435761) >>> 8) % 12;
  });
}

function cubeOf(data: Uint16Array<ArrayBuffer> | Uint8Array<ArrayBuffer>, names: readonly string[] | null, hasGaps: boolean): Cube {
  const dates = Array.from({ length: DATES }, (_, i) => `2021-${String(i + 1).padStart(2, '0')}-01T00:00:00Z`);
  const space = { width: SIZE, height: SIZE };
  return arrayCube({
    dimensions: [temporalDimension(dates), ...(names ? [bandsDimension(names)] : []), ...spatialDimensions(space)],
    grid: { crs: 'EPSG:32631', originX: 0, originY: 0, stepX: 10, stepY: 10, ...space },
    dtype: data instanceof Uint8Array ? 'uint8' : 'uint16', data,
    nulls: hasGaps ? Uint8Array.from(data, (v) => Number(v === 0)) : null,
  });
}

/** `only` names some of the cases. */
export async function benchArrays(only = Object.keys(cases)): Promise<Figure[]> {
  if (python === null) {
    say('skipped: there is no Python with numpy (see test/clients/requirements.txt)');
    return [];
  }
  const registry = createRegistry(await loadDescriptions(new URL('../processes/', import.meta.url)), allProcesses);
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const peer = startPeer('arrays_peer.py');
  const figures: Figure[] = [];
  try {
    for (const name of only) figures.push(await measure(name, registry, peer, folder));
    return figures;
  } finally {
    peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(name: string, registry: ProcessRegistry, peer: Peer, folder: string): Promise<Figure> {
  const { graph, bands, hasGaps, goal } = cases[name]!;
  const data = samples(bands.length, hasGaps);
  const [input, mask, output] = ['input.raw', 'classes.raw', 'output.raw'].map((file) => join(folder, file)) as [string, string, string];
  await writeFile(input, new Uint8Array(data.buffer));
  await writeFile(mask, classes());
  const given = { cube: cubeOf(data, bands, hasGaps), classes: cubeOf(classes(), null, false) };
  const process_ = { process_graph: graph, parameters: Object.keys(given).map((id) => ({ name: id, description: id, schema: {} })) };
  const processor = { ours: [] as number[], numpy: [] as number[] };
  let result: Block | undefined;
  const ours = async () => {
    const [start, used] = [performance.now(), process.cpuUsage()];
    const value = await evaluate(process_, registry, scope, given);
    if (!(value instanceof Cube)) throw new Error('no cube');
    result = await readAll(value);
    const { user, system } = process.cpuUsage(used);
    processor.ours.push((user + system) / 1000);
    return performance.now() - start;
  };
  const theirs = async () => {
    const { ms, cpu } = await peer.ask<{ ms: number; cpu: number }>({ what: name, input, mask, output, shape: [DATES, bands.length, SIZE, SIZE] });
    processor.numpy.push(cpu);
    return ms;
  };
  for (let i = 0; i < WARM_UP; i++) await ours();
  await theirs();
  compare(name, result!, new Float64Array((await readFile(output)).buffer));
  say(`\n${name}, ${DATES} × ${SIZE}², uint16${hasGaps ? ' with no-data' : ''}, one core, load ${loadavg()[0]!.toFixed(1)}`);
  for (const list of Object.values(processor)) list.length = 0;
  const times = await alternate({ ours, numpy: theirs }, ROUNDS);
  const [own, other] = [times['ours']!.median, times['numpy']!.median];
  const [ownCpu, otherCpu] = [spread(processor.ours).median, spread(processor.numpy).median];
  say(`  ours takes ${(own / other).toFixed(2)} × the time of numpy, ${(ownCpu / otherCpu).toFixed(2)} × its processor time (${ownCpu.toFixed(0)} of ${otherCpu.toFixed(0)} ms)`);
  return { what: `${name}, ${DATES} × ${SIZE}²`, ours: `${own.toFixed(0)} ms`, peer: `numpy ${other.toFixed(0)} ms`, ratio: `${(own / other).toFixed(2)}×`, goal };
}

/** Throws when a result differs by more than 1e-6, or in where there is none: numpy has NaN for no-data and for 0 / 0. */
function compare(name: string, block: Block, expected: Float64Array): void {
  if (block.data.length !== expected.length) throw new Error(`${name}: ${block.data.length} values, numpy has ${expected.length}`);
  for (let i = 0; i < expected.length; i++) {
    const isNull = block.nulls?.[i] === 1 || Number.isNaN(block.data[i]);
    if (isNull !== Number.isNaN(expected[i]) || (!isNull && Math.abs(block.data[i]! - expected[i]!) > 1e-6 * Math.max(1, Math.abs(expected[i]!)))) {
      throw new Error(`${name}: cell ${i} is ${isNull ? 'no-data' : block.data[i]}, numpy has ${expected[i]}`);
    }
  }
}

if (import.meta.main) await benchArrays(process.argv.length > 2 ? process.argv.slice(2) : undefined);
