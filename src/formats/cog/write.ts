/** The result format GTiff: cloud-optimized GeoTIFF files, written tile by tile in bounded memory. */
import { join } from 'node:path';
import type { Block } from '../../cube/block.ts';
import type { DType, Samples } from '../../cube/dtype.ts';
import type { Cube } from '../../cube/cube.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { readOptions, type Options } from '../options.ts';
import { planRasters, requireGrid, type PlannedFile } from '../raster-plan.ts';
import { fileDate, rasterAsset } from '../stac-asset.ts';
import { StatisticsGatherer } from '../statistics.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import { imageFields, type ImageFacts } from './image-fields.ts';
import { buildPyramid, levelSizes, type LevelSize, type Tile } from './pyramid.ts';
import { reductionFor } from './reduce.ts';
import { encodeBlock, storedTypeFor, withFreeNodata, type StoredType } from './stored-type.ts';
import { TileSpool } from './tile-spool.ts';
import { encodeTile, type CompressionName } from './tile-encoder.ts';
import { writeTiff } from './tiff-file.ts';

const description: FormatDescription = {
  title: 'Cloud-optimized GeoTIFF',
  description: 'One file per date, or one for all when there is a single date or `separate_dates` is false. Labels of the bands dimension, and of every other dimension but x and y, become bands; their names are in the file. Integers keep their type; floats use NaN for no-data, so NaN and no-data are one in this format (netCDF and JSON keep them apart). Embeddings are stored as their quantization says, with scale and offset in the file. Overviews hold means, and nearest values of 8-bit integers, which are mostly classes. Files above 4 GiB are BigTIFF.',
  gis_data_types: ['raster'],
  parameters: {
    compression: { description: 'How tiles are compressed. DEFLATE is what every reader opens; ZSTD is smaller and faster.', type: 'string', enum: ['DEFLATE', 'ZSTD'], default: 'DEFLATE' },
    tile_size: { description: 'Edge of the tiles in pixels. Default: 512 for up to four bands, otherwise 256; less for small images.', type: 'integer', enum: [128, 256, 512, 1024] },
    overviews: { description: 'Whether to add reduced-resolution images, until the smallest fits in a tile.', type: 'boolean', default: true },
    separate_dates: { description: 'Whether each date gets a file of its own. If not, dates become bands.', type: 'boolean', default: true },
    filename_prefix: { description: 'How the names of the files begin. Letters, digits, dot, dash and underscore.', type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', default: 'result' },
    dtype: { description: 'Sample type to convert to; numbers are rounded and held at its limits. Default: the type of the data.', type: 'string', enum: ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float16', 'float32', 'float64'] },
  },
};

export const MEDIA_TYPE = 'image/tiff; application=geotiff; profile=cloud-optimized';

/** More than this many bands are stored band by band, so that a viewer need not read all for three of them. */
const MOST_INTERLEAVED_BANDS = 4;
/** Tiles being compressed at a time. */
const COMPRESSING = 6;

interface Settings {
  readonly compression: CompressionName;
  readonly tile_size?: number;
  readonly overviews: boolean;
  readonly separate_dates: boolean;
  readonly filename_prefix: string;
  readonly dtype?: StoredType['dtype'];
}

export const gtiff: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writeFiles(cube, options, context)),
};

async function writeFiles(cube: Cube, options: Options, context: WriteContext): Promise<WrittenFile[]> {
  const settings = readOptions(description, options) as unknown as Settings;
  const files = planRasters(cube, 'GTiff', settings.separate_dates);
  const written: WrittenFile[] = [];
  for (const [i, file] of files.entries()) {
    const onProgress = (share: number) => context.onProgress?.((i + share) / files.length);
    const suffix = files.length > 1 ? `_${fileDate(file.datetime!)}` : '';
    written.push(await writeFile(cube, file, `${settings.filename_prefix}${suffix}.tif`, settings, { ...context, onProgress }));
  }
  return written;
}

