/** The STAC Item of an acquisition: one asset per file, described so that clients can read it without opening it. */
import { epsgCode, isGeographic } from '../../geo/crs.ts';
import { footprint } from '../../geo/footprint.ts';
import { gridBounds, type Grid } from '../../geo/grid.ts';
import type { StacAsset, StacBand, StacItem } from '../types.ts';
import type { Acquisition } from './group.ts';
import { describeBand, type Sensor } from './known-bands.ts';
import type { ScannedFile } from './scan.ts';

export const extensions = {
  projection: 'https://stac-extensions.github.io/projection/v2.0.0/schema.json',
  raster: 'https://stac-extensions.github.io/raster/v2.0.0/schema.json',
  eo: 'https://stac-extensions.github.io/eo/v2.0.0/schema.json',
  file: 'https://stac-extensions.github.io/file/v2.1.0/schema.json',
} as const;

const COG_TYPE = 'image/tiff; application=geotiff; profile=cloud-optimized';
const GEOTIFF_TYPE = 'image/tiff; application=geotiff';

/** GeoTIFFs up to this size need neither tiles nor overviews to count as cloud-optimised (GDAL's validator). */
const SMALL = 512;

/** Metres of one degree at the equator. */
const METRES_PER_DEGREE = 111_320;

/** null when the acquisition has no place on the globe. */
export function itemOf(collection: string, acquisition: Acquisition, sensor: Sensor | null): StacItem | null {
  const outline = footprint(acquisition.files[0]!.grid);
  if (outline === null) return null;
  const assets = assetsOf(acquisition.files, sensor);
  const { start, end } = acquisition.time;
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: extensionsOf(assets),
    id: acquisition.id,
    collection,
    geometry: outline.geometry as StacItem['geometry'],
    bbox: outline.bbox,
    properties: {
      datetime: end === undefined ? start : null,
      ...(end === undefined ? {} : { start_datetime: start, end_datetime: end }),
      gsd: Math.min(...acquisition.files.map((file) => groundStep(file.grid))),
      ...projectionOf(acquisition.files[0]!.grid),
    },
    links: [],
    assets,
  };
}

/** The asset of a file is called by what tells it from its siblings; a file without any is the 'data'. */
function assetsOf(files: readonly ScannedFile[], sensor: Sensor | null): Record<string, StacAsset> {
  const assets: Record<string, StacAsset> = {};
  for (const file of files) {
    const wanted = file.bands.length === 1 ? file.bands[0]! : file.part || 'data';
    const key = [wanted, file.part, `${wanted}_${Object.keys(assets).length}`].find((name) => name !== '' && !(name in assets))!;
    assets[key] = assetOf(file, sensor);
  }
  return assets;
}

function assetOf(file: ScannedFile, sensor: Sensor | null): StacAsset {
  const { grid, raster } = file;
  const step = groundStep(grid);
  return {
    href: file.href,
    type: isCloudOptimised(file) ? COG_TYPE : GEOTIFF_TYPE,
    title: file.bands.length > 6 ? `${file.bands.length} bands` : file.bands.join(', '),
    roles: ['data'],
    gsd: step,
    data_type: raster.dtype === 'bool' ? 'uint8' : raster.dtype,
    ...shapeOf(grid),
    ...projectionOf(grid),
    'raster:spatial_resolution': step,
    ...(raster.tags['AREA_OR_POINT'] === undefined ? {} : { 'raster:sampling': raster.tags['AREA_OR_POINT'].toLowerCase() }),
    'file:size': file.sizeBytes,
    // A file that changes makes another version of the item, even when nothing else of it does.
    updated: file.modified.toISOString(),
    bands: file.bands.map((name, i) => bandOf(name, raster.bands[i]!, sensor)),
  };
}

function bandOf(name: string, { nodata, scale, offset }: ScannedFile['raster']['bands'][number], sensor: Sensor | null): StacBand {
  return {
    ...describeBand(name, sensor),
    ...(nodata === null ? {} : { nodata: wireNumber(nodata) }),
    ...(scale === null ? {} : { 'raster:scale': scale }),
    ...(offset === null ? {} : { 'raster:offset': offset }),
  };
}

/** JSON has no word for these; STAC spells them out. */
function wireNumber(value: number): number | string {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? value : value > 0 ? 'inf' : '-inf';
}

function projectionOf({ crs }: Grid): Record<string, unknown> {
  if (epsgCode(crs) !== undefined) return { 'proj:code': crs };
  return { 'proj:code': null, ...(crs.startsWith('+') ? {} : { 'proj:wkt2': crs }) };
}

export function shapeOf(grid: Grid): Record<string, unknown> {
  const { west, south, east, north } = gridBounds(grid);
  return {
    'proj:shape': [grid.height, grid.width],
    'proj:transform': [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY],
    'proj:bbox': [west, south, east, north],
  };
}

/** Metres per cell, rounded to what a resolution is worth. */
export function groundStep(grid: Grid): number {
  const metres = isGeographic(grid.crs) ? grid.stepY * METRES_PER_DEGREE : grid.stepX;
  return Number(metres.toPrecision(6));
}

function isCloudOptimised({ raster }: ScannedFile): boolean {
  const { width, height, blockWidth, blockHeight } = raster.levels[0]!;
  if (Math.max(width, height) <= SMALL) return true;
  const isTiled = blockWidth < width || (blockHeight >= 64 && blockHeight % 16 === 0 && blockWidth % 16 === 0);
  return isTiled && raster.levels.length > 1;
}

function extensionsOf(assets: Readonly<Record<string, StacAsset>>): string[] {
  const hasEo = Object.values(assets).some((asset) => asset.bands?.some((band) => 'eo:common_name' in band));
  return [extensions.projection, extensions.raster, extensions.file, ...(hasEo ? [extensions.eo] : [])];
}
