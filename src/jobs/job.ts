/** The batch job: what it is, and which status may follow which. */
import type { LogLevel } from '../log.ts';
import type { WireProcess } from './payloads.ts';
import type { JobResult } from './results.ts';
import type { Stages } from './stages.ts';

export type JobStatus = 'created' | 'queued' | 'running' | 'canceled' | 'finished' | 'error';

/** What a client sent to POST /jobs (or POST /result), nulls removed. */
export interface JobDefinition {
  readonly process: WireProcess;
  readonly title?: string;
  readonly description?: string;
  readonly log_level?: LogLevel;
  /** Name of the plan that it is charged with. */
  readonly plan?: string;
  /** It may not cost more, in the currency of the back-end. */
  readonly budget?: number;
  /** How NaN and infinities in a value that nothing saves are written (see the option of the format JSON). */
  readonly non_finite?: 'text' | 'literal';
  /** Properties the standard does not know are kept and given back. */
  readonly [key: string]: unknown;
}

export interface Metric {
  readonly value: number;
  readonly unit: string;
}

/** cpu, memory, duration, network, disk, storage and metrics of our own. */
export type Usage = Readonly<Record<string, Metric>>;

export interface Job {
  readonly id: string;
  /** A 'sync' job is a POST /result under way: never listed, but logged, canceled and fenced like the others. */
  readonly kind: 'batch' | 'sync';
  readonly userId: string;
  readonly definition: JobDefinition;
  readonly status: JobStatus;
  /** Grows with every start and cancel, so that a worker of an earlier run can't report any more. */
  readonly run: number;
  /** Its place among the jobs that wait: lower ones run first (see `nextTurn` in store.ts). */
  readonly turn: number;
  /** How many times a worker began this run. */
  readonly begun: number;
  /** Percent: 0 when created or queued, 100 when finished. */
  readonly progress: number;
  /** RFC 3339, UTC, as all times here. */
  readonly created: string;
  /** Last change of the status. */
  readonly updated: string;
  readonly queued: string | null;
  readonly started: string | null;
  readonly finished: string | null;
  /** What the last run is or was at; null before it began. */
  readonly stages: Stages | null;
  readonly usage: Usage | null;
  /** In the currency of the back-end; null when it has none, or the job has not ended. */
  readonly costs: number | null;
  /** Counts up when all links to the results are revoked. */
  readonly linkSeries: number;
  readonly result: JobResult | null;
}

/**
 * The state machine: what happens, from which status it may, and to which it leads.
 *
 * 'begin' is allowed from 'running' too, because another worker takes up the task of one that died.
 * Canceling leads to 'canceled' only from 'running' with files to download, else back to 'created'.
 */
export const transitions = {
  start: { from: ['created', 'canceled', 'finished', 'error'], to: 'queued' },
  begin: { from: ['queued', 'running'], to: 'running' },
  finish: { from: ['running'], to: 'finished' },
  fail: { from: ['queued', 'running'], to: 'error' },
  cancel: { from: ['queued', 'running'], to: 'created' },
  cancelWithFiles: { from: ['running'], to: 'canceled' },
} as const satisfies Record<string, { from: readonly JobStatus[]; to: JobStatus }>;

export type Transition = keyof typeof transitions;

/** True while a job waits for a worker or is worked on: it can't be edited or started, only canceled. */
export function isUnderWay(status: JobStatus): boolean {
  return status === 'queued' || status === 'running';
}

/** The least severe level that is kept of the job's log. */
export function logLevelOf(job: Pick<Job, 'definition'>): LogLevel {
  return job.definition.log_level ?? 'info';
}

/** The folder of a run's files in the object store. */
export function resultFolder(jobId: string, run: number): string {
  return `${jobFolder(jobId)}${run}/`;
}

/** The folder of all files of a job in the object store. */
export function jobFolder(jobId: string): string {
  return `results/${jobId}/`;
}

/** The id of the queue's task for one run of a job. */
export function taskIdOf(jobId: string, run: number): string {
  return `${jobId}.${run}`;
}
