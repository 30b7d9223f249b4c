/** From the JSON of a process to a graph that can run, or to the list of everything that is wrong with it. */
import { OpenEOError, type NodePath } from '../errors.ts';
import { findProcess } from './find-process.ts';
import { graphsIn, nodesIn, type Graph, type GraphNode, type Note, type ParsedProcess } from './graph.ts';
import { locate } from './location.ts';
import { findCircle, showCircle, sortByDependency } from './order.ts';
import { parseArguments } from './parse-arguments.ts';
import { isObject, MAX_DEPTH, MAX_ERRORS, MAX_NODES, type ParseContext } from './parse-context.ts';
import { parseParameters } from './parse-parameters.ts';
import type { ProcessRegistry } from './process.ts';
import type { ParameterDescription } from './wire.ts';

/**
 * All errors of a process (a body of POST /validation, or the `process` of a job), each with the path of
 * its node. `given` names parameters that will have a value without being declared, such as those that
 * a map service sets. An empty list: the process can run.
 */
export function validate(definition: unknown, registry: ProcessRegistry, given: Iterable<string> = []): OpenEOError[] {
  return collect(definition, registry, given).errors;
}

/** Parses a process, or throws the first of the errors that `validate` lists. */
export function parse(definition: unknown, registry: ProcessRegistry, given: Iterable<string> = []): ParsedProcess {
  const { errors, parsed } = collect(definition, registry, given);
  if (errors.length > 0) throw errors[0]!;
  return parsed!;
}

function collect(definition: unknown, registry: ProcessRegistry, given: Iterable<string>): { errors: OpenEOError[]; parsed: ParsedProcess | null } {
  const errors: OpenEOError[] = [];
  const notes: Note[] = [];
  const report = (error: OpenEOError, path: NodePath) => {
    if (errors.length < MAX_ERRORS) errors.push(locate(error, path));
  };
  if (!isObject(definition)) return { errors: [new OpenEOError('ProcessInvalid', {}, { detail: 'It must be an object with a process_graph.' })], parsed: null };
  const { process_graph: raw, parameters, id } = definition;
  if (raw === undefined || raw === null) return { errors: [new OpenEOError('ProcessGraphMissing', {})], parsed: null };
  const declared = parseParameters(parameters, (error) => report(error, []));
  const visible = new Set([...declared.map((p) => p.name), ...given]);
  const graph = parseGraph(raw, declared, {
    registry, visible, path: [], report, parseGraph, note: (note) => void notes.push(note),
    home: registry.definitions?.home ?? '', trail: [], made: new Map(),
  });
  return { errors, parsed: graph && { id: typeof id === 'string' ? id : null, graph, notes } };
}

const TOO_DEEP = `Process graphs are nested more than ${MAX_DEPTH} deep.`;

/** Parses one graph, the outermost or a callback. Returns null after having reported why it can't run. */
function parseGraph(raw: unknown, parameters: readonly ParameterDescription[], context: ParseContext): Graph | null {
  const invalid = (detail: string, path = context.path) => {
    context.report(new OpenEOError('ProcessGraphInvalid', {}, { detail }), path);
    return null;
  };
  if (context.path.length > MAX_DEPTH) return invalid(TOO_DEEP);
  if (!isObject(raw)) return invalid('A process graph must be an object whose keys are the ids of its nodes.');
  const ids = new Set(Object.keys(raw));
  if (ids.size === 0) return invalid('It has no nodes.');
  if (ids.size > MAX_NODES) return invalid(`It has ${ids.size} nodes; at most ${MAX_NODES} are possible.`);
  const result = findResult(raw, invalid);
  const nodes = new Map<string, GraphNode | null>();
  for (const id of ids) nodes.set(id, parseNode(id, raw[id], ids, context));

  const complete = [...nodes.values()].filter((node) => node !== null);
  const dependencies = new Map(complete.map((node) => [node.id, dependenciesOf(node).filter((id) => nodes.get(id))]));
  const circle = findCircle(dependencies);
  if (circle) return invalid(`The nodes depend on each other in a circle: ${showCircle(circle)}.`);
  if (result === null || complete.length < ids.size) return null;
  const sorted = sortByDependency(dependencies).map((id) => nodes.get(id)!);
  const inner = complete.flatMap(graphsIn);
  const size = inner.reduce((sum, graph) => sum + graph.size, complete.length);
  const depth = inner.reduce((deepest, graph) => Math.max(deepest, graph.depth), 0) + 1;
  if (size > MAX_NODES) return invalid(`With the callbacks and user-defined processes in it, it has ${size} nodes; at most ${MAX_NODES} are possible.`);
  if (context.path.length + depth > MAX_DEPTH + 1) return invalid(TOO_DEEP);
  return { nodes: sorted, result: nodes.get(result)!, parameters, size, depth };
}

/** The id of the only node with `result: true`. */
function findResult(raw: Record<string, unknown>, invalid: (detail: string) => null): string | null {
  const results = Object.keys(raw).filter((id) => isObject(raw[id]) && raw[id].result === true);
  if (results.length === 1) return results[0]!;
  return invalid(results.length === 0
    ? 'Exactly one node must have `result` set to true, but none has.'
    : `Exactly one node must have \`result\` set to true, but ${results.map((id) => `'${id}'`).join(', ')} have.`);
}

function parseNode(id: string, raw: unknown, ids: ReadonlySet<string>, context: ParseContext): GraphNode | null {
  const outside = [...context.path, { node_id: id }];
  const invalid = (detail: string) => {
    context.report(new OpenEOError('ProcessGraphInvalid', {}, { detail }), outside);
    return null;
  };
  if (!isObject(raw)) return invalid(`Node '${id}' must be an object with a process_id and arguments.`);
  const { process_id, namespace, arguments: given, result } = raw;
  if (typeof process_id !== 'string') return invalid(`Node '${id}' lacks the \`process_id\`.`);
  const path = [...context.path, { node_id: id, process_id }];
  if (result !== undefined && result !== null && typeof result !== 'boolean') return invalid(`\`result\` of node '${id}' must be true or false.`);
  if (given !== undefined && given !== null && !isObject(given)) return invalid(`\`arguments\` of node '${id}' must be an object.`);
  const process = findProcess(process_id, namespace, { ...context, path });
  if (!process) return null;
  const parsed = parseArguments(given ?? {}, process, ids, { ...context, path });
  return { id, process, arguments: parsed };
}

/** Nodes of the same graph that a node needs. */
function dependenciesOf(node: GraphNode): string[] {
  return [...node.arguments.values()].flatMap(nodesIn);
}
