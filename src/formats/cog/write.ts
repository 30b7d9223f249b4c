/** The result format GTiff: cloud-optimized GeoTIFF files, written tile by tile in bounded memory. */
import { join } from 'node:path';
import type { Cube } from '../../cube/cube.ts';
import { quantizationFields } from '../embedding-codes.ts';
import { readOptions, type Options } from '../options.ts';
import { planRasters, type PlannedFile } from '../raster-plan.ts';
import { fileDate, rasterAsset } from '../stac-asset.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import type { ImageFacts } from './image-fields.ts';
import { Pass, type PassSettings } from './pass.ts';
import { storedTypeFor, withFreeNodata, type StoredType } from './stored-type.ts';

const description: FormatDescription = {
  title: 'Cloud-optimized GeoTIFF',
  description: 'One file per date, or one for all when there is a single date or `separate_dates` is false. Labels of the bands dimension, and of every other dimension but x and y, become bands; their names are in the file. Integers keep their type; floats use NaN for no-data, so NaN and no-data are one in this format (netCDF and JSON keep them apart). Embeddings are stored as their quantization says, with what is needed to read the codes in the file (`QUANTIZATION` and what follows in its metadata, scale and offset of bands); scales of vectors are in a second file, `…_scale.tif`. Overviews hold means, brought back to unit length where the operator gives unit vectors, the majority of bits, and nearest values of other 8-bit integers, which are mostly classes. Files above 4 GiB are BigTIFF.',
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

interface Settings extends PassSettings {
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
    written.push(...await writeFile(cube, file, `${settings.filename_prefix}${suffix}`, settings, { ...context, onProgress }));
  }
  return written;
}

/** Writes a file; when no-data turns out to need another value or a wider type, once more. */
async function writeFile(cube: Cube, file: PlannedFile, stem: string, settings: Settings, context: WriteContext): Promise<WrittenFile[]> {
  const main = placed(context, `${stem}.tif`);
  const scale = placed(context, `${stem}_scale.tif`);
  let type = storedTypeFor(cube, settings.dtype);
  for (;;) {
    const pass = new Pass(cube, file, type, settings, context);
    const outcome = await pass.run(main.path, scale);
    if (outcome !== 'ambiguous') return [describe(main, outcome.main), ...(outcome.scale ? [describeScale(scale, outcome.scale, main.name)] : [])];
    type = withFreeNodata(type, ...pass.range());
    context.log.debug(`Valid samples equal the no-data value: writing '${main.name}' again with no-data ${type.nodata} as ${type.dtype}`);
  }
}

type Place = Pick<WrittenFile, 'path' | 'name'>;

const placed = ({ directory }: WriteContext, name: string): Place => ({ path: join(directory, name), name });

function describe(place: Place, facts: ImageFacts): WrittenFile {
  const { encoding, dtype, nodata } = facts.type;
  const bands = facts.bands.map((band, i) => {
    const scale = encoding?.scale?.[band.label] ?? band.description?.scale;
    const offset = encoding?.offset?.[band.label] ?? band.description?.offset;
    return {
      band, dataType: dtype, statistics: facts.statistics[i] ?? null, nodata: facts.hasNodata ? nodata : null,
      ...(scale !== undefined && { scale }), ...(offset !== undefined && { offset }),
    };
  });
  const quantization = encoding && quantizationFields(encoding, facts.scaleFile);
  return {
    ...place, mediaType: MEDIA_TYPE, roles: ['data'],
    metadata: { ...rasterAsset(facts.grid, bands), ...(quantization && { 'lamina:quantization': quantization }) },
    ...(facts.datetime !== undefined && { datetime: facts.datetime }),
  };
}

/** The file of the scales says whose they are, as that one says where its scales are. */
function describeScale(place: Place, facts: ImageFacts, codes: string): WrittenFile {
  const file = describe(place, facts);
  return { ...file, metadata: { title: `Scales of the vectors in ${codes}`, ...file.metadata, 'lamina:scale_of': codes } };
}
