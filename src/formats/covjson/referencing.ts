/** Coordinate reference systems in CoverageJSON. */
import { epsgCode, isGeographic, WGS84, wktOf } from '../../geo/crs.ts';

export interface ReferenceSystem {
  readonly coordinates: readonly string[];
  readonly system: Readonly<Record<string, unknown>>;
}

/** Projected systems whose first axis points north, by their definition, and of which epsg-index has no axes. */
const NORTH_FIRST: readonly (readonly [number, number])[] = [[3034, 3035], [3038, 3051], [2176, 2180], [31_466, 31_469], [3873, 3885]];

/** How x and y are to be read. The order of `coordinates` is that of the axes of the system, as the standard wants it. */
export function spatialReference(crs: string): ReferenceSystem {
  if (crs === WGS84) return { coordinates: ['x', 'y'], system: { type: 'GeographicCRS', id: 'http://www.opengis.net/def/crs/OGC/1.3/CRS84' } };
  const code = epsgCode(crs);
  const type = isGeographic(crs) ? 'GeographicCRS' : 'ProjectedCRS';
  if (code === undefined) return { coordinates: ['x', 'y'], system: { type, description: { en: crs } } };
  return { coordinates: isNorthFirst(crs, code) ? ['y', 'x'] : ['x', 'y'], system: { type, id: `http://www.opengis.net/def/crs/EPSG/0/${code}` } };
}

function isNorthFirst(crs: string, code: number): boolean {
  if (isGeographic(crs)) return true;
  if (NORTH_FIRST.some(([first, last]) => code >= first && code <= last)) return true;
  return /AXIS\["[^"]*",\s*NORTH\][\s\S]*AXIS\["[^"]*",\s*EAST\]/.test(wktOf(crs) ?? '');
}

export const temporalReference: ReferenceSystem = { coordinates: ['t'], system: { type: 'TemporalRS', calendar: 'Gregorian' } };
