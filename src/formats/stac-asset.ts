/** STAC 1.1 fields of a raster asset. */
import { epsgCode } from '../geo/crs.ts';
import { gridBounds, type Grid } from '../geo/grid.ts';
import type { PlannedBand } from './raster-plan.ts';
import type { BandStatistics } from './statistics.ts';

export interface WrittenBand {
  readonly band: PlannedBand;
  readonly dataType: string;
  /** Of the stored values. */
  readonly statistics: BandStatistics | null;
  readonly nodata: number | null;
  /** Physical value = stored value × scale + offset. */
  readonly scale?: number;
  readonly offset?: number;
}

/** proj:* of a grid; 'wkt2'-less systems without a code have proj:code null. */
export function projectionFields(grid: Grid): Record<string, unknown> {
  const { west, south, east, north } = gridBounds(grid);
  return {
    'proj:code': epsgCode(grid.crs) === undefined ? null : grid.crs,
    'proj:shape': [grid.height, grid.width],
    'proj:transform': [grid.stepX, 0, grid.originX, 0, -grid.stepY, grid.originY],
    'proj:bbox': [west, south, east, north],
  };
}

/** Asset fields of a file with these bands on this grid. */
export function rasterAsset(grid: Grid, bands: readonly WrittenBand[]): Record<string, unknown> {
  return { ...projectionFields(grid), bands: bands.map(bandFields) };
}

function bandFields({ band, dataType, statistics, nodata, scale, offset }: WrittenBand): Record<string, unknown> {
  const { description, common_name, center_wavelength, unit, gsd } = band.description ?? {};
  return {
    name: band.name,
    ...(description !== undefined && { description }),
    ...(common_name !== undefined && { 'eo:common_name': common_name }),
    ...(center_wavelength !== undefined && { 'eo:center_wavelength': center_wavelength }),
    ...(unit !== undefined && { unit }),
    ...(gsd !== undefined && { gsd }),
    data_type: dataType,
    ...(nodata !== null && { nodata: jsonNumber(nodata) }),
    ...(statistics && { statistics }),
    ...(scale !== undefined && { 'raster:scale': scale }),
    ...(offset !== undefined && { 'raster:offset': offset }),
  };
}

/** STAC writes the numbers that JSON lacks as words. */
function jsonNumber(value: number): number | string {
  if (Number.isNaN(value)) return 'nan';
  return Number.isFinite(value) ? value : value > 0 ? 'inf' : '-inf';
}

/** Dates as they appear in file names: '2021-06-01', with the time where it is not midnight. */
export function fileDate(datetime: string): string {
  const [date = '', time = ''] = datetime.replace(/(\.\d+)?Z$/, '').split('T');
  return time === '' || /^00:00(:00)?$/.test(time) ? date : `${date}T${time.replaceAll(':', '')}Z`;
}


/** A label as it appears in file names. */
export function fileLabel(label: string | number): string {
  return String(label).replaceAll(/[^A-Za-z0-9._-]/g, '_');
}
