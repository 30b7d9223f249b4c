/**
 * Lane 'backfill': work that nobody waits for, such as warming a layer, following its source or writing it to
 * files. Each kind of work brings its handler; blocks it asks for have the lowest urgency (`queuedComputer`).
 */
import { OpenEOError } from '../errors.ts';
import type { TaskContext } from '../jobs/queue.ts';

/** What travels on the lane: which kind of work, and what its handler needs to know. JSON. */
export interface BackfillTask<P = unknown> {
  readonly kind: string;
  readonly payload: P;
}

export type BackfillHandler = (payload: never, context: TaskContext) => Promise<unknown>;

/** One at a time in each worker: there is always something more urgent. */
export const BACKFILL_CONCURRENCY = 1;

/**
 * Makes the handler of the lane out of the handlers by kind. A task of a kind that this version does not know
 * throws FeatureUnsupported, without another try.
 */
export function createBackfillHandler(handlers: Readonly<Record<string, BackfillHandler>>): (task: BackfillTask, context: TaskContext) => Promise<unknown> {
  return async ({ kind, payload }, context) => {
    const handler = Object.hasOwn(handlers, kind) ? handlers[kind] : undefined;
    if (!handler) throw new OpenEOError('FeatureUnsupported', {}, { detail: `This worker knows no work of kind '${kind}'.` });
    return handler(payload as never, context);
  };
}
