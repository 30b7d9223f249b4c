/** Reads the headers of files: what is in them, when it was taken, and which acquisition it belongs to. */
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isOpenEOError } from '../../errors.ts';
import type { Grid } from '../../geo/grid.ts';
import type { RasterFile } from '../../formats/raster-file.ts';
import type { RasterOpener } from '../read-asset.ts';
import { isResolutionFolder, parseName, parseTime, type NameParts, type Time } from './file-name.ts';
import type { Refusal } from './report.ts';

export interface ScannedFile {
  readonly path: string;
  readonly href: string;
  readonly sizeBytes: number;
  readonly modified: Date;
  readonly raster: RasterFile;
  readonly grid: Grid;
  /** One per band of the file. */
  readonly bands: readonly string[];
  /** Word of the file name that tells it from its siblings; '' when it is alone. */
  readonly part: string;
  readonly time: Time | null;
  /** Files with the same acquisition id in the same folder make one item. */
  readonly acquisition: { readonly id: string; readonly folder: string };
}

/** Files whose headers are read at the same time. */
const PARALLEL = 8;

export async function scanFiles(paths: readonly string[], rasters: RasterOpener, bandNames: readonly string[] | undefined): Promise<{ files: ScannedFile[]; refused: Refusal[] }> {
  const results: (ScannedFile | Refusal)[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < paths.length; i = next++) results[i] = await scanFile(paths[i]!, rasters, bandNames);
  };
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  return {
    files: results.filter((result): result is ScannedFile => !('reason' in result)),
    refused: results.filter((result): result is Refusal => 'reason' in result),
  };
}

async function scanFile(path: string, rasters: RasterOpener, bandNames: readonly string[] | undefined): Promise<ScannedFile | Refusal> {
  try {
    const href = pathToFileURL(path).href;
    const [raster, info] = await Promise.all([rasters.open(href), stat(path)]);
    return describeFile({ path, href, sizeBytes: info.size, modified: info.mtime, raster }, bandNames);
  } catch (error) {
    return { source: path, reason: reasonOf(error) };
  }
}

/** What an opened file tells by its header, its name and its folder; or why it can't be taken. */
export function describeFile(opened: Pick<ScannedFile, 'path' | 'href' | 'sizeBytes' | 'modified' | 'raster'>, bandNames: readonly string[] | undefined): ScannedFile | Refusal {
  const { path, raster } = opened;
  const { grid } = raster;
  if (grid === null) return { source: path, reason: raster.gridProblem ?? 'it has no coordinate reference system or no grid' };
  if (isDummy(grid)) return { source: path, reason: 'its georeference is a dummy (pixel numbers instead of coordinates)' };
  const name = parseName(basename(path));
  const bands = bandsOf(raster, name, bandNames);
  if (!Array.isArray(bands)) return { source: path, reason: bands.reason };
  return {
    ...opened, grid, bands,
    part: name.part,
    time: name.time ?? parseTime(basename(dirname(path))) ?? timeOfTags(raster.tags),
    acquisition: acquisitionOf(path, name),
  };
}

function reasonOf(error: unknown): string {
  if (isOpenEOError(error)) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EACCES' ? 'it may not be read (permissions)' : message;
}

/** Tools that know no place write pixel numbers: step one, corner at zero. */
function isDummy({ originX, originY, stepX, stepY, height }: Grid): boolean {
  const isOrigin = Math.abs(originX) <= 1 && (Math.abs(originY) <= 1 || Math.abs(originY - height * stepY) <= 1);
  return stepX === 1 && stepY === 1 && isOrigin;
}

/** Names that software gives to bands that nobody named. */
const MEANINGLESS = /^(bands?|layers?|levels?|variable|gr[ae]y|undefined)?[ _-]?\d*$/i;

function bandsOf(raster: RasterFile, name: NameParts, given: readonly string[] | undefined): string[] | { reason: string } {
  const count = raster.bands.length;
  const own = raster.bands.map((band) => band.name?.trim() ?? '');
  const isNamed = own.every((label) => label !== '' && !MEANINGLESS.test(label)) && new Set(own).size === count;
  if (isNamed) return own;
  if (name.bands.length === count) return [...name.bands];
  if (given?.length === count && new Set(given).size === count) return [...given];
  if (given) return { reason: `it has ${count} band${count === 1 ? '' : 's'} without names, but ${given.length} names were given` };
  return own.map((_, i) => `band_${i + 1}`);
}

function timeOfTags(tags: Readonly<Record<string, string>>): Time | null {
  const preferred = ['datetime', 'ACQUISITION_DATETIME', 'ACQUISITIONDATETIME', 'SENSING_TIME', 'DATE_ACQUIRED', 'acquisition_date', 'time_coverage_start', 'DATE'];
  for (const key of preferred) {
    const time = tags[key] === undefined ? null : parseTime(tags[key]);
    if (time) return time;
  }
  return null;
}

/** What files of one acquisition have in common. */
export function acquisitionOf(path: string, { stem }: NameParts): ScannedFile['acquisition'] {
  let folder = dirname(path);
  while (isResolutionFolder(basename(folder))) folder = dirname(folder);
  return { id: (stem === '' ? basename(folder) : stem).replace(/[^\w.-]+/g, '_'), folder };
}
