/** The collection to start with: made-up scenes, so that the tour works without data and without a network. */
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { arrayCube } from '../../cube/array-cube.ts';
import { bandsDimension, spatialDimensions } from '../../cube/dimension.ts';
import type { Cube } from '../../cube/cube.ts';
import { gtiff } from '../../formats/cog/write.ts';
import type { Grid } from '../../geo/grid.ts';
import { silentLog } from '../../log.ts';
import { ingest } from '../ingest/ingest.ts';
import type { IngestDependencies } from '../ingest/report.ts';
import { BANDS } from './landscape.ts';
import { surveyGround, takePicture, type Overpass, type Picture } from './scene.ts';

export const SYNTHETIC_COLLECTION = 'SYNTHETIC_S2';

/** Cells of 10 m; divisible by the cells of 20 m and 60 m. */
const SIZE = 480;

/** Neighbours on both sides of 6° E, where UTM zone 31 ends and zone 32 begins; they overlap a little. */
const scenes: readonly { readonly name: string; readonly grid: Grid }[] = [
  { name: 'T31', grid: { crs: 'EPSG:32631', originX: 707_500, originY: 5_614_000, stepX: 10, stepY: 10, width: SIZE, height: SIZE } },
  { name: 'T32', grid: { crs: 'EPSG:32632', originX: 287_000, originY: 5_614_000, stepX: 10, stepY: 10, width: SIZE, height: SIZE } },
];

const overpasses: readonly Overpass[] = [
  { datetime: '2023-04-05T10:40:21Z', clouds: 0.3, isCut: false },
  { datetime: '2023-05-20T10:40:21Z', clouds: 0.08, isCut: true },
  { datetime: '2023-06-24T10:40:21Z', clouds: 0.2, isCut: false },
  { datetime: '2023-07-29T10:40:21Z', clouds: 0, isCut: false },
  { datetime: '2023-09-12T10:40:21Z', clouds: 0.55, isCut: true },
  { datetime: '2023-10-22T10:40:21Z', clouds: 0.12, isCut: false },
];

const text = {
  title: 'Synthetic Sentinel-2-like scenes',
  description: 'Synthetic data: nothing here was observed. A generator made six dates of 2023 of an invented landscape (fields, forest, water, villages) with seasons, clouds, cloud shadows and the edge of a swath, in the bands of Sentinel-2 Level-2A (reflectance × 10000, 0 is no data) and with a scene classification (SCL). Two scenes of 480 × 480 pixels lie side by side in the UTM zones 31 and 32. For trying things out and for tests; not for science.',
  keywords: ['synthetic', 'demonstration', 'Sentinel-2-like', 'multispectral', 'time series'],
  license: 'CC0-1.0',
};

/**
 * Makes and registers the collection unless it is there. Files go to `directory` (made when absent).
 * Gives true when something was made.
 */
export async function ensureSyntheticCollection(directory: string, dependencies: IngestDependencies): Promise<boolean> {
  const files = await writeScenes(directory);
  const existing = await dependencies.store.collection(SYNTHETIC_COLLECTION);
  if (existing && !files) return false;
  const report = await ingest({ collection: SYNTHETIC_COLLECTION, sources: [directory], ...text }, dependencies);
  const [refusal] = report.refused;
  if (refusal) throw new Error(`The synthetic collection could not be registered: ${refusal.source}: ${refusal.reason}.`);
  return true;
}

