/** GET /collections/{collection_id}/items/{item_id} */
import type { RequestHandler } from 'express';
import { findCollection } from './collection.ts';
import type { StacContext } from './dependencies.ts';
import { presentItem } from './present.ts';
import { GEOJSON_TYPE, notFound, pathParameter, sendJson } from './respond.ts';
import { tagOf } from './state-tag.ts';

export function item(context: StacContext): RequestHandler {
  return async (request, response) => {
    const { id: collectionId } = await findCollection(context, pathParameter(request, 'collectionId'));
    const itemId = pathParameter(request, 'itemId');
    const found = await context.items.get(collectionId, itemId);
    if (!found) throw notFound('item', itemId);
    const shown = presentItem(found, context);
    response.set('ETag', tagOf(found, shown));
    sendJson(response, shown, GEOJSON_TYPE);
  };
}
