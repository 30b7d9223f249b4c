/** export_collection in jobs: the items appear with the status 'finished', and not without it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { CatalogStore } from '../../src/catalog/store.ts';
import { JobLogs } from '../../src/jobs/logs.ts';
import type { TaskContext } from '../../src/jobs/queue.ts';
import { JobStore } from '../../src/jobs/store.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { silentLog } from '../../src/log.ts';
import { createBatchHandler, createSyncHandler, type ProcessingDependencies } from '../../src/workers/processing.ts';
import { startFreshDatabase, type FreshDatabase } from '../database/fresh-database.ts';
import { rawCollection, toyService, writeItem, type ToyService } from '../layers/service.ts';

let fresh: FreshDatabase;
let folder: string;
let catalog: CatalogStore;
let service: ToyService;
let jobs: JobStore;
let dependencies: ProcessingDependencies;

const process = {
  process_graph: {
    load: { process_id: 'load_collection', arguments: { id: 'RAW', spatial_extent: null, temporal_extent: null } },
    save: { process_id: 'save_result', arguments: { data: { from_node: 'load' }, format: 'GTiff' } },
    export: { process_id: 'export_collection', arguments: { data: { from_node: 'save' }, collection: 'mine' }, result: true },
  },
};
const context = (attempt = 1): TaskContext => ({ taskId: 't', signal: new AbortController().signal, attempt });

beforeAll(async () => {
  fresh = await startFreshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'lamina-export-jobs-'));
  catalog = new CatalogStore(fresh.database);
});
afterAll(async () => {
  await fresh.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  for (const { id } of await catalog.collections()) await catalog.deleteCollection(id);
  await catalog.putCollection(rawCollection);
  await catalog.putItems('RAW', [await writeItem(folder, 'a', '2021-05-01T00:00:00Z', (band) => 20 + band * 40)]);
  service = await toyService(await mkdtemp(join(folder, 'service-')), []);
  jobs = new JobStore(fresh.database);
  dependencies = withJobs(jobs);
});
afterEach(() => service.close());

function withJobs(store: JobStore): ProcessingDependencies {
  return {
    store, logs: new JobLogs(fresh.database), watch: new RunWatch(jobs, 50), objects: service.store, log: silentLog,
    engine: { ...service.engine, catalog }, scratch: join(folder, 'scratch'), syncMaxSamples: 1_000_000, publishing: { catalog, editors: new Set() },
  };
}

/** The job store, but for one method. */
function jobsBut(changes: Partial<Pick<JobStore, 'finish'>>): JobStore {
  return new Proxy(jobs, {
    get(target, name) {
      const value: unknown = name in changes ? changes[name as 'finish'] : Reflect.get(target, name, target);
      return typeof value === 'function' && !(name in changes) ? (value.bind(target) as unknown) : value;
    },
  });
}

async function started(): Promise<{ jobId: string; run: number }> {
  const { id } = await jobs.create('ann', { process });
  const job = await jobs.start(id);
  return { jobId: id, run: job!.run };
}

const items = () => catalog.items({ collection: 'mine', bbox: null, interval: null });

it('a finished job has published', async () => {
  const task = await started();
  await createBatchHandler(dependencies)(task, context());
  expect((await jobs.find(task.jobId))!.status).toBe('finished');
  expect((await items()).map(({ id }) => id)).toEqual([`${task.jobId}_result`]);
  expect((await catalog.collection('mine'))!['lamina:files']).toEqual({ owner: 'ann' });
});

it('so has a synchronous request', async () => {
  const { id } = await jobs.createSync('bob', { process });
  const { files } = await createSyncHandler(dependencies)({ taskId: id, process, userId: 'bob', logLevel: 'info' }, context());
  expect(files.map(({ name }) => name)).toEqual(['result.tif']);
  expect(await items()).toHaveLength(1);
  expect((await catalog.collection('mine'))!['lamina:files']).toEqual({ owner: 'bob' });
});

it('a job that is canceled at the last moment takes it back', async () => {
  const task = await started();
  const finish: JobStore['finish'] = async (...done) => {
    expect(await items()).toHaveLength(1);
    await jobs.cancel(task.jobId);
    return jobs.finish(...done);
  };
  await createBatchHandler(withJobs(jobsBut({ finish })))(task, context());
  expect((await jobs.find(task.jobId))!.status).not.toBe('finished');
  expect(await catalog.collection('mine')).toBeNull();
  expect(await Array.fromAsync(service.store.list('exports/'))).toEqual([]);
});

it('a job whose end can not be noted takes it back, and publishes with the next try', async () => {
  const task = await started();
  const finish: JobStore['finish'] = () => Promise.reject(new Error('the database is away'));
  await expect(createBatchHandler(withJobs(jobsBut({ finish })))(task, context())).rejects.toThrow('away');
  expect(await catalog.collection('mine')).toBeNull();
  await createBatchHandler(dependencies)(task, context(2));
  expect(await items()).toHaveLength(1);
});

it('a worker that was thought dead does not take back what another one has published', async () => {
  const task = await started();
  let isFirst = true;
  const finish: JobStore['finish'] = async (...done) => {
    // Meanwhile the task was given to somebody else, who is done.
    if (isFirst) await createBatchHandler(dependencies)(task, context());
    isFirst = false;
    return jobs.finish(...done);
  };
  await createBatchHandler(withJobs(jobsBut({ finish })))(task, context());
  expect((await jobs.find(task.jobId))!.status).toBe('finished');
  const [item, ...others] = await items();
  expect(others).toEqual([]);
  expect(await service.store.head(item!.assets['data']!.href.slice('object:'.length))).not.toBeNull();
});

it('a job that may not add to the collection fails, and says why', async () => {
  await catalog.putCollection({ ...rawCollection, id: 'mine', 'lamina:files': { owner: 'bob' } });
  const task = await started();
  await createBatchHandler(dependencies)(task, context());
  expect((await jobs.find(task.jobId))!.status).toBe('error');
  const logs = await new JobLogs(fresh.database).list(task.jobId);
  expect(logs.at(-1)).toMatchObject({ level: 'error', code: 'PermissionsInsufficient', path: [{ node_id: 'export' }] });
  expect(await items()).toEqual([]);
});
