/** Keeps the cache within its limits: that of the store, and those that layers have of their own. */
import { alone, evict, forgetIdle, storedBytes, type Evicted, type PinnedAreas } from '../catalog/evictable.ts';
import type { StacCollection } from '../catalog/types.ts';
import type { Log } from '../log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { definitionOf, type CachePolicy } from './layer.ts';

/** Policies of the layers that have one. */
export type LayerPolicies = ReadonlyMap<string, CachePolicy>;

export interface EvictionSettings {
  readonly database: Parameters<typeof evict>[0];
  readonly objects: ObjectStore;
  readonly policies: () => Promise<LayerPolicies>;
  /** Room for everything that is cached; 0: no limit. */
  readonly maxBytes: number;
  readonly log: Log;
}

/** Any number that nothing else locks. */
const EVICTION_LOCK = 4_711_043;
const EVERY_MS = 60_000;
/** Empty and failed blocks that nobody asks for are forgotten after so many days. */
const IDLE_DAYS = 30;
/** What is over a limit goes together with a little more, so that the next block is not over it again. */
const SLACK = 0.95;

/** The policies that published layers have. */
export async function layerPolicies(catalog: { collections(): Promise<readonly StacCollection[]> }): Promise<LayerPolicies> {
  const policies = (await catalog.collections()).map((collection) => [collection.id, definitionOf(collection)?.cache] as const);
  return new Map(policies.filter((entry): entry is [string, CachePolicy] => entry[1] !== undefined));
}

/** The areas of all policies that are never evicted. */
export function pinnedAreas(policies: LayerPolicies): PinnedAreas {
  return [...policies].flatMap(([layer, { pinned }]) => (pinned ?? []).map((area) => ({ layer, area })));
}

/** One round of eviction: what layers limit themselves, then the limit of the store. Never touches pinned areas. */
export async function evictOnce({ database, objects, policies, maxBytes, log }: EvictionSettings, signal?: AbortSignal): Promise<Evicted> {
  const known = await policies();
  const pinned = pinnedAreas(known);
  const total = { objects: 0, bytes: 0 };
  const add = ({ objects: count, bytes }: Evicted) => {
    total.objects += count;
    total.bytes += bytes;
  };
  for (const [layer, { max_bytes: limit, max_age_days: unusedDays }] of known) {
    if (unusedDays !== undefined) add(await evict(database, objects, { layer, unusedDays }, pinned, signal));
    const bytes = limit === undefined ? 0 : excess(await storedBytes(database, layer), limit);
    if (bytes > 0) add(await evict(database, objects, { layer, bytes }, pinned, signal));
  }
  const bytes = maxBytes === 0 ? 0 : excess(await storedBytes(database), maxBytes);
  if (bytes > 0) add(await evict(database, objects, { bytes }, pinned, signal));
  await forgetIdle(database, IDLE_DAYS);
  if (total.objects > 0) log.info(`Evicted ${total.objects} cached objects`, { data: { ...total } });
  return total;
}

function excess(stored: number, limit: number): number {
  return stored > limit ? stored - Math.floor(limit * SLACK) : 0;
}

/** Evicts every minute, in one process of the deployment at a time. The function that it gives ends that. */
export function startEvicting(settings: EvictionSettings, everyMs = EVERY_MS): () => Promise<void> {
  const stop = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  const round = async () => {
    try {
      await alone(settings.database, EVICTION_LOCK, async () => void (await evictOnce(settings, stop.signal)));
    } catch (error) {
      if (!stop.signal.aborted) settings.log.warning(`Eviction failed and is tried again: ${(error as Error).message}`);
    }
  };
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    running = round().finally(() => (isBusy = false));
  }, everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    stop.abort(new Error('The process ends.'));
    await running;
  };
}
