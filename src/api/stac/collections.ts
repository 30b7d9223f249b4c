/** GET /collections: all collections, raw and virtual. */
import type { RequestHandler } from 'express';
import type { StacContext } from './dependencies.ts';
import { presentCollection, rootLink } from './present.ts';
import { JSON_TYPE, sendJson } from './respond.ts';

export function collections(context: StacContext): RequestHandler {
  return async (_request, response) => {
    const all = await context.collections.collections(context.user);
    sendJson(response, {
      collections: all.map((collection) => presentCollection(collection, context)),
      links: [{ rel: 'self', href: `${context.baseUrl}/collections`, type: JSON_TYPE }, rootLink(context)],
      numberMatched: all.length,
      numberReturned: all.length,
    });
  };
}
