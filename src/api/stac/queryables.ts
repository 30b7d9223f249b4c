/** GET /queryables and /collections/{collection_id}/queryables: properties that searches know, as JSON Schema. */
import type { RequestHandler } from 'express';
import { findCollection } from './collection.ts';
import type { StacContext } from './dependencies.ts';
import { collectionUrl } from './present.ts';
import { pathParameter, SCHEMA_TYPE, sendJson } from './respond.ts';

const properties = {
  id: { title: 'Item id', type: 'string' },
  collection: { title: 'Collection id', type: 'string' },
  geometry: { title: 'Footprint', description: 'GeoJSON geometry in longitude and latitude (WGS 84)', type: 'object' },
  datetime: { title: 'Acquisition time', type: 'string', format: 'date-time' },
} as const;

export function queryables(context: StacContext): RequestHandler {
  return async (request, response) => {
    const id = pathParameter(request, 'collectionId');
    const subject = id === '' ? null : await findCollection(context, id);
    sendJson(response, {
      $schema: 'https://json-schema.org/draft/2019-09/schema',
      $id: subject ? `${collectionUrl(context, subject.id)}/queryables` : `${context.baseUrl}/queryables`,
      type: 'object',
      title: subject ? `Queryables of ${subject.title ?? subject.id}` : 'Queryables of all collections',
      properties,
      additionalProperties: true,
    }, SCHEMA_TYPE);
  };
}
