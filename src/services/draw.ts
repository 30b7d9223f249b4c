/** Draws a tile of a service, and says beforehand what there is to be seen. */
import { resampleCube } from '../cube/resample.ts';
import { scaleBetween, sourceWindow } from '../cube/warp.ts';
import { pickLabels } from '../cube/view.ts';
import type { Cube } from '../cube/cube.ts';
import { gridBounds, isSameLattice, type Bounds, type Grid } from '../geo/grid.ts';
import { OpenEOError } from '../errors.ts';
import { encodeJpeg } from '../formats/tile-jpeg.ts';
import { encodePng } from '../formats/tile-png.ts';
import type { OverviewCache } from '../layers/overview.ts';
import type { Engine } from '../layers/scope.ts';
import { tileGrid, TILE_SIZE } from '../layers/tile-grid.ts';
import { WIDE_DATES, WIDE_ZOOM } from '../layers/tile.ts';
import { renderCells, renderCube } from '../layers/tile-layer.ts';
import type { Pixels } from '../layers/tile-style.ts';
import { readConfiguration, tileFormat, type Configuration } from './configuration.ts';
import { maskedOutside, MERCATOR_LATITUDE } from './mask.ts';
import { openMap, type MapOptions, type OpenedMap } from './open-map.ts';
import { middleTile, sampledRange, zoomOfBox } from './sample.ts';
import type { ServiceDefinition, ShownRange } from './service.ts';
import { styleOf, type MapStyle } from './style.ts';
import type { MapFacts, ServiceTile } from './task.ts';

export interface MapDefinition {
  readonly owner: string;
  readonly name: string;
  readonly definition: ServiceDefinition;
  /** Values to show where nobody says which. */
  readonly range?: ShownRange | null;
}

export interface DrawnTile {
  readonly bytes: Uint8Array;
  readonly mediaType: 'image/png' | 'image/jpeg';
}

type Place = Pick<ServiceTile, 'z' | 'x' | 'y' | 'matrixSet' | 'interval'>;

/** The grid of a tile of so many pixels. */
export function gridOfTile({ z, x, y, matrixSet }: Omit<Place, 'interval'>, size: number): Grid {
  const grid = tileGrid(z, x, y, matrixSet);
  const factor = size / TILE_SIZE;
  return { ...grid, width: size, height: size, stepX: grid.stepX / factor, stepY: grid.stepY / factor };
}

/**
 * The tile, or null when there is nothing to see. Throws what the process throws, ServiceConfigInvalid, and
 * ProcessGraphComplexity for a tile that needs too many samples, cells or blocks that nobody has computed yet.
 */
export async function drawTile(engine: Engine, map: MapDefinition, place: Place, options: MapOptions, overviews?: OverviewCache): Promise<DrawnTile | null> {
  const configuration = readConfiguration(map.definition.configuration);
  const grid = gridOfTile(place, configuration.tileSize);
  const opened = await openOrNothing(engine, map, { grid, zoom: place.z }, options);
  if (!opened) return null;
  const within = withinInterval(opened.cube, place.interval);
  const drawn = styleOf({ cube: within, saved: opened.saved }, configuration, engine.operators, map.range);
  if (drawn.cube.shape.includes(0)) return null;
  const pixels = opened.isEmbedding
    ? await renderCube({ layer: map.name, cube: drawn.cube, style: drawn.style, unit: isUnit(drawn.cube), load: (extent) => again(opened, extent, configuration, place, engine), ...(overviews && { overviews }) }, grid, options.signal)
    : await renderCells(onTile(drawn.cube, grid), grid, drawn.style, options.signal, place.z <= WIDE_ZOOM ? WIDE_DATES : undefined);
  return pixels && encode(pixels, drawn, tileFormat(map.definition), configuration.tileSize);
}

/**
 * What is known of a map, without reading a pixel unless the range of its values is looked for. Throws what the
 * process throws, but NoDataAvailable, and ServiceConfigInvalid.
 */
export async function describeMap(engine: Engine, map: MapDefinition, options: MapOptions, isSampled = false): Promise<MapFacts> {
  const configuration = readConfiguration(map.definition.configuration);
  const grid = gridOfTile({ z: 0, x: 0, y: 0, matrixSet: 'WebMercatorQuad' }, configuration.tileSize);
  const opened = await openOrNothing(engine, map, { grid, zoom: 0 }, options);
  if (!opened) return { bounds: boxAround([]), days: [], bands: [] };
  const { cube, loaded } = opened;
  const { isGuessed } = styleOf(opened, configuration, engine.operators);
  const bands = cube.find('bands');
  const facts = { bounds: boxAround(loaded), days: daysOf(cube), bands: bands ? cube.labels(bands.name).map(String) : [] };
  const range = isSampled && isGuessed && !opened.isEmbedding ? await findRange(engine, map, facts, options) : null;
  return range ? { ...facts, range } : facts;
}

/** A look at the middle of the map must not take longer: without it there are usual values. */
const SAMPLED_WITHIN_MS = 5000;

