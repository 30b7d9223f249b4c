/**
 * Where a service runs its operators: models in the threads of the worker, everything else as programs. A block goes to what its
 * operator's reference names, if the service allows that.
 */
import { OpenEOError } from '../errors.ts';
import type { Log } from '../log.ts';
import { checkRuntime } from '../operators/called-operator.ts';
import type { Operator, OperatorRuntime } from '../operators/operator.ts';
import type { RuntimeName } from '../operators/reference.ts';
import { BlockQueue } from './block-queue.ts';
import { RuntimeUnavailable } from './program.ts';
import type { BlocksDone, ProcessRuntime } from './process-runtime.ts';

export interface OperatorRuntimeOptions {
  /** Runs operators of the kind 'onnx' in threads. Closed with this. */
  readonly onnx: OperatorRuntime;
  /** Gives the runtime of a name other than 'onnx'. */
  readonly runtimes: (name: RuntimeName) => ProcessRuntime;
  /** The runtimes that operators may be run in. */
  readonly allowed: readonly RuntimeName[];
  /** Programs at a time. */
  readonly concurrency: number;
  readonly log: Log;
  /** Told what each run of a program said and took. */
  readonly onRun?: (operator: Operator, done: BlocksDone) => void;
}

/**
 * One interface to all runtimes. `run` throws OperatorRuntimeUnavailable for a runtime that is not allowed or does not work here,
 * and OperatorFailed for a program that failed; an operator that is no ONNX model is never run in this process.
 */
export function createOperatorRuntime(options: OperatorRuntimeOptions): OperatorRuntime {
  const queues = new Map<RuntimeName, BlockQueue>();
  const queueOf = (name: RuntimeName) => {
    const known = queues.get(name) ?? new BlockQueue(options.runtimes(name), options);
    queues.set(name, known);
    return known;
  };
  return {
    async run(operator, input, rows, columns, signal) {
      const name = runtimeFor(operator, options.allowed);
      if (name === 'onnx') return options.onnx.run(operator, input, rows, columns, signal);
      try {
        return await queueOf(name).run(operator, input, rows, columns, signal);
      } catch (error) {
        throw error instanceof RuntimeUnavailable ? unavailable(operator, error.message, error) : error;
      }
    },
    async close() {
      await Promise.all([options.onnx.close(), ...[...queues.values()].map((queue) => queue.close())]);
    },
  };
}

/** What the operator is to run in. Throws OperatorRuntimeUnavailable, naming what is allowed. */
function runtimeFor(operator: Operator, allowed: readonly RuntimeName[]): RuntimeName {
  checkRuntime(operator, allowed);
  const found = operator.runtime as RuntimeName;
  if (found === 'onnx' && operator.manifest.kind !== 'onnx') throw unavailable(operator, 'only ONNX models run in the service itself');
  return found;
}

function unavailable({ manifest }: Operator, reason: string, cause?: unknown): OpenEOError {
  return new OpenEOError('OperatorRuntimeUnavailable', { operator: `${manifest.name}:${manifest.version}`, reason }, { cause });
}
