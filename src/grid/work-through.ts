/** What one process of a grid does: takes tasks until all are done or have failed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { Claim, Grid, TaskResult, TaskState } from './grid.ts';

/** The work behind the tasks. */
export interface GridWork {
  /** Does one task. Whatever it leaves behind must not count yet: somebody else may do the same task. Ends when `signal` does. */
  run(claim: Claim, signal: AbortSignal): Promise<TaskResult>;
  /** The task was committed with this token: what `run` left counts. Also called by others when the process died just here. */
  publish?(state: Pick<TaskState, 'task' | 'token'>): Promise<void>;
  /** What `run` left is not wanted. */
  discard?(claim: Claim): Promise<void>;
}

export interface Progress {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** In work at the last look, by whomever. */
  readonly held: number;
}

export interface WorkOptions {
  /** As the grid was opened with: tasks are renewed three times in it. */
  readonly leaseMs: number;
  /** Pause before looking again when others hold all that is left. Default 1 s. */
  readonly pollMs?: number;
  /** First pause before the end of a task is told again to a place that did not answer; the next are longer. Default 1 s. */
  readonly reportPauseMs?: number;
  /** Ends the work: the task in hand is given back. */
  readonly signal?: AbortSignal;
  readonly log: Log;
  readonly onProgress?: (progress: Progress) => void;
}

/** How a process left the grid. */
export interface Tally extends Progress {
  /** Tasks that this process did. */
  readonly did: number;
  /** Tasks that it finished too late: another had taken them over. */
  readonly refused: number;
}

const POLL_MS = 1000;
/** Tasks that others turn out to hold before the list is looked at again. */
const MAX_MISSES = 16;
/** How old what is known of the others may become. */
const SURVEY_MS = 15_000;
/** Tries to tell the grid how a task ended, and the first pause between them. */
const REPORT_TRIES = 4;
const REPORT_PAUSE_MS = 1000;
/** Tasks that fail alike before a process that has done none gives up. */
const MAX_ALIKE = 5;

/**
 * Works on `tasks` until each is done or failed, whoever did it, or `signal` ends it. Names that occur twice are
 * one task. Throws when the place of the grid can't be reached, and when the first five
 * tasks fail alike: then it is this process and not the tasks. Other failures of tasks throw nothing.
 */
export async function workThrough(grid: Grid, tasks: readonly string[], work: GridWork, options: WorkOptions): Promise<Tally> {
  return new Worker(grid, [...new Set(tasks)], work, options).work();
}

class Worker {
  readonly #grid: Grid;
  readonly #tasks: readonly string[];
  readonly #work: GridWork;
  readonly #options: WorkOptions;
  readonly #stop: AbortSignal;
  #states = new Map<string, TaskState>();
  #surveyed = 0;
  #did = 0;
  #refused = 0;
  /** The last failures, as long as they are alike. */
  #failing = { kind: '', tasks: new Set<string>() };

  constructor(grid: Grid, tasks: readonly string[], work: GridWork, options: WorkOptions) {
    this.#grid = grid;
    this.#tasks = tasks;
    this.#work = work;
    this.#options = options;
    this.#stop = options.signal ?? new AbortController().signal;
  }

