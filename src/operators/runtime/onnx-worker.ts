/** One worker thread as the runtime sees it: a few slots of shared memory, and what is being worked on in them. */
import { Worker } from 'node:worker_threads';
import type { Operator } from '../operator.ts';
import type { Batch } from './batching.ts';
import type { Message, Model, Reply, ThreadSettings } from './messages.ts';

/** One block on its way through the runtime. */
export interface Task {
  readonly operator: Operator;
  readonly model: Model;
  readonly input: Float32Array;
  readonly inputShape: readonly [number, number, number, number];
  readonly outputShape: readonly [number, number, number, number];
  /** Settles the caller's promise; later calls do nothing. */
  readonly succeed: (vectors: Float32Array) => void;
  readonly fail: (reason: unknown) => void;
  /** [0] is 1 when the caller waits no more. */
  readonly cancelled: Int32Array;
  /** How many threads have died over it. */
  deaths: number;
  /** True after a batch with it failed: it is tried once more by itself. */
  isAlone: boolean;
}

interface Slot {
  /** For inputs that are not in shared memory. */
  inputs: Float32Array[];
  output: Float32Array;
  batch: Batch | null;
}

export interface OnnxWorkerEvents {
  /** A batch is done with, and a slot has become free. */
  readonly onReply: (batch: Batch, reply: Reply) => void;
  /** The thread is gone; the batches it had, the one it was at first. */
  readonly onDeath: (worker: OnnxWorker, batches: readonly Batch[], reason: string) => void;
}

/** Two: while one batch is computed the next lies ready, so the thread never waits for the main thread. */
const SLOTS = 2;

export class OnnxWorker {
  readonly #worker: Worker;
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({ inputs: [], output: shared(0), batch: null }));
  /** Slots in the order they were filled. */
  #busy: number[] = [];
  #closing = false;
  readonly #ended: Promise<void>;
  #reason = '';
  readonly #events: OnnxWorkerEvents;

  constructor(thread: URL, settings: ThreadSettings, events: OnnxWorkerEvents) {
    this.#events = events;
    this.#worker = new Worker(thread, { name: 'onnx', workerData: settings });
    this.#worker.on('message', (reply: Reply) => this.#receive(reply));
    this.#worker.on('error', (error: unknown) => { this.#reason = error instanceof Error ? error.message : String(error); });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#worker.on('exit', (code) => {
      resolve();
      this.#buried(this.#reason || `it ended with code ${code}`);
    });
  }

  /** Batches it has, running and ready. */
  get load(): number {
    return this.#busy.length;
  }

  get hasRoom(): boolean {
    return this.#busy.length < SLOTS;
  }

  /** Puts the batch into a free slot. */
  start(batch: Batch): void {
    const index = this.#slots.findIndex((slot) => slot.batch === null);
    const slot = this.#slots[index]!;
    slot.batch = batch;
    this.#busy.push(index);
    const { tasks, verify } = batch;
    const { model, inputShape, outputShape } = tasks[0]!;
    this.#worker.postMessage({
      slot: index,
      model,
      inputs: tasks.map((task, i) => placeInput(slot, i, task.input)),
      inputShape,
      output: placeOutput(slot, tasks.length * product(outputShape)),
      outputShape,
      cancelled: tasks.map((task) => task.cancelled),
      verify,
    } satisfies Message);
  }

  /**
   * Ends the thread after the inference it is at; what lies ready should have been cancelled. Not by
   * Worker.terminate(): ONNX Runtime aborts the whole process when its thread goes away under a running session.
   */
  async close(): Promise<void> {
    this.#closing = true;
    this.#worker.postMessage('close' satisfies Message);
    await this.#ended;
  }

  #receive(reply: Reply): void {
    const slot = this.#slots[reply.slot]!;
    const batch = slot.batch!;
    this.#busy = this.#busy.filter((index) => index !== reply.slot);
    slot.batch = null;
    if (reply.outcome === 'done') handOut(batch, slot.output);
    this.#events.onReply(batch, reply);
  }

  #buried(reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#events.onDeath(this, this.#busy.map((index) => this.#slots[index]!.batch!), reason);
  }
}

/** Gives each task its part of the output; the slot is used again, so it leaves shared memory. */
function handOut({ tasks }: Batch, output: Float32Array): void {
  for (const [i, task] of tasks.entries()) {
    const length = product(task.outputShape);
    task.succeed(new Float32Array(output.subarray(i * length, (i + 1) * length)));
  }
}

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b);
}

function shared(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}

/** An input in shared memory: where it is when it lies there already, else copied into the slot. */
function placeInput(slot: Slot, index: number, input: Float32Array): Float32Array {
  if (input.buffer instanceof SharedArrayBuffer) return input;
  if ((slot.inputs[index]?.length ?? 0) < input.length) slot.inputs[index] = shared(input.length);
  const place = slot.inputs[index]!.subarray(0, input.length);
  place.set(input);
  return place;
}

function placeOutput(slot: Slot, length: number): Float32Array {
  if (slot.output.length < length) slot.output = shared(length);
  return slot.output.subarray(0, length);
}
