/** STAC 1.0 items as 1.1: one `bands` array instead of eo:bands and raster:bands, proj:code instead of proj:epsg. */
import type { StacAsset, StacBand } from '../types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Versions of extensions whose fields are rewritten here. */
const successors: Readonly<Record<string, string>> = {
  'https://stac-extensions.github.io/eo/v1': 'https://stac-extensions.github.io/eo/v2.0.0/schema.json',
  'https://stac-extensions.github.io/raster/v1': 'https://stac-extensions.github.io/raster/v2.0.0/schema.json',
  'https://stac-extensions.github.io/projection/v1': 'https://stac-extensions.github.io/projection/v2.0.0/schema.json',
};

/** Extension schemas after the upgrade, each once. */
export function upgradeExtensions(list: readonly string[]): string[] {
  return [...new Set(list.map((uri) => successors[uri.replace(/\.\d+\.\d+(-[\w.]+)?\/schema\.json$/, '')] ?? uri))];
}

/** proj:epsg → proj:code, in item properties and assets alike. */
export function upgradeProjection(fields: Fields): Record<string, unknown> {
  const { 'proj:epsg': epsg, ...rest } = fields;
  if (epsg === undefined) return rest;
  return { ...rest, 'proj:code': rest['proj:code'] ?? (typeof epsg === 'number' ? `EPSG:${epsg}` : null) };
}

/** Merges eo:bands and raster:bands, band by band, into `bands`. A 1.1 asset comes out as it went in. */
export function upgradeAsset(asset: Fields): StacAsset {
  const { 'eo:bands': eo, 'raster:bands': raster, bands, ...rest } = upgradeProjection(withoutOwn(asset));
  const merged = Array.isArray(bands) ? (bands as StacBand[]) : merge(listOf(eo).map(eoBand), listOf(raster).map(rasterBand));
  return { ...(rest as Fields & { href: string }), ...(merged.length === 0 ? {} : { bands: merged }) };
}

/** Fields of assets that only this service sets (see catalog/shift.ts): in the hands of others they would name files of others. */
const own = new Set(['lamina:shift', 'lamina:file']);

function withoutOwn(asset: Fields): Fields {
  return Object.keys(asset).some((name) => own.has(name)) ? Object.fromEntries(Object.entries(asset).filter(([name]) => !own.has(name))) : asset;
}

const listOf = (value: unknown) => (Array.isArray(value) ? (value as Fields[]) : []);

function merge(eo: readonly StacBand[], raster: readonly StacBand[]): StacBand[] {
  return Array.from({ length: Math.max(eo.length, raster.length) }, (_, i) => ({ ...eo[i], ...raster[i] }));
}

function eoBand(band: Fields): StacBand {
  return rename(band, { common_name: 'eo:common_name', center_wavelength: 'eo:center_wavelength', full_width_half_max: 'eo:full_width_half_max', solar_illumination: 'eo:solar_illumination' });
}

function rasterBand(band: Fields): StacBand {
  return rename(band, { scale: 'raster:scale', offset: 'raster:offset', spatial_resolution: 'raster:spatial_resolution', sampling: 'raster:sampling', bits_per_sample: 'raster:bits_per_sample', histogram: 'raster:histogram' });
}

function rename(fields: Fields, names: Readonly<Record<string, string>>): StacBand {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [names[key] ?? key, value]));
}