  async work(): Promise<Tally> {
    for (;;) {
      await this.#survey();
      const left = this.#tasks.filter((task) => !isEnded(this.#states.get(task)));
      if (left.length === 0 || this.#stop.aborted) break;
      if (await this.#pass(left) === 'all tried') await this.#pause();
    }
    return { ...this.#progress(), did: this.#did, refused: this.#refused };
  }

  async #survey(): Promise<void> {
    const states = new Map<string, TaskState>();
    for await (const state of this.#grid.list()) states.set(state.task, state);
    this.#states = states;
    this.#surveyed = performance.now();
    this.#tell();
  }

  /** Goes once round what is left, from anywhere: processes that start together then meet late. */
  async #pass(left: readonly string[]): Promise<'all tried' | 'look again'> {
    const start = Math.floor(Math.random() * left.length);
    let misses = 0;
    let worked = false;
    for (let i = 0; i < left.length && !this.#stop.aborted; i++) {
      const task = left[(start + i) % left.length]!;
      if (this.#states.get(task)?.status === 'held') continue;
      const claim = await this.#grid.claim(task);
      if (claim === null) misses++;
      else await this.#do(claim);
      worked ||= claim !== null;
      if (misses >= MAX_MISSES || performance.now() - this.#surveyed > SURVEY_MS) return 'look again';
    }
    return worked || misses > 0 ? 'look again' : 'all tried';
  }

  async #pause(): Promise<void> {
    const pollMs = this.#options.pollMs ?? POLL_MS;
    await delay(pollMs * (0.5 + Math.random() / 2), undefined, { signal: this.#stop }).catch(() => {});
  }

  async #do(claim: Claim): Promise<void> {
    const lost = new AbortController();
    const endBeating = this.#beat(claim, lost);
    try {
      const result = await this.#work.run(claim, AbortSignal.any([lost.signal, this.#stop])).catch((error: unknown) => new Failure(error));
      // Beats go on until the grid knows the end.
      await (result instanceof Failure ? this.#giveUp(claim, result.cause, lost.signal.aborted) : this.#finish(claim, result));
    } finally {
      endBeating();
    }
    this.#tell();
  }

  async #finish(claim: Claim, result: TaskResult): Promise<void> {
    if (!(await this.#report(() => this.#grid.commit(claim, result)))) return this.#refuse(claim);
    this.#did++;
    this.#states.set(claim.task, { task: claim.task, status: 'done', token: claim.token });
    // It counts already; whoever settles the outputs in the end publishes it.
    await this.#work.publish?.(claim).catch((error: unknown) => this.#options.log.warning(`What ${claim.task} produced could not be published yet: ${(error as Error).message}`));
  }

  async #giveUp(claim: Claim, error: unknown, isLost: boolean): Promise<void> {
    await this.#work.discard?.(claim);
    if (isLost) return this.#refuse(claim, false);
    if (this.#stop.aborted) return void await this.#report(() => this.#grid.release(claim));
    const reason = (error as Error).message;
    this.#options.log.warning(`Task ${claim.task} failed (attempt ${claim.attempt}): ${reason}`);
    if (!(await this.#report(() => this.#grid.fail(claim, reason)))) this.#refused++;
    this.#noteFailure(claim.task, reason);
  }

  /** A machine that lacks something must not use up the attempts of all tasks: the others may have it. */
  #noteFailure(task: string, reason: string): void {
    const kind = reason.replaceAll(task, '');
    if (this.#failing.kind !== kind) this.#failing = { kind, tasks: new Set() };
    this.#failing.tasks.add(task);
    if (this.#did > 0 || this.#failing.tasks.size < MAX_ALIKE) return;
    throw new Error(`The first ${MAX_ALIKE} tasks of this process failed for the same reason, so it leaves the rest to others: ${reason}`);
  }

  async #refuse(claim: Claim, discard = true): Promise<void> {
    this.#refused++;
    this.#options.log.warning(`Task ${claim.task} was taken over by another process, because this one gave no sign of life for too long; its result is dropped.`);
    if (discard) await this.#work.discard?.(claim);
  }

  /** Renews the lease until the function that it gives is called; aborts `lost` when it is somebody else's. */
  #beat(claim: Claim, lost: AbortController): () => void {
    const timer = setInterval(() => {
      this.#grid.renew(claim).then(
        (isMine) => void (isMine || lost.abort(new Error('the task was taken over'))),
        (error: unknown) => this.#options.log.warning(`The lease of ${claim.task} could not be renewed: ${(error as Error).message}`),
      );
    }, this.#options.leaseMs / 3);
    return () => clearInterval(timer);
  }

  /** The work is done; a network that fails for a moment must not make it be done again. */
  async #report<T>(tell: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await tell();
      } catch (error) {
        if (attempt === REPORT_TRIES) throw error;
        await delay((this.#options.reportPauseMs ?? REPORT_PAUSE_MS) * 2 ** (attempt - 1));
      }
    }
  }

  #tell(): void {
    this.#options.onProgress?.(this.#progress());
  }

  #progress(): Progress {
    const count = { done: 0, failed: 0, held: 0 };
    for (const task of this.#tasks) {
      const status = this.#states.get(task)?.status;
      if (status === 'done' || status === 'failed' || status === 'held') count[status]++;
    }
    return { total: this.#tasks.length, ...count };
  }
}

/** What a task threw. */
class Failure {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

function isEnded(state: TaskState | undefined): boolean {
  return state?.status === 'done' || state?.status === 'failed';
}
