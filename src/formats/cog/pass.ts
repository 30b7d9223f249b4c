/** One attempt to write one file of a cube, and beside it the scales of its vectors where each has its own. */
import type { Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { isFloat } from '../../cube/dtype.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { SCALE_BAND } from '../embedding-codes.ts';
import { requireGrid, type PlannedBand, type PlannedFile } from '../raster-plan.ts';
import type { WriteContext } from '../writer.ts';
import { Compressing } from './compressing.ts';
import type { ImageFacts } from './image-fields.ts';
import { ImageSink, type SinkFacts } from './image-sink.ts';
import { buildPyramid, levelSizes, type LevelSize, type Tile } from './pyramid.ts';
import type { GtiffSettings } from './gtiff-options.ts';
import { reductionFor, type Reduction } from './reduce.ts';
import { encodeBlock, flagNodata, type StoredType } from './stored-type.ts';
import { predictorFor, type Predictor } from './tile-encoder.ts';
import { hasUnitVectors, withUnitLength } from './unit-length.ts';

export type PassSettings = Pick<GtiffSettings, 'compression' | 'predictor' | 'tileSize' | 'overviews' | 'reduction' | 'classes' | 'bandItems' | 'fileItems'>;

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
  readonly #settings: PassSettings;
  readonly #reduction: Reduction;
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
    this.#settings = settings;
    this.#reduction = settings.reduction ?? reductionFor(cube.dtype, cube.attributes.encoding);
    this.#hasUnitVectors = this.#reduction === 'average' && hasUnitVectors(cube);
    const grid = requireGrid(cube, 'GTiff');
    this.#facts = {
      grid, bands: file.bands, type, isPlanar,
      tileSize: settings.tileSize ?? usualTileSize(grid, isPlanar),
      compression: settings.compression,
      predictor: this.#predictorOf(type),
      bandItems: settings.bandItems,
      fileItems: settings.fileItems,
      ...(settings.classes && { classes: settings.classes }),
      ...(file.datetime !== undefined && { datetime: file.datetime }),
    };
  }

  /** Writes the file, and that of the scales when there is one; 'ambiguous' when valid samples equal no-data. */
  async run(path: string, scale: { readonly path: string; readonly name: string }): Promise<Written | 'ambiguous'> {
    const { grid, tileSize, bands } = this.#facts;
    const levels = levelSizes(grid, tileSize, this.#settings.overviews);
    const isScaled = this.#type.encoding?.method === 'int8_per_vector';
    try {
      this.#main = await ImageSink.create(path, { ...this.#facts, ...(isScaled && { scaleFile: scale.name }) }, levels, this.#compressing);
      if (isScaled) this.#scale = await ImageSink.create(scale.path, this.#scaleFacts(), levels, this.#compressing);
      await buildPyramid({
        levels, tileSize, bands: bands.length,
        reduction: this.#reduction,
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
    const isKeptApart = isFloat(this.#type.dtype) && !Number.isNaN(this.#type.nodata);
    if (this.#isAmbiguous && (this.#hasNulls || this.#hasNaN)) return 'ambiguous';
    const hasNodata = this.#hasNulls || this.#hasNaN || (this.#type.isNodataGiven && !this.#isAmbiguous);
    const main = await this.#main!.write(hasNodata, signal);
    const scale = await this.#scale?.write(true, signal);
    if (this.#hasNaN && !isKeptApart) log.warning('The data has NaN values. GeoTIFF can\'t tell them from no-data; save as netCDF or JSON to keep them apart.');
    return { main, ...(scale && { scale }) };
  }

  async #read(cells: CellWindow): Promise<Block> {
    this.#context.signal.throwIfAborted();
    const read = await this.#file.read(cells, this.#context.signal);
    const block = this.#type.isNodataWanted ? flagNodata(read, this.#type.nodata) : read;
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
      if (nulls !== tile.block.nulls && !this.#type.isNodataWanted) this.#hasNaN = true;
      if (nulls !== tile.block.nulls) this.#hasNulls = true;
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
    const type: StoredType = { dtype: 'float32', nodata: NaN, isNodataGiven: true };
    return { ...this.#facts, bands, isPlanar: bands.length > MOST_INTERLEAVED_BANDS, type, predictor: this.#predictorOf(type), bandItems: {} };
  }

  #predictorOf({ dtype }: StoredType): Predictor {
    const { compression, predictor } = this.#settings;
    return compression.name === 'NONE' ? 1 : (predictor ?? predictorFor(dtype));
  }
}

function flagsOfNaN(values: Float32Array): Uint8Array | null {
  const flags = new Uint8Array(values.length);
  for (let i = 0; i < flags.length; i++) if (Number.isNaN(values[i])) flags[i] = 1;
  return flags.includes(1) ? flags : null;
}
