/** Parts of a cube on both sides of the antimeridian as one. */
import { cropGrid, type CellWindow } from '../geo/grid.ts';
import { createNullBlock, type Block, type Window } from './block.ts';
import type { Cube } from './cube.ts';
import { digest } from './digest.ts';
import { pasteBlock } from './paste.ts';
import { spatialAxes, withRange } from './window.ts';

/**
 * The cells of a cube that goes (nearly) around the globe in `columns` cells: cells from `columns` on are the
 * cube's own from 0 on, so a window may run over the antimeridian. Needs a grid.
 */
export function cropAround(cube: Cube, cells: CellWindow, columns: number): Cube {
  const { x, y } = spatialAxes(cube.dimensions)!;
  const sized = cube.dimensions.with(x, { ...cube.dimensions[x]!, size: cells.width });
  const moved = (window: Window): Window => withRange(withRange(window, x, window.start[x]! + cells.x, window.size[x]!), y, window.start[y]! + cells.y, window.size[y]!);
  const sides = (window: Window) => sidesOf(moved(window), x, columns);
  return cube.with({
    dimensions: sized.with(y, { ...sized[y]!, size: cells.height }),
    grid: cropGrid(cube.grid!, cells),
    read: (window, signal) => readSides(cube, moved(window), sides(window), signal),
    fingerprint: async (window) => {
      const prints: string[] = [];
      for (const { source } of sides(window)) prints.push(await cube.fingerprint(source));
      return prints.length === 1 ? prints[0]! : digest(['around', window.size, prints]);
    },
  });
}

interface Side {
  /** Cells wanted, counted on beyond the antimeridian. */
  readonly window: Window;
  /** The same as the cube counts them. */
  readonly source: Window;
}

function sidesOf(window: Window, x: number, columns: number): Side[] {
  const start = window.start[x]!;
  const end = start + window.size[x]!;
  const side = (from: number, to: number, shift: number): Side => {
    const part = withRange(window, x, from, to - from);
    return { window: part, source: withRange(part, x, from - shift, to - from) };
  };
  if (end <= columns) return [side(start, end, 0)];
  if (start >= columns) return [side(start, end, columns)];
  return [side(start, columns, 0), side(columns, end, columns)];
}

async function readSides(cube: Cube, window: Window, sides: readonly Side[], signal: AbortSignal): Promise<Block> {
  if (sides.length === 1) return cube.read(sides[0]!.source, signal);
  const out = createNullBlock(cube.dtype, window.size);
  for (const side of sides) pasteBlock(out, window, await cube.read(side.source, signal), side.window);
  return out;
}
