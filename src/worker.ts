/** Composition root of a worker: takes tasks of every lane, computes, stores. Run any number of them, anywhere. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Materialisations } from './catalog/materialisations.ts';
import { readConfig, type Config } from './config.ts';
import { acceleratorsOf, editorsOf, openDeployment, runtimeRules, type Deployment } from './deployment.ts';
import { ChangeFeed } from './catalog/changes.ts';
import { LayerStates } from './catalog/layer-states.ts';
import { UploadedFiles } from './catalog/uploaded/uploaded-files.ts';
import { Watches } from './catalog/watches.ts';
import { guardedFetch } from './catalog/remote/guarded-fetch.ts';
import { definitionSource } from './catalog/remote/definitions.ts';
import { Unreadable } from './catalog/remote/download.ts';
import { RemoteStac } from './catalog/remote/remote-stac.ts';
import { RemoteVectors } from './catalog/remote/remote-vectors.ts';
import { RasterCache } from './formats/cog/raster-cache.ts';
import { readBilling } from './jobs/billing-file.ts';
import { Throughput, ThroughputStore } from './jobs/throughput.ts';
import { RunWatch } from './jobs/watch.ts';
import type { Lane, TaskContext, TaskQueues, TaskWorker } from './jobs/queue.ts';
import { EmbedBlocks, type BlockTask } from './layers/embed-blocks.ts';
import { filedBlocks } from './layers/filed-block.ts';
import { ReadingAheadBlocks } from './layers/read-ahead.ts';
import type { Engine } from './layers/scope.ts';
import { createStreamLog, type Log } from './log.ts';
import { UserProcessStore } from './user-processes/store.ts';
import { startSweeping } from './storage/leftovers.ts';
import { LocalCopies } from './storage/local-copies.ts';
import { UserFiles } from './storage/user-files.ts';
import { createUdfRuntimes } from './udf/runtimes.ts';
import { UdfCode } from './catalog/udf-code.ts';
import { Workspaces } from './storage/workspaces.ts';
import { runtimeNamed } from './operators/reference.ts';
import type { OperatorIndex } from './operators/registry/operator-index.ts';
import type { OperatorRuntime } from './operators/operator.ts';
import { refusingWithoutAccelerator, type Accelerators } from './operators/accelerators.ts';
import { createOnnxRuntime } from './operators/runtime/onnx.ts';
import { workingProviders } from './operators/runtime/providers.ts';
import { parseBatchOptions } from './operators/batch-options.ts';
import { acceleratorDevices } from './runtimes/devices.ts';
import { createOperatorRuntime } from './runtimes/operator-runtime.ts';
import { openRuntime, toolEnvironmentOf, type RuntimeSettings } from './runtimes/runtimes.ts';
import { CpuShares, ownSeconds } from './workers/cpu-shares.ts';
import { createEmbedHandler, directComputer } from './workers/embed.ts';
import { BACKFILL_CONCURRENCY, createBackfillHandler, type BackfillTask } from './workers/backfill.ts';
import { Follower } from './workers/follow.ts';
import { createFollowHandler } from './workers/follow-item.ts';
import { createObjectHandler } from './workers/follow-object.ts';
import { JobResults } from './workers/job-results.ts';
import { queuedComputer, type Urgency } from './workers/queued-computer.ts';
import { costsUnder, createBatchHandler, createSyncHandler } from './workers/processing.ts';
import type { TileTask } from './layers/tile-key.ts';
import { createMaterialiseHandler, MATERIALISE } from './workers/materialise/materialise.ts';
import { createServiceTileHandler } from './workers/service-tile.ts';
import { createTileHandler } from './workers/tile.ts';
import { ServiceLogs } from './services/logs.ts';
import { ServiceStore } from './services/store.ts';
import { isServiceTask, type ServiceTask } from './services/task.ts';
import { createPlanHandler, withoutSamples } from './workers/plan-run.ts';
import type { BatchTask, PlanTask, RunPlan, SyncTask } from './jobs/payloads.ts';

export interface RunningWorker {
  /** Gives unfinished tasks back to the queue and ends. */
  close(): Promise<void>;
}

