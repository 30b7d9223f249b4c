/** Boxes as STAC and caches write them: west, south, east, north in degrees (WGS 84). */
import { transformBounds, WGS84 } from './crs.ts';
import { gridBounds, type Grid } from './grid.ts';

export type Bbox = [west: number, south: number, east: number, north: number];

/** A STAC bbox of four or six numbers without its heights. West may be greater than east. */
export function withoutHeights(bbox: readonly number[]): Bbox {
  return (bbox.length === 6 ? [0, 1, 3, 4] : [0, 1, 2, 3]).map((i) => bbox[i]!) as Bbox;
}

/** The box of a grid in degrees. */
export function boxInDegrees(grid: Grid): Bbox {
  const { west, south, east, north } = transformBounds(gridBounds(grid), WGS84);
  return foldedBox([west, south, east, north]);
}

/** The box with its longitudes between -180 and 180: west is greater than east when it crosses the antimeridian. */
export function foldedBox([west, south, east, north]: Bbox): Bbox {
  if (east - west >= 360) return [-180, south, 180, north];
  return [west < -180 ? west + 360 : west > 180 ? west - 360 : west, south, east > 180 ? east - 360 : east < -180 ? east + 360 : east, north];
}
