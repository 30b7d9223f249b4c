/** Task queues on BullMQ: one queue per lane, the same behaviour on Redis and on PostgreSQL. */
import { UnrecoverableError, WaitingError } from 'bullmq';
import type { Job, Queue, QueueEvents } from 'bullmq';
import { OpenEOError } from '../errors.ts';
import { silentLog } from '../log.ts';
import type { Log } from '../log.ts';
import { openBackend } from './backend.ts';
import type { QueueBackend, QueueConnection } from './backend.ts';
import { decodeFailure, encodeFailure, isFinal } from './failure.ts';
import { hasExpired, isLater, pack, readableId, unpack, wireId } from './packing.ts';
import type { Packed } from './packing.ts';
import { LAST_PRIORITY, TaskExpired, triesPerLane } from './queue.ts';
import type { Lane, Task, TaskContext, TaskQueues, TaskWorker } from './queue.ts';
import { answered, nextEnd, Patience } from './waiting.ts';

export interface QueueSettings {
  readonly connection: QueueConnection;
  /** Keeps deployments (and tests) that share a server apart. Default 'lamina'. */
  readonly name?: string;
  readonly log?: Log;
  /** A task whose worker fell silent for so long is given to another one. Default 10 s. */
  readonly lockMs?: number;
}

/** Finished tasks answer late waiters for a while; their ids are free again after that. */
const keepSeconds = { completed: 15 * 60, failed: 60 * 60 };

/** Opens the queues of all lanes; throws when Redis or PostgreSQL can't be reached. */
export async function openTaskQueues(settings: QueueSettings): Promise<TaskQueues> {
  const log = settings.log ?? silentLog;
  const closing = new AbortController();
  const onError = (error: Error) => closing.signal.aborted || log.warning(`The task queue reports: ${error.message}`);
  return new BullTaskQueues(await openBackend(settings.connection, onError), settings, log, onError, closing);
}

class BullTaskQueues implements TaskQueues {
  readonly #backend: QueueBackend;
  readonly #settings: QueueSettings;
  readonly #log: Log;
  readonly #onError: (error: Error) => void;
  readonly #queues = new Map<Lane, Queue>();
  readonly #events = new Map<Lane, QueueEvents>();
  readonly #workers = new Set<TaskWorker>();
  readonly #closing: AbortController;

  constructor(backend: QueueBackend, settings: QueueSettings, log: Log, onError: (error: Error) => void, closing: AbortController) {
    this.#closing = closing;
    this.#backend = backend;
    this.#settings = settings;
    this.#log = log;
    this.#onError = onError;
  }

  async add<P>(lane: Lane, task: Task<P>): Promise<void> {
    const queue = this.#queue(lane);
    const jobId = wireId(task.id);
    const priority = Math.min(LAST_PRIORITY, Math.max(0, Math.trunc(task.priority ?? 0)));
    const known = await answered(queue.getJob(jobId)) as Job<Packed> | undefined;
    if (known !== undefined && !await makeRoom(known, priority, task)) return;
    await answered(queue.add(lane, pack(task.payload, task.expires), { jobId, priority }));
  }

  async result<R>(lane: Lane, taskId: string, signal: AbortSignal): Promise<R> {
    const stopped = AbortSignal.any([signal, this.#closing.signal]);
    const events = this.#eventsOf(lane);
    const patience = new Patience();
    for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 2, 500)) {
      stopped.throwIfAborted();
      // Listening begins before looking, so that an end in between is not missed.
      const ended = nextEnd(events, wireId(taskId), pauseMs, stopped);
      const job = await this.#find(lane, taskId, patience);
      // finishedOn is set by the same change that makes a task completed or failed.
      if (job?.finishedOn) {
        const outcome = await outcomeOf(job);
        if (outcome !== null) return outcome.value as R;
      }
      await ended;
    }
  }

  /** The task as it is now; undefined while there is hope that it shows up. */
  async #find(lane: Lane, taskId: string, patience: Patience): Promise<Job | undefined> {
    let job: Job | undefined;
    try {
      job = await answered(this.#queue(lane).getJob(wireId(taskId))) as Job | undefined;
    } catch (error) {
      this.#onError(error as Error);
      patience.away(error);
      return undefined;
    }
    if (job === undefined) patience.absent();
    else patience.found();
    return job;
  }

