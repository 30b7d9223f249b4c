/** What a job says of how its operators are run. */
import { invalidArgument } from '../errors.ts';
import type { RunContext } from '../jobs/run.ts';
import { JOB_OPTIONS, readJobOptions, usualRules, type RuntimeChoice, type RuntimeRules } from '../operators/runtime-choice.ts';

/**
 * From `job_options`; nothing where the job has none. Warns in its log of what this service knows nothing of. Checked again, because the
 * service may allow less than when the job was made: throws ProcessParameterInvalid.
 */
export function chosenRuntime({ job, log }: Pick<RunContext, 'job' | 'log'>, rules: RuntimeRules = usualRules): { readonly run?: RuntimeChoice } {
  const { job_options: options } = job.definition;
  if (options === undefined || options === null) return {};
  const foreign = Object.keys(options).filter((name) => !(JOB_OPTIONS as readonly string[]).includes(name));
  if (foreign.length > 0) log.warning(`job_options: this service knows nothing of ${foreign.map((name) => `'${name.slice(0, 100)}'`).join(', ')}; it knows ${JOB_OPTIONS.join(', ')}`);
  try {
    const run = readJobOptions(options, rules);
    return Object.keys(run).length === 0 ? {} : { run };
  } catch (error) {
    throw error instanceof RangeError ? invalidArgument('POST /jobs', 'job_options', error.message) : error;
  }
}
