/**
 * Plans how a collection is loaded, without reading a pixel: which asset holds which band, on which
 * lattice the cube lies, and which items make up each date.
 */
import { invalidArgument, OpenEOError } from '../errors.ts';
import { transformBounds, utmCrs, WGS84 } from '../geo/crs.ts';
import { cellsCovering, cellsWithCentreIn, cropGrid, gridBounds, intersectWindows, type Bounds, type Grid } from '../geo/grid.ts';
import { movedBox, turnsToMeet } from '../geo/turns.ts';
import type { BandDescription } from '../cube/cube.ts';
import { cloudCodesOf } from './cloud-codes.ts';
import type { StacAsset, StacBand, StacCollection, StacItem } from './types.ts';

/** One band of one item: the asset that holds it, the index in the file and the file's grid. */
export interface BandSource {
  readonly assetKey: string;
  readonly href: string;
  readonly index: number;
  readonly grid: Grid;
  readonly asset: StacAsset;
}

/** An item with the sources of the wanted bands, in their order; null where the item lacks a band. */
export interface PlannedItem {
  readonly item: StacItem;
  readonly bands: readonly (BandSource | null)[];
  /** Box in the CRS of the cube. */
  readonly bounds: Bounds;
}

export interface LoadPlan {
  readonly bands: readonly BandDescription[];
  readonly grid: Grid;
  /** Sorted; one entry per distinct instant. */
  readonly dates: readonly { readonly label: string; readonly items: readonly PlannedItem[] }[];
}

/** Bands of a collection in their canonical order. */
export function collectionBands(collection: StacCollection): BandDescription[] {
  const described = new Map((collection.bands ?? []).map((band) => [band.name, band]));
  const names = bandDimensionValues(collection) ?? [...described.keys()].filter((name) => name !== undefined);
  return names.map((name) => describeBand(name, described.get(name)));
}

function bandDimensionValues(collection: StacCollection): string[] | undefined {
  for (const dimension of Object.values(collection['cube:dimensions'])) {
    const { type, values } = dimension as { type?: string; values?: unknown };
    if (type === 'bands' && Array.isArray(values)) return values.map(String);
  }
  return undefined;
}

function describeBand(name: string, band: StacBand | undefined): BandDescription {
  const text = (key: string) => (typeof band?.[key] === 'string' ? { [key.replace(/^eo:/, '')]: band[key] } : {});
  const number = (key: string) => (typeof band?.[key] === 'number' ? { [key.replace(/^(eo|raster):/, '')]: band[key] } : {});
  const clouds = cloudCodesOf(name, band);
  return { name, ...(clouds && { clouds }), ...text('description'), ...text('eo:common_name'), ...text('unit'), ...number('eo:center_wavelength'), ...number('gsd'), ...number('raster:scale'), ...number('raster:offset') };
}

/** The wanted bands by name or common name; throws ProcessParameterInvalid listing what there is. */
function selectBands(all: readonly BandDescription[], wanted: readonly string[] | null, process = 'load_collection'): BandDescription[] {
  if (wanted === null) return [...all];
  if (wanted.length === 0) throw invalidArgument(process, 'bands', 'at least one band is needed');
  return wanted.map((name) => {
    const band = all.find((b) => b.name === name) ?? all.find((b) => b.common_name === name);
    if (band) return band;
    throw invalidArgument(process, 'bands', `there is no band '${name}'; the collection has ${all.map((b) => b.name).join(', ')}`);
  });
}

/** Where the wanted bands of an item are. Assets without projection metadata are passed over. */
function locateBands(item: StacItem, bands: readonly BandDescription[]): (BandSource | null)[] {
  const places = new Map<string, BandSource>();
  for (const [assetKey, asset] of Object.entries(item.assets)) {
    const grid = assetGrid(item, asset);
    if (!grid) continue;
    (asset.bands ?? []).forEach((band, index) => {
      const known = band.name === undefined ? undefined : places.get(band.name);
      // The same band in two resolutions (e.g. R10m and R20m assets): the finer file wins.
      if (band.name !== undefined && (!known || grid.stepX < known.grid.stepX)) places.set(band.name, { assetKey, href: asset.href, index, grid, asset });
    });
  }
  return bands.map((band) => places.get(band.name) ?? null);
}

