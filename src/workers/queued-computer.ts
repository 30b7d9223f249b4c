/** Has blocks computed by the workers of the embed lane, and waits for them. */
import { LAST_PRIORITY, TaskExpired, TaskRemoved, type Lane, type TaskQueues } from '../jobs/queue.ts';
import { isEmbedSource, type BlockSource } from '../layers/block-source.ts';
import { blockObjectKey } from '../layers/embed-block.ts';
import type { BlockComputer, BlockOutcome, BlockTask } from '../layers/embed-blocks.ts';
import { needsOwnAccelerator } from '../operators/accelerators.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Who waits for a map tile or an answer goes before who waits for a job; what nobody waits for comes last. */
const urgencies = ['tile', 'sync', 'batch', 'backfill'] as const;

export type Urgency = (typeof urgencies)[number];

/** Priorities within one urgency: the more blocks its user has under way, the later a block's turn comes. */
const SHARES = Math.floor(LAST_PRIORITY / urgencies.length);

/** So often a block is asked for again because somebody else, who was canceled, took its task off the queue. */
const MAX_LOSSES = 20;

export interface QueuedComputerOptions {
  /** After so long nobody waits for a block any more (a tile, a synchronous request): it is not begun then. Absent: it is always wanted. */
  readonly lifetimeMs?: number;
}

/** What is asked of the embed lane for one block. */
interface Errand {
  readonly lane: Lane;
  readonly task: BlockTask;
  readonly priority: number;
  /** Milliseconds since 1970. */
  readonly expires: number | undefined;
  readonly signal: AbortSignal;
}

/** Has blocks computed by the embed lane; the key is the task id, so concurrent wishes share one task. */
export function queuedComputer(queues: TaskQueues, store: ObjectStore, urgency: Urgency, options: QueuedComputerOptions = {}): BlockComputer {
  const underWay = new Map<string | null, number>();
  return async (task, source, _position, { user, signal, isElsewhere }) => {
    const share = (underWay.get(user) ?? 0) + 1;
    underWay.set(user, share);
    const priority = urgencies.indexOf(urgency) * SHARES + Math.min(share, SHARES);
    const lane = laneOf(source);
    const errand = { lane, task, priority, expires: options.lifetimeMs === undefined ? undefined : Date.now() + options.lifetimeMs, signal };
    try {
      const outcome = await computeQueued(queues, errand);
      if (outcome?.isEmpty || await store.head(blockObjectKey(task.key)) || await isElsewhere?.()) return outcome;
      // The task ended before, and its block was evicted since: its id must be freed to run again.
      await queues.remove(lane, task.key);
      return await computeQueued(queues, errand);
    } finally {
      const left = underWay.get(user)! - 1;
      if (left > 0) underWay.set(user, left);
      else underWay.delete(user);
    }
  };
}

/** Workers without an accelerator never see the blocks of operators that need one. */
function laneOf(source: BlockSource): Lane {
  return isEmbedSource(source) && needsOwnAccelerator(source.operator) ? 'accelerated' : 'embed';
}

async function computeQueued(queues: TaskQueues, { lane, task, priority, expires, signal }: Errand): Promise<BlockOutcome | undefined> {
  for (let losses = 0; ; losses++) {
    signal.throwIfAborted();
    await queues.add(lane, { id: task.key, payload: task, priority, ...(expires === undefined ? {} : { expires }) });
    try {
      return await queues.result<BlockOutcome | undefined>(lane, task.key, signal);
    } catch (error) {
      // Nobody may want the block any more; whoever does adds its task again.
      if (signal.aborted) await queues.remove(lane, task.key).catch(() => {});
      if (losses >= MAX_LOSSES || !(error instanceof TaskRemoved || isOthersExpiry(error, expires))) throw error;
    }
  }
}

/** The task was dropped because somebody else's time was up, not ours. */
function isOthersExpiry(error: unknown, expires: number | undefined): boolean {
  return error instanceof TaskExpired && (expires === undefined || expires > Date.now());
}
