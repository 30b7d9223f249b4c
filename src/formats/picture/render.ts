/** Pictures of a cube: one per date, as red, green, blue and opacity in memory. */
import { allocate } from '../../cube/dtype.ts';
import type { Block } from '../../cube/block.ts';
import type { Cube } from '../../cube/cube.ts';
import { OpenEOError } from '../../errors.ts';
import type { CellWindow, Grid } from '../../geo/grid.ts';
import { refuse } from '../options.ts';
import { planRasters, requireCells, requireGrid, type PlannedFile } from '../raster-plan.ts';
import { fileDate, projectionFields } from '../stac-asset.ts';
import { StatisticsGatherer } from '../statistics.ts';
import type { WriteContext, WrittenFile } from '../writer.ts';
import { givenLimits, stretchLimits, type Limits } from './limits.ts';
import { bandPainter, classPainter, rampPainter, type Painter, type Pixels } from './paint.ts';
import { withBands, type PictureSettings } from './picture-options.ts';

/** The picture is made in memory, values and all. */
const MOST_PIXELS = 4096 * 4096;
const WINDOW = 1024;

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Pixels;
}

export interface PictureFormat {
  /** Name of the format in messages. */
  readonly name: string;
  readonly ending: string;
  readonly mediaType: string;
  readonly mostBands: 3 | 4;
  /** Writes the picture in a file. */
  readonly encode: (picture: Picture, path: string) => Promise<unknown>;
}

/** Writes the pictures of a cube. Throws DataCubeEmpty, FormatUnsuitable and ProcessParameterInvalid. */
export async function writePictures(cube: Cube, format: PictureFormat, settings: PictureSettings, context: WriteContext): Promise<WrittenFile[]> {
  requireCells(cube);
  const grid = requireGrid(cube, format.name);
  if (grid.width * grid.height > MOST_PIXELS) {
    throw new OpenEOError('FormatUnsuitable', {}, { detail: `A ${format.name} may have ${MOST_PIXELS} pixels; the data has ${grid.width} × ${grid.height}. Reduce the resolution with resample_spatial, or save as GTiff.` });
  }
  const files = planRasters(withBands(cube, settings.bands, format.mostBands), format.name, true);
  const count = files[0]!.bands.length;
  if (count > (settings.bands ? format.mostBands : 3)) throw refuse(`a ${format.name} shows one to three bands and the data has ${count}: name them in 'bands'`);
  if ((settings.ramp || settings.classes) && count !== 1) throw refuse(`'colormap' is for a single band and the picture shows ${count}`);
  const written: WrittenFile[] = [];
  for (const [i, file] of files.entries()) {
    const suffix = files.length > 1 ? `_${fileDate(file.datetime!)}` : '';
    const name = `${settings.prefix}${suffix}.${format.ending}`;
    const path = `${context.directory}/${name}`;
    const onProgress = (share: number) => context.onProgress?.((i + share) / files.length);
    await format.encode(await render(file, grid, cube.dtype, settings, { ...context, onProgress }), path);
    const picture: WrittenFile = { path, name, mediaType: format.mediaType, roles: ['visual'], metadata: projectionFields(grid), ...(file.datetime !== undefined && { datetime: file.datetime }) };
    await context.onFile?.(picture);
    written.push(picture);
  }
  return written;
}

/** Paints window by window; where limits must be found first, all values are kept until then. */
async function render(file: PlannedFile, grid: Grid, dtype: Cube['dtype'], settings: PictureSettings, context: WriteContext): Promise<Picture> {
  const { width, height } = grid;
  const pixels = new Uint8ClampedArray(width * height * 4);
  const place = (cells: CellWindow, part: Pixels) => {
    for (let row = 0; row < cells.height; row++) pixels.set(part.subarray(row * cells.width * 4, (row + 1) * cells.width * 4), ((cells.y + row) * width + cells.x) * 4);
  };
  const given = givenLimits(settings, dtype, file.bands.length);
  const isKnown = settings.classes !== undefined || given.every(isComplete);
  const paint = isKnown ? painterOf(settings, given as Limits[]) : undefined;
  const kept: { readonly cells: CellWindow; readonly block: Block }[] = [];
  for (const cells of windowsOf(grid)) {
    context.signal.throwIfAborted();
    const block = await file.read(cells, context.signal);
    if (paint) place(cells, paint(block));
    else kept.push({ cells, block: slender(block) });
    context.onProgress?.((cells.y * width + (cells.x + cells.width) * cells.height) / (width * height));
  }
  if (kept.length > 0) {
    const late = painterOf(settings, completed(given, settings, kept.map(({ block }) => block)));
    for (const { cells, block } of kept) place(cells, late(block));
  }
  return { width, height, pixels };
}

function* windowsOf({ width, height }: Grid): Generator<CellWindow> {
  for (let y = 0; y < height; y += WINDOW) {
    for (let x = 0; x < width; x += WINDOW) yield { x, y, width: Math.min(WINDOW, width - x), height: Math.min(WINDOW, height - y) };
  }
}

const isComplete = (limits: Partial<Limits>): limits is Limits => limits.low !== undefined && limits.high !== undefined;

/** Shades need no more digits than float32 has. */
function slender(block: Block): Block {
  if (block.dtype !== 'float64') return block;
  const data = allocate('float32', block.data.length) as Float32Array<ArrayBuffer>;
  data.set(block.data as Float64Array);
  return { ...block, dtype: 'float32', data };
}

function painterOf({ classes, ramp }: PictureSettings, limits: readonly Limits[]): Painter {
  if (classes) return classPainter(classes);
  return ramp ? rampPainter(limits[0]!, ramp) : bandPainter(limits);
}

/** The limits, those that are not given out of the data. */
function completed(given: readonly Partial<Limits>[], { stretch = 'deviation' }: PictureSettings, blocks: readonly Block[]): Limits[] {
  return given.map((limits, band) => {
    if (isComplete(limits)) return limits;
    const gatherer = new StatisticsGatherer();
    for (const { data, nulls, shape } of blocks) {
      const length = data.length / shape[0]!;
      gatherer.add(data, nulls, band * length, (band + 1) * length);
    }
    return ordered({ ...stretchLimits(stretch, gatherer.result(), blocks, band), ...limits }, limits);
  });
}

/** A given limit beyond all values leaves them all dark or all bright, and never the other way round. */
function ordered({ low, high }: Limits, given: Partial<Limits>): Limits {
  if (low <= high) return { low, high };
  return given.low === undefined ? { low: high - 1, high } : { low, high: low + 1 };
}