/** Writes beside the place and moves the whole set there, so that a killed first start leaves no half set. */
async function writeScenes(directory: string): Promise<boolean> {
  if ((await readdir(directory).catch(() => [])).length > 0) return false;
  const parent = join(directory, '..');
  await mkdir(parent, { recursive: true });
  const unfinished = await mkdtemp(join(parent, '.synthetic-'));
  try {
    await Promise.all(scenes.map(({ name, grid }) => writeScene(unfinished, name, grid)));
    await rm(directory, { recursive: true, force: true });
    await rename(unfinished, directory);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
  return true;
}

/** The bands in the resolutions of the instrument, like the product that this imitates. */
const resolutions: readonly { readonly metres: number; readonly bands: readonly (typeof BANDS)[number][] }[] = [
  { metres: 10, bands: ['B02', 'B03', 'B04', 'B08'] },
  { metres: 20, bands: ['B05', 'B06', 'B07', 'B8A', 'B11', 'B12'] },
  { metres: 60, bands: ['B01', 'B09'] },
];

async function writeScene(directory: string, name: string, grid: Grid): Promise<void> {
  const ground = surveyGround(grid);
  for (const overpass of overpasses) {
    const picture = takePicture(ground, overpass);
    const stem = `SYNTHETIC_${name}_${overpass.datetime.replace(/[-:Z]/g, '')}`;
    const bands = resolutions.map((part) => writeCog(directory, `${stem}_${part.metres}m`, reflectanceCube(picture, grid, part)));
    await Promise.all([...bands, writeCog(directory, `${stem}_SCL`, classificationCube(picture, grid))]);
  }
}

function reflectanceCube({ reflectance }: Picture, grid: Grid, { metres, bands }: (typeof resolutions)[number]): Cube {
  const factor = metres / grid.stepX;
  const target = coarser(grid, factor);
  const data = new Uint16Array(bands.length * target.width * target.height);
  const plane = grid.width * grid.height;
  bands.forEach((band, i) => {
    const first = BANDS.indexOf(band) * plane;
    averageCells(reflectance.subarray(first, first + plane), grid.width, factor, data.subarray((i * plane) / factor ** 2, ((i + 1) * plane) / factor ** 2));
  });
  return rasterCube(bands, target, 'uint16', data);
}

/** Classes are delivered at 20 m, as in the real product: every second cell of every second row. */
function classificationCube({ classification }: Picture, grid: Grid): Cube {
  const target = coarser(grid, 2);
  const data = new Uint8Array(target.width * target.height);
  for (let i = 0; i < data.length; i++) data[i] = classification[2 * Math.floor(i / target.width) * grid.width + 2 * (i % target.width)]!;
  return rasterCube(['SCL'], target, 'uint8', data);
}

function coarser(grid: Grid, factor: number): Grid {
  return { ...grid, stepX: grid.stepX * factor, stepY: grid.stepY * factor, width: grid.width / factor, height: grid.height / factor };
}

/** Mean of factor × factor cells; no data where one of them has none. */
function averageCells(source: Uint16Array, width: number, factor: number, target: Uint16Array): void {
  if (factor === 1) {
    target.set(source);
    return;
  }
  const columns = width / factor;
  for (let i = 0; i < target.length; i++) {
    const corner = Math.floor(i / columns) * factor * width + (i % columns) * factor;
    let sum = 0;
    let isWhole = true;
    for (let row = 0; row < factor; row++) {
      for (let cell = corner + row * width; cell < corner + row * width + factor; cell++) {
        sum += source[cell]!;
        isWhole &&= source[cell] !== 0;
      }
    }
    target[i] = isWhole ? Math.round(sum / factor ** 2) : 0;
  }
}

function rasterCube(bands: readonly string[], grid: Grid, dtype: 'uint8' | 'uint16', data: Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>): Cube {
  const nulls = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) if (data[i] === 0) nulls[i] = 1;
  const attributes = { nodata: 0, bands: bands.map((name) => ({ name })) };
  return arrayCube({ dimensions: [bandsDimension(bands), ...spatialDimensions(grid)], grid, dtype, data, nulls, attributes });
}

async function writeCog(directory: string, name: string, cube: Cube): Promise<void> {
  const [file] = await gtiff.write(cube, { filename_prefix: name }, { directory, signal: new AbortController().signal, log: silentLog });
  const path = join(directory, `${name}.tif`);
  if (file!.path !== path) await rename(file!.path, path);
}
