/**
 * The range of values that a map shows when nobody says which: found once, when it is published, from a coarse
 * look at all of it, so that all tiles have the same and new data do not change the old colours.
 */
import type { Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { intersectWindows, latticeOffset, type CellWindow, type Grid } from '../geo/grid.ts';
import { stretchLimits } from '../formats/picture/limits.ts';
import { StatisticsGatherer } from '../formats/statistics.ts';
import { tileAt } from '../layers/tile-grid.ts';
import type { ShownRange } from './service.ts';

/** Dates that are looked at, the newest first, until one has data. */
const MOST_DATES = 3;

/** The zoom at which a tile is two to four times as wide as the box, at most `maxZoom`: wherever tiles end, one holds much of it. */
export function zoomOfBox([west, south, east, north]: readonly [number, number, number, number], maxZoom: number): number {
  return Math.max(0, Math.min(maxZoom, Math.floor(Math.log2(360 / Math.max(east - west, north - south, 1e-6))) - 1));
}

/** The tile (WebMercatorQuad) of a zoom that holds the middle of a box in degrees. */
export function middleTile([west, south, east, north]: readonly [number, number, number, number], zoom: number): { readonly z: number; readonly x: number; readonly y: number; readonly matrixSet: 'WebMercatorQuad' } {
  return { z: zoom, ...tileAt((west + east) / 2, (south + north) / 2, zoom), matrixSet: 'WebMercatorQuad' };
}

/**
 * The range that holds all but the outer 2 percent of the values in a tile, at both ends; one range for all bands, so
 * that colours keep their balance. null where there is no data, or the same value everywhere.
 *
 * @param cube with the bands that are shown, on the lattice of the tile
 */
export async function sampledRange(cube: Cube, tile: Grid, signal: AbortSignal): Promise<ShownRange | null> {
  const offset = latticeOffset(cube.grid!, tile);
  const cells = intersectWindows({ ...offset, width: tile.width, height: tile.height }, { x: 0, y: 0, width: cube.grid!.width, height: cube.grid!.height });
  if (cells.width === 0 || cells.height === 0) return null;
  const dates = cube.find('temporal')?.size ?? 1;
  for (let date = dates - 1; date >= Math.max(0, dates - MOST_DATES); date--) {
    const range = await rangeOfDate(cube, cells, date, signal);
    if (range) return range;
  }
  return null;
}

async function rangeOfDate(cube: Cube, cells: CellWindow, date: number, signal: AbortSignal): Promise<ShownRange | null> {
  const { data, nulls } = await cube.read(windowOf(cube, cells, date), signal);
  const gatherer = new StatisticsGatherer();
  gatherer.add(data, nulls, 0, data.length);
  const statistics = gatherer.result();
  if (!statistics) return null;
  const block = { dtype: cube.dtype, shape: [1, data.length], data, nulls };
  const { low, high } = stretchLimits('percentile', statistics, [block], 0);
  return rounded(low, high);
}

function windowOf(cube: Cube, cells: CellWindow, date: number): Window {
  const range = cube.dimensions.map((d): [number, number] => {
    if (d.axis === 'x') return [cells.x, cells.width];
    if (d.axis === 'y') return [cells.y, cells.height];
    if (d.type === 'temporal') return [date, 1];
    return d.type === 'bands' ? [0, d.size] : [0, 1];
  });
  return { start: range.map((r) => r[0]), size: range.map((r) => r[1]) };
}

/** To two digits of the difference, outwards: numbers that people can read. */
function rounded(low: number, high: number): ShownRange | null {
  if (!(high > low)) return null;
  const step = 10 ** (Math.floor(Math.log10(high - low)) - 1);
  const tidy = (value: number) => Number(value.toPrecision(12));
  return [tidy(Math.floor(low / step) * step), tidy(Math.ceil(high / step) * step)];
}
