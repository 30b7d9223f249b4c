/**
 * Overviews of a layer: a pyramid of blocks. A block of level n holds the means of 2 × 2 blocks of level
 * n − 1 and is kept in the object store under a key made of the keys of those four, so that it is right
 * for ever: other source pixels, another operator or another mask give another key.
 *
 * Blocks are counted from the anchor of the layer's lattice, like those that are computed; which tile
 * asks, and in which order, changes nothing.
 */
import { digest } from '../cube/digest.ts';
import type { Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { permute } from '../cube/permute.ts';
import { boxInDegrees } from '../geo/bbox.ts';
import { cropGrid, intersectWindows, type CellWindow, type Grid } from '../geo/grid.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { BlockCatalog } from './block-catalog.ts';
import type { StoredBlock } from './block-file.ts';
import { BlockMemory } from './block-memory.ts';
import { blockObjectKey, readStored, writeStored } from './embed-block.ts';
import { merge, storedVectors, vectorsOf, type VectorBlock } from './overview-mean.ts';
import { BLOCK_PATCHES, latticePhase, type BlockIndex } from './patch-lattice.ts';

/** Cells along the edge of a block of any level. */
export const OVERVIEW_EDGE = BLOCK_PATCHES;

/** Where overview blocks are kept between tiles and runs. Share one in a process. */
export interface OverviewCache {
  readonly memory: BlockMemory;
  /** Absent: they are kept in memory only. */
  readonly kept?: { readonly store: ObjectStore; readonly catalog: BlockCatalog };
}

/** Overviews in memory, in the object store, and in the list of what the cache holds. */
export function openOverviews(store: ObjectStore, catalog: BlockCatalog, memoryBytes = 32 * 2 ** 20): OverviewCache {
  return { memory: new BlockMemory(memoryBytes), kept: { store, catalog } };
}

/** The cells of a cube's grid, counted from the anchor of its lattice. */
function absoluteCells(cube: Cube): CellWindow {
  const grid = cube.grid!;
  const anchor = cube.attributes.anchor ?? latticePhase(grid);
  return {
    x: Math.round((grid.originX - anchor.x) / grid.stepX),
    y: Math.round((anchor.y - grid.originY) / grid.stepY),
    width: grid.width,
    height: grid.height,
  };
}

/** The grid of a level that covers the cube: cells of 2^level × 2^level cells, beginning at a multiple of them. `first` is its first cell, counted from the anchor. */
export function levelGrid(cube: Cube, level: number): { readonly grid: Grid; readonly first: BlockIndex } {
  const { grid } = cube;
  const cells = absoluteCells(cube);
  const factor = 2 ** level;
  const first = { x: Math.floor(cells.x / factor), y: Math.floor(cells.y / factor) };
  return {
    first,
    grid: {
      crs: grid!.crs,
      stepX: grid!.stepX * factor,
      stepY: grid!.stepY * factor,
      originX: grid!.originX + (first.x * factor - cells.x) * grid!.stepX,
      originY: grid!.originY - (first.y * factor - cells.y) * grid!.stepY,
      width: Math.floor((cells.x + cells.width - 1) / factor) - first.x + 1,
      height: Math.floor((cells.y + cells.height - 1) / factor) - first.y + 1,
    },
  };
}

/** What a pyramid stands on. */
export interface PyramidSource {
  readonly cube: Cube;
  /** The layer that the cube is, for the list of what the cache holds. */
  readonly layer: string;
  /** Index on the temporal dimension; null without one. */
  readonly date: number | null;
  /** Bring means back to length 1. */
  readonly unit: boolean;
}

/** The pyramid over one date of a cube (or over a cube without dates). */
export class Pyramid {
  readonly #cube: Cube;
  readonly #layer: string;
  readonly #date: number | null;
  readonly #unit: boolean;
  readonly #cache: OverviewCache;
  readonly #cells: CellWindow;
  readonly #keys = new Map<string, Promise<string | null>>();

  constructor({ cube, layer, date, unit }: PyramidSource, cache: OverviewCache) {
    this.#cube = cube;
    this.#layer = layer;
    this.#date = date;
    this.#unit = unit;
    this.#cache = cache;
    this.#cells = absoluteCells(cube);
  }

  /** The block of a level; null when nothing is there. Reads base blocks, and has those computed that are not cached. */
  async read(level: number, index: BlockIndex, signal: AbortSignal): Promise<VectorBlock | null> {
    const key = await this.#key(level, index);
    if (key === null) return null;
    if (level === 0) return this.#base(index, signal);
    const known = await this.#known(key);
    if (known !== undefined) return known;
    const children: (VectorBlock | null)[] = [];
    // One after the other: memory holds one branch of the pyramid, never a level of it.
    for (const child of childrenOf(index)) children.push(await this.read(level - 1, child, signal));
    const block = merge(children, this.#unit);
    const stored = block && storedVectors(block);
    this.#cache.memory.put(key, stored);
    if (stored) await this.#keep(key, stored, level, index);
    return block;
  }

  async #keep(key: string, block: StoredBlock, level: number, index: BlockIndex): Promise<void> {
    const { kept } = this.#cache;
    if (!kept) return;
    const bytes = await writeStored(kept.store, key, block);
    const { x, y } = this.#cells;
    const edge = OVERVIEW_EDGE * 2 ** level;
    const place = cropGrid(this.#cube.grid!, { x: index.x * edge - x, y: index.y * edge - y, width: edge, height: edge });
    kept.catalog.note({ objectKey: blockObjectKey(key), kind: 'block', state: 'stored', blockKey: key, layer: this.#layer, operator: this.#cube.attributes.operator ?? null, bytes, footprint: boxInDegrees(place) });
  }

  async #known(key: string): Promise<VectorBlock | null | undefined> {
    const remembered = this.#cache.memory.get(key);
    if (remembered !== undefined) return remembered && vectorsOf(remembered);
    const { kept } = this.#cache;
    const stored = kept && (await readStored(kept.store, key));
    if (!stored) return undefined;
    if (stored === 'damaged') {
      await kept.store.delete(blockObjectKey(key));
      return undefined;
    }
    kept.catalog.touch(blockObjectKey(key));
    this.#cache.memory.put(key, stored);
    return vectorsOf(stored) ?? undefined;
  }

  /** Content key of a block: the fingerprint of the cube, or a digest of the keys below. null: no data there. */
  #key(level: number, index: BlockIndex): Promise<string | null> {
    const name = `${level}/${index.x}/${index.y}`;
    let key = this.#keys.get(name);
    if (!key) this.#keys.set(name, (key = this.#makeKey(level, index)));
    return key;
  }

  async #makeKey(level: number, index: BlockIndex): Promise<string | null> {
    const window = this.#window(level, index);
    if (!this.#touches(level, index) || this.#cube.isEmpty?.(window)) return null;
    if (level === 0) return this.#cube.fingerprint(window);
    const keys: (string | null)[] = [];
    for (const child of childrenOf(index)) keys.push(await this.#key(level - 1, child));
    return keys.every((key) => key === null) ? null : digest(['overview/1', this.#unit, keys]).slice('sha256:'.length);
  }

  /** Whether the block has cells of the cube, or beside it: a patch at the edge may have its centre outside. */
  #touches(level: number, index: BlockIndex): boolean {
    const edge = OVERVIEW_EDGE * 2 ** level;
    const { x, y, width, height } = this.#cells;
    const common = intersectWindows({ x: index.x * edge - 1, y: index.y * edge - 1, width: edge + 2, height: edge + 2 }, { x, y, width, height });
    return common.width > 0 && common.height > 0;
  }

  #window(level: number, index: BlockIndex): Window {
    const edge = OVERVIEW_EDGE * 2 ** level;
    const range = this.#cube.dimensions.map((d): [number, number] => {
      if (d.axis === 'x') return [index.x * edge - this.#cells.x, edge];
      if (d.axis === 'y') return [index.y * edge - this.#cells.y, edge];
      return d.type === 'temporal' && this.#date !== null ? [this.#date, 1] : [0, d.size];
    });
    return { start: range.map((r) => r[0]), size: range.map((r) => r[1]) };
  }

  async #base(index: BlockIndex, signal: AbortSignal): Promise<VectorBlock | null> {
    const block = await this.#cube.read(this.#window(0, index), signal);
    const at = (wanted: (d: Cube['dimensions'][number]) => boolean) => this.#cube.dimensions.findIndex(wanted);
    const [bands, y, x] = [at((d) => d.type === 'bands'), at((d) => d.axis === 'y'), at((d) => d.axis === 'x')];
    const order = [...this.#cube.dimensions.keys()].filter((i) => ![bands, y, x].includes(i));
    const { data, nulls } = permute(block, [...order, ...(bands < 0 ? [] : [bands]), y, x]);
    const area = OVERVIEW_EDGE ** 2;
    const gaps = new Uint8Array(area);
    for (let i = 0; nulls && i < nulls.length; i++) if (nulls[i]) gaps[i % area] = 1;
    // A number that is none would spread over everything above it.
    for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) gaps[i % area] = 1;
    return gaps.includes(0) ? { bands: data.length / area, edge: OVERVIEW_EDGE, data: Float32Array.from(data), nulls: gaps } : null;
  }
}

function childrenOf({ x, y }: BlockIndex): BlockIndex[] {
  return [0, 1].flatMap((row) => [0, 1].map((column) => ({ x: x * 2 + column, y: y * 2 + row })));
}
