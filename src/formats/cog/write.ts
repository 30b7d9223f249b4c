/** The result format GTiff: cloud-optimized GeoTIFF files, written tile by tile in bounded memory. */
import { join } from 'node:path';
import type { Cube } from '../../cube/cube.ts';
import { pickLabels } from '../../cube/view.ts';
import { quantizationFields } from '../embedding-codes.ts';
import { refuse, type Options } from '../options.ts';
import { planRasters, type PlannedFile } from '../raster-plan.ts';
import { fileDate, fileLabel, rasterAsset } from '../stac-asset.ts';
import { reportingFullDisk } from '../temporary-file.ts';
import type { ResultFormat, WriteContext, WrittenFile } from '../writer.ts';
import { checkAgainst, description, readGtiffOptions, type GtiffSettings } from './gtiff-options.ts';
import type { ImageFacts } from './image-fields.ts';
import { Pass } from './pass.ts';
import { storedTypeFor, withFreeNodata, withWantedNodata } from './stored-type.ts';

export const MEDIA_TYPE = 'image/tiff; application=geotiff; profile=cloud-optimized';

export const gtiff: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writeFiles(cube, options, context)),
};

/** A file to be: the cube that it is of, and its name without the ending. */
interface Task {
  readonly cube: Cube;
  readonly file: PlannedFile;
  readonly stem: string;
}

async function writeFiles(cube: Cube, options: Options, context: WriteContext): Promise<WrittenFile[]> {
  const settings = readGtiffOptions(options);
  const tasks = cubesOf(cube, settings).flatMap(([part, suffix]) => planFiles(part, suffix, settings));
  checkBands(settings, tasks);
  const written: WrittenFile[] = [];
  for (const [i, task] of tasks.entries()) {
    const onProgress = (share: number) => context.onProgress?.((i + share) / tasks.length);
    const files = await writeFile(task, settings, { ...context, onProgress });
    for (const file of files) await context.onFile?.(file);
    written.push(...files);
  }
  return written;
}

/** The cube, or one for each of its bands; with the end of the names of its files. */
function cubesOf(cube: Cube, { separateBands }: GtiffSettings): [Cube, string][] {
  const bands = cube.find('bands');
  if (!separateBands || !bands || bands.size < 2) return [[cube, '']];
  const { encoding } = cube.attributes;
  if (encoding && encoding.method !== 'float32') throw refuse('\'separate_asset_per_band\' can\'t be had for quantized embeddings: their codes are read together');
  const names = cube.labels(bands.name).map((label) => `_${fileLabel(label)}`);
  const index = cube.indexOf(bands.name);
  return names.map((name, i) => [pickLabels(cube, index, [i]), names.indexOf(name) === i ? name : `${name}_${i + 1}`]);
}

function planFiles(cube: Cube, suffix: string, { separateDates, prefix }: GtiffSettings): Task[] {
  const files = planRasters(cube, 'GTiff', separateDates);
  return files.map((file) => ({ cube, file, stem: `${prefix}${files.length > 1 ? `_${fileDate(file.datetime!)}` : ''}${suffix}` }));
}

/** Throws ProcessParameterInvalid for metadata of bands that no file has. */
function checkBands({ bandItems }: GtiffSettings, tasks: readonly Task[]): void {
  const names = new Set(tasks.flatMap(({ file }) => file.bands.map((band) => band.name)));
  const unknown = Object.keys(bandItems).find((name) => !names.has(name));
  if (unknown !== undefined) throw refuse(`'bands_metadata': there is no band '${unknown}'; there are ${[...names].slice(0, 20).join(', ')}`);
}

/** Writes a file; when no-data turns out to need another value or a wider type, once more. */
async function writeFile({ cube, file, stem }: Task, settings: GtiffSettings, context: WriteContext): Promise<WrittenFile[]> {
  const main = placed(context, `${stem}.tif`);
  const scale = placed(context, `${stem}_scale.tif`);
  let type = withWantedNodata(storedTypeFor(cube, settings.dtype), settings.nodata);
  for (;;) {
    checkAgainst(settings, type.dtype, file.bands.length);
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
    const wanted = facts.bandItems?.[band.name];
    const scale = numberOf(wanted?.SCALE) ?? encoding?.scale?.[band.label] ?? band.description?.scale;
    const offset = numberOf(wanted?.OFFSET) ?? encoding?.offset?.[band.label] ?? band.description?.offset;
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

const numberOf = (value: string | number | undefined) => (typeof value === 'number' ? value : undefined);

/** The file of the scales says whose they are, as that one says where its scales are. */
function describeScale(place: Place, facts: ImageFacts, codes: string): WrittenFile {
  const file = describe(place, facts);
  return { ...file, metadata: { title: `Scales of the vectors in ${codes}`, ...file.metadata, 'lamina:scale_of': codes } };
}
