/**
 * Layers opened without reading a pixel: the cube that a graph makes for an item, to see before it is
 * published whether it makes one, and to tell on which grid the file of an item will lie.
 */
import type { Cube } from '../cube/cube.ts';
import { isOpenEOError, OpenEOError } from '../errors.ts';
import { evaluate } from '../graph/evaluate.ts';
import type { ProcessRegistry } from '../graph/process.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { StacItem } from '../catalog/types.ts';
import { itemInstant } from '../catalog/load-plan.ts';
import { silentLog } from '../log.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { itemExtent } from './item-extent.ts';
import { EngineScope, type CatalogReader, type Engine } from './scope.ts';

/** Lazy graphs open at once; one that takes longer computes something it should not. */
const TIMEOUT_MS = 20_000;

/** An engine for cubes that nobody reads: it needs neither workers nor files. */
export function lazyEngine(parts: { readonly catalog: CatalogReader; readonly registry: ProcessRegistry; readonly operators: OperatorRegistry }): Engine {
  const refuse = (): never => {
    throw new OpenEOError('ProcessGraphInvalid', {}, { detail: 'The graph of a layer must not need pixels before its result is read.' });
  };
  return { catalog: parts.catalog, registry: parts.registry, operators: parts.operators, rasters: { open: async () => refuse() }, blocks: { read: async () => refuse() } };
}

export interface TrialOptions {
  /** Who may see the sources; null: the service. */
  readonly user: string | null;
  /** Look at this item only, at its instant; else at all times of its place. */
  readonly isAlone?: boolean;
}

/** The value of a layer's graph over the extent of an item. Throws what the graph throws. */
export async function openGraph(engine: Engine, graph: ProcessGraph, item: StacItem, { user, isAlone = false }: TrialOptions): Promise<unknown> {
  const scope = new EngineScope(isAlone ? withItem(engine, item) : engine, { signal: AbortSignal.timeout(TIMEOUT_MS), log: silentLog, user });
  return evaluate({ process_graph: graph }, engine.registry, scope, {
    spatial_extent: { ...itemExtent(item) },
    temporal_extent: isAlone ? instantOf(item) : null,
  });
}

/** What the file of a layer's item for this raw item will hold; null when the graph finds nothing to do there. */
export async function openItem(engine: Engine, layer: string, item: StacItem): Promise<Cube | null> {
  const scope = new EngineScope(withItem(engine, item), { signal: AbortSignal.timeout(TIMEOUT_MS), log: silentLog });
  try {
    return await scope.loadCollection({ id: layer, spatialExtent: itemExtent(item), temporalExtent: instantOf(item), bands: null, properties: null });
  } catch (error) {
    if (isOpenEOError(error, 'NoDataAvailable', 'OperatorGridUnsuitable')) return null;
    throw error;
  }
}

/** The interval that holds the instant of an item and nothing else. */
export function instantOf(item: StacItem): [string, string] {
  const start = new Date(itemInstant(item));
  return [start.toISOString(), new Date(start.getTime() + 1).toISOString()];
}

/** The same engine over a catalog in which the item's collection has only this one. */
function withItem(engine: Engine, item: StacItem): Engine {
  const { catalog } = engine;
  return {
    ...engine,
    catalog: {
      collection: (id) => catalog.collection(id),
      anchors: (collection) => catalog.anchors(collection),
      items: async (query) => (query.collection === item.collection ? [item] : catalog.items(query)),
    },
  };
}

/** An engine that asks the catalog for each collection and its anchors once: for a page of items. */
export function rememberingEngine(engine: Engine): Engine {
  const { catalog } = engine;
  const once = <T>(ask: (id: string) => Promise<T>) => {
    const known = new Map<string, Promise<T>>();
    return (id: string) => known.get(id) ?? known.set(id, ask(id)).get(id)!;
  };
  return { ...engine, catalog: { collection: once((id) => catalog.collection(id)), anchors: once((id) => catalog.anchors(id)), items: (query) => catalog.items(query) } };
}
