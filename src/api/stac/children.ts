/** GET /children: what the landing page links to as `child`, as a whole. */
import type { RequestHandler } from 'express';
import type { StacContext } from './dependencies.ts';
import { pageOfList } from '../http/page.ts';
import { presentCollection, rootLink } from './present.ts';
import { JSON_TYPE, sendJson } from './respond.ts';

export function children(context: StacContext): RequestHandler {
  return async (request, response) => {
    const all = await context.collections.collections(context.user);
    const here = `${context.baseUrl}/children`;
    const { entries, links } = pageOfList(request, here, all, ({ id }) => id);
    sendJson(response, {
      children: entries.map((collection) => presentCollection(collection, context)),
      links: [{ rel: 'self', href: here, type: JSON_TYPE }, rootLink(context), ...links],
      numberMatched: all.length,
      numberReturned: entries.length,
    });
  };
}
