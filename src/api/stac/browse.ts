/**
 * GET /collections/{collection_id}/catalog: the items of a collection as a STAC Catalog, for clients that follow
 * `child` and `item` links and search nothing. A catalog has some items, and the rest of them as its child.
 */
import type { RequestHandler } from 'express';
import type { StacLink } from '../../catalog/types.ts';
import { findCollection } from './collection.ts';
import type { StacContext } from './dependencies.ts';
import { queryText } from '../http/query.ts';
import { collectionUrl, rootLink } from './present.ts';
import { GEOJSON_TYPE, JSON_TYPE, pathParameter, sendJson } from './respond.ts';

const ITEMS = 200;

export function browse(context: StacContext): RequestHandler {
  return async (request, response) => {
    const { id, title } = await findCollection(context, pathParameter(request, 'collectionId'));
    const token = queryText(request, 'token');
    const { items, next } = await context.items.search({ collections: [id], user: context.user, limit: ITEMS, ...(token === undefined ? {} : { token }) });
    const [url, here] = [collectionUrl(context, id), catalogUrl(context, id)];
    const rest: StacLink[] = next === null ? [] : [{ rel: 'child', href: catalogUrl(context, id, next), type: JSON_TYPE, title: 'More items' }];
    sendJson(response, {
      type: 'Catalog',
      stac_version: '1.1.0',
      id: token === undefined ? `${id}-items` : `${id}-items-${token}`,
      title: `Items of ${title ?? id}`,
      description: token === undefined ? `The items of the collection '${id}', newest first.` : `More items of the collection '${id}'.`,
      links: [
        { rel: 'self', href: token === undefined ? here : catalogUrl(context, id, token), type: JSON_TYPE },
        rootLink(context),
        { rel: 'parent', href: token === undefined ? url : here, type: JSON_TYPE },
        ...items.map((item): StacLink => ({ rel: 'item', href: `${url}/items/${encodeURIComponent(item.id)}`, type: GEOJSON_TYPE, title: item.id })),
        ...rest,
      ],
    });
  };
}

/** URL of the catalog of a collection's items, or of those of them that come after a token. */
export function catalogUrl(context: StacContext, id: string, token?: string): string {
  return `${collectionUrl(context, id)}/catalog${token === undefined ? '' : `?token=${encodeURIComponent(token)}`}`;
}
