/** What clients may do with jobs: the store, the queue and the files brought together. */
import { randomUUID } from 'node:crypto';
import { OpenEOError } from '../errors.ts';
import { isLogged, type Log } from '../log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Plan } from './billing.ts';
import { estimateOf, worksOf } from './estimate.ts';
import type { Estimate } from './estimate.ts';
import { deleteObjects } from './files.ts';
import { isUnderWay, jobFolder, logLevelOf, resultFolder, taskIdOf } from './job.ts';
import type { Job, JobDefinition } from './job.ts';
import { admitBatch, admitSync, defaultLimits } from './limits.ts';
import type { JobLimits } from './limits.ts';
import type { JobLogs } from './logs.ts';
import type { BatchTask, PlanTask, RunPlan, SyncResult, SyncTask } from './payloads.ts';
import { TaskExpired } from './queue.ts';
import type { TaskQueues } from './queue.ts';
import type { JobStore } from './store.ts';
import type { ThroughputStore } from './throughput.ts';

/** A plan that nobody has begun by then is not waited for any more. */
const PLAN_MS = 30_000;

export interface JobDependencies {
  readonly store: JobStore;
  readonly logs: JobLogs;
  readonly queues: TaskQueues;
  readonly objects: ObjectStore;
  readonly log: Log;
  /** Beyond them requests are turned away; default `defaultLimits`. */
  readonly limits?: JobLimits;
  /** Days that results of batch jobs are kept after the end of the job; absent or 0: for ever. */
  readonly resultDays?: number;
  /** How fast the workers are; absent: nobody has measured it. */
  readonly throughput?: Pick<ThroughputStore, 'rates'>;
}

export interface ComputeOptions {
  readonly onAccepted?: (id: string) => void;
  readonly isLimited?: boolean;
  readonly inference?: { readonly operator: string; readonly input: Uint8Array };
}

/** A finished synchronous request, with its files still in the object store. */
export interface SyncAnswer extends SyncResult {
  readonly id: string;
  /** Deletes the files, when they have been sent; the log stays for a while. */
  discard(): Promise<void>;
}

export class Jobs {
  readonly store: JobStore;
  readonly logs: JobLogs;
  readonly #queues: TaskQueues;
  readonly #objects: ObjectStore;
  readonly #log: Log;
  readonly #limits: JobLimits;
  readonly #resultDays: number;
  readonly #throughput: Pick<ThroughputStore, 'rates'>;

  constructor({ store, logs, queues, objects, log, limits, resultDays = 0, throughput }: JobDependencies) {
    this.#throughput = throughput ?? { rates: async () => new Map() };
    this.#resultDays = resultDays;
    this.store = store;
    this.logs = logs;
    this.#queues = queues;
    this.#objects = objects;
    this.#log = log;
    this.#limits = limits ?? defaultLimits;
  }

