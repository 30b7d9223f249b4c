/** Runs a process: every node once, in the order of their dependencies. */
import { Cube } from '../cube/cube.ts';
import { OpenEOError, type NodePath } from '../errors.ts';
import { checkedArguments, checkParameter } from './checked-arguments.ts';
import { GraphCallback } from './graph-callback.ts';
import type { Environment, Graph, GraphNode, ParsedProcess } from './graph.ts';
import { locate, located } from './location.ts';
import { Origins } from './origin.ts';
import { isAbsent } from './parse-arguments.ts';
import { parse } from './parse.ts';
import type { Call, ProcessRegistry } from './process.ts';
import { environmentOf, type Bindings } from './resolve.ts';
import type { Scope } from './scope.ts';
import { STEPS_PER_NODE } from './steps.ts';
import type { Arguments, Value } from './value.ts';
import type { ProcessGraph } from './wire.ts';

/**
 * Parses and runs a process (`{process_graph, parameters?, id?}`) and returns the value of its result
 * node. Nodes that the result does not depend on run too. `parameters` are the values of the process's
 * own parameters. Throws the OpenEOError of the first thing that is wrong, with the path of its node,
 * and the reason of `scope.signal` when that is aborted.
 */
export async function evaluate(
  definition: unknown, registry: ProcessRegistry, scope: Scope, parameters: Readonly<Record<string, Value>> = {},
): Promise<Value> {
  return evaluateParsed(parse(definition, registry, Object.keys(parameters)), scope, parameters);
}

/** A value, and how a cube in it can be made again by somebody else. */
export interface TracedValue {
  readonly value: Value;
  /** The self-contained graph of a cube that a node of the process made: its parameters are values. */
  readonly originOf: (cube: Cube) => ProcessGraph;
}

/** `evaluate`, for who must tell others how the result was made. */
export async function evaluateTraced(definition: unknown, registry: ProcessRegistry, scope: Scope, parameters: Readonly<Record<string, Value>> = {}): Promise<TracedValue> {
  const process = parse(definition, registry, Object.keys(parameters));
  tellNotes(process, scope);
  const evaluation = new Evaluation(process.graph, bindParameters(process, parameters), scope);
  return { value: await evaluation.run(), originOf: (cube) => evaluation.originOf(cube) };
}

/** The same for a process that has been parsed before, e.g. once for many map tiles. */
async function evaluateParsed(process: ParsedProcess, scope: Scope, parameters: Readonly<Record<string, Value>> = {}): Promise<Value> {
  tellNotes(process, scope);
  return new Evaluation(process.graph, bindParameters(process, parameters), scope).run();
}

function tellNotes({ notes }: ParsedProcess, { log }: Scope): void {
  for (const { level, message, path } of notes) log[level](message, { path });
}

/** Values of the parameters, checked against their schemas; the default where none is given. */
function bindParameters({ id, graph }: ParsedProcess, given: Readonly<Record<string, Value>>): Environment {
  const process = id ?? 'process';
  const environment = new Map<string, Value>(Object.entries(given));
  for (const description of graph.parameters) {
    const { name, schema, optional, default: value } = description;
    const found = Object.hasOwn(given, name) ? given[name] : undefined;
    if (found !== undefined && !isAbsent(found, description)) checkParameter(process, name, found, schema);
    else if (optional === true || value !== undefined) environment.set(name, (value ?? null) as Value);
    else throw new OpenEOError('ProcessParameterRequired', { process, parameter: name });
  }
  return environment;
}

/** Cubes are lazy: what takes long is told by who reads them. */
function tellOutcome({ scope, path }: Call, result: Value, ms: number): void {
  const shape = result instanceof Cube ? result.dimensions.map(({ name, size }) => `${name} ${size}`).join(' × ') : null;
  scope.log.debug(`${path.at(-1)!.process_id}: ${shape === null ? 'done' : `a data cube with ${shape || 'no dimensions'}`}`, { path, data: { ms: Math.round(ms) } });
}

class Evaluation {
  readonly #graph: Graph;
  readonly #environment: Environment;
  readonly #scope: Scope;
  readonly #origins: Origins;
  readonly #results = new Map<string, Value>();
  /** The nodes that stand for this graph, outermost first. */
  readonly #path: NodePath;

  constructor(graph: Graph, environment: Environment, scope: Scope, origins = new Origins(), path: NodePath = []) {
    this.#graph = graph;
    this.#environment = environment;
    this.#scope = scope;
    this.#origins = origins;
    this.#path = path;
  }

  async run(): Promise<Value> {
    for (const node of this.#graph.nodes) {
      this.#scope.signal.throwIfAborted();
      this.#results.set(node.id, await this.#runNode(node));
    }
    return this.#results.get(this.#graph.result.id)!;
  }

  originOf(cube: Cube): ProcessGraph {
    return this.#origins.graphOf(cube);
  }

  async #runNode(node: GraphNode): Promise<Value> {
    const call = this.#callOf(node);
    try {
      const args = checkedArguments(node, this.#bindings(call));
      // Cubes that come out of it were made by the nodes inside: their history knows no user-defined processes.
      if (node.process.graph) return await this.#runInside(node.process.graph, args, call);
      const started = performance.now();
      const result = located(await node.process.run(args, call), call.path);
      tellOutcome(call, result, performance.now() - started);
      this.#origins.record(result, node.process, args);
      return result;
    } catch (error) {
      throw locate(error, call.path);
    }
  }

  /** A process made of others sees its own parameters only. */
  #runInside(graph: Graph, args: Arguments, { path }: Call): Promise<Value> {
    return new Evaluation(graph, environmentOf(graph, args), this.#scope, this.#origins, path).run();
  }

  #bindings(call: Call): Bindings {
    return { results: this.#results, environment: this.#environment, toCallback: (graph) => new GraphCallback(graph, this.#environment, call) };
  }

  #callOf(node: GraphNode): Call {
    const path = [...this.#path, { node_id: node.id, process_id: node.process.description.id }];
    return {
      scope: this.#scope.at?.(path) ?? this.#scope,
      path,
      originOf: (cube) => this.originOf(cube),
      steps: { left: STEPS_PER_NODE },
    };
  }
}
