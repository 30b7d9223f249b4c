/** The TIFF fields of a written image: structure, georeference, GDAL's metadata. */
import { isFloat, sampleSize } from '../../cube/dtype.ts';
import type { Grid } from '../../geo/grid.ts';
import type { Classes } from '../colours.ts';
import { quantizationFields } from '../embedding-codes.ts';
import type { PlannedBand } from '../raster-plan.ts';
import type { BandStatistics } from '../statistics.ts';
import { formatGdalMetadata, type GdalItem } from './gdal-metadata.ts';
import type { Items } from './gtiff-options.ts';
import { geoKeyTags } from './write-geokeys.ts';
import type { LevelSize } from './pyramid.ts';
import type { StoredType } from './stored-type.ts';
import { compressionTag, type Compression, type Predictor } from './tile-encoder.ts';
import { ascii, FIELD, type Field } from './tiff-file.ts';

export interface ImageFacts {
  readonly grid: Grid;
  readonly bands: readonly PlannedBand[];
  readonly statistics: readonly (BandStatistics | null)[];
  readonly type: StoredType;
  /** False when the file needs no no-data value. */
  readonly hasNodata: boolean;
  readonly tileSize: number;
  readonly compression: Compression;
  readonly predictor: Predictor;
  readonly isPlanar: boolean;
  readonly datetime?: string;
  /** Name of the file with the scales of the vectors. */
  readonly scaleFile?: string;
  /** Colours of the values of the only band. */
  readonly classes?: Classes;
  /** What the user wants said of bands and of the file. */
  readonly bandItems?: Readonly<Record<string, Items>>;
  readonly fileItems?: Items;
}

const TAG = {
  NewSubfileType: 254, ImageWidth: 256, ImageLength: 257, BitsPerSample: 258, Compression: 259, Photometric: 262, SamplesPerPixel: 277,
  PlanarConfiguration: 284, Software: 305, DateTime: 306, Predictor: 317, ColorMap: 320, TileWidth: 322, TileLength: 323, ExtraSamples: 338, SampleFormat: 339,
  ModelPixelScale: 33550, ModelTiepoint: 33922, GeoKeyDirectory: 34735, GeoDoubleParams: 34736, GeoAsciiParams: 34737, GdalMetadata: 42112, GdalNodata: 42113,
} as const;

const MIN_IS_BLACK = 1;
const PALETTE = 3;

/** Fields of the full image (level 0) or of an overview. The tile tables are added when the file is written. */
export function imageFields(facts: ImageFacts, level: number, size: LevelSize): Field[] {
  const count = facts.bands.length;
  const { dtype, nodata } = facts.type;
  const format = isFloat(dtype) ? 3 : dtype.startsWith('u') ? 1 : 2;
  const perBand = (value: number) => new Array<number>(count).fill(value);
  return [
    ...(level > 0 ? [{ tag: TAG.NewSubfileType, type: FIELD.long, values: [1] }] : []),
    { tag: TAG.ImageWidth, type: FIELD.long, values: [size.width] },
    { tag: TAG.ImageLength, type: FIELD.long, values: [size.height] },
    { tag: TAG.BitsPerSample, type: FIELD.short, values: perBand(sampleSize(dtype) * 8) },
    { tag: TAG.Compression, type: FIELD.short, values: [compressionTag[facts.compression.name]] },
    { tag: TAG.Photometric, type: FIELD.short, values: [facts.classes ? PALETTE : MIN_IS_BLACK] },
    { tag: TAG.SamplesPerPixel, type: FIELD.short, values: [count] },
    { tag: TAG.PlanarConfiguration, type: FIELD.short, values: [facts.isPlanar ? 2 : 1] },
    ...(facts.predictor === 1 ? [] : [{ tag: TAG.Predictor, type: FIELD.short, values: [facts.predictor] }]),
    ...(facts.classes ? [{ tag: TAG.ColorMap, type: FIELD.short, values: paletteOf(facts.classes, 2 ** (sampleSize(dtype) * 8)) }] : []),
    { tag: TAG.TileWidth, type: FIELD.short, values: [facts.tileSize] },
    { tag: TAG.TileLength, type: FIELD.short, values: [facts.tileSize] },
    ...(count > 1 ? [{ tag: TAG.ExtraSamples, type: FIELD.short, values: new Array<number>(count - 1).fill(0) }] : []),
    { tag: TAG.SampleFormat, type: FIELD.short, values: perBand(format) },
    ...(facts.hasNodata ? [{ tag: TAG.GdalNodata, type: FIELD.ascii, values: ascii(Number.isNaN(nodata) ? 'nan' : String(nodata)) }] : []),
    ...(level === 0 ? fileFields(facts) : []),
  ];
}

