/** A layer: a virtual collection, i.e. a process graph with a pinned operator, listed like any collection. */
import { OpenEOError } from '../errors.ts';
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
 * The `lamina:layer` object of a collection. The graph has the parameters `spatial_extent` and
 * `temporal_extent`, which are what load_collection is asked for; who defines a layer may also refer to
 * `operator`, which is replaced by the pinned reference when the layer is published.
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
  /** False when the graph changes the dates, so that no result stands for one item of the source. Found out when it is published; absent: true. */
  readonly has_items?: boolean;
}

export interface Layer {
  readonly id: string;
  readonly definition: LayerDefinition;
  /** Resolved once, when the layer is opened: versions are never mixed. null: the graph is no embedding. */
  readonly operator: Operator | null;
  /** The collection of the files that parts of it are written to. */
  readonly files: string;
}

/** The layer that a collection defines; null for a raw collection. Throws OperatorNotFound. */
export function layerOf(collection: StacCollection, operators: OperatorRegistry): Layer | null {
  const definition = definitionOf(collection);
  if (!definition) return null;
  return { id: collection.id, definition, operator: definition.operator === undefined ? null : operators.resolve(definition.operator), files: filesCollection(collection) };
}

/** What a stored collection says of its layer; undefined for a raw one. */
export function definitionOf(collection: StacCollection): LayerDefinition | undefined {
  return collection['lamina:layer'] as LayerDefinition | undefined;
}

/** Whether a user may know of a collection. null: a visitor without an account; undefined: the service itself, which sees everything. */
export function isVisible(collection: StacCollection, user: string | null | undefined): boolean {
  const { visibility, owner } = definitionOf(collection) ?? filesMarkOf(collection) ?? {};
  return user === undefined || visibility !== 'private' || (user !== null && owner === user);
}

/** The `lamina:files` object of a collection whose files this service wrote: parts of a layer, or exported results. */
export interface FilesMark {
  /** The layer whose parts they are; absent for exported results. */
  readonly layer?: string;
  /** Whose they are; absent for those of the deployment. */
  readonly owner?: string;
  /** 'private': only the owner sees them. Default: 'public'. */
  readonly visibility?: 'public' | 'private';
}

/** The mark of the files of a layer: they are seen by whom the layer is seen by. */
export function markOfFiles(layer: string, { visibility, owner }: LayerDefinition): { readonly 'lamina:files': FilesMark } {
  return { 'lamina:files': { layer, ...(visibility && { visibility }), ...(owner !== undefined && { owner }) } };
}

/** undefined for collections of files that lay there already, and for layers. */
export function filesMarkOf(collection: StacCollection): FilesMark | undefined {
  return collection['lamina:files'] as FilesMark | undefined;
}

/** The raw collection from whose items those of a layer are made: the first source, or its first source. Throws CollectionNotFound. */
export async function rootOf(layer: StacCollection, collection: (id: string) => Promise<StacCollection | null>): Promise<StacCollection> {
  let found = layer;
  for (let definition = definitionOf(found); definition; definition = definitionOf(found)) {
    const id = definition.sources[0]!;
    const source = await collection(id);
    if (!source) throw new OpenEOError('CollectionNotFound', { identifier: id }, { detail: `It is the source of layer '${found.id}'.` });
    found = source;
  }
  return found;
}

/**
 * The id of the collection of the files that parts of a layer are written to: '<id>.files', and for later
 * versions '<id>.v2.files', so that files of two versions never meet. An old version keeps its own.
 */
export function filesCollection({ id, version, deprecated }: StacCollection): string {
  const base = deprecated === true ? id.replace(/\.v\d+$/, '') : id;
  return version === undefined || version === '1' ? `${base}.files` : `${base}.v${String(version as string)}.files`;
}

/** The collection of each user's results of batch jobs (src/api/stac/own-results.ts). Nobody else's may have its id. */
export const RESULT_COLLECTION = 'job-results';
