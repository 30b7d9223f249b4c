/** Lanes 'sync' and 'batch': both run a process graph; they differ in limits and in who waits. */
import { OpenEOError } from '../errors.ts';
import type { Billing } from '../jobs/billing.ts';
import { costsOf, findPlan } from '../jobs/billing.ts';
import type { Job, Usage } from '../jobs/job.ts';
import type { BatchTask, InferenceOrder, SyncResult, SyncTask } from '../jobs/payloads.ts';
import type { TaskContext } from '../jobs/queue.ts';
import { runJob, type RunContext, type RunDependencies } from '../jobs/run.ts';
import type { StageBook } from '../jobs/stages.ts';
import type { BlockOutcome } from '../layers/embed-blocks.ts';
import type { Engine } from '../layers/scope.ts';
import { CPU_WORK, formatWork, SAMPLE_WORK, type Throughput } from '../jobs/throughput.ts';
import type { Accelerators } from '../operators/accelerators.ts';
import type { OperatorRuntime } from '../operators/operator.ts';
import type { RuntimeRules } from '../operators/runtime-choice.ts';
import { chosenRuntime } from './chosen-runtime.ts';
import type { CpuShares } from './cpu-shares.ts';
import type { ExportSettings } from './exports.ts';
import { FailedBlocks } from './failed-blocks.ts';
import { infer } from './infer.ts';
import { describeResult } from './result-metadata.ts';
import { PartialResult } from './partial-result.ts';
import { RunMeter, type Budget } from './run-meter.ts';
import type { WorkspaceSettings } from './workspace-exports.ts';
import { runProcess, type RunRequest, type RunResult } from './run-process.ts';

export interface ProcessingDependencies extends RunDependencies {
  readonly engine: Engine;
  /** Directory for temporary files. */
  readonly scratch: string;
  /** Source samples that a synchronous request may read. */
  readonly syncMaxSamples: number;
  /** What processing costs; absent: nothing. */
  readonly billing?: Billing;
  readonly cpu?: CpuShares;
  readonly throughput?: Throughput;
  /** Runs operators that clients call directly; absent: they are refused. */
  readonly runtime?: OperatorRuntime;
  /** What this worker has, for those calls; absent: nobody is warned. */
  readonly accelerators?: Accelerators;
  /** How jobs may have their operators run; absent: in the usual runtimes. */
  readonly runtimeRules?: RuntimeRules;
  /** Takes what export_collection publishes; absent: the process is refused. */
  readonly publishing?: Pick<ExportSettings, 'catalog' | 'editors'> & Partial<WorkspaceSettings>;
}

