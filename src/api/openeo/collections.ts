/** GET /collections and GET /collections/{collection_id}. */
import type { Request, Response } from 'express';
import type { StacCollection, StacLink } from '../../catalog/types.ts';
import { OpenEOError } from '../../errors.ts';
import { shownExtensions } from '../../layers/extensions.ts';
import { pageOfList } from '../http/page.ts';
import { mapLinks } from '../tiles/map-links.ts';
import type { Context } from './endpoint.ts';
import { pathVariable } from './endpoint.ts';

export async function listCollections(context: Context, request: Request, response: Response): Promise<void> {
  const api = context.url(request);
  const { entries, links } = pageOfList(request, `${api}/collections`, await context.catalog.collections(context.visitor), ({ id }) => id);
  response.json({
    collections: entries.map((collection) => shown(collection, api, context.baseUrl(request))),
    links: [
      { rel: 'self', href: `${api}/collections`, type: 'application/json' },
      { rel: 'root', href: `${api}/`, type: 'application/json' },
      { rel: 'parent', href: `${api}/`, type: 'application/json' },
      ...links,
    ],
  });
}

export async function describeCollection(context: Context, request: Request, response: Response): Promise<void> {
  const id = pathVariable(request, 'collection_id');
  const collection = await context.catalog.collection(id, context.visitor);
  if (collection === null) throw new OpenEOError('CollectionNotFound', { identifier: id });
  response.json(shown(collection, context.url(request), context.baseUrl(request)));
}

/** Clients look for queryables under this relation. */
const queryablesRelation = 'http://www.opengis.net/def/rel/ogc/1.0/queryables';

/** Links of the stored collection that name its place in another API, or point into the service's inside. */
const ownRelations = ['self', 'root', 'parent', 'collection', 'item', 'items', queryablesRelation];

function shown(collection: StacCollection, api: string, base: string): StacCollection {
  const path = collection.id.split('/').map(encodeURIComponent).join('/');
  const links: StacLink[] = [
    { rel: 'self', href: `${api}/collections/${path}`, type: 'application/json' },
    { rel: 'root', href: `${api}/`, type: 'application/json' },
    { rel: 'parent', href: `${api}/collections`, type: 'application/json' },
    { rel: 'items', href: `${base}/stac/collections/${encodeURIComponent(collection.id)}/items`, type: 'application/geo+json' },
    { rel: queryablesRelation, href: `${api}/collections/${path}/queryables`, type: 'application/schema+json' },
  ];
  const kept = collection.links.filter(({ rel, href }) => !ownRelations.includes(rel) && !href.startsWith('file:'));
  const all = [...links, ...[...kept, ...mapLinks({ ...collection, links: kept })].map((link) => absolute(link, base))];
  return { ...collection, stac_extensions: shownExtensions({ ...collection, links: all }, `${base}/stac`), links: all };
}

/** Paths of the service, such as tiles, become URLs. */
function absolute(link: StacLink, base: string): StacLink {
  return link.href.startsWith('/') ? { ...link, href: base + link.href } : link;
}
