/**
 * A cube whose windows are put together from cached blocks: what a layer without compress_embed is read
 * through. Blocks are counted from the lattice and not from the extent, so every request shares them.
 */
import { createBlock, createNullBlock, type Block, type Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { pasteBlock } from '../cube/paste.ts';
import type { ProcessGraph } from '../graph/wire.ts';
import type { StoredBlock } from './block-file.ts';
import { cellBlocksOf, cellSource, windowOf, type CellSource } from './block-source.ts';
import type { Position } from './compute-block.ts';
import type { BlockWish, EmbedBlocks } from './embed-blocks.ts';

export interface CachedCubeDependencies {
  readonly blocks: Pick<EmbedBlocks, 'read'>;
  /** On whose behalf blocks are asked for. */
  readonly wish: Omit<BlockWish, 'signal'>;
}

/**
 * The same cube, read in blocks of 256 × 256 cells, all bands and one position on the other dimensions.
 * A cube without x and y on a grid comes back as it is.
 *
 * @param origin the self-contained graph that makes the cube, for whoever computes the blocks
 */
export function cachedCube(cube: Cube, origin: ProcessGraph, dependencies: CachedCubeDependencies): Cube {
  if (!cube.grid || cube.dimensions.some((d) => d.size === 0)) return cube;
  const source = cellSource(cube);
  return cube.with({
    ...(cube.regrid && { regrid: cube.regrid }),
    read: (window, signal) => readWindow(source, origin, window, { ...dependencies, signal }),
    ...(cube.isEmpty && { isEmpty: cube.isEmpty }),
    attributes: { ...cube.attributes, blockSize: source.edge },
  });
}

async function readWindow(source: CellSource, origin: ProcessGraph, window: Window, { blocks, wish, signal }: CachedCubeDependencies & { signal: AbortSignal }): Promise<Block> {
  const { dtype } = source.cube;
  const wanted = positionsOf(source.cube, window).flatMap((position) => cellBlocksOf(source, window).map((index) => ({ source, made: { origin }, index, position })));
  const out = createBlock(dtype, window.size);
  await blocks.read(wanted, { ...wish, signal }, (stored, { index, position }) => {
    const place = windowOf(source, position, index);
    pasteBlock(out, window, stored === null ? createNullBlock(dtype, place.size) : blockOf(stored, place), place);
  });
  return out;
}

/** Flags for each sample, as cubes have them. */
function blockOf({ dtype, data, nulls }: StoredBlock, { size: shape }: Window): Block {
  if (nulls === null || nulls.length === data.length) return { dtype, shape, data, nulls };
  const all = new Uint8Array(data.length);
  for (let at = 0; at < all.length; at += nulls.length) all.set(nulls, at);
  return { dtype, shape, data, nulls: all };
}

/** Every position of a window on the dimensions other than x, y and bands. */
function positionsOf(cube: Cube, window: Window): Position[] {
  return cube.dimensions.reduce<Position[]>((positions, d, i) => {
    if (d.axis === 'x' || d.axis === 'y' || d.type === 'bands') return positions;
    const indices = Array.from({ length: window.size[i]! }, (_, k) => window.start[i]! + k);
    return positions.flatMap((p) => indices.map((index) => ({ ...p, [d.name]: index })));
  }, [{}]);
}
