/** Writes values and parsed graphs back as process-graph JSON. */
import { Cube } from '../cube/cube.ts';
import { OpenEOError } from '../errors.ts';
import { Callback } from './callback.ts';
import { writeDefinitionUrl } from './definition-url.ts';
import type { Argument, Environment, Graph } from './graph.ts';
import type { Process } from './process.ts';
import { LabeledArray, type ObjectValue, type Value } from './value.ts';
import type { ProcessGraph, ProcessNode } from './wire.ts';

/**
 * Collects nodes. What JSON can't say becomes a node of its own: NaN is `nan`, ±Infinity a division by
 * zero, a labeled array `array_create_labeled`, and a cube whatever `writeCube` makes of it.
 */
export class GraphWriter {
  /** In the order in which their ids were taken. */
  readonly #nodes = new Map<string, ProcessNode>();
  readonly #count = new Map<string, number>();
  readonly #writeCube: (cube: Cube) => string;

  constructor(writeCube: (cube: Cube) => string) {
    this.#writeCube = writeCube;
  }

  /** The graph as JSON. Not an object that is filled: ids such as '__proto__' mean something there. */
  get nodes(): Record<string, ProcessNode> {
    return Object.fromEntries(this.#nodes);
  }

  /** Takes an id for a node that is put later. */
  reserve(id: string): void {
    this.#nodes.set(id, { process_id: '', arguments: {} });
  }

  put(id: string, node: ProcessNode): void {
    this.#nodes.set(id, node);
  }

  /** Lets a node be the result of the graph. */
  end(id: string): void {
    this.#nodes.set(id, { ...this.#nodes.get(id)!, result: true });
  }

  /** Adds a node under the next free id of its process ('ndvi1', 'ndvi2', …) and returns the id. */
  add(process_id: string, args: Readonly<Record<string, unknown>>): string {
    let id: string;
    do {
      const count = (this.#count.get(process_id) ?? 0) + 1;
      this.#count.set(process_id, count);
      id = `${process_id}${count}`;
    } while (this.#nodes.has(id));
    this.put(id, { process_id, arguments: args });
    return id;
  }

  /** The JSON of a value as an argument. */
  value(value: Value): unknown {
    if (typeof value === 'number' && !Number.isFinite(value)) return { from_node: this.#nonFinite(value) };
    if (value === null || typeof value !== 'object') return value;
    if (value instanceof Cube) return { from_node: this.#writeCube(value) };
    if (value instanceof Callback) return { process_graph: value.processGraph };
    if (value instanceof LabeledArray) {
      return { from_node: this.add('array_create_labeled', { data: this.value(value.values), labels: value.labels }) };
    }
    if (Array.isArray(value)) return value.map((item: Value) => this.value(item));
    const entries = Object.entries(value as ObjectValue).filter((entry): entry is [string, Value] => entry[1] !== undefined);
    return Object.fromEntries(entries.map(([key, entry]) => [key, this.value(entry)]));
  }

  #nonFinite(value: number): string {
    return Number.isNaN(value) ? this.add('nan', {}) : this.add('divide', { x: Math.sign(value), y: 0 });
  }
}

/** A callback as JSON: its own parameters stay references, those of its parents become their values. */
export function writeCallback(graph: Graph, environment: Environment, own: ReadonlySet<string> = new Set()): ProcessGraph {
  const writer = new GraphWriter(() => {
    throw new OpenEOError('ProcessGraphInvalid', {}, { detail: 'A data cube can’t be used as a parameter inside a callback.' });
  });
  const visible = new Set([...own, ...graph.parameters.map((p) => p.name)]);
  const write = (argument: Argument): unknown => {
    switch (argument.kind) {
      case 'literal': return writer.value(argument.value);
      case 'node': return { from_node: argument.id };
      case 'parameter': return visible.has(argument.name) ? { from_parameter: argument.name } : writer.value(environment.get(argument.name) ?? null);
      case 'array': return argument.items.map(write);
      case 'object': return Object.fromEntries([...argument.entries].map(([key, entry]) => [key, write(entry)]));
      case 'callback': return { process_graph: writeCallback(argument.graph, environment, visible) };
    }
  };
  // Ids are reserved first, so that nodes added for values can't take them.
  for (const node of graph.nodes) writer.reserve(node.id);
  for (const node of graph.nodes) {
    const args = Object.fromEntries([...node.arguments].map(([name, argument]) => [name, write(argument)]));
    writer.put(node.id, { ...nameOf(node.process), arguments: args, ...(node === graph.result && { result: true }) });
  }
  return writer.nodes;
}

/** How a node names its process. One that is made of others comes along: only its author may know it. */
function nameOf({ description: { id, parameters }, graph }: Process): Pick<ProcessNode, 'process_id' | 'namespace'> {
  if (!graph) return { process_id: id };
  return { process_id: id, namespace: writeDefinitionUrl({ id, parameters, process_graph: writeCallback(graph, new Map()) }) };
}
