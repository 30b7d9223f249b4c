/** Loads a collection as a lazy cube [t, bands, y, x]: windows are read from the assets when somebody asks. */
import { hash } from 'node:crypto';
import { createNullBlock, product, type Block, type Window } from '../cube/block.ts';
import { Cube, type CubeAttributes, type Resampling } from '../cube/cube.ts';
import { bandsDimension, spatialDimensions, temporalDimension } from '../cube/dimension.ts';
import type { DType } from '../cube/dtype.ts';
import { findByte } from '../cube/find-byte.ts';
import { WARP_VERSION } from '../cube/warp.ts';
import { cropGrid, isSameLattice, type CellWindow } from '../geo/grid.ts';
import { commonDType } from '../graph/result-dtype.ts';
import { AssetReader, type RasterOpener } from './read-asset.ts';
import { fileOf, shiftOf } from './shift.ts';
import { planOn, touches, type BandSource, type LoadPlan, type PlannedItem } from './load-plan.ts';

export interface LoadedCubeOptions {
  readonly collectionId: string;
  readonly anchor: { readonly x: number; readonly y: number } | undefined;
  readonly rasters: RasterOpener;
  readonly method?: Resampling;
  /** Take the coarsest overview that is fine enough: right for pictures, not for values. */
  readonly isPicture?: boolean;
  /** Told how many source samples a read asks for, before it happens; may throw to refuse. */
  readonly onRead?: (samples: number) => void;
  /** Name of the bands dimension; default 'bands'. */
  readonly bandsName?: string;
  /** Facts to add, or to put in the place of those that follow from the plan. */
  readonly attributes?: CubeAttributes;
}

/** Dates read at the same time: enough to keep the inflate threads busy, few enough to bound memory. */
const PARALLEL_READS = 4;

/** The cube of a plan. Values are the stored ones: scale and offset are told in the attributes, not applied. */
export function loadedCube(plan: LoadPlan, options: LoadedCubeOptions): Cube {
  const dtype = sourceDType(plan);
  const { grid } = plan;
  const assets = new AssetReader(grid, options);
  return new Cube({
    dimensions: [temporalDimension(plan.dates.map((d) => d.label)), bandsDimension(plan.bands.map((b) => b.name), options.bandsName), ...spatialDimensions(grid)],
    grid,
    dtype,
    attributes: {
      bands: plan.bands,
      nodata: declaredNodata(plan),
      sources: plan.dates.flatMap((d) => sourcesOfDate(d.items, options)),
      ...(options.attributes?.sources ? {} : { sourcesByLabel: Object.fromEntries(plan.dates.map((d) => [d.label, sourcesOfDate(d.items, options)])) }),
      blockSize: 512,
      ...(options.anchor ? { anchor: options.anchor } : {}),
      ...options.attributes,
    },
    read: (window, signal) => readWindow(plan, dtype, window, assets, options, signal),
    fingerprint: (window) => fingerprintWindow(plan, window, options),
    isEmpty: (window) => !hasFiles(plan, window),
    regrid: (target, method) => loadedCube(planOn(plan, target), { ...options, method, anchor: isSameLattice(grid, target) ? options.anchor : undefined }),
  });
}

/** True when a file of the window's dates and bands may have pixels in it. */
function hasFiles({ dates, grid }: LoadPlan, { start, size }: Window): boolean {
  const target = cropGrid(grid, { x: start[3]!, y: start[2]!, width: size[3]!, height: size[2]! });
  const within = <T>(list: readonly T[], axis: number) => list.slice(start[axis]!, start[axis]! + size[axis]!);
  return within(dates, 0).some(({ items }) => items.some(({ bands, bounds }) => touches(bounds, target) && within(bands, 1).some((band) => band !== null)));
}

function sourcesOfDate(items: readonly PlannedItem[], { collectionId }: LoadedCubeOptions): string[] {
  // A file around the globe may be met on both sides of the antimeridian.
  return [...new Set(items.map(({ item }) => `${collectionId}/${item.id}`))];
}

function sourcesOf(plan: LoadPlan): BandSource[] {
  return plan.dates.flatMap((d) => d.items.flatMap((i) => i.bands.filter((b) => b !== null)));
}

/** The smallest type that holds the samples of all sources. */
function sourceDType(plan: LoadPlan): DType {
  return sourcesOf(plan).map((s) => (bandField(s, 'data_type') as DType | undefined) ?? 'float64').reduce(commonDType);
}

function declaredNodata(plan: LoadPlan): number | null {
  const values = new Set(sourcesOf(plan).map((s) => bandField(s, 'nodata')));
  const only = values.size === 1 ? [...values][0] : undefined;
  return typeof only === 'number' ? only : null;
}

function bandField(source: BandSource, key: string): unknown {
  return source.asset.bands?.[source.index]?.[key] ?? source.asset[key];
}

