/** A layer: a virtual collection, i.e. a process graph with a pinned operator, listed like any collection. */
import type { StacCollection } from '../catalog/types.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { Operator, OperatorRegistry } from '../operators/operator.ts';

/**
 * The `lamina:layer` object of a collection file. The graph has the parameters `spatial_extent`,
 * `temporal_extent` and `operator`; the first two are what load_collection is asked for, the last is the
 * pinned operator reference.
 */
export interface LayerDefinition {
  readonly source: string;
  /** As written: 'pca:0.1.0'. */
  readonly operator: string;
  readonly process_graph: ProcessGraph;
}

export interface Layer {
  readonly id: string;
  readonly definition: LayerDefinition;
  /** Resolved once, when the layer is opened: versions are never mixed. */
  readonly operator: Operator;
}

/** The layer that a collection defines; null for a raw collection. Throws OperatorNotFound. */
export function layerOf(collection: StacCollection, operators: OperatorRegistry): Layer | null {
  const definition = collection['lamina:layer'] as LayerDefinition | undefined;
  if (!definition) return null;
  return { id: collection.id, definition, operator: operators.resolve(definition.operator) };
}
