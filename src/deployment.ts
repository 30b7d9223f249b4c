/** The parts that every process of a deployment opens: database, object store, queues, catalog, operators. */
import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';
import { BlockCatalogStore } from './catalog/block-catalog.ts';
import { Unreadable } from './catalog/remote/download.ts';
import { guardedFetch } from './catalog/remote/guarded-fetch.ts';
import { openDatabase, type Database } from './database/connection.ts';
import { migrate } from './database/migrations.ts';
import { FederatedCatalog } from './federation/federated-catalog.ts';
import { readSecrets } from './federation/secrets.ts';
import type { ProcessRegistry } from './graph/process.ts';
import { WorkerFleet } from './jobs/fleet.ts';
import { JobLogs } from './jobs/logs.ts';
import type { QueueConnection } from './jobs/backend.ts';
import { openTaskQueues } from './jobs/bullmq-queues.ts';
import type { TaskQueues } from './jobs/queue.ts';
import { JobStore } from './jobs/store.ts';
import type { Log } from './log.ts';
import { openOperators } from './open-operators.ts';
import { checkAccelerator, type Accelerators } from './operators/accelerators.ts';
import { checkRuntime } from './operators/called-operator.ts';
import { parseBatchRules } from './operators/batch-options.ts';
import type { RuntimeRules } from './operators/runtime-choice.ts';
import { runtimeNamed } from './operators/reference.ts';
import type { OperatorIndex } from './operators/registry/operator-index.ts';
import { withOperators, type KnownOperators } from './processes/cubes/known-operators.ts';
import { allProcesses, createRegistry, loadDescriptions } from './processes/index.ts';
import type { ObjectStore } from './storage/object-store.ts';
import { openObjectStore } from './storage/open.ts';

export interface Deployment {
  readonly config: Config;
  readonly log: Log;
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly queues: TaskQueues;
  readonly catalog: FederatedCatalog;
  /** The list of what the cache holds. */
  readonly cache: BlockCatalogStore;
  readonly jobs: JobStore;
  readonly jobLogs: JobLogs;
  readonly operators: OperatorIndex;
  readonly registry: ProcessRegistry;
  /** What the workers have. */
  readonly fleet: WorkerFleet;
  close(): Promise<void>;
}

/** A folder of the installed package, wherever the process was started. */
export function packageFolder(name: string): string {
  return fileURLToPath(new URL(`../${name}/`, import.meta.url));
}

/** Opens everything; what was opened is closed again when a later part fails. */
export async function openDeployment(config: Config, databaseUrl: string, log: Log): Promise<Deployment> {
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const database = openDatabase(databaseUrl, { log });
    closers.push(() => database.close());
    await migrate(database);
    const objects = await openObjectStore({ directory: `${config.data}/objects`, s3: config.s3 });
    const queues = await openTaskQueues({ connection: queueConnection(config, databaseUrl, log), log });
    closers.push(() => queues.close());
    const cache = new BlockCatalogStore(database, { log });
    closers.push(() => cache.close());
    const operators = await openOperators(config, { installed: packageFolder('operators'), store: async () => objects, log });
    closers.push(async () => operators.close());
    await operators.keepFresh();
    const fleet = new WorkerFleet(database, log);
    closers.push(() => fleet.close());
    await fleet.watch();
    const registry = withOperators(createRegistry(await loadDescriptions(new URL('../processes/', import.meta.url)), allProcesses), allowedOperators(config, operators, fleet));
    const catalog = await openCatalog(config, database, log);
    const jobs = new JobStore(database);
    const jobLogs = new JobLogs(database);
    return { config, log, database, objects, queues, cache, operators, registry, fleet, jobs, jobLogs, catalog, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Collections and items, also those that lie in other catalogs. */
export async function openCatalog(config: Config, database: Database, log: Log): Promise<FederatedCatalog> {
  const fetch = guardedFetch({ allowedHosts: config.allowedHosts, refuse: (reason) => new Unreadable(reason) });
  return new FederatedCatalog(database, { fetch, secrets: await readSecrets(config.upstreamSecrets), log });
}

/** What graphs may name: a call of an operator in a runtime that this service does not allow, or that no worker has the accelerator for, is refused before anything is queued. */
function allowedOperators(config: Config, operators: OperatorIndex, fleet: WorkerFleet): KnownOperators {
  const allowed = config.runtimes.map((name) => runtimeNamed(name)!);
  return {
    list: () => operators.list(),
    resolve: (reference, options) => {
      const operator = operators.resolve(reference, options);
      checkRuntime(operator, allowed);
      checkAccelerator(operator, acceleratorsOf(fleet));
    },
  };
}

/** How jobs may have their operators run. Throws an Error that names the setting. */
export function runtimeRules({ runtimes, batchAllowed }: Pick<Config, 'runtimes' | 'batchAllowed'>): RuntimeRules {
  try {
    return { runtimes: runtimes.map((name) => runtimeNamed(name)!), batch: parseBatchRules(batchAllowed) };
  } catch (error) {
    throw new Error(`LAMINA_BATCH_ALLOWED: ${(error as Error).message}`, { cause: error });
  }
}

/** null while no worker has said what it has. */
export function acceleratorsOf({ equipment }: WorkerFleet): Accelerators | null {
  return equipment && { threads: equipment['threads'] === true, programs: equipment['programs'] === true };
}

/** Who may write items of raw collections: who made the service for himself may; with configured users somebody must be named. */
export function editorsOf(config: Config): ReadonlySet<string> {
  return new Set(config.editors ?? (config.basicUsers === null ? ['dev'] : []));
}

/** Connections of the queues: each lane listens on one for its worker and one for its waiters. */
const QUEUE_CONNECTIONS = 18;

function queueConnection(config: Config, databaseUrl: string, log: Log): QueueConnection {
  if (config.redisUrl !== null) return { redisUrl: config.redisUrl };
  return { database: openDatabase(databaseUrl, { searchPath: 'bullmq', maxConnections: QUEUE_CONNECTIONS, applicationName: 'lamina-queues', log }) };
}
