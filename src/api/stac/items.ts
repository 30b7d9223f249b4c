/** GET /collections/{collection_id}/items: the items of a collection, newest first. */
import type { RequestHandler } from 'express';
import { findCollection } from './collection.ts';
import type { StacContext } from './dependencies.ts';
import { parseFieldChoice, parsePage } from './parse-query.ts';
import { collectionUrl, nextLink, presentPage, selfUrl } from './present.ts';
import { sendPage } from './page-forms.ts';
import { JSON_TYPE, pathParameter } from './respond.ts';

export function items(context: StacContext): RequestHandler {
  return async (request, response) => {
    const { id } = await findCollection(context, pathParameter(request, 'collectionId'));
    const fields = parseFieldChoice(request.query);
    const page = await context.items.search({ ...parsePage(request.query), collections: [id], user: context.user });
    const self = selfUrl(context, request.originalUrl, `/collections/${encodeURIComponent(id)}/items`);
    const parent = { rel: 'collection', href: collectionUrl(context, id), type: JSON_TYPE };
    await sendPage(request, response, presentPage(page, self, [parent, ...nextLink(self, page.next)], context, fields));
  };
}
