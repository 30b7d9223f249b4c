/** Lane 'backfill', kind 'follow': computes every block of one item of an eager layer, and says how that went. */
import { isOpenEOError } from '../errors.ts';
import type { LayerStates } from '../catalog/layer-states.ts';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import { Cube } from '../cube/cube.ts';
import { evaluate } from '../graph/evaluate.ts';
import { triesPerLane, type TaskContext } from '../jobs/queue.ts';
import { windowsOf } from '../layers/cover.ts';
import { itemExtent } from '../layers/item-extent.ts';
import { instantOf } from '../layers/layer-trial.ts';
import { definitionOf } from '../layers/layer.ts';
import { EngineScope, type Engine } from '../layers/scope.ts';
import { withoutHeights } from '../geo/bbox.ts';
import type { Log } from '../log.ts';

export const FOLLOW = 'follow';

export interface FollowTask {
  readonly layer: string;
  readonly item: string;
  /** The raw collection of the item. */
  readonly source: string;
}

export interface FollowItemDependencies {
  /** Its blocks must have the lowest urgency. */
  readonly engine: Engine;
  readonly catalog: { collection(id: string): Promise<StacCollection | null> };
  readonly states: LayerStates;
  readonly log: Log;
}

export interface FollowOutcome {
  /** 'gone': layer or item are no more; 'known': this version was computed before. */
  readonly did: 'computed' | 'known' | 'gone';
}


/**
 * Makes the handler. It can be run any number of times for one item: what is there is not computed again,
 * and a try that broke off goes on where the one before ended, because every block is kept when it is done.
 */
export function createFollowHandler(dependencies: FollowItemDependencies): (task: FollowTask, context: TaskContext) => Promise<FollowOutcome> {
  return async (task, context) => {
    try {
      return await followItem(dependencies, task, context);
    } catch (error) {
      // A worker that ends gives its task to another one: nothing failed.
      const isLast = context.attempt >= triesPerLane.backfill || (isOpenEOError(error) && error.status < 500);
      if (!context.signal.aborted && isLast) await dependencies.states.fail(task, reasonOf(error));
      throw error;
    }
  };
}

async function followItem(dependencies: FollowItemDependencies, task: FollowTask, { signal }: TaskContext): Promise<FollowOutcome> {
  const { states, catalog, log } = dependencies;
  const stored = await catalog.collection(task.layer);
  const version = stored && definitionOf(stored) ? await states.version(task, task.source) : null;
  if (!version) {
    await states.forget(task.layer, [task.item]);
    return { did: 'gone' };
  }
  const { definition: item, digest, computedDigest } = version;
  if (computedDigest === digest) return { did: 'known' };
  const started = performance.now();
  if (computedDigest !== null) await states.release(task, task.source, item.properties.datetime ?? String(item.properties['start_datetime']), withoutHeights(item.bbox));
  const { blocks, bytes } = await computeItem(dependencies, task, item, signal);
  await states.finish(task, task.source, { digest, blocks, bytes });
  log.info('Computed an item of an eager layer', { data: { layer: task.layer, item: task.item, blocks, ms: Math.round(performance.now() - started) } });
  return { did: 'computed' };
}

async function computeItem({ engine, states, log }: FollowItemDependencies, task: FollowTask, item: StacItem, signal: AbortSignal): Promise<{ blocks: number; bytes: number }> {
  const scope = new EngineScope(engine, { signal, log });
  let cube;
  try {
    cube = await evaluate(loadGraph(task.layer, item), engine.registry, scope);
  } catch (error) {
    // The layer's graph leaves the item out: there is nothing to compute.
    if (isOpenEOError(error, 'NoDataAvailable')) return { blocks: 0, bytes: 0 };
    throw error;
  }
  if (!(cube instanceof Cube)) throw new Error(`layer ${task.layer} gave no cube`);
  for (const window of windowsOf(cube)) {
    signal.throwIfAborted();
    await cube.read(window, signal);
    await states.touch(task);
  }
  const { cached, computed } = scope.facts;
  return { blocks: cached + computed, bytes: cube.shape.reduce((product, size) => product * size, 4) };
}

/** The layer, where and when the item is. */
function loadGraph(layer: string, item: StacItem) {
  return {
    process_graph: {
      load: {
        process_id: 'load_collection',
        arguments: { id: layer, spatial_extent: { ...itemExtent(item) }, temporal_extent: instantOf(item) },
        result: true,
      },
    },
  };
}

/** In words for everybody: what an unforeseen error says stays in the log. */
function reasonOf(error: unknown): string {
  return isOpenEOError(error) && error.code !== 'Internal' ? error.message : 'an unforeseen error, which the log of the worker tells.';
}
