/**
 * Which STAC extensions an object uses. Their schemas refuse an object that lists one and has no field of it.
 * What this service writes lists those of fields with a prefix; pictures, maps and classes come to objects of all
 * kinds on their way to clients, and are listed there.
 */
import { CLASSIFICATION, hasClasses } from '../catalog/class-codes.ts';
import type { StacLink } from '../catalog/types.ts';
import { LAMINA_EXTENSION_PATH, laminaExtension, usesLamina } from './lamina-extension.ts';

const RENDER = 'https://stac-extensions.github.io/render/v2.0.0/schema.json';
const WEB_MAP_LINKS = 'https://stac-extensions.github.io/web-map-links/v1.2.0/schema.json';
/** Its fields have no prefix of their own, so whoever writes one lists it. */
export const VERSION_EXTENSION = 'https://stac-extensions.github.io/version/v1.2.0/schema.json';

/** Prefix of the fields → schema. The embeddings schema still demands STAC 1.0.0, so it is not here. */
const schemas = {
  cube: 'https://stac-extensions.github.io/datacube/v2.3.0/schema.json',
  eo: 'https://stac-extensions.github.io/eo/v2.0.0/schema.json',
  processing: 'https://stac-extensions.github.io/processing/v1.2.0/schema.json',
  proj: 'https://stac-extensions.github.io/projection/v2.0.0/schema.json',
  raster: 'https://stac-extensions.github.io/raster/v2.0.0/schema.json',
  table: 'https://stac-extensions.github.io/table/v1.2.0/schema.json',
} as const;

/**
 * Schemas of the extensions that have a field in the given parts of an object, sorted. Of an item give
 * properties and assets, of a collection summaries, item_assets and `cube:dimensions`: there the schemas look.
 */
export function usedExtensions(...parts: readonly unknown[]): string[] {
  const prefixes = new Set<string>();
  for (const part of parts) collectPrefixes(part, prefixes);
  return Object.entries(schemas).filter(([prefix]) => prefixes.has(prefix)).map(([, schema]) => schema);
}

function collectPrefixes(value: unknown, prefixes: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    const [prefix, name] = key.split(':');
    // What is inside of a field is its own business, e.g. the process graph of processing:expression.
    if (name === undefined) collectPrefixes(inner, prefixes);
    else prefixes.add(prefix!);
  }
}

const mapRels = new Set(['xyz', 'tilejson', 'wmts', 'wms']);

/** A schema's URL without the version. */
const nameOf = (url: string) => url.replace(/\/v[^/]*\/schema\.json$/, '');

interface Shown {
  readonly stac_extensions: readonly string[];
  readonly links: readonly StacLink[];
  readonly renders?: unknown;
  readonly assets?: Readonly<Record<string, object>>;
  readonly item_assets?: unknown;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/**
 * The extensions of an object as clients see it, with its links: with those of maps, pictures and classes, and with ours,
 * where it has fields of it. That of another Lamina is the same.
 */
export function shownExtensions(object: Shown, baseUrl: string): readonly string[] {
  const others = object.stac_extensions.filter((url) => !url.endsWith(LAMINA_EXTENSION_PATH));
  const added = [
    ...((object.renders ?? object.properties?.['renders']) === undefined ? [] : [RENDER]),
    ...(object.links.some(({ rel }) => mapRels.has(rel)) ? [WEB_MAP_LINKS] : []),
    ...(hasClasses(object.assets) || hasClasses(object.item_assets as Readonly<Record<string, object>> | undefined) ? [CLASSIFICATION] : []),
    ...(usesLamina(object) ? [laminaExtension(baseUrl)] : []),
  ];
  // What somebody else wrote may follow another version of them.
  return [...others, ...added.filter((url) => !others.some((other) => nameOf(other) === nameOf(url)))];
}
