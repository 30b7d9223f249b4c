/** The scope of a run over the catalog: where load_collection, compress_embed and save_result get their answers. */
import { OpenEOError } from '../errors.ts';
import type { NodePath, Stage } from '../errors.ts';
import { logAt, type Log } from '../log.ts';
import { foldedBox } from '../geo/bbox.ts';
import { transformBounds, WGS84 } from '../geo/crs.ts';
import type { Bounds, Grid } from '../geo/grid.ts';
import { Cube } from '../cube/cube.ts';
import { sampleSize } from '../cube/dtype.ts';
import { evaluate, evaluateTraced } from '../graph/evaluate.ts';
import type { DefinitionSource } from '../graph/link.ts';
import type { ProcessRegistry } from '../graph/process.ts';
import type { EmbedRequest, ExportRequest, LoadFilesRequest, LoadRequest, LoadStacRequest, LoadUrlRequest, ModifyRequest, SaveRequest, Scope, ViewRequest, WorkspaceRequest } from '../graph/scope.ts';
import type { UdfRuntimes, UdfService } from '../graph/udf.ts';
import type { Value } from '../graph/value.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import { loadedCube } from '../catalog/load.ts';
import { planLoad } from '../catalog/load-plan.ts';
import type { RasterOpener } from '../catalog/read-asset.ts';
import type { RemoteLoad, RemoteStac } from '../catalog/remote/remote-stac.ts';
import type { RemoteVectors } from '../catalog/remote/remote-vectors.ts';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import type { UdfCode } from '../catalog/udf-code.ts';
import type { UploadedFiles } from '../catalog/uploaded/uploaded-files.ts';
import { checkAccelerator, type Accelerators } from '../operators/accelerators.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { chosenOperators } from '../operators/runtime-choice.ts';
import { cachedCube } from './cached-cube.ts';
import { embeddedCube } from './embedded-cube.ts';
import type { BlockFacts, BlockWish, EmbedBlocks } from './embed-blocks.ts';
import { isVisible, layerOf, type Layer } from './layer.ts';
import { isOperatorCollection } from './operator-items.ts';
import { requestedView } from './view.ts';

/** What the catalog must answer for cubes to be loaded. */
export interface CatalogReader {
  collection(id: string): Promise<StacCollection | null>;
  /** All raw items that touch the box ([west, south, east, north], WGS 84) and the interval. */
  items(query: { readonly collection: string; readonly bbox: readonly [number, number, number, number] | null; readonly interval: readonly [string | null, string | null] | null }): Promise<readonly StacItem[]>;
  /** The fixed lattice point of a collection per CRS. */
  anchors(collection: string): Promise<ReadonlyMap<string, { readonly x: number; readonly y: number }>>;
}

export interface Engine {
  /** Reads files with geometries of others; absent: load_url is refused. */
  readonly vectors?: Pick<RemoteVectors, 'load'>;
  readonly catalog: CatalogReader;
  readonly rasters: RasterOpener;
  readonly registry: ProcessRegistry;
  readonly operators: OperatorRegistry;
  readonly blocks: Pick<EmbedBlocks, 'read'>;
  /** What the workers have that compute blocks; null: not known. Absent: nothing is refused for the lack of it. */
  readonly accelerators?: () => Accelerators | null;
  /** User-defined processes that graphs of clients use; absent: there are only predefined ones. */
  readonly definitions?: DefinitionSource;
  /** Reads the STAC of others; absent: load_stac is refused. */
  readonly remote?: RemoteStac;
  /** Reads what batch jobs of users have written; absent: load_result takes URLs only. */
  readonly results?: JobResultLoader;
  /** Runs functions of users; absent: run_udf is refused. */
  readonly udf?: UdfRuntimes & { readonly code: Pick<UdfCode, 'read'> };
  /** Reads the files of users; absent: load_uploaded_files is refused. */
  readonly files?: UploadedFiles;
}

/** `user`: who asks; null: the service itself. Throws JobNotFound and JobNotFinished. */
export interface JobResultLoader {
  load(user: string | null, jobId: string, request: LoadStacRequest, run: RemoteLoad): Promise<Cube>;
}

const filterBands = {
  process_graph: {
    filter: { process_id: 'filter_bands', arguments: { data: { from_parameter: 'data' }, bands: { from_parameter: 'bands' } }, result: true },
  },
};

