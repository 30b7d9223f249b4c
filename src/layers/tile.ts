/** Renders a map tile (256 × 256, web Mercator) of a collection: raw bands as colours, embeddings as PCA-RGB. */
import { OpenEOError } from '../errors.ts';
import { createNullBlock, type Block } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { sourceWindow, warpBlock } from '../cube/warp.ts';
import { cropGrid, gridBounds, type Grid } from '../geo/grid.ts';
import { collectionBands } from '../catalog/load-plan.ts';
import type { StacCollection } from '../catalog/types.ts';
import { pictureOf } from '../operators/picture.ts';
import { silentLog } from '../log.ts';
import { layerOf, type Layer } from './layer.ts';
import { EngineScope, type Engine } from './scope.ts';
import { MAX_PATCHES } from './tile-zoom.ts';

export const TILE_SIZE = 256;
const WORLD = 20_037_508.342789244;

/** What is drawn. Travels on the tile queue. */
export interface TileView {
  readonly collection: string;
  readonly z: number;
  readonly x: number;
  readonly y: number;
  /** RFC 3339 interval; null: the newest data. */
  readonly interval: readonly [string | null, string | null] | null;
  /** Three (or one) band names; null: true colour, else the first. Not for layers. */
  readonly bands: readonly string[] | null;
  /** Values drawn black and white; null: chosen by the data type. */
  readonly range: readonly [number, number] | null;
}

/** RGBA, row by row. */
export type TilePixels = Uint8ClampedArray<ArrayBuffer>;

/** Older dates fill what newer ones leave open (clouds are not looked at); more than this many would make a tile slow. */
const MAX_DATES = 4;

/** The grid of a tile; y counts from the north (XYZ scheme). */
export function tileGrid(z: number, x: number, y: number): Grid {
  const edge = (2 * WORLD) / 2 ** z;
  const step = edge / TILE_SIZE;
  return { crs: 'EPSG:3857', originX: -WORLD + x * edge, originY: WORLD - y * edge, stepX: step, stepY: step, width: TILE_SIZE, height: TILE_SIZE };
}

/**
 * Renders the view; null when there is nothing to see there. Throws CollectionNotFound,
 * ProcessParameterInvalid for unknown bands, ProcessGraphComplexity for a layer's tile that is too wide.
 */
export async function renderView(engine: Engine, view: TileView, signal: AbortSignal): Promise<TilePixels | null> {
  const collection = await engine.catalog.collection(view.collection);
  if (!collection) throw new OpenEOError('CollectionNotFound', { identifier: view.collection });
  const layer = layerOf(collection, engine.operators);
  try {
    return layer ? await renderLayer(engine, layer, view, signal) : await renderRaw(engine, collection, view, signal);
  } catch (error) {
    if (error instanceof OpenEOError && error.code === 'NoDataAvailable') return null;
    throw error;
  }
}

async function renderRaw(engine: Engine, collection: StacCollection, view: TileView, signal: AbortSignal): Promise<TilePixels | null> {
  const target = tileGrid(view.z, view.x, view.y);
  const bands = view.bands ?? trueColour(collection);
  const scope = new EngineScope(engine, { signal, log: silentLog, target });
  const cube = await scope.loadCollection({ id: view.collection, spatialExtent: gridBounds(target), temporalExtent: view.interval, bands, properties: null });
  const block = await newestValid(cube, (date) => cube.read({ start: [date, 0, 0, 0], size: [1, bands.length, TILE_SIZE, TILE_SIZE] }, signal), bands.length);
  const [low, high] = view.range ?? defaultRange(cube);
  return block && stretch(block, bands.length, low, high);
}

function trueColour(collection: StacCollection): string[] {
  const bands = collectionBands(collection);
  const rgb = ['red', 'green', 'blue'].map((name) => bands.find((b) => b.common_name === name)?.name);
  return rgb.every((name) => name !== undefined) ? rgb : bands.slice(0, 1).map((b) => b.name);
}

/** Surface reflectance × 10000, the usual 16-bit optical data, looks right from 0 to 0.3; bytes are drawn as they are. */
function defaultRange(cube: Cube): [number, number] {
  if (cube.dtype === 'uint16' || cube.dtype === 'int16') return [0, 3000];
  return cube.dtype === 'uint8' || cube.dtype === 'bool' ? [0, 255] : [0, 1];
}

