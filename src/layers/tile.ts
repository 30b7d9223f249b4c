/** Renders a map tile of a collection: raw bands as colours, embeddings as PCA colours or single dimensions. */
import { OpenEOError } from '../errors.ts';
import type { Window } from '../cube/block.ts';
import { product } from '../cube/block.ts';
import type { Cube } from '../cube/cube.ts';
import { gridBounds } from '../geo/grid.ts';
import type { StacCollection } from '../catalog/types.ts';
import { silentLog } from '../log.ts';
import { layerOf } from './layer.ts';
import type { OverviewCache } from './overview.ts';
import { EngineScope, type Engine } from './scope.ts';
import { bandPainter, storedRange, trueColour } from './tile-bands.ts';
import { newestOf } from './tile-dates.ts';
import { TILE_SIZE, tileGrid } from './tile-grid.ts';
import { renderLayer } from './tile-layer.ts';
import type { Painter, Pixels } from './tile-style.ts';
import type { TileView } from './tile-view.ts';

export { TILE_SIZE, tileGrid } from './tile-grid.ts';
export type { TileView } from './tile-view.ts';

/** RGBA, row by row. */
export type TilePixels = Uint8ClampedArray<ArrayBuffer>;

/** From this zoom outwards a tile is wider than a scene: dates lie side by side, so more of them are looked at. */
export const WIDE_ZOOM = 10;
export const WIDE_DATES = 24;

/**
 * Renders the view; null when there is nothing to see there. Throws CollectionNotFound,
 * ProcessParameterInvalid for unknown bands, ProcessGraphComplexity for a layer's tile that needs too many
 * blocks which nobody has computed yet.
 *
 * @param overviews where those of layers are kept; absent: in memory for this tile
 */
export async function renderView(engine: Engine, view: TileView, signal: AbortSignal, overviews?: OverviewCache): Promise<TilePixels | null> {
  const collection = await engine.catalog.collection(view.collection);
  if (!collection) throw new OpenEOError('CollectionNotFound', { identifier: view.collection });
  const layer = layerOf(collection, engine.operators);
  try {
    const pixels = layer ? await renderLayer({ engine, layer, collection, ...(overviews && { overviews }) }, view, signal) : await renderRaw(engine, collection, view, signal);
    return pixels && new Uint8ClampedArray(pixels.buffer);
  } catch (error) {
    if (error instanceof OpenEOError && error.code === 'NoDataAvailable') return null;
    throw error;
  }
}

async function renderRaw(engine: Engine, collection: StacCollection, view: TileView, signal: AbortSignal): Promise<Pixels | null> {
  const target = tileGrid(view.z, view.x, view.y, view.matrixSet);
  const bands = view.bands ?? trueColour(collection);
  const scope = new EngineScope(engine, { signal, log: silentLog, target });
  const cube = await scope.loadCollection({ id: view.collection, spatialExtent: gridBounds(target), temporalExtent: view.interval, bands, properties: null });
  const paint = bandPainter(view, bands.map((name) => storedRange(collection.bands?.find((band) => band.name === name), cube)));
  const dates = cube.find('temporal')?.size ?? 1;
  return newestOf(dates, (date) => paintDate(cube, { start: [date, 0, 0, 0], size: [1, bands.length, TILE_SIZE, TILE_SIZE] }, paint, signal), view.z <= WIDE_ZOOM ? WIDE_DATES : undefined);
}

async function paintDate(cube: Cube, window: Window, paint: Painter, signal: AbortSignal): Promise<Pixels | null> {
  if (cube.isEmpty?.(window)) return null;
  return paint(await cube.read(window, signal), product(window.size.slice(2)));
}
