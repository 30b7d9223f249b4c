/** GET /extensions/lamina/v1.0.0/schema.json: the schema of the fields `lamina:*`. */
import type { RequestHandler } from 'express';
import { CLASSIFICATION, hasClasses } from '../../catalog/class-codes.ts';
import type { StacLink } from '../../catalog/types.ts';
import { LAMINA_EXTENSION_PATH, laminaSchema, usesLamina } from '../../layers/lamina-extension.ts';
import { RENDER, WEB_MAP_LINKS } from '../../layers/renders.ts';
import type { StacContext } from './dependencies.ts';
import { SCHEMA_TYPE, sendJson } from './respond.ts';

export function extensionSchema(context: StacContext): RequestHandler {
  return (_request, response) => sendJson(response, laminaSchema(laminaExtension(context.baseUrl)), SCHEMA_TYPE);
}

/** The URL by which objects of this service name the extension; `baseUrl` is that of the STAC API. */
const laminaExtension = (baseUrl: string) => `${baseUrl}${LAMINA_EXTENSION_PATH}`;

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
    ...(object.links.some(({ rel }) => mapRels.has(rel)) ? [WEB_MAP_LINKS] : []),
    ...((object.renders ?? object.properties?.['renders']) === undefined ? [] : [RENDER]),
    ...(hasClasses(object.assets) || hasClasses(object.item_assets as Readonly<Record<string, object>> | undefined) ? [CLASSIFICATION] : []),
    ...(usesLamina(object) ? [laminaExtension(baseUrl)] : []),
  ];
  // What somebody else wrote may follow another version of them.
  return [...others, ...added.filter((url) => !others.some((other) => nameOf(other) === nameOf(url)))];
}
