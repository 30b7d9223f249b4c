/** GET /collections: all collections, raw and virtual, or those that are searched for. */
import type { Request, RequestHandler } from 'express';
import { pageOfList } from '../http/page.ts';
import { queryText } from '../http/query.ts';
import { queryablesOf } from '../../catalog/cql2/queryables.ts';
import { typesOfAll } from './collection-fields.ts';
import { parseWords, searchCollections, type CollectionQuery } from './collection-search.ts';
import type { StacContext } from './dependencies.ts';
import { chooseFields } from './fields.ts';
import { parseFilterText } from './parse-filter.ts';
import { parseFieldChoice, parsePage } from './parse-query.ts';
import { presentCollection, QUERYABLES_REL, rootLink, selfUrl, SORTABLES_REL } from './present.ts';
import { JSON_TYPE, SCHEMA_TYPE, sendJson } from './respond.ts';

/** What makes a collection, where a client wants as little as possible. */
const least = ['type', 'stac_version', 'id', 'title', 'description', 'license', 'extent', 'links'];

/** Parameters that links to other pages repeat. */
const parameters = ['bbox', 'datetime', 'q', 'query', 'filter', 'filter-lang', 'filter-crs', 'sortby', 'fields', 'stac_version'];

/** What filters know of collections; other names may be asked for too. */
const queryables = queryablesOf(typesOfAll);

export function collections(context: StacContext): RequestHandler {
  return async (request, response) => {
    const found = searchCollections(await context.collections.collections(context.user), searchOf(request));
    const fields = parseFieldChoice(request.query);
    const { entries, links } = pageOfList(request, `${context.baseUrl}/collections`, found, ({ id }) => id, keptOf(request));
    const shown = entries.map((collection) => presentCollection(collection, context));
    sendJson(response, {
      collections: fields ? shown.map((collection) => chooseFields(collection, fields, least)) : shown,
      links: [{ rel: 'self', href: selfUrl(context, request.originalUrl, '/collections'), type: JSON_TYPE }, rootLink(context), ...schemaLinks(context), ...links],
      numberMatched: found.length,
      numberReturned: entries.length,
    });
  };
}

/** What collections, not items, can be searched and sorted by. */
function schemaLinks({ baseUrl }: StacContext): { rel: string; href: string; type: string; title: string }[] {
  return [
    { rel: QUERYABLES_REL, href: `${baseUrl}/collections-queryables`, type: SCHEMA_TYPE, title: 'Queryables of collections' },
    { rel: SORTABLES_REL, href: `${baseUrl}/collections-sortables`, type: SCHEMA_TYPE, title: 'Sortables of collections' },
  ];
}

/** Throws StacRequestError (400). */
function searchOf(request: Request): CollectionQuery {
  const { q: _, limit: __, token: ___, filter, 'filter-lang': language, 'filter-crs': crs, ...rest } = request.query;
  const { bbox, datetime, sortby, where } = parsePage(rest);
  const parsed = parseFilterText({ filter, 'filter-lang': language, 'filter-crs': crs }, queryables);
  const words = parseWords(queryText(request, 'q') ?? '');
  return { ...(bbox ? { bbox } : {}), ...(datetime ? { datetime } : {}), ...(sortby ? { sortby } : {}), ...(where ? { where } : {}), ...(parsed ? { filter: parsed } : {}), ...(words.length > 0 ? { words } : {}) };
}

function keptOf(request: Request): Record<string, string> {
  return Object.fromEntries(parameters.flatMap((name) => (typeof request.query[name] === 'string' ? [[name, request.query[name]]] : [])));
}
