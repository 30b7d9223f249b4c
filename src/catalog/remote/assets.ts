/** Which assets of an item are rasters that can be read, and what their metadata leave out: that is in the files. */
import { parseCrs } from '../../geo/crs.ts';
import type { Grid } from '../../geo/grid.ts';
import type { DType } from '../../cube/dtype.ts';
import type { RasterFile } from '../../formats/raster-file.ts';
import { assetGrid } from '../load-plan.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { StacAsset, StacBand, StacItem } from '../types.ts';
import { badUrl, shown, type Fields } from './documents.ts';
import { dequantizationOf, isEmbedding, needsTags, type Dequantization } from './quantization.ts';

/** How the file of an asset is read. */
export interface Recipe {
  /** What the metadata say, checked when the file is opened. */
  readonly grid: Grid;
  readonly bands: number;
  /** null: stored values are given as they are. */
  readonly decode: { readonly method: Dequantization; readonly scalesHref: string | null } | null;
}

/** An item whose assets can all be read and are fully described, and how to read each of their hrefs. */
export interface ReadyItem {
  readonly item: StacItem;
  readonly recipes: ReadonlyMap<string, Recipe>;
  /** Why assets were passed over, for whoever wonders where they are. */
  readonly passed: readonly string[];
}

/** GeoTIFF, and GeoParquet tables of vectors. */
const RASTER_TYPE = /tiff|geotiff|parquet/i;
const RASTER_NAME = /\.(tiff?|(geo)?parquet)$/i;
/** Pictures and descriptions beside the data. */
const ASIDE = new Set(['thumbnail', 'overview', 'visual', 'metadata']);

/** Describes the raster assets of an item. Headers are read where metadata lack the grid, the bands or the sample type. */
export async function readyItem(item: StacItem, collection: Fields | null, rasters: RasterOpener): Promise<ReadyItem> {
  const passed: string[] = [];
  const assets: Record<string, StacAsset> = {};
  const recipes = new Map<string, Recipe>();
  const scales = new Set<string>();
  for (const [key, asset] of Object.entries(item.assets)) {
    if (!isRaster(asset) || 'lamina:scale_of' in asset || (isTable(asset) && !isEmbedding(key, item, collection))) continue;
    if (!/^https?:/i.test(asset.href)) {
      passed.push(`asset '${key}' lies at ${asset.href.split(':')[0]}:, which can't be read from here`);
      continue;
    }
    const ready = await readyAsset(key, asset, item, collection, rasters);
    if (typeof ready === 'string') passed.push(ready);
    else {
      assets[key] = ready.asset;
      recipes.set(asset.href, ready.recipe);
      if (ready.recipe.decode?.method.method === 'per_vector') scales.add(ready.recipe.decode.method.scalesKey);
    }
  }
  for (const key of scales) delete assets[key];
  return { item: { ...item, assets }, recipes, passed };
}

