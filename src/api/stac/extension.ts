/** GET /extensions/lamina/v1.0.0/schema.json: the schema of the fields `lamina:*`. */
import type { RequestHandler } from 'express';
import { LAMINA_EXTENSION_PATH, laminaSchema, usesLamina } from '../../layers/lamina-extension.ts';
import type { StacContext } from './dependencies.ts';
import { SCHEMA_TYPE, sendJson } from './respond.ts';

export function extensionSchema(context: StacContext): RequestHandler {
  return (_request, response) => sendJson(response, laminaSchema(laminaExtension(context.baseUrl)), SCHEMA_TYPE);
}

/** The URL by which objects of this service name the extension; `baseUrl` is that of the STAC API. */
const laminaExtension = (baseUrl: string) => `${baseUrl}${LAMINA_EXTENSION_PATH}`;

/** The extensions of an object as clients see it: with ours, where it has fields of it. That of another Lamina is the same. */
export function shownExtensions(object: { readonly stac_extensions: readonly string[] }, baseUrl: string): readonly string[] {
  const others = object.stac_extensions.filter((url) => !url.endsWith(LAMINA_EXTENSION_PATH));
  return usesLamina(object) ? [...others, laminaExtension(baseUrl)] : others;
}
