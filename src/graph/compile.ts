/**
 * Compiles callbacks to kernels: one loop over all cells in which every node is a few statements.
 *
 * The code is made of numbers and of names that the compiler invents; texts of the client never get into
 * it. Callbacks with something in them that can't be written that way are interpreted cell by cell.
 */
import { CodeWriter } from './code-writer.ts';
import { NotCompilable, type CallbackOperand, type Operand } from './emit.ts';
import type { Argument, Environment, Graph, GraphNode } from './graph.ts';
import { writeCallback } from './callback-writer.ts';
import { GraphWriter } from './graph-writer.ts';
import { interpretedKernel, type Interpret } from './interpreted-kernel.ts';
import type { Kernel, KernelInput } from './kernel.ts';
import { createLoop, inputOperand, loopKernel, type Loop } from './loop.ts';
import { locate } from './location.ts';
import type { Call, Process } from './process.ts';
import type { Value } from './value.ts';

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
    const kernel = compileLoop(request);
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

function compileLoop(request: CompileRequest): Kernel {
  const { graph, inputs } = request;
  const constants = [...request.constants].map(([name, value]): [string, Operand] => [name, { kind: 'constant', value }]);
  const write = (hasNulls: boolean): Loop => {
    const writer: CodeWriter = new CodeWriter((callback, parameters) => inline(writer, callback, parameters));
    const operands = inputs.map((input, i): [string, Operand] => [input.name, inputOperand(writer, input, i, hasNulls)]);
    const result = writeGraph(writer, graph, new Map([...constants, ...operands]), request.call);
    return createLoop(writer, result, inputs.length);
  };
  return loopKernel(write);
}

function inline(writer: CodeWriter, callback: CallbackOperand, parameters: Readonly<Record<string, Operand>>): Operand {
  const environment = new Map(callback.environment);
  for (const { name, default: value } of callback.graph.parameters) environment.set(name, { kind: 'constant', value: (value ?? null) as Value });
  for (const [name, operand] of Object.entries(parameters)) environment.set(name, operand);
  return writeGraph(writer, callback.graph, environment, callback.call);
}

type OperandEnvironment = ReadonlyMap<string, Operand>;

function writeGraph(writer: CodeWriter, graph: Graph, environment: OperandEnvironment, parent: Call): Operand {
  const results = new Map<string, Operand>();
  for (const node of graph.nodes) {
    const call = { ...parent, path: [...parent.path, { node_id: node.id, process_id: node.process.description.id }] };
    try {
      results.set(node.id, writer.within(call, () => writeNode(writer, node, results, environment, call)));
    } catch (error) {
      throw locate(error, call.path);
    }
  }
  return results.get(graph.result.id)!;
}

function writeNode(writer: CodeWriter, node: GraphNode, results: ReadonlyMap<string, Operand>, environment: OperandEnvironment, call: Call): Operand {
  const given = new Map<string, Operand>();
  for (const { name, default: value } of node.process.description.parameters) {
    const argument = node.arguments.get(name);
    if (argument) given.set(name, operandOf(writer, argument, results, environment, call));
    else if (value !== undefined) given.set(name, { kind: 'constant', value: value as Value });
  }
  if (node.process.graph) return writeInside(writer, node.process.graph, given, call);
  const operands = Object.fromEntries(given);
  const known = Object.entries(operands).flatMap(([name, operand]) => (operand.kind === 'constant' ? [[name, operand.value] as const] : []));
  if (known.length === Object.keys(operands).length) return fold(writer, node.process, Object.fromEntries(known), call);
  return node.process.emit ? node.process.emit(operands, writer) : writer.giveUp(`${node.process.description.id} has no code`);
}

/** A process made of others sees its own parameters only; those without a value hold null. */
function writeInside(writer: CodeWriter, graph: Graph, given: OperandEnvironment, call: Call): Operand {
  return writeGraph(writer, graph, new Map(graph.parameters.map(({ name }) => [name, given.get(name) ?? { kind: 'constant', value: null }])), call);
}

/** A node that depends on no input runs once, now. */
function fold(writer: CodeWriter, process: Process, args: Readonly<Record<string, Value>>, call: Call): Operand {
  const value = process.run(args, call);
  return value instanceof Promise ? writer.giveUp(`${process.description.id} is not synchronous`) : { kind: 'constant', value };
}

function operandOf(writer: CodeWriter, argument: Argument, results: ReadonlyMap<string, Operand>, environment: OperandEnvironment, call: Call): Operand {
  const inner = (part: Argument) => operandOf(writer, part, results, environment, call);
  switch (argument.kind) {
    case 'literal': return { kind: 'constant', value: argument.value };
    case 'node': return results.get(argument.id)!;
    case 'parameter': return environment.get(argument.name) ?? { kind: 'constant', value: null };
    case 'callback': return { kind: 'callback', graph: argument.graph, environment, call };
    case 'array': {
      const items = argument.items.map(inner);
      if (items.every((item) => item.kind === 'constant')) return { kind: 'constant', value: items.map((item) => item.value) };
      return writer.tuple(items.map((item) => writer.asScalar(item)));
    }
    case 'object': {
      const entries = [...argument.entries].map(([key, entry]) => [key, inner(entry)] as const);
      const known = entries.flatMap(([key, entry]) => (entry.kind === 'constant' ? [[key, entry.value] as const] : []));
      return known.length === entries.length ? { kind: 'constant', value: Object.fromEntries(known) } : writer.giveUp('an object of computed values');
    }
  }
}

