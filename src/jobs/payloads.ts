/** What travels through the queues. Everything here is JSON. Tasks of the lanes 'tile' and 'embed' are defined with their workers. */
import type { LogLevel } from '../log.ts';
import type { StoredFile } from './results.ts';

/** A process as clients send it: at least its graph, perhaps an id, parameters and more. */
export interface WireProcess {
  readonly process_graph: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

/** Lane 'sync': one POST /result. */
export interface SyncTask {
  /** Also the id under which the request's log is kept and its cancellation is seen (JobStore). */
  readonly taskId: string;
  readonly process: WireProcess;
  readonly userId: string;
  /** The least severe level that is kept. */
  readonly logLevel: LogLevel;
  /** Present: an operator is called directly, and the process is empty. Clients can't set it. */
  readonly inference?: InferenceOrder;
}

/** An operator and the tensor that it is to embed. */
export interface InferenceOrder {
  /** Pinned reference. */
  readonly operator: string;
  /** A .npy file, [n, bands, rows, columns]. */
  readonly objectKey: string;
}

/** What a sync task gives: the files are in the object store, in the order of the save_result nodes. */
export interface SyncResult {
  readonly files: readonly StoredFile[];
  /** Counts that the response tells in headers, e.g. how many embedding blocks came from the cache. */
  readonly facts?: Readonly<Record<string, number>>;
}

/** Lane 'batch': one run of a batch job. Everything else is in the job store. */
export interface BatchTask {
  readonly jobId: string;
  /** Which start of the job this is; a task of an earlier run does nothing. */
  readonly run: number;
}

/** Lane 'plan': what would a process read, compute and write? */
export interface PlanTask {
  readonly process: WireProcess;
  readonly userId: string;
}

/** A cube that a process would save. */
export interface PlannedFormat {
  readonly format: string;
  readonly dtype: string;
  readonly samples: number;
  /** Of the samples as they are, not compressed. */
  readonly bytes: number;
}

/** What a process would do. */
export interface RunPlan {
  /** Source samples that the run reads itself. */
  readonly samplesRead: number;
  /** Blocks of each kind of work (see throughput.ts): all, those that the cache has, and the samples that the others are made of. */
  readonly blocks: readonly { readonly work: string; readonly all: number; readonly cached: number; readonly samples: number }[];
  readonly saved: readonly PlannedFormat[];
  /** The share of the result that was looked at; the rest is taken to be like it. */
  readonly share: number;
}

/** A rendered tile, in the object store under `objectKey`; null when there is nothing to see. */
export interface TileResult {
  readonly objectKey: string | null;
  readonly mediaType: string;
}
