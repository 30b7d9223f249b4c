/** How far out the map tiles of a layer go before anybody has warmed it. */

/** Blocks that one tile may have computed: its picture must not cost thousands of inferences. */
export const MAX_COLD_BLOCKS = 160;

/** Cells along the edge of the area in which that many blocks lie, wherever it begins in a block. */
const MAX_CELLS = 300;

const EQUATOR_METRES = 40_075_017;

/** Tiles are loaded with a margin on both sides. */
const MARGIN = 1.15;

/** The farthest zoom at which every tile of a layer with cells of this size can be drawn though nothing of it is cached, also at the equator. */
export function farthestZoom(cellMetres: number): number {
  return Math.max(0, Math.ceil(Math.log2((EQUATOR_METRES * MARGIN) / (MAX_CELLS * cellMetres))));
}
