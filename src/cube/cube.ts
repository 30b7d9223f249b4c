/**
 * A lazy cube: metadata plus a way to read a window of it.
 *
 * Processes make new cubes out of old ones without reading anything. Only who needs values (a writer,
 * a tile, a vector aggregation) calls `read`, block by block, so memory grows with the block and not
 * with the extent.
 */
import type { Grid } from '../geo/grid.ts';
import { axisLabels } from '../geo/grid.ts';
import { OpenEOError } from '../errors.ts';
import type { Block, Window } from './block.ts';
import type { CloudCodes } from './cloud-codes.ts';
import type { DType } from './dtype.ts';
import type { Dimension, Label } from './dimension.ts';

/** What is known about a band besides its label; the words are STAC's. */
export interface BandDescription {
  readonly name: string;
  readonly description?: string;
  readonly common_name?: string;
  /** Micrometres. */
  readonly center_wavelength?: number;
  readonly unit?: string;
  /** Ground sampling distance of the source in metres. */
  readonly gsd?: number;
  /** Physical value = stored value × scale + offset; told, not applied (openEO's load_collection rule). */
  readonly scale?: number;
  readonly offset?: number;
  /** Of a scene classification or quality band: what its codes say about clouds. */
  readonly clouds?: CloudCodes;
}

/** How embeddings are stored; every one is a view of the same float32 vectors. */
export type Quantization = 'float32' | 'float16' | 'int8' | 'int8_power2' | 'int8_per_vector' | 'binary';

/**
 * How a writer must store the samples of a cube of embeddings so that nothing is lost. The cube holds the
 * values that a reader of the file gets back; writers find the codes with `storedValues` (formats).
 *
 * float32, float16: the values themselves; int8: value = code · scale + offset; int8_power2: value = gain ·
 * sign(code) · (code / 127.5)²; int8_per_vector: value = code · scale with one float32 scale per vector, NaN
 * where there is none; binary: the bits, 0 and 1.
 */
export interface Encoding {
  readonly method: Quantization;
  /** Of the codes. */
  readonly dtype: DType;
  /** The code that stands for no-data. */
  readonly nodata: number;
  /** int8 only, one per band. */
  readonly scale?: readonly number[];
  readonly offset?: readonly number[];
  /** int8_power2 only. */
  readonly gain?: number;
  /** binary only, one per band: a bit is 1 where the vector was above it. */
  readonly threshold?: readonly number[];
}

/** What a file of embeddings says of itself (the fields emb:* and geoemb:*). */
export interface EmbeddingFacts {
  /** Pinned operator reference, 'pca@sha256:…', and its name and version for people. */
  readonly operator: string;
  readonly name: string;
  readonly version: string;
  /** Dimensions that the operator gives; the cube may hold the first ones only. */
  readonly dimensions: number;
  /** Edge of a patch in source pixels; 1 for an embedding per pixel. */
  readonly patch: number;
  /** Metres per vector. */
  readonly gsd: number;
  /** 'unit': vectors have length 1, and means of them are made so again. */
  readonly norm: 'unit' | null;
}

/** Facts that travel with a cube and end up in the metadata of a result. */
export interface CubeAttributes {
  /** One per label of the bands dimension, in order. */
  readonly bands?: readonly BandDescription[];
  /** The source's no-data value; a writer may use another one. */
  readonly nodata?: number | null;
  /** Set by compress_embed, kept by filters, dropped by everything that changes values. */
  readonly encoding?: Encoding;
  /** STAC Items the cube was made from, for derived_from links: '<collection>/<item>'. */
  readonly sources?: readonly string[];
  /** The same by label of the temporal dimension; only while values still belong to one date each. */
  readonly sourcesByLabel?: Readonly<Record<string, readonly string[]>>;
  /** Operator reference ('pca@sha256:…') when the values are embeddings. */
  readonly operator?: string;
  /** Set together with `operator`. */
  readonly embedding?: EmbeddingFacts;
  /** A point of the collection's lattice in CRS units; blocks of layers are counted from here. */
  readonly anchor?: { readonly x: number; readonly y: number };
  /** Window edge (cells) in which the source is cheapest to read, e.g. its COG tile size. */
  readonly blockSize?: number;
}

export type Resampling = 'near' | 'bilinear' | 'cubic' | 'cubicspline' | 'lanczos' | 'average' | 'mode' | 'min' | 'max' | 'med' | 'q1' | 'q3' | 'sum' | 'rms';

