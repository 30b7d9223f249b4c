/** GET /collections: all collections, raw and virtual. */
import type { RequestHandler } from 'express';
import { pageOfList } from '../http/page.ts';
import type { StacContext } from './dependencies.ts';
import { presentCollection, rootLink } from './present.ts';
import { JSON_TYPE, sendJson } from './respond.ts';

export function collections(context: StacContext): RequestHandler {
  return async (request, response) => {
    const all = await context.collections.collections(context.user);
    const here = `${context.baseUrl}/collections`;
    const { entries, links } = pageOfList(request, here, all, ({ id }) => id);
    sendJson(response, {
      collections: entries.map((collection) => presentCollection(collection, context)),
      links: [{ rel: 'self', href: here, type: JSON_TYPE }, rootLink(context), ...links],
      numberMatched: all.length,
      numberReturned: entries.length,
    });
  };
}
