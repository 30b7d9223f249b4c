/** Lane 'tile', for services: draws a tile of a published process, or looks at a process before it is published. */
import { boxInDegrees } from '../geo/bbox.ts';
import { OpenEOError } from '../errors.ts';
import type { TileResult } from '../jobs/payloads.ts';
import { noCatalog, type BlockCatalog } from '../layers/block-catalog.ts';
import { openOverviews } from '../layers/overview.ts';
import type { Engine, RunFacts } from '../layers/scope.ts';
import { createLog, silentLog, type LogEntry } from '../log.ts';
import { readConfiguration } from '../services/configuration.ts';
import { describeMap, drawTile, gridOfTile } from '../services/draw.ts';
import type { ServiceLogs } from '../services/logs.ts';
import { logLevelOf, type Service } from '../services/service.ts';
import type { ServiceStore } from '../services/store.ts';
import { serviceTileKey, type MapFacts, type ServiceTask, type ServiceTile } from '../services/task.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface ServiceTileDependencies {
  readonly engine: Engine;
  readonly objects: ObjectStore;
  readonly services: ServiceStore;
  readonly logs: ServiceLogs;
  /** Source samples that one tile may read. */
  readonly maxSamples: number;
  readonly catalog?: BlockCatalog;
}

export function createServiceTileHandler(dependencies: ServiceTileDependencies): (task: ServiceTask, signal: AbortSignal) => Promise<TileResult | MapFacts> {
  const overviews = openOverviews(dependencies.objects, dependencies.catalog ?? noCatalog);
  return async (task, signal) => {
    const { engine, maxSamples } = dependencies;
    if ('tile' in task) return keepTile(dependencies, task.tile, overviews, signal);
    const { owner, definition, isSampled } = task.trial;
    return describeMap(engine, { owner, name: 'map', definition }, { signal, log: silentLog, maxSamples }, isSampled);
  };
}

/** Draws a tile and keeps it. What the process logs goes to the log of the service. */
async function keepTile(dependencies: ServiceTileDependencies, tile: ServiceTile, overviews: ReturnType<typeof openOverviews>, signal: AbortSignal): Promise<TileResult> {
  const { engine, objects, services, logs, maxSamples, catalog = noCatalog } = dependencies;
  const service = await currentService(services, tile);
  const { definition, userId: owner, range } = service;
  const started = performance.now();
  const entries: LogEntry[] = [];
  const runs: RunFacts[] = [];
  const log = createLog((entry) => entries.push(entry), logLevelOf(service));
  try {
    const drawn = await drawTile(engine, { owner, name: `service:${service.id}`, definition, range }, tile, { signal, log, maxSamples, onRun: (facts) => runs.push(facts) }, overviews);
    log.debug(`Tile ${tile.z}/${tile.x}/${tile.y}: ${drawn ? `${drawn.bytes.length} bytes` : 'nothing to see'}, drawn in ${secondsSince(started).toFixed(2)} s`);
    if (!drawn) return { objectKey: null, mediaType: 'image/png' };
    const objectKey = serviceTileKey(tile);
    await objects.put(objectKey, drawn.bytes, { contentType: drawn.mediaType });
    catalog.note({ objectKey, kind: 'tile', state: 'stored', layer: `service:${service.id}`, bytes: drawn.bytes.length, footprint: boxInDegrees(gridOfTile(tile, readConfiguration(definition.configuration).tileSize)) });
    return { objectKey, mediaType: drawn.mediaType };
  } finally {
    // A tile that failed was work too.
    await services.use(service.id, { tiles: 1, seconds: secondsSince(started), samples: sumOf(runs, 'samplesRead'), blocks: sumOf(runs, 'computed') });
    await tellOnce(logs, service, entries);
  }
}

const secondsSince = (started: number) => (performance.now() - started) / 1000;
const sumOf = (runs: readonly RunFacts[], fact: 'samplesRead' | 'computed') => runs.reduce((sum, facts) => sum + facts[fact], 0);

/** Throws ServiceNotFound for a service that has been changed or deleted while the task waited. */
async function currentService(services: ServiceStore, tile: ServiceTile): Promise<Service> {
  const service = await services.find(tile.service);
  if (service?.revision !== tile.revision) throw new OpenEOError('ServiceNotFound', { identifier: tile.service });
  return service;
}

/** Each tile says much the same. What is loaded is news to nobody, unless he looks for a fault; `inspect` gives its entries a code. */
async function tellOnce(logs: ServiceLogs, service: Service, entries: readonly LogEntry[]): Promise<void> {
  const wanted = entries.filter(({ level, code }) => level !== 'info' || code !== undefined || logLevelOf(service) === 'debug');
  for (const entry of wanted) await logs.appendOnce(service, `${entry.level} ${entry.message}`, entry);
}
