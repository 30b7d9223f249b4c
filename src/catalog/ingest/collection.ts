/** The STAC Collection of a set of items: everything in it that can be derived from them is derived. */
import { epsgCode, WGS84 } from '../../geo/crs.ts';
import { flatBox } from '../item-search.ts';
import { intervalOfItem, unionInterval } from '../interval.ts';
import type { StacAsset, StacBand, StacCollection, StacItem } from '../types.ts';
import { extensions } from './item.ts';

export interface CollectionText {
  readonly title?: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly license?: string;
}

const DATACUBE = 'https://stac-extensions.github.io/datacube/v2.3.0/schema.json';

/**
 * The collection of `items` (at least one). What people wrote comes from `text`, else from the existing
 * collection; extents, dimensions, bands and summaries always come from the items.
 */
export function deriveCollection(id: string, items: readonly StacItem[], text: CollectionText, existing: StacCollection | null): StacCollection {
  const bands = bandsOf(items);
  const codes = distinct(items.flatMap((item) => gridsOf(item).map((grid) => grid.code)));
  const bbox = unionBox(items.map((item) => flatBox(item.bbox)));
  const interval = items.map(intervalOfItem).reduce((known, more) => unionInterval(known, more));
  const assets = itemAssets(items);
  const title = text.title ?? existing?.title ?? id;
  return {
    ...existing,
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: [DATACUBE, ...extensionsIn({ bands, assets, codes })],
    id,
    title,
    description: text.description ?? existing?.description ?? describe(title, bands, codes),
    keywords: text.keywords ?? existing?.keywords ?? distinct(['Earth observation', 'raster', ...codes]),
    license: text.license ?? existing?.license ?? 'other',
    extent: { spatial: { bbox: [bbox] }, temporal: { interval: [interval] } },
    'cube:dimensions': dimensionsOf(items, bands, codes, bbox, interval),
    summaries: summariesOf(items, bands, codes),
    bands,
    item_assets: assets,
    links: existing?.links ?? [],
  };
}

/** An extension may be declared only where its fields are. */
function extensionsIn({ bands, assets, codes }: { readonly bands: readonly StacBand[]; readonly assets: object; readonly codes: readonly string[] }): string[] {
  const fields = JSON.stringify([bands, assets]);
  const uses = (prefix: string) => fields.includes(`"${prefix}:`);
  return [...(codes.length > 0 ? [extensions.projection] : []), ...(uses('raster') ? [extensions.raster] : []), ...(uses('eo') ? [extensions.eo] : [])];
}

function describe(title: string, bands: readonly StacBand[], codes: readonly string[]): string {
  const names = bands.map((band) => band.name).join(', ');
  return `${title}: raster files with the bands ${names}, in ${codes.join(', ') || 'a coordinate reference system without code'}. They lie where they were found and are read from there.`;
}

/** Every band once, in the order in which items have them, with the ground sampling distance of its finest asset. */
function bandsOf(items: readonly StacItem[]): StacBand[] {
  const found = new Map<string, StacBand & { gsd?: number }>();
  for (const asset of items.flatMap((item) => Object.values(item.assets))) {
    const gsd = asset['gsd'] as number | undefined;
    for (const { nodata: _, statistics: __, ...band } of asset.bands ?? []) {
      if (band.name === undefined) continue;
      const known = found.get(band.name);
      if (!known) found.set(band.name, { ...band, ...(gsd === undefined ? {} : { gsd }) });
      else if (gsd !== undefined && gsd < (known.gsd ?? Infinity)) found.set(band.name, { ...known, gsd });
    }
  }
  return [...found.values()].sort((a, b) => naturally(a.name!, b.name!));
}

/** B2 before B10, and B8A between B8 and B9 (B08, B8A, B09). */
function naturally(a: string, b: string): number {
  const [x, y] = [bandNumber(a), bandNumber(b)];
  if (x !== null && y !== null) return x - y;
  if (x !== null || y !== null) return x === null ? 1 : -1;
  return 0;
}

function bandNumber(name: string): number | null {
  const [, digits, letter] = /^B(\d{1,2})(A?)$/.exec(name) ?? [];
  return digits === undefined ? null : Number(digits) + (letter === 'A' ? 0.5 : 0);
}

interface AssetGrid {
  readonly code: string;
  readonly step: number;
  /** west, south, east, north in the CRS. */
  readonly box: readonly number[];
}

