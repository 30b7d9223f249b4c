/**
 * Blocks that wait for a program. Starting one takes longer than most blocks, so those that wait anyway and are alike go into one
 * run; nothing ever waits for company.
 *
 * A block must have the same bits whoever asks for it and whenever. So the first run of an operator with several blocks is followed by
 * one with the first of them alone: an operator that gives other bits then gets its blocks one by one from there on. (Before a
 * release the gate compares more than that.)
 */
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../log.ts';
import { patchesOf } from '../operators/block-geometry.ts';
import type { Operator } from '../operators/operator.ts';
import type { BlocksDone, ProcessRuntime } from './process-runtime.ts';

interface Waiting {
  readonly operator: Operator;
  readonly input: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly succeed: (vectors: Float32Array) => void;
  readonly fail: (reason: unknown) => void;
  readonly signal: AbortSignal | undefined;
  /** A run with it and others failed, and each of them may be the cause. */
  isAlone: boolean;
}

export interface BlockQueueOptions {
  /** Runs at a time. */
  readonly concurrency: number;
  readonly log: Log;
  /** Told what each run said and took. */
  readonly onRun?: (operator: Operator, done: BlocksDone) => void;
}

/** More would make a run, and what is lost when it fails, too long. */
const LARGEST_BATCH = 16;

export class BlockQueue {
  readonly #runtime: ProcessRuntime;
  readonly #options: BlockQueueOptions;
  #waiting: Waiting[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** Digests of operators that gave the same bits for several blocks; and of those that did not. */
  readonly #equal = new Set<string>();
  readonly #unequal = new Set<string>();

  constructor(runtime: ProcessRuntime, options: BlockQueueOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Vectors of one block, as OperatorRuntime.run. */
  async run(operator: Operator, input: Float32Array, rows: number, columns: number, signal?: AbortSignal): Promise<Float32Array> {
    signal?.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    checkGeometry(operator, input, rows, columns);
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array>();
    const block: Waiting = { operator, input, rows, columns, succeed: resolve, fail: reject, signal, isAlone: false };
    const onAbort = () => reject(signal!.reason as Error);
    signal?.addEventListener('abort', onAbort);
    this.#waiting.push(block);
    this.#dispatch();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  async close(): Promise<void> {
    const reason = new Error('the operator runtime was closed');
    this.#closing.abort(reason);
    for (const block of this.#waiting.splice(0)) block.fail(reason);
    await Promise.all(this.#running);
  }

  #dispatch(): void {
    this.#waiting = this.#waiting.filter(({ signal }) => !signal?.aborted);
    while (this.#running.size < this.#options.concurrency && this.#waiting.length > 0 && !this.#closing.signal.aborted) {
      const running: Promise<void> = this.#compute(this.#take()).finally(() => {
        this.#running.delete(running);
        this.#dispatch();
      });
      this.#running.add(running);
    }
  }

  #take(): Waiting[] {
    const first = this.#waiting[0]!;
    const isAlone = first.isAlone || this.#unequal.has(first.operator.digest);
    const taken = isAlone ? [first] : this.#waiting.filter((block) => !block.isAlone && isAlike(block, first)).slice(0, LARGEST_BATCH);
    this.#waiting = this.#waiting.filter((block) => !taken.includes(block));
    return taken;
  }

  async #compute(blocks: readonly Waiting[]): Promise<void> {
    const { signal, end } = this.#wantedSignal(blocks);
    try {
      const vectors = await this.#vectors(blocks, signal);
      blocks.forEach((block, i) => block.succeed(vectors[i]!));
    } catch (error) {
      this.#failed(blocks, signal.aborted ? signal.reason : error);
    } finally {
      end();
    }
  }

  async #vectors(blocks: readonly Waiting[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const { operator, rows, columns } = blocks[0]!;
    const run = async (inputs: readonly Float32Array[]) => {
      const done = await this.#runtime.run(operator, { inputs, rows, columns }, signal);
      this.#options.onRun?.(operator, done);
      return done.vectors;
    };
    const together = await run(blocks.map(({ input }) => input));
    if (blocks.length === 1 || this.#equal.has(operator.digest)) return together;
    const [alone] = await run([blocks[0]!.input]);
    if (isSame(alone!, together[0]!)) {
      this.#equal.add(operator.digest);
      return together;
    }
    this.#unequal.add(operator.digest);
    this.#options.log.warning('An operator gives other bits for several blocks together than one by one; its blocks are computed one by one', { data: { operator: operator.reference, blocks: blocks.length } });
    const singles = [alone!];
    for (const { input } of blocks.slice(1)) singles.push((await run([input]))[0]!);
    return singles;
  }

  #failed(blocks: readonly Waiting[], error: unknown): void {
    if (blocks.length === 1 || this.#closing.signal.aborted) {
      for (const block of blocks) block.fail(error);
      return;
    }
    for (const block of blocks) block.isAlone = true;
    this.#waiting.unshift(...blocks);
  }

  /** Aborted when nobody waits for any of the blocks, and when the queue is closed. */
  #wantedSignal(blocks: readonly Waiting[]): { signal: AbortSignal; end: () => void } {
    const controller = new AbortController();
    const onAbort = () => {
      if (this.#closing.signal.aborted) controller.abort(this.#closing.signal.reason);
      else if (blocks.every(({ signal }) => signal?.aborted)) controller.abort(blocks[0]!.signal!.reason);
    };
    const signals = [this.#closing.signal, ...blocks.flatMap(({ signal }) => signal ?? [])];
    for (const signal of signals) signal.addEventListener('abort', onAbort);
    onAbort();
    return { signal: controller.signal, end: () => signals.forEach((signal) => signal.removeEventListener('abort', onAbort)) };
  }
}

function isAlike(one: Waiting, other: Waiting): boolean {
  return one.operator.digest === other.operator.digest && one.rows === other.rows && one.columns === other.columns && isDeepStrictEqual(one.operator.batch, other.operator.batch);
}

function isSame(one: Float32Array, other: Float32Array): boolean {
  const bytesOf = (array: Float32Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  return bytesOf(one).equals(bytesOf(other));
}

function checkGeometry(operator: Operator, input: Float32Array, rows: number, columns: number): void {
  patchesOf(operator, rows, columns);
  const samples = operator.manifest.input.bands.length * rows * columns;
  if (input.length !== samples) throw new RangeError(`the input must hold ${samples} samples, it holds ${input.length}`);
}
