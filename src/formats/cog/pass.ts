/** One attempt to write one file of a cube, and beside it the scales of its vectors where each has its own. */
import type { Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { SCALE_BAND } from '../embedding-codes.ts';
import { requireGrid, type PlannedBand, type PlannedFile } from '../raster-plan.ts';
import type { WriteContext } from '../writer.ts';
import { Compressing } from './compressing.ts';
import type { ImageFacts } from './image-fields.ts';
import { ImageSink, type SinkFacts } from './image-sink.ts';
import { buildPyramid, levelSizes, type LevelSize, type Tile } from './pyramid.ts';
import { reductionFor } from './reduce.ts';
import { encodeBlock, type StoredType } from './stored-type.ts';
import type { CompressionName } from './tile-encoder.ts';
import { hasUnitVectors, withUnitLength } from './unit-length.ts';

export interface PassSettings {
  readonly compression: CompressionName;
  readonly tile_size?: number;
  readonly overviews: boolean;
}

/** The images written, in files at the paths asked for. */
export interface Written {
  readonly main: ImageFacts;
  /** int8_per_vector only. */
  readonly scale?: ImageFacts;
}

/** More than this many bands are stored band by band, so that a viewer need not read all for three of them. */
const MOST_INTERLEAVED_BANDS = 4;

/** Small tiles for many bands, whose blocks are thick, and for images that would not fill a large one. */
function usualTileSize({ width, height }: LevelSize, isPlanar: boolean): number {
  const largest = isPlanar ? 256 : 512;
  return [128, 256].find((size) => size >= Math.max(width, height)) ?? largest;
}

export class Pass {
  readonly #cube: Cube;
  readonly #file: PlannedFile;
  readonly #type: StoredType;
  readonly #context: WriteContext;
  readonly #withOverviews: boolean;
  readonly #facts: SinkFacts;
  readonly #hasUnitVectors: boolean;
  readonly #compressing = new Compressing();
  #main: ImageSink | undefined;
  #scale: ImageSink | undefined;
  #hasNulls = false;
  #isAmbiguous = false;
  #hasNaN = false;
  #cellsRead = 0;

  constructor(cube: Cube, file: PlannedFile, type: StoredType, settings: PassSettings, context: WriteContext) {
    const isPlanar = file.bands.length > MOST_INTERLEAVED_BANDS;
    this.#cube = cube;
    this.#file = file;
    this.#type = type;
    this.#context = context;
    this.#withOverviews = settings.overviews;
    this.#hasUnitVectors = hasUnitVectors(cube);
    const grid = requireGrid(cube, 'GTiff');
    this.#facts = {
      grid, bands: file.bands, type, isPlanar,
      tileSize: settings.tile_size ?? usualTileSize(grid, isPlanar),
      compression: settings.compression,
      ...(file.datetime !== undefined && { datetime: file.datetime }),
    };
  }

  /** Writes the file, and that of the scales when there is one; 'ambiguous' when valid samples equal no-data. */
  async run(path: string, scale: { readonly path: string; readonly name: string }): Promise<Written | 'ambiguous'> {
    const { grid, tileSize, bands } = this.#facts;
    const levels = levelSizes(grid, tileSize, this.#withOverviews);
    const isScaled = this.#type.encoding?.method === 'int8_per_vector';
    try {
      this.#main = await ImageSink.create(path, { ...this.#facts, ...(isScaled && { scaleFile: scale.name }) }, levels, this.#compressing);
      if (isScaled) this.#scale = await ImageSink.create(scale.path, this.#scaleFacts(), levels, this.#compressing);
      await buildPyramid({
        levels, tileSize, bands: bands.length,
        reduction: reductionFor(this.#cube.dtype, this.#cube.attributes.encoding),
        read: (cells) => this.#read(cells),
        emit: (tile) => this.#emit(tile),
      }, this.#cube.dtype);
      await this.#compressing.finish();
      return await this.#write();
    } finally {
      await this.#compressing.settle();
      await this.#main?.remove();
      await this.#scale?.remove();
    }
  }

  /** Smallest and largest stored value seen. */
  range(): [number, number] {
    return this.#main!.range();
  }

  async #write(): Promise<Written | 'ambiguous'> {
    const { log, signal } = this.#context;
    this.#hasNaN ||= this.#main!.hasNaN;
    if (this.#isAmbiguous && (this.#hasNulls || this.#hasNaN)) return 'ambiguous';
    const hasNodata = this.#hasNulls || this.#hasNaN || (this.#type.isNodataGiven && !this.#isAmbiguous);
    const main = await this.#main!.write(hasNodata, signal);
    const scale = await this.#scale?.write(true, signal);
    if (this.#hasNaN) log.warning('The data has NaN values. GeoTIFF can\'t tell them from no-data; save as netCDF or JSON to keep them apart.');
    return { main, ...(scale && { scale }) };
  }

  async #read(cells: CellWindow): Promise<Block> {
    this.#context.signal.throwIfAborted();
    const block = await this.#file.read(cells, this.#context.signal);
    if (block.nulls?.includes(1)) this.#hasNulls = true;
    this.#cellsRead += cells.width * cells.height;
    return block;
  }

  async #emit(tile: Tile): Promise<void> {
    this.#context.signal.throwIfAborted();
    const { sizes, bandsAxis } = this.#file;
    const { tileSize, grid } = this.#facts;
    const block = { ...tile.block, shape: [...sizes, tileSize, tileSize] };
    const isMean = tile.level > 0 && this.#hasUnitVectors;
    const { samples, scale, nulls, isAmbiguous } = encodeBlock(isMean ? withUnitLength(block, bandsAxis) : block, this.#type, bandsAxis);
    if (tile.level === 0) {
      if (isAmbiguous) this.#isAmbiguous = true;
      // Where integers are stored, NaN has become no-data.
      if (nulls !== tile.block.nulls) this.#hasNaN = true;
      this.#context.onProgress?.(Math.min(0.95, 0.95 * (this.#cellsRead / (grid.width * grid.height))));
    }
    await this.#main!.add(tile, samples, nulls);
    if (scale) await this.#scale!.add(tile, scale, flagsOfNaN(scale));
  }

  /** One band for each vector of a cell: one per date when dates are bands. */
  #scaleFacts(): SinkFacts {
    const dimension = this.#cube.find('bands');
    const first = dimension ? String(this.#cube.labels(dimension.name)[0]) : '';
    const bands = this.#file.bands.filter((band) => band.label === 0).map((band, _, all): PlannedBand => ({
      name: all.length === 1 ? SCALE_BAND : band.name.replace(first, SCALE_BAND),
      label: 0,
      description: { name: SCALE_BAND, description: 'Scale of the vector: value = code × scale' },
    }));
    return { ...this.#facts, bands, isPlanar: bands.length > MOST_INTERLEAVED_BANDS, type: { dtype: 'float32', nodata: NaN, isNodataGiven: true } };
  }
}

function flagsOfNaN(values: Float32Array): Uint8Array | null {
  const flags = new Uint8Array(values.length);
  for (let i = 0; i < flags.length; i++) if (Number.isNaN(values[i])) flags[i] = 1;
  return flags.includes(1) ? flags : null;
}