function gridsOf(item: StacItem): AssetGrid[] {
  return Object.values(item.assets).flatMap((asset) => {
    const of = (key: string) => asset[key] ?? item.properties[key];
    const [code, transform, shape] = [of('proj:code'), of('proj:transform'), of('proj:shape')];
    if (!asset.bands || typeof code !== 'string' || !Array.isArray(transform) || !Array.isArray(shape)) return [];
    const [step, , west, , down, north] = transform as number[];
    const [height, width] = shape as number[];
    const edges = [north!, north! + height! * down!];
    return [{ code, step: step!, box: [west!, Math.min(...edges), west! + width! * step!, Math.max(...edges)] }];
  });
}

function dimensionsOf(items: readonly StacItem[], bands: readonly StacBand[], codes: readonly string[], bbox: readonly number[], interval: readonly [string, string]): Record<string, unknown> {
  return {
    ...spatialDimensions(items, codes, bbox),
    t: { type: 'temporal', extent: interval },
    bands: { type: 'bands', values: bands.map((band) => band.name) },
  };
}

/** In the CRS of the items when they agree on one, else in degrees without a step. */
function spatialDimensions(items: readonly StacItem[], codes: readonly string[], bbox: readonly number[]): Record<string, unknown> {
  const axis = (name: 'x' | 'y', extent: number[], rest: object) => ({ [name]: { type: 'spatial', axis: name, extent, ...rest } });
  const grids = codes.length === 1 ? items.flatMap(gridsOf) : [];
  if (grids.length === 0) {
    const [west, south, east, north] = bbox as [number, number, number, number];
    const rest = { reference_system: epsgCode(WGS84) };
    return { ...axis('x', west > east ? [-180, 180] : [west, east], rest), ...axis('y', [south, north], rest) };
  }
  const edge = (i: number, pick: (...values: number[]) => number) => grids.map((grid) => grid.box[i]!).reduce((a, b) => pick(a, b));
  const rest = { step: Math.min(...grids.map((grid) => grid.step)), reference_system: epsgCode(codes[0]!) };
  return { ...axis('x', [edge(0, Math.min), edge(2, Math.max)], rest), ...axis('y', [edge(1, Math.min), edge(3, Math.max)], rest) };
}

function summariesOf(items: readonly StacItem[], bands: readonly StacBand[], codes: readonly string[]): Record<string, unknown> {
  const gsd = distinct(bands.map((band) => band['gsd'])).filter((value) => typeof value === 'number').sort((a, b) => a - b);
  const ofItems = (key: string) => distinct(items.flatMap((item) => item.properties[key] ?? []));
  const optional = { 'proj:code': codes, gsd, platform: ofItems('platform'), constellation: ofItems('constellation'), instruments: ofItems('instruments') };
  return {
    ...Object.fromEntries(Object.entries(optional).filter(([, values]) => values.length > 0)),
    // Clients of before STAC 1.1 look for bands here, under this name and with unprefixed fields.
    'eo:bands': bands.map((band) => Object.fromEntries(Object.entries(band).map(([key, value]) => [key.replace(/^eo:/, ''), value]))),
  };
}

/** What every item offers under an asset key, without what is particular to one file. */
function itemAssets(items: readonly StacItem[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const [key, asset] of items.flatMap((item) => Object.entries(item.assets))) found[key] ??= commonFields(asset);
  return found;
}

function commonFields({ type, title, roles, bands, data_type: dataType, gsd, 'raster:spatial_resolution': resolution }: StacAsset): Record<string, unknown> {
  const ofAll = bands?.map((band) => Object.fromEntries(Object.entries(band).filter(([field]) => field !== 'statistics')));
  const fields = { type, title, roles, data_type: dataType, gsd, 'raster:spatial_resolution': resolution, bands: ofAll };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** East is less than west in the result when the box crosses the antimeridian. */
export function unionBox(boxes: readonly (readonly [number, number, number, number])[]): number[] {
  // Where one box crosses, those on the far side are counted on beyond 180.
  const crosses = boxes.some(([, , east]) => east > 180);
  const turned = boxes.map(([west, south, east, north]) => (crosses && east < 0 ? [west + 360, south, east + 360, north] : [west, south, east, north]));
  const edge = (i: number, pick: (...values: number[]) => number) => turned.map((box) => box[i]!).reduce((a, b) => pick(a, b));
  const [west, south, east, north] = [edge(0, Math.min), edge(1, Math.min), edge(2, Math.max), edge(3, Math.max)];
  if (east - west >= 360) return [-180, south, 180, north];
  return [west, south, east > 180 ? east - 360 : east, north];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
