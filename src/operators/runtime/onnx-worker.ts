/** One worker thread as the runtime sees it: a few slots of shared memory, and what is being worked on in them. */
import { Worker } from 'node:worker_threads';
import type { Operator } from '../operator.ts';
import type { Message, Reply, ThreadSettings } from './messages.ts';

/** One block on its way through the runtime. */
export interface Task {
  readonly operator: Operator;
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
}

interface Slot {
  input: Float32Array;
  output: Float32Array;
  task: Task | null;
}

export interface OnnxWorkerEvents {
  /** A slot has become free. */
  readonly onRoom: () => void;
  /** The thread is gone; the tasks it had, the one it was at first. */
  readonly onDeath: (worker: OnnxWorker, tasks: readonly Task[], reason: string) => void;
}

/** Two: while one block is computed the next lies ready, so the thread never waits for the main thread. */
const SLOTS = 2;

export class OnnxWorker {
  readonly #worker: Worker;
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({ input: shared(0), output: shared(0), task: null }));
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

  /** Blocks it has, running and ready. */
  get load(): number {
    return this.#busy.length;
  }

  get hasRoom(): boolean {
    return this.#busy.length < SLOTS;
  }

  /** Puts the task into a free slot. */
  start(task: Task): void {
    const index = this.#slots.findIndex((slot) => slot.task === null);
    const slot = this.#slots[index]!;
    slot.task = task;
    this.#busy.push(index);
    const { operator: { digest, modelPath, manifest: { model } }, inputShape, outputShape, cancelled } = task;
    this.#worker.postMessage({
      slot: index,
      model: { digest, path: modelPath, input: model.input, output: model.output },
      input: placeInput(slot, task.input),
      inputShape,
      output: placeOutput(slot, outputShape.reduce((a, b) => a * b)),
      outputShape,
      cancelled,
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
    const task = slot.task!;
    this.#busy = this.#busy.filter((index) => index !== reply.slot);
    slot.task = null;
    // The slot is used again, so the result leaves shared memory.
    if (reply.outcome === 'done') task.succeed(new Float32Array(slot.output.subarray(0, task.outputShape.reduce((a, b) => a * b))));
    else if (reply.outcome === 'failed') task.fail(new Error(`operator ${task.operator.reference} failed: ${reply.reason}`));
    this.#events.onRoom();
  }

  #buried(reason: string): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#events.onDeath(this, this.#busy.map((index) => this.#slots[index]!.task!), reason);
  }
}

function shared(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT));
}

/** The input in shared memory: where it is when it lies there already, else copied into the slot. */
function placeInput(slot: Slot, input: Float32Array): Float32Array {
  if (input.buffer instanceof SharedArrayBuffer) return input;
  if (slot.input.length < input.length) slot.input = shared(input.length);
  slot.input.set(input);
  return slot.input.subarray(0, input.length);
}

function placeOutput(slot: Slot, length: number): Float32Array {
  if (slot.output.length < length) slot.output = shared(length);
  return slot.output.subarray(0, length);
}
