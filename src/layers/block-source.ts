/** What blocks are computed from: pixels seen through an operator, or the cells of a cube as they are. */
import { hash } from 'node:crypto';
import type { Footprint } from '../catalog/block-catalog.ts';
import type { Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { digest } from '../cube/digest.ts';
import { sampleSize } from '../cube/dtype.ts';
import { spatialAxes } from '../cube/window.ts';
import { boxInDegrees } from '../geo/bbox.ts';
import { cropGrid, type CellWindow, type Grid } from '../geo/grid.ts';
import { sourceWindowOf, type EmbedSource, type Position } from './compute-block.ts';
import { blockCells, BLOCK_PATCHES, latticePhase, type BlockIndex } from './patch-lattice.ts';

/** Cells along the edge of a block of a cube that is no embedding; fewer when it has many bands. */
const BLOCK_CELLS = 256;
const MAX_BLOCK_BYTES = 32 * 2 ** 20;

/** A cube on a grid whose cells are cached as they are. */
export interface CellSource {
  readonly cube: Cube;
  /** Cells from the anchor to the first column and row of the cube's grid. */
  readonly offset: { readonly x: number; readonly y: number };
  /** Cells along the edge of a block. */
  readonly edge: number;
}

export type BlockSource = EmbedSource | CellSource;

/** The cells of a cube in blocks that every extent of its lattice agrees on. Needs a grid. */
export function cellSource(cube: Cube): CellSource {
  const grid = cube.grid!;
  const anchor = cube.attributes.anchor ?? latticePhase(grid);
  return { cube, edge: edgeOf(cube), offset: { x: Math.round((grid.originX - anchor.x) / grid.stepX), y: Math.round((anchor.y - grid.originY) / grid.stepY) } };
}

function edgeOf({ dimensions, dtype }: Cube): number {
  const cellBytes = dimensions.reduce((bytes, d) => (d.type === 'bands' ? bytes * d.size : bytes), sampleSize(dtype));
  let edge = BLOCK_CELLS;
  while (edge > 16 && edge * edge * cellBytes > MAX_BLOCK_BYTES) edge /= 2;
  return edge;
}

/** True for pixels seen through an operator. */
export function isEmbedSource(source: BlockSource): source is EmbedSource {
  return 'operator' in source;
}

/** The window of the source cube that a block depends on; it may reach beyond the cube. */
export function windowOf(source: BlockSource, position: Position, index: BlockIndex): Window {
  return isEmbedSource(source) ? sourceWindowOf(source, position, index) : cellWindowOf(source, position, index);
}

function cellWindowOf({ cube, offset, edge }: CellSource, position: Position, index: BlockIndex): Window {
  const range = cube.dimensions.map((d): [number, number] => {
    if (d.axis === 'x') return [index.x * edge - offset.x, edge];
    if (d.axis === 'y') return [index.y * edge - offset.y, edge];
    return position[d.name] === undefined ? [0, d.size] : [position[d.name]!, 1];
  });
  return { start: range.map((r) => r[0]), size: range.map((r) => r[1]) };
}

/** The blocks of cells that a window touches, row by row. */
export function cellBlocksOf({ cube, offset, edge }: CellSource, window: Window): BlockIndex[] {
  const { x, y } = spatialAxes(cube.dimensions)!;
  const indices = (axis: number, from: number) => {
    const first = Math.floor((window.start[axis]! + from) / edge);
    const last = Math.floor((window.start[axis]! + window.size[axis]! - 1 + from) / edge);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  };
  return indices(y, offset.y).flatMap((row) => indices(x, offset.x).map((column) => ({ x: column, y: row })));
}

/**
 * Content key of a block: what is done with the samples, and the fingerprint of the samples it depends on.
 * Nothing about who asks, about the extent that was asked for, or about the view.
 */
export async function blockKey(source: BlockSource, position: Position, index: BlockIndex): Promise<string> {
  const samples = await source.cube.fingerprint(windowOf(source, position, index));
  if (!isEmbedSource(source)) return digest(['cube-block/1', source.cube.dtype, samples]).slice('sha256:'.length);
  const lowest = Math.min(...source.bands);
  const bands = source.bands.map((b) => b - lowest);
  return hash('sha256', JSON.stringify(['embed-block/1', source.operator.digest, bands, index, samples]));
}

/** Positions as labels, which mean the same in another process. */
export function labelsAt({ cube }: BlockSource, position: Position): Record<string, string | number> {
  return Object.fromEntries(Object.entries(position).map(([name, index]) => [name, cube.labels(name)[index]!]));
}

/** Where a block lies, in degrees. */
export function footprintOf(source: BlockSource, index: BlockIndex): Footprint {
  const [grid, cells]: [Grid, CellWindow] = isEmbedSource(source)
    ? [source.lattice.grid, blockCells(source.lattice, index)]
    : [source.cube.grid!, { x: index.x * source.edge - source.offset.x, y: index.y * source.edge - source.offset.y, width: source.edge, height: source.edge }];
  return boxInDegrees(cropGrid(grid, cells));
}

/** The shape of a block. */
export function shapeOf(source: BlockSource, position: Position, index: BlockIndex): number[] {
  if (isEmbedSource(source)) return [source.operator.manifest.output.dimensions, BLOCK_PATCHES, BLOCK_PATCHES];
  return [...cellWindowOf(source, position, index).size];
}
