/**
 * Where the vectors of a patch operator lie: pure geometry.
 *
 * Patches are counted from the anchor of the source's lattice, so a place belongs to the same patch
 * whatever extent a request names. Blocks are squares of patches counted from the same anchor: they
 * are what is computed, cached and shared between requests.
 */
import { OpenEOError } from '../errors.ts';
import { isGeographic } from '../geo/crs.ts';
import type { CellWindow, Grid } from '../geo/grid.ts';
import type { OperatorManifest } from '../operators/operator.ts';

/** Patches along the edge of a block: 32 patches of 8 px are 256 px, about 4 MB of input with halo. */
export const BLOCK_PATCHES = 32;

export interface PatchLattice {
  /** The grid of the vectors: one cell per patch whose centre lies in the source grid. */
  readonly grid: Grid;
  /** Patch index (from the anchor) of the grid's first column and row. */
  readonly first: { readonly x: number; readonly y: number };
  /** Pixels from the anchor to the source grid's first column and row. */
  readonly offset: { readonly x: number; readonly y: number };
  readonly patch: number;
  readonly halo: number;
}

/**
 * The patch lattice of an operator over a source grid. Throws OperatorGridUnsuitable when the pixels
 * have not the size the operator was made for, or when no patch fits.
 */
export function patchLattice(source: Grid, anchor: { readonly x: number; readonly y: number } | undefined, operator: OperatorManifest): PatchLattice {
  checkResolution(source, operator);
  const { patch, halo } = operator;
  const origin = anchor ?? latticePhase(source);
  const offset = {
    x: Math.round((source.originX - origin.x) / source.stepX),
    y: Math.round((origin.y - source.originY) / source.stepY),
  };
  const first = { x: firstCentre(offset.x, patch), y: firstCentre(offset.y, patch) };
  const end = { x: firstCentre(offset.x + source.width, patch), y: firstCentre(offset.y + source.height, patch) };
  if (end.x <= first.x || end.y <= first.y) throw unsuitable(operator, `the extent of ${source.width} × ${source.height} pixels holds no whole patch of ${patch} × ${patch}`);
  const grid: Grid = {
    crs: source.crs,
    stepX: source.stepX * patch,
    stepY: source.stepY * patch,
    originX: source.originX + (first.x * patch - offset.x) * source.stepX,
    originY: source.originY - (first.y * patch - offset.y) * source.stepY,
    width: end.x - first.x,
    height: end.y - first.y,
  };
  return { grid, first, offset, patch, halo };
}

/** Index of the first patch whose centre is at or after this pixel. */
function firstCentre(pixel: number, patch: number): number {
  return Math.ceil((pixel - patch / 2) / patch);
}

/** The lattice point next to the CRS origin: an anchor that every extent of a lattice agrees on. */
export function latticePhase(grid: Grid): { x: number; y: number } {
  return {
    x: grid.originX - Math.round(grid.originX / grid.stepX) * grid.stepX,
    y: grid.originY - Math.round(grid.originY / grid.stepY) * grid.stepY,
  };
}

function checkResolution(source: Grid, operator: OperatorManifest): void {
  const [low, high] = operator.input.gsd_range;
  if (isGeographic(source.crs)) throw unsuitable(operator, `it needs square pixels of ${low} to ${high} m, ${source.crs} has degrees; put resample_spatial with a projected CRS before it`);
  for (const step of [source.stepX, source.stepY]) {
    if (step < low * 0.999 || step > high * 1.001) throw unsuitable(operator, `it needs pixels of ${low} to ${high} m, these have ${step} m`);
  }
}

function unsuitable(operator: OperatorManifest, reason: string): OpenEOError {
  return new OpenEOError('OperatorGridUnsuitable', { operator: operator.name, reason });
}

export interface BlockIndex {
  readonly x: number;
  readonly y: number;
}

/** The blocks that a window of the vector grid touches. */
export function blocksOf(lattice: PatchLattice, window: CellWindow): BlockIndex[] {
  const from = (start: number, first: number) => Math.floor((start + first) / BLOCK_PATCHES);
  const to = (start: number, size: number, first: number) => Math.floor((start + size - 1 + first) / BLOCK_PATCHES);
  const blocks: BlockIndex[] = [];
  for (let y = from(window.y, lattice.first.y); y <= to(window.y, window.height, lattice.first.y); y++) {
    for (let x = from(window.x, lattice.first.x); x <= to(window.x, window.width, lattice.first.x); x++) blocks.push({ x, y });
  }
  return blocks;
}

/** Cells of the vector grid that a block covers (they may reach beyond the grid). */
export function blockCells(lattice: PatchLattice, block: BlockIndex): CellWindow {
  return { x: block.x * BLOCK_PATCHES - lattice.first.x, y: block.y * BLOCK_PATCHES - lattice.first.y, width: BLOCK_PATCHES, height: BLOCK_PATCHES };
}

/** Pixels of the source grid that a block needs: its patches and the halo around them. */
export function blockPixels(lattice: PatchLattice, block: BlockIndex): CellWindow {
  const { patch, halo, offset } = lattice;
  const edge = BLOCK_PATCHES * patch + 2 * halo;
  return { x: block.x * BLOCK_PATCHES * patch - halo - offset.x, y: block.y * BLOCK_PATCHES * patch - halo - offset.y, width: edge, height: edge };
}
