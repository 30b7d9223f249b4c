/** Slurm: jobs are submitted with sbatch, looked at with squeue and scontrol, and cancelled with scancel. */
import { ask, batchPlace, gpuRefusal, roomFor, type JobState } from './batch-place.ts';
import type { BatchOptions } from '../operators/batch-options.ts';
import { RuntimeUnavailable, type EndReason, type Place, type Program } from './program.ts';

/** A job that waits, runs, or is on its way out; all other states are final (squeue(1), JOB STATE CODES). */
const UNFINISHED = /^(PENDING|CONFIGURING|RUNNING|COMPLETING|SUSPENDED|REQUEUED|REQUEUE_HOLD|REQUEUE_FED|RESIZING|SIGNALING|STAGE_OUT|STOPPED|SPECIAL_EXIT|RESV_DEL_HOLD)/;
const reasons: Readonly<Record<string, EndReason>> = { TIMEOUT: 'time', DEADLINE: 'time', OUT_OF_MEMORY: 'memory' };

export function slurm(options: BatchOptions): Place {
  return batchPlace({
    async submit(line, program, run) {
      const flags = ['--parsable', `--job-name=${run.name}`, '--output=/dev/null', `--chdir=${run.folder}`, '--ntasks=1', '--no-requeue', ...flagsOf(program, { ...options, ...program.batch })];
      const said = await ask(['sbatch', ...flags], run, `#!/bin/sh\n${line}\n`).catch((error: unknown) => {
        throw gpuRefusal(program, error) ?? error;
      });
      return said.trim().split(';')[0]!;
    },
    state: async (job, run) => stateOf(await ask(['scontrol', 'show', 'job', '--oneliner', job], run).catch(ofForgotten)),
    cancel: async (job, run) => void (await ask(['scancel', '--full', job], run)),
  });
}

/** One minute is the least that Slurm counts; the script itself keeps the limit to the second. */
function flagsOf({ limits, gpu }: Program, options: BatchOptions): string[] {
  const { partition, account, qos, constraint, gres = gpu ? 'gpu:1' : undefined, seconds = limits.seconds + 60, extra = [] } = options;
  const chosen = Object.entries({ partition, account, qos, constraint, gres }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]));
  return [`--time=${Math.ceil(seconds / 60)}`, `--mem=${roomFor(limits)}M`, ...chosen, ...extra];
}

/** A job that ended minutes ago is known no more. */
function ofForgotten(error: unknown): string {
  if (error instanceof RuntimeUnavailable && /Invalid job id/i.test(error.message)) return 'JobState=FORGOTTEN';
  throw error;
}

function stateOf(text: string): JobState {
  const state = /\bJobState=(\S+)/.exec(text)?.[1] ?? 'UNKNOWN';
  const reason = reasons[state];
  return { isOver: !UNFINISHED.test(state), ...(reason ? { reason } : {}) };
}
