/** Writes callbacks back as JSON that says everything: whoever reads it needs neither the run nor the user. */
import { OpenEOError } from '../errors.ts';
import { writeDefinitionUrl } from './definition-url.ts';
import type { Argument, Environment, Graph } from './graph.ts';
import { GraphWriter } from './graph-writer.ts';
import type { Process } from './process.ts';
import type { ProcessGraph, ProcessNode } from './wire.ts';

/** How a node names its process. */
type NameOf = (process: Process) => Pick<ProcessNode, 'process_id' | 'namespace'>;

/** A callback as JSON: its own parameters stay references, those of its parents become their values. */
export function writeCallback(graph: Graph, environment: Environment, own: ReadonlySet<string> = new Set(), nameOf: NameOf = selfContainedName): ProcessGraph {
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
      case 'callback': return { process_graph: writeCallback(argument.graph, environment, visible, nameOf) };
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

/** A process that is made of others comes along, in the namespace: only its author may know it. */
function selfContainedName(process: Process): ReturnType<NameOf> {
  return process.graph ? { process_id: process.description.id, namespace: definitionUrl(process) } : { process_id: process.description.id };
}

/** The process and all that it is made of, each once, as a URL. */
function definitionUrl(process: Process): string {
  const names = new Map<Process, string>();
  const taken = new Set<string>();
  const written: Record<string, unknown>[] = [];
  const nameOf: NameOf = (part) => {
    if (!part.graph) return { process_id: part.description.id };
    const name = names.get(part) ?? freeName(part.description.id, taken);
    if (!names.has(part)) {
      names.set(part, name);
      taken.add(name);
      const process_graph = writeCallback(part.graph, new Map(), undefined, nameOf);
      written.push({ id: name, parameters: part.description.parameters, process_graph });
    }
    return { process_id: name, namespace: 'user' };
  };
  nameOf(process);
  return writeDefinitionUrl(written);
}

/** Processes of different users may have the same id. */
function freeName(id: string, taken: ReadonlySet<string>): string {
  let name = id;
  for (let count = 2; taken.has(name); count++) name = `${id}_${count}`;
  return name;
}
