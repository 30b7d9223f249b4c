/** GET /: the root catalog, from which clients find everything else. */
import type { RequestHandler } from 'express';
import type { StacLink } from '../../catalog/types.ts';
import { conformsTo } from './conformance.ts';
import type { StacContext } from './dependencies.ts';
import { collectionUrl, QUERYABLES_REL, rootLink, SORTABLES_REL } from './present.ts';
import { GEOJSON_TYPE, JSON_TYPE, OLD_VERSION, OPENAPI_TYPE, SCHEMA_TYPE, sendJson } from './respond.ts';

export function landing(context: StacContext): RequestHandler {
  return async (_request, response) => {
    const collections = await context.collections.collections(context.user);
    const children = collections.map(({ id, title }): StacLink => ({ rel: 'child', href: collectionUrl(context, id), type: JSON_TYPE, title: title ?? id }));
    sendJson(response, {
      type: 'Catalog',
      stac_version: '1.1.0',
      id: 'lamina',
      title: context.title,
      description: context.description,
      conformsTo,
      links: [...fixedLinks(context), ...otherVersion(context), ...(context.links ?? []), ...children],
    });
  };
}

/** Where older clients find the same. */
function otherVersion({ baseUrl }: StacContext): StacLink[] {
  const end = `/${OLD_VERSION}`;
  return baseUrl.endsWith(end)
    ? [{ rel: 'alternate', href: `${baseUrl.slice(0, -end.length)}/`, type: JSON_TYPE, title: 'This catalog as STAC 1.1' }]
    : [{ rel: 'alternate', href: `${baseUrl}${end}/`, type: JSON_TYPE, title: 'This catalog as STAC 1.0' }];
}

function fixedLinks(context: StacContext): StacLink[] {
  const { baseUrl, title } = context;
  return [
    { rel: 'self', href: `${baseUrl}/`, type: JSON_TYPE, title },
    rootLink(context),
    { rel: 'service-desc', href: `${baseUrl}/api`, type: OPENAPI_TYPE, title: 'Description of this API' },
    { rel: 'service-doc', href: `${baseUrl}/api.html`, type: 'text/html', title: 'Documentation of this API' },
    { rel: 'conformance', href: `${baseUrl}/conformance`, type: JSON_TYPE, title: 'Conformance classes' },
    { rel: 'data', href: `${baseUrl}/collections`, type: JSON_TYPE, title: 'Collections' },
    { rel: 'search', href: `${baseUrl}/search`, type: GEOJSON_TYPE, method: 'GET', title: 'Item search' },
    { rel: 'search', href: `${baseUrl}/search`, type: GEOJSON_TYPE, method: 'POST', title: 'Item search' },
    { rel: 'http://www.opengis.net/def/rel/ogc/1.0/functions', href: `${baseUrl}/functions`, type: JSON_TYPE, title: 'Functions of filters' },
    { rel: QUERYABLES_REL, href: `${baseUrl}/queryables`, type: SCHEMA_TYPE, title: 'Queryables' },
    { rel: SORTABLES_REL, href: `${baseUrl}/sortables`, type: SCHEMA_TYPE, title: 'Sortables' },
    { rel: 'aggregations', href: `${baseUrl}/aggregations`, type: JSON_TYPE, title: 'What can be counted' },
    { rel: 'aggregate', href: `${baseUrl}/aggregate`, type: JSON_TYPE, title: 'Counts of items' },
    { rel: 'children', href: `${baseUrl}/children`, type: JSON_TYPE, title: 'All collections' },
  ];
}
