/**
 * Follows the source: turns what happened to items into tasks that compute eager layers. Every worker has
 * a follower and only one of them works at a time. It keeps nothing in memory: what is handled is ticked off
 * in the database, so a follower that dies loses nothing, and what it did twice adds the same tasks twice.
 */
import { createHash } from 'node:crypto';
import type { ChangeFeed, ItemChange } from '../catalog/changes.ts';
import type { LayerStates } from '../catalog/layer-states.ts';
import type { StacCollection } from '../catalog/types.ts';
import type { TaskQueues } from '../jobs/queue.ts';
import { definitionOf } from '../layers/layer.ts';
import type { Log } from '../log.ts';
import type { BackfillTask } from './backfill.ts';
import { FOLLOW, type FollowTask } from './follow-item.ts';

export interface FollowerDependencies {
  readonly feed: ChangeFeed;
  readonly states: LayerStates;
  readonly catalog: { collections(): Promise<readonly StacCollection[]> };
  readonly queues: TaskQueues;
  readonly log: Log;
}

export interface FollowerOptions {
  /** How often the feed is looked at; default 1 s. */
  readonly pollMs?: number;
  /** A task without a sign of life for so long is begun anew; default 10 minutes. */
  readonly staleSeconds?: number;
}

/** Changes handled in one transaction. */
const BATCH = 200;
/** The queue is not filled beyond this: what is left waits in the feed, where it costs nothing. */
const MAX_WAITING = 1000;
/** Items of the first source that one changed item of another source may concern. */
const MAX_NEIGHBOURS = 1000;
const MAX_RESTARTS = 3;
const KEPT_DAYS = 7;
/** Looks at the feed between two rounds of tidying up. */
const TIDY_EVERY = 60;

/** A layer that is computed ahead. */
interface EagerLayer {
  readonly id: string;
  /** The raw collection that its items come from. */
  readonly root: string;
  /** Raw collections that its pixels depend on besides. */
  readonly others: ReadonlySet<string>;
}

export class Follower {
  readonly #parts: FollowerDependencies;
  readonly #pollMs: number;
  readonly #staleSeconds: number;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #looks = 0;
  #closed = false;

  constructor(parts: FollowerDependencies, { pollMs = 1000, staleSeconds = 600 }: FollowerOptions = {}) {
    this.#parts = parts;
    this.#pollMs = pollMs;
    this.#staleSeconds = staleSeconds;
  }

