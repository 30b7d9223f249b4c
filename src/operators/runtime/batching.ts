/**
 * Which blocks are computed together. Blocks of any requests that wait for a thread, with the same operator and
 * shape, go into one run; nothing ever waits for company.
 *
 * A block must have the same bits whoever asks for it and whenever. So the first batch of every size is computed
 * one by one as well: an operator whose batches differ from single runs is never batched again in this process.
 */
import type { Log } from '../../log.ts';
import type { Task } from './onnx-worker.ts';

/** Tasks for one run of one thread. */
export interface Batch {
  readonly tasks: readonly Task[];
  /** Whether the thread has to compare it with single runs. */
  readonly verify: boolean;
}

type Finding = 'under way' | 'equal';

export class Batching {
  readonly #largest: number;
  readonly #log: Log;
  /** By operator, shape and size of the batch. */
  readonly #findings = new Map<string, Finding>();
  /** Digests of operators that are not batched. */
  readonly #refused = new Set<string>();

  /** @param largest blocks in one run at most; 1 switches batching off */
  constructor(largest: number, log: Log) {
    this.#largest = largest;
    this.#log = log;
  }

  /** Takes the first of the waiting tasks, and those that may go with it, out of the list. */
  take(waiting: Task[]): Batch {
    const [first] = waiting as [Task];
    const tasks = this.#isAlone(first) ? [first] : waiting.filter((task) => !this.#isAlone(task) && isAlike(task, first)).slice(0, this.#largest);
    const key = keyOf(tasks);
    const finding = this.#findings.get(key);
    if (tasks.length > 1 && finding === undefined) this.#findings.set(key, 'under way');
    // While another thread compares a batch of this size, nothing is known about it.
    const taken = tasks.length > 1 && finding === 'under way' ? [first] : tasks;
    for (const task of taken) waiting.splice(waiting.indexOf(task), 1);
    return { tasks: taken, verify: taken.length > 1 && finding === undefined };
  }

  /** Notes what a thread found. null: it came to no end, so another batch will show. */
  found(batch: Batch, isEqual: boolean | null): void {
    if (!batch.verify) return;
    const key = keyOf(batch.tasks);
    if (isEqual === null) this.#findings.delete(key);
    else this.#findings.set(key, 'equal');
    if (isEqual !== false) return;
    const { digest, reference } = batch.tasks[0]!.operator;
    this.#refused.add(digest);
    this.#log.warning('An operator gives other bits for several blocks together than one by one; its blocks are computed one by one', { data: { operator: reference, blocks: batch.tasks.length } });
  }

  #isAlone(task: Task): boolean {
    // A block that was in a batch when its thread died must not take others along.
    return this.#largest === 1 || task.deaths > 0 || task.isAlone || this.#refused.has(task.operator.digest);
  }
}

function isAlike(one: Task, other: Task): boolean {
  return one.operator.digest === other.operator.digest && String(one.inputShape) === String(other.inputShape);
}

function keyOf(tasks: readonly Task[]): string {
  return `${tasks[0]!.operator.digest} ${tasks[0]!.inputShape.join('×')} ${tasks.length}`;
}
