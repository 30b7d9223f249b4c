/** GET /extensions/lamina/v1.0.0/schema.json: the schema of the fields `lamina:*`. */
import type { RequestHandler } from 'express';
import { laminaExtension, laminaSchema } from '../../layers/lamina-extension.ts';
import type { StacContext } from './dependencies.ts';
import { SCHEMA_TYPE, sendJson } from './respond.ts';

export function extensionSchema(context: StacContext): RequestHandler {
  return (_request, response) => sendJson(response, laminaSchema(laminaExtension(context.baseUrl)), SCHEMA_TYPE);
}
