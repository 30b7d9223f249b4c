/**
 * Map tiles of layers. Zoomed in, a tile shows the layer's cells as they are; zoomed out, those of the
 * level of its overviews whose cells come nearest to pixels.
 */
import type { Block, Window } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { permute } from '../cube/permute.ts';
import { createWarp, scaleBetween, sourceWindow } from '../cube/warp.ts';
import { withoutHeights } from '../geo/bbox.ts';
import { transformBounds, WGS84 } from '../geo/crs.ts';
import { cropGrid, gridBounds, isSameLattice, type Bounds, type CellWindow, type Grid } from '../geo/grid.ts';
import type { StacCollection } from '../catalog/types.ts';
import { silentLog } from '../log.ts';
import { BlockMemory } from './block-memory.ts';
import { BoundedFacts } from './bounded-facts.ts';
import { rootOf, type Layer } from './layer.ts';
import { levelGrid, OVERVIEW_EDGE, Pyramid, type OverviewCache } from './overview.ts';
import type { VectorBlock } from './overview-mean.ts';
import type { BlockIndex } from './patch-lattice.ts';
import { EngineScope, type Engine } from './scope.ts';
import { layerStyle } from './tile-bands.ts';
import { newestOf } from './tile-dates.ts';
import { tileGrid } from './tile-grid.ts';
import type { Pixels, Style } from './tile-style.ts';
import type { TileView } from './tile-view.ts';
import { MAX_COLD_BLOCKS } from './tile-zoom.ts';

export interface LayerRendering {
  readonly engine: Engine;
  readonly layer: Layer;
  readonly collection: StacCollection;
  readonly overviews?: OverviewCache;
}

/** null when there is nothing to see. Throws what loading the layer throws, and see `renderView`. */
export async function renderLayer({ engine, layer, collection, overviews }: LayerRendering, view: TileView, signal: AbortSignal): Promise<Pixels | null> {
  const target = tileGrid(view.z, view.x, view.y, view.matrixSet);
  const extent = await loadedExtent(engine, collection, target);
  if (!extent) return null;
  const scope = new EngineScope(engine, { signal, log: silentLog }, new BoundedFacts(MAX_COLD_BLOCKS, layer.id, view.z));
  const load = (spatialExtent: Bounds) => scope.loadCollection({ id: layer.id, spatialExtent, temporalExtent: view.interval, bands: null, properties: null });
  const cube = await load(extent);
  const style = layerStyle(layer, collection, cube, view);
  const manifest = layer.operator?.manifest;
  const unit = manifest?.output.norm === 'unit' && cube.find('bands')?.size === manifest.output.dimensions;
  return renderCube({ layer: layer.id, cube, load, unit, style, ...(overviews && { overviews }) }, target, signal);
}

/** A cube on a grid of its own, and how it is drawn. */
export interface CubeRendering {
  /** Whose overviews they are, for the list of what the cache holds. */
  readonly layer: string;
  readonly cube: Cube;
  /** Makes the same cube of another extent. */
  readonly load: (extent: Bounds) => Promise<Cube>;
  /** Bring means of vectors back to length 1. */
  readonly unit: boolean;
  readonly style: Style;
  readonly overviews?: OverviewCache;
}

/** The pixels of the target, out of the cells of the cube or of the overview that comes nearest to them; null when there is nothing to see. */
export async function renderCube({ overviews, ...rendering }: CubeRendering, target: Grid, signal: AbortSignal): Promise<Pixels | null> {
  const { cube, style } = rendering;
  const level = overviewLevel(target, cube.grid!);
  if (level === 0) return renderCells(cube, target, style, signal);
  return renderLevel({ ...rendering, level, cache: overviews ?? { memory: new BlockMemory(2 ** 26) } }, target, signal);
}

/** Each tile loads half a cell more on each side, so that those at its edge are there too. */
const MARGIN_METRES = 200;
const METRES_PER_DEGREE = 111_320;