  /**
   * Queues a job; nothing happens when it is queued or running already. Throws JobNotFound, and
   * TooManyRequests for a user who has as many queued jobs as one may have.
   */
  async start(userId: string, jobId: string): Promise<void> {
    const { status } = await this.store.get(userId, jobId);
    if (isUnderWay(status)) return;
    const job = await this.store.exclusively(async (store) => {
      await admitBatch(store, this.#limits, userId);
      return store.start(jobId);
    });
    if (job === null) return;
    await this.logs.clear(jobId);
    await deleteObjects(this.#objects, jobFolder(jobId), (key) => key.startsWith(resultFolder(jobId, job.run)));
    await this.#enqueue(job);
  }

  /** Stops a queued or running job; nothing happens otherwise. Throws JobNotFound. */
  async cancel(userId: string, jobId: string): Promise<void> {
    const before = await this.store.get(userId, jobId);
    if (await this.store.cancel(jobId) === null) return;
    await this.#queues.remove('batch', taskIdOf(jobId, before.run));
    if (isLogged('info', logLevelOf(before))) await this.logs.append(jobId, [{ level: 'info', message: 'The job was canceled by its user.', time: new Date().toISOString() }]);
  }

  /** Deletes a job with results and log; a running one stops. Throws JobNotFound. */
  async delete(userId: string, jobId: string): Promise<void> {
    const job = await this.store.get(userId, jobId);
    await this.store.delete(userId, jobId);
    await this.#queues.remove('batch', taskIdOf(jobId, job.run));
    await deleteObjects(this.#objects, jobFolder(jobId));
  }

  /**
   * Runs a process and waits for its files. Aborting the signal (the client went away) stops the work.
   *
   * @param onAccepted told the id before the work begins
   * @param isLimited whether it counts among those that one user may have under way
   * @param inference an operator and its input as a .npy file, instead of a process
   * @throws what the worker threw; RequestTimeout when `signal` was aborted by a timeout; InfrastructureBusy
   * when too many requests wait; TooManyRequests when too many are the user's
   */
  async compute(userId: string, definition: JobDefinition, signal: AbortSignal, { onAccepted, isLimited = false, inference }: ComputeOptions = {}): Promise<SyncAnswer> {
    const job = await this.store.exclusively(async (store) => {
      await admitSync(store, this.#limits, isLimited ? userId : null);
      return store.createSync(userId, definition);
    });
    onAccepted?.(job.id);
    const order = inference && { operator: inference.operator, objectKey: `${jobFolder(job.id)}input.npy` };
    const payload: SyncTask = { taskId: job.id, process: definition.process, userId, logLevel: logLevelOf(job), ...(order && { inference: order }) };
    const discard = () => deleteObjects(this.#objects, jobFolder(job.id));
    try {
      if (order) await this.#objects.put(order.objectKey, inference!.input);
      await this.#queues.add('sync', { id: job.id, payload, priority: job.turn, expires: Date.now() + this.#limits.syncTimeoutSeconds * 1000 });
      return { ...await this.#queues.result<SyncResult>('sync', job.id, signal), id: job.id, discard };
    } catch (error) {
      await this.#stopSync(job);
      if (error instanceof TaskExpired || (signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError')) {
        throw new OpenEOError('RequestTimeout', {}, { detail: 'Use a batch job for requests that take longer.' });
      }
      throw error;
    }
  }

  /**
   * What a run of the job will take, found by a worker that does none of it.
   *
   * @param plan what it is charged with; null: nothing has a price here
   * @throws what is wrong with the process; EstimateComplexity when it can't be told, also in time
   */
  async estimate(job: Job, plan: Plan | null, signal: AbortSignal): Promise<Estimate> {
    const id = randomUUID();
    const payload: PlanTask = { process: job.definition.process, userId: job.userId };
    try {
      await this.#queues.add('plan', { id, payload, expires: Date.now() + PLAN_MS });
      const run = await this.#queues.result<RunPlan>('plan', id, signal);
      return estimateOf(run, await this.#throughput.rates(worksOf(run)), plan);
    } catch (error) {
      const isLate = error instanceof TaskExpired || (signal.aborted && (signal.reason as Error | undefined)?.name === 'TimeoutError');
      throw isLate ? new OpenEOError('EstimateComplexity', {}, { detail: 'Finding out took too long.' }) : error;
    } finally {
      await this.#queues.remove('plan', id).catch(() => {});
    }
  }

  async #stopSync(job: Job): Promise<void> {
    try {
      await this.store.cancel(job.id);
      await this.#queues.remove('sync', job.id);
      await deleteObjects(this.#objects, jobFolder(job.id));
    } catch (error) {
      // The sweep finds what is left; the caller is to learn of the first error, not of this one.
      this.#log.warning(`Request ${job.id} could not be cleaned up: ${String(error)}`);
    }
  }

  /** Gives jobs whose task was lost (a wiped queue, a crash between two steps) a task again. Harmless otherwise. */
  async requeueLost(afterSeconds = 15): Promise<void> {
    for (const job of await this.store.underWay(afterSeconds)) await this.#enqueue(job);
  }

  /** Forgets synchronous requests, with their logs and what is left of their files. */
  async sweepSync(afterSeconds = 24 * 60 * 60): Promise<void> {
    for (const job of await this.store.oldSync(afterSeconds)) {
      await deleteObjects(this.#objects, jobFolder(job.id));
      await this.store.remove(job.id);
    }
  }

  /** Deletes the results of batch jobs that have been kept for long enough. */
  async sweepResults(afterSeconds = this.#resultDays * 24 * 60 * 60): Promise<void> {
    if (afterSeconds <= 0) return;
    for (const id of await this.store.forgetResults(afterSeconds)) await deleteObjects(this.#objects, jobFolder(id));
  }

  /** Does all of this every `intervalMs`; call the returned function to stop. One process of a deployment is enough, more do no harm. */
  startCaring(intervalMs = 20_000): () => void {
    const care = () => void Promise.all([this.requeueLost(), this.sweepSync(), this.sweepResults()]).catch((error: unknown) => this.#log.warning(`Looking after jobs failed: ${String(error)}`));
    // Whoever comes after a process that was killed finds what that had begun.
    care();
    const timer = setInterval(care, intervalMs).unref();
    return () => clearInterval(timer);
  }

  async #enqueue(job: Job): Promise<void> {
    const payload: BatchTask = { jobId: job.id, run: job.run };
    await this.#queues.add('batch', { id: taskIdOf(job.id, job.run), payload, priority: job.turn });
  }
}