/** Starts the workers of all lanes in this process. */
export async function startWorker(config: Config, databaseUrl: string, log: Log): Promise<RunningWorker> {
  const deployment = await openDeployment(config, databaseUrl, log);
  const { catalog, database, objects, queues, cache, jobs, jobLogs, operators } = deployment;
  const { runtime, programSeconds, accelerators } = await openOperatorRuntime(config, log);
  const rasters = new RasterCache({ store: objects, blockBytes: config.cacheBytes, http: { fetch: catalog.assetFetch } });
  const fetch = guardedFetch({ allowedHosts: config.allowedHosts });
  const fetchFile = guardedFetch({ allowedHosts: config.allowedHosts, refuse: (reason) => new Unreadable(reason) });
  const remote = new RemoteStac({ fetch, rasters: rasters.forUrls({ fetch }) });
  const results = new JobResults(jobs, rasters);
  const definitions = definitionSource(new UserProcessStore(database), fetchFile);
  const userFiles = new UserFiles(objects, { quotaBytes: config.userStorageBytes, fileBytes: config.uploadMaxBytes });
  const workspaces = new Workspaces(userFiles, new Map(config.workspaces.map(({ name, place }) => [name, place])), config.s3);
  const watches = new Watches(database);
  const copies = new LocalCopies(join(config.data, 'scratch'));
  const files = new UploadedFiles({ files: userFiles, rasters, copies });
  const vectors = new RemoteVectors({ fetch: fetchFile });
  const udf = { ...createUdfRuntimes({ milliseconds: config.udfSeconds * 1000, memoryBytes: config.udfMemoryMegabytes * 2 ** 20 }), code: new UdfCode({ fetch: fetchFile, files: userFiles }) };
  const scratch = join(config.data, 'scratch');
  const billing = await readBilling(config.billingFile);
  const measuring = { cpu: new CpuShares(() => ownSeconds() + programSeconds()), throughput: new Throughput(new ThroughputStore(database)) };
  await mkdir(scratch, { recursive: true });
  const stopSweeping = startSweeping({ scratch, ...(config.s3 ? {} : { objects: join(config.data, 'objects') }) }, log);

  // Nobody waits for the blocks of a tile or a request longer than this; those of jobs are always wanted.
  const lifetimes: Partial<Record<Urgency, number>> = { tile: config.tileDeadlineSeconds * 1000, sync: config.syncTimeoutSeconds * 1000 };
  const fromFile = filedBlocks(rasters);
  const engineFor = (urgency: Urgency) => {
    const lifetimeMs = lifetimes[urgency];
    // Jobs read whole cubes, in order; the others what somebody looks at.
    const Blocks = lifetimeMs === undefined ? ReadingAheadBlocks : EmbedBlocks;
    const blocks = new Blocks({ store: objects, compute: queuedComputer(queues, objects, urgency, lifetimeMs === undefined ? {} : { lifetimeMs }), memoryBytes: config.cacheBytes / 8, catalog: cache, fromFile, log });
    return engineOf(deployment, { rasters, remote, results, definitions, files, vectors, udf }, blocks);
  };
  // Blocks of blocks are computed on the spot: a lane that waited for itself could stand still for ever.
  const innerEngine = engineOf(deployment, { rasters, remote, results, files, vectors, udf }, new EmbedBlocks({ store: objects, compute: directComputer(objects, runtime, cache), memoryBytes: config.cacheBytes / 8, catalog: cache, fromFile, log }));
  const embed = createEmbedHandler({ engine: innerEngine, store: objects, runtime, accelerators, log, catalog: cache, ...measuring });
  const tiles = engineFor('tile');
  const tile = createTileHandler(tiles, objects, cache);
  const serviceTile = createServiceTileHandler({ engine: tiles, objects, services: new ServiceStore(database), logs: new ServiceLogs(database), maxSamples: config.syncMaxPixels, catalog: cache });
  const processing = { store: jobs, logs: jobLogs, watch: new RunWatch(jobs), billing, costs: costsUnder(billing), ...measuring, objects, log, scratch, syncMaxSamples: config.syncMaxPixels, runtimeRules: runtimeRules(config), publishing: { catalog, editors: editorsOf(config), workspaces, exclusively: watches.exclusively.bind(watches) } };

  // Looks at files and takes no sample out of them.
  const opened = withoutSamples(rasters);
  const plan = createPlanHandler({
    catalog: cache,
    engine: engineOf(deployment, {
      rasters: opened, remote: new RemoteStac({ fetch, rasters: withoutSamples(rasters.forUrls({ fetch })) }), results: new JobResults(jobs, opened),
      definitions, files: new UploadedFiles({ files: userFiles, rasters: opened, copies }), vectors, udf,
    }, { read: async () => {} }),
  });

  const states = new LayerStates(database);
  const backfill = engineFor('backfill');
  const lanes = withFreshOperators(queues, operators);
  const computeBlock = async (task: BlockTask, context: TaskContext) => {
    if (task.operator !== null) await operators.learn(task.operator);
    return embed(task, context.signal, context.attempt);
  };
  const workers = await startLanes(lanes, config, {
    embed: computeBlock,
    accelerated: accelerators.threads || accelerators.programs ? computeBlock : null,
    tile: async (task, { signal }) => (isServiceTask(task) ? serviceTile(task, signal) : tile(task, signal)),
    sync: createSyncHandler({ ...processing, engine: engineFor('sync'), runtime, accelerators }),
    batch: createBatchHandler({ ...processing, engine: engineFor('batch') }),
    plan: (task, context) => plan(task, context.signal),
    backfill: createBackfillHandler({
      object: createObjectHandler({ store: catalog, watches, rasters, objects, log }),
      follow: createFollowHandler({ engine: backfill, catalog, states, log }),
      [MATERIALISE]: createMaterialiseHandler({ engine: backfill, catalog, blocks: cache, store: new Materialisations(database), objects, scratch, log }),
    }),
  });
  await deployment.fleet.announce({ ...accelerators });
  const follower = new Follower({ feed: new ChangeFeed(database), states, catalog, queues, log });
  follower.start();
  return {
    async close() {
      stopSweeping();
      await follower.close();
      await Promise.all(workers.map((worker) => worker.close(2000)));
      await measuring.throughput.close();
      await runtime.close();
      await rasters.close();
      await copies.close();
      await deployment.close();
    },
  };
}