/** What happened during a run, for its log and its metadata. */
export interface RunFacts extends BlockFacts {
  samplesRead: number;
  /** The same in bytes, as they are decoded. */
  bytesRead?: number;
  /** Hrefs of the files that were opened. */
  readonly files?: Set<string>;
  /** Warnings that its log has already. */
  told?: Set<string>;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Takes what save_result is given; absent: save_result is refused (tiles, blocks). */
  readonly save?: (request: SaveRequest, log: Log) => Promise<Value>;
  /** Takes what export_collection is given; absent: export_collection is refused. */
  readonly publish?: (request: ExportRequest) => Promise<string>;
  /** Take what stac_modify and export_workspace are given; absent: they are refused. */
  readonly modify?: (request: ModifyRequest) => Promise<Value>;
  readonly deliver?: (request: WorkspaceRequest) => Promise<Value>;
  /** Source samples that a run may read; beyond it ProcessGraphComplexity is thrown. */
  readonly maxSamples?: number;
  /** Load raw collections on this grid instead of their own (map tiles). */
  readonly target?: Grid;
  /** What is loaded is put on the grid of a picture later on: overviews of files are good enough for it. Default: with a target. */
  readonly isPicture?: boolean;
  /** Who asks, and so which private layers there are; null or absent: the service itself, which sees everything. */
  readonly user?: string | null;
  /** Whose files there are, where that is not who asks: a block is computed by the service itself. */
  readonly filesOf?: string;
  /** What becomes of blocks that can't be computed, who hears of those that are, and how operators are run for them. */
  readonly blocks?: Pick<BlockWish, 'failures' | 'onComputed' | 'onBlock' | 'run'>;
}

/**
 * Items are looked for this far around an extent: a layer reads whole blocks with halo, and must find
 * the same pixels whatever the extent of the request was.
 */
const SEARCH_MARGIN_METRES = 8000;

export class EngineScope implements Scope {
  readonly signal: AbortSignal;
  log: Log;
  readonly facts: RunFacts;
  readonly udf?: UdfService;
  readonly #engine: Engine;
  readonly #options: RunOptions;
  /** The layer whose graph is evaluated in this scope. */
  #layer: string | null = null;
  /** The nodes of other graphs that this one stands inside of. */
  #outer: NodePath = [];
  #path: NodePath = [];

