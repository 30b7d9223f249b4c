/** GET /collections/{collection_id}/items: the items of a collection, newest first. */
import type { RequestHandler } from 'express';
import { findCollection } from './collection.ts';
import type { StacDependencies } from './dependencies.ts';
import { parsePage } from './parse-query.ts';
import { collectionUrl, nextLink, presentPage, selfUrl } from './present.ts';
import { GEOJSON_TYPE, JSON_TYPE, pathParameter, sendJson } from './respond.ts';

export function items(dependencies: StacDependencies): RequestHandler {
  return async (request, response) => {
    const { id } = await findCollection(dependencies, pathParameter(request, 'collectionId'));
    const page = await dependencies.items.search({ ...parsePage(request.query), collections: [id] });
    const self = selfUrl(dependencies, request.originalUrl, `/collections/${encodeURIComponent(id)}/items`);
    const parent = { rel: 'collection', href: collectionUrl(dependencies, id), type: JSON_TYPE };
    sendJson(response, presentPage(page, self, [parent, ...nextLink(self, page.next)], dependencies), GEOJSON_TYPE);
  };
}