  /** Looks at the feed again and again until it is closed. */
  start(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#round = this.#look().finally(() => this.start());
    }, this.#pollMs);
    this.#timer.unref();
  }

  /** Waits for a look that is under way and looks no more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#round;
  }

  /** Handles what is in the feed now, as far as the queue has room, and gives how many changes that were. */
  async follow(): Promise<number> {
    const { feed, queues } = this.#parts;
    let handled = 0;
    while ((await queues.depth('backfill')).waiting < MAX_WAITING) {
      const count = await feed.take(BATCH, (changes) => this.#handle(changes));
      handled += count ?? 0;
      if (count === null || count < BATCH) break;
    }
    return handled;
  }

  /** Begins lost tasks anew and prunes the feed. */
  async tidy(): Promise<void> {
    const { feed, states, queues, log } = this.#parts;
    await feed.prune(KEPT_DAYS);
    // Where tasks wait, silence is no sign of loss.
    if ((await queues.depth('backfill')).waiting > 0) return;
    for (const { layer, item, source, restarts } of await states.stale(this.#staleSeconds, BATCH)) {
      if (restarts >= MAX_RESTARTS) {
        await states.fail({ layer, item }, 'it was begun several times and never came to an end.');
        log.error(`Item '${item}' of layer '${layer}' was given up: its tasks never ended.`);
        continue;
      }
      // Another id: the queue may still know the one that was lost.
      await this.#add(layer, source, [{ item, version: `restart-${restarts + 1}-${Date.now()}` }], restarts + 1);
    }
  }

  async #look(): Promise<void> {
    try {
      await this.follow();
      if (this.#looks++ % TIDY_EVERY === 0) await this.tidy();
    } catch (error) {
      if (!this.#closed) this.#parts.log.warning(`Changes of items could not be followed, they wait: ${(error as Error).message}`);
    }
  }

  async #handle(changes: readonly ItemChange[]): Promise<void> {
    const layers = eagerLayers(await this.#parts.catalog.collections());
    const eager = new Set(layers.map((layer) => layer.id));
    await this.#forgetLazy(changes, eager);
    for (const layer of layers) {
      // Of several changes of an item the last one counts.
      const wanted = new Map<string, string>();
      for (const change of changes) for (const item of await this.#concerned(layer, change)) wanted.set(item, String(change.sequence));
      if (wanted.size > 0) await this.#add(layer.id, layer.root, [...wanted].map(([item, version]) => ({ item, version })));
    }
    for (const change of changes) if (change.kind === 'deleted') await this.#release(change, layers);
  }

  async #concerned(layer: EagerLayer, change: ItemChange): Promise<readonly string[]> {
    if (change.collection === layer.root) return change.kind === 'put' ? [change.item] : [];
    if (!layer.others.has(change.collection) || change.box === null) return [];
    return this.#parts.states.itemsAround(layer.root, change.box, MAX_NEIGHBOURS);
  }

  /** States first: an item whose task could not be added is found by `tidy`. */
  async #add(layer: string, source: string, items: readonly { readonly item: string; readonly version: string }[], restarts = 0): Promise<void> {
    const { states, queues } = this.#parts;
    const tasks = items.map(({ item, version }) => ({ item, task: taskId(layer, item, version) }));
    await states.expect(layer, source, tasks, restarts);
    for (const { item, task } of tasks) {
      const payload: BackfillTask<FollowTask> = { kind: FOLLOW, payload: { layer, item, source } };
      await queues.add('backfill', { id: task, payload });
    }
  }

  /** A layer that is lazy now knows nothing of items that change: they are virtual. */
  async #forgetLazy(changes: readonly ItemChange[], eager: ReadonlySet<string>): Promise<void> {
    const { states } = this.#parts;
    const changed = changes.filter((change) => change.kind === 'put');
    for (const { layer, item } of await states.of(changed)) if (!eager.has(layer)) await states.forget(layer, [item]);
  }

  async #release(change: ItemChange, layers: readonly EagerLayer[]): Promise<void> {
    const { states } = this.#parts;
    if (change.box === null) return;
    for (const layer of layers) {
      if (layer.root !== change.collection) continue;
      const gone = await states.withdrawn(layer.id).get(layer.id, change.item);
      if (gone) await states.release({ layer: layer.id, item: change.item }, layer.root, instantOf(gone), change.box);
    }
  }
}

/** Label of the time dimension that an item has in a cube. */
export function instantOf({ properties }: { readonly properties: { readonly datetime: string | null; readonly [key: string]: unknown } }): string {
  return properties.datetime ?? String(properties['start_datetime']);
}

/** The same change gives the same id, whoever handles it and how often. */
function taskId(layer: string, item: string, version: string): string {
  return `${FOLLOW}-${createHash('sha256').update(JSON.stringify([layer, item, version])).digest('hex').slice(0, 40)}`;
}

/** Layers with policy 'eager', also those that are built on other layers. One whose source is gone is left out. */
export function eagerLayers(collections: readonly StacCollection[]): EagerLayer[] {
  const byId = new Map(collections.map((collection) => [collection.id, collection]));
  const eager = collections.filter((collection) => {
    const definition = definitionOf(collection);
    return definition?.policy === 'eager' && definition.has_items !== false;
  });
  return eager.flatMap(({ id }) => {
    const root = rootIn(byId, id);
    if (root === null) return [];
    const others = rawSources(byId, id, new Set());
    others.delete(root);
    return [{ id, root, others }];
  });
}

function rootIn(byId: ReadonlyMap<string, StacCollection>, id: string): string | null {
  const seen = new Set<string>();
  for (let at = byId.get(id); at && !seen.has(at.id);) {
    seen.add(at.id);
    const definition = definitionOf(at);
    if (!definition) return at.id;
    at = byId.get(definition.sources[0]!);
  }
  return null;
}

function rawSources(byId: ReadonlyMap<string, StacCollection>, id: string, seen: Set<string>): Set<string> {
  const found = new Set<string>();
  const collection = byId.get(id);
  if (!collection || seen.has(id)) return found;
  seen.add(id);
  const definition = definitionOf(collection);
  if (!definition) return found.add(id);
  for (const source of definition.sources) for (const raw of rawSources(byId, source, seen)) found.add(raw);
  return found;
}
