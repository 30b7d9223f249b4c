/** The callback that the evaluator hands to processes. */
import { OpenEOError } from '../errors.ts';
import { Callback } from './callback.ts';
import { compileCallback } from './compile.ts';
import { checkedArguments } from './checked-arguments.ts';
import type { Environment, Graph, GraphNode } from './graph.ts';
import { writeCallback } from './callback-writer.ts';
import type { Interpret } from './interpreted-kernel.ts';
import type { Kernel, KernelInput } from './kernel.ts';
import { locate, located } from './location.ts';
import type { Call } from './process.ts';
import { STEPS_PER_CELL, takeStep } from './steps.ts';
import { environmentOf, resolve, withDefaults, type Bindings } from './resolve.ts';
import type { Arguments, Value } from './value.ts';
import type { ProcessGraph } from './wire.ts';

export class GraphCallback extends Callback {
  readonly #graph: Graph;
  readonly #environment: Environment;
  readonly #call: Call;
  readonly #calls: ReadonlyMap<GraphNode, Call>;

  /** `call` is that of the node the callback was given to. */
  constructor(graph: Graph, environment: Environment, call: Call) {
    super();
    this.#graph = graph;
    this.#environment = environment;
    this.#call = call;
    this.#calls = new Map(graph.nodes.map((node) => [node, callOf(node, call)]));
  }

  override get processGraph(): ProcessGraph {
    return writeCallback(this.#graph, this.#environment);
  }

  override interpret(parameters: Readonly<Record<string, Value>>): Value {
    const environment = this.#bind(parameters);
    const results = new Map<string, Value>();
    for (const node of this.#graph.nodes) results.set(node.id, this.#run(node, results, environment));
    return results.get(this.#graph.result.id)!;
  }

  override async evaluate(parameters: Readonly<Record<string, Value>>, signal?: AbortSignal): Promise<Value> {
    const environment = this.#bind(parameters);
    const results = new Map<string, Value>();
    for (const node of this.#graph.nodes) {
      signal?.throwIfAborted();
      results.set(node.id, await this.#runOnCubes(node, results, environment, signal));
    }
    return results.get(this.#graph.result.id)!;
  }

  override compile(inputs: readonly KernelInput[], constants: Readonly<Record<string, Value>> = {}): Kernel {
    const own = this.#kernelOfProcess(inputs, constants);
    if (own) return own;
    const given = new Set([...inputs.map((input) => input.name), ...Object.keys(constants)]);
    const defaults = this.#graph.parameters.filter((p) => !given.has(p.name)).map((p): [string, Value] => [p.name, (p.default ?? null) as Value]);
    return compileCallback({
      graph: this.#graph,
      constants: new Map([...this.#environment, ...defaults, ...Object.entries(constants)]),
      inputs,
      call: this.#call,
      interpret: this.#interpretCell(constants),
    });
  }

  /** Every cell may take so many steps. */
  #interpretCell(constants: Readonly<Record<string, Value>>): Interpret {
    const steps = { left: 0 };
    const callback = new GraphCallback(this.#graph, this.#environment, { ...this.#call, steps });
    return (parameters) => {
      steps.left = STEPS_PER_CELL;
      return callback.interpret({ ...constants, ...parameters });
    };
  }

  /** The kernel of the only node, when its process has one. */
  #kernelOfProcess(inputs: readonly KernelInput[], constants: Readonly<Record<string, Value>>): Kernel | null {
    const [node] = this.#graph.nodes;
    const data = node?.arguments.get('data');
    const index = data?.kind === 'parameter' ? inputs.findIndex((input) => input.name === data.name) : -1;
    if (!node?.process.kernel || this.#graph.nodes.length > 1 || index < 0) return null;
    const call = this.#calls.get(node)!;
    const bindings = this.#bindings(new Map(), this.#bind(constants), call);
    const others = [...node.arguments].filter(([name]) => name !== 'data').map(([name, argument]) => [name, resolve(argument, bindings)]);
    try {
      const kernel = node.process.kernel(withDefaults(Object.fromEntries(others), node.process), inputs[index]!, call);
      return kernel && { ...kernel, run: (blocks, outer, inner) => kernel.run([blocks[index]!], outer, inner) };
    } catch (error) {
      throw locate(error, call.path);
    }
  }

  #bind(parameters: Readonly<Record<string, Value>>): Environment {
    const environment = new Map(this.#environment);
    for (const { name, default: value } of this.#graph.parameters) environment.set(name, (value ?? null) as Value);
    for (const [name, value] of Object.entries(parameters)) environment.set(name, value);
    return environment;
  }

  async #runOnCubes(node: GraphNode, results: ReadonlyMap<string, Value>, environment: Environment, signal?: AbortSignal): Promise<Value> {
    const call = { ...this.#calls.get(node)!, originOf: () => { throw notInCallback(node.process.description.id); } };
    try {
      const args = checkedArguments(node, this.#bindings(results, environment, call));
      if (node.process.graph) return await this.#inside(node.process.graph, call).evaluate(valuesOf(node.process.graph, args), signal);
      return located(await node.process.run(args, call), call.path);
    } catch (error) {
      throw locate(error, call.path);
    }
  }

  #bindings(results: ReadonlyMap<string, Value>, environment: Environment, call: Call): Bindings {
    return { results, environment, toCallback: (graph) => new GraphCallback(graph, environment, call) };
  }

  #run(node: GraphNode, results: ReadonlyMap<string, Value>, environment: Environment): Value {
    const call = this.#calls.get(node)!;
    if (call.steps) takeStep(call.steps);
    try {
      const bindings = this.#bindings(results, environment, call);
      const given = Object.fromEntries([...node.arguments].map(([name, argument]) => [name, resolve(argument, bindings)]));
      const args = withDefaults(given, node.process);
      if (node.process.graph) return this.#inside(node.process.graph, call).interpret(valuesOf(node.process.graph, args));
      const result = node.process.run(args, call);
      if (result instanceof Promise) throw notSynchronous(node.process.description.id);
      return result;
    } catch (error) {
      throw locate(error, call.path);
    }
  }

  /** A process made of others sees its own parameters only. */
  #inside(graph: Graph, call: Call): GraphCallback {
    return new GraphCallback(graph, new Map(), call);
  }
}

const valuesOf = (graph: Graph, args: Arguments) => Object.fromEntries(environmentOf(graph, args));

/** Cube processes and the like work on whole cubes and may wait for data: nothing for a single pixel. */
function notSynchronous(process: string): OpenEOError {
  return new OpenEOError('ProcessGraphInvalid', {}, { detail: `The process '${process}' can’t be used inside a callback, which works on single values or arrays.` });
}

/** The parts of a callback have no graph of their own by which another worker could make them again. */
function notInCallback(process: string): OpenEOError {
  return new OpenEOError('ProcessGraphInvalid', {}, { detail: `The process '${process}' can’t be used inside a callback: use it on the whole cube.` });
}

function callOf(node: GraphNode, parent: Call): Call {
  return { ...parent, path: [...parent.path, { node_id: node.id, process_id: node.process.description.id }] };
}
