/**
 * The scope of a run: everything a process may ask the outside world for.
 *
 * Sync results, batch jobs, map tiles and virtual collections are the same graph run by the same
 * engine; they differ only in the scope. Processes do no input or output of their own.
 */
import type { Cube, Quantization, Resampling } from '../cube/cube.ts';
import type { Bounds, Grid } from '../geo/grid.ts';
import type { NodePath } from '../errors.ts';
import type { Log } from '../log.ts';
import type { UdfService } from './udf.ts';
import type { Value } from './value.ts';
import type { ProcessGraph } from './wire.ts';

export interface LoadRequest {
  readonly id: string;
  /** null: the whole extent of the collection. */
  readonly spatialExtent: Bounds | null;
  /** Left-closed interval of RFC 3339 instants, null for an open end; null: all times. */
  readonly temporalExtent: readonly [string | null, string | null] | null;
  /** Band names or common names in the wanted order; null: all. */
  readonly bands: readonly string[] | null;
  /** Item property → condition on its value (load_collection's `properties`). */
  readonly properties: Readonly<Record<string, (value: Value) => boolean>> | null;
}

/** load_stac: the same of what lies behind a URL. */
export interface LoadStacRequest extends Omit<LoadRequest, 'id'> {
  /** http(s), or 'job:…' with the id of a batch job of whoever asks. */
  readonly url: string;
}

/** load_uploaded_files: files of whoever asks. */
export interface LoadFilesRequest {
  /** As they were given; './' and '/' in front mean nothing. */
  readonly paths: readonly string[];
  /** Name of an input format, in whatever case. */
  readonly format: string;
  readonly options: Readonly<Record<string, Value | undefined>>;
}

/** load_url: a file with geometries. */
export interface LoadUrlRequest {
  readonly url: string;
  /** Name of the format, in whatever case. */
  readonly format: string;
  /** Properties of the features whose values the cube holds. */
  readonly properties: readonly string[];
}

/** A lattice of pixels that data are put on before they are embedded. */
export interface Onto {
  readonly grid: Grid;
  readonly method: Resampling;
  /** Pixels along the edge of a patch; the first patch begins at the corner of the grid. */
  readonly patch: number;
}

export interface EmbedRequest {
  readonly data: Cube;
  /** Embed the data on other pixels than their own. Not part of `origin`. */
  readonly onto?: Onto;
  /** The graph that makes `data`, self-contained, so that another worker can make it too. */
  readonly origin: ProcessGraph;
  /** 'pca', 'pca:1', 'pca:1.2.0', 'pca@sha256:…'. */
  readonly model: string;
  /** Parameters of the operator by name; absent: none is given. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly quantization: Quantization;
  /** Keep only the first so many dimensions; null: all. */
  readonly dimensions: number | null;
}

export interface ViewRequest {
  /** The process that asks, for messages. */
  readonly process: string;
  /** Embeddings as float32. */
  readonly data: Cube;
  readonly quantization: Quantization;
  /** Keep only the first so many dimensions; null: all that there are. */
  readonly dimensions: number | null;
}

export interface SaveRequest {
  readonly data: Value;
  /** Canonical format name, e.g. 'GTiff'. */
  readonly format: string;
  readonly options: Readonly<Record<string, Value | undefined>>;
  /** The graph that makes `data`, for the metadata of the result. */
  readonly origin: ProcessGraph;
}

export interface ExportRequest {
  /** What save_result returned in the same run. */
  readonly data: Value;
  readonly collection: string;
}

/** stac_modify: a JSON Merge Patch (RFC 7386) for a STAC resource. */
export interface ModifyRequest {
  readonly data: Value;
  readonly changes: Value;
}

/** export_workspace: saved files and their STAC metadata go where files are kept. */
export interface WorkspaceRequest {
  readonly data: Value;
  readonly workspace: string;
  /** Path of a STAC resource in the workspace that the data are added to; null: they are kept apart. */
  readonly merge: string | null;
}

export interface Scope {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Runs functions of users; absent: run_udf is refused. */
  readonly udf?: UdfService;
  /** The same scope for one node, so that its log names it; absent: the log names none. */
  at?(path: NodePath): Scope;
  loadCollection(request: LoadRequest): Promise<Cube>;
  loadStac(request: LoadStacRequest): Promise<Cube>;
  loadUrl(request: LoadUrlRequest): Promise<Cube>;
  loadFiles(request: LoadFilesRequest): Promise<Cube>;
  embed(request: EmbedRequest): Promise<Cube>;
  /** Another form of embeddings: fewer bits, fewer dimensions. */
  view(request: ViewRequest): Promise<Cube>;
  /** Writes a result; returns what save_result returns. */
  saveResult(request: SaveRequest): Promise<Value>;
  /** Adds saved files to a collection, which appears when the run has succeeded. Gives its id. */
  exportCollection(request: ExportRequest): Promise<string>;
  /** Gives the changed resource. */
  modifyStac(request: ModifyRequest): Promise<Value>;
  /** Writes saved files to a workspace when the run has succeeded. Gives the resource. */
  exportWorkspace(request: WorkspaceRequest): Promise<Value>;
}
