/** Which STAC extensions an object uses. Their schemas refuse an object that lists one and has no field of it. */

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
