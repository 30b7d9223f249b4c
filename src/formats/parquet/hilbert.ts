/** The order of cells along a Hilbert curve: neighbours on the curve are neighbours on the ground. */
import type { CellWindow } from '../../geo/grid.ts';

/**
 * Place of the cell (x, y) on the Hilbert curve through a square of `edge` cells, a power of two: down the
 * quadrants, two bits of the answer at a time, the curve turned as it runs in each (Skilling 2004).
 */
export function hilbertIndex(edge: number, x: number, y: number): number {
  let index = 0;
  for (let half = edge / 2; half >= 1; half /= 2) {
    const right = (x & half) > 0 ? 1 : 0;
    const down = (y & half) > 0 ? 1 : 0;
    index += half * half * ((3 * right) ^ down);
    if (down === 0) {
      if (right === 1) [x, y] = [edge - 1 - x, edge - 1 - y];
      [x, y] = [y, x];
    }
  }
  return index;
}

/** The blocks of `edge` cells, a power of two, that cover an area; along the curve, cut at the area's borders. */
export function hilbertBlocks(width: number, height: number, edge: number): CellWindow[] {
  const [columns, rows] = [Math.ceil(width / edge), Math.ceil(height / edge)];
  const square = powerOfTwo(Math.max(columns, rows));
  const blocks = Array.from({ length: columns * rows }, (_, i) => ({ column: i % columns, row: Math.floor(i / columns) }));
  return blocks
    .map((block) => ({ ...block, index: hilbertIndex(square, block.column, block.row) }))
    .sort((a, b) => a.index - b.index)
    .map(({ column, row }) => ({
      x: column * edge, y: row * edge, width: Math.min(edge, width - column * edge), height: Math.min(edge, height - row * edge),
    }));
}

/** Row-major positions of the cells of a block, along the curve. */
export function hilbertCells({ width, height }: CellWindow): Uint32Array {
  const square = powerOfTwo(Math.max(width, height));
  const cells = new Uint32Array(width * height).map((_, i) => i);
  const index = Float64Array.from(cells, (i) => hilbertIndex(square, i % width, Math.floor(i / width)));
  return cells.sort((a, b) => index[a]! - index[b]!);
}

const powerOfTwo = (least: number) => 2 ** Math.ceil(Math.log2(Math.max(1, least)));
