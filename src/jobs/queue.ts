/**
 * Task queues. A task has an id; adding an id that is waiting, running or done changes nothing, so a
 * block that two requests want is computed once. BullMQ is behind it, on Redis or on PostgreSQL.
 */
import { OpenEOError } from '../errors.ts';

/** Lanes by urgency. `embed` computes blocks for all the others, so it has workers of its own. */
export type Lane = 'tile' | 'sync' | 'batch' | 'embed';

/** How often a task is begun when it fails for a reason that is not the caller's. */
export const triesPerLane: Readonly<Record<Lane, number>> = { tile: 2, sync: 2, batch: 3, embed: 3 };

/** Who waits for a task learns that somebody removed it. It may be added again. */
export class TaskRemoved extends OpenEOError<'Internal'> {
  constructor() {
    super('Internal', { message: 'the task was removed before it ended.' });
  }
}

export interface Task<P> {
  readonly id: string;
  readonly payload: P;
  /** Lower runs first within a lane; default 0. */
  readonly priority?: number;
}

export interface TaskContext {
  readonly taskId: string;
  /** Aborted when the worker shuts down or the task lost its lock. */
  readonly signal: AbortSignal;
  /** 1 for the first try. */
  readonly attempt: number;
}

export interface TaskQueues {
  /** Adds the task unless its id is known. */
  add<P>(lane: Lane, task: Task<P>): Promise<void>;
  /**
   * Waits for the end of a task and gives what its handler returned. A failure is thrown as the
   * OpenEOError that the handler threw, or as Internal; a task that is not there throws TaskRemoved. Never depends on an event alone: it also polls.
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
