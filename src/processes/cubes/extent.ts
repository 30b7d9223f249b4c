/** Bounding boxes as openEO writes them. */
import { isGeographic, parseCrs, WGS84 } from '../../geo/crs.ts';
import type { Bounds } from '../../geo/grid.ts';
import { invalidArgument } from '../../errors.ts';
import type { ObjectValue, Value } from '../../graph/value.ts';
import { isObject, kindOf } from './arguments.ts';

/**
 * Reads {west, south, east, north, crs?}. A box in degrees whose west is greater than its east crosses the
 * antimeridian; its east is beyond 180 in the result. Throws ProcessParameterInvalid when it holds nothing or
 * is no such box.
 */
export function boundsOf(value: Value | undefined, process: string, parameter: string): Bounds {
  if (!isObject(value)) throw invalidArgument(process, parameter, `it must be a bounding box with west, south, east and north, not ${kindOf(value)}`);
  refuseHeights(value, process, parameter);
  const edge = (name: string) => {
    const number = value[name];
    if (typeof number === 'number' && Number.isFinite(number)) return number;
    throw invalidArgument(process, parameter, `'${name}' must be a number`);
  };
  const bounds = inOnePiece({ west: edge('west'), south: edge('south'), east: edge('east'), north: edge('north'), crs: crsOf(value['crs'], process, parameter) });
  if (bounds.east <= bounds.west || bounds.north <= bounds.south) {
    const edges = `west ${bounds.west}, east ${bounds.east}, south ${bounds.south}, north ${bounds.north}`;
    throw invalidArgument(process, parameter, `the extent is empty: west must be less than east (in degrees it may be greater, across the antimeridian) and south less than north, but it has ${edges}`);
  }
  return bounds;
}

function inOnePiece(bounds: Bounds): Bounds {
  const { west, east, crs } = bounds;
  const isAcross = west > east && west <= 180 && east >= -180 && isGeographic(crs);
  return isAcross ? { ...bounds, east: east + 360 } : bounds;
}

function refuseHeights(value: ObjectValue, process: string, parameter: string): void {
  for (const name of ['base', 'height']) {
    if (value[name] !== undefined && value[name] !== null) throw invalidArgument(process, parameter, `'${name}' is not supported: the cubes of this service have no vertical axis`);
  }
}

function crsOf(value: Value | undefined, process: string, parameter: string): string {
  if (value === undefined || value === null) return WGS84;
  if (typeof value === 'number' || typeof value === 'string') return parseCrs(value, process, parameter);
  throw invalidArgument(process, parameter, `'crs' must be an EPSG code or WKT2, not ${kindOf(value)}`);
}
