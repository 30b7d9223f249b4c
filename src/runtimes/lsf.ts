/**
 * LSF: jobs are submitted with bsub, looked at with bjobs and cancelled with bkill. Written after its manual pages (10.1) and tried with
 * stand-ins of the three commands only: nobody here has an LSF.
 */
import type { BatchOptions } from '../operators/batch-options.ts';
import { ask, batchPlace, gpuRefusal, roomFor, type JobState } from './batch-place.ts';
import { RuntimeUnavailable, type EndReason, type Place, type Program } from './program.ts';

/** Jobs that wait, run or are suspended; DONE and EXIT are final, and so is a job that is known no more. */
const UNFINISHED = ['PEND', 'PSUSP', 'RUN', 'USUSP', 'SSUSP', 'WAIT', 'PROV', 'UNKWN'];
const reasons: Readonly<Record<string, EndReason>> = { TERM_RUNLIMIT: 'time', TERM_DEADLINE: 'time', TERM_MEMLIMIT: 'memory', TERM_SWAP: 'memory', TERM_PROCESSLIMIT: 'processes', TERM_THREADLIMIT: 'processes' };

export function lsf(options: BatchOptions): Place {
  return batchPlace({
    async submit(line, program, run) {
      // Not requeued: a second run would find the files of the first. No mail: the output goes nowhere, the script keeps it.
      const flags = ['-J', run.name, '-o', '/dev/null', '-cwd', run.folder, '-rn', '-env', 'none', ...flagsOf(program, options)];
      const said = await ask(['bsub', ...flags], run, `#!/bin/sh\n${line}\n`).catch((error: unknown) => {
        throw gpuRefusal(program, error) ?? error;
      });
      const job = /^Job <(\d+)>/m.exec(said)?.[1];
      if (job === undefined) throw new RuntimeUnavailable(`bsub gave no number of a job: ${said.trim().slice(0, 200)}`);
      return job;
    },
    state: async (job, run) => stateOf(await ask(['bjobs', '-a', '-json', '-o', 'jobid stat exit_reason', job], run).catch(ofForgotten)),
    cancel: async (job, run) => void (await ask(['bkill', job], run).catch(unlessOver)),
  });
}

/** A minute more than the script itself grants; LSF counts minutes. */
function flagsOf({ limits, gpu }: Program, { partition, account }: BatchOptions): string[] {
  return [
    '-n', '1', '-W', String(Math.ceil(limits.seconds / 60) + 1), '-M', `${roomFor(limits)}MB`, ...(gpu ? ['-gpu', 'num=1'] : []),
    ...(partition === undefined ? [] : ['-q', partition]), ...(account === undefined ? [] : ['-P', account]),
  ];
}

function ofForgotten(error: unknown): string {
  if (error instanceof RuntimeUnavailable && /is not found/i.test(error.message)) return '';
  throw error;
}

/** It ended by itself meanwhile. */
function unlessOver(error: unknown): void {
  if (!(error instanceof RuntimeUnavailable && /already finished|is not found/i.test(error.message))) throw error;
}

/** { "RECORDS": [{ "JOBID": "7", "STAT": "EXIT", "EXIT_REASON": "TERM_RUNLIMIT: job killed after …" }] }; a job that is forgotten has an ERROR instead. */
function stateOf(text: string): JobState {
  const record = text === '' ? {} : (JSON.parse(text) as { RECORDS?: readonly { STAT?: string; EXIT_REASON?: string }[] }).RECORDS?.[0] ?? {};
  const reason = reasons[/^TERM_[A-Z]+/.exec(record.EXIT_REASON ?? '')?.[0] ?? ''];
  return { isOver: record.STAT === undefined || !UNFINISHED.includes(record.STAT), ...(reason ? { reason } : {}) };
}
