/** GeoTIFF files of a user as one lazy cube: dates by their names or tags, bands side by side, places as a mosaic. */
import { basename } from 'node:path/posix';
import type { Cube } from '../../cube/cube.ts';
import { viewCube } from '../../cube/view.ts';
import { withInserted } from '../../cube/window.ts';
import { invalidArgument, OpenEOError, unsuitableInput } from '../../errors.ts';
import { unreadable } from '../../formats/byte-source.ts';
import type { RasterFile } from '../../formats/raster-file.ts';
import { describeFile, type ScannedFile } from '../ingest/scan.ts';
import { itemOf } from '../ingest/item.ts';
import { sensorOf } from '../ingest/known-bands.ts';
import { loadedCube } from '../load.ts';
import { planLoad } from '../load-plan.ts';
import type { RasterOpener } from '../read-asset.ts';
import { describeCollection } from '../remote/remote-stac.ts';
import type { StacItem } from '../types.ts';

const PROCESS = 'load_uploaded_files';

/** A file to load: where it lies, and which content of it is meant. */
export interface NamedFile {
  readonly path: string;
  readonly href: string;
  readonly version: string;
  readonly sizeBytes: number;
  readonly modified: string;
}

export interface RasterWish {
  readonly rasters: RasterOpener;
  /** Names for the bands of files that name none. */
  readonly bandNames: readonly string[] | null;
  readonly onRead: (samples: number) => void;
}

/** What stands for the date while a cube without dates is planned. */
const NO_DATE = '1970-01-01T00:00:00Z';

/**
 * The cube [t, bands, y, x] of the files, or [bands, y, x] when no file tells a date. It lies on the finest of
 * their grids, in the reference system that most of the area is in; where files of one date overlap, the one
 * that was named first wins. Stored values are given as they are. Throws FormatUnsuitable for a file that is no
 * GeoTIFF with a place, and ProcessParameterInvalid when only some of the files tell a date.
 */
export async function uploadedRasters(files: readonly NamedFile[], wish: RasterWish): Promise<Cube> {
  const rasters = pinned(files, wish.rasters);
  const scanned = await Promise.all(files.map((file) => scan(file, rasters, wish.bandNames)));
  const isDated = hasDates(scanned);
  const items = scanned.map((file, i) => item(file, i, isDated));
  const plan = planLoad({ collection: describeCollection(items, null), items, bands: null, extent: null, anchor: () => undefined, process: PROCESS });
  const cube = loadedCube(plan, { collectionId: 'files', anchor: undefined, rasters, onRead: wish.onRead, attributes: { sources: [] } });
  return isDated ? cube : withoutTime(cube);
}

async function scan(file: NamedFile, rasters: RasterOpener, bandNames: readonly string[] | null): Promise<ScannedFile> {
  const raster = await rasters.open(file.href).catch((error: unknown) => {
    throw isUnreadable(error) ? unsuitable(file.path, 'it is no GeoTIFF file that can be read', error) : error;
  });
  const { path, href, sizeBytes, modified } = file;
  const described = describeFile({ path: `/${path}`, href, sizeBytes, modified: new Date(modified), raster }, bandNames ?? undefined);
  if ('reason' in described) throw unsuitable(path, described.reason);
  return described;
}

const isUnreadable = (error: unknown) => error instanceof OpenEOError && error.code === 'FileContentInvalid';

function unsuitable(path: string, reason: string, cause?: unknown): OpenEOError {
  return unsuitableInput(`'${path}': ${reason}.`, { cause });
}

/** True when all files tell their date, false when none does. */
function hasDates(files: readonly ScannedFile[]): boolean {
  const undated = files.find(({ time }) => time === null);
  if (undated && files.some(({ time }) => time !== null)) {
    throw invalidArgument(PROCESS, 'paths', `'${undated.path.slice(1)}' tells no date in its name or tags, while other files do; load them apart`);
  }
  return undated === undefined;
}

/** Each file is an item of its own; its id is its place among the paths, which decides what lies on top. */
function item(file: ScannedFile, index: number, isDated: boolean): StacItem {
  const id = String(index).padStart(6, '0');
  const time = isDated ? file.time! : { start: NO_DATE };
  const sensor = sensorOf(basename(file.path), file.bands);
  const made = itemOf('files', { id, time, isTimeGuessed: false, files: [file] }, sensor);
  if (made === null) throw unsuitable(file.path.slice(1), 'its georeference lies nowhere on the globe');
  // Only codes are metadata of STAC; here a system without one will do.
  const assets = Object.fromEntries(Object.entries(made.assets).map(([key, asset]) => [key, { ...asset, 'proj:code': file.grid.crs }]));
  return { ...made, assets };
}

/** Opens the content that was meant: a file that is replaced meanwhile must not be read by the header of the old one. */
function pinned(files: readonly NamedFile[], rasters: RasterOpener): RasterOpener {
  const versions = new Map(files.map(({ href, version }) => [href, version]));
  return {
    open: async (href): Promise<RasterFile> => {
      const file = await rasters.open(href);
      if (file.source.version === versions.get(href)) return file;
      // Its fingerprint is another one; who computes blocks sees that, and begins anew.
      return { ...file, read: () => Promise.reject(unreadable(file.source, 'it changed while it was read')) };
    },
  };
}

function withoutTime(cube: Cube): Cube {
  return viewCube(cube, {
    dimensions: cube.dimensions.slice(1),
    toSource: (window) => withInserted(window, 0, 0, 1),
    regrid: cube.regrid && ((grid, method) => withoutTime(cube.regrid!(grid, method))),
  });
}