  /** @param facts those of the run that this scope is a part of */
  constructor(engine: Engine, options: RunOptions, facts: RunFacts = { cached: 0, computed: 0, samplesRead: 0 }) {
    this.facts = facts;
    this.#engine = engine;
    this.#options = options;
    this.signal = options.signal;
    this.log = options.log;
    const { udf } = engine;
    if (udf) this.udf = { open: udf.open.bind(udf), read: (source) => udf.code.read(source, this.#filesOf(), this.signal) };
  }

  at(path: NodePath): EngineScope {
    const scope = new EngineScope(this.#engine, this.#options, this.facts);
    scope.#layer = this.#layer;
    scope.#outer = this.#outer;
    scope.#path = [...this.#outer, ...path];
    scope.log = logAt(this.#options.log, scope.#path);
    return scope;
  }

  /** A layer is for others too, and they have no access to the files of who made it. */
  #filesOf(): string | null {
    return this.#layer === null ? this.#options.filesOf ?? this.#options.user ?? null : null;
  }

  async loadCollection(request: LoadRequest): Promise<Cube> {
    const collection = await this.#engine.catalog.collection(request.id);
    // A layer may build on what only its author sees.
    const isShown = collection !== null && (this.#layer !== null || isVisible(collection, this.#options.user ?? undefined));
    if (!isShown || isOperatorCollection(collection)) throw new OpenEOError('CollectionNotFound', { identifier: request.id });
    const layer = layerOf(collection, this.#engine.operators);
    return layer ? this.#loadLayer(layer, request) : this.#loadRaw(collection, request);
  }

  async #loadRaw(collection: StacCollection, request: LoadRequest): Promise<Cube> {
    const { catalog, rasters } = this.#engine;
    const [found, anchors] = await Promise.all([
      catalog.items({ collection: collection.id, bbox: searchBox(request.spatialExtent), interval: request.temporalExtent }),
      catalog.anchors(collection.id),
    ]);
    const items = request.properties ? found.filter((item) => hasProperties(item, request.properties!)) : found;
    const { target, isPicture = target !== undefined } = this.#options;
    const plan = planLoad({ collection, items, bands: request.bands, extent: request.spatialExtent, anchor: (crs) => anchors.get(crs), ...(target ? { target } : {}) });
    this.log.info(`Loads '${collection.id}': ${items.length} items of ${plan.dates.length} dates, ${plan.bands.length} bands, ${plan.grid.width} × ${plan.grid.height} pixels in ${plan.grid.crs}`, {
      data: { stage: 'resolve', items: items.length, dates: plan.dates.length, bands: plan.bands.length, width: plan.grid.width, height: plan.grid.height, crs: plan.grid.crs },
    });
    const cube: Cube = loadedCube(plan, { collectionId: collection.id, anchor: anchors.get(plan.grid.crs), rasters: this.#counting(rasters), isPicture, onRead: (samples) => this.#meter(samples, sampleSize(cube.dtype)) });
    return cube;
  }

  async #loadLayer(layer: Layer, request: LoadRequest): Promise<Cube> {
    const { spatialExtent: box, temporalExtent } = request;
    const parameters: Record<string, Value> = {
      spatial_extent: box && { west: box.west, south: box.south, east: box.east, north: box.north, crs: box.crs },
      temporal_extent: temporalExtent && [...temporalExtent],
      ...(layer.operator ? { operator: layer.operator.reference } : {}),
    };
    const { value, originOf } = await evaluateTraced({ process_graph: layer.definition.process_graph }, this.#engine.registry, this.#inside(layer), parameters);
    if (!(value instanceof Cube)) throw new OpenEOError('ProcessGraphInvalid', {}, { detail: `Layer '${layer.id}' does not end in a data cube.` });
    const cube = this.#cached(layer, value, originOf);
    if (request.bands === null) return cube;
    return (await evaluate(filterBands, this.#engine.registry, this, { data: cube, bands: [...request.bands] })) as Cube;
  }

  loadStac(request: LoadStacRequest): Promise<Cube> {
    const { remote, results } = this.#engine;
    const { target, user = null } = this.#options;
    const run = { signal: this.signal, log: this.log, bbox: searchBox(request.spatialExtent), onRead: (samples: number) => this.#meter(samples), ...(target ? { target } : {}) };
    const job = request.url.startsWith('job:') ? request.url.slice('job:'.length) : null;
    if (job !== null && results) return results.load(user, job, request, run);
    if (job !== null || !remote) throw new OpenEOError('ProcessUnsupported', { process: job === null ? 'load_stac' : 'load_result', namespace: 'backend' });
    return remote.load(request, run);
  }

  async loadFiles(request: LoadFilesRequest): Promise<Cube> {
    const { files } = this.#engine;
    const user = this.#options.filesOf ?? this.#options.user ?? null;
    if (!files || user === null) throw new OpenEOError('ProcessUnsupported', { process: 'load_uploaded_files', namespace: 'backend' }, { detail: 'Only users have files.' });
    if (this.#layer !== null) throw new OpenEOError('ProcessUnsupported', { process: 'load_uploaded_files', namespace: 'backend' }, { detail: 'A layer is for others too, and they have no access to your files.' });
    return files.load(request, { user, signal: this.signal, onRead: (samples) => this.#meter(samples) });
  }

  async loadUrl(request: LoadUrlRequest): Promise<Cube> {
    const { vectors } = this.#engine;
    if (!vectors) throw new OpenEOError('ProcessUnsupported', { process: 'load_url', namespace: 'backend' });
    return vectors.load(request, this.signal);
  }

  embed(request: EmbedRequest): Promise<Cube> {
    const { blocks, accelerators } = this.#engine;
    const operators = chosenOperators(this.#engine.operators, this.#options.blocks?.run);
    const operator = operators.resolve(request.model, request.options);
    checkAccelerator(operator, accelerators?.() ?? null);
    const caveat = operators.caveat?.(operator) ?? null;
    if (caveat !== null) this.#warnOnce(caveat, 'resolve');
    return Promise.resolve(embeddedCube(request, { operators, blocks, wish: { ...this.#wish(this.#layer), warn: (message) => this.#warnOnce(message, 'infer') } }));
  }

  async view(request: ViewRequest): Promise<Cube> {
    return requestedView(request, this.#engine.operators);
  }

  saveResult(request: SaveRequest): Promise<Value> {
    if (!this.#options.save) throw new OpenEOError('ProcessUnsupported', { process: 'save_result', namespace: 'backend' }, { detail: 'A layer or map tile has no result to save.' });
    return this.#options.save(request, this.log);
  }

  exportCollection(request: ExportRequest): Promise<string> {
    if (!this.#options.publish) throw new OpenEOError('ProcessUnsupported', { process: 'export_collection', namespace: 'backend' }, { detail: 'Only batch jobs and synchronous requests of a service with a catalog add to collections.' });
    return this.#options.publish(request);
  }

  async modifyStac(request: ModifyRequest): Promise<Value> {
    if (!this.#options.modify) throw new OpenEOError('ProcessUnsupported', { process: 'stac_modify', namespace: 'backend' }, { detail: 'A layer or map tile has no result to describe.' });
    return this.#options.modify(request);
  }

  async exportWorkspace(request: WorkspaceRequest): Promise<Value> {
    if (!this.#options.deliver) throw new OpenEOError('ProcessUnsupported', { process: 'export_workspace', namespace: 'backend' }, { detail: 'Only batch jobs and synchronous requests write to workspaces.' });
    return this.#options.deliver(request);
  }

  /** Embeddings are cached in blocks of vectors already; other cubes are in blocks of cells, except on the grid of a picture. */
  #cached(layer: Layer, cube: Cube, originOf: (cube: Cube) => ProcessGraph): Cube {
    const { target } = this.#options;
    if (cube.attributes.operator !== undefined || target !== undefined) return cube;
    return cachedCube(cube, originOf(cube), { blocks: this.#engine.blocks, wish: this.#wish(layer.id) });
  }

  #wish(layer: string | null): Omit<BlockWish, 'signal'> {
    const { user = null, blocks } = this.#options;
    return { user, layer, facts: this.facts, ...blocks };
  }

  /** The same run, seen from the graph of a layer. */
  #inside(layer: Layer): EngineScope {
    const scope = new EngineScope(this.#engine, this.#options, this.facts);
    scope.#layer = layer.id;
    scope.#outer = this.#path;
    scope.#path = this.#path;
    scope.log = this.log;
    return scope;
  }

  /** Notes which files are opened. */
  #counting(rasters: RasterOpener): RasterOpener {
    const { files } = this.facts;
    if (!files) return rasters;
    return {
      open: (href) => {
        files.add(href);
        return rasters.open(href);
      },
    };
  }

  /** A run has thousands of blocks and one operator, as a rule. */
  #warnOnce(message: string, stage: Stage): void {
    this.facts.told ??= new Set();
    if (this.facts.told.has(message)) return;
    this.facts.told.add(message);
    this.log.warning(message, { data: { stage } });
  }

  #meter(samples: number, bytesPerSample = 0): void {
    this.facts.samplesRead += samples;
    if (this.facts.bytesRead !== undefined) this.facts.bytesRead += samples * bytesPerSample;
    const { maxSamples } = this.#options;
    if (maxSamples !== undefined && this.facts.samplesRead > maxSamples) {
      throw new OpenEOError('ProcessGraphComplexity', {}, { detail: `It reads more than ${maxSamples} samples; a smaller extent, fewer bands or dates stay under the limit.` });
    }
  }
}

function searchBox(extent: Bounds | null): [number, number, number, number] | null {
  if (extent === null) return null;
  const { west, south, east, north } = transformBounds(extent, WGS84);
  const dy = SEARCH_MARGIN_METRES / 111_320;
  const dx = dy / Math.max(0.01, Math.cos((Math.max(Math.abs(south), Math.abs(north)) * Math.PI) / 180));
  return foldedBox([west - dx, Math.max(-90, south - dy), east + dx, Math.min(90, north + dy)]);
}

function hasProperties(item: StacItem, conditions: NonNullable<LoadRequest['properties']>): boolean {
  return Object.entries(conditions).every(([name, holds]) => holds((item.properties[name] ?? null) as Value));
}