export interface CubeParts {
  readonly dimensions: readonly Dimension[];
  /** Present exactly when the cube has an x and a y dimension that lie on a regular lattice. */
  readonly grid: Grid | null;
  readonly dtype: DType;
  readonly attributes?: CubeAttributes;
  readonly read: (window: Window, signal: AbortSignal) => Promise<Block>;
  readonly fingerprint: (window: Window) => Promise<string>;
  /** Given when the cube can read itself on another lattice better than by resampling its own pixels (overviews). */
  readonly regrid?: (grid: Grid, method: Resampling) => Cube;
  /** Given when the cube can tell without reading that a window holds no valid sample. False may mean that it does not know. */
  readonly isEmpty?: (window: Window) => boolean;
}

export class Cube {
  readonly dimensions: readonly Dimension[];
  readonly grid: Grid | null;
  readonly dtype: DType;
  readonly attributes: CubeAttributes;
  readonly regrid: ((grid: Grid, method: Resampling) => Cube) | undefined;
  readonly isEmpty: ((window: Window) => boolean) | undefined;
  readonly #parts: CubeParts;
  #explain: ((error: unknown) => unknown) | null = null;

  constructor(parts: CubeParts) {
    this.dimensions = parts.dimensions;
    this.grid = parts.grid;
    this.dtype = parts.dtype;
    this.attributes = parts.attributes ?? {};
    const { regrid } = parts;
    this.regrid = regrid && ((grid, method) => this.#explained(regrid(grid, method)));
    this.isEmpty = parts.isEmpty;
    this.#parts = parts;
  }

  get shape(): number[] {
    return this.dimensions.map((d) => d.size);
  }

  /**
   * The samples of a window. On x and y the window may reach beyond the cube: outside its extent a cube
   * gives the pixels that its source has there (this is how halos get real neighbours), and no-data
   * where there are none. On other dimensions it must stay inside.
   */
  async read(window: Window, signal: AbortSignal = new AbortController().signal): Promise<Block> {
    signal.throwIfAborted();
    try {
      return await this.#parts.read(window, signal);
    } catch (error) {
      throw this.#explain ? this.#explain(error) : error;
    }
  }

  /**
   * A digest of everything the samples of the window depend on: source assets with their version,
   * and the processes and arguments applied. Equal fingerprints mean equal samples.
   */
  async fingerprint(window: Window): Promise<string> {
    try {
      return await this.#parts.fingerprint(window);
    } catch (error) {
      throw this.#explain ? this.#explain(error) : error;
    }
  }

  /**
   * From now on errors of `read` and `fingerprint` are thrown as `explain` returns them: who made the cube
   * tells where they come from. The first call counts; cubes that are derived from this one are not meant.
   */
  explainErrors(explain: (error: unknown) => unknown): void {
    this.#explain ??= explain;
  }

  #explained(cube: Cube): Cube {
    if (this.#explain) cube.explainErrors(this.#explain);
    return cube;
  }

  /** Index of the dimension of this name; throws DimensionNotAvailable. */
  indexOf(name: string): number {
    const index = this.dimensions.findIndex((d) => d.name === name);
    if (index < 0) {
      const names = this.dimensions.map((d) => `'${d.name}'`).join(', ');
      throw new OpenEOError('DimensionNotAvailable', {}, { detail: `There is no dimension '${name}'; the cube has ${names || 'no dimensions'}.` });
    }
    return index;
  }

  dimension(name: string): Dimension {
    return this.dimensions[this.indexOf(name)]!;
  }

  /** The first dimension of a type, or of a spatial axis. */
  find(type: Dimension['type'], axis?: Dimension['axis']): Dimension | undefined {
    return this.dimensions.find((d) => d.type === type && (axis === undefined || d.axis === axis));
  }

  /** Labels of a dimension, pixel centres for x and y on the grid. */
  labels(name: string): readonly Label[] {
    const dimension = this.dimension(name);
    if (dimension.labels) return dimension.labels;
    if (this.grid && (dimension.axis === 'x' || dimension.axis === 'y')) return axisLabels(this.grid, dimension.axis);
    return Array.from({ length: dimension.size }, (_, i) => i);
  }

  /** The window that covers the whole cube. */
  fullWindow(): Window {
    return { start: this.dimensions.map(() => 0), size: this.shape };
  }

  /**
   * The same cube with some parts replaced; what is not named stays, except `regrid`, which must be given
   * again, and `isEmpty`, which must be given again with a new `read`.
   */
  with(changes: Partial<CubeParts>): Cube {
    const { regrid: _, isEmpty, ...kept } = this.#parts;
    return new Cube({ ...kept, ...(isEmpty && !changes.read && { isEmpty }), ...changes });
  }
}
