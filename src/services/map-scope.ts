/**
 * The scope of a process that is shown on a map: everything that it loads comes onto the grid of the tile.
 *
 * What the process says of its extent holds: outside of it there is no data. Without an extent it loads what
 * the tile shows. So tiles agree on dates and bands where the process names its extent, and are cheap to draw
 * where it does not.
 */
import type { Cube } from '../cube/cube.ts';
import { resampleCube } from '../cube/resample.ts';
import { gridBounds, isSameGrid, type Bounds, type Grid } from '../geo/grid.ts';
import { OpenEOError, type NodePath } from '../errors.ts';
import type { Log } from '../log.ts';
import type { EmbedRequest, LoadFilesRequest, LoadRequest, LoadStacRequest, LoadUrlRequest, SaveRequest, Scope, ViewRequest } from '../graph/scope.ts';
import type { UdfService } from '../graph/udf.ts';
import type { Value } from '../graph/value.ts';
import { EngineScope, type Engine, type RunFacts, type RunOptions } from '../layers/scope.ts';
import { maskedOutside } from './mask.ts';

/** What the nodes of one process share. */
export interface MapRun {
  readonly engine: Engine;
  readonly options: Omit<RunOptions, 'target' | 'isPicture' | 'save'>;
  readonly facts: RunFacts;
  /** The grid of the tile; null: what is loaded stays on the grid that it has (embeddings). */
  readonly grid: Grid | null;
  /** Loaded where the process names no extent. */
  readonly extent: (collection: string | null) => Promise<Bounds | null>;
  /** Of the tile, as the process is given it: who loads it loads without an extent of its own. */
  readonly given: Bounds;
  /** Told the extent of everything that is loaded; null: that of the collection. */
  readonly onLoad: (extent: Bounds | null, collection: string | null) => void;
  readonly onSave: (request: SaveRequest) => Value;
}

export class MapScope implements Scope {
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly udf?: UdfService;
  readonly #run: MapRun;
  /** Loads on the grid of the tile. */
  readonly #onTile: EngineScope;
  /** Loads on the grid that data have. */
  readonly #own: EngineScope;

  constructor(run: MapRun, inner?: { readonly onTile: EngineScope; readonly own: EngineScope }) {
    this.#run = run;
    const { engine, options, facts, grid } = run;
    this.#onTile = inner?.onTile ?? new EngineScope(engine, { ...options, ...(grid && { target: grid }) }, facts);
    this.#own = inner?.own ?? new EngineScope(engine, { ...options, isPicture: grid !== null }, facts);
    this.signal = options.signal;
    this.log = this.#own.log;
    if (this.#own.udf) this.udf = this.#own.udf;
  }

  at(path: NodePath): MapScope {
    return new MapScope(this.#run, { onTile: this.#onTile.at(path), own: this.#own.at(path) });
  }

  async loadCollection(request: LoadRequest): Promise<Cube> {
    return this.#load(request, request.id, (scope, spatialExtent) => scope.loadCollection({ ...request, spatialExtent }));
  }

  async loadStac(request: LoadStacRequest): Promise<Cube> {
    return this.#load(request, null, (scope, spatialExtent) => scope.loadStac({ ...request, spatialExtent }));
  }

  async #load({ spatialExtent }: Pick<LoadRequest, 'spatialExtent'>, collection: string | null, load: (scope: EngineScope, extent: Bounds | null) => Promise<Cube>): Promise<Cube> {
    const { extent, onLoad, given } = this.#run;
    if (spatialExtent !== null && !isSameBox(spatialExtent, given)) {
      onLoad(spatialExtent, collection);
      return this.#onGrid(await load(this.#own, spatialExtent), spatialExtent);
    }
    onLoad(null, collection);
    const wanted = await extent(collection);
    if (wanted === null) throw new OpenEOError('NoDataAvailable', {});
    return this.#onGrid(await load(this.#onTile, wanted), null);
  }

  async loadFiles(request: LoadFilesRequest): Promise<Cube> {
    return this.#onGrid(await this.#own.loadFiles(request), null, true);
  }

  loadUrl(request: LoadUrlRequest): Promise<Cube> {
    return this.#own.loadUrl(request);
  }

  embed(request: EmbedRequest): Promise<Cube> {
    return this.#own.embed(request);
  }

  view(request: ViewRequest): Promise<Cube> {
    return this.#own.view(request);
  }

  async saveResult(request: SaveRequest): Promise<Value> {
    return this.#run.onSave(request);
  }

  exportCollection(): Promise<string> {
    return Promise.reject(notHere('export_collection'));
  }

  modifyStac(): Promise<Value> {
    return Promise.reject(notHere('stac_modify'));
  }

  exportWorkspace(): Promise<Value> {
    return Promise.reject(notHere('export_workspace'));
  }

  /** The cube on the grid of the tile, with nothing outside of the extent. A cube on no grid, such as a vector cube, stays as it is. */
  #onGrid(cube: Cube, extent: Bounds | null, isBounded = false): Cube {
    const { grid, onLoad } = this.#run;
    if (!cube.grid) return cube;
    if (isBounded) onLoad(gridBounds(cube.grid), null);
    if (grid === null || (isSameGrid(cube.grid, grid) && extent === null)) return cube;
    return maskedOutside(resampleCube(cube, grid, 'near'), extent ?? gridBounds(cube.grid));
  }
}

function isSameBox(a: Bounds, b: Bounds): boolean {
  if (a.crs !== b.crs) return false;
  return (['west', 'south', 'east', 'north'] as const).every((edge) => Math.abs(a[edge] - b[edge]) < 1e-9);
}

function notHere(process: string): OpenEOError {
  return new OpenEOError('ProcessUnsupported', { process, namespace: 'backend' }, { detail: 'A map has no result that could be kept.' });
}
