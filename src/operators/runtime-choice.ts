/** How the operators of one job are run, where the job says so: in another runtime, or with options of its own for the batch system. No vector depends on it. */
import { OpenEOError } from '../errors.ts';
import { chosenBatchOptions, nothingAllowed, type BatchOptions, type BatchRules } from './batch-options.ts';
import { canRun, checkRuntime } from './called-operator.ts';
import type { Operator, OperatorRegistry } from './operator.ts';
import { runtimeNamed, type RuntimeName } from './reference.ts';

export interface RuntimeChoice {
  /** For all operators, whatever their references say; absent: as those say. */
  readonly runtime?: RuntimeName;
  /** Beside and before those of the service. */
  readonly batch?: BatchOptions;
}

/** What jobs may ask for. */
export interface RuntimeRules {
  readonly runtimes: readonly RuntimeName[];
  readonly batch: BatchRules;
}

export const usualRules: RuntimeRules = { runtimes: ['onnx', 'bubblewrap'], batch: nothingAllowed };

/** What `job_options` may hold. Other things in it are for other back-ends. */
export const JOB_OPTIONS = ['runtime', 'slurm'] as const;

/** Reads `job_options`. Throws RangeError that names what is not allowed, as the end of a sentence. */
export function readJobOptions(given: unknown, { runtimes, batch }: RuntimeRules): RuntimeChoice {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new RangeError('it must be an object.');
  const { runtime, slurm } = given as Readonly<Record<string, unknown>>;
  return {
    ...(runtime === undefined || runtime === null ? {} : { runtime: allowedRuntime(runtime, runtimes) }),
    ...(slurm === undefined || slurm === null ? {} : { batch: allowedBatch(slurm, runtimes, batch) }),
  };
}

function allowedRuntime(given: unknown, runtimes: readonly RuntimeName[]): RuntimeName {
  const found = typeof given === 'string' ? runtimeNamed(given) : null;
  if (found !== null && runtimes.includes(found)) return found;
  throw new RangeError(`'runtime' must be one of ${runtimes.join(', ')}.`);
}

function allowedBatch(given: unknown, runtimes: readonly RuntimeName[], rules: BatchRules): BatchOptions {
  if (!runtimes.some((name) => name.startsWith('slurm+'))) throw new RangeError("'slurm': this service hands no operators to Slurm.");
  try {
    return chosenBatchOptions(given, rules);
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`'slurm': ${error.message}.`) : error;
  }
}

/**
 * The operator as a job wants it run. Its reference stays: what is computed is the same. Throws OperatorRuntimeUnavailable for a
 * runtime that can't run its kind, or that does not isolate an operator that must be.
 */
export function runAs<O extends Operator>(operator: O, { runtime, batch }: RuntimeChoice): O {
  if (runtime !== undefined && !canRun(operator.manifest, runtime)) {
    const { name, version, kind } = operator.manifest;
    throw new OpenEOError('OperatorRuntimeUnavailable', { operator: `${name}:${version}`, reason: `it is of the kind '${kind}', which '${runtime}' can't run` });
  }
  // What must be isolated stays so.
  if (runtime !== undefined) checkRuntime({ ...operator, runtime }, [runtime]);
  return { ...operator, ...(runtime === undefined ? {} : { runtime }), ...(batch === undefined ? {} : { batch }) };
}

/** The same operators, run as a job wants it. */
export function chosenOperators(operators: OperatorRegistry, choice: RuntimeChoice | undefined): OperatorRegistry {
  if (!choice) return operators;
  return {
    list: () => operators.list(),
    resolve: (reference, options) => runAs(operators.resolve(reference, options), choice),
    caveat: (operator) => operators.caveat?.(operator) ?? null,
  };
}