/** Runs a synchronous request. The files are deleted by who fetches them. */
export function createSyncHandler(dependencies: ProcessingDependencies): (task: SyncTask, context: TaskContext) => Promise<SyncResult> {
  return async (task, context) => {
    if (task.inference) return inferTask(dependencies, task, task.inference, context);
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

async function inferTask(dependencies: ProcessingDependencies, { taskId }: SyncTask, order: InferenceOrder, context: TaskContext): Promise<SyncResult> {
  const { runtime, engine, objects, cpu, accelerators } = dependencies;
  if (!runtime) throw new OpenEOError('FeatureUnsupported', {}, { detail: 'This worker calls no operators.' });
  const result = await runJob(dependencies, { jobId: taskId, run: 1 }, context, (run) => infer({ runtime, operators: engine.operators, objects, cpu, accelerators }, order, run));
  if (!result) throw new OpenEOError('RequestTimeout', {}, { detail: 'The request was canceled.' });
  return { files: result.files };
}

/** Runs one start of a batch job; what comes of it is in the job store. */
export function createBatchHandler(dependencies: ProcessingDependencies): (task: BatchTask, context: TaskContext) => Promise<void> {
  return async ({ jobId, run }, context) => {
    await runJob(dependencies, { jobId, run }, context, async (runContext) => {
      const outcome = await process(dependencies, runContext);
      return { result: describeResult(outcome.files, outcome.saved, dependencies.engine.operators), publish: outcome.publish };
    });
  };
}

async function process(dependencies: ProcessingDependencies, run: RunContext, maxSamples?: number): Promise<RunResult> {
  const { publishing, throughput, engine } = dependencies;
  const { process: wire } = run.job.definition;
  const cpu = dependencies.cpu?.enter() ?? null;
  const { stages } = run;
  const meter = new RunMeter({ cpu, stages, budget: budgetOf(dependencies.billing, run.job) });
  // Who waits for an answer is told of the first block that fails; a job has time to try the others.
  const failures = run.job.kind === 'batch' ? new FailedBlocks(run.log, Date.parse(run.job.queued ?? run.job.created)) : null;
  const partial = new PartialResult(run.keep);
  run.measure(() => meter.usage());
  try {
    const result = await runProcess(engine, dependencies.objects, {
      // With its parameters: they may have defaults that the graph relies on.
      process: wire as unknown as RunRequest['process'],
      prefix: run.folder.replace(/\/$/, ''),
      scratch: dependencies.scratch,
      log: run.log,
      signal: run.signal,
      facts: meter,
      onProgress: run.report,
      stages,
      ...(failures && { failures }),
      onComputed: (outcome) => {
        failures?.computed();
        noteStages(stages, outcome);
      },
      onStored: async (files, saved) => {
        meter.storedBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        await partial.keep(() => describeResult(files, saved, engine.operators));
        meter.check();
      },
      user: run.job.userId,
      ...chosenRuntime(run, dependencies.runtimeRules),
      ...(run.job.definition.non_finite === 'literal' && { valueOptions: { non_finite: 'literal' } }),
      ...(publishing && { exports: { ...publishing, jobId: run.job.id, run: run.job.run } }),
      ...(maxSamples === undefined ? {} : { maxSamples }),
    });
    if (throughput) noteSamples(throughput, meter, result);
    return result;
  } catch (error) {
    // What is there stays there, also when it is what used up the budget.
    await partial.flush();
    throw error;
  } finally {
    cpu?.leave();
  }
}

/** What a worker did for a block. */
function noteStages(book: StageBook, { samples = 0, stages: { download, read, infer } = {} }: BlockOutcome): void {
  if (download !== undefined) {
    book.add('download', 0, download);
    book.end('download');
  }
  if (read !== undefined) book.add('read', samples, read);
  book.add('infer', 1, infer ?? 0);
}

/** null when nothing limits the run. */
function budgetOf(billing: Billing | undefined, { definition: { plan: name, budget } }: Job): Budget | null {
  if (!billing || billing.currency === null || typeof budget !== 'number') return null;
  const plan = findPlan(billing, name ?? billing.defaultPlan ?? '');
  return plan ? { plan, limit: budget, currency: billing.currency } : null;
}

/** How a job's usage becomes its costs; null in a deployment without a currency. */
export function costsUnder(billing: Billing): (job: Job, usage: Usage) => number | null {
  return ({ definition: { plan: name, budget } }, usage) => {
    if (billing.currency === null) return null;
    const plan = findPlan(billing, name ?? billing.defaultPlan ?? '');
    // The block at which a run is stopped is not on its bill.
    return plan ? Math.min(costsOf(plan, usage), budget ?? Number.POSITIVE_INFINITY) : 0;
  };
}

/** For estimates: bytes per sample of each format, and how fast samples are read and written. */
function noteSamples(throughput: Throughput, meter: RunMeter, { saved }: RunResult): void {
  const files = saved.flatMap(({ written }) => written ?? []);
  for (const { format, dtype, samples, bytes } of files) throughput.note(formatWork(format, dtype), { amount: bytes, seconds: samples });
  const { duration, cpu } = meter.usage();
  if (cpu) throughput.note(CPU_WORK, { amount: cpu.value, seconds: duration!.value });
  const written = files.reduce((sum, { samples }) => sum + samples, 0);
  // Runs that waited for blocks to be computed say nothing of the rest.
  if (written > 0 && meter.computed === 0) throughput.note(SAMPLE_WORK, { amount: meter.samplesRead + written, seconds: duration!.value });
}
