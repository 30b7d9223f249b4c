/** The process graph of a layer before it runs: what it loads, which operators it names, on which grid. */
import { isOpenEOError } from '../errors.ts';
import type { ProcessGraph, ProcessNode } from '../graph/wire.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { LAYER } from './layer-fields.ts';
import { pointer, type Faults } from './layer-faults.ts';
import type { LayerDefinition } from './layer.ts';

const argumentPath = (node: string, name: string) => LAYER + pointer('process_graph', node, 'arguments', name);

function* nodesOf(graph: ProcessGraph, process: string): Generator<[id: string, node: ProcessNode]> {
  for (const [id, node] of Object.entries(graph)) {
    // Whatever else may be there, the parser says what is wrong with it.
    if (typeof node === 'object' && node !== null && node.process_id === process) yield [id, node];
  }
}

/** The collections that the graph loads, in the order of its nodes. The items of the first are those of the layer. */
export function sourcesOf(graph: ProcessGraph, faults: Faults): string[] {
  const sources = new Set<string>();
  for (const [node, { arguments: args }] of nodesOf(graph, 'load_collection')) {
    const id = args?.['id'];
    if (typeof id === 'string' && id !== '') sources.add(id);
    else faults.add(argumentPath(node, 'id'), 'must be the id of a collection, written out');
  }
  for (const [node] of nodesOf(graph, 'load_uploaded_files')) faults.add(LAYER + pointer('process_graph', node), 'loads files of a user, which others have no access to; put them into a collection with save_result and export_collection first');
  if (sources.size === 0 && faults.list.length === 0) faults.add(`${LAYER}/process_graph`, 'must load a collection with load_collection');
  return [...sources];
}

/** A graph whose operators are pinned, with how each was written: 'pca' → 'pca@sha256:…'. */
export interface PinnedGraph {
  readonly graph: ProcessGraph;
  readonly resolved: ReadonlyMap<string, string>;
}

/**
 * Replaces every name of an operator, written in compress_embed or given as the parameter `operator`, by
 * the digest it stands for today, and `options` by parameters in that reference. A name that moves is so resolved once.
 */
export function pinOperators(graph: ProcessGraph, operator: string | undefined, operators: OperatorRegistry, faults: Faults): PinnedGraph {
  const pinned: Record<string, ProcessNode> = { ...graph };
  const resolved = new Map<string, string>();
  let isUsed = false;
  for (const [id, node] of nodesOf(graph, 'compress_embed')) {
    const model: unknown = node.arguments?.['model'];
    const isParameter = typeof model === 'object' && model !== null && (model as { from_parameter?: unknown }).from_parameter === 'operator';
    isUsed ||= isParameter;
    if (isParameter && operator === undefined) faults.add(`${LAYER}/operator`, `is missing; node '${id}' refers to it`);
    const name = isParameter ? operator : model;
    const path = isParameter ? `${LAYER}/operator` : argumentPath(id, 'model');
    if (typeof name !== 'string') {
      if (!isParameter) faults.add(path, 'must be an operator reference such as \'pca:1.0.0\', or {"from_parameter": "operator"}');
      continue;
    }
    const { options, ...others } = node.arguments ?? {};
    const reference = resolve(name, path, operators, faults, isRecord(options) ? options : {});
    if (reference === null) continue;
    resolved.set(name, reference);
    pinned[id] = { ...node, arguments: { ...others, model: reference, ...(options === undefined || isRecord(options) ? {} : { options }) } };
  }
  if (operator !== undefined && !isUsed && ![...resolved.values()].includes(resolve(operator, `${LAYER}/operator`, operators, faults) ?? '')) {
    faults.add(`${LAYER}/operator`, 'is used by no node; give it to compress_embed as {"from_parameter": "operator"}, or leave it out');
  }
  return { graph: pinned, resolved };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

function resolve(name: string, path: string, operators: OperatorRegistry, faults: Faults, options?: Readonly<Record<string, unknown>>): string | null {
  try {
    return operators.resolve(name, options).reference;
  } catch (error) {
    if (!isOpenEOError(error)) throw error;
    if (!faults.list.some((fault) => fault.path === path)) faults.add(path, error.message, error.code);
    return null;
  }
}

/**
 * The graph with everything it loads put on a grid first. The node of a load keeps its id for the pixels
 * on the grid, so that whoever refers to it gets those. A graph that has been through here before, such
 * as one that a client got and sends back, is put on the grid once.
 */
export function onGrid(graph: ProcessGraph, grid: LayerDefinition['grid']): ProcessGraph {
  if (!grid) return graph;
  const out: Record<string, ProcessNode> = { ...graph };
  for (const [id, node] of nodesOf(graph, 'load_collection')) {
    const [before] = [...nodesOf(graph, 'resample_to_grid')].filter(([, { arguments: args }]) => (args?.['data'] as { from_node?: unknown } | undefined)?.from_node === id);
    if (before) {
      out[before[0]] = { ...before[1], arguments: { ...before[1].arguments, crs: grid.crs, resolution: grid.resolution } };
      continue;
    }
    const source = freeName(`${id}_source`, out);
    const { result, ...load } = node;
    out[source] = load;
    out[id] = { process_id: 'resample_to_grid', arguments: { data: { from_node: source }, crs: grid.crs, resolution: grid.resolution }, ...(result === undefined ? {} : { result }) };
  }
  return out;
}

function freeName(name: string, taken: object): string {
  return Object.hasOwn(taken, name) ? freeName(`${name}_`, taken) : name;
}
