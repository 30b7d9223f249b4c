/**
 * Accelerators (GPUs): what an operator wants of one, and what there is. `resources.gpu` means "uses one when it is there";
 * with `resources.accelerator_constrained` the operator is useless without.
 */
import { OpenEOError } from '../errors.ts';
import type { Operator, OperatorRuntime } from './operator.ts';

/** Where a machine, or all machines of a service together, have an accelerator that works. */
export interface Accelerators {
  /** For models that run in threads of the worker: an execution provider other than the processor. */
  readonly threads: boolean;
  /** For programs and containers on the same machine: devices of a driver. */
  readonly programs: boolean;
}

/**
 * Who gives an operator its accelerator: the threads of the worker, the machine, or a batch system, which knows itself what its
 * nodes have. null: nobody can, because models that are run as programs are computed by the processor alone.
 */
export type AcceleratorHost = keyof Accelerators | 'batch' | null;

type Called = Pick<Operator, 'manifest' | 'runtime'>;

export function acceleratorHost({ manifest, runtime }: Called): AcceleratorHost {
  if (runtime === 'onnx') return 'threads';
  if (manifest.kind === 'onnx') return null;
  return runtime.includes('+') ? 'batch' : 'programs';
}

/** True for an operator that is useless without an accelerator. */
export function isConstrained({ manifest }: Pick<Operator, 'manifest'>): boolean {
  return manifest.resources?.accelerator_constrained === true;
}

/** True when only workers with an accelerator of their own can run the operator. */
export function needsOwnAccelerator(operator: Called): boolean {
  return isConstrained(operator) && acceleratorHost(operator) !== 'batch';
}

/** Throws NoAccelerator for an operator that needs what there is not. `there` null: nobody knows yet, so nothing is refused. */
export function checkAccelerator(operator: Called, there: Accelerators | null): void {
  const reason = whyNoAccelerator(operator, there);
  if (reason !== null) throw noAccelerator(operator, reason);
}

/** Why an operator can't run for want of an accelerator, as the end of a sentence; null: it can, or nobody knows. */
export function whyNoAccelerator(operator: Called, there: Accelerators | null): string | null {
  return there === null || !isConstrained(operator) ? null : whyNone(operator, there);
}

/** What the user should know when an operator that wants an accelerator is computed without; null when it has one, or wants none. */
export function processorWarning(operator: Called, there: Accelerators): string | null {
  if (operator.manifest.resources?.gpu !== true) return null;
  const reason = whyNone(operator, there);
  return reason === null ? null : `The operator '${nameOf(operator)}' is made for an accelerator (a GPU) and is computed on the processor: ${reason}. The vectors are good, but it takes longer.`;
}

export function noAccelerator(operator: Called, reason: string, cause?: unknown): OpenEOError<'NoAccelerator'> {
  return new OpenEOError('NoAccelerator', { operator: nameOf(operator), reason }, { cause });
}

/** The runtime of a worker that refuses what it has no accelerator for. */
export function refusingWithoutAccelerator(runtime: OperatorRuntime, there: Accelerators): OperatorRuntime {
  return {
    async run(operator, ...rest) {
      checkAccelerator(operator, there);
      return runtime.run(operator, ...rest);
    },
    close: () => runtime.close(),
  };
}

/** null: there is one. */
function whyNone(operator: Called, there: Accelerators): string | null {
  const host = acceleratorHost(operator);
  if (host === null) return `in '${operator.runtime}' models are run by the processor; only in 'onnx' they get an accelerator, if they are trusted to run there`;
  if (host === 'batch' || there[host]) return null;
  return host === 'threads' ? 'no worker has an execution provider that works beside the processor' : `no worker has a device for '${operator.runtime}'`;
}

function nameOf({ manifest: { namespace, name, version } }: Called): string {
  return `${namespace === undefined ? '' : `${namespace}/`}${name}:${version}`;
}
