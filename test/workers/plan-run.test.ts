/** What a run would do, found without doing it, beside what it then does. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CacheRow } from '../../src/catalog/block-catalog.ts';
import type { ProcessGraph } from '../../src/graph/wire.ts';
import { silentLog } from '../../src/log.ts';
import { createUdfRuntimes } from '../../src/udf/runtimes.ts';
import { createPlanHandler, withoutSamples, type PlanDependencies } from '../../src/workers/plan-run.ts';
import { runProcess } from '../../src/workers/run-process.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

let folder: string;
let service: ToyService;
let seen: string[];

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'lamina-plan-'))));
beforeEach(async () => {
  const own = await mkdtemp(join(folder, 'service-'));
  seen = [];
  service = await toyService(own, [await writeItem(own, 'a', '2021-05-01T00:00:00Z', (band) => 20 + band * 40), await writeItem(own, 'b', '2021-06-01T00:00:00Z', () => 7)]);
});
afterEach(() => service.close());
afterAll(() => rm(folder, { recursive: true, force: true }));

const load = (id: string, extent: readonly [string, string] | null = null) => ({ process_id: 'load_collection', arguments: { id, spatial_extent: null, temporal_extent: extent } });
const save = (from: string, format = 'GTiff') => ({ process_id: 'save_result', arguments: { data: { from_node: from }, format }, result: true });
const mean = (from: string) => ({ process_id: 'reduce_dimension', arguments: { data: { from_node: from }, dimension: 't', reducer: { process_graph: { m: { process_id: 'mean', arguments: { data: { from_parameter: 'data' } }, result: true } } } } });

/** What the cache holds is what the object store holds. */
const catalog: PlanDependencies['catalog'] = {
  find: async (keys) => {
    const rows = await Promise.all(keys.map(async (key) => [key, await service.store.head(key)] as const));
    return new Map(rows.filter(([, info]) => info !== null).map(([key]) => [key, { objectKey: key, state: 'stored' } as CacheRow]));
  },
};

function plan(graph: Record<string, unknown>, changes: Partial<PlanDependencies> = {}) {
  const { rasters } = service.engine;
  const watched = { open: async (href: string) => {
    const file = await rasters.open(href);
    return { ...withoutRead(file), read: (async (...args: Parameters<typeof file.read>) => {
      seen.push(href);
      return file.read(...args);
    }) };
  } };
  const handler = createPlanHandler({ catalog, ...changes, engine: { ...(changes.engine ?? service.engine), rasters: withoutSamples(watched) } });
  return handler({ process: { process_graph: graph }, userId: 'ann' }, new AbortController().signal);
}

function withoutRead(file: Awaited<ReturnType<ToyService['engine']['rasters']['open']>>) {
  const { source, dtype, bands, levels, grid, tags } = file;
  return { source, dtype, bands, levels, grid, tags };
}

async function really(graph: Record<string, unknown>) {
  const { facts, files } = await runProcess(service.engine, service.store, {
    process: { process_graph: graph as ProcessGraph }, prefix: 'results/x/1', scratch: join(folder, 'scratch'), log: silentLog, signal: new AbortController().signal,
  });
  return { facts, files };
}

describe('the plan of a run', () => {
  it('counts the samples that the run then reads, and reads none', async () => {
    const graph = { load: load('RAW'), mean: mean('load'), save: save('mean') };
    const planned = await plan(graph);
    expect(seen).toEqual([]);
    expect(planned).toEqual({ samplesRead: 2 * 2 * 128 * 128, blocks: [], saved: [{ format: 'GTiff', dtype: 'float32', samples: 2 * 128 * 128, bytes: 4 * 2 * 128 * 128 }], share: 1 });
    expect((await really(graph)).facts.samplesRead).toBe(planned.samplesRead);
  });

  it('counts blocks by operator, and those that the cache has', async () => {
    const graph = { load: load('LAYER'), save: save('load') };
    const before = await plan(graph);
    expect(before.blocks).toEqual([{ work: 'operator:toy@sha256:00', all: 2, cached: 0, samples: expect.any(Number) }]);
    expect(before.blocks[0]!.samples).toBeGreaterThanOrEqual(2 * 2 * 128 * 128);
    expect(service.runtime).toBeDefined();
    await really({ load: load('LAYER', ['2021-05-01', '2021-05-02']), save: save('load') });
    expect((await plan(graph)).blocks).toMatchObject([{ all: 2, cached: 1 }]);
    expect((await really(graph)).facts).toMatchObject({ cached: 1, computed: 1 });
    expect((await plan(graph)).blocks).toMatchObject([{ all: 2, cached: 2, samples: 0 }]);
  });

  it('takes what it has no time to look at to be like the rest', async () => {
    const planned = await plan({ load: load('RAW'), save: save('load') }, { milliseconds: 0 });
    expect(planned.share).toBe(0.5);
    expect(planned.samplesRead).toBe(2 * 2 * 128 * 128);
  });

  it('exports nothing', async () => {
    const graph = {
      load: load('RAW'), save: { ...save('load'), result: false },
      modify: { process_id: 'stac_modify', arguments: { data: { from_node: 'save' }, changes: { properties: { title: 'A' } } } },
      workspace: { process_id: 'export_workspace', arguments: { data: { from_node: 'modify' }, workspace: 'user', merge: 'x' } },
      export: { process_id: 'export_collection', arguments: { data: { from_node: 'save' }, collection: 'new' }, result: true },
    };
    expect((await plan(graph)).saved).toHaveLength(1);
  });

  it('is empty for a process without cubes', async () => {
    expect(await plan({ add: { process_id: 'add', arguments: { x: 1, y: 2 }, result: true } })).toEqual({ samplesRead: 0, blocks: [], saved: [], share: 1 });
  });

  it('can not be had for functions of users, nor for graphs that do not end in time', async () => {
    const graph = { load: load('RAW'), udf: { process_id: 'run_udf', arguments: { data: { from_node: 'load' }, udf: 'const apply = ({data}) => data;', runtime: 'JavaScript' } }, save: save('udf') };
    const udf = createUdfRuntimes({ milliseconds: 1000, memoryBytes: 2 ** 24 });
    const engine = { ...service.engine, udf: { ...udf, code: { read: async () => '' } } };
    await expect(plan(graph, { engine })).rejects.toMatchObject({ code: 'EstimateComplexity', status: 500 });
    const slow = { ...service.engine, catalog: { ...service.engine.catalog, items: () => new Promise<never>(() => {}) } };
    await expect(plan({ load: load('RAW'), save: save('load') }, { engine: slow, patienceMs: 50 })).rejects.toMatchObject({ code: 'EstimateComplexity' });
  });

  it('has the errors of the graph itself', async () => {
    await expect(plan({ load: load('NOTHING'), save: save('load') })).rejects.toMatchObject({ code: 'CollectionNotFound' });
    await expect(plan({ load: load('RAW', ['1990-01-01', '1990-02-01']), save: save('load') })).rejects.toMatchObject({ code: 'NoDataAvailable' });
  });
});
