/** A process graph after parsing: nodes in the order they can run, references told from values. */
import type { NodePath } from '../errors.ts';
import type { Process } from './process.ts';
import type { Value } from './value.ts';
import type { ParameterDescription } from './wire.ts';

export type Argument =
  | { readonly kind: 'literal'; readonly value: Value }
  | { readonly kind: 'node'; readonly id: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'array'; readonly items: readonly Argument[] }
  | { readonly kind: 'object'; readonly entries: ReadonlyMap<string, Argument> }
  | { readonly kind: 'callback'; readonly graph: Graph };

export interface GraphNode {
  readonly id: string;
  readonly process: Process;
  /** What the client gave; defaults are added when the node runs. */
  readonly arguments: ReadonlyMap<string, Argument>;
}

export interface Graph {
  /** Every node comes after the nodes it depends on. */
  readonly nodes: readonly GraphNode[];
  readonly result: GraphNode;
  /** The parameters that the graph declares itself; those of its parents are visible too. */
  readonly parameters: readonly ParameterDescription[];
  /** Nodes, those of callbacks and of the processes that nodes stand for included. */
  readonly size: number;
  /** Graphs inside of each other, this one included. */
  readonly depth: number;
}

/** Something the parser decided that the author of the graph should know. */
export interface Note {
  readonly level: 'info' | 'debug';
  readonly message: string;
  readonly path: NodePath;
}

/** A whole process: its id when it has one, and its graph. */
export interface ParsedProcess {
  readonly id: string | null;
  readonly graph: Graph;
  readonly notes: readonly Note[];
}

/** What parameters hold while a graph runs, those of the parent graphs included. */
export type Environment = ReadonlyMap<string, Value>;

/** The arguments inside an argument, callbacks excepted. */
function partsOf(argument: Argument): readonly Argument[] {
  if (argument.kind === 'array') return argument.items;
  return argument.kind === 'object' ? [...argument.entries.values()] : [];
}

/** Ids of the nodes that an argument refers to; nodes inside callbacks are not its own. */
export function nodesIn(argument: Argument): string[] {
  return argument.kind === 'node' ? [argument.id] : partsOf(argument).flatMap(nodesIn);
}

/** Whether a graph refers to a parameter, in its callbacks too. */
export function mentionsParameter(graph: Graph, name: string): boolean {
  const mentions = (argument: Argument): boolean => {
    if (argument.kind === 'parameter') return argument.name === name;
    if (argument.kind === 'callback') return mentionsParameter(argument.graph, name);
    return partsOf(argument).some(mentions);
  };
  return graph.nodes.some((node) => [...node.arguments.values()].some(mentions));
}

/** The graphs right inside a node: its callbacks, and what it stands for. */
export function graphsIn(node: GraphNode): Graph[] {
  const callbacks = (argument: Argument): Graph[] => (argument.kind === 'callback' ? [argument.graph] : partsOf(argument).flatMap(callbacks));
  return [...(node.process.graph ? [node.process.graph] : []), ...[...node.arguments.values()].flatMap(callbacks)];
}
