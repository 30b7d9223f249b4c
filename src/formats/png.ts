/** The result format PNG: a picture of one to three bands. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Cube } from '../cube/cube.ts';
import { pickLabels } from '../cube/view.ts';
import { OpenEOError } from '../errors.ts';
import type { Grid } from '../geo/grid.ts';
import { readOptions, refuse, type Options } from './options.ts';
import { planRasters, requireCells, requireGrid, type PlannedFile } from './raster-plan.ts';
import { fileDate, projectionFields } from './stac-asset.ts';
import { StatisticsGatherer, type BandStatistics } from './statistics.ts';
import { reportingFullDisk } from './temporary-file.ts';
import type { FormatDescription, ResultFormat, WriteContext, WrittenFile } from './writer.ts';

const description: FormatDescription = {
  title: 'PNG',
  description: 'A picture with 8 bits per channel, one file per date. One band gives shades of grey, three give red, green and blue, two leave blue empty. No-data and NaN are transparent. For looking at results, not for computing with them: the picture has no georeference.',
  gis_data_types: ['raster'],
  parameters: {
    bands: { description: 'Names of the one to three bands to show. Needed when the data has more.', type: 'array', items: { type: 'string' } },
    min: { description: 'Value that becomes 0: one number, or one per band. Default: mean − 2 standard deviations, but not below the minimum; for uint8 data 0.', type: ['number', 'array'], items: { type: 'number' } },
    max: { description: 'Value that becomes 255: one number, or one per band. Default: mean + 2 standard deviations, but not above the maximum; for uint8 data 255.', type: ['number', 'array'], items: { type: 'number' } },
    filename_prefix: { description: 'How the names of the files begin.', type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', default: 'result' },
  },
};

/** The picture is made in memory, values and all. */
const MOST_PIXELS = 4096 * 4096;
const WINDOW = 1024;

interface Settings {
  readonly bands?: readonly string[];
  readonly min?: number | readonly number[];
  readonly max?: number | readonly number[];
  readonly filename_prefix: string;
}

export const png: ResultFormat = {
  description,
  write: (cube, options, context) => reportingFullDisk(() => writePictures(cube, options, context)),
};

async function writePictures(cube: Cube, options: Options, context: WriteContext): Promise<WrittenFile[]> {
  const settings = readOptions(description, options) as unknown as Settings;
  requireCells(cube);
  const grid = requireGrid(cube, 'PNG');
  if (grid.width * grid.height > MOST_PIXELS) {
    throw new OpenEOError('FormatUnsuitable', {}, { detail: `A PNG may have ${MOST_PIXELS} pixels; the data has ${grid.width} × ${grid.height}. Reduce the resolution with resample_spatial, or save as GTiff.` });
  }
  const files = planRasters(settings.bands ? withBands(cube, settings.bands) : cube, 'PNG', true);
  const count = files[0]!.bands.length;
  if (count > 3) throw refuse(`a PNG shows one to three bands and the data has ${count}: name them in 'bands'`);
  const limits = { min: perBand('min', settings.min, count), max: perBand('max', settings.max, count) };
  const written: WrittenFile[] = [];
  for (const [i, file] of files.entries()) {
    const suffix = files.length > 1 ? `_${fileDate(file.datetime!)}` : '';
    const name = `${settings.filename_prefix}${suffix}.png`;
    const path = join(context.directory, name);
    const onProgress = (share: number) => context.onProgress?.((i + share) / files.length);
    await writeFile(path, await renderPicture(file, grid, cube.dtype, limits, { ...context, onProgress }));
    written.push({
      path, name, mediaType: 'image/png', roles: ['visual'], metadata: projectionFields(grid),
      ...(file.datetime !== undefined && { datetime: file.datetime }),
    });
  }
  return written;
}

