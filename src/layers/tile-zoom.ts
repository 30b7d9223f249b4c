/** How far out the map tiles of a layer go. */

/** A tile whose area holds more patches than this is refused: its picture would cost thousands of inferences. */
export const MAX_PATCHES = 300 * 300;

const EQUATOR_METRES = 40_075_017;

/** Tiles are loaded with a margin on both sides. */
const MARGIN = 1.15;

/** The farthest zoom at which every tile of a layer with patches of this size can be drawn, also at the equator. */
export function farthestZoom(patchMetres: number): number {
  return Math.max(0, Math.ceil(Math.log2((EQUATOR_METRES * MARGIN) / (Math.sqrt(MAX_PATCHES) * patchMetres))));
}
