/**
 * Tiles of an image and its overviews, made in one pass over the image.
 *
 * Tiles come in Z-order (four neighbours, then their parent), so that only one unfinished tile per level
 * is in memory, however large the image is.
 */
import { createNullBlock, type Block } from '../../cube/block.ts';
import { pasteBlock } from '../../cube/paste.ts';
import { sampleSize } from '../../cube/dtype.ts';
import type { CellWindow } from '../../geo/grid.ts';
import { reduceInto, type Reduction } from './reduce.ts';

export interface LevelSize {
  readonly width: number;
  readonly height: number;
}

/** A tile [bands, size, size]; beyond the edge of the image it is no-data. */
export interface Tile {
  readonly level: number;
  readonly column: number;
  readonly row: number;
  readonly block: Block;
}

export interface PyramidRequest {
  readonly levels: readonly LevelSize[];
  readonly tileSize: number;
  readonly bands: number;
  readonly reduction: Reduction;
  /** Reads cells inside the image as [bands, height, width]. */
  readonly read: (cells: CellWindow) => Promise<Block>;
  /** Called for every tile of every level; the block may be kept. */
  readonly emit: (tile: Tile) => Promise<void>;
}

/** Bytes that are read from the image at once. */
const REGION_BYTES = 16 * 1024 * 1024;

/** Sizes of the image and the overviews it needs so that the smallest one fits in a tile. */
export function levelSizes(image: LevelSize, tileSize: number, withOverviews: boolean): LevelSize[] {
  const levels = [image];
  while (withOverviews && Math.max(levels.at(-1)!.width, levels.at(-1)!.height) > tileSize) {
    const { width, height } = levels.at(-1)!;
    levels.push({ width: Math.ceil(width / 2), height: Math.ceil(height / 2) });
  }
  return levels;
}

/** Makes all tiles. Rejects with whatever reading or emitting throws. */
export async function buildPyramid(request: PyramidRequest, dtype: Block['dtype']): Promise<void> {
  const { width, height } = request.levels[0]!;
  const top = Math.ceil(Math.log2(Math.max(1, Math.max(width, height) / request.tileSize)));
  const perTile = request.tileSize ** 2 * request.bands * sampleSize(dtype);
  const base = Math.max(0, Math.min(top, Math.floor(Math.log2(REGION_BYTES / perTile) / 2)));
  const regions = readAhead(regionsOf(request, top, base), request.read);
  try {
    await new Builder(request, base, regions).node(top, 0, 0);
  } finally {
    await regions.return(undefined);
  }
}

type Region = { readonly cells: CellWindow; readonly block: Block };

class Builder {
  readonly #request: PyramidRequest;
  readonly #base: number;
  readonly #regions: AsyncGenerator<Region>;

  constructor(request: PyramidRequest, base: number, regions: AsyncGenerator<Region>) {
    this.#request = request;
    this.#base = base;
    this.#regions = regions;
  }

  /** The tile of a node after everything below it; null where the image has no such level. */
  async node(level: number, column: number, row: number, region?: Region): Promise<Block | null> {
    const { levels, tileSize, bands, emit, reduction } = this.#request;
    let inside = region;
    if (!inside && level === this.#base) inside = (await this.#regions.next()).value as Region;
    if (level === 0) {
      const block = cutTile(inside!, column, row, tileSize, bands);
      await emit({ level, column, row, block });
      return block;
    }
    const size = levels[level];
    let parent: Block | null = null;
    for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) {
      const [x, y] = [column * 2 + dx, row * 2 + dy];
      if (!isInside(levels[0]!, tileSize, level - 1, x, y)) continue;
      const child = await this.node(level - 1, x, y, inside);
      if (!size || !child) continue;
      parent ??= createNullBlock(child.dtype, [bands, tileSize, tileSize]);
      reduceInto(parent, child, dx, dy, reduction);
    }
    if (parent) await emit({ level, column, row, block: parent });
    return parent;
  }
}

/** True when the tile of a level covers a part of the image. */
function isInside(image: LevelSize, tileSize: number, level: number, column: number, row: number): boolean {
  const span = tileSize * 2 ** level;
  return column * span < image.width && row * span < image.height;
}

/** The parts of the image that are read at once, in the order in which the builder asks for them. */
function* regionsOf({ levels, tileSize }: PyramidRequest, top: number, base: number): Generator<CellWindow> {
  const image = levels[0]!;
  const visit = function* (level: number, column: number, row: number): Generator<CellWindow> {
    if (!isInside(image, tileSize, level, column, row)) return;
    if (level > base) {
      for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) yield* visit(level - 1, column * 2 + dx, row * 2 + dy);
      return;
    }
    const span = tileSize * 2 ** level;
    const [x, y] = [column * span, row * span];
    yield { x, y, width: Math.min(span, image.width - x), height: Math.min(span, image.height - y) };
  };
  yield* visit(top, 0, 0);
}

/** Reads one region ahead, so that reading goes on while tiles are compressed. */
async function* readAhead(windows: Iterable<CellWindow>, read: PyramidRequest['read']): AsyncGenerator<Region> {
  const start = (cells: CellWindow) => {
    const block = read(cells);
    // Whoever takes the region sees the error; until then it must not count as unhandled.
    block.catch(() => {});
    return { cells, block };
  };
  let waiting: { readonly cells: CellWindow; readonly block: Promise<Block> } | undefined;
  for (const cells of windows) {
    const ready = waiting;
    if (ready) {
      const block = await ready.block;
      waiting = start(cells);
      yield { cells: ready.cells, block };
    } else {
      waiting = start(cells);
    }
  }
  if (waiting) yield { cells: waiting.cells, block: await waiting.block };
}

function cutTile({ cells, block }: Region, column: number, row: number, size: number, bands: number): Block {
  const isWhole = block.shape[1] === size && block.shape[2] === size;
  if (isWhole) return block;
  const [x, y] = [column * size, row * size];
  const isInner = x + size <= cells.x + cells.width && y + size <= cells.y + cells.height;
  const tile = isInner && !block.nulls ? { ...createNullBlock(block.dtype, [bands, size, size]), nulls: null } : createNullBlock(block.dtype, [bands, size, size]);
  pasteBlock(tile, { start: [0, y, x], size: [bands, size, size] }, block, { start: [0, cells.y, cells.x], size: block.shape });
  return tile;
}
