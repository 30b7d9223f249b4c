/** Has blocks computed by the workers of the embed lane, and waits for them. */
import { TaskRemoved, type TaskQueues } from '../jobs/queue.ts';
import { blockObjectKey } from '../layers/embed-block.ts';
import type { BlockComputer, BlockTask } from '../layers/embed-blocks.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { BlockOutcome } from './embed.ts';

/** Who waits for a map tile or an answer goes before who waits for a job. */
const priorities = { tile: 1, sync: 2, batch: 3 } as const;

/** So often a block is asked for again because somebody else, who was canceled, took its task off the queue. */
const MAX_LOSSES = 20;

/** Has blocks computed by the workers of the embed lane; the key is the task id, so concurrent wishes share one task. */
export function queuedComputer(queues: TaskQueues, store: ObjectStore, urgency: keyof typeof priorities): BlockComputer {
  return async (task, _source, _position, { signal }) => {
    await computeQueued(queues, task, priorities[urgency], signal);
    if (await store.head(blockObjectKey(task.key))) return;
    // The task ended before, and its block was evicted since: its id must be freed to run again.
    await queues.remove('embed', task.key);
    await computeQueued(queues, task, priorities[urgency], signal);
  };
}

async function computeQueued(queues: TaskQueues, task: BlockTask, priority: number, signal: AbortSignal): Promise<void> {
  for (let losses = 0; ; losses++) {
    signal.throwIfAborted();
    await queues.add('embed', { id: task.key, payload: task, priority });
    try {
      await queues.result<BlockOutcome>('embed', task.key, signal);
      return;
    } catch (error) {
      // Nobody may want the block any more; whoever does adds its task again.
      if (signal.aborted) await queues.remove('embed', task.key).catch(() => {});
      if (!(error instanceof TaskRemoved) || losses >= MAX_LOSSES) throw error;
    }
  }
}
