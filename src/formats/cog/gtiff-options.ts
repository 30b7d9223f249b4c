/** The options of GTiff: what they are called, what they mean, and what they come to for a cube. */
import type { DType } from '../../cube/dtype.ts';
import { COLOUR_TEXT, parseClasses, type Classes } from '../colours.ts';
import { filenamePrefix, readOptions, refuse, type Aliases, type Options } from '../options.ts';
import type { FormatDescription } from '../writer.ts';
import type { Reduction } from './reduce.ts';
import type { StoredType } from './stored-type.ts';
import type { Compression } from './tile-encoder.ts';

export const description: FormatDescription = {
  title: 'Cloud-optimized GeoTIFF',
  description: 'One file per date, or one for all when there is a single date or `separate_dates` is false. Labels of the bands dimension, and of every other dimension but x and y, become bands; their names are in the file. Integers keep their type; floats use NaN for no-data unless `nodata` says otherwise, so NaN and no-data are one in this format (netCDF and JSON keep them apart). Embeddings are stored as their quantization says, with what is needed to read the codes in the file (`QUANTIZATION` and what follows in its metadata, scale and offset of bands); scales of vectors are in a second file, `…_scale.tif`. Files above 4 GiB are BigTIFF.',
  gis_data_types: ['raster'],
  parameters: {
    compression: { description: 'How tiles are compressed; also called `compress`. DEFLATE is what every reader opens; ZSTD is smaller and faster.', type: 'string', enum: ['DEFLATE', 'ZSTD', 'NONE'], default: 'DEFLATE' },
    compression_level: { description: 'How hard to compress: 1 to 9 for DEFLATE (6 if not given), 1 to 19 for ZSTD (3 if not given).', type: 'integer', minimum: 1, maximum: 19 },
    predictor: { description: 'What is compressed: 1 the samples, 2 differences between neighbours, 3 the bytes of floats by significance. Default: 2 for integers, 3 for floats, which makes the smallest files.', type: 'integer', enum: [1, 2, 3] },
    tile_size: { description: 'Edge of the tiles in pixels; also called `blocksize`. Default: 512 for up to four bands, otherwise 256; less for small images.', type: 'integer', enum: [128, 256, 512, 1024] },
    overviews: { description: 'Whether to add reduced-resolution images, each half the size of the one before, until the smallest fits in a tile. "AUTO" and "ALL" mean true, "OFF" means false.', type: ['boolean', 'string'], enum: [true, false, 'AUTO', 'ALL', 'OFF'], default: true },
    overview_method: { description: 'What a pixel of an overview is made of its four pixels below that have data; also called `overview_resampling` and `overview_resample`. Default: average, brought back to unit length where embeddings are unit vectors; mode for bits; near for other 8-bit integers, which are mostly classes. "near" takes the first.', type: 'string', enum: ['near', 'average', 'mode', 'min', 'max', 'rms'] },
    separate_dates: { description: 'Whether each date gets a file of its own. If not, dates become bands.', type: 'boolean', default: true },
    separate_asset_per_band: { description: 'Whether each band gets a file of its own, with the band in its name. Quantized embeddings stay together.', type: 'boolean', default: false },
    filename_prefix: filenamePrefix('How the names of the files begin. Letters, digits, dot, dash and underscore.'),
    dtype: { description: 'Sample type to convert to; numbers are rounded and held at its limits. Default: the type of the data.', type: 'string', enum: ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float16', 'float32', 'float64'] },
    nodata: { description: 'The value that stands for no-data in the file; valid samples of that value become no-data too. Default: NaN for floats; for integers the value of the source, or one that no sample has.', type: 'number' },
    colormap: { description: `Colours of classes, for files of one band of 8 or 16 bits without sign: an object whose keys are values and whose entries are colours, each ${COLOUR_TEXT}. Values without a colour are black. Colours must be opaque: a palette of TIFF has no opacity.`, type: 'object' },
    bands_metadata: { description: 'Metadata of bands: an object from names of bands to objects of texts and numbers. `SCALE`, `OFFSET` and `DESCRIPTION` are set as what GDAL means by them, everything else as metadata of the band.', type: 'object' },
    file_metadata: { description: 'Metadata of the files: an object of texts and numbers.', type: 'object' },
  },
};

const aliases: Aliases = { compress: 'compression', blocksize: 'tile_size', overview_resampling: 'overview_method', overview_resample: 'overview_method' };

/** Name → value, as GDAL keeps metadata. */
export type Items = Readonly<Record<string, string | number>>;

export interface GtiffSettings {
  readonly compression: Compression;
  /** What is compressed, as the user wishes it; absent: what suits the type. */
  readonly predictor?: 1 | 2 | 3;
  readonly tileSize?: number;
  readonly overviews: boolean;
  readonly reduction?: Reduction;
  readonly separateDates: boolean;
  readonly separateBands: boolean;
  readonly prefix: string;
  readonly dtype?: StoredType['dtype'];
  readonly nodata?: number;
  readonly classes?: Classes;
  readonly bandItems: Readonly<Record<string, Items>>;
  readonly fileItems: Items;
}

interface Given {
  readonly compression: Compression['name'];
  readonly compression_level?: number;
  readonly predictor?: 1 | 2 | 3;
  readonly tile_size?: number;
  readonly overviews: boolean | 'AUTO' | 'ALL' | 'OFF';
  readonly overview_method?: 'near' | Reduction;
  readonly separate_dates: boolean;
  readonly separate_asset_per_band: boolean;
  readonly filename_prefix: string;
  readonly dtype?: StoredType['dtype'];
  readonly nodata?: number;
  readonly colormap?: Readonly<Record<string, unknown>>;
  readonly bands_metadata?: Readonly<Record<string, unknown>>;
  readonly file_metadata?: Readonly<Record<string, unknown>>;
}

/** Throws ProcessParameterInvalid for options that are unknown, mistyped, or don't go together. */
export function readGtiffOptions(options: Options): GtiffSettings {
  const given = readOptions(description, options, aliases) as unknown as Given;
  const { predictor, tile_size: tileSize, overview_method: method, dtype, nodata, colormap } = given;
  if (given.compression === 'NONE' && predictor !== undefined && predictor !== 1) throw refuse(`'predictor' ${predictor} needs a compression`);
  return {
    compression: compressionOf(given),
    overviews: given.overviews !== false && given.overviews !== 'OFF',
    separateDates: given.separate_dates,
    separateBands: given.separate_asset_per_band,
    prefix: given.filename_prefix,
    bandItems: Object.fromEntries(Object.entries(given.bands_metadata ?? {}).map(([band, items]) => [band, itemsOf(items, `'bands_metadata' of '${band}'`)])),
    fileItems: itemsOf(given.file_metadata ?? {}, '\'file_metadata\''),
    ...(predictor !== undefined && { predictor }),
    ...(tileSize !== undefined && { tileSize }),
    ...(method !== undefined && { reduction: method === 'near' ? 'nearest' : method }),
    ...(dtype !== undefined && { dtype }),
    ...(nodata !== undefined && { nodata }),
    ...(colormap !== undefined && { classes: opaqueClasses(colormap) }),
  };
}

const highestLevel = { DEFLATE: 9, ZSTD: 19, NONE: 0 } as const;

function compressionOf({ compression: name, compression_level: level }: Given): Compression {
  if (level === undefined) return { name };
  if (level > highestLevel[name]) throw refuse(name === 'NONE' ? '\'compression_level\' needs a compression' : `'compression_level' must be at most ${highestLevel[name]} for ${name}`);
  return { name, level };
}

function opaqueClasses(colormap: Readonly<Record<string, unknown>>): Classes {
  const classes = parseClasses(colormap);
  for (const [value, colour] of classes) if (colour[3] !== 255) throw refuse(`'colormap': the colour of ${value} is not opaque, which a GeoTIFF can't hold; mask what is to be transparent, or save as PNG`);
  return classes;
}

function itemsOf(value: unknown, name: string): Items {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject) throw refuse(`${name} must be an object`);
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== 'string' && !(typeof entry === 'number' && Number.isFinite(entry))) throw refuse(`${name}: '${key}' must be a text or a number`);
    if (['SCALE', 'OFFSET'].includes(key) && typeof entry !== 'number') throw refuse(`${name}: '${key}' must be a number`);
  }
  return value as Items;
}

/** Throws ProcessParameterInvalid when the settings don't fit samples of this type, or this number of bands. */
export function checkAgainst(settings: GtiffSettings, dtype: DType, bands: number): void {
  const isFloat = dtype.startsWith('float');
  if (settings.predictor === 3 && !isFloat) throw refuse(`'predictor' 3 is for floats and the samples are ${dtype}`);
  if (settings.predictor === 2 && dtype === 'float64') throw refuse('\'predictor\' 2 is for samples of at most 32 bits and these are float64');
  if (settings.classes && bands !== 1) throw refuse(`'colormap' needs files of one band and they have ${bands}: ask for 'separate_asset_per_band', or choose a band`);
  if (settings.classes && dtype !== 'uint8' && dtype !== 'uint16') throw refuse(`'colormap' needs samples of uint8 or uint16 and these are ${dtype}: give 'dtype' too`);
  const most = dtype === 'uint8' ? 255 : 65_535;
  for (const value of settings.classes?.keys() ?? []) if (!Number.isInteger(value) || value < 0 || value > most) throw refuse(`'colormap': ${value} is not a value of ${dtype}`);
}
