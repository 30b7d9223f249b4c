/** The box of an item's pixels: what the file of a layer's item covers. */
import type { StacItem } from '../catalog/types.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { WGS84 } from '../geo/crs.ts';
import type { Bounds } from '../geo/grid.ts';

/**
 * In the reference system of the files, so that not a pixel of a neighbour is in it; the box in degrees
 * when the item does not say where its files lie.
 */
export function itemExtent(item: StacItem): Bounds {
  const boxes = Object.values(item.assets).map((asset) => assetBounds(item, asset)).filter((box) => box !== null);
  const crs = boxes[0]?.crs;
  if (crs === undefined || boxes.some((box) => box.crs !== crs)) return degrees(item.bbox);
  return {
    crs,
    west: Math.min(...boxes.map((b) => b.west)), south: Math.min(...boxes.map((b) => b.south)),
    east: Math.max(...boxes.map((b) => b.east)), north: Math.max(...boxes.map((b) => b.north)),
  };
}

function assetBounds({ properties }: StacItem, asset: Readonly<Record<string, unknown>>): Bounds | null {
  const [crs, shape, transform] = ['proj:code', 'proj:shape', 'proj:transform'].map((key) => asset[key] ?? properties[key]);
  if (!Array.isArray(asset['bands']) || typeof crs !== 'string' || !Array.isArray(shape) || !Array.isArray(transform)) return null;
  const [height, width] = shape as number[];
  const [stepX, , west, , stepY, north] = transform as number[];
  const south = north! + height! * stepY!;
  return { crs, west: west!, east: west! + width! * stepX!, north: Math.max(north!, south), south: Math.min(north!, south) };
}

function degrees(bbox: readonly number[]): Bounds {
  const [west, south, east, north] = withoutHeights(bbox);
  return { crs: WGS84, west, south, east, north };
}
