/** Reads bands of one file on the grid of a cube: straight where the lattices agree, else warped. */
import type { Block } from '../cube/block.ts';
import type { Resampling } from '../cube/cube.ts';
import { createWarp, scaleBetween, type Warp } from '../cube/warp.ts';
import type { RasterFile } from '../formats/raster-file.ts';
import { cropGrid, intersectWindows, isSameLattice, latticeOffset, type CellWindow, type Grid } from '../geo/grid.ts';
import type { BandSource } from './load-plan.ts';

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
  async read(sources: readonly BandSource[], cells: CellWindow, signal: AbortSignal): Promise<Block | null> {
    const file = await this.#options.rasters.open(sources[0]!.href);
    const bands = sources.map((s) => s.index);
    const native = sources[0]!.grid;
    if (isSameLattice(native, this.grid)) {
      const { x, y } = latticeOffset(native, this.grid);
      return file.read({ level: 0, window: { ...cells, x: cells.x + x, y: cells.y + y }, bands }, signal);
    }
    const { level, source, warp } = this.#route(file, native);
    const target = { ...cells, x: cells.x + this.#shift.x, y: cells.y + this.#shift.y };
    const window = intersectWindows(warp.sourceCells(target), { x: 0, y: 0, width: source.width, height: source.height });
    if (window.width === 0 || window.height === 0) return null;
    return warp.run(await file.read({ level, window, bands }, signal), window, target);
  }

  #route(file: RasterFile, native: Grid): Route {
    const key = JSON.stringify([native, file.levels.map((l) => l.width)]);
    let route = this.#routes.get(key);
    if (!route) {
      const method = this.#options.method ?? 'near';
      const level = this.#levelFor(file, native, method);
      const source = levelGrid(file, native, level);
      route = { level, source, warp: createWarp(this.#target, source, method) };
      this.#routes.set(key, route);
    }
    return route;
  }

  /**
   * The coarsest overview that is still at least as fine as the grid. Overviews are means: nearest
   * neighbours of values come from the pixels themselves.
   */
  #levelFor(file: RasterFile, native: Grid, method: Resampling): number {
    if (method === 'near' && !this.#options.isPicture) return 0;
    const scale = scaleBetween(this.grid, native);
    const ratio = Math.sqrt(scale.x * scale.y);
    let level = 0;
    while (level + 1 < file.levels.length && native.width / file.levels[level + 1]!.width <= ratio * 1.01) level++;
    return level;
  }
}

function levelGrid(file: RasterFile, native: Grid, level: number): Grid {
  const { width, height } = file.levels[level]!;
  return { ...native, stepX: (native.stepX * native.width) / width, stepY: (native.stepY * native.height) / height, width, height };
}