/** Which values there are; null when that can't be found out. */
async function findRange(engine: Engine, map: MapDefinition, { bounds }: MapFacts, options: MapOptions): Promise<ShownRange | null> {
  const configuration = readConfiguration(map.definition.configuration);
  const place = middleTile(bounds, zoomOfBox(bounds, configuration.maxZoom));
  const grid = gridOfTile(place, TILE_SIZE);
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(SAMPLED_WITHIN_MS)]);
  try {
    const opened = await openOrNothing(engine, map, { grid, zoom: place.z }, { ...options, signal });
    if (!opened || opened.isEmbedding) return null;
    const { cube } = styleOf(opened, configuration, engine.operators);
    const onGrid = isSameLattice(cube.grid!, grid) ? cube : resampleCube(cube, grid, 'near');
    return cube.shape.includes(0) ? null : await sampledRange(onGrid, grid, signal);
  } catch (error) {
    options.signal.throwIfAborted();
    // What is wrong with a tile shows when it is drawn.
    if (error instanceof OpenEOError || signal.aborted) return null;
    throw error;
  }
}

async function openOrNothing(engine: Engine, { owner, name, definition: { process } }: MapDefinition, place: { readonly grid: Grid; readonly zoom: number }, options: MapOptions): Promise<OpenedMap | null> {
  try {
    return await openMap(engine, { process, owner, name, ...place }, options);
  } catch (error) {
    if (error instanceof OpenEOError && error.code === 'NoDataAvailable') return null;
    throw error;
  }
}

async function again(opened: OpenedMap, extent: Bounds, configuration: Configuration, { interval }: Place, engine: Engine): Promise<Cube> {
  const cube = withinInterval(await opened.reopen(extent), interval);
  return styleOf({ cube, saved: opened.saved }, configuration, engine.operators).cube;
}

/** The cube with the dates of the interval; without dates it is what it is at all times. */
function withinInterval(cube: Cube, interval: Place['interval']): Cube {
  const dimension = cube.find('temporal');
  if (!dimension || interval === null) return cube;
  const [from, to] = [interval[0] === null ? -Infinity : Date.parse(interval[0]), interval[1] === null ? Infinity : Date.parse(interval[1])];
  const labels = cube.labels(dimension.name).map((label) => Date.parse(String(label)));
  const indices = labels.flatMap((time, i) => (time >= from && time < to ? [i] : []));
  return indices.length === labels.length ? cube : pickLabels(cube, cube.indexOf(dimension.name), indices);
}

/** Means of whole vectors of length 1 are brought back to that length. */
function isUnit(cube: Cube): boolean {
  const { embedding } = cube.attributes;
  return embedding?.norm === 'unit' && cube.find('bands')?.size === embedding.dimensions;
}

/** Cells of the result that a tile may need when it can't be made at the scale of the tile. */
const MOST_CELLS = 1 << 24;

/** A result on a grid of its own, such as that of resample_spatial, on the grid of the tile where it is much finer than that. */
function onTile(cube: Cube, grid: Grid): Cube {
  const { x, y } = scaleBetween(grid, cube.grid!);
  if (!(x * y > 4)) return cube;
  if (cube.regrid) return maskedOutside(resampleCube(cube, grid, 'near'), gridBounds(cube.grid!));
  const { width, height } = sourceWindow(grid, cube.grid!, 'near');
  if (width * height <= MOST_CELLS) return cube;
  throw new OpenEOError('ProcessGraphComplexity', {}, { detail: `The tile shows ${width} × ${height} cells of the result, which has a grid of its own; zoom in, or set \`minzoom\`.` });
}

async function encode(pixels: Pixels, { background, quality }: MapStyle, format: 'png' | 'jpeg', size: number): Promise<DrawnTile> {
  const rgba = new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  if (format === 'jpeg') return { bytes: await encodeJpeg(rgba, size, { background, quality }), mediaType: 'image/jpeg' };
  return { bytes: await encodePng(rgba, size), mediaType: 'image/png' };
}

function daysOf(cube: Cube): string[] {
  const dimension = cube.find('temporal');
  if (!dimension) return [];
  const days = cube.labels(dimension.name).flatMap((label) => /^\d{4}-\d\d-\d\d/.exec(String(label))?.[0] ?? []);
  return [...new Set(days)].toSorted();
}

const WORLD = [-180, -MERCATOR_LATITUDE, 180, MERCATOR_LATITUDE] as const;

/** The box around everything that is loaded; the world when that is unknown. */
function boxAround(boxes: readonly Bounds[]): MapFacts['bounds'] {
  if (boxes.length === 0) return WORLD;
  const box = [Math.min(...boxes.map((b) => b.west)), Math.min(...boxes.map((b) => b.south)), Math.max(...boxes.map((b) => b.east)), Math.max(...boxes.map((b) => b.north))] as const;
  return box[2] > 180 || box[0] < -180 ? [-180, box[1], 180, box[3]] : box;
}
