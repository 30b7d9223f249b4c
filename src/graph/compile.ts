/** Compiles callbacks to kernels. */
import type { Callback } from './callback.ts';
import type { Environment, Graph, GraphNode } from './graph.ts';
import { interpretedKernel, type Interpret } from './interpreted-kernel.ts';
import type { Kernel, KernelInput } from './kernel.ts';
import type { Call } from './process.ts';

/** A callback and everything it is bound to. */
export interface CompileRequest {
  readonly graph: Graph;
  /** Parameters with one value for all cells. */
  readonly constants: Environment;
  readonly inputs: readonly KernelInput[];
  readonly calls: ReadonlyMap<GraphNode, Call>;
  readonly interpret: Interpret;
  readonly toCallback: (graph: Graph, environment: Environment, call: Call) => Callback;
}

export function compileCallback(request: CompileRequest): Kernel {
  return interpretedKernel(request.inputs, request.interpret);
}
