/** Lanes 'sync' and 'batch': both run a process graph; they differ in limits and in who waits. */
import { OpenEOError } from '../errors.ts';
import type { BatchTask, SyncResult, SyncTask } from '../jobs/payloads.ts';
import type { TaskContext } from '../jobs/queue.ts';
import { runJob, type RunContext, type RunDependencies } from '../jobs/run.ts';
import type { Engine } from '../layers/scope.ts';
import type { ExportSettings } from './exports.ts';
import { describeResult } from './result-metadata.ts';
import type { WorkspaceSettings } from './workspace-exports.ts';
import { runProcess, type RunRequest, type RunResult } from './run-process.ts';

export interface ProcessingDependencies extends RunDependencies {
  readonly engine: Engine;
  /** Directory for temporary files. */
  readonly scratch: string;
  /** Source samples that a synchronous request may read. */
  readonly syncMaxSamples: number;
  /** Takes what export_collection publishes; absent: the process is refused. */
  readonly publishing?: Pick<ExportSettings, 'catalog' | 'editors'> & Partial<WorkspaceSettings>;
}

/** Runs a synchronous request. The files are deleted by who fetches them. */
export function createSyncHandler(dependencies: ProcessingDependencies): (task: SyncTask, context: TaskContext) => Promise<SyncResult> {
  return async (task, context) => {
    let outcome: RunResult | null = null;
    const result = await runJob(dependencies, { jobId: task.taskId, run: 1 }, context, async (run) => {
      outcome = await process(dependencies, run, dependencies.syncMaxSamples);
      return { result: describeResult(outcome.files, outcome.saved, dependencies.engine.operators), publish: outcome.publish };
    });
    // Nobody waits for a request that was canceled meanwhile.
    if (!result || !outcome) throw new OpenEOError('RequestTimeout', {}, { detail: 'The request was canceled.' });
    const { cached, computed } = (outcome as RunResult).facts;
    return { files: result.files, facts: { blocks_cached: cached, blocks_computed: computed } };
  };
}

/** Runs one start of a batch job; what comes of it is in the job store. */
export function createBatchHandler(dependencies: ProcessingDependencies): (task: BatchTask, context: TaskContext) => Promise<void> {
  return async ({ jobId, run }, context) => {
    await runJob(dependencies, { jobId, run }, context, async (runContext) => {
      const outcome = await process(dependencies, runContext);
      return { result: describeResult(outcome.files, outcome.saved, dependencies.engine.operators), usage: usageOf(outcome), publish: outcome.publish };
    });
  };
}

function process(dependencies: ProcessingDependencies, run: RunContext, maxSamples?: number): Promise<RunResult> {
  const { publishing } = dependencies;
  const { process: wire } = run.job.definition;
  return runProcess(dependencies.engine, dependencies.objects, {
    // With its parameters: they may have defaults that the graph relies on.
    process: wire as unknown as RunRequest['process'],
    prefix: run.folder.replace(/\/$/, ''),
    scratch: dependencies.scratch,
    log: run.log,
    signal: run.signal,
    onProgress: run.report,
    user: run.job.userId,
    ...(publishing && { exports: { ...publishing, jobId: run.job.id, run: run.job.run } }),
    ...(maxSamples === undefined ? {} : { maxSamples }),
  });
}

function usageOf({ facts }: RunResult): Record<string, { value: number; unit: string }> {
  return { input_pixel: { value: facts.samplesRead, unit: 'samples' }, embedding_blocks: { value: facts.computed, unit: 'blocks' } };
}