  async remove(lane: Lane, taskId: string): Promise<void> {
    const job = await answered(this.#queue(lane).getJob(wireId(taskId))) as Job | undefined;
    // A running task is locked; it ends by itself, and its id is free after that.
    await job?.remove().catch(() => {});
  }

  async work<P, R>(lane: Lane, concurrency: number, handler: (payload: P, context: TaskContext) => Promise<R>): Promise<TaskWorker> {
    const lockMs = this.#settings.lockMs ?? 10_000;
    const shutdown = new AbortController();
    const worker = this.#backend.worker(this.#name(lane), async (job: Job<Packed>, token?: string, signal?: AbortSignal) => {
      if (hasExpired(job.data)) throw new UnrecoverableError(EXPIRED);
      const stop = signal === undefined ? shutdown.signal : AbortSignal.any([signal, shutdown.signal]);
      try {
        return pack(await handler(unpack(job.data) as P, { taskId: readableId(job.id!), signal: stop, attempt: Math.max(1, job.attemptsStarted) }));
      } catch (error) {
        if (shutdown.signal.aborted) return await giveBack(job, token);
        throw this.#failure(lane, job, error);
      }
    }, {
      concurrency, lockDuration: lockMs, stalledInterval: lockMs / 2, maxStalledCount: 10, drainDelay: 1,
      removeOnComplete: { age: keepSeconds.completed }, removeOnFail: { age: keepSeconds.failed },
    });
    worker.on('error', this.#onError);
    worker.on('lockRenewalFailed', (ids: string[]) => ids.forEach((id) => worker.cancelJob(id, 'The task was given to another worker.')));
    await worker.waitUntilReady();
    const taskWorker = {
      close: async (graceMs = 0) => {
        this.#workers.delete(taskWorker);
        const patience = setTimeout(() => shutdown.abort(new Error('The worker shuts down.')), graceMs);
        await worker.close();
        clearTimeout(patience);
      },
    };
    this.#workers.add(taskWorker);
    return taskWorker;
  }

  #failure(lane: Lane, job: Job, error: unknown): Error {
    if (isFinal(error)) return new UnrecoverableError(encodeFailure(error));
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#log.error(`Task ${readableId(job.id!)} of lane ${lane} failed: ${message}`);
    return new Error(encodeFailure(error));
  }

  async depth(lane: Lane): Promise<{ waiting: number; active: number }> {
    const counts = await answered(this.#queue(lane).getJobCounts('waiting', 'prioritized', 'delayed', 'active'));
    return { waiting: (counts.waiting ?? 0) + (counts.prioritized ?? 0) + (counts.delayed ?? 0), active: counts.active ?? 0 };
  }

  async close(): Promise<void> {
    this.#closing.abort(new OpenEOError('InfrastructureMaintenance', {}));
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    await Promise.all([...this.#events.values(), ...this.#queues.values()].map((part) => part.close()));
    await this.#backend.close();
  }

  #name(lane: Lane): string {
    return `${this.#settings.name ?? 'lamina'}-${lane}`;
  }

  #queue(lane: Lane): Queue {
    return obtain(this.#queues, lane, () => {
      const queue = this.#backend.queue(this.#name(lane), {
        defaultJobOptions: { attempts: triesPerLane[lane], backoff: { type: 'exponential', delay: 200 }, stackTraceLimit: 0 },
      });
      queue.on('error', this.#onError);
      return queue;
    });
  }

  #eventsOf(lane: Lane): QueueEvents {
    return obtain(this.#events, lane, () => {
      const events = this.#backend.events(this.#name(lane));
      events.on('error', this.#onError);
      // One listener per waiting request is no leak.
      events.setMaxListeners(0);
      return events;
    });
  }
}

/** What a queue keeps as the failure of a task that was dropped unstarted. */
const EXPIRED = 'expired';

/**
 * Sees to a task that has the id already: true when it failed and was forgotten, so that it can be added anew;
 * else it stays, and if it waits it becomes as urgent as the new wish. Should its worker take it up in the very
 * moment, and find it expired, whoever waits for it learns that and adds it again.
 */
async function makeRoom(known: Job<Packed>, priority: number, task: Task<unknown>): Promise<boolean> {
  if (known.finishedOn) {
    if (await known.getState() !== 'failed') return false;
    await known.remove().catch(() => {});
    return true;
  }
  if (isLater(task.expires, known.data.expires)) await known.updateData(pack(task.payload, task.expires)).catch(() => {});
  if (priority < known.priority) await known.changePriority({ priority }).catch(() => {});
  return false;
}

/** null when the task has been added again meanwhile. Throws what its handler threw. */
async function outcomeOf(job: Job): Promise<{ value: unknown } | null> {
  const state = await job.getState();
  if (state === 'failed') throw job.failedReason === EXPIRED ? new TaskExpired() : decodeFailure(job.failedReason);
  return state === 'completed' ? { value: unpack(job.returnvalue) } : null;
}

/** Puts a task back to the others that wait, because its worker shuts down. */
async function giveBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}

function obtain<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
