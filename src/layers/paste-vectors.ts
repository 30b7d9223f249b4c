/**
 * Blocks of vectors put together to a window of a cube.
 *
 * A block is narrow: pasted on its own, its rows of 128 bytes land all over the window, and most of the time
 * goes into reaching the pages. Blocks beside each other are therefore collected in a strip, which stays in the
 * processor's cache, and are copied in long runs when the last of them has come. It takes a third of the time.
 */
import { createBlock, strides, type Block, type Window } from '../cube/block.ts';
import type { CellWindow } from '../geo/grid.ts';
import type { EmbedBlock } from './embed-block.ts';
import { StripMemory } from './strip-memory.ts';

/** Blocks that are read arrive nearly in order. Those that are computed don't, and time is lost elsewhere. */
const MAX_OPEN = 2;

/** Which dimensions of the window are which. */
export interface VectorAxes {
  readonly x: number;
  readonly y: number;
  readonly embedding: number;
}

/** The vectors of one row of blocks, over the whole width of the window. */
interface Strip {
  /** Holds them as [embedding, y, x]. */
  readonly memory: StripMemory;
  readonly place: Planes;
  readonly size: PieceSize;
  /** Blocks that have not come yet. */
  missing: number;
}

export class PastedVectors {
  readonly #block: Block;
  /** Made when the first gap shows up. */
  #nulls: Uint8Array | null = null;
  readonly #window: Window;
  readonly #axes: VectorAxes;
  readonly #strides: readonly number[];
  readonly #columns: number;
  /** By the place of their first sample; null where blocks are pasted one by one. */
  readonly #strips = new Map<number, Strip | null>();
  #open = 0;

  /** @param columns blocks beside each other that the window touches */
  constructor(window: Window, axes: VectorAxes, columns: number) {
    this.#block = createBlock('float32', window.size);
    this.#window = window;
    this.#axes = axes;
    this.#strides = strides(window.size);
    const areRowsOneRun = this.#strides[axes.x] === 1 && this.#strides[axes.y] === window.size[axes.x];
    this.#columns = areRowsOneRun ? columns : 1;
  }

  /** The window; whole when each block that it touches was put once. */
  get block(): Block {
    return { ...this.#block, nulls: this.#nulls };
  }

  /**
   * Takes a block; its memory may be used again afterwards.
   *
   * @param cells what it covers, in cells of the cube: may reach beyond the window
   * @param base the first sample of its position on the dimensions other than x, y and embedding
   */
  put(block: EmbedBlock, cells: CellWindow, base: number): void {
    const { x, y, embedding } = this.#axes;
    const [left, top] = [Math.max(cells.x, this.#window.start[x]!), Math.max(cells.y, this.#window.start[y]!)];
    const size = {
      width: Math.min(cells.x + cells.width, this.#window.start[x]! + this.#window.size[x]!) - left,
      height: Math.min(cells.y + cells.height, this.#window.start[y]! + this.#window.size[y]!) - top,
      planes: this.#window.size[embedding]!,
    };
    const corner = (top - cells.y) * block.edge + left - cells.x;
    const from = { first: corner + this.#window.start[embedding]! * block.edge ** 2, dy: block.edge, de: block.edge ** 2 };
    const row = this.#place(base + (top - this.#window.start[y]!) * this.#strides[y]!);
    const column = left - this.#window.start[x]!;
    const to = { ...row, first: row.first + column * row.dx };
    const strip = this.#strip(row, size, block.edge);
    if (strip) this.#collect(strip, block, corner, column, size);
    else copyPiece(block.vectors, from, this.#block.data as Float32Array, to, size);
    if (!hasGap(block, corner, size)) return;
    this.#nulls ??= new Uint8Array(this.#block.data.length);
    copyPiece(block.nulls, { ...from, first: corner, de: 0 }, this.#nulls, to, size);
  }

  #place(first: number): Planes {
    const { x, y, embedding } = this.#axes;
    return { first, dx: this.#strides[x]!, dy: this.#strides[y]!, de: this.#strides[embedding]! };
  }

  #strip(place: Planes, { height, planes }: PieceSize, edge: number): Strip | null {
    const known = this.#strips.get(place.first);
    if (known !== undefined) return known;
    const size = { width: this.#window.size[this.#axes.x]!, height, planes };
    const isWorthIt = this.#columns > 1 && this.#open < MAX_OPEN && StripMemory.fits(planes * edge ** 2, planes * height * size.width);
    const strip = isWorthIt ? this.#opened(place, size) : null;
    this.#strips.set(place.first, strip);
    return strip;
  }

  #opened(place: Planes, size: PieceSize): Strip {
    this.#open++;
    return { memory: StripMemory.take(), place, size, missing: this.#columns };
  }

  /** @param corner first cell of the block that is wanted, and `column` where it belongs */
  #collect(strip: Strip, { vectors, edge }: EmbedBlock, corner: number, column: number, { width, height, planes }: PieceSize): void {
    const first = this.#window.start[this.#axes.embedding]! * edge ** 2;
    strip.memory.put(vectors.subarray(first, first + planes * edge ** 2), {
      rowBytes: width * 4, rows: height, planes,
      from: corner * 4, fromRow: edge * 4, fromPlane: edge ** 2 * 4,
      to: column * 4, toRow: strip.size.width * 4, toPlane: strip.size.width * strip.size.height * 4,
    });
    strip.missing--;
    if (strip.missing > 0) return;
    copyRuns(strip, this.#block.data as Float32Array);
    this.#open--;
    strip.memory.release();
  }
}

/** Where the planes of a piece begin in an array, and the steps from sample to sample. */
interface Planes {
  readonly first: number;
  readonly dx: number;
  readonly dy: number;
  readonly de: number;
}

interface PieceSize {
  readonly width: number;
  readonly height: number;
  readonly planes: number;
}

/** The rows of a strip follow one another in the window, too. */
function copyRuns({ memory: { vectors }, place, size }: Strip, target: Float32Array): void {
  const run = size.width * size.height;
  for (let plane = 0; plane < size.planes; plane++) target.set(vectors.subarray(plane * run, (plane + 1) * run), place.first + plane * place.de);
}

/** For vectors and for flags: what does not go through a strip. */
function copyPiece<T extends Float32Array | Uint8Array>(source: T, from: Omit<Planes, 'dx'>, target: T, to: Planes, { width, height, planes }: PieceSize): void {
  const step = to.dx;
  for (let plane = 0; plane < planes; plane++) {
    for (let row = 0; row < height; row++) {
      let i = from.first + plane * from.de + row * from.dy;
      let o = to.first + plane * to.de + row * to.dy;
      for (const end = i + width; i < end; i++, o += step) target[o] = source[i]!;
    }
  }
}

/** Blocks at the edge of the data have gaps where mostly nobody looks. */
function hasGap({ nulls, edge }: EmbedBlock, first: number, { width, height }: PieceSize): boolean {
  if (!nulls.includes(1)) return false;
  for (let row = 0; row < height; row++) if (nulls.subarray(first + row * edge, first + row * edge + width).includes(1)) return true;
  return false;
}
