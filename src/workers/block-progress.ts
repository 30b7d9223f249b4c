/**
 * How much of a cube that is saved is there, told block by block. Writers read large windows and only know when one is done; a job of
 * embeddings that takes hours is followed tile by tile.
 */
import type { Cube } from '../cube/cube.ts';
import type { WantedBlock } from '../layers/embed-blocks.ts';

/** Beyond so many blocks the windows of the writer are small steps themselves, and remembering blocks would take memory. */
const MOST_BLOCKS = 1_000_000;

export class BlockProgress {
  /** Blocks of the cube; null: it does not say. */
  readonly #total: number | null;
  readonly #seen = new Set<string>();
  /** Blocks of two sources are no parts of one whole. */
  #source: WantedBlock['source'] | null = null;
  #isMixed = false;

  constructor(cube: Cube | null) {
    const total = cube && blocksOf(cube);
    this.#total = total !== null && total <= MOST_BLOCKS ? total : null;
  }

  /** A block has come; true if that tells how far the writing is. */
  note({ source, index, position }: WantedBlock): boolean {
    if (this.#total === null || this.#isMixed) return false;
    this.#source ??= source;
    this.#isMixed = this.#source !== source;
    if (this.#isMixed) return false;
    this.#seen.add(`${index.x},${index.y},${Object.values(position).join(',')}`);
    return true;
  }

  /** 0 to 1; 0 while nothing can be told. */
  get share(): number {
    return this.#total === null || this.#isMixed ? 0 : Math.min(1, this.#seen.size / this.#total);
  }
}

/** null for a cube that does not say how its blocks lie. */
function blocksOf({ grid, dimensions, attributes: { blockSize, anchor } }: Cube): number | null {
  if (!grid || blockSize === undefined || !anchor) return null;
  const across = (first: number, size: number) => Math.floor((first + size - 1) / blockSize) - Math.floor(first / blockSize) + 1;
  const columns = across(Math.round((grid.originX - anchor.x) / grid.stepX), grid.width);
  const rows = across(Math.round((anchor.y - grid.originY) / grid.stepY), grid.height);
  return dimensions.reduce((count, { axis, type, size }) => (axis === 'x' || axis === 'y' || type === 'bands' ? count : count * size), columns * rows);
}
