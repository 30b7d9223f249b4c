/** A child process graph given as an argument, e.g. the reducer of reduce_dimension. */
import type { Kernel, KernelInput } from './kernel.ts';
import type { Value } from './value.ts';
import type { ProcessGraph } from './wire.ts';

/** Made by the evaluator, which has validated the graph and bound the parameters of the parent scopes. */
export abstract class Callback {
  /** The graph as the client sent it, parent parameters replaced by their values. */
  abstract readonly processGraph: ProcessGraph;

  /**
   * Compiles the callback to one fused loop. `constants` are parameters with one value for all cells
   * (e.g. context). Throws OpenEOError when the graph can't be applied to such inputs.
   */
  abstract compile(inputs: readonly KernelInput[], constants?: Readonly<Record<string, Value>>): Kernel;

  /** The reference interpreter: runs the callback once for the given parameter values. */
  abstract interpret(parameters: Readonly<Record<string, Value>>): Value;

  /**
   * Runs the callback once on values of any kind, cubes included, whose processes may wait for data. Throws
   * what its processes throw, with the path of the node, and the reason of the signal when that is aborted.
   */
  evaluate(parameters: Readonly<Record<string, Value>>, signal?: AbortSignal): Promise<Value> {
    signal?.throwIfAborted();
    return Promise.resolve(this.interpret(parameters));
  }
}
