/** Lane 'embed': computes one block of embeddings and stores it under its content key. */
import { OpenEOError } from '../errors.ts';
import { Cube } from '../cube/cube.ts';
import { evaluate } from '../graph/evaluate.ts';
import { computeBlock, type EmbedSource, type Position } from '../layers/compute-block.ts';
import { blockKey, type BlockComputer, type BlockTask } from '../layers/embed-blocks.ts';
import { embedSource } from '../layers/embedded-cube.ts';
import { readBlock, writeBlock } from '../layers/embed-block.ts';
import { EngineScope, type Engine } from '../layers/scope.ts';
import { silentLog, type Log } from '../log.ts';
import type { OperatorRuntime } from '../operators/operator.ts';
import type { ObjectStore } from '../storage/object-store.ts';

export interface EmbedWorkerDependencies {
  readonly engine: Engine;
  readonly store: ObjectStore;
  readonly runtime: OperatorRuntime;
  readonly log: Log;
}

export interface BlockOutcome {
  /** false: the block was already there when the task began (a retry, or a race that another worker won). */
  readonly computed: boolean;
}

/** Source cubes stay open this long: a job's blocks share one, and a changed catalog is seen soon. */
const SOURCE_TTL_MS = 10_000;

/** Makes the handler of the lane. Doing a task twice is harmless: the second finds the block. */
export function createEmbedHandler(dependencies: EmbedWorkerDependencies): (task: BlockTask, signal: AbortSignal) => Promise<BlockOutcome> {
  const { store, runtime, log } = dependencies;
  const sources = new SourceCache(dependencies.engine);
  return async (task, signal) => {
    if (await readBlock(store, task.key)) return { computed: false };
    const started = performance.now();
    const source = await sources.get(task);
    const position = indicesOf(source, task.position);
    if ((await blockKey(source, position, task.block)) !== task.key) {
      sources.forget(task);
      throw new OpenEOError('Internal', { message: 'the source data changed while the block was waiting to be computed' });
    }
    const block = await computeBlock(source, position, task.block, runtime, signal);
    await writeBlock(store, task.key, block);
    log.info('Computed an embedding block', { data: { key: task.key, operator: task.operator, ms: Math.round(performance.now() - started) } });
    return { computed: true };
  };
}

/** Computes blocks on the spot. The embed lane's own scopes use it, so that a lane never waits for itself. */
export function directComputer(store: ObjectStore, runtime: OperatorRuntime): BlockComputer {
  return async (task, source, position, { signal }) => {
    await writeBlock(store, task.key, await computeBlock(source, position, task.block, runtime, signal));
  };
}

function indicesOf(source: EmbedSource, labels: BlockTask['position']): Position {
  return Object.fromEntries(Object.entries(labels).map(([name, label]) => {
    const index = source.cube.labels(name).indexOf(label);
    if (index < 0) throw new OpenEOError('Internal', { message: `the source data no longer has '${label}' on dimension '${name}'` });
    return [name, index];
  }));
}

/** Evaluates origin graphs once for the many blocks that share them. */
class SourceCache {
  readonly #engine: Engine;
  readonly #entries = new Map<string, { readonly source: Promise<EmbedSource>; readonly expires: number }>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get(task: BlockTask): Promise<EmbedSource> {
    const key = this.#key(task);
    const known = this.#entries.get(key);
    if (known && known.expires > Date.now()) return known.source;
    const source = this.#open(task);
    this.#entries.set(key, { source, expires: Date.now() + SOURCE_TTL_MS });
    source.catch(() => this.#entries.delete(key));
    this.#dropExpired();
    return source;
  }

  forget(task: BlockTask): void {
    this.#entries.delete(this.#key(task));
  }

  #key(task: BlockTask): string {
    return JSON.stringify([task.operator, task.origin, task.onto]);
  }

  #dropExpired(): void {
    const now = Date.now();
    for (const [key, entry] of this.#entries) if (entry.expires <= now) this.#entries.delete(key);
  }

  async #open({ origin, onto, operator }: BlockTask): Promise<EmbedSource> {
    // Shared by tasks, so no single task's signal may end it.
    const scope = new EngineScope(this.#engine, { signal: new AbortController().signal, log: silentLog });
    const data = await evaluate({ process_graph: origin }, this.#engine.registry, scope);
    if (!(data instanceof Cube)) throw new OpenEOError('Internal', { message: 'the origin of a block is no data cube' });
    return embedSource({ data, model: operator, ...(onto && { onto }) }, this.#engine.operators);
  }
}