type Handler<Task, Result = unknown> = (task: Task, context: TaskContext) => Promise<Result>;

/** What is done with the tasks of each lane. */
interface Handlers {
  readonly embed: Handler<BlockTask>;
  /** null: this process has no accelerator, and leaves the lane to those that have one. */
  readonly accelerated: Handler<BlockTask> | null;
  readonly tile: Handler<TileTask | ServiceTask>;
  readonly sync: Handler<SyncTask>;
  readonly batch: Handler<BatchTask>;
  readonly plan: Handler<PlanTask, RunPlan>;
  readonly backfill: Handler<BackfillTask>;
}

async function startLanes(lanes: Pick<TaskQueues, 'work'>, config: Config, handlers: Handlers): Promise<TaskWorker[]> {
  const { embedThreads, workerConcurrency } = config;
  return [
    await lanes.work('embed', embedThreads * 2, handlers.embed),
    ...(handlers.accelerated ? [await lanes.work('accelerated', embedThreads * 2, handlers.accelerated)] : []),
    await lanes.work('tile', workerConcurrency * 2, handlers.tile),
    await lanes.work('sync', workerConcurrency, handlers.sync),
    await lanes.work('batch', workerConcurrency, handlers.batch),
    await lanes.work('plan', workerConcurrency, handlers.plan),
    await lanes.work('backfill', BACKFILL_CONCURRENCY, handlers.backfill),
  ];
}

