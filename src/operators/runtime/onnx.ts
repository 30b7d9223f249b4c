/**
 * Runs ONNX operators in worker threads.
 *
 * Work waits in one queue and goes to the thread that has least to do. Threads start when there is work
 * for them. One that dies is replaced; the block it was at gets one more chance, because the cause may
 * have been something else, and fails the second time, because then it probably was the block. Blocks
 * that were computed together (batching.ts) get that chance one by one.
 */
import type { Log } from '../../log.ts';
import { patchesOf } from '../block-geometry.ts';
import type { Operator, OperatorRuntime } from '../operator.ts';
import { Batching, type Batch } from './batching.ts';
import type { Reply } from './messages.ts';
import { modelOf } from './model.ts';
import { OnnxWorker, type Task } from './onnx-worker.ts';

export interface OnnxRuntimeOptions {
  /** Worker threads at most; one per core that is to be kept busy. */
  readonly threads: number;
  readonly log: Log;
  /** ONNX Runtime execution providers, best first; default ['cpu']. 'cuda' needs its libraries installed. */
  readonly providers?: readonly string[];
  /** Models each thread keeps loaded. */
  readonly maxSessions?: number;
  /** Blocks computed together at most; default 8, and 1 on the CPU, where it gains nothing (docs/adr/0011-micro-batching.md). */
  readonly maxBatch?: number;
  /** The module the threads run; another one only in tests. */
  readonly thread?: URL;
}

const MAX_DEATHS = 2;
const GPU_BATCH = 8;

/** What a runtime has done since its start. */
export interface RunCounts {
  readonly blocks: number;
  /** Runs of a session; fewer than blocks when blocks were computed together. */
  readonly runs: number;
}

/** A runtime that counts. */
export interface CountingRuntime extends OperatorRuntime {
  readonly counts: RunCounts;
}

/** Must be closed before the process exits: leaving with a live ONNX thread aborts the process. */
export function createOnnxRuntime(options: OnnxRuntimeOptions): CountingRuntime {
  return new OnnxRuntime(options);
}

class OnnxRuntime implements CountingRuntime {
  readonly #options: Required<OnnxRuntimeOptions>;
  readonly #workers = new Set<OnnxWorker>();
  readonly #batching: Batching;
  #waiting: Task[] = [];
  readonly #unfinished = new Set<Task>();
  #closed = false;
  counts: RunCounts = { blocks: 0, runs: 0 };

  constructor(options: OnnxRuntimeOptions) {
    if (!Number.isInteger(options.threads) || options.threads < 1) throw new RangeError(`threads must be 1 or more, not ${options.threads}`);
    const maxBatch = (options.providers?.[0] ?? 'cpu') === 'cpu' ? 1 : GPU_BATCH;
    this.#options = { providers: ['cpu'], maxBatch, maxSessions: 4, thread: new URL('./onnx-thread.ts', import.meta.url), ...options };
    this.#batching = new Batching(this.#options.maxBatch, options.log);
  }

  async run(operator: Operator, input: Float32Array, rows: number, columns: number, signal?: AbortSignal): Promise<Float32Array> {
    signal?.throwIfAborted();
    if (this.#closed) throw new Error('the operator runtime is closed');
    const { inputShape, outputShape } = shapesOf(operator, input, rows, columns);
    const model = await modelOf(operator);
    signal?.throwIfAborted();
    if (this.#closed) throw new Error('the operator runtime was closed');
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
    const task: Task = { operator, model, input, inputShape, outputShape, succeed: resolve, fail: reject, cancelled: new Int32Array(new SharedArrayBuffer(4)), deaths: 0, isAlone: false };
    const onAbort = () => this.#abandon(task, signal!.reason);
    signal?.addEventListener('abort', onAbort);
    this.#unfinished.add(task);
    try {
      this.#waiting.push(task);
      this.#dispatch();
      return await promise;
    } finally {
      this.#unfinished.delete(task);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const task of this.#unfinished) this.#abandon(task, new Error('the operator runtime was closed'));
    const workers = [...this.#workers];
    this.#workers.clear();
    await Promise.all(workers.map((worker) => worker.close()));
  }

  /** The caller hears at once; waiting work is forgotten, what a thread has at hand is skipped or its result dropped. */
  #abandon(task: Task, reason: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== task);
    Atomics.store(task.cancelled, 0, 1);
    task.fail(reason);
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#roomiest();
      if (!worker) return;
      worker.start(this.#batching.take(this.#waiting));
    }
  }

  /** An idle thread, else a new one, else the one with least to do; undefined when all are full. */
  #roomiest(): OnnxWorker | undefined {
    const least = [...this.#workers].filter((worker) => worker.hasRoom).toSorted((a, b) => a.load - b.load)[0];
    if (least?.load === 0 || this.#workers.size >= this.#options.threads) return least;
    const { thread, maxSessions, providers } = this.#options;
    const worker = new OnnxWorker(thread, { maxSessions, providers }, {
      onReply: (batch, reply) => this.#receive(batch, reply),
      onDeath: (dead, batches, reason) => this.#replace(dead, batches, reason),
    });
    this.#workers.add(worker);
    return worker;
  }

  #receive(batch: Batch, reply: Reply): void {
    this.#batching.found(batch, (reply.outcome === 'done' ? reply.isEqual : null) ?? null);
    if (reply.outcome === 'done') this.counts = { blocks: this.counts.blocks + batch.tasks.length, runs: this.counts.runs + reply.runs };
    else if (reply.outcome === 'failed') this.#failed(batch, reply.reason);
    this.#dispatch();
  }

  /** Blocks that failed together are tried one by one: one of them may be the cause, or their number. */
  #failed({ tasks }: Batch, reason: string): void {
    if (tasks.length === 1) return tasks[0]!.fail(new Error(`operator ${tasks[0]!.operator.reference} failed: ${reason}`));
    for (const task of tasks) task.isAlone = true;
    this.#again(tasks);
  }

  #replace(dead: OnnxWorker, batches: readonly Batch[], reason: string): void {
    this.#workers.delete(dead);
    this.#options.log.warning('An inference thread died and is replaced', { data: { reason, tasks: batches.flatMap(({ tasks }) => tasks).length } });
    const [running, ...ready] = batches;
    for (const batch of batches) this.#batching.found(batch, null);
    for (const task of running?.tasks ?? []) {
      task.deaths++;
      if (task.deaths >= MAX_DEATHS) task.fail(new Error(`operator ${task.operator.reference} failed: its thread died ${task.deaths} times, last because ${reason}`));
    }
    this.#again([...(running?.tasks.filter((task) => task.deaths < MAX_DEATHS) ?? []), ...ready.flatMap(({ tasks }) => tasks)]);
    this.#dispatch();
  }

  /** Puts tasks that somebody still waits for before the others. */
  #again(tasks: readonly Task[]): void {
    this.#waiting.unshift(...tasks.filter((task) => this.#unfinished.has(task)));
  }
}

/** Shapes of model input and output; throws RangeError for a block the operator's geometry does not allow. */
function shapesOf(operator: Operator, input: Float32Array, rows: number, columns: number): Pick<Task, 'inputShape' | 'outputShape'> {
  const { output, input: { bands: { length: bands } } } = operator.manifest;
  const [down, across] = patchesOf(operator, rows, columns);
  if (input.length !== bands * rows * columns) throw new RangeError(`the input must hold ${bands} × ${rows} × ${columns} samples, it holds ${input.length}`);
  return { inputShape: [1, bands, rows, columns], outputShape: [1, output.dimensions, down, across] };
}
