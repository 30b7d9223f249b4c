/** How much may wait: beyond it requests are turned away at once, with the time to come again, instead of queueing for ever. */
import { OpenEOError } from '../errors.ts';
import type { JobStore } from './store.ts';

export interface JobLimits {
  /** Synchronous requests of all users that may wait for a worker. */
  readonly syncMaxWaiting: number;
  /** Synchronous requests of one user that may be under way. */
  readonly syncMaxPerUser: number;
  /** Batch jobs of one user that may wait for a worker. */
  readonly jobsMaxQueued: number;
  /** A synchronous request is over by then, whatever became of it. */
  readonly syncTimeoutSeconds: number;
}

export const defaultLimits: JobLimits = { syncMaxWaiting: 64, syncMaxPerUser: 8, jobsMaxQueued: 200, syncTimeoutSeconds: 300 };

/** Seconds after which another try makes sense: requests end within seconds, jobs within minutes. */
const retryAfter = { sync: 5, batch: 60 };

/**
 * Checks whether one more synchronous request may wait.
 *
 * @param userId null: nobody's in particular, so only the total counts
 * @throws InfrastructureBusy when too many wait in all, TooManyRequests when too many are the user's
 */
export async function admitSync(store: JobStore, limits: JobLimits, userId: string | null): Promise<void> {
  const load = await store.load('sync', userId ?? '', limits.syncTimeoutSeconds);
  if (userId !== null && load.ownUnderWay >= limits.syncMaxPerUser) {
    throw new OpenEOError('TooManyRequests', { limit: limits.syncMaxPerUser, what: 'synchronous requests' }, { retryAfterSeconds: retryAfter.sync });
  }
  if (load.waiting >= limits.syncMaxWaiting) {
    throw new OpenEOError('InfrastructureBusy', {}, { detail: `${load.waiting} synchronous requests are waiting already; a batch job can wait longer.`, retryAfterSeconds: retryAfter.sync });
  }
}

/** Throws TooManyRequests when the user has as many queued batch jobs as one may have. */
export async function admitBatch(store: JobStore, limits: JobLimits, userId: string): Promise<void> {
  const { ownWaiting } = await store.load('batch', userId, null);
  if (ownWaiting >= limits.jobsMaxQueued) {
    throw new OpenEOError('TooManyRequests', { limit: limits.jobsMaxQueued, what: 'queued batch jobs' }, { retryAfterSeconds: retryAfter.batch });
  }
}