/** The tile with a margin, as far as it lies in the extent of the source: far out a tile is more of the world than projections can take. */
export async function loadedExtent(engine: Engine, collection: StacCollection, target: Grid): Promise<Bounds | null> {
  const root = await rootOf(collection, (id) => engine.catalog.collection(id));
  const [data] = root.extent.spatial.bbox;
  const tile = transformBounds(gridBounds(target), WGS84);
  const margin = Math.max(MARGIN_METRES / METRES_PER_DEGREE, ((tile.north - tile.south) / target.height) * 16);
  const wide = margin / Math.max(0.01, Math.cos((Math.max(Math.abs(tile.south), Math.abs(tile.north)) * Math.PI) / 180));
  const [west, south, east, north] = withoutHeights(data!);
  const extent = {
    crs: WGS84,
    west: Math.max(tile.west - wide, west - wide), south: Math.max(tile.south - margin, south - margin),
    east: Math.min(tile.east + wide, east + wide), north: Math.min(tile.north + margin, north + margin),
  };
  return extent.west < extent.east && extent.south < extent.north ? extent : null;
}

/** The level whose cells come nearest to the pixels of the tile; 0: the layer's own cells. */
function overviewLevel(target: Grid, grid: Grid): number {
  const { x, y } = scaleBetween(target, grid);
  const scale = Math.sqrt(x * y);
  return Number.isFinite(scale) ? Math.max(0, Math.round(Math.log2(scale))) : 0;
}

/** The pixels of the target out of the cells of the cube, nearest first; newer dates on top of older ones. */
export async function renderCells(cube: Cube, target: Grid, style: Style, signal: AbortSignal, mostDates?: number): Promise<Pixels | null> {
  const cells = sourceWindow(target, cube.grid!, 'near');
  if (cells.width === 0 || cells.height === 0) return null;
  const dates = cube.find('temporal')?.size ?? 1;
  const pixels = await newestOf(dates, (date) => paintCells(cube, { cells, date }, style, signal), mostDates);
  return pixels && warpPixels(pixels, cube.grid!, cells, target);
}

async function paintCells(cube: Cube, { cells, date }: { cells: CellWindow; date: number }, { bands, paint }: Style, signal: AbortSignal): Promise<Pixels | null> {
  const windows = (bands ?? [null]).map((band) => windowOf(cube, cells, date, band));
  if (windows.every((window) => cube.isEmpty?.(window))) return null;
  const planes: Block[] = [];
  for (const window of windows) planes.push(planar(cube, await cube.read(window, signal)));
  return paint(planes.length === 1 ? planes[0]! : joined(planes), cells.width * cells.height);
}

/** One date of a window of cells; all bands, or one. */
function windowOf(cube: Cube, cells: CellWindow, date: number, band: number | null): Window {
  const range = cube.dimensions.map((d): [number, number] => {
    if (d.axis === 'x') return [cells.x, cells.width];
    if (d.axis === 'y') return [cells.y, cells.height];
    if (d.type === 'temporal') return [date, 1];
    return d.type === 'bands' && band !== null ? [band, 1] : [0, d.size];
  });
  return { start: range.map((r) => r[0]), size: range.map((r) => r[1]) };
}

/** Bands, rows, columns in this order. Dimensions of other kinds come first; only their first position is painted. */
function planar(cube: Cube, block: Block): Block {
  const rank = (d: Cube['dimensions'][number]) => (d.axis === 'x' ? 3 : d.axis === 'y' ? 2 : d.type === 'bands' ? 1 : 0);
  const order = [...cube.dimensions.keys()].sort((a, b) => rank(cube.dimensions[a]!) - rank(cube.dimensions[b]!) || a - b);
  return permute(block, order);
}

function joined(planes: readonly Block[]): Block {
  const length = planes[0]!.data.length;
  const data = new Float64Array(length * planes.length);
  const nulls = planes.some((plane) => plane.nulls) ? new Uint8Array(data.length) : null;
  planes.forEach((plane, i) => {
    data.set(plane.data, i * length);
    if (plane.nulls) nulls!.set(plane.nulls, i * length);
  });
  return { dtype: 'float64', shape: [planes.length, length], data, nulls };
}

/** Nearest pixels: colours are never mixed, and a transparent pixel stays one. */
function warpPixels(pixels: Pixels, grid: Grid, cells: CellWindow, target: Grid): Pixels {
  const warp = createWarp(target, cropGrid(grid, cells), 'near');
  const all = { x: 0, y: 0 };
  const source = { dtype: 'uint32', shape: [1, cells.height, cells.width], data: pixels, nulls: null } as const;
  const out = warp.run(source, { ...all, width: cells.width, height: cells.height }, { ...all, width: target.width, height: target.height });
  return out.data as Pixels;
}

