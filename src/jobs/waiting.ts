/** Waiting for a task that runs somewhere else, through lost events and a queue that is away for a moment. */
import type { QueueEvents } from 'bullmq';
import { OpenEOError } from '../errors.ts';
import { TaskRemoved } from './queue.ts';

/** A queue that restarts is back by then. */
const awayMs = 60_000;
/** A task that is removed and added again at once (its block was evicted) is not there in between. */
const absentMs = 500;
/** A command that takes longer means that the queue's server is not there. */
const commandMs = 10_000;

/** How long bad news must last before a waiter believes it. */
export class Patience {
  readonly #now: () => number;
  #absentSince: number | null = null;
  #awaySince: number | null = null;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** The task was found. */
  found(): void {
    this.#absentSince = null;
    this.#awaySince = null;
  }

  /** The queue answers, but knows no such task. Throws TaskRemoved when that lasts. */
  absent(): void {
    this.#awaySince = null;
    this.#absentSince ??= this.#now();
    if (this.#now() - this.#absentSince >= absentMs) throw new TaskRemoved();
  }

  /** The queue did not answer. Throws InfrastructureBusy when that lasts. */
  away(cause: unknown): void {
    this.#awaySince ??= this.#now();
    if (this.#now() - this.#awaySince >= awayMs) throw new OpenEOError('InfrastructureBusy', {}, { cause, detail: 'The task queue does not answer.' });
  }
}

/** Waits for the event that a task ended, at most `pauseMs`. */
export function nextEnd(events: QueueEvents, jobId: string, pauseMs: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const names = [`completed:${jobId}`, `failed:${jobId}`] as unknown as 'completed'[];
    const done = () => {
      clearTimeout(timer);
      stopped.removeEventListener('abort', done);
      for (const name of names) events.off(name, done);
      resolve();
    };
    const timer = setTimeout(done, pauseMs);
    stopped.addEventListener('abort', done);
    for (const name of names) events.on(name, done);
  });
}

/** The result of a command, or InfrastructureBusy when the server does not answer: Redis commands wait for ever otherwise. */
export async function answered<T>(command: Promise<T>, ms = commandMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OpenEOError('InfrastructureBusy', {}, { detail: 'The task queue does not answer.' })), ms);
  });
  try {
    return await Promise.race([command, late]);
  } finally {
    clearTimeout(timer);
  }
}
