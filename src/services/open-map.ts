/** Opens the process of a service as the lazy cube that a tile shows. */
import { OpenEOError } from '../errors.ts';
import { Cube } from '../cube/cube.ts';
import { transformBounds, WGS84 } from '../geo/crs.ts';
import { cropGrid, gridBounds, type Bounds, type Grid } from '../geo/grid.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { evaluate } from '../graph/evaluate.ts';
import { linkDefinitions } from '../graph/link.ts';
import type { SaveRequest } from '../graph/scope.ts';
import type { Value } from '../graph/value.ts';
import { BoundedFacts } from '../layers/bounded-facts.ts';
import type { Engine, RunFacts } from '../layers/scope.ts';
import { loadedExtent } from '../layers/tile-layer.ts';
import { MAX_COLD_BLOCKS } from '../layers/tile-zoom.ts';
import type { Log } from '../log.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { MapScope } from './map-scope.ts';
import { MERCATOR_LATITUDE } from './mask.ts';
import type { ServiceProcess } from './service.ts';

export interface MapRequest {
  readonly process: ServiceProcess;
  /** Whose layers, files and user-defined processes there are. */
  readonly owner: string;
  /** What messages call the map, e.g. the id of its service. */
  readonly name: string;
  readonly grid: Grid;
  readonly zoom: number;
}

export interface MapOptions {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Source samples that may be read. */
  readonly maxSamples: number;
  /** Told of the facts of each run of the process when it begins; they grow while it is read. */
  readonly onRun?: (facts: RunFacts) => void;
}

export interface OpenedMap {
  readonly cube: Cube;
  /** How it was saved in the process; null without save_result. */
  readonly saved: Pick<SaveRequest, 'format' | 'options'> | null;
  /** The cube is on a grid of its own, because vectors can't be moved. */
  readonly isEmbedding: boolean;
  /** Extents that were loaded, in degrees. */
  readonly loaded: readonly Bounds[];
  /** The same map of another extent. */
  readonly reopen: (extent: Bounds) => Promise<Cube>;
}

/**
 * Pixels around a tile that are loaded with it: `apply_kernel` and its kin take what is beyond the edge of a cube
 * for a border, and tiles must have none. Nobody reads them but who needs them.
 */
const MARGIN = 64;

const withMargin = (grid: Grid) => cropGrid(grid, { x: -MARGIN, y: -MARGIN, width: grid.width + 2 * MARGIN, height: grid.height + 2 * MARGIN });

/** What the process of a service is given, by name: GET /service_types lists the same. */
function mapParameters(grid: Grid, zoom: number): Record<string, Value> {
  const { west, south, east, north } = transformBounds(gridBounds(grid), WGS84);
  return { spatial_extent: { west, south, east, north, crs: 4326 }, zoom };
}

/**
 * Evaluates the process for a tile; nothing is read yet. Throws what the process throws, NoDataAvailable where
 * it loads nothing, and ProcessGraphInvalid when it does not end in a raster cube.
 */
export async function openMap(engine: Engine, request: MapRequest, options: MapOptions): Promise<OpenedMap> {
  const watched = watchOperators(engine.operators);
  try {
    return await open({ ...engine, operators: watched.registry }, request, options, withMargin(request.grid), null);
  } catch (error) {
    if (!watched.isUsed()) throw error;
  }
  // Vectors lie where their patches are: the map is put together from cells that are computed and kept, like that of a layer.
  return open(engine, request, options, null, null);
}

async function open(engine: Engine, request: MapRequest, options: MapOptions, grid: Grid | null, wider: Bounds | null): Promise<OpenedMap> {
  const { process, owner, name, zoom } = request;
  const parameters = mapParameters(request.grid, zoom);
  const given = { ...(parameters['spatial_extent'] as unknown as Bounds), crs: WGS84 };
  const saved = new Map<Value, SaveRequest>();
  const loads: { readonly extent: Bounds | null; readonly collection: string | null }[] = [];
  const facts = new BoundedFacts(MAX_COLD_BLOCKS, name, zoom);
  options.onRun?.(facts);
  const scope = new MapScope({
    engine, grid, given,
    options: { signal: options.signal, log: options.log, maxSamples: options.maxSamples, user: owner },
    facts,
    extent: async (collection) => (grid === null ? wider ?? tileExtent(engine, request.grid, collection) : gridBounds(grid)),
    onLoad: (extent, collection) => void loads.push({ extent, collection }),
    onSave: (save) => {
      const stands = { type: 'Feature', assets: {} };
      saved.set(stands, save);
      return stands;
    },
  });
  const registry = engine.definitions ? await linkDefinitions(process, engine.registry, engine.definitions, { user: owner, signal: options.signal }) : engine.registry;
  const value = await evaluate(process, registry, scope, parameters);
  const save = saved.get(value) ?? (value instanceof Cube ? undefined : saved.values().next().value);
  return {
    cube: rasterOf(save?.data ?? value), saved: save ? { format: save.format, options: save.options } : null, isEmbedding: grid === null,
    loaded: await Promise.all(loads.map(({ extent, collection }) => loadedBounds(engine, extent, collection))),
    reopen: async (extent) => (await open(engine, request, options, grid, extent)).cube,
  };
}

function rasterOf(value: Value): Cube {
  if (!(value instanceof Cube)) throw new OpenEOError('ProcessGraphInvalid', {}, { detail: 'A map needs a process that ends in a data cube, with or without save_result.' });
  if (!value.grid) throw new OpenEOError('ProcessGraphInvalid', {}, { detail: 'A map needs a process that ends in a raster cube: this one has no x and y dimensions on a regular grid.' });
  return value;
}

/** The tile with a margin, as far as the collection reaches; null beyond it. */
async function tileExtent(engine: Engine, grid: Grid, collection: string | null): Promise<Bounds | null> {
  const found = collection === null ? null : await engine.catalog.collection(collection);
  return found ? loadedExtent(engine, found, grid) : gridBounds(grid);
}

/** In degrees. */
async function loadedBounds(engine: Engine, extent: Bounds | null, collection: string | null): Promise<Bounds> {
  if (extent !== null) return transformBounds(extent, WGS84);
  const found = collection === null ? null : await engine.catalog.collection(collection);
  const [west, south, east, north] = found?.extent.spatial.bbox[0] ? withoutHeights(found.extent.spatial.bbox[0]) : [-180, -MERCATOR_LATITUDE, 180, MERCATOR_LATITUDE] as const;
  return { crs: WGS84, west, south, east, north };
}

/** Refuses operators, and remembers that one was asked for. */
function watchOperators(operators: OperatorRegistry): { readonly registry: OperatorRegistry; readonly isUsed: () => boolean } {
  let isUsed = false;
  const resolve: OperatorRegistry['resolve'] = (reference) => {
    isUsed = true;
    throw new OpenEOError('OperatorGridUnsuitable', { operator: reference, reason: 'vectors are not computed on the grid of a tile' });
  };
  return { registry: { list: () => operators.list(), resolve }, isUsed: () => isUsed };
}