function withBands(cube: Cube, names: readonly string[]): Cube {
  const dimension = cube.find('bands') ?? cube.dimensions.find((d) => d.type === 'other');
  if (!dimension) throw refuse('\'bands\' can\'t be given: the data has no bands dimension');
  if (names.length < 1 || names.length > 3) throw refuse('\'bands\' must name one to three bands');
  const labels = cube.labels(dimension.name).map(String);
  const indices = names.map((name) => {
    const index = labels.indexOf(name);
    if (index < 0) throw refuse(`'bands': there is no band '${name}'; there are ${labels.slice(0, 20).join(', ')}`);
    return index;
  });
  return pickLabels(cube, cube.indexOf(dimension.name), indices);
}

function perBand(name: string, value: number | readonly number[] | undefined, count: number): readonly (number | undefined)[] {
  if (typeof value === 'number' || value === undefined) return new Array<number | undefined>(count).fill(value);
  if (value.length !== count) throw refuse(`'${name}' must have one number, or one for each of the ${count} bands`);
  return value;
}

interface Limits {
  readonly min: readonly (number | undefined)[];
  readonly max: readonly (number | undefined)[];
}

async function renderPicture(file: PlannedFile, grid: Grid, dtype: Cube['dtype'], limits: Limits, context: WriteContext): Promise<Uint8Array> {
  const { values, valid, statistics } = await readPicture(file, grid, context);
  const cells = grid.width * grid.height;
  const pixels = new Uint8ClampedArray(cells * 4);
  const channels = file.bands.length === 1 ? [0, 0, 0] : file.bands.map((_, band) => band);
  for (const [channel, band] of channels.entries()) {
    const { low, high } = stretch(dtype, statistics[band]!, limits.min[band], limits.max[band]);
    const factor = high > low ? 255 / (high - low) : 0;
    for (let i = 0; i < cells; i++) pixels[i * 4 + channel] = (values[band * cells + i]! - low) * factor;
  }
  for (let i = 0; i < cells; i++) pixels[i * 4 + 3] = valid[i]! * 255;
  return sharp(pixels, { raw: { width: grid.width, height: grid.height, channels: 4 } }).png().toBuffer();
}

/** All values, window by window. A cell is valid when every band is. */
async function readPicture(file: PlannedFile, { width, height }: Grid, { signal, onProgress }: WriteContext) {
  const cells = width * height;
  const values = new Float32Array(cells * file.bands.length);
  const valid = new Uint8Array(cells).fill(1);
  const gatherers = file.bands.map(() => new StatisticsGatherer());
  for (let y = 0; y < height; y += WINDOW) {
    for (let x = 0; x < width; x += WINDOW) {
      signal.throwIfAborted();
      const size = { width: Math.min(WINDOW, width - x), height: Math.min(WINDOW, height - y) };
      const block = await file.read({ x, y, ...size }, signal);
      const inWindow = size.width * size.height;
      for (const [band, gatherer] of gatherers.entries()) {
        gatherer.add(block.data, block.nulls, band * inWindow, (band + 1) * inWindow);
        for (let i = 0; i < inWindow; i++) {
          const value = block.data[band * inWindow + i]!;
          const cell = (y + Math.floor(i / size.width)) * width + x + (i % size.width);
          if (block.nulls?.[band * inWindow + i] || Number.isNaN(value)) valid[cell] = 0;
          else values[band * cells + cell] = value;
        }
      }
      onProgress?.((y * width + (x + size.width) * size.height) / cells);
    }
  }
  return { values, valid, statistics: gatherers.map((gatherer) => gatherer.result()) };
}

function stretch(dtype: Cube['dtype'], statistics: BandStatistics | null, min?: number, max?: number): { low: number; high: number } {
  const whole = dtype === 'uint8' ? { low: 0, high: 255 } : dtype === 'bool' ? { low: 0, high: 1 } : spread(statistics);
  return { low: min ?? whole.low, high: max ?? whole.high };
}

/** Most of the values; a few bright clouds must not leave everything else black. */
function spread(statistics: BandStatistics | null): { low: number; high: number } {
  if (!statistics) return { low: 0, high: 1 };
  const { minimum, maximum, mean, stddev } = statistics;
  return { low: Math.max(minimum, mean - 2 * stddev), high: Math.min(maximum, mean + 2 * stddev) };
}
