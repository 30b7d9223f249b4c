/** Lane 'embed': computes one block and stores it under its content key. */
import { OpenEOError } from '../errors.ts';
import { triesPerLane } from '../jobs/queue.ts';
import { isPoison, noCatalog, reasonOf, type BlockCatalog } from '../layers/block-catalog.ts';
import { blockKey, isEmbedSource, type BlockSource } from '../layers/block-source.ts';
import type { Position } from '../layers/compute-block.ts';
import type { BlockComputer, BlockOutcome, BlockTask } from '../layers/embed-blocks.ts';
import { readStored } from '../layers/embed-block.ts';
import type { Engine } from '../layers/scope.ts';
import type { Log } from '../log.ts';
import { processorWarning, type Accelerators } from '../operators/accelerators.ts';
import type { OperatorRuntime } from '../operators/operator.ts';
import { runAs } from '../operators/runtime-choice.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { keepBlock, taskEntry, SourceChanged } from './keep-block.ts';
import type { CpuShares } from './cpu-shares.ts';
import { operatorWork, type Throughput } from '../jobs/throughput.ts';
import { SourceCache } from './source-cache.ts';

export type { BlockOutcome } from '../layers/embed-blocks.ts';

export interface EmbedWorkerDependencies {
  readonly engine: Engine;
  readonly store: ObjectStore;
  readonly runtime: OperatorRuntime;
  readonly log: Log;
  /** What this worker has; absent: nobody is warned. */
  readonly accelerators?: Accelerators;
  /** Where computed, empty and failed blocks are noted; absent: nowhere. */
  readonly catalog?: BlockCatalog;
  /** Tells what part of the processor's time a block took; absent: nobody wants to know. */
  readonly cpu?: CpuShares;
  /** Notes how fast blocks are computed. */
  readonly throughput?: Throughput;
}

/**
 * A task is begun so often at most: one that fails is begun `triesPerLane` times, so a higher number means
 * that workers died over it (or were shut down, which is why there is some room).
 */
const MAX_BEGINS = triesPerLane.embed + 2;

/** Makes the handler of the lane. Doing a task twice is harmless: the second finds the block. `attempt` counts from 1. */
export function createEmbedHandler(dependencies: EmbedWorkerDependencies): (task: BlockTask, signal: AbortSignal, attempt?: number) => Promise<BlockOutcome> {
  const worker = new EmbedWorker(dependencies);
  return (task, signal, attempt = 1) => worker.run(task, signal, attempt);
}

class EmbedWorker {
  readonly #dependencies: EmbedWorkerDependencies;
  readonly #catalog: BlockCatalog;
  readonly #sources: SourceCache;

  constructor(dependencies: EmbedWorkerDependencies) {
    this.#dependencies = dependencies;
    this.#catalog = dependencies.catalog ?? noCatalog;
    this.#sources = new SourceCache(dependencies.engine);
  }

  async run(task: BlockTask, signal: AbortSignal, attempt: number): Promise<BlockOutcome> {
    const cpu = this.#dependencies.cpu?.enter();
    const done = this.#dependencies.throughput?.begin(operatorWork(task.operator));
    let isComputed = false;
    try {
      const outcome = await this.#try(task, signal, attempt);
      isComputed = outcome.computed;
      return cpu ? { ...outcome, cpuSeconds: cpu.seconds() } : outcome;
    } finally {
      cpu?.leave();
      done?.(isComputed ? 1 : 0);
    }
  }

  async #try(task: BlockTask, signal: AbortSignal, attempt: number): Promise<BlockOutcome> {
    const opened: { source?: BlockSource } = {};
    try {
      if (attempt > MAX_BEGINS) throw new OpenEOError('Internal', { message: `the workers that computed it died, ${attempt - 1} of them` });
      return await this.#compute(task, signal, opened);
    } catch (error) {
      if (!signal.aborted && attempt >= triesPerLane.embed && isPoison(error)) await this.#setAside(task, opened.source, error, attempt);
      throw error;
    }
  }

  async #compute(task: BlockTask, signal: AbortSignal, opened: { source?: BlockSource }): Promise<BlockOutcome> {
    const { store, runtime, log } = this.#dependencies;
    const stored = await readStored(store, task.key);
    if (stored !== null && stored !== 'damaged') return { computed: false };
    const started = performance.now();
    const source = asChosen(await this.#sources.get(task), task);
    opened.source = source;
    const position = indicesOf(source, task.position);
    if ((await blockKey(source, position, task.block)) !== task.key) {
      this.#sources.forget(task);
      throw new SourceChanged();
    }
    if (stored === 'damaged') log.warning('A cached block is damaged; it is computed again.', { data: { key: task.key } });
    const outcome = await keepBlock({ store, runtime, catalog: this.#catalog, heal: stored === 'damaged' }, task, source, position, signal);
    log.info(task.operator === null ? 'Computed a block' : 'Computed an embedding block', {
      data: { key: task.key, operator: task.operator, ms: Math.round(performance.now() - started), ...(outcome.isEmpty && { empty: true }) },
    });
    const warning = this.#warningOf(source);
    return warning === null ? outcome : { ...outcome, warnings: [warning] };
  }

  #warningOf(source: BlockSource): string | null {
    const { accelerators } = this.#dependencies;
    return accelerators && isEmbedSource(source) ? processorWarning(source.operator, accelerators) : null;
  }

  /** Further requests are refused for a while, instead of breaking a worker each. */
  async #setAside(task: BlockTask, source: BlockSource | undefined, error: unknown, attempt: number): Promise<void> {
    const { log } = this.#dependencies;
    log.error(`A block is set aside after ${attempt} tries: ${error instanceof Error ? error.message : String(error)}`, { data: { key: task.key, layer: task.layer, operator: task.operator } });
    await this.#catalog.fail(taskEntry(task, source), { reason: reasonOf(error), tries: attempt })
      .catch((failure: unknown) => log.warning(`That a block failed could not be noted: ${String(failure)}`));
  }
}

/** Computes blocks on the spot. The embed lane's own scopes use it, so that a lane never waits for itself. */
export function directComputer(store: ObjectStore, runtime: OperatorRuntime, catalog: BlockCatalog = noCatalog): BlockComputer {
  return (task, source, position, { signal }) => keepBlock({ store, runtime, catalog, heal: false }, task, source, position, signal);
}

/** The source with its operator as the job wants it run; sources are shared by jobs, so this is no part of them. */
function asChosen(source: BlockSource, { run }: BlockTask): BlockSource {
  return run && isEmbedSource(source) ? { ...source, operator: runAs(source.operator, run) } : source;
}

function indicesOf(source: BlockSource, labels: BlockTask['position']): Position {
  return Object.fromEntries(Object.entries(labels).map(([name, label]) => {
    const index = source.cube.labels(name).indexOf(label);
    if (index < 0) throw new OpenEOError('Internal', { message: `the source data no longer has '${label}' on dimension '${name}'` });
    return [name, index];
  }));
}
