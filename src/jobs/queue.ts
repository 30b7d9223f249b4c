/**
 * Task queues. A task has an id; adding an id that is waiting, running or done changes nothing, so a
 * block that two requests want is computed once. BullMQ is behind it, on Redis or on PostgreSQL.
 */
import { OpenEOError } from '../errors.ts';

/**
 * Lanes by urgency: tile, sync, batch, and `backfill` for what nobody waits for (warming, eager layers,
 * materialising). `embed` computes blocks for all the others, so it has workers of its own; `accelerated` does the same for
 * operators that need an accelerator, and only workers that have one take from it. `plan` finds out what
 * a job would do, which takes moments, so it waits for none of them.
 */
export type Lane = 'tile' | 'sync' | 'batch' | 'backfill' | 'embed' | 'accelerated' | 'plan';

/** How often a task is begun when it fails for a reason that is not the caller's. */
export const triesPerLane: Readonly<Record<Lane, number>> = { tile: 2, sync: 2, batch: 3, backfill: 3, embed: 3, accelerated: 3, plan: 1 };

/** Who waits for a task learns that somebody removed it. It may be added again. */
export class TaskRemoved extends OpenEOError<'Internal'> {
  constructor() {
    super('Internal', { message: 'the task was removed before it ended.' });
  }
}

/** Who waits for a task learns that it was dropped unstarted, because its time was up. It may be added again. */
export class TaskExpired extends OpenEOError<'RequestTimeout'> {
  constructor() {
    super('RequestTimeout', {}, { detail: 'Its turn came too late.' });
  }
}

/** The lowest urgency there is; higher numbers count as this one. */
export const LAST_PRIORITY = 2_097_151;

export interface Task<P> {
  readonly id: string;
  readonly payload: P;
  /** Lower runs first within a lane, equal ones in the order they were added; default 0. */
  readonly priority?: number;
  /** Time (ms since 1970) after which nobody wants the task any more: it is not begun then. Absent: it never expires. */
  readonly expires?: number;
}

export interface TaskContext {
  readonly taskId: string;
  /** Aborted when the worker shuts down or the task lost its lock. */
  readonly signal: AbortSignal;
  /** 1 for the first try. */
  readonly attempt: number;
}

export interface TaskQueues {
  /**
   * Adds the task unless its id is known. One that waits already takes the more urgent of both priorities
   * and the later of both expiries.
   */
  add<P>(lane: Lane, task: Task<P>): Promise<void>;
  /**
   * Waits for the end of a task and gives what its handler returned. A failure is thrown as the
   * OpenEOError that the handler threw, or as Internal; a task that is not there throws TaskRemoved, one
   * that was dropped TaskExpired. Never depends on an event alone: it also polls.
   */
  result<R>(lane: Lane, taskId: string, signal: AbortSignal): Promise<R>;
  /** Removes a waiting task, or forgets a finished one so that its id can be added again. */
  remove(lane: Lane, taskId: string): Promise<void>;
  /** Runs tasks of a lane in this process. Errors with status < 500 fail the task, others are retried. */
  work<P, R>(lane: Lane, concurrency: number, handler: (payload: P, context: TaskContext) => Promise<R>): Promise<TaskWorker>;
  /** Waiting and running tasks of a lane, for back-pressure. */
  depth(lane: Lane): Promise<{ readonly waiting: number; readonly active: number }>;
  close(): Promise<void>;
}

export interface TaskWorker {
  /** Stops taking tasks and waits for the running ones (or aborts them after `graceMs`). */
  close(graceMs?: number): Promise<void>;
}
