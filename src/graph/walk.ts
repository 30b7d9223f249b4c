/**
 * Goes through a callback's graph and has every node written by a target: as JavaScript (CodeWriter) or as
 * expressions for SIMD lanes (LaneWriter). What depends on no input is computed right away.
 */
import { NotCompilable, type ConstantOperand } from './emit.ts';
import type { Argument, Graph, GraphNode } from './graph.ts';
import { locate } from './location.ts';
import type { Call, Process } from './process.ts';
import type { Value } from './value.ts';

/** `O`: what the target's operands are besides constants. */
export interface Target<O extends { readonly kind: string }> {
  write(process: Process, operands: Readonly<Record<string, O | ConstantOperand>>, call: Call): O | ConstantOperand;
  callback(graph: Graph, environment: ReadonlyMap<string, O | ConstantOperand>, call: Call): O;
  /** An array of operands that are not all constant. */
  tuple(items: readonly (O | ConstantOperand)[]): O;
}

type Bindings<O> = ReadonlyMap<string, O | ConstantOperand>;

interface Walk<O extends { readonly kind: string }> {
  readonly target: Target<O>;
  readonly results: ReadonlyMap<string, O | ConstantOperand>;
  readonly environment: Bindings<O>;
}

/** Writes a graph; `parent` is the call of the node that the callback was given to. */
export function writeGraph<O extends { readonly kind: string }>(target: Target<O>, graph: Graph, environment: Bindings<O>, parent: Call): O | ConstantOperand {
  const results = new Map<string, O | ConstantOperand>();
  const walk = { target, results, environment };
  for (const node of graph.nodes) {
    const call = { ...parent, path: [...parent.path, { node_id: node.id, process_id: node.process.description.id }] };
    try {
      results.set(node.id, writeNode(walk, node, call));
    } catch (error) {
      throw locate(error, call.path);
    }
  }
  return results.get(graph.result.id)!;
}

function writeNode<O extends { readonly kind: string }>(walk: Walk<O>, node: GraphNode, call: Call): O | ConstantOperand {
  // A map first: the parameters of user-defined processes may be called '__proto__'.
  const given = new Map<string, O | ConstantOperand>();
  for (const { name, default: value } of node.process.description.parameters) {
    const argument = node.arguments.get(name);
    if (argument) given.set(name, operandOf(walk, argument, call));
    else if (value !== undefined) given.set(name, { kind: 'constant', value: value as Value });
  }
  if (node.process.graph) return writeInside(walk.target, node.process.graph, given, call);
  const operands = Object.fromEntries(given);
  const known = Object.entries(operands).flatMap(([name, operand]) => (isConstant(operand) ? [[name, operand.value] as const] : []));
  if (known.length === Object.keys(operands).length) return fold(node.process, Object.fromEntries(known), call);
  return walk.target.write(node.process, operands, call);
}

/** A process made of others sees its own parameters only; those without a value hold null. */
function writeInside<O extends { readonly kind: string }>(target: Target<O>, graph: Graph, given: Bindings<O>, call: Call): O | ConstantOperand {
  const own = graph.parameters.map(({ name }): [string, O | ConstantOperand] => [name, given.get(name) ?? { kind: 'constant', value: null }]);
  return writeGraph(target, graph, new Map(own), call);
}

const isConstant = (operand: { readonly kind: string }): operand is ConstantOperand => operand.kind === 'constant';

/** A node that depends on no input runs once, now. */
function fold(process: Process, args: Readonly<Record<string, Value>>, call: Call): ConstantOperand {
  const value = process.run(args, call);
  if (value instanceof Promise) throw new NotCompilable(`${process.description.id} is not synchronous`);
  return { kind: 'constant', value };
}

function operandOf<O extends { readonly kind: string }>(walk: Walk<O>, argument: Argument, call: Call): O | ConstantOperand {
  const inner = (part: Argument) => operandOf(walk, part, call);
  switch (argument.kind) {
    case 'literal': return { kind: 'constant', value: argument.value };
    case 'node': return walk.results.get(argument.id)!;
    case 'parameter': return walk.environment.get(argument.name) ?? { kind: 'constant', value: null };
    case 'callback': return walk.target.callback(argument.graph, walk.environment, call);
    case 'array': {
      const items = argument.items.map(inner);
      return items.every(isConstant) ? { kind: 'constant', value: items.map((item) => item.value) } : walk.target.tuple(items);
    }
    case 'object': {
      const entries = [...argument.entries].map(([key, entry]) => [key, inner(entry)] as const);
      const known = entries.flatMap(([key, entry]) => (isConstant(entry) ? [[key, entry.value] as const] : []));
      if (known.length < entries.length) throw new NotCompilable('an object of computed values');
      return { kind: 'constant', value: Object.fromEntries(known) };
    }
  }
}
