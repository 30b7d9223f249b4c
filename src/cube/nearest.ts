/** Nearest neighbour on blocks [n, height, width]: each target cell gets the source cell in which its centre lies. */
import type { CellWindow } from '../geo/grid.ts';
import type { RowMap } from '../geo/cell-map.ts';
import type { Block } from './block.ts';

/** Where a source block and the wanted cells lie. */
export interface Placement {
  /** The cells that the source block covers, counted in the source grid. */
  readonly source: CellWindow;
  /** The whole source grid: what lies beyond may be known, but nobody misses it. */
  readonly extent: CellWindow;
  /** The cells wanted, counted in the target grid. */
  readonly target: CellWindow;
  readonly map: RowMap;
  /** True when columns depend on x alone and rows on y alone. */
  readonly separable: boolean;
}

/** Fills `out`, which comes filled with no-data. */
export function pickNearest(source: Block, { source: cells, target, map }: Placement, out: Block): void {
  const { width, height } = target;
  const xs = new Float64Array(width);
  const ys = new Float64Array(width);
  const from = new Int32Array(width);
  const bands = source.shape[0]!;
  const sourceSize = cells.width * cells.height;
  for (let row = 0; row < height; row++) {
    map(target.y + row, 0.5, 0.5, xs, ys);
    findNearest(xs, ys, cells, from);
    for (let band = 0; band < bands; band++) {
      gather(source, band * sourceSize, from, out, (band * height + row) * width);
    }
  }
}

/** Index of the source cell under each position; −1 outside and where a position has no image. */
export function findNearest(xs: Float64Array, ys: Float64Array, cells: CellWindow, from: Int32Array): void {
  for (let i = 0; i < from.length; i++) {
    const x = Math.floor(xs[i]! + 1e-10) - cells.x;
    const y = Math.floor(ys[i]! + 1e-10) - cells.y;
    from[i] = x >= 0 && y >= 0 && x < cells.width && y < cells.height ? y * cells.width + x : -1;
  }
}

function gather(source: Block, base: number, from: Int32Array, out: Block, to: number): void {
  const { data, nulls } = source;
  const flags = out.nulls!;
  const target = out.data;
  for (let i = 0; i < from.length; i++) {
    const at = from[i]!;
    if (at < 0 || nulls?.[base + at]) continue;
    target[to + i] = data[base + at]!;
    flags[to + i] = 0;
  }
}