/** The north-up grid that the metadata of an asset tell; null when they tell none that a lattice can express. */
export function assetGrid(item: StacItem, asset: StacAsset): Grid | null {
  const of = (key: string) => asset[key] ?? item.properties[key];
  const crs = of('proj:code');
  const shape = of('proj:shape');
  const transform = of('proj:transform');
  if (typeof crs !== 'string' || !isNumbers(shape, 2) || !isNumbers(transform, 6)) return null;
  const [stepX, turnX, originX, turnY, stepY, corner] = transform as [number, number, number, number, number, number];
  const [height, width] = shape as [number, number];
  if (turnX !== 0 || turnY !== 0 || !(stepX > 0) || !stepY) return null;
  // A positive step means that rows run from south to north: readers turn those files over.
  const originY = stepY > 0 ? corner + height * stepY : corner;
  return { crs, originX, originY, stepX, stepY: Math.abs(stepY), width, height };
}

function isNumbers(value: unknown, count: number): value is number[] {
  return Array.isArray(value) && value.length >= count && value.every(Number.isFinite);
}

export interface PlanInput {
  readonly collection: StacCollection;
  readonly items: readonly StacItem[];
  readonly bands: readonly string[] | null;
  readonly extent: Bounds | null;
  /** The collection's fixed lattice point in a CRS; undefined when none was recorded. */
  readonly anchor: (crs: string) => { readonly x: number; readonly y: number } | undefined;
  /** Load on this grid instead of the native one (tiles, resample_spatial). */
  readonly target?: Grid;
  /** Whose arguments these are, for messages; default load_collection. */
  readonly process?: string;
}

/** Throws NoDataAvailable when no item or no cell lies in the extent. */
export function planLoad(input: PlanInput): LoadPlan {
  const bands = selectBands(collectionBands(input.collection), input.bands, input.process);
  const located = input.items
    .map((item) => ({ item, bands: locateBands(item, bands) }))
    .filter(({ bands: sources }) => sources.some((source) => source !== null))
    .flatMap((entry) => aroundTheGlobe(entry, input.target ? gridBounds(input.target) : input.extent));
  if (located.length === 0) throw noData(input);
  const grid = input.target ?? nativeGrid(located, input);
  const planned = located.map((entry): PlannedItem => ({ ...entry, bounds: itemBounds(entry.bands, grid.crs) }));
  const dates = groupByDate(planned).filter((date) => date.items.some((entry) => touches(entry.bounds, grid)));
  if (dates.length === 0) throw noData(input);
  return { bands, grid, dates };
}

interface Located {
  readonly item: StacItem;
  readonly bands: readonly (BandSource | null)[];
}

/**
 * An item as the extent sees it: files in degrees are moved by a turn where the extent is on the other side of
 * the antimeridian, and files around the whole globe may be met on both sides.
 */
function aroundTheGlobe({ item, bands }: Located, extent: Bounds | null): Located[] {
  if (extent === null) return [{ item, bands }];
  const moves = new Map(bands.flatMap((source) => (source ? [[source.grid, movesOf(source.grid, extent)] as const] : [])));
  const all = [...new Set([...moves.values()].flat())];
  return all.map((by) => ({ item, bands: bands.map((source) => (source && moves.get(source.grid)!.includes(by) ? movedSource(source, by) : null)) }));
}

/** Files that do not meet the extent stay: they may be neighbours. */
function movesOf(grid: Grid, extent: Bounds): readonly number[] {
  const moves = turnsToMeet(gridBounds(grid), transformBounds(extent, grid.crs));
  return moves.length > 0 ? moves : [0];
}

function movedSource(source: BandSource, by: number): BandSource {
  return by === 0 ? source : { ...source, grid: { ...source.grid, originX: source.grid.originX + by } };
}

function noData(input: PlanInput): OpenEOError {
  return new OpenEOError('NoDataAvailable', {}, { detail: `Collection '${input.collection.id}' has no item with the requested bands there and then.` });
}

/**
 * The finest lattice among the wanted bands, in the CRS that most of the extent lies in, anchored where
 * the collection's lattice is anchored, so that every request for a place gets the same pixels.
 */
function nativeGrid(located: readonly Located[], input: PlanInput): Grid {
  const sources = located.flatMap(({ bands }) => bands).filter((source) => source !== null);
  const crs = dominantCrs(sources, input.extent);
  const local = sources.filter((source) => source.grid.crs === crs);
  const finest = local.reduce((a, b) => (b.grid.stepX < a.grid.stepX ? b : a)).grid;
  const anchor = input.anchor(crs) ?? { x: finest.originX, y: finest.originY };
  const lattice: Grid = { crs, originX: anchor.x, originY: anchor.y, stepX: finest.stepX, stepY: finest.stepY, width: 0, height: 0 };
  const data = cellsCovering(lattice, unionBounds(boxesNear(located, crs, input.extent)));
  const window = input.extent === null ? data : intersectWindows(data, cellsWithCentreIn(lattice, transformBounds(input.extent, crs)));
  if (window.width === 0 || window.height === 0) throw noData(input);
  return cropGrid(lattice, window);
}

