/**
 * A grid: tasks that any number of processes work through together, without anybody who hands them out.
 * The processes share only a place (a directory, a bucket, a database) and the list of tasks.
 *
 * A task is held by one process at a time, under a lease that it renews. Whoever lets his lease run out
 * loses the task to the next who asks. Each hold has a token, and only the holder of the latest token can
 * end the task: what a process finishes that was slow, stopped or cut off is refused. So a task may be begun
 * twice, but ends once, and what counts is known.
 *
 * No clock of a worker enters: the age of a lease is told by the clock of the place alone.
 */

/** What a task produced, e.g. the names of its files; small, and JSON. */
export type TaskResult = Readonly<Record<string, string | number | boolean | null>>;

/** The right to end a task, as long as nobody else has taken the task over. */
export interface Claim {
  readonly task: string;
  /** Grows with every hold of the task. */
  readonly token: number;
  /** How many times the task has been begun, this time included. */
  readonly attempt: number;
}

export type TaskStatus =
  /** Nobody works on it: it was given back, or failed and will be tried again. */
  | 'open'
  | 'held'
  /** Held, but the lease has run out: it can be claimed. */
  | 'expired'
  | 'done'
  /** Failed as many times as it is tried. */
  | 'failed';

/** A task that somebody has claimed at some time. */
export interface TaskState {
  readonly task: string;
  readonly status: TaskStatus;
  /** Of the last hold. */
  readonly token: number;
}

/** The same, with what is known of its last hold. */
export interface TaskDetails extends TaskState {
  readonly worker: string;
  readonly attempts: number;
  /** Why it failed the last time. */
  readonly reason?: string;
  readonly result?: TaskResult;
}

/** What all processes of a grid have to agree about: the operator with its digest and parameters, for example. */
export type Purpose = Readonly<Record<string, string>>;

export interface Grid {
  /**
   * Sets down what the grid is for; the first process decides. Throws GridMismatch when it is for something else:
   * results of two operators must not be mixed.
   */
  agree(purpose: Purpose): Promise<void>;
  /**
   * Takes a task that nobody holds. null: it is done, failed, or held by somebody else. A task whose holders
   * died as often as tasks are tried becomes failed.
   */
  claim(task: string): Promise<Claim | null>;
  /** Prolongs the lease. false: somebody else has the task, and whatever comes of it will be refused. */
  renew(claim: Claim): Promise<boolean>;
  /** Ends the task. false: refused, somebody else has taken the task over. May be asked again when no answer came. */
  commit(claim: Claim, result: TaskResult): Promise<boolean>;
  /** Says that the task failed. It is open again, or failed for good after so many attempts. false: refused. */
  fail(claim: Claim, reason: string): Promise<boolean>;
  /** Gives the task back unfinished; the attempt does not count. false: refused. */
  release(claim: Claim): Promise<boolean>;
  /** Lets a failed task be tried again from the start. false: it has not failed. */
  reopen(task: string): Promise<boolean>;
  /** Every task that was ever claimed, in no certain order. */
  list(): AsyncIterable<TaskState>;
  /** null: never claimed. */
  read(task: string): Promise<TaskDetails | null>;
  close(): Promise<void>;
}

export interface GridOptions {
  /** Name of this process, unique among those of the grid. */
  readonly worker: string;
  /** How long a task stays with a process that gives no sign of life. */
  readonly leaseMs: number;
  /** How many times a task is begun before it counts as failed. */
  readonly maxAttempts: number;
}

/** A grid that exists already has another purpose. */
export class GridMismatch extends Error {
  override readonly name = 'GridMismatch';
}

/** Throws GridMismatch, naming what differs, unless both say the same. */
export function checkSamePurpose(wanted: Purpose, agreed: Purpose): void {
  for (const name of new Set([...Object.keys(wanted), ...Object.keys(agreed)])) {
    if (wanted[name] === agreed[name]) continue;
    throw new GridMismatch(`This grid was begun with ${name} ${agreed[name] ?? '(none)'}, not ${wanted[name] ?? '(none)'}. Use that, or another grid.`);
  }
}

/** What is kept of the reason of a failure. */
const MAX_REASON_CHARACTERS = 2000;

/** The end of a long reason: programs say last what was wrong. */
export function shortened(reason: string): string {
  return reason.length <= MAX_REASON_CHARACTERS ? reason : `…${reason.slice(1 - MAX_REASON_CHARACTERS)}`;
}
