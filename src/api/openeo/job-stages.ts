/** The stages of a job for people: what really happened, in the order of the work, and what has not happened yet. */
import type { Stage } from '../../errors.ts';
import { isUnderWay, type Job } from '../../jobs/job.ts';
import type { StageRecord } from '../../jobs/stages.ts';

/** skipped: the job ended without a need for it. stopped: the job ended while it was going on, for another reason. */
export type StageState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped' | 'stopped';

/** A stage as it travels. */
export interface ShownStage {
  readonly name: 'queued' | Stage;
  readonly state: StageState;
  /** RFC 3339; absent: it has not begun. */
  readonly began?: string;
  /** When something of it was heard of last. */
  readonly last?: string;
  readonly count?: number;
  readonly unit?: string;
  /** Blocks that were there already. */
  readonly cached?: number;
  /** What the workers spent on it, all together. */
  readonly seconds?: number;
}

const order: readonly Stage[] = ['resolve', 'download', 'read', 'infer', 'write'];

/** Six of them; those of a job that was never started all wait. */
export function stagesOf(job: Job): readonly ShownStage[] {
  return [queued(job), ...order.map((name) => shown(job, name))];
}

function queued({ status, queued: began, started, finished, updated }: Job): ShownStage {
  if (began === null) return { name: 'queued', state: 'waiting' };
  const last = started ?? finished ?? (status === 'queued' ? null : updated);
  return { name: 'queued', state: status === 'queued' ? 'running' : started === null ? 'stopped' : 'done', began, ...(last !== null && { last }) };
}

function shown({ status, stages }: Job, name: Stage): ShownStage {
  const record = stages?.[name];
  if (!record) return { name, state: isUnderWay(status) || status === 'created' ? 'waiting' : 'skipped' };
  const { began, last, count, unit, cached, seconds } = record;
  return {
    name, state: stateOf(status, record), began, last,
    // What is measured in time alone has nothing to count.
    ...(count > 0 || cached !== undefined ? { count, unit } : {}),
    ...(cached === undefined ? {} : { cached }), ...(seconds === undefined ? {} : { seconds }),
  };
}

function stateOf(status: Job['status'], { isFailed, isOver }: StageRecord): StageState {
  if (isFailed) return 'failed';
  if (isOver || status === 'finished') return 'done';
  return status === 'running' ? 'running' : 'stopped';
}