/** Writes a file; when no-data turns out to need another value or a wider type, once more. */
async function writeFile(cube: Cube, file: PlannedFile, name: string, settings: Settings, context: WriteContext): Promise<WrittenFile> {
  let type = storedTypeFor(cube, settings.dtype);
  for (;;) {
    const pass = new Pass(cube, file, type, settings, context);
    const outcome = await pass.run(join(context.directory, name));
    if (outcome !== 'ambiguous') return { ...outcome, name };
    type = withFreeNodata(type, ...pass.range());
    context.log.debug(`Valid samples equal the no-data value: writing '${name}' again with no-data ${type.nodata} as ${type.dtype}`);
  }
}

/** Small tiles for many bands, whose blocks are thick, and for images that would not fill a large one. */
function usualTileSize({ width, height }: LevelSize, isPlanar: boolean): number {
  const largest = isPlanar ? 256 : 512;
  return [128, 256].find((size) => size >= Math.max(width, height)) ?? largest;
}

/** One attempt to write one file. */
class Pass {
  readonly #file: PlannedFile;
  readonly #type: StoredType;
  readonly #context: WriteContext;
  readonly #facts: Omit<ImageFacts, 'statistics' | 'hasNodata'>;
  readonly #settings: Settings;
  readonly #statistics: StatisticsGatherer[];
  readonly #compressing = new Set<Promise<void>>();
  readonly #dtype: DType;
  #hasNulls = false;
  #isAmbiguous = false;
  #hasNaN = false;
  #cellsRead = 0;
  #failure: Error | undefined;

