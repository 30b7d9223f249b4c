import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { arrayCube } from '../../src/cube/array-cube.ts';
import type { Block } from '../../src/cube/block.ts';
import type { Cube } from '../../src/cube/cube.ts';
import { temporalDimension } from '../../src/cube/dimension.ts';
import { transformBounds, WGS84 } from '../../src/geo/crs.ts';
import type { Bounds } from '../../src/geo/grid.ts';
import { cachedCube } from '../../src/layers/cached-cube.ts';
import { EmbedBlocks, type BlockComputer, type BlockTask } from '../../src/layers/embed-blocks.ts';
import { EngineScope, type Engine } from '../../src/layers/scope.ts';
import { silentLog } from '../../src/log.ts';
import { createEmbedHandler, directComputer } from '../../src/workers/embed.ts';
import { catalogOf, layerCollection, toyService, writeItem, type ToyService } from './service.ts';
import { utmGrid } from './fixtures.ts';

/** Every sample times two: a layer without an operator. */
const twice: StacCollection = {
  ...layerCollection, id: 'TWICE',
  'lamina:layer': {
    sources: ['RAW'],
    process_graph: {
      load: { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' } } },
      twice: { process_id: 'apply', arguments: { data: { from_node: 'load' }, process: { process_graph: { m: { process_id: 'multiply', arguments: { x: { from_parameter: 'x' }, y: 2 }, result: true } } } }, result: true },
    },
  },
};

const load = { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: { from_parameter: 'spatial_extent' }, temporal_extent: { from_parameter: 'temporal_extent' } }, result: true };
const plain: StacCollection = { ...twice, id: 'PLAIN', 'lamina:layer': { sources: ['RAW'], process_graph: { load } } };

let folder: string;
let service: ToyService;
let items: StacItem[];
let tasks: BlockTask[];
let engine: Engine;
let uncached: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-cached-cube-'));
  const grid = utmGrid(600, 300);
  items = [
    await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band, column, row) => (column < 20 ? 0 : 1 + band * 1000 + column + row), grid),
    // Begins 300 columns further east: the first block of its date has no file.
    await writeItem(folder, 'b', '2021-06-01T00:00:00Z', (band, column, row) => 5 + band * 1000 + column * 2 + row, { ...grid, originX: 603_000 }),
  ];
  service = await toyService(folder, items);
  const base = catalogOf(items);
  const catalog = { ...base, collection: async (id: string) => [twice, plain].find((c) => c.id === id) ?? base.collection(id) };
  uncached = { ...service.engine, catalog };
  const handler = createEmbedHandler({ engine: uncached, store: service.store, runtime: service.runtime, log: silentLog });
  tasks = [];
  const compute: BlockComputer = async (task, _source, _position, { signal }) => {
    tasks.push(task);
    return handler(JSON.parse(JSON.stringify(task)) as BlockTask, signal);
  };
  engine = { ...uncached, blocks: new EmbedBlocks({ store: service.store, compute, memoryBytes: 0 }) };
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

async function open(from: Engine, extent: Bounds | null, facts = { cached: 0, computed: 0, samplesRead: 0 }, id = 'TWICE'): Promise<Cube> {
  const scope = new EngineScope(from, { signal: new AbortController().signal, log: silentLog }, facts);
  return scope.loadCollection({ id, spatialExtent: extent && { ...extent }, temporalExtent: null, bands: null, properties: null });
}

const utm = (west: number, south: number, east: number, north: number): Bounds => transformBounds({ west, south, east, north, crs: 'EPSG:32631' }, WGS84);
const valid = ({ data, nulls }: Block) => Array.from(data, (value, i) => (nulls?.[i] ? null : value));

describe('a layer without an operator', () => {
  it('gives the samples of its graph, computed by a worker in blocks and read from them after that', async () => {
    const raw = await open({ ...uncached, blocks: new EmbedBlocks({ store: service.store, compute: directComputer(service.store, service.runtime) }) }, null);
    const expected = await evaluateDirectly();
    const facts = { cached: 0, computed: 0, samplesRead: 0 };
    const cube = await open(engine, null, facts);
    expect(cube.dimensions).toEqual(raw.dimensions);
    const block = await cube.read(cube.fullWindow());
    expect(valid(block)).toEqual(valid(expected));
    expect(tasks.length).toBe(facts.computed);
    expect(tasks.every((task) => task.operator === null && task.layer === 'TWICE')).toBe(true);
    expect(valid(await cube.read(cube.fullWindow()))).toEqual(valid(expected));
    expect(facts.computed).toBe(tasks.length);
    expect(service.runtime.runs).toBe(0);
  });

  it('shares its blocks between extents, and gives every window as the whole has it', async () => {
    const whole = await open(engine, null);
    const before = tasks.length;
    const part = await open(engine, utm(601_000, 5_598_000, 602_950, 5_599_400));
    const window = part.fullWindow();
    const block = await part.read(window);
    const column = Math.round((part.grid!.originX - whole.grid!.originX) / 10);
    const row = Math.round((whole.grid!.originY - part.grid!.originY) / 10);
    expect([column, row].every((n) => n > 0)).toBe(true);
    const dates = part.labels('t').map((label) => whole.labels('t').indexOf(label));
    const same = await whole.read({ start: [dates[0]!, 0, row, column], size: window.size });
    expect(valid(block)).toEqual(valid(same));
    expect(tasks.length).toBe(before);
  });

  it('needs no task where no file is', async () => {
    const facts = { cached: 0, computed: 0, samplesRead: 0 };
    const cube = await open(engine, null, facts, 'PLAIN');
    const before = tasks.length;
    const june = cube.labels('t').indexOf('2021-06-01T00:00:00Z');
    const block = await cube.read({ start: [june, 0, 0, 0], size: [1, 2, 200, 200] });
    expect(block.nulls!.every((n) => n === 1)).toBe(true);
    expect([tasks.length - before, facts.computed]).toEqual([0, 0]);
    const beside = await cube.read({ start: [june, 0, 10, 299], size: [1, 2, 1, 2] });
    expect(valid(beside)).toEqual([null, 15, null, 1015]);
    expect(tasks.length - before).toBe(1);
  });

  /** The same graph, asked for piece by piece in the raw cube. */
  async function evaluateDirectly(): Promise<Block> {
    const scope = new EngineScope(uncached, { signal: new AbortController().signal, log: silentLog });
    const raw = await scope.loadCollection({ id: 'RAW', spatialExtent: null, temporalExtent: null, bands: null, properties: null });
    const block = await raw.read(raw.fullWindow());
    return { ...block, dtype: 'float32', data: Float32Array.from(block.data, (value) => value * 2) };
  }
});

describe('cachedCube', () => {
  it('leaves cubes alone that have no x and y on a grid', () => {
    const series = arrayCube({ dimensions: [temporalDimension(['2021-05-01T00:00:00Z'])], dtype: 'float32', data: new Float32Array(1) });
    expect(cachedCube(series, {}, { blocks: { read: async () => {} }, wish: { user: null, layer: null, facts: { cached: 0, computed: 0 } } })).toBe(series);
  });
});
