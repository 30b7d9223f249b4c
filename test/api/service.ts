/** A running API for tests: a real database, job store and object store; the catalog and the queue are small stand-ins. */
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from '../../src/api/app.ts';
import { Sessions } from '../../src/api/auth/sessions.ts';
import { configuredUsers } from '../../src/api/auth/users.ts';
import { visitorOf } from '../../src/api/auth/authenticate.ts';
import type { ApiDependencies, ServiceParts } from '../../src/api/dependencies.ts';
import { Admission } from '../../src/api/tiles/serve-tile.ts';
import { servicesPath } from '../../src/api/tiles/service-links.ts';
import { createServiceRouter } from '../../src/api/tiles/services.ts';
import { deleteObjects } from '../../src/jobs/files.ts';
import { createHttpServer } from '../../src/api/http/server.ts';
import type { StacCollection, StacItem } from '../../src/catalog/types.ts';
import { openDatabase } from '../../src/database/connection.ts';
import type { Database } from '../../src/database/connection.ts';
import { migrate } from '../../src/database/migrations.ts';
import { OpenEOError } from '../../src/errors.ts';
import type { Process, ProcessRegistry } from '../../src/graph/process.ts';
import type { ProcessDescription } from '../../src/graph/wire.ts';
import type { RunPlan } from '../../src/jobs/payloads.ts';
import { JobLogs } from '../../src/jobs/logs.ts';
import type { Lane, Task, TaskContext, TaskQueues } from '../../src/jobs/queue.ts';
import { runJob } from '../../src/jobs/run.ts';
import type { RunContext } from '../../src/jobs/run.ts';
import type { JobResult } from '../../src/jobs/results.ts';
import { Jobs } from '../../src/jobs/service.ts';
import { JobStore } from '../../src/jobs/store.ts';
import { RunWatch } from '../../src/jobs/watch.ts';
import { createLog } from '../../src/log.ts';
import type { LogEntry } from '../../src/log.ts';
import { ServiceLogs } from '../../src/services/logs.ts';
import { ServiceStore } from '../../src/services/store.ts';
import { serviceTilesPrefix, type MapFacts } from '../../src/services/task.ts';
import { ServiceMaps } from '../../src/api/tiles/service-maps.ts';
import { definitionSource } from '../../src/catalog/remote/definitions.ts';
import { UserProcessStore } from '../../src/user-processes/store.ts';
import { createLocalStore } from '../../src/storage/local.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { UserFiles } from '../../src/storage/user-files.ts';
import { startPostgres } from '../jobs/servers.ts';
import { Recorder } from './recorder/recorder.ts';

export const collection: StacCollection = {
  type: 'Collection', stac_version: '1.1.0', stac_extensions: ['https://stac-extensions.github.io/datacube/v2.3.0/schema.json'],
  id: 'S2/L2A', title: 'Scenes', description: 'Some scenes.', license: 'other',
  extent: { spatial: { bbox: [[4, 50, 5, 51]] }, temporal: { interval: [['2021-01-01T00:00:00Z', '2021-12-31T00:00:00Z']] } },
  summaries: { 'eo:bands': [{ name: 'B04' }] },
  'cube:dimensions': { x: { type: 'spatial', axis: 'x', extent: [4, 5] }, bands: { type: 'bands', values: ['B04'] } },
  links: [{ rel: 'license', href: 'https://example.org/licence' }, { rel: 'self', href: 'file:///data/collection.json' }, { rel: 'xyz', href: '/tiles/S2/{z}/{x}/{y}.png' }],
};

/** Runs tasks at once, in this process; knows what each lane was told to do. */
class ImmediateQueues implements TaskQueues {
  readonly #handlers = new Map<Lane, (payload: never, context: TaskContext) => Promise<unknown>>();
  readonly #tasks = new Map<string, { ended: Promise<unknown>; stop: AbortController }>();

