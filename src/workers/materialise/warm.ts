/** Fills the cache with the blocks of an area. */
import type { Cube } from '../../cube/cube.ts';
import { datesOf, type Area } from './area.ts';
import type { Output } from './output.ts';

/** Cells along the edge of what is read at once: a few blocks. */
const WINDOW_CELLS = 128;

/** Reads everything once. `report` is told the share done. */
export async function warm({ cube }: Area, output: Output, report: (share: number) => Promise<void>): Promise<void> {
  const windows = windowsOf(cube);
  const dates = datesOf(cube);
  for (const [i, date] of dates.entries()) {
    for (const [k, window] of windows.entries()) {
      await date.cube.read(window, output.signal);
      await report((i + (k + 1) / windows.length) / dates.length);
    }
  }
}

/** Windows over x and y, whole on the other dimensions, of the cube of one date. */
function windowsOf({ dimensions }: Cube): { start: number[]; size: number[] }[] {
  const at = { x: dimensions.findIndex((d) => d.axis === 'x'), y: dimensions.findIndex((d) => d.axis === 'y') };
  const steps = (size: number) => Array.from({ length: Math.ceil(size / WINDOW_CELLS) }, (_, i) => i * WINDOW_CELLS);
  const all = dimensions.map((d) => (d.type === 'temporal' ? 1 : d.size));
  return steps(all[at.y]!).flatMap((y) => steps(all[at.x]!).map((x) => ({
    start: dimensions.map((_, i) => (i === at.x ? x : i === at.y ? y : 0)),
    size: all.map((size, i) => (i === at.x ? Math.min(WINDOW_CELLS, size - x) : i === at.y ? Math.min(WINDOW_CELLS, size - y) : size)),
  })));
}