  constructor(cube: Cube, file: PlannedFile, type: StoredType, settings: Settings, context: WriteContext) {
    const isPlanar = file.bands.length > MOST_INTERLEAVED_BANDS;
    this.#file = file;
    this.#type = type;
    this.#context = context;
    this.#settings = settings;
    this.#dtype = cube.dtype;
    this.#facts = {
      grid: requireGrid(cube, 'GTiff'), bands: file.bands, type, isPlanar,
      tileSize: settings.tile_size ?? usualTileSize(requireGrid(cube, 'GTiff'), isPlanar),
      compression: settings.compression,
      ...(file.datetime !== undefined && { datetime: file.datetime }),
    };
    this.#statistics = file.bands.map(() => new StatisticsGatherer());
  }

  async run(path: string): Promise<Omit<WrittenFile, 'name'> | 'ambiguous'> {
    const { grid, tileSize, isPlanar, bands } = this.#facts;
    const levels = levelSizes(grid, tileSize, this.#settings.overviews);
    const spool = await TileSpool.create(`${path}.spool`, levels, tileSize, isPlanar ? bands.length : 1);
    try {
      await buildPyramid({
        levels, tileSize, bands: bands.length,
        reduction: reductionFor(this.#dtype),
        read: (cells) => this.#read(cells),
        emit: (tile) => this.#emit(tile, spool),
      }, this.#dtype);
      await this.#finishCompressing();
      if (this.#hasConflict()) return 'ambiguous';
      const facts = this.#finalFacts();
      await writeTiff(path, levels.map((size, level) => imageFields(facts, level, size)), spool, this.#context.signal);
      if (this.#hasNaN) this.#context.log.warning('The data has NaN values. GeoTIFF can\'t tell them from no-data; save as netCDF or JSON to keep them apart.');
      return this.#describe(path, facts);
    } finally {
      await Promise.all(this.#compressing);
      await spool.remove();
    }
  }

  /** Smallest and largest stored value seen. */
  range(): [number, number] {
    const known = this.#statistics.map((s) => s.result()).filter((s) => s !== null);
    return [Math.min(...known.map((s) => s.minimum)), Math.max(...known.map((s) => s.maximum))];
  }

  async #read(cells: CellWindow): Promise<Block> {
    this.#context.signal.throwIfAborted();
    const block = await this.#file.read(cells, this.#context.signal);
    if (block.nulls?.includes(1)) this.#hasNulls = true;
    this.#cellsRead += cells.width * cells.height;
    return block;
  }

  async #emit(tile: Tile, spool: TileSpool): Promise<void> {
    this.#context.signal.throwIfAborted();
    const { samples, nulls, isAmbiguous } = encodeBlock(tile.block, this.#type, this.#file.bands);
    if (tile.level === 0) {
      this.#gather(tile, samples, nulls);
      if (isAmbiguous) this.#isAmbiguous = true;
      // Where integers are stored, NaN has become no-data.
      if (nulls !== tile.block.nulls) this.#hasNaN = true;
      const { grid } = this.#facts;
      this.#context.onProgress?.(Math.min(0.95, 0.95 * (this.#cellsRead / (grid.width * grid.height))));
    }
    const { tileSize, isPlanar, compression, bands } = this.#facts;
    const shape = { size: tileSize, bands: isPlanar ? 1 : bands.length, dtype: this.#type.dtype, compression };
    const planeLength = tileSize * tileSize;
    for (let plane = 0; plane < (isPlanar ? bands.length : 1); plane++) {
      const part = isPlanar ? samples.subarray(plane * planeLength, (plane + 1) * planeLength) : samples;
      await this.#compress(async () => spool.add(tile.level, plane, tile.row, tile.column, await encodeTile(part, shape)));
    }
  }

  /** Runs a compression beside the others, after waiting for a free place. */
  async #compress(work: () => Promise<void>): Promise<void> {
    while (this.#compressing.size >= COMPRESSING) await Promise.race(this.#compressing);
    if (this.#failure) throw this.#failure;
    const task = work()
      .catch((error: Error) => {
        this.#failure ??= error;
      })
      .finally(() => this.#compressing.delete(task));
    this.#compressing.add(task);
  }

  async #finishCompressing(): Promise<void> {
    await Promise.all(this.#compressing);
    if (this.#failure) throw this.#failure;
    this.#hasNaN ||= this.#statistics.some((statistics) => statistics.hasNaN);
  }

  #gather(tile: Tile, samples: Samples, nulls: Uint8Array | null): void {
    const { tileSize, grid } = this.#facts;
    const width = Math.min(tileSize, grid.width - tile.column * tileSize);
    const height = Math.min(tileSize, grid.height - tile.row * tileSize);
    for (const [band, statistics] of this.#statistics.entries()) {
      for (let row = 0; row < height; row++) {
        const start = (band * tileSize + row) * tileSize;
        statistics.add(samples, nulls, start, start + width);
      }
    }
  }

  #hasConflict(): boolean {
    return this.#isAmbiguous && (this.#hasNulls || this.#hasNaN);
  }

  #finalFacts(): ImageFacts {
    const hasNodata = this.#hasNulls || this.#hasNaN || (this.#type.isNodataGiven && !this.#isAmbiguous);
    return { ...this.#facts, hasNodata, statistics: this.#statistics.map((s) => s.result()) };
  }

  #describe(path: string, facts: ImageFacts): Omit<WrittenFile, 'name'> {
    const { encoding, dtype, nodata } = facts.type;
    const bands = facts.bands.map((band, i) => {
      const scale = encoding?.scale?.[band.label] ?? band.description?.scale;
      const offset = encoding?.offset?.[band.label] ?? band.description?.offset;
      return {
        band, dataType: dtype, statistics: facts.statistics[i] ?? null, nodata: facts.hasNodata ? nodata : null,
        ...(scale !== undefined && { scale }), ...(offset !== undefined && { offset }),
      };
    });
    return {
      path, mediaType: MEDIA_TYPE, roles: ['data'], metadata: rasterAsset(facts.grid, bands),
      ...(facts.datetime !== undefined && { datetime: facts.datetime }),
    };
  }
}