interface OperatorRunning {
  readonly runtime: OperatorRuntime;
  /** Processor time of programs, which is counted beside that of this process. */
  readonly programSeconds: () => number;
  readonly accelerators: Accelerators;
}

/** What runs operators: threads of this process, and programs; with the accelerators that really work here. */
async function openOperatorRuntime(config: Config, log: Log): Promise<OperatorRunning> {
  const providers = await workingProviders(config.executionProviders, log);
  const accelerators: Accelerators = { threads: providers.some((name) => name !== 'cpu'), programs: acceleratorDevices().length > 0 };
  const onnx = createOnnxRuntime({ threads: config.embedThreads, providers, log, ...(config.embedBatch === null ? {} : { maxBatch: config.embedBatch }) });
  const programs = runtimeSettings(config);
  let used = 0;
  const runtime = createOperatorRuntime({
    onnx, log, concurrency: config.embedThreads, allowed: config.runtimes.map((name) => runtimeNamed(name)!), runtimes: (name) => openRuntime(name, programs),
    onRun: (operator, { output, usage }) => {
      used += usage.cpuSeconds ?? 0;
      log.debug('Ran an operator', { data: { operator: operator.reference, usage, output: output.slice(-2000) } });
    },
  });
  return { runtime: refusingWithoutAccelerator(runtime, accelerators), programSeconds: () => used, accelerators };
}

function runtimeSettings(config: Config): RuntimeSettings {
  return {
    scratch: join(config.data, 'scratch'),
    limits: { seconds: config.operatorSeconds, memoryBytes: config.operatorMemoryMegabytes * 2 ** 20 },
    batch: parseBatchOptions(config.batchOptions),
    toolEnvironment: toolEnvironmentOf(process.env),
  };
}

/** Tasks may speak of operators that were published a moment ago. Those that compute blocks name theirs. */
function withFreshOperators(queues: TaskQueues, operators: OperatorIndex): Pick<TaskQueues, 'work'> {
  return {
    work: <P, R>(lane: Lane, concurrency: number, handler: (payload: P, context: TaskContext) => Promise<R>) => queues.work<P, R>(lane, concurrency, async (payload, context) => {
      if (lane !== 'embed' && lane !== 'accelerated') await operators.beFresh();
      return handler(payload, context);
    }),
  };
}

function engineOf({ catalog, registry, operators, fleet }: Deployment, readers: Pick<Engine, 'rasters' | 'remote' | 'results' | 'definitions' | 'files' | 'vectors' | 'udf'>, blocks: Engine['blocks']): Engine {
  return { catalog, registry, operators, accelerators: () => acceleratorsOf(fleet), ...readers, blocks };
}

/** A queue that does not answer keeps no worker from ending: its tasks go to others when their locks run out. */
const END_WITHIN_MS = 10_000;

/** Runs a worker until the process is told to end. Used by `lamina worker` and, with a parent, by `lamina serve`. */
export async function runWorker(environment: NodeJS.ProcessEnv): Promise<void> {
  const config = readConfig(environment);
  const log = createStreamLog(process.stdout, config.logLevel);
  if (!config.databaseUrl) throw new Error('A worker of its own needs LAMINA_DATABASE_URL: `lamina serve` starts its worker itself.');
  const worker = await startWorker(config, config.databaseUrl, log);
  let closing: Promise<void> | undefined;
  const close = () => {
    setTimeout(() => process.exit(1), END_WITHIN_MS).unref();
    closing ??= worker.close().then(() => process.exit(0), () => process.exit(1));
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  // A parent that dies without a word takes its worker along.
  process.on('disconnect', close);
  log.info('The worker is ready.');
  process.send?.('ready');
}

if (import.meta.main) await runWorker(process.env);
