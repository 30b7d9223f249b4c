/**
 * Work over twelve dates against numpy: NDVI mean (nanmean of (nir − red) / (nir + red)) and nan-median,
 * 12 × 1024 × 1024. Ours are whole process graphs over a cube in memory, read as one block; a real scene
 * is not needed, because time does not depend on the values. Results are compared before times are.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrayCube, readAll } from '../src/cube/array-cube.ts';
import type { Block } from '../src/cube/block.ts';
import { Cube } from '../src/cube/cube.ts';
import { bandsDimension, spatialDimensions, temporalDimension } from '../src/cube/dimension.ts';
import { evaluate } from '../src/graph/evaluate.ts';
import type { Scope } from '../src/graph/scope.ts';
import { silentLog } from '../src/log.ts';
import { allProcesses, createRegistry, loadDescriptions } from '../src/processes/index.ts';
import { alternate, python, say, startPeer, type Figure } from './harness.ts';

const DATES = 12;
const SIZE = 1024;
const refuse = () => Promise.reject(new Error('no input or output here'));
const scope: Scope = { signal: new AbortController().signal, log: silentLog, loadCollection: refuse, loadStac: refuse, loadUrl: refuse, embed: refuse, view: refuse, saveResult: refuse, exportCollection: refuse, loadFiles: refuse, modifyStac: refuse, exportWorkspace: refuse };

const of = (process_id: string, data: object = { from_parameter: 'data' }) => ({ process_graph: { v: { process_id, arguments: { data }, result: true } } });
const ndviReducer = {
  process_graph: {
    red: { process_id: 'array_element', arguments: { data: { from_parameter: 'data' }, label: 'B04' } },
    nir: { process_id: 'array_element', arguments: { data: { from_parameter: 'data' }, label: 'B08' } },
    ndvi: { process_id: 'normalized_difference', arguments: { x: { from_node: 'nir' }, y: { from_node: 'red' } }, result: true },
  },
};
const reduce = (data: object, dimension: string, reducer: object, result = false) => ({ process_id: 'reduce_dimension', arguments: { data, dimension, reducer }, ...(result ? { result } : {}) });
const graphs = {
  'NDVI mean': { bands: reduce({ from_parameter: 'cube' }, 'bands', ndviReducer), mean: reduce({ from_node: 'bands' }, 't', of('mean'), true) },
  'nan-median': { median: reduce({ from_parameter: 'cube' }, 't', of('median'), true) },
};

/** uint16 reflectance [t, bands, y, x] with a tenth of the samples no-data (0), the same for ours and numpy. */
function samples(bands: number): Uint16Array<ArrayBuffer> {
  let state = 7;
  return Uint16Array.from({ length: DATES * bands * SIZE * SIZE }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 28 < 2 ? 0 : 200 + (state >>> 20);
  });
}

function cubeOf(data: Uint16Array<ArrayBuffer>, names: readonly string[]): Cube {
  const nulls = Uint8Array.from(data, (v) => Number(v === 0));
  const dates = Array.from({ length: DATES }, (_, i) => `2021-${String(i + 1).padStart(2, '0')}-01T00:00:00Z`);
  return arrayCube({ dimensions: [temporalDimension(dates), bandsDimension(names), ...spatialDimensions({ width: SIZE, height: SIZE })], grid: { crs: 'EPSG:32631', originX: 0, originY: 0, stepX: 10, stepY: 10, width: SIZE, height: SIZE }, dtype: 'uint16', data, nulls });
}

export async function benchArrays(): Promise<Figure[]> {
  if (python === null) {
    say('skipped: there is no Python with numpy (see test/clients/requirements.txt)');
    return [];
  }
  const registry = createRegistry(await loadDescriptions(new URL('../processes/', import.meta.url)), allProcesses);
  const folder = await mkdtemp(join(tmpdir(), 'lamina-bench-'));
  const peer = startPeer('arrays_peer.py');
  const figures: Figure[] = [];
  try {
    for (const [name, process_graph] of Object.entries(graphs)) {
      const names = name === 'NDVI mean' ? ['B04', 'B08'] : ['B04'];
      const data = samples(names.length);
      const input = join(folder, 'input.raw');
      const output = join(folder, 'output.raw');
      await writeFile(input, new Uint8Array(data.buffer));
      const cube = cubeOf(data, names);
      const process = { process_graph, parameters: [{ name: 'cube', description: 'cube', schema: {} }] };
      let result: Block | undefined;
      const ours = async () => {
        const start = performance.now();
        const value = await evaluate(process, registry, scope, { cube });
        if (!(value instanceof Cube)) throw new Error('no cube');
        result = await readAll(value);
        return performance.now() - start;
      };
      const theirs = async () => (await peer.ask<{ ms: number }>({ what: name, input, output, shape: [DATES, names.length, SIZE, SIZE] })).ms;
      await ours();
      await theirs();
      compare(name, result!, new Float64Array((await readFile(output)).buffer));
      say(`\n${name}, ${DATES} × ${SIZE}², uint16 with no-data, one core`);
      const times = await alternate({ ours, numpy: theirs });
      const ratio = times['ours']!.median / times['numpy']!.median;
      say(`  ours takes ${ratio.toFixed(2)} × the time of numpy`);
      figures.push({ what: `${name}, ${DATES} × ${SIZE}²`, ours: `${times['ours']!.median.toFixed(0)} ms`, peer: `numpy ${times['numpy']!.median.toFixed(0)} ms`, ratio: `${ratio.toFixed(2)}×`, goal: name === 'NDVI mean' ? '≤ 0.6×' : '≤ 0.2×' });
    }
    return figures;
  } finally {
    peer.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws when a result differs by more than 1e-6, or in where it has no data. */
function compare(name: string, block: Block, expected: Float64Array): void {
  for (let i = 0; i < expected.length; i++) {
    const isNull = block.nulls?.[i] === 1;
    if (isNull !== Number.isNaN(expected[i]) || (!isNull && Math.abs(block.data[i]! - expected[i]!) > 1e-6 * Math.max(1, Math.abs(expected[i]!)))) {
      throw new Error(`${name}: cell ${i} is ${isNull ? 'no-data' : block.data[i]}, numpy has ${expected[i]}`);
    }
  }
}

if (import.meta.main) await benchArrays();
