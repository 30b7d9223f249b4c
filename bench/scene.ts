/** A real Sentinel-2 tile of ../shared/data, mirrored to a larger scene of nine bands, as a collection of one item. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadedCube } from '../src/catalog/load.ts';
import { planLoad } from '../src/catalog/load-plan.ts';
import type { RasterOpener } from '../src/catalog/read-asset.ts';
import type { StacCollection, StacItem } from '../src/catalog/types.ts';
import { arrayCube } from '../src/cube/array-cube.ts';
import type { Cube } from '../src/cube/cube.ts';
import { bandsDimension, spatialDimensions } from '../src/cube/dimension.ts';
import { RasterCache } from '../src/formats/cog/raster-cache.ts';
import { resultFormats } from '../src/formats/index.ts';
import type { Grid } from '../src/geo/grid.ts';
import { silentLog } from '../src/log.ts';

export const tile = resolve(import.meta.dirname, '../../shared/data/terramesh/S2L2A/433D_629L_3_1.tif');
const names = ['B02', 'B03', 'B04', 'B05', 'B06', 'B07', 'B08', 'B11', 'B12'];
const collection = { id: 'C', bands: names.map((name) => ({ name })), 'cube:dimensions': { bands: { type: 'bands', values: names } } } as unknown as StacCollection;

/** Writes the scene as a COG and gives its item. Band order of the tile: B01 B02 … B8A B09 B11 B12. */
export async function makeScene(folder: string, size: number): Promise<StacItem> {
  const rasters = new RasterCache();
  const file = await rasters.open(pathToFileURL(tile).href);
  const { width, height } = file.levels[0]!;
  const source = await file.read({ level: 0, window: { x: 0, y: 0, width, height }, bands: [1, 2, 3, 4, 5, 6, 7, 10, 11] });
  await rasters.close();
  const mirrored = (i: number, n: number) => (Math.floor(i / n) % 2 === 0 ? i % n : n - 1 - (i % n));
  const data = new Uint16Array(names.length * size * size);
  for (let b = 0, to = 0; b < names.length; b++) for (let y = 0; y < size; y++) for (let x = 0; x < size; x++, to++) {
    data[to] = source.data[(b * height + mirrored(y, height)) * width + mirrored(x, width)]!;
  }
  const grid: Grid = { crs: 'EPSG:32632', originX: 600_000, originY: 6_200_000, stepX: 10, stepY: 10, width: size, height: size };
  const cube = arrayCube({ dimensions: [bandsDimension(names), ...spatialDimensions(grid)], grid, dtype: 'uint16', data, attributes: { nodata: 0 } });
  const [written] = await resultFormats.GTiff.write(cube, {}, { directory: folder, signal: new AbortController().signal, log: silentLog });
  const asset = { href: pathToFileURL(written!.path).href, data_type: 'uint16', nodata: 0, bands: names.map((name) => ({ name })), 'proj:code': grid.crs, 'proj:shape': [size, size], 'proj:transform': [10, 0, grid.originX, 0, -10, grid.originY] };
  return { type: 'Feature', stac_version: '1.1.0', stac_extensions: [], id: 'scene', collection: 'C', geometry: null, bbox: [], links: [], properties: { datetime: '2021-06-01T00:00:00Z' }, assets: { data: asset } };
}

/** The scene as load_collection gives it. */
export function sceneCube(item: StacItem, rasters: RasterOpener): Cube {
  return loadedCube(planLoad({ collection, items: [item], bands: null, extent: null, anchor: () => undefined }), { collectionId: 'C', anchor: undefined, rasters });
}