  async add<P>(lane: Lane, { id, payload }: Task<P>): Promise<void> {
    const handler = this.#handlers.get(lane);
    if (handler === undefined || this.#tasks.has(lane + id)) return;
    const stop = new AbortController();
    const ended = handler(payload as never, { taskId: id, signal: stop.signal, attempt: 9 });
    ended.catch(() => {});
    this.#tasks.set(lane + id, { ended, stop });
  }

  async result<R>(lane: Lane, taskId: string, signal: AbortSignal): Promise<R> {
    const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    return Promise.race([this.#tasks.get(lane + taskId)?.ended ?? new Promise<never>(() => {}), aborted]) as Promise<R>;
  }

  async remove(lane: Lane, taskId: string): Promise<void> {
    this.#tasks.delete(lane + taskId);
  }

  async work<P, R>(lane: Lane, _concurrency: number, handler: (payload: P, context: TaskContext) => Promise<R>) {
    this.#handlers.set(lane, handler);
    return { close: async () => void this.#handlers.delete(lane) };
  }

  async depth() {
    return { waiting: 0, active: this.#tasks.size };
  }

  async close() {
    for (const { stop } of this.#tasks.values()) stop.abort();
    await Promise.allSettled([...this.#tasks.values()].map(({ ended }) => ended));
  }
}

export interface TestService {
  readonly url: string;
  readonly database: Database;
  readonly jobs: Jobs;
  readonly objects: ObjectStore;
  readonly queues: TaskQueues;
  readonly services: ServiceParts;
  readonly userProcesses: UserProcessStore;
  readonly items: Map<string, StacItem>;
  readonly logged: LogEntry[];
  readonly folder: string;
  /** Compares every answer with openEO's OpenAPI documents; `close` throws what is wrong. */
  readonly recorder: Recorder;
  /** What workers do from now on; null: nothing takes tasks. */
  work(what: ((context: RunContext) => Promise<JobResult>) | null): void;
  /** An Authorization header for ann, or for bob. */
  token(user?: 'ann' | 'bob'): Promise<Record<string, string>>;
  close(): Promise<void>;
}

async function describe(id: string): Promise<[string, Process]> {
  const description = JSON.parse(await readFile(`processes/${id}.json`, 'utf8')) as ProcessDescription;
  const run = () => {
    throw new Error('The API runs no process.');
  };
  return [id, { description, run }];
}

const passwords = { ann: 'secret', bob: 'other' };

export async function startService(changes: Partial<ApiDependencies> = {}): Promise<TestService> {
  const postgres = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'lamina-api-'));
  const database = openDatabase(postgres.url);
  await migrate(database);
  const logged: LogEntry[] = [];
  const log = createLog((entry) => logged.push(entry), 'debug');
  const [queues, objects, store, logs] = [new ImmediateQueues(), createLocalStore(join(folder, 'objects')), new JobStore(database), new JobLogs(database)];
  const jobs = new Jobs({ store, logs, queues, objects, log });
  const items = new Map<string, StacItem>();
  const userProcesses = new UserProcessStore(database);
  const definitions = definitionSource(userProcesses, () => Promise.reject(new Error('The tests have no network.')));
  const registry: ProcessRegistry = new Map(await Promise.all(['add', 'load_collection', 'save_result', 'absolute'].map(describe)));
  const services: ServiceParts = {
    store: new ServiceStore(database), logs: new ServiceLogs(database), limit: 1000, forgetTiles: (id) => deleteObjects(objects, serviceTilesPrefix(id)),
    maps: new ServiceMaps({ services: new ServiceStore(database), maps: { find: async () => null }, queues, registry: changes.registry ?? registry, definitions, trialMs: 2000, believedMs: 0 }),
  };
  const app = createApp({
    userProcesses,
    definitions,
    services,
    catalog: {
      collections: async () => [collection],
      collection: async (id) => (id === collection.id ? collection : null),
      item: async (_, id) => items.get(id) ?? null,
    },
    registry,
    jobs, objects, userFiles: new UserFiles(objects, { quotaBytes: 100_000, fileBytes: 60_000 }),
    formats: { input: {}, output: { GTiff: { title: 'GeoTIFF', description: 'One file per date.', gis_data_types: ['raster'], parameters: {} } } },
    users: configuredUsers(Object.entries(passwords).map(([name, password]) => ({ name, password }))),
    sessions: new Sessions(database),
    secret: 'a secret of at least thirty-two characters', publicUrl: null, tokenHours: 1, linkHours: 1, syncTimeoutSeconds: 30, version: '0.1.0', log,
    mounts: [
      { path: '/broken', handler: () => () => {
        throw new Error('secret of the house');
      } },
      { path: servicesPath, handler: (shared) => createServiceRouter({ queues, objects, log, ...(changes.billing && { billing: changes.billing }), admission: new Admission(), maps: services.maps, logs: services.logs, deadlineMs: 2000, publicUrl: shared.baseUrl, visitor: (request) => visitorOf(request, shared.authentication) }) },
    ],
    ...changes,
  });
  const recorder = new Recorder();
  const server = createHttpServer(recorder.listener(app)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  let doing: ((context: RunContext) => Promise<JobResult>) | null = null;
  const dependencies = { store, logs, watch: new RunWatch(store, 50), objects, log };
  const run = (task: { jobId: string; run: number }, context: TaskContext) => {
    const what = doing;
    if (what === null) return new Promise<never>((_, reject) => context.signal.addEventListener('abort', () => reject(new Error('The test ends.'))));
    return runJob(dependencies, task, context, async (runContext) => ({ result: await what(runContext) }));
  };
  await queues.work('batch', 1, run);
  await queues.work('sync', 1, async (task: { taskId: string }, context) => {
    const result = await run({ jobId: task.taskId, run: 1 }, context);
    if (result === null) throw new OpenEOError('RequestTimeout', {});
    return { files: result.files, facts: { blocks_cached: 3, blocks_computed: 1 } };
  });
  await queues.work('plan', 1, async (): Promise<RunPlan> => ({ samplesRead: 0, blocks: [], saved: [{ format: 'GTiff', dtype: 'float32', samples: 1000, bytes: 4000 }], share: 1 }));
  await queues.work('tile', 1, async (): Promise<MapFacts> => ({ bounds: [4, 50, 5, 51], days: [], bands: [] }));

  return {
    url, database, jobs, objects, items, logged, folder, recorder, queues, services, userProcesses,
    work: (what) => void (doing = what),
    async token(user = 'ann') {
      const answer = await fetch(`${url}/openeo/1.3/credentials/basic`, { headers: { Authorization: `Basic ${btoa(`${user}:${passwords[user]}`)}` } });
      return { Authorization: `Bearer ${(await answer.json() as { access_token: string }).access_token}` };
    },
    async close() {
      await queues.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
      recorder.finish();
    },
  };
}

export const emptyResult: JobResult = { files: [], properties: {}, bbox: null, geometry: null, links: [], stacExtensions: [] };

/** Work that writes files of the given names and contents. */
export function writing(objects: ObjectStore, files: Readonly<Record<string, string>>, mediaType = 'application/json') {
  return async ({ folder }: RunContext): Promise<JobResult> => ({
    ...emptyResult,
    bbox: [4, 50, 5, 51],
    properties: { datetime: null, start_datetime: '2021-01-01T00:00:00Z', end_datetime: '2021-02-01T00:00:00Z' },
    links: [{ rel: 'derived_from', href: 'item:S2/L2A/scene 1', type: 'application/geo+json' }],
    files: await Promise.all(Object.entries(files).map(async ([name, content]) => {
      const info = await objects.put(folder + name, Buffer.from(content));
      return { objectKey: info!.key, name, mediaType, roles: ['data'], sizeBytes: info!.sizeBytes, metadata: { 'proj:code': 'EPSG:32631' } };
    })),
  });
}