interface LevelRendering {
  readonly layer: string;
  readonly cube: Cube;
  readonly load: (extent: Bounds) => Promise<Cube>;
  readonly level: number;
  readonly unit: boolean;
  readonly style: Style;
  readonly cache: OverviewCache;
}

async function renderLevel({ layer, cube: seen, load, level, unit, style, cache }: LevelRendering, target: Grid, signal: AbortSignal): Promise<Pixels | null> {
  const blocks = blocksUnder(seen, level, target);
  if (!blocks) return null;
  // Blocks reach beyond the tile: all of what is in them must be loaded, or tiles would disagree on them.
  const whole = await load(blockBounds(seen, level, blocks));
  const cube = whole.grid && isSameLattice(whole.grid, seen.grid!) ? whole : seen;
  const dates = cube.find('temporal')?.size ?? 1;
  const hasDates = cube.find('temporal') !== undefined;
  const pyramids = Array.from({ length: dates }, (_, date) => new Pyramid({ cube, layer, date: hasDates ? date : null, unit }, cache));
  const { grid, first } = levelGrid(cube, level);
  const canvas = { grid, first, pixels: new Uint32Array(grid.width * grid.height) };
  for (const index of indices(blocks)) {
    const painted = await newestOf(dates, async (date) => {
      const block = await pyramids[date]!.read(level, index, signal);
      return block && paintBlock(block, style);
    });
    if (painted) paste(canvas, painted, index);
  }
  if (!canvas.pixels.some((pixel) => pixel !== 0)) return null;
  return warpPixels(canvas.pixels, grid, { x: 0, y: 0, width: grid.width, height: grid.height }, target);
}

/** Indices of blocks, `to` included. */
interface BlockRange {
  readonly from: BlockIndex;
  readonly to: BlockIndex;
}

function blocksUnder(cube: Cube, level: number, target: Grid): BlockRange | null {
  const { grid, first } = levelGrid(cube, level);
  const cells = sourceWindow(target, grid, 'near');
  if (cells.width === 0 || cells.height === 0) return null;
  const block = (cell: number) => Math.floor(cell / OVERVIEW_EDGE);
  return {
    from: { x: block(first.x + cells.x), y: block(first.y + cells.y) },
    to: { x: block(first.x + cells.x + cells.width - 1), y: block(first.y + cells.y + cells.height - 1) },
  };
}

function blockBounds(cube: Cube, level: number, { from, to }: BlockRange): Bounds {
  const { grid, first } = levelGrid(cube, level);
  const [x, y] = [from.x * OVERVIEW_EDGE - first.x, from.y * OVERVIEW_EDGE - first.y];
  return gridBounds(cropGrid(grid, { x, y, width: (to.x + 1 - from.x) * OVERVIEW_EDGE, height: (to.y + 1 - from.y) * OVERVIEW_EDGE }));
}

function* indices({ from, to }: BlockRange): Generator<BlockIndex> {
  for (let y = from.y; y <= to.y; y++) for (let x = from.x; x <= to.x; x++) yield { x, y };
}

function paintBlock({ bands: all, edge, data, nulls }: VectorBlock, { bands, paint }: Style): Pixels {
  const area = edge * edge;
  const chosen = bands ?? Array.from({ length: all }, (_, band) => band);
  const samples = bands === null ? data : Float32Array.from({ length: bands.length * area }, (_, i) => data[bands[Math.floor(i / area)]! * area + (i % area)]!);
  return paint({ dtype: 'float32', shape: [chosen.length, area], data: samples, nulls }, area);
}

function paste({ grid, first, pixels }: { grid: Grid; first: BlockIndex; pixels: Pixels }, block: Pixels, index: BlockIndex): void {
  const [left, top] = [index.x * OVERVIEW_EDGE - first.x, index.y * OVERVIEW_EDGE - first.y];
  for (let row = Math.max(0, -top); row < OVERVIEW_EDGE && top + row < grid.height; row++) {
    for (let column = Math.max(0, -left); column < OVERVIEW_EDGE && left + column < grid.width; column++) {
      pixels[(top + row) * grid.width + left + column] = block[row * OVERVIEW_EDGE + column]!;
    }
  }
}
