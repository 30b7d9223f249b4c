/**
 * A cube as a Zarr v3 store: a plan of its objects, made without reading a sample.
 *
 * One array holds all dates: [t, …, bands, y, x]. A shard is one date of one square with all bands; its
 * inner chunks are small enough that one place is cheap to read. Equal cubes give equal keys and bytes, and
 * shards don't depend on each other, so a caller may write them in any order, leave out those that are
 * there, and go on where another has stopped.
 */
import type { Block, Window } from '../../cube/block.ts';
import { product, strides } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { sampleSize } from '../../cube/dtype.ts';
import { permute } from '../../cube/permute.ts';
import { encodeBlock, storedTypeFor, type EncodedSamples, type StoredType } from '../cog/stored-type.ts';
import { requireCells, requireGrid, type PlannedBand } from '../raster-plan.ts';
import { rootAttributes, type References } from './attributes.ts';
import { coordinateArray, SPATIAL_REF, spatialRefArray } from './coordinates.ts';
import { document, rootGroup, shardedArray, wholeArray, wholeChunk, type ArrayDocument, type Attributes, type Json, type Sharding, type WholeArray, type ZarrObject } from './metadata.ts';
import { OFFSET, quantizationText, SCALE, shared, THRESHOLD } from './quantization.ts';
import { encodeShard } from './shard.ts';

export interface ZarrSettings {
  /** Edge of a shard in cells; rounded up to whole chunks. */
  readonly shardSize?: number;
  /** Edge of an inner chunk in cells. */
  readonly chunkSize?: number;
  /** Level of zstd, 1 to 22. */
  readonly level?: number;
  readonly references?: References;
  /** How samples are stored; by default as the cube says. */
  readonly type?: StoredType;
}

/** A shard of the plan. */
export interface PlannedShard {
  /** Key of its object in the store. */
  readonly key: string;
  /** The window of the cube to read for it. */
  readonly window: Window;
}

/** A shard's objects (none where there is no data), and what is in them as [bands, height, width]. */
export interface EncodedShard extends EncodedSamples {
  readonly objects: readonly ZarrObject[];
}

/** Bytes of an inner chunk before compression: one request for a place stays small. */
const CHUNK_BYTES = 64 * 1024;
/** Bytes of a shard before compression: what a writer holds in memory. */
const SHARD_BYTES = 64 * 1024 * 1024;
const LARGEST_SHARD = 1024;
const USUAL_LEVEL = 3;

export class ZarrStore {
  readonly type: StoredType;
  readonly bands: readonly PlannedBand[];
  readonly #cube: Cube;
  readonly #array: ArrayDocument;
  readonly #sharding: Sharding;
  readonly #references: References;
  /** Positions of the array's dimensions in the cube. */
  readonly #order: readonly number[];
  /** Shards along each dimension. */
  readonly #counts: readonly number[];

  /** Throws DataCubeEmpty, and FormatUnsuitable for a cube without a grid. */
  constructor(cube: Cube, settings: ZarrSettings = {}) {
    requireCells(cube);
    requireGrid(cube, 'Zarr');
    this.#cube = cube;
    this.type = settings.type ?? storedTypeFor(cube);
    this.bands = plannedBands(cube);
    this.#references = settings.references ?? {};
    this.#order = cube.dimensions.map((_, i) => i).sort((a, b) => rank(cube, a) - rank(cube, b) || a - b);
    this.#array = this.#document();
    this.#sharding = planSharding(this.#array.shape, this.#bandsAxis, this.bands.length * sampleSize(this.type.dtype), settings);
    this.#counts = this.#array.shape.map((size, i) => Math.ceil(size / this.#sharding.shard[i]!));
  }

