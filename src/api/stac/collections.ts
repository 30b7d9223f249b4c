/** GET /collections: all collections, raw and virtual, or those that are searched for. */
import type { Request, RequestHandler } from 'express';
import { pageOfList } from '../http/page.ts';
import { queryText } from '../http/query.ts';
import { parseWords, searchCollections, type CollectionQuery } from './collection-search.ts';
import type { StacContext } from './dependencies.ts';
import { chooseFields } from './fields.ts';
import { parseFieldChoice, parsePage } from './parse-query.ts';
import { presentCollection, rootLink, selfUrl } from './present.ts';
import { JSON_TYPE, sendJson, StacRequestError } from './respond.ts';

/** What makes a collection, where a client wants as little as possible. */
const least = ['type', 'stac_version', 'id', 'title', 'description', 'license', 'extent', 'links'];

/** Parameters that links to other pages repeat. */
const parameters = ['bbox', 'datetime', 'q', 'sortby', 'fields'];

export function collections(context: StacContext): RequestHandler {
  return async (request, response) => {
    const found = searchCollections(await context.collections.collections(context.user), searchOf(request));
    const fields = parseFieldChoice(request.query);
    const { entries, links } = pageOfList(request, `${context.baseUrl}/collections`, found, ({ id }) => id, keptOf(request));
    const shown = entries.map((collection) => presentCollection(collection, context));
    sendJson(response, {
      collections: fields ? shown.map((collection) => chooseFields(collection, fields, least)) : shown,
      links: [{ rel: 'self', href: selfUrl(context, request.originalUrl, '/collections'), type: JSON_TYPE }, rootLink(context), ...links],
      numberMatched: found.length,
      numberReturned: entries.length,
    });
  };
}

/** Throws StacRequestError (400). */
function searchOf(request: Request): CollectionQuery {
  const { q: _, limit: __, token: ___, ...rest } = request.query;
  const unsupported = ['query', 'filter'].find((name) => rest[name] !== undefined);
  if (unsupported) throw new StacRequestError(400, 'UnsupportedParameter', `The parameter '${unsupported}' is not supported for collections; see /conformance for what is.`);
  const { bbox, datetime, sortby } = parsePage(rest);
  const words = parseWords(queryText(request, 'q') ?? '');
  return { ...(bbox ? { bbox } : {}), ...(datetime ? { datetime } : {}), ...(sortby ? { sortby } : {}), ...(words.length > 0 ? { words } : {}) };
}

function keptOf(request: Request): Record<string, string> {
  return Object.fromEntries(parameters.flatMap((name) => (typeof request.query[name] === 'string' ? [[name, request.query[name]]] : [])));
}
