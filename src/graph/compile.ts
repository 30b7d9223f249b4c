/**
 * Compiles callbacks to kernels: one loop over all cells in which every node is a few statements.
 *
 * The code is made of numbers and of names that the compiler invents; texts of the client never get into
 * it. Callbacks with something in them that can't be written that way are interpreted cell by cell.
 */
import { CodeWriter } from './code-writer.ts';
import { NotCompilable, type CallbackOperand, type ConstantOperand, type Operand } from './emit.ts';
import type { Environment, Graph } from './graph.ts';
import { writeCallback } from './callback-writer.ts';
import { GraphWriter } from './graph-writer.ts';
import { interpretedKernel, type Interpret } from './interpreted-kernel.ts';
import type { Kernel, KernelInput } from './kernel.ts';
import { laneKernel } from './lanes/lane-kernel.ts';
import { writeProgram } from './lanes/program.ts';
import { createLoop, inputOperand, loopKernel, type Loop } from './loop.ts';
import type { Call, Process } from './process.ts';
import type { Value } from './value.ts';
import { writeGraph, type Target } from './walk.ts';

/** A callback and everything it is bound to. */
export interface CompileRequest {
  readonly graph: Graph;
  /** Parameters with one value for all cells, those of the parent graphs included. */
  readonly constants: Environment;
  readonly inputs: readonly KernelInput[];
  /** Of the node the callback was given to. */
  readonly call: Call;
  readonly interpret: Interpret;
}

/** Kernels by what they were compiled from; per process object, so that registries don't mix. */
const compiled = new WeakMap<Process, Map<string, Kernel>>();
const MAX_KERNELS = 64;

/** The kernel of a callback, from the cache or new. Throws OpenEOError when the graph can't work on such inputs. */
export function compileCallback(request: CompileRequest): Kernel {
  const key = keyOf(request);
  const cache = cacheOf(request.graph.result.process);
  const known = key === null ? undefined : cache.get(key);
  if (known) return known;
  try {
    const kernel = compileKernel(request);
    if (key !== null) remember(cache, key, kernel);
    return kernel;
  } catch (error) {
    if (error instanceof NotCompilable) return interpretedKernel(request.inputs, request.interpret);
    throw error;
  }
}

function cacheOf(process: Process): Map<string, Kernel> {
  const cache = compiled.get(process) ?? new Map<string, Kernel>();
  compiled.set(process, cache);
  return cache;
}

function remember(cache: Map<string, Kernel>, key: string, kernel: Kernel): void {
  if (cache.size >= MAX_KERNELS) cache.delete(cache.keys().next().value!);
  cache.set(key, kernel);
}

/** Graph, inputs and constants as text; null when a constant has no text, such as a cube. */
function keyOf({ graph, constants, inputs }: CompileRequest): string | null {
  try {
    const own = graph.parameters.map((p) => p.name).filter((name) => constants.has(name));
    const writer = new GraphWriter(() => {
      throw new NotCompilable('a cube is no constant');
    });
    const values = own.map((name) => [name, writer.value(constants.get(name)!)]);
    return JSON.stringify([writeCallback(graph, constants), inputs, values, writer.nodes]);
  } catch {
    return null;
  }
}

/** The JavaScript kernel, which runs by lanes where the callback has a form for them and the block is large enough. */
function compileKernel(request: CompileRequest): Kernel {
  const kernel = compileLoop(request);
  const program = writeProgram(request, kernel.dtype, kernel.length);
  return program ? laneKernel(program, kernel) : kernel;
}

type CodeOperand = Exclude<Operand, ConstantOperand>;

function compileLoop(request: CompileRequest): Kernel {
  const { graph, inputs } = request;
  const constants = [...request.constants].map(([name, value]): [string, Operand] => [name, { kind: 'constant', value }]);
  const longest = Math.max(0, ...inputs.map(({ labels }) => labels?.length ?? 0));
  const write = (hasNulls: boolean): Loop => {
    const writer: CodeWriter = new CodeWriter((callback, parameters) => inline(writer, callback, parameters), longest);
    const operands = inputs.map((input, i): [string, Operand] => [input.name, inputOperand(writer, input, i, hasNulls)]);
    const result = writeGraph<CodeOperand>(targetOf(writer), graph, new Map([...constants, ...operands]), request.call);
    return createLoop(writer, result, inputs.length);
  };
  return loopKernel(write);
}

function inline(writer: CodeWriter, callback: CallbackOperand, parameters: Readonly<Record<string, Operand>>): Operand {
  const environment = new Map(callback.environment);
  for (const { name, default: value } of callback.graph.parameters) environment.set(name, { kind: 'constant', value: (value ?? null) as Value });
  for (const [name, operand] of Object.entries(parameters)) environment.set(name, operand);
  return writeGraph<CodeOperand>(targetOf(writer), callback.graph, environment, callback.call);
}

function targetOf(writer: CodeWriter): Target<CodeOperand> {
  return {
    write: (process, operands, call) => writer.within(call, () => process.emit?.(operands, writer) ?? writer.giveUp(`${process.description.id} has no code`)),
    callback: (graph, environment, call) => ({ kind: 'callback', graph, environment, call }),
    tuple: (items) => writer.tuple(items.map((item) => writer.asScalar(item))),
  };
}