async function readWindow(plan: LoadPlan, dtype: DType, window: Window, assets: AssetReader, options: LoadedCubeOptions, signal: AbortSignal): Promise<Block> {
  options.onRead?.(product(window.size));
  const [dates, bands, height, width] = window.size as [number, number, number, number];
  const cells: CellWindow = { x: window.start[3]!, y: window.start[2]!, width, height };
  const whole = await readWhole(plan, dtype, window, cells, assets, signal);
  if (whole) return whole;
  const out = createNullBlock(dtype, window.size);
  const queue = Array.from({ length: dates }, (_, i) => i);
  const planeLength = height * width;
  const lane = async () => {
    for (let t = queue.shift(); t !== undefined; t = queue.shift()) {
      signal.throwIfAborted();
      const base = t * bands * planeLength;
      const date = plan.dates[window.start[0]! + t]!;
      await readDate(date.items, { first: window.start[1]!, count: bands }, cells, assets, signal, (band, plane, from) => {
        mergePlane(out, base + band * planeLength, plane, from * planeLength, planeLength);
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL_READS, dates) }, lane));
  return findByte(out.nulls!, 1) >= 0 ? out : { ...out, nulls: null };
}

/** The window as its file gives it, when it is one date of one file: there is nothing to merge. null otherwise. */
async function readWhole(plan: LoadPlan, dtype: DType, window: Window, cells: CellWindow, assets: AssetReader, signal: AbortSignal): Promise<Block | null> {
  if (window.size[0] !== 1) return null;
  const target = cropGrid(assets.grid, cells);
  const items = plan.dates[window.start[0]!]!.items.filter(({ bounds }) => touches(bounds, target));
  const sources = items.length === 1 ? items[0]!.bands.slice(window.start[1]!, window.start[1]! + window.size[1]!) : [];
  const [first] = sources;
  if (!first || !sources.every((source) => source?.href === first.href)) return null;
  const block = await assets.read(sources as BandSource[], cells, signal);
  return block?.dtype === dtype ? { ...block, shape: window.size } : null;
}

/** Reads the items of one date, each file once for all its bands, and hands out plane by plane. */
async function readDate(
  items: readonly PlannedItem[],
  range: { readonly first: number; readonly count: number },
  cells: CellWindow,
  assets: AssetReader,
  signal: AbortSignal,
  put: (band: number, block: Block, plane: number) => void,
): Promise<void> {
  const target = cropGrid(assets.grid, cells);
  for (const { bands, bounds } of items) {
    if (!touches(bounds, target)) continue;
    for (const [, members] of groupByAsset(bands.slice(range.first, range.first + range.count))) {
      const block = await assets.read(members.map((m) => m.source), cells, signal);
      if (block) members.forEach((member, plane) => put(member.band, block, plane));
    }
  }
}

function groupByAsset(bands: readonly (BandSource | null)[]): Map<string, { band: number; source: BandSource }[]> {
  const groups = new Map<string, { band: number; source: BandSource }[]>();
  bands.forEach((source, band) => {
    if (source) groups.set(source.href, [...(groups.get(source.href) ?? []), { band, source }]);
  });
  return groups;
}

/** Copies a plane into the block where the block has nothing yet: the first item with data wins. */
function mergePlane(out: Block, offset: number, source: Block, from: number, length: number): void {
  const outNulls = out.nulls!;
  if (!hasData(outNulls, offset, length)) {
    out.data.set(source.data.subarray(from, from + length), offset);
    if (source.nulls) outNulls.set(source.nulls.subarray(from, from + length), offset);
    else outNulls.fill(0, offset, offset + length);
    return;
  }
  for (let i = 0; i < length; i++) {
    if (outNulls[offset + i] === 0 || source.nulls?.[from + i]) continue;
    out.data[offset + i] = source.data[from + i]!;
    outNulls[offset + i] = 0;
  }
}

function hasData(nulls: Uint8Array, offset: number, length: number): boolean {
  return findByte(nulls.subarray(offset, offset + length), 0) >= 0;
}

/** Covers the lattice cells asked for and, per date and band, the files that have pixels there, with their version. */
async function fingerprintWindow(plan: LoadPlan, window: Window, options: LoadedCubeOptions): Promise<string> {
  const { grid } = plan;
  const target = cropGrid(grid, { x: window.start[3]!, y: window.start[2]!, width: window.size[3]!, height: window.size[2]! });
  // Thousandths of a cell from the CRS origin: the same place, however the window was cut out.
  const place = [target.originX / target.stepX, target.originY / target.stepY].map((n) => Math.round(n * 1000));
  const facts = [JSON.stringify([target.crs, target.stepX, target.stepY, place, target.width, target.height, WARP_VERSION, options.method ?? 'near'])];
  const versions = new Map<string, string>();
  for (const date of plan.dates.slice(window.start[0]!, window.start[0]! + window.size[0]!)) {
    facts.push(date.label);
    for (const { bands, bounds } of date.items) {
      if (!touches(bounds, target)) continue;
      for (const source of bands.slice(window.start[1]!, window.start[1]! + window.size[1]!)) {
        if (source && !versions.has(source.href)) versions.set(source.href, (await options.rasters.open(source.href)).source.version);
        facts.push(source ? JSON.stringify([fileOf(source), source.index, versions.get(source.href), ...shiftOf(source)]) : 'absent');
      }
    }
  }
  return hash('sha256', facts.join(''));
}
