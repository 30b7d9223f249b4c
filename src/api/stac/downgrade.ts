/**
 * STAC 1.1 documents as STAC 1.0, for clients that know no other: `eo:bands` and `raster:bands` instead of `bands`,
 * `proj:epsg` instead of `proj:code`, and the extensions of that time. The way back is in catalog/ingest/upgrade.ts.
 */

type Fields = Readonly<Record<string, unknown>>;

const extension = (name: string, version: string) => `https://stac-extensions.github.io/${name}/v${version}/schema.json`;
/** Extensions that follow STAC 1.1 → what they were before. */
const predecessors: ReadonlyMap<string, string> = new Map([['eo', '1.1.0'], ['raster', '1.1.0'], ['projection', '1.1.0']].map(([name, version]) => [extension(name!, '2.0.0'), extension(name!, version!)]));
const ITEM_ASSETS = extension('item-assets', '1.0.0');

/** Fields of a band or an asset that stood in raster:bands → their names there. */
const rasterFields: ReadonlyMap<string, string> = new Map([
  ...['data_type', 'nodata', 'unit', 'statistics'].map((name) => [name, name] as const),
  ...['scale', 'offset', 'spatial_resolution', 'sampling', 'bits_per_sample', 'histogram'].map((name) => [`raster:${name}`, name] as const),
]);

/** Any answer of the STAC API: an item, a collection, a catalog, or a list of them. What is none of these stays. */
export function downgraded(document: unknown): unknown {
  if (typeof document !== 'object' || document === null) return document;
  const { type, features, collections, children } = document as Fields;
  if (type === 'Feature') return downgradeItem(document as Fields);
  if (type === 'Collection') return downgradeCollection(document as Fields);
  if (type === 'Catalog') return { ...document, stac_version: '1.0.0' };
  if (Array.isArray(features)) return { ...document, features: features.map(downgraded) };
  if (Array.isArray(collections)) return { ...document, collections: collections.map(downgraded) };
  return Array.isArray(children) ? { ...document, children: children.map(downgraded) } : document;
}

function downgradeItem(item: Fields): Fields {
  const { properties, assets } = item as { properties?: Fields; assets?: Readonly<Record<string, Fields>> };
  const parts = {
    ...(properties ? { properties: withEoBands(downgradeProjection(properties)) } : {}),
    ...(assets ? { assets: mapFields(assets, downgradeAsset) } : {}),
  };
  // A page may leave members of items out.
  if (!('stac_version' in item)) return { ...item, ...parts };
  return { ...item, ...parts, stac_version: '1.0.0', ...(Array.isArray(item['stac_extensions']) ? { stac_extensions: extensionsOf(item['stac_extensions'] as string[], parts) } : {}) };
}

function downgradeCollection(collection: Fields): Fields {
  const { bands, license, item_assets: kinds, assets, summaries = {}, stac_extensions: extensions = [], ...rest } = collection as Fields & { item_assets?: Readonly<Record<string, Fields>>; assets?: Readonly<Record<string, Fields>>; summaries?: Fields; stac_extensions?: readonly string[] };
  const { bands: summarised, 'proj:code': codes, ...others } = summaries;
  const named = bandsOf(bands ?? summarised).map(eoBand).filter((band) => Object.keys(band).length > 0);
  const parts = {
    summaries: {
      ...others,
      ...(Array.isArray(codes) ? { 'proj:epsg': codes.map(epsgOf).filter((code) => code !== null) } : {}),
      ...(named.length > 0 ? { 'eo:bands': named } : {}),
    },
    ...(kinds ? { item_assets: mapFields(kinds, downgradeAsset) } : {}),
    ...(assets ? { assets: mapFields(assets, downgradeAsset) } : {}),
  };
  return { ...rest, ...parts, stac_version: '1.0.0', ...(license === undefined ? {} : { license: oldLicense(license) }), stac_extensions: [...extensionsOf(extensions, parts), ...(kinds ? [ITEM_ASSETS] : [])] };
}

/** The eo extension of that time asks for a field of it; objects that named it for bands alone have them under its name now. */
function extensionsOf(list: readonly string[], parts: Fields): string[] {
  const text = JSON.stringify(parts);
  const before = list.map((url) => predecessors.get(url) ?? url);
  const isUsed = (url: string) => !/\/(eo|raster)\/v1/.test(url) || text.includes(url.includes('/eo/') ? '"eo:' : '"raster:');
  const added = [...(text.includes('"eo:bands"') ? [extension('eo', '1.1.0')] : []), ...(text.includes('"raster:bands"') ? [extension('raster', '1.1.0')] : [])];
  return [...new Set([...before.filter(isUsed), ...added])];
}

function downgradeAsset(asset: Fields): Fields {
  const { bands, ...rest } = downgradeProjection(asset);
  const own = Object.fromEntries(Object.entries(rest).filter(([name]) => rasterFields.has(name)));
  const left = Object.fromEntries(Object.entries(rest).filter(([name]) => !rasterFields.has(name)));
  const list = bandsOf(bands);
  // What holds for the whole file was said of each of its bands.
  const raster = (list.length > 0 ? list : [{}]).map((band) => renamed({ ...own, ...band }));
  const eo = list.map(eoBand);
  return {
    ...left,
    ...(eo.some((band) => Object.keys(band).length > 0) ? { 'eo:bands': eo } : {}),
    ...(raster.some((band) => Object.keys(band).length > 0) ? { 'raster:bands': raster } : {}),
  };
}

/** Bands of properties, as models have them. */
function withEoBands({ bands, ...properties }: Fields): Fields {
  const list = bandsOf(bands);
  return list.length > 0 ? { ...properties, 'eo:bands': list.map(eoBand) } : properties;
}

const bandsOf = (bands: unknown): Fields[] => (Array.isArray(bands) ? (bands as Fields[]) : []);

const renamed = (band: Fields): Fields => Object.fromEntries(Object.entries(band).flatMap(([name, value]) => (rasterFields.has(name) ? [[rasterFields.get(name)!, value]] : [])));

/** Common names that came with STAC 1.1 → what such bands were called. */
const commonNames: ReadonlyMap<unknown, string> = new Map([['rededge071', 'rededge'], ['rededge075', 'rededge'], ['rededge078', 'rededge'], ['green05', 'green']]);

/** A band without what raster:bands say of it. Names of that time had no prefix. */
function eoBand(band: Fields): Fields {
  const kept = Object.entries(band).filter(([name]) => !rasterFields.has(name) && name !== 'gsd');
  return Object.fromEntries(kept.map(([name, value]) => [name.replace(/^eo:/, ''), name === 'eo:common_name' ? (commonNames.get(value) ?? value) : value]));
}

function downgradeProjection({ 'proj:code': code, ...rest }: Fields): Fields {
  return code === undefined ? rest : { ...rest, 'proj:epsg': epsgOf(code) };
}

/** null where the reference system has no number of EPSG. */
function epsgOf(code: unknown): number | null {
  const number = /^EPSG:(\d+)$/.exec(String(code))?.[1];
  return number === undefined ? null : Number(number);
}

/** Before 1.1 a licence was one identifier of SPDX, or one of two words. */
function oldLicense(license: unknown): unknown {
  if (license === 'other') return 'proprietary';
  return typeof license === 'string' && !/^[\w.+-]+$/.test(license) ? 'various' : license;
}

const mapFields = (fields: Readonly<Record<string, Fields>>, change: (value: Fields) => Fields) => Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, change(value)]));