function dominantCrs(sources: readonly BandSource[], extent: Bounds | null): string {
  const votes = new Map<string, number>();
  for (const { grid } of sources) {
    const box = gridBounds(grid);
    const wanted = extent === null ? box : transformBounds(extent, grid.crs);
    const width = Math.min(box.east, wanted.east) - Math.max(box.west, wanted.west);
    const height = Math.min(box.north, wanted.north) - Math.max(box.south, wanted.south);
    // A share of the extent, because its box is larger in a zone that it lies askew to.
    const whole = extent === null ? 1 : (wanted.east - wanted.west) * (wanted.north - wanted.south);
    votes.set(grid.crs, (votes.get(grid.crs) ?? 0) + (Math.max(0, width) * Math.max(0, height)) / whole);
  }
  const home = extent === null ? undefined : homeZone(extent);
  const rounded = (votes: number) => Math.round(votes * 100);
  return [...votes].sort(([a, x], [b, y]) => rounded(y) - rounded(x) || Number(b === home) - Number(a === home) || a.localeCompare(b))[0]![0];
}

function homeZone(extent: Bounds): string {
  const box = transformBounds(extent, WGS84);
  return utmCrs((box.west + box.east) / 2, (box.south + box.north) / 2);
}

function itemBounds(sources: readonly (BandSource | null)[], crs: string): Bounds {
  return unionBounds(sources.filter((s) => s !== null).map((s) => transformBounds(gridBounds(s.grid), crs)));
}

/** The boxes of all items, each moved by whole turns to where the extent is. */
function boxesNear(located: readonly Located[], crs: string, extent: Bounds | null): Bounds[] {
  const boxes = located.map(({ bands }) => itemBounds(bands, crs));
  if (extent === null) return boxes;
  const wanted = transformBounds(extent, crs);
  return boxes.flatMap((box) => {
    const moves = turnsToMeet(box, wanted);
    return moves.length > 0 ? moves.map((by) => movedBox(box, by)) : [box];
  });
}

/** The plan on another grid: the boxes of its items follow into the other reference system. */
export function planOn(plan: LoadPlan, grid: Grid): LoadPlan {
  if (grid.crs === plan.grid.crs) return { ...plan, grid };
  const moved = new Map<Bounds, Bounds>();
  const boundsOf = (bounds: Bounds) => moved.get(bounds) ?? moved.set(bounds, transformBounds(bounds, grid.crs)).get(bounds)!;
  return { ...plan, grid, dates: plan.dates.map((date) => ({ ...date, items: date.items.map((item) => ({ ...item, bounds: boundsOf(item.bounds) })) })) };
}

/** True when a box (in the grid's CRS) and a grid share an area, also whole turns around the globe away. */
export function touches(box: Bounds, grid: Grid): boolean {
  return turnsToMeet(box, gridBounds(grid)).length > 0;
}

function unionBounds(boxes: readonly Bounds[]): Bounds {
  return {
    crs: boxes[0]!.crs,
    west: Math.min(...boxes.map((b) => b.west)),
    south: Math.min(...boxes.map((b) => b.south)),
    east: Math.max(...boxes.map((b) => b.east)),
    north: Math.max(...boxes.map((b) => b.north)),
  };
}

function groupByDate(planned: readonly PlannedItem[]): LoadPlan['dates'] {
  const groups = new Map<string, PlannedItem[]>();
  for (const entry of planned) {
    const label = itemInstant(entry.item);
    groups.set(label, [...(groups.get(label) ?? []), entry]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    // The order inside a date decides which item wins where several have data: make it stable.
    .map(([label, items]) => ({ label, items: items.sort((a, b) => (a.item.id < b.item.id ? -1 : 1)) }));
}

/** The instant an item stands for: its datetime, else the start of its interval. RFC 3339, UTC, milliseconds only if any. */
export function itemInstant(item: StacItem): string {
  const text = item.properties.datetime ?? (item.properties['start_datetime'] as string);
  return new Date(text).toISOString().replace('.000Z', 'Z');
}
