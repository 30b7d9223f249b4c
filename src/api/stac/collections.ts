/** GET /collections: all collections, raw and virtual. */
import type { RequestHandler } from 'express';
import type { StacDependencies } from './dependencies.ts';
import { presentCollection, rootLink } from './present.ts';
import { JSON_TYPE, sendJson } from './respond.ts';

export function collections(dependencies: StacDependencies): RequestHandler {
  return async (_request, response) => {
    const all = await dependencies.collections.collections();
    sendJson(response, {
      collections: all.map((collection) => presentCollection(collection, dependencies)),
      links: [{ rel: 'self', href: `${dependencies.baseUrl}/collections`, type: JSON_TYPE }, rootLink(dependencies)],
      numberMatched: all.length,
      numberReturned: all.length,
    });
  };
}
