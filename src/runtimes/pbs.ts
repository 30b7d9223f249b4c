/** PBS and Torque: jobs are submitted with qsub, looked at with qstat and cancelled with qdel. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ask, batchPlace, gpuRefusal, roomFor, type JobState } from './batch-place.ts';
import type { BatchOptions } from '../operators/batch-options.ts';
import { RuntimeUnavailable, type Place, type Program } from './program.ts';

export function pbs(options: BatchOptions): Place {
  return batchPlace({
    async submit(line, program, run) {
      // The name of a job has 15 characters at most. The output goes nowhere: the script keeps it.
      const flags = ['-N', run.name.slice(0, 15), '-j', 'oe', '-o', '/dev/null', ...flagsOf(program, options)];
      // A file, because not every qsub reads its script from standard input.
      const script = join(run.folder, 'job.sh');
      await writeFile(script, `#!/bin/sh\n${line}\n`, { mode: 0o700 });
      const said = await ask(['qsub', ...flags, script], run).catch((error: unknown) => {
        throw gpuRefusal(program, error) ?? error;
      });
      return said.trim().split('\n').at(-1)!;
    },
    state: async (job, run) => stateOf(await ask(['qstat', '-f', job], run).catch(ofForgotten)),
    cancel: async (job, run) => void (await ask(['qdel', job], run)),
  });
}

function flagsOf({ limits, gpu }: Program, { partition, account }: BatchOptions): string[] {
  const seconds = limits.seconds + 60;
  const walltime = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.ceil(seconds % 60)].map((part) => String(part).padStart(2, '0')).join(':');
  const resources = `walltime=${walltime},nodes=1:ppn=1${gpu ? ':gpus=1' : ''},mem=${roomFor(limits)}mb`;
  return ['-l', resources, ...(partition === undefined ? [] : ['-q', partition]), ...(account === undefined ? [] : ['-A', account])];
}

function ofForgotten(error: unknown): string {
  if (error instanceof RuntimeUnavailable && /unknown job|invalid job|job has finished/i.test(error.message)) return 'job_state = C';
  throw error;
}

/** C (Torque), F (OpenPBS) and X are final. */
function stateOf(text: string): JobState {
  const state = /job_state\s*=\s*(\w)/.exec(text)?.[1] ?? 'C';
  return { isOver: ['C', 'F', 'X'].includes(state) };
}
