/** load_result: what a batch job has written is loaded by the job's id. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OpenEOError } from '../../src/errors.ts';
import { RasterCache } from '../../src/formats/cog/raster-cache.ts';
import type { Job } from '../../src/jobs/job.ts';
import { createLog, type LogEntry } from '../../src/log.ts';
import { JobResults } from '../../src/workers/job-results.ts';
import { describeResult } from '../../src/workers/result-metadata.ts';
import { runProcess, type RunRequest } from '../../src/workers/run-process.ts';
import { toyService, writeItem, type ToyService } from '../layers/service.ts';

let folder: string;
let service: ToyService;
let rasters: RasterCache;
const jobs = new Map<string, Job>();
const logged: LogEntry[] = [];
const store = {
  find: async (id: string) => jobs.get(id) ?? null,
  get: async (user: string, id: string) => {
    const job = jobs.get(id);
    if (job?.userId !== user) throw new OpenEOError('JobNotFound', { identifier: id });
    return job;
  },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lamina-results-'));
  service = await toyService(folder, [await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band) => 20 + band * 40), await writeItem(folder, 'b', '2021-06-01T00:00:00Z', () => 7)]);
  rasters = new RasterCache({ store: service.store, blockBytes: 1_000_000 });
  const { files, saved } = await run({
    load: { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: null, temporal_extent: ['2021-05-01', '2021-07-01'] } },
    save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' }, result: true },
  }, null);
  const result = describeResult(files, saved, service.engine.operators);
  const job: Job = {
    id: 'job-1', kind: 'batch', userId: 'ann', definition: { process: { process_graph: {} } }, status: 'finished', run: 1, turn: 1, begun: 1, progress: 100,
    created: '2024-01-01T00:00:00Z', updated: '2024-01-01T00:00:00Z', queued: null, started: null, finished: '2024-01-01T00:01:00Z', stages: null, usage: null, costs: null, linkSeries: 0, result,
  };
  jobs.set('job-1', job).set('job-2', { ...job, id: 'job-2', status: 'running', result: null });
});
afterAll(async () => {
  await rasters.close();
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

function run(process_graph: unknown, user: string | null = 'ann') {
  const engine = { ...service.engine, results: new JobResults(store, rasters) };
  return runProcess(engine, service.store, {
    process: { process_graph: process_graph as RunRequest['process']['process_graph'] }, prefix: `results/job/${Math.random()}`, scratch: join(folder, 'scratch'),
    log: createLog((entry) => logged.push(entry), 'debug'), signal: new AbortController().signal, ...(user === null ? {} : { user }),
  });
}

const reload = (id: string, more: object = {}) => ({
  load: { process_id: 'load_result', arguments: { id, ...more } },
  mean: { process_id: 'reduce_dimension', arguments: { data: { from_node: 'load' }, dimension: 'x', reducer: { process_graph: { m: { process_id: 'max', arguments: { data: { from_parameter: 'data' } }, result: true } } } } },
  all: { process_id: 'reduce_dimension', arguments: { data: { from_node: 'mean' }, dimension: 'y', reducer: { process_graph: { m: { process_id: 'max', arguments: { data: { from_parameter: 'data' } }, result: true } } } } },
  save: { process_id: 'save_result', arguments: { data: { from_node: 'all' }, format: 'JSON' }, result: true },
});
const valuesOf = async (graph: object) => {
  const { files, saved } = await run(graph);
  return { json: JSON.parse(Buffer.from((await service.store.get(files[0]!.objectKey))!).toString()) as unknown, saved };
};

it('loads all dates and bands, in the extents that are asked for', async () => {
  const { json, saved } = await valuesOf(reload('job-1'));
  expect(JSON.stringify(json)).toContain('2021-06-01');
  expect(saved[0]!.cube.dimensions.map((d) => d.size)).toEqual([2, 2]);
  expect(saved[0]!.cube.attributes.sources).toEqual(['RAW/a', 'RAW/b']);
  const june = await valuesOf(reload('job-1', { temporal_extent: ['2021-06-01', '2021-06-02'], bands: ['B08'] }));
  expect(june.saved[0]!.cube.dimensions.map((d) => d.size)).toEqual([1, 1]);
  expect(JSON.stringify(june.json)).toContain('7');
});

it('tells that the process has another name today', async () => {
  logged.length = 0;
  await run(reload('job-1'));
  expect(logged).toContainEqual(expect.objectContaining({ level: 'info', message: expect.stringContaining("'load_result' is no longer part of the standard") as unknown, path: [{ node_id: 'load', process_id: 'load_result' }] }));
});

it.each([['job-2', 'ann', 'JobNotFinished'], ['job-3', 'ann', 'JobNotFound'], ['job-1', 'bob', 'JobNotFound'], ['a\0b', 'ann', 'JobNotFound']])('of %s for %s is %s', async (id, user, code) => {
  await expect(run(reload(id), user)).rejects.toMatchObject({ code, path: [{ node_id: 'load', process_id: 'load_result' }] });
});
