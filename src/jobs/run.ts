/** One run of a job in a worker: begin, work, report, end. What the work is, the caller says. */
import { randomUUID } from 'node:crypto';
import { OpenEOError, stageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { isFinal, unknownFailure } from './failure.ts';
import { deleteObjects } from './files.ts';
import { logLevelOf, resultFolder } from './job.ts';
import type { Job, Usage } from './job.ts';
import type { JobLog, JobLogs } from './logs.ts';
import { triesPerLane } from './queue.ts';
import type { TaskContext } from './queue.ts';
import type { JobResult } from './results.ts';
import { StageBook } from './stages.ts';
import type { Account, JobStore, Run } from './store.ts';
import type { RunWatch } from './watch.ts';

export interface RunDependencies {
  readonly store: JobStore;
  readonly logs: JobLogs;
  readonly watch: RunWatch;
  readonly objects: ObjectStore;
  /** The worker's own log. */
  readonly log: Log;
  /** What a job's usage costs; null, or absent: nothing has a price here. */
  readonly costs?: (job: Job, usage: Usage) => number | null;
}

export interface RunContext {
  readonly job: Job;
  /** Where this run's files go in the object store: put them under `${folder}${name}`. */
  readonly folder: string;
  /** Aborted when the job is canceled or deleted, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** The job's log, which its user reads. */
  readonly log: Log;
  /** Tells the share done, 0 to 1. As often as you like: it is written at most once a second. */
  readonly report: (share: number) => void;
  /** Where the work notes what it is at. */
  readonly stages: StageBook;
  /**
   * Keeps files that are ready before the end: they can be downloaded while the job runs, and stay when it is
   * canceled or fails. Each call replaces what the one before kept.
   */
  readonly keep: (result: JobResult) => Promise<void>;
  /** Tells how to find out what the run has taken so far: it is asked at the end, whatever that is. */
  readonly measure: (usage: () => Usage) => void;
}

/** What a run shows to others besides its result, such as items of a collection. */
export interface Publication {
  /** Takes it back, because the run does not count any more. */
  undo(): Promise<void>;
  /** The run has ended well: what was kept for taking it back may go. */
  settle(): Promise<void>;
}

/** What the work of a run gives. */
export interface Work {
  readonly result: JobResult;
  readonly usage?: Usage;
  /** Shows it to others. Called last, and again by another try when this worker is lost before the end. */
  readonly publish?: () => Promise<Publication>;
}

/** A job whose workers die this often is given up: it is the likeliest reason. */
const maxBegun = 5;
const reportMs = 1000;

/**
 * Runs a job's work under the rules of the state machine.
 *
 * Gives the result, or null when the run did not count any more (canceled, deleted, started again);
 * its files are deleted then. An error is logged for the user and makes the job's status 'error', after
 * further tries where those may help; a batch job's is not thrown on, because its task is done with.
 *
 * @throws whatever the work threw, for synchronous requests, for another try, and when the worker shuts down
 */
export async function runJob(
  dependencies: RunDependencies, run: Run, task: TaskContext,
  work: (context: RunContext) => Promise<Work>,
): Promise<JobResult | null> {
  const { store, logs, watch } = dependencies;
  const job = await store.begin(run);
  if (job === null) return null;
  const jobLog = logs.open(job.id, logLevelOf(job));
  const watched = watch.watch(run);
  const account = accountOf(dependencies, job);
  const limit = timeLimitOf(job);
  const progress = new Reporter(store, run);
  try {
    if (job.begun > maxBegun) throw new OpenEOError('Internal', { message: `the job's worker was lost ${maxBegun} times; perhaps the job needs more memory than there is.` });
    const signal = AbortSignal.any([task.signal, watched.signal, ...(limit ? [limit] : [])]);
    const done = await work({
      job, folder: resultFolder(job.id, job.run), signal, log: jobLog.log, report: (share) => progress.report(share), stages: progress.stages, measure: account.measure,
      keep: async (result) => {
        // Whoever sees a file is to see as much progress.
        await progress.flush();
        return store.keepPartial(run, result);
      },
    });
    signal.throwIfAborted();
    await Promise.all([jobLog.flush(), progress.flush()]);
    const isFinished = await publishAndFinish(dependencies, run, done, () => account.close(done.usage));
    return isFinished ? done.result : await abandon(dependencies, job, account.close());
  } catch (error) {
    if (watched.signal.aborted) return await abandon(dependencies, job, account.close());
    if (task.signal.aborted) {
      await store.giveBack(run);
      throw error;
    }
    return await settle(dependencies, { job, run, jobLog, task, progress, account: account.close() }, limit?.aborted ? tookTooLong(job) : error);
  } finally {
    watched.stop();
    progress.stop();
    await jobLog.flush().catch((error: unknown) => dependencies.log.error(`The log of job ${job.id} could not be stored: ${String(error)}`));
  }
}

/** Timers can't wait for longer. */
const longestMs = 2 ** 31 - 1;

/** Aborted when a run takes longer than its user allows. */
function timeLimitOf({ definition: { timeout } }: Job): AbortSignal | null {
  return typeof timeout === 'number' ? AbortSignal.timeout(Math.min(timeout * 1000, longestMs)) : null;
}

function tookTooLong({ definition: { timeout } }: Job): OpenEOError {
  return new OpenEOError('RequestTimeout', {}, { detail: `Processing took longer than the ${String(timeout)} seconds of \`timeout\`.` });
}

/** False when the run does not count any more; then nothing of it is published. */
async function publishAndFinish({ store, log }: RunDependencies, run: Run, done: Work, account: () => Account): Promise<boolean> {
  const publication = await done.publish?.();
  const complain = (error: unknown) => log.error(`What job ${run.jobId} published could not be tidied up: ${String(error)}`);
  let isKept = false;
  try {
    const finished = await store.finish(run, done.result, account());
    isKept = finished !== null || (publication !== undefined && await isFinishedByAnother(store, run));
    return finished !== null;
  } finally {
    await (isKept ? publication?.settle() : publication?.undo())?.catch(complain);
  }
}

/** Two workers may have had the same run, when one was thought dead: they publish the same things. */
async function isFinishedByAnother(store: JobStore, { jobId, run }: Run): Promise<boolean> {
  const now = await store.find(jobId);
  return now?.status === 'finished' && now.run === run;
}

interface Ending {
  readonly job: Job;
  readonly run: Run;
  readonly jobLog: JobLog;
  readonly task: TaskContext;
  readonly progress: Reporter;
  readonly account: Account;
}

/** Adds up what a run takes. */
function accountOf({ costs }: RunDependencies, job: Job): { measure: RunContext['measure']; close: (own?: Usage) => Account } {
  const startedMs = performance.now();
  let measured: () => Usage = () => ({});
  return {
    measure: (usage) => void (measured = usage),
    close: (own = {}) => {
      const usage = { duration: { value: Math.round(performance.now() - startedMs) / 1000, unit: 's' }, ...measured(), ...own };
      return { usage, costs: costs?.(job, usage) ?? null };
    },
  };
}

async function settle({ store, log }: RunDependencies, { job, run, jobLog, task, progress, account }: Ending, error: unknown): Promise<null> {
  const lane = job.kind;
  if (!isFinal(error) && task.attempt < triesPerLane[lane] && job.begun <= maxBegun) {
    jobLog.log.warning(`The processing failed and is tried again (${task.attempt} of ${triesPerLane[lane]}).`);
    throw error;
  }
  const told = toTell(error, log, job);
  const stage = stageOf(error) ?? progress.stages.current;
  jobLog.log.error(told.message, { code: told.code, data: { stage }, ...(told.path.length > 0 ? { path: told.path } : {}) });
  progress.stages.fail(stage);
  await Promise.all([jobLog.flush(), progress.flush()]);
  await store.fail(run, account);
  if (job.kind === 'sync') throw told;
  return null;
}

/** What the user reads: an unforeseen error only as an id, under which the worker's log has the rest. */
function toTell(error: unknown, log: Log, job: Job): OpenEOError {
  if (error instanceof OpenEOError) return error;
  const id = randomUUID();
  log.error(`Job ${job.id}: ${error instanceof Error ? error.stack ?? error.message : String(error)}`, { data: { error_id: id } });
  return new OpenEOError('Internal', { message: unknownFailure }, { detail: `(${id})` });
}

/** The run does not count any more: nobody will ask for its files, unless canceling kept them. */
async function abandon({ store, objects }: RunDependencies, job: Job, account: Account): Promise<null> {
  await store.account({ jobId: job.id, run: job.run }, account);
  const now = await store.find(job.id);
  const folder = resultFolder(job.id, job.run);
  if (!now?.result?.files.some((file) => file.objectKey.startsWith(folder))) await deleteObjects(objects, folder);
  return null;
}

/** Writes down how far a run is, once a second at most; what comes in between is written then, too. */
class Reporter {
  readonly stages = new StageBook();
  readonly #store: JobStore;
  readonly #run: Run;
  readonly #timer: NodeJS.Timeout;
  #share = 0;
  #writing: Promise<unknown> = Promise.resolve();
  #written = { ms: 0, share: 0, stages: '{}' };

  constructor(store: JobStore, run: Run) {
    this.#store = store;
    this.#run = run;
    // A stage may do something long before there is a share to report.
    this.#timer = setInterval(() => void this.flush(), reportMs).unref();
  }

  report(share: number): void {
    this.#share = share;
    if (performance.now() - this.#written.ms >= reportMs) void this.flush();
  }

  /** Writes what is new. Never rejects: what is lost is made good by the next time, and a run does not fail for it. */
  async flush(): Promise<void> {
    this.#written.ms = performance.now();
    // One after the other: what is older must not come last.
    this.#writing = this.#writing.then(() => Promise.all([this.#writeShare(), this.#writeStages()]));
    await this.#writing;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #writeShare(): Promise<void> {
    if (this.#share === this.#written.share) return;
    this.#written.share = this.#share;
    await this.#store.report(this.#run, this.#share).catch(() => void (this.#written.share = 0));
  }

  async #writeStages(): Promise<void> {
    const stages = this.stages.snapshot();
    const text = JSON.stringify(stages);
    if (text === this.#written.stages) return;
    this.#written.stages = text;
    await this.#store.noteStages(this.#run, stages).catch(() => void (this.#written.stages = ''));
  }
}
