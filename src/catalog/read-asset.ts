/** Reads bands of one file on the grid of a cube: straight where the lattices agree, else warped. */
import { createNullBlock, type Block, type Window } from '../cube/block.ts';
import type { Resampling } from '../cube/cube.ts';
import { pasteBlock } from '../cube/paste.ts';
import { createWarp, scaleBetween, type Warp } from '../cube/warp.ts';
import { during } from '../errors.ts';
import type { RasterFile } from '../formats/raster-file.ts';
import { cropGrid, intersectWindows, isSameLattice, latticeOffset, type CellWindow, type Grid } from '../geo/grid.ts';
import type { BandSource } from './load-plan.ts';
import { shifted } from './shift.ts';

export interface RasterOpener {
  /** Opens the file behind a stored asset href; opened files are cached by their version. */
  open(href: string): Promise<RasterFile>;
}

export interface AssetReaderOptions {
  readonly rasters: RasterOpener;
  readonly method?: Resampling;
  readonly isPicture?: boolean;
}

/**
 * Warps count their control points from the target's first cell. It is moved to a multiple of this many
 * cells from the CRS origin, so that a place is warped alike whatever extent was loaded.
 */
const LATTICE_CELLS = 4096;

/** Source samples that one step may hold. */
const MAX_SAMPLES = 1 << 24;

/** How one file (or one of its overviews) comes onto the grid. */
interface Route {
  readonly level: number;
  readonly source: Grid;
  readonly warp: Warp;
}

export class AssetReader {
  /** The grid of the cube. */
  readonly grid: Grid;
  readonly #options: AssetReaderOptions;
  /** The grid with its first cell moved, and by how much. */
  readonly #target: Grid;
  readonly #shift: { readonly x: number; readonly y: number };
  readonly #routes = new Map<string, Route>();

  constructor(grid: Grid, options: AssetReaderOptions) {
    this.grid = grid;
    this.#options = options;
    const phase = (index: number) => ((Math.round(index) % LATTICE_CELLS) + LATTICE_CELLS) % LATTICE_CELLS;
    this.#shift = { x: phase(grid.originX / grid.stepX), y: phase(-grid.originY / grid.stepY) };
    const { x, y } = this.#shift;
    this.#target = cropGrid(grid, { x: -x, y: -y, width: grid.width + x, height: grid.height + y });
  }

  /** Bands of one file in a window of the grid, [bands, y, x]; null when the file has nothing there. */
  read(sources: readonly BandSource[], cells: CellWindow, signal: AbortSignal): Promise<Block | null> {
    return during('read', async () => {
      const block = await this.#read(sources, cells, signal);
      return block && shifted(block, sources[0]!);
    });
  }

  async #read(sources: readonly BandSource[], cells: CellWindow, signal: AbortSignal): Promise<Block | null> {
    const file = await this.#options.rasters.open(sources[0]!.href);
    const bands = sources.map((s) => s.index);
    const native = sources[0]!.grid;
    if (isSameLattice(native, this.grid)) {
      const { x, y } = latticeOffset(native, this.grid);
      return file.read({ level: 0, window: { ...cells, x: cells.x + x, y: cells.y + y }, bands }, signal);
    }
    const target = { ...cells, x: cells.x + this.#shift.x, y: cells.y + this.#shift.y };
    return warped(file, this.#route(file, native), bands, target, signal);
  }

  #route(file: RasterFile, native: Grid): Route {
    const key = JSON.stringify([native, file.levels.map((l) => l.width)]);
    let route = this.#routes.get(key);
    if (!route) {
      const method = this.#options.method ?? 'near';
      const level = this.#levelFor(file, native);
      const source = levelGrid(file, native, level);
      route = { level, source, warp: createWarp(this.#target, source, method) };
      this.#routes.set(key, route);
    }
    return route;
  }

  /**
   * For pictures the coarsest overview that is still at least as fine as the grid. Values come from the pixels
   * themselves: nobody tells how overviews were made, and no sum, extreme or median can be had from means.
   */
  #levelFor(file: RasterFile, native: Grid): number {
    if (!this.#options.isPicture) return 0;
    const scale = scaleBetween(this.grid, native);
    const ratio = Math.sqrt(scale.x * scale.y);
    let level = 0;
    while (level + 1 < file.levels.length && native.width / file.levels[level + 1]!.width <= ratio * 1.01) level++;
    return level;
  }
}

/** Bands of a file on the target's cells; null when it has nothing there. Much coarser targets are read part by part. */
async function warped(file: RasterFile, route: Route, bands: readonly number[], target: CellWindow, signal: AbortSignal): Promise<Block | null> {
  const { level, source, warp } = route;
  const window = intersectWindows(warp.sourceCells(target), { x: 0, y: 0, width: source.width, height: source.height });
  const samples = window.width * window.height * bands.length;
  if (samples === 0) return null;
  if (samples <= MAX_SAMPLES || target.width * target.height === 1) return warp.run(await file.read({ level, window, bands }, signal), window, target);
  let out: Block | null = null;
  for (const half of halves(target)) {
    const block = await warped(file, route, bands, half, signal);
    if (!block) continue;
    out ??= createNullBlock(block.dtype, [bands.length, target.height, target.width]);
    pasteBlock(out, windowOf(target, bands.length), block, windowOf(half, bands.length));
  }
  return out;
}

const windowOf = ({ x, y, width, height }: CellWindow, bands: number): Window => ({ start: [0, y, x], size: [bands, height, width] });

/** The cells cut across their longer side. */
function halves({ x, y, width, height }: CellWindow): [CellWindow, CellWindow] {
  const [across, down] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  if (width >= height) return [{ x, y, width: across, height }, { x: x + across, y, width: width - across, height }];
  return [{ x, y, width, height: down }, { x, y: y + down, width, height: height - down }];
}

function levelGrid(file: RasterFile, native: Grid, level: number): Grid {
  const { width, height } = file.levels[level]!;
  return { ...native, stepX: (native.stepX * native.width) / width, stepY: (native.stepY * native.height) / height, width, height };
}
