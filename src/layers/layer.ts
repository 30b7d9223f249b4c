/** A layer: a virtual collection, i.e. a process graph with a pinned operator, listed like any collection. */
import type { StacCollection } from '../catalog/types.ts';
import type { Quantization } from '../cube/cube.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { Operator, OperatorRegistry } from '../operators/operator.ts';

/** A box in degrees: west, south, east, north. */
export type Box = readonly [west: number, south: number, east: number, north: number];

/** How long blocks of a layer are kept. */
export interface CachePolicy {
  /** The layer's blocks may take so much room; the least recently used go first. */
  readonly max_bytes?: number;
  /** Blocks that nobody read for so many days go. */
  readonly max_age_days?: number;
  /** Blocks in these areas stay whatever happens. */
  readonly pinned?: readonly Box[];
}

/**
 * The `lamina:layer` object of a collection. The graph has the parameters `spatial_extent`,
 * `temporal_extent` and, when the layer has an operator, `operator`; the first two are what
 * load_collection is asked for, the last is the pinned operator reference.
 */
export interface LayerDefinition {
  /** Collections that the graph loads; the items of the first are those of the layer. */
  readonly sources: readonly string[];
  /** Pinned when the layer is defined: 'pca@sha256:…'. Absent for a graph without compress_embed. */
  readonly operator?: string;
  readonly process_graph: ProcessGraph;
  /** The lattice of the source pixels that are embedded, or of the result of a graph without operator. Absent: the source's own. */
  readonly grid?: { readonly crs: string; readonly resolution: number };
  /** Views that are offered, the first is that of files; absent: float32 only. */
  readonly views?: readonly Quantization[];
  readonly cache?: CachePolicy;
  /** 'eager': new source items are computed when they arrive. Default: 'lazy'. */
  readonly policy?: 'lazy' | 'eager';
  /** 'private': only its owner sees it. Default: 'public'. */
  readonly visibility?: 'public' | 'private';
  /** Who published it; absent for those of the deployment. */
  readonly owner?: string;
}

export interface Layer {
  readonly id: string;
  readonly definition: LayerDefinition;
  /** Resolved once, when the layer is opened: versions are never mixed. null: the graph is no embedding. */
  readonly operator: Operator | null;
}

/** The layer that a collection defines; null for a raw collection. Throws OperatorNotFound. */
export function layerOf(collection: StacCollection, operators: OperatorRegistry): Layer | null {
  const definition = collection['lamina:layer'] as LayerDefinition | undefined;
  if (!definition) return null;
  return { id: collection.id, definition, operator: definition.operator === undefined ? null : operators.resolve(definition.operator) };
}
