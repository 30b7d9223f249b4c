/** GET /collections/{collection_id}/items/{item_id} */
import type { RequestHandler } from 'express';
import { findCollection } from './collection.ts';
import type { StacDependencies } from './dependencies.ts';
import { presentItem } from './present.ts';
import { GEOJSON_TYPE, notFound, pathParameter, sendJson } from './respond.ts';

export function item(dependencies: StacDependencies): RequestHandler {
  return async (request, response) => {
    const { id: collectionId } = await findCollection(dependencies, pathParameter(request, 'collectionId'));
    const itemId = pathParameter(request, 'itemId');
    const found = await dependencies.items.get(collectionId, itemId);
    if (!found) throw notFound('item', itemId);
    sendJson(response, presentItem(found, dependencies), GEOJSON_TYPE);
  };
}
