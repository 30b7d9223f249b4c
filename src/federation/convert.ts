/**
 * Items of another catalog as ours: STAC 1.1, under our collection, with the bands that the collection names
 * and the scale and offset that their samples really have.
 */
import { takeOver } from '../catalog/ingest/stac-source.ts';
import type { StacAsset, StacBand, StacCollection, StacItem } from '../catalog/types.ts';
import { boxOf, GeometryError, parseGeometry } from '../geo/geometry.ts';
import { objectUrl } from './asset-fetch.ts';
import { upstreamOf, type BandPlace, type OffsetCondition, type Upstream } from './definition.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Where assets of others may lie. A file or object of this service is none of theirs, whatever they write. */
const PUBLIC = /^(https?|s3|gs|az|abfss?|ftp):/i;

/** Items of the catalog under a collection of ours. Make it once for many items. */
export class Converter {
  readonly #collection: StacCollection;
  readonly #upstream: Upstream;
  readonly #bands: ReadonlyMap<string, StacBand>;
  /** Key of an asset → the bands that lie in it. */
  readonly #places = new Map<string, { readonly band: string; readonly place: BandPlace }[]>();

  constructor(collection: StacCollection) {
    this.#collection = collection;
    this.#upstream = upstreamOf(collection)!;
    this.#bands = new Map((collection.bands ?? []).map((band) => [band.name!, band]));
    for (const [band, place] of Object.entries(this.#upstream.bands ?? {})) this.#places.set(place.asset, [...(this.#places.get(place.asset) ?? []), { band, place }]);
  }

  /**
   * The item as it is shown. null for what is no item, has no place or time, or belongs to another collection.
   *
   * @param base what relative references are relative to
   */
  item(raw: unknown, base: string): StacItem | null {
    if (typeof raw !== 'object' || raw === null) return null;
    const fields = raw as Fields;
    const { collection } = fields;
    if (typeof collection === 'string' && collection !== this.#upstream.collection) return null;
    try {
      const item = takeOver(withPlace(fields), base, this.#collection.id);
      return 'reason' in item ? null : this.#described(item);
    } catch (error) {
      // What others publish may have any shape.
      if (error instanceof TypeError || error instanceof RangeError || error instanceof GeometryError || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /**
   * The item as its pixels are read: only assets with bands of the collection, from where they are read, with
   * `lamina:shift` where samples are to be brought to the collection's offset, and `lamina:file`, which names a file
   * whose href is another one each time.
   */
  readable(item: StacItem): StacItem {
    const entries = Object.entries(item.assets).filter(([key, asset]) => asset.bands !== undefined && (this.#places.size === 0 || this.#places.has(key)));
    return { ...item, assets: Object.fromEntries(entries.map(([key, asset]) => [key, this.#read(key, asset)])) };
  }

  #described(item: StacItem): StacItem {
    const offset = this.#offsetOf(item);
    const reachable = Object.entries(item.assets).filter(([, { href }]) => PUBLIC.test(href));
    const assets = Object.fromEntries(reachable.map(([key, asset]) => [key, this.#asset(key, asset, offset)]));
    return { ...item, assets, properties: codesOf(assets, item), links: item.links.filter(({ href }) => /^https?:/i.test(href)) };
  }

  #asset(key: string, asset: StacAsset, offset: number | null): StacAsset {
    const places = this.#places.get(key);
    if (!places) return this.#places.size === 0 ? asset : withoutBandNames(asset);
    const own = asset.bands ?? [];
    const bands = Array.from({ length: Math.max(own.length, ...places.map(({ place }) => (place.index ?? 0) + 1)) }, (_, i): StacBand => {
      const named = places.find(({ place }) => (place.index ?? 0) === i);
      return named ? this.#band(named.band, own[i] ?? {}, asset, offset) : (own[i] ?? {});
    });
    return { ...asset, bands };
  }

  /** What the item says of a band comes before what the collection says; the offset by the rule before both. */
  #band(name: string, own: StacBand, asset: StacAsset, offset: number | null): StacBand {
    const ofCollection = this.#bands.get(name) ?? {};
    const missing = ['data_type', 'nodata', 'raster:scale', 'raster:offset', 'classification:classes'].filter((field) => ofCollection[field] !== undefined && own[field] === undefined && asset[field] === undefined);
    const isOffset = offset !== null && ofCollection['raster:offset'] !== undefined;
    return { ...own, ...Object.fromEntries(missing.map((field) => [field, ofCollection[field]])), name, ...(isOffset ? { 'raster:offset': offset } : {}) };
  }

  #offsetOf(item: StacItem): number | null {
    const rules = this.#upstream.offset ?? [];
    const rule = rules.find(({ when = {} }) => Object.entries(when).every(([name, condition]) => meets(item.properties[name], condition)));
    return rule ? rule.offset : null;
  }

  #read(key: string, asset: StacAsset): StacAsset {
    const places = this.#places.get(key) ?? [];
    const alternate = places.map(({ place }) => place.alternate).find((name) => name !== undefined);
    const other = alternate === undefined ? undefined : (asset['alternate'] as Record<string, { href?: unknown }> | undefined)?.[alternate]?.href;
    const shift = this.#shiftOf(asset);
    const href = this.#reachable(typeof other === 'string' && PUBLIC.test(other) ? other : asset.href);
    const isSigned = this.#upstream.access?.some((access) => access.type === 'signed' && href.startsWith(access.prefix)) ?? false;
    return { ...asset, href, ...(isSigned ? { 'lamina:file': href.replace(/[?#].*$/, '') } : {}), ...(shift === 0 ? {} : { 'lamina:shift': shift }) };
  }

  /** Objects of S3 have an https form too, which is how they are read. */
  #reachable(href: string): string {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(href) ?? [];
    const access = this.#upstream.access?.find((each) => each.type === 's3' && href.startsWith(each.prefix));
    if (bucket === undefined || access?.type !== 's3') return href;
    return objectUrl(access, bucket, key!.split('/').map(encodeURIComponent).join('/'));
  }

  /** Samples added to each stored one, so that the scale and offset of the collection hold. */
  #shiftOf(asset: StacAsset): number {
    for (const band of asset.bands ?? []) {
      const wanted = this.#bands.get(band.name ?? '');
      const [scale, offset] = [wanted?.['raster:scale'], wanted?.['raster:offset']];
      const own = band['raster:offset'];
      if (typeof scale !== 'number' || scale === 0 || typeof offset !== 'number' || typeof own !== 'number') continue;
      return Math.round((own - offset) / scale);
    }
    return 0;
  }
}

/** A picture of some bands must not be taken for the bands themselves. */
function withoutBandNames(asset: StacAsset): StacAsset {
  const nameless = (band: StacBand) => Object.fromEntries(Object.entries(band).filter(([field]) => field !== 'name'));
  return asset.bands === undefined ? asset : { ...asset, bands: asset.bands.map(nameless) };
}

/** Some catalogs leave out the box of an item, which is that of its geometry. */
function withPlace(fields: Fields): Fields {
  const { bbox, geometry } = fields;
  if (Array.isArray(bbox) || geometry === null || geometry === undefined) return fields;
  return { ...fields, bbox: boxOf(parseGeometry(geometry)) };
}

/** The reference system of all assets as a property of the item, where the item does not say it. */
function codesOf(assets: StacItem['assets'], { properties }: StacItem): StacItem['properties'] {
  const codes = new Set(Object.values(assets).map((asset) => asset['proj:code']).filter((code) => typeof code === 'string'));
  return properties['proj:code'] !== undefined || codes.size !== 1 ? properties : { ...properties, 'proj:code': [...codes][0] };
}

function meets(value: unknown, condition: OffsetCondition): boolean {
  if (typeof condition !== 'object') return value === condition;
  return typeof value === 'string' && value >= condition.from;
}