async function renderLayer(engine: Engine, layer: Layer, view: TileView, signal: AbortSignal): Promise<TilePixels | null> {
  const target = tileGrid(view.z, view.x, view.y);
  const scope = new EngineScope(engine, { signal, log: silentLog });
  const cube = await scope.loadCollection({ id: layer.id, spatialExtent: widen(target), temporalExtent: view.interval, bands: null, properties: null });
  const grid = cube.grid!;
  if (grid.width * grid.height > MAX_PATCHES) throw new OpenEOError('ProcessGraphComplexity', {}, { detail: `A tile at zoom ${view.z} would need ${grid.width * grid.height} embedding vectors; zoom in.` });
  const window = sourceWindow(target, grid, 'near');
  if (window.width === 0 || window.height === 0) return null;
  const count = cube.find('bands')!.size;
  const block = await newestValid(cube, (date) => readDate(cube, date, window, signal), count, window.width * window.height);
  if (!block) return null;
  const rgb = pictureOf(block, layer.operator!.manifest);
  return stretch(warpBlock({ ...rgb, shape: [3, window.height, window.width] }, cropGrid(grid, window), target, 'near'), 3, 0, 255);
}

/** Half a patch more on each side, so that vectors at the edge of the tile are loaded too. */
function widen(grid: Grid): ReturnType<typeof gridBounds> {
  const box = gridBounds(grid);
  const margin = Math.max(grid.stepX * 16, 200);
  return { ...box, west: box.west - margin, east: box.east + margin, south: box.south - margin, north: box.north + margin };
}

function readDate(cube: Cube, date: number, window: { x: number; y: number; width: number; height: number }, signal: AbortSignal): Promise<Block> {
  const range = cube.dimensions.map((d): [number, number] => {
    if (d.axis === 'x') return [window.x, window.width];
    if (d.axis === 'y') return [window.y, window.height];
    return d.type === 'temporal' ? [date, 1] : [0, d.size];
  });
  return cube.read({ start: range.map((r) => r[0]), size: range.map((r) => r[1]) }, signal);
}

/**
 * Reads dates from the newest backwards until every pixel has data, and puts them on top of each other.
 * Ends early at a date that adds nothing: what is open then mostly lies outside of the collection.
 */
async function newestValid(cube: Cube, read: (date: number) => Promise<Block>, bands: number, area = TILE_SIZE * TILE_SIZE): Promise<Block | null> {
  const dates = cube.find('temporal')?.size ?? 1;
  const out = createNullBlock(cube.dtype, [bands, area]);
  const nulls = out.nulls!;
  let open = area;
  for (let date = dates - 1; date >= 0 && dates - date <= MAX_DATES && open > 0; date--) {
    const block = await read(date);
    // The usual case: the newest date is whole, and nothing has to be put together.
    if (open === area && block.nulls === null) return { ...block, shape: [bands, area] };
    const before = open;
    for (let i = 0; i < area; i++) {
      // A pixel is taken with all its bands from one date, or not at all.
      if (nulls[i] === 0 || hasGap(block, i, bands, area)) continue;
      for (let b = 0; b < bands; b++) {
        out.data[b * area + i] = block.data[b * area + i]!;
        nulls[b * area + i] = 0;
      }
      open--;
    }
    if (open === before && open < area) break;
  }
  return open === area ? null : out;
}

function hasGap(block: Block, pixel: number, bands: number, area: number): boolean {
  if (!block.nulls) return false;
  for (let b = 0; b < bands; b++) if (block.nulls[b * area + pixel]) return true;
  return false;
}

/** Samples [bands, pixels] to RGBA; gaps are transparent. One band is drawn grey. */
function stretch(block: Block, bands: number, low: number, high: number): TilePixels {
  const area = TILE_SIZE * TILE_SIZE;
  const out = new Uint8ClampedArray(area * 4);
  const scale = 255 / (high - low);
  for (let channel = 0; channel < 3; channel++) {
    const first = Math.min(channel, bands - 1) * area;
    const plane = block.data.subarray(first, first + area);
    for (let i = 0; i < area; i++) out[i * 4 + channel] = (plane[i]! - low) * scale;
  }
  for (let i = 0; i < area; i++) {
    if (hasGap(block, i, bands, area)) out.fill(0, i * 4, i * 4 + 4);
    else out[i * 4 + 3] = 255;
  }
  return out;
}
