/** Where the rows of one tile lie in the scratch memory. */
import { sampleSize, type DType } from '../../cube/dtype.ts';
import type { Place } from '../wasm/vector-code.ts';

/** What a kernel reads and writes for each cell. */
export interface CellShape {
  readonly inputs: readonly { readonly dtype: DType; readonly length: number }[];
  readonly output: { readonly dtype: DType; readonly length: number };
}

/** Bytes that a tile should take at most: it is written, worked on and read again while it is in the second-level cache. */
const TILE_BYTES = 1 << 18;
/** Whatever the number of rows, a tile has at least this many cells. */
const MIN_CELLS = 64;
const MAX_CELLS = 4096;

/** Pages of 64 KiB that the scratch memory of a thread has. It never grows. */
export const SCRATCH_PAGES = 16;
const SCRATCH_BYTES = SCRATCH_PAGES << 16;

export interface Layout {
  /** Cells of a full tile. */
  readonly cells: number;
  readonly sampleBase: readonly number[];
  readonly flagBase: readonly number[];
  readonly outBase: number;
  readonly outFlagBase: number;
}

/** The layout for cells of this shape; null when the scratch memory is too small for a useful tile. */
export function layOut({ inputs, output }: CellShape): Layout | null {
  const bytes = [...inputs, output].reduce((sum, { dtype, length }) => sum + length * (sampleSize(dtype) + 1), 0);
  const cells = Math.min(MAX_CELLS, Math.max(MIN_CELLS, Math.floor(TILE_BYTES / bytes / 16) * 16));
  if (bytes * cells > SCRATCH_BYTES) return null;
  let next = 0;
  const take = (rows: number, size: number) => {
    const base = next;
    next += rows * size * cells;
    return base;
  };
  return {
    cells,
    sampleBase: inputs.map(({ dtype, length }) => take(length, sampleSize(dtype))),
    flagBase: inputs.map(({ length }) => take(length, 1)),
    outBase: take(output.length, sampleSize(output.dtype)),
    outFlagBase: take(output.length, 1),
  };
}

type Size = Place['size'];

export function samplePlace(layout: Layout, input: number, element: number, dtype: DType): Place {
  const size = sampleSize(dtype) as Size;
  return { offset: layout.sampleBase[input]! + element * layout.cells * size, size };
}

export function flagPlace(layout: Layout, input: number, element: number): Place {
  return { offset: layout.flagBase[input]! + element * layout.cells, size: 1 };
}

export function outPlace(layout: Layout, element: number, dtype: DType): Place {
  const size = sampleSize(dtype) as Size;
  return { offset: layout.outBase + element * layout.cells * size, size };
}

export function outFlagPlace(layout: Layout, element: number): Place {
  return { offset: layout.outFlagBase + element * layout.cells, size: 1 };
}