function isRaster({ type, href, roles }: StacAsset): boolean {
  if (roles?.some((role) => ASIDE.has(role)) === true && !roles.includes('data')) return false;
  return type === undefined ? RASTER_NAME.test(href.replace(/[?#].*$/, '')) : RASTER_TYPE.test(type);
}

const isTable = ({ type, href }: StacAsset) => /parquet/i.test(type ?? '') || /\.(geo)?parquet([?#]|$)/i.test(href);

async function readyAsset(key: string, asset: StacAsset, item: StacItem, collection: Fields | null, rasters: RasterOpener): Promise<{ asset: StacAsset; recipe: Recipe } | string> {
  // Where the rows of a table lie, only the table tells.
  const told = isTable(asset) ? { grid: null, names: bandNames(asset), dtype: null } : { grid: knownGrid(item, asset), names: bandNames(asset), dtype: dtypeOf(asset) };
  const file = told.grid && told.names && told.dtype ? null : await rasters.open(asset.href);
  const grid = told.grid ?? file!.grid;
  if (grid === null) return `the file of asset '${key}' has no place: ${file!.gridProblem ?? 'it has no georeference'}`;
  const isVectors = isEmbedding(key, item, collection);
  const names = told.names ?? namesIn(file!, key, collection, isVectors);
  const dtype = told.dtype ?? file!.dtype;
  const described: StacAsset = { ...asset, ...projection(grid), data_type: dtype, bands: describedBands(asset, names, file) };
  if (!isVectors) return { asset: described, recipe: { grid, bands: names.length, decode: null } };
  const codes = { key, asset: described, item, collection, dtype, names, tags: file?.tags ?? null };
  const method = dequantizationOf(needsTags(codes) ? { ...codes, tags: (await rasters.open(asset.href)).tags } : codes);
  const scalesHref = method.method === 'per_vector' ? scalesOf(item, method.scalesKey) : null;
  return { asset: asVectors(described, method), recipe: { grid, bands: names.length, decode: { method, scalesHref } } };
}

function scalesOf(item: StacItem, key: string): string {
  const { href } = item.assets[key]!;
  if (/^https?:/i.test(href)) return href;
  throw badUrl(`the scales of item '${item.id}' lie at ${href.split(':')[0]}:, which can't be read from here`);
}

function knownGrid(item: StacItem, asset: StacAsset): Grid | null {
  const of = (name: string) => asset[name] ?? item.properties[name];
  const crs = of('proj:code') ?? of('proj:wkt2');
  if (typeof crs !== 'string') return null;
  try {
    return assetGrid(item, { ...asset, 'proj:code': parseCrs(crs) });
  } catch {
    // A code that is not known here: the file may say it in another way.
    return null;
  }
}

function projection({ crs, originX, originY, stepX, stepY, width, height }: Grid): Record<string, unknown> {
  return { 'proj:code': crs, 'proj:shape': [height, width], 'proj:transform': [stepX, 0, originX, 0, -stepY, originY] };
}

function bandNames(asset: StacAsset): string[] | null {
  const names = (asset.bands ?? []).map((band) => band.name);
  return names.length > 0 && names.every((name) => typeof name === 'string' && name !== '') ? (names as string[]) : null;
}

const DTYPES: ReadonlySet<string> = new Set<DType>(['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float16', 'float32', 'float64']);

/** The sample type of all bands; null when it is not told. */
function dtypeOf(asset: StacAsset): DType | null {
  const types = new Set([...(asset.bands ?? []).map((band) => band['data_type']), asset['data_type']].filter((type) => type !== undefined));
  const [only] = types;
  return types.size === 1 && typeof only === 'string' && DTYPES.has(only) ? (only as DType) : null;
}

/** Names for bands that metadata do not name: the file's, the collection's, or the key of the asset. */
function namesIn(file: RasterFile, key: string, collection: Fields | null, isVectors: boolean): string[] {
  const own = file.bands.map((band) => band.name?.trim() ?? '');
  if (own.every((name) => name !== '') && new Set(own).size === own.length) return own;
  const listed = collectionNames(collection);
  if (listed.length === own.length && (own.length > 1 || isVectors)) return listed;
  if (isVectors) return own.map((_, i) => `e${String(i).padStart(3, '0')}`);
  return own.length === 1 ? [key] : own.map((_, i) => `${key}_${i + 1}`);
}

/** Bands in the order of a collection: of its cube:dimensions, its bands, or the summaries of before STAC 1.1. */
export function collectionNames(collection: Fields | null): string[] {
  for (const dimension of Object.values((collection?.['cube:dimensions'] ?? {}) as Record<string, Fields>)) {
    if (dimension?.['type'] === 'bands' && Array.isArray(dimension['values'])) return dimension['values'].map(String);
  }
  const summaries = collection?.['summaries'] as Fields | undefined;
  const bands = [collection?.['bands'], summaries?.['bands'], summaries?.['eo:bands']].find(Array.isArray) as readonly StacBand[] | undefined;
  return (bands ?? []).flatMap((band) => (typeof band?.name === 'string' ? [band.name] : []));
}

function describedBands(asset: StacAsset, names: readonly string[], file: RasterFile | null): StacBand[] {
  return names.map((name, i) => {
    const header = file?.bands[i];
    return {
      ...(header && header.nodata !== null ? { nodata: header.nodata } : {}),
      ...(header && header.scale !== null ? { 'raster:scale': header.scale } : {}),
      ...(header && header.offset !== null ? { 'raster:offset': header.offset } : {}),
      ...asset.bands?.[i],
      name,
    };
  });
}

/** Vectors are float32 (bits uint8) without scale and offset: those have been applied. */
function asVectors(asset: StacAsset, { method }: Dequantization): StacAsset {
  const ofCodes = new Set(['raster:scale', 'raster:offset', 'nodata', 'data_type']);
  const decoded = <T extends object>(fields: T) => Object.fromEntries(Object.entries(fields).filter(([name]) => !ofCodes.has(name))) as T;
  const bands = asset.bands!.map(decoded);
  return { ...decoded(asset), data_type: method === 'binary' ? 'uint8' : 'float32', bands };
}

/** The error when none of the items found has anything to load. */
export function nothingToRead(count: number, passed: readonly string[], url: string): Error {
  const why = passed.length > 0 ? `: ${passed[0]}` : '; GeoTIFF files that are reached by http or https are read';
  return badUrl(`none of the ${count} items at ${shown(url)} has a raster asset that can be read${why}`);
}
