/** Stored objects as clients see them: with the links of this API, and assets that can be fetched. */
import type { ItemPage } from '../../catalog/item-source.ts';
import type { StacAsset, StacCollection, StacItem, StacLink } from '../../catalog/types.ts';
import type { StacDependencies } from './dependencies.ts';
import { GEOJSON_TYPE, JSON_TYPE, SCHEMA_TYPE } from './respond.ts';

export const QUERYABLES_REL = 'http://www.opengis.net/def/rel/ogc/1.0/queryables';

/** Links that only this API can set; what a source says under these names is dropped. */
const ownRels = new Set(['self', 'root', 'parent', 'collection', 'items', 'item', 'child', 'data', 'search', 'conformance', QUERYABLES_REL]);

const foreignLinks = (links: readonly StacLink[]) => links.filter((link) => !ownRels.has(link.rel));

/** URL of a collection; its items are under '/items'. */
export function collectionUrl({ baseUrl }: StacDependencies, id: string): string {
  return `${baseUrl}/collections/${encodeURIComponent(id)}`;
}

export function rootLink({ baseUrl, title }: StacDependencies): StacLink {
  return { rel: 'root', href: `${baseUrl}/`, type: JSON_TYPE, title };
}

export function presentCollection(collection: StacCollection, dependencies: StacDependencies): StacCollection {
  const url = collectionUrl(dependencies, collection.id);
  return {
    ...collection,
    links: [
      { rel: 'self', href: url, type: JSON_TYPE },
      rootLink(dependencies),
      { rel: 'parent', href: `${dependencies.baseUrl}/`, type: JSON_TYPE, title: dependencies.title },
      { rel: 'items', href: `${url}/items`, type: GEOJSON_TYPE },
      { rel: QUERYABLES_REL, href: `${url}/queryables`, type: SCHEMA_TYPE },
      ...foreignLinks(collection.links),
    ],
  };
}

export function presentItem(item: StacItem, dependencies: StacDependencies): StacItem {
  const collection = collectionUrl(dependencies, item.collection);
  return {
    ...item,
    links: [
      { rel: 'self', href: `${collection}/items/${encodeURIComponent(item.id)}`, type: GEOJSON_TYPE },
      rootLink(dependencies),
      { rel: 'parent', href: collection, type: JSON_TYPE },
      { rel: 'collection', href: collection, type: JSON_TYPE },
      ...foreignLinks(item.links),
    ],
    assets: Object.fromEntries(Object.entries(item.assets).map(([key, asset]) => [key, presentAsset(item, key, asset, dependencies)])),
  };
}

/** Paths on our disk and keys of our store stay inside: clients get a signed URL instead. */
function presentAsset(item: StacItem, key: string, asset: StacAsset, { signAsset, baseUrl }: StacDependencies): StacAsset {
  const isPublic = /^(https?|s3|gs|az|abfs|ftp):/i.test(asset.href);
  return isPublic ? asset : { ...asset, href: new URL(signAsset(item.collection, item.id, key), baseUrl).href };
}

/** One page of items as a GeoJSON FeatureCollection; `links` come after self and root. */
export function presentPage(page: ItemPage, self: string, links: readonly StacLink[], dependencies: StacDependencies): Record<string, unknown> {
  return {
    type: 'FeatureCollection',
    features: page.items.map((item) => presentItem(item, dependencies)),
    links: [{ rel: 'self', href: self, type: GEOJSON_TYPE }, rootLink(dependencies), ...links],
    ...(page.numberMatched === null ? {} : { numberMatched: page.numberMatched }),
    numberReturned: page.items.length,
  };
}

/** `next` of a page that was asked for with GET: the same URL with another token. */
export function nextLink(self: string, token: string | null): StacLink[] {
  if (token === null) return [];
  const url = new URL(self);
  url.searchParams.set('token', token);
  return [{ rel: 'next', href: url.href, type: GEOJSON_TYPE, method: 'GET' }];
}

/** The public URL of a request: ours, not the one that a proxy talks to. */
export function selfUrl({ baseUrl }: StacDependencies, originalUrl: string, path: string): string {
  const query = originalUrl.indexOf('?');
  return `${baseUrl}${path}${query < 0 ? '' : originalUrl.slice(query)}`;
}