  get shardCount(): number {
    return product(this.#counts);
  }

  /** Bytes of a whole shard before compression. */
  get shardBytes(): number {
    return product(this.#sharding.shard) * sampleSize(this.type.dtype);
  }

  /** Shard number `index` of `shardCount`. */
  shard(index: number): PlannedShard {
    const place = strides(this.#counts).map((step, i) => Math.floor(index / step) % this.#counts[i]!);
    const start = new Array<number>(place.length).fill(0);
    const size = new Array<number>(place.length).fill(0);
    for (const [i, dimension] of this.#order.entries()) {
      const edge = this.#sharding.shard[i]!;
      start[dimension] = place[i]! * edge;
      size[dimension] = Math.min(edge, this.#array.shape[i]! - place[i]! * edge);
    }
    return { key: `${this.#array.name}/c/${place.join('/')}`, window: { start, size } };
  }

  /**
   * The objects of a shard, given the block of its window. Where `isAmbiguous`, a valid sample equals the
   * no-data value, and the store needs another type (`withFreeNodata`).
   */
  async encode(index: number, block: Block, signal: AbortSignal): Promise<EncodedShard> {
    const ordered = permute(block, this.#order);
    const codes = encodeBlock(ordered, this.type, this.#bandsAxis);
    const objects: ZarrObject[] = [];
    const { key } = this.shard(index);
    const bytes = await encodeShard({ samples: codes.samples, shape: ordered.shape, fill: this.type.nodata }, this.#sharding, signal);
    if (bytes) objects.push({ key, bytes });
    if (bytes && codes.scale) objects.push(await this.#encodeScale(key, codes.scale, ordered.shape, signal));
    return { ...codes, objects };
  }

  /** Everything but the shards: the documents, the labels of the dimensions, and what codes are decoded with. */
  metadata(): ZarrObject[] {
    const wholes = [
      ...this.#order.map((i) => coordinateArray(this.#cube, this.#cube.dimensions[i]!)),
      spatialRefArray(this.#cube.grid!),
      ...this.#decodingArrays(),
    ];
    const arrays: Record<string, Json> = {
      [this.#array.name]: shardedArray(this.#array, this.#sharding),
      ...(this.#isPerVector && { [SCALE]: shardedArray(this.#scaleDocument(), this.#withoutBands(this.#sharding)) }),
      ...Object.fromEntries(wholes.map((array) => [array.name, wholeArray(array)])),
    };
    const root = rootAttributes(this.#cube, this.type.dtype, this.#references, quantizationText(this.type.encoding));
    return [
      document('zarr.json', rootGroup(root, arrays)),
      ...Object.entries(arrays).map(([name, content]) => document(`${name}/zarr.json`, content)),
      ...wholes.flatMap(wholeChunk),
    ];
  }

  get #bandsAxis(): number {
    return this.#order.findIndex((i) => this.#cube.dimensions[i]!.type === 'bands');
  }

  get #isPerVector(): boolean {
    return this.type.encoding?.method === 'int8_per_vector';
  }

  async #encodeScale(key: string, scale: Float32Array<ArrayBuffer>, shape: readonly number[], signal: AbortSignal): Promise<ZarrObject> {
    const content = { samples: scale, shape: shape.toSpliced(this.#bandsAxis, 1), fill: Number.NaN };
    const bytes = await encodeShard(content, this.#withoutBands(this.#sharding), signal);
    const place = key.split('/c/')[1]!.split('/').toSpliced(this.#bandsAxis, 1).join('/');
    return { key: `${SCALE}/c/${place}`, bytes: bytes! };
  }

  #withoutBands({ shard, chunk, level }: Sharding): Sharding {
    return { shard: shard.toSpliced(this.#bandsAxis, 1), chunk: chunk.toSpliced(this.#bandsAxis, 1), level };
  }

  #scaleDocument(): ArrayDocument {
    const { shape, dimensions, attributes } = this.#array;
    const at = this.#bandsAxis;
    return {
      name: SCALE, dtype: 'float32', fill: Number.NaN,
      shape: shape.toSpliced(at, 1),
      dimensions: dimensions.toSpliced(at, 1),
      attributes: { grid_mapping: attributes.grid_mapping!, coordinates: attributes.coordinates!, long_name: 'scale of each vector' },
    };
  }

  /** Lists of the encoding that differ from band to band, as arrays over the bands. */
  #decodingArrays(): WholeArray[] {
    const { scale, offset, threshold } = this.type.encoding ?? {};
    const isPerBand = scale !== undefined && (shared(scale) === undefined || (offset !== undefined && shared(offset) === undefined));
    const lists: [string, readonly number[] | undefined][] = [
      [SCALE, isPerBand ? scale : undefined],
      [OFFSET, isPerBand ? (offset ?? scale.map(() => 0)) : undefined],
      [THRESHOLD, threshold],
    ];
    return lists.flatMap(([name, list]) => (list ? [{
      name, dtype: 'float64' as const, fill: Number.NaN, shape: [list.length],
      dimensions: [this.#array.dimensions[this.#bandsAxis]!], attributes: {}, values: Float64Array.from(list),
    }] : []));
  }

  #document(): ArrayDocument {
    const dimensions = this.#order.map((i) => this.#cube.dimensions[i]!);
    const wanted = this.#cube.attributes.embedding ? 'embeddings' : 'data';
    const isTaken = dimensions.some((d) => d.name === wanted);
    return {
      name: isTaken ? `${wanted}_values` : wanted,
      dtype: this.type.dtype,
      shape: dimensions.map((d) => d.size),
      dimensions: dimensions.map((d) => d.name),
      fill: this.type.nodata,
      attributes: this.#dataAttributes(),
    };
  }

  #dataAttributes(): Attributes {
    const { nodata, dtype, encoding } = this.type;
    const scale = encoding?.method === 'int8' ? shared(encoding.scale) : undefined;
    const offset = encoding?.offset ? shared(encoding.offset) : 0;
    return {
      grid_mapping: SPATIAL_REF,
      coordinates: SPATIAL_REF,
      ...(scale !== undefined && offset !== undefined && { scale_factor: scale, add_offset: offset }),
      // xarray masks what equals this; of floats it masks NaN anyway.
      ...(!dtype.startsWith('float') && { _FillValue: nodata }),
    };
  }
}

/** Time first, then bands, space last; what is neither comes between. */
function rank(cube: Cube, index: number): number {
  const { type, axis } = cube.dimensions[index]!;
  if (type === 'temporal') return 0;
  if (type === 'bands') return 2;
  return axis === 'y' ? 3 : axis === 'x' ? 4 : 1;
}

/** Labels of the bands dimension; one nameless band without it. */
function plannedBands(cube: Cube): PlannedBand[] {
  const dimension = cube.find('bands');
  if (!dimension) return [{ name: 'data', label: 0 }];
  return cube.labels(dimension.name).map((name, label) => {
    const description = cube.attributes.bands?.[label];
    return { name: String(name), label, ...(description && { description }) };
  });
}

/** Chunks and shards whose edges are powers of two, unless they are given. */
function planSharding(shape: readonly number[], bandsAxis: number, cellBytes: number, settings: ZarrSettings): Sharding {
  const chunk = settings.chunkSize ?? edgeFor(CHUNK_BYTES, cellBytes, 4, 128);
  const wanted = settings.shardSize ?? edgeFor(SHARD_BYTES, cellBytes, chunk, LARGEST_SHARD);
  const edge = (size: number) => Math.ceil(Math.min(wanted, size) / chunk) * chunk;
  const [height, width] = shape.slice(-2) as [number, number];
  const inner = shape.slice(0, -2).map((size, i) => (i === bandsAxis ? size : 1));
  return { chunk: [...inner, chunk, chunk], shard: [...inner, edge(height), edge(width)], level: settings.level ?? USUAL_LEVEL };
}

/** The largest power of two, within limits, whose square of cells has no more than so many bytes. */
function edgeFor(bytes: number, cellBytes: number, least: number, most: number): number {
  const edge = 2 ** Math.floor(Math.log2(Math.sqrt(bytes / cellBytes)));
  return Math.max(least, Math.min(most, edge));
}
