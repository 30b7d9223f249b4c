/** How a cube is divided into cached blocks: for who wants whole blocks, such as files that later requests read. */
import type { Cube } from '../cube/cube.ts';
import type { CellWindow } from '../geo/grid.ts';
import type { Position } from './compute-block.ts';

/** A block inside a window: its content key, and the cells of the cube that it covers. */
export interface PlacedBlock {
  readonly key: string;
  readonly cells: CellWindow;
}

export interface BlockLayout {
  /** The smallest window of whole blocks around some cells. */
  whole(cells: CellWindow): CellWindow;
  /** The blocks of a window at a position on the other dimensions. */
  blocks(cells: CellWindow, position: Position): Promise<readonly PlacedBlock[]>;
}

const layouts = new WeakMap<Cube, BlockLayout>();

/** Remembers how the cube is divided, and gives it back. */
export function withBlockLayout(cube: Cube, layout: BlockLayout): Cube {
  layouts.set(cube, layout);
  return cube;
}

/** undefined for a cube that is not read through blocks, or only shows what others computed. */
export function blockLayoutOf(cube: Cube): BlockLayout | undefined {
  return layouts.get(cube);
}

/** The smallest window of whole blocks of this edge around some cells; `first` is the block-lattice index of cell 0. */
export function wholeBlocks(cells: CellWindow, edge: number, first: { readonly x: number; readonly y: number }): CellWindow {
  const range = (start: number, size: number, offset: number): [number, number] => {
    const low = Math.floor((start + offset) / edge) * edge;
    const high = Math.ceil((start + size + offset) / edge) * edge;
    return [low - offset, high - low];
  };
  const [x, width] = range(cells.x, cells.width, first.x);
  const [y, height] = range(cells.y, cells.height, first.y);
  return { x, y, width, height };
}