/** All reds, all greens, all blues, in 16 bits each. */
function paletteOf(classes: Classes, size: number): Uint16Array {
  const palette = new Uint16Array(3 * size);
  for (const [value, colour] of classes) for (let channel = 0; channel < 3; channel++) palette[channel * size + value] = colour[channel]! * 257;
  return palette;
}

/** What is said once, on the full image. */
function fileFields(facts: ImageFacts): Field[] {
  const { grid } = facts;
  const keys = geoKeyTags(grid.crs);
  return [
    { tag: TAG.Software, type: FIELD.ascii, values: ascii('Lamina') },
    ...(facts.datetime ? [{ tag: TAG.DateTime, type: FIELD.ascii, values: ascii(tiffDate(facts.datetime)) }] : []),
    { tag: TAG.ModelPixelScale, type: FIELD.double, values: [grid.stepX, grid.stepY, 0] },
    { tag: TAG.ModelTiepoint, type: FIELD.double, values: [0, 0, 0, grid.originX, grid.originY, 0] },
    { tag: TAG.GeoKeyDirectory, type: FIELD.short, values: keys.directory },
    ...(keys.doubles.length === 0 ? [] : [{ tag: TAG.GeoDoubleParams, type: FIELD.double, values: keys.doubles }]),
    ...(keys.ascii === '' ? [] : [{ tag: TAG.GeoAsciiParams, type: FIELD.ascii, values: ascii(keys.ascii) }]),
    { tag: TAG.GdalMetadata, type: FIELD.ascii, values: ascii(formatGdalMetadata(metadataItems(facts))) },
  ];
}

function metadataItems(facts: ImageFacts): GdalItem[] {
  const wanted = Object.entries(facts.fileItems ?? {}).map(([name, value]) => ({ name, value: String(value) }));
  return [...wanted, ...quantizationItems(facts), ...bandItems(facts)];
}

/** How codes of embeddings become values again: names in capitals as OlmoEarth and AlphaEarth write them. */
function quantizationItems({ type: { encoding }, scaleFile }: ImageFacts): GdalItem[] {
  if (!encoding || encoding.method === 'float32') return [];
  const { method, formula, power, gain, scale } = quantizationFields(encoding, scaleFile);
  return Object.entries({
    QUANTIZATION: encoding.method,
    QUANTIZATION_METHOD: method,
    QUANTIZATION_FORMULA: formula,
    POWER: power?.toFixed(1),
    GAIN: gain,
    SCALE: scale?.type === 'scalar' ? scale.scale : undefined,
    SCALE_FILE: scaleFile,
  }).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value: String(value) }]));
}

function bandItems({ bands, statistics, type, bandItems: wanted = {} }: ImageFacts): GdalItem[] {
  const { scale, offset, threshold } = type.encoding ?? {};
  return bands.flatMap((band, sample): GdalItem[] => {
    const known = statistics[sample];
    const { SCALE, OFFSET, DESCRIPTION, ...rest } = wanted[band.name] ?? {};
    const scaleOf = SCALE ?? scale?.[band.label] ?? band.description?.scale;
    const offsetOf = OFFSET ?? offset?.[band.label] ?? band.description?.offset;
    return [
      { name: 'DESCRIPTION', sample, role: 'description', value: String(DESCRIPTION ?? band.name) },
      ...Object.entries(rest).map(([name, value]) => ({ name, sample, value: String(value) })),
      ...(scaleOf === undefined && offsetOf === undefined ? [] : [
        { name: 'OFFSET', sample, role: 'offset', value: String(offsetOf ?? 0) },
        { name: 'SCALE', sample, role: 'scale', value: String(scaleOf ?? 1) },
      ]),
      ...(threshold ? [{ name: 'THRESHOLD', sample, value: String(threshold[band.label]) }] : []),
      ...(known ? [
        { name: 'STATISTICS_MAXIMUM', sample, value: String(known.maximum) },
        { name: 'STATISTICS_MEAN', sample, value: String(known.mean) },
        { name: 'STATISTICS_MINIMUM', sample, value: String(known.minimum) },
        { name: 'STATISTICS_STDDEV', sample, value: String(known.stddev) },
        { name: 'STATISTICS_VALID_PERCENT', sample, value: known.valid_percent.toPrecision(4) },
      ] : []),
    ];
  });
}

/** '2021-06-01T10:20:30Z' → '2021:06:01 10:20:30', TIFF's only way to write an instant. */
function tiffDate(datetime: string): string {
  const [date = '', time = '00:00:00'] = datetime.replace(/(\.\d+)?Z?$/, '').split('T');
  return `${date.replaceAll('-', ':')} ${time.padEnd(8, ':00').slice(0, 8)}`;
}
