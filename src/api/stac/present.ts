/** Stored objects as clients see them: with the links of this API, and assets that can be fetched. */
import { withClasses } from '../../catalog/class-codes.ts';
import type { ItemPage } from '../../catalog/item-source.ts';
import type { StacAsset, StacCollection, StacItem, StacLink } from '../../catalog/types.ts';
import { shownExtensions } from '../../layers/extensions.ts';
import { mapLinks } from '../tiles/map-links.ts';
import type { StacContext } from './dependencies.ts';
import { chooseFields, type FieldChoice } from './fields.ts';
import { GEOJSON_TYPE, JSON_TYPE, SCHEMA_TYPE } from './respond.ts';

export const SORTABLES_REL = 'http://www.opengis.net/def/rel/ogc/1.0/sortables';
export const QUERYABLES_REL = 'http://www.opengis.net/def/rel/ogc/1.0/queryables';

/** Links that only this API can set; what a source says under these names is dropped. */
const ownRels = new Set(['self', 'root', 'parent', 'collection', 'items', 'item', 'child', 'data', 'children', 'search', 'aggregate', 'aggregations', 'conformance', QUERYABLES_REL, SORTABLES_REL]);

/** The links a source or a layer gave; paths of the service become URLs. */
const foreignLinks = (links: readonly StacLink[], { baseUrl }: StacContext) =>
  links.filter((link) => !ownRels.has(link.rel)).map((link) => (link.href.startsWith('/') ? { ...link, href: link.href.startsWith('/stac/') ? `${baseUrl}${link.href.slice('/stac'.length)}` : `${serviceUrl(baseUrl)}${link.href}` } : link));

/** URL of a collection; its items are under '/items'. */
export function collectionUrl({ baseUrl }: StacContext, id: string): string {
  return `${baseUrl}/collections/${encodeURIComponent(id)}`;
}

/** URL of the service whose STAC API has this URL, in either version. */
export function serviceUrl(baseUrl: string): string {
  return baseUrl.replace(/\/stac(\/1\.0\.0)?$/, '');
}

export function rootLink({ baseUrl, title }: StacContext): StacLink {
  return { rel: 'root', href: `${baseUrl}/`, type: JSON_TYPE, title };
}

export function presentCollection(collection: StacCollection, context: StacContext): StacCollection {
  const url = collectionUrl(context, collection.id);
  const kinds = isComputed(collection) ? undefined : (collection['item_assets'] as StacItem['assets'] | undefined);
  const shown = {
    ...collection,
    ...(kinds ? { item_assets: withClasses(kinds) } : {}),
    links: [
      { rel: 'self', href: url, type: JSON_TYPE },
      rootLink(context),
      { rel: 'parent', href: `${context.baseUrl}/`, type: JSON_TYPE, title: context.title },
      { rel: 'items', href: `${url}/items`, type: GEOJSON_TYPE },
      { rel: 'child', href: `${url}/catalog`, type: JSON_TYPE, title: 'All items' },
      { rel: QUERYABLES_REL, href: `${url}/queryables`, type: SCHEMA_TYPE },
      { rel: SORTABLES_REL, href: `${url}/sortables`, type: SCHEMA_TYPE },
      { rel: 'aggregations', href: `${url}/aggregations`, type: JSON_TYPE },
      { rel: 'aggregate', href: `${url}/aggregate`, type: JSON_TYPE },
      ...foreignLinks(collection.links, context),
      ...mapLinks(collection).map((link) => ({ ...link, href: `${serviceUrl(context.baseUrl)}${link.href}` })),
    ],
  };
  return { ...shown, stac_extensions: shownExtensions(shown, context.baseUrl) };
}

export function presentItem(item: StacItem, context: StacContext): StacItem {
  const collection = collectionUrl(context, item.collection);
  const shown = {
    ...item,
    links: [
      { rel: 'self', href: `${collection}/items/${encodeURIComponent(item.id)}`, type: GEOJSON_TYPE },
      rootLink(context),
      { rel: 'parent', href: collection, type: JSON_TYPE },
      { rel: 'collection', href: collection, type: JSON_TYPE },
      ...foreignLinks(item.links, context),
    ],
    assets: Object.fromEntries(Object.entries(isComputed(item.properties) ? item.assets : withClasses(item.assets)).map(([key, asset]) => [key, presentAsset(item, key, asset, context)])),
  };
  return { ...shown, stac_extensions: shownExtensions(shown, context.baseUrl) };
}

/** Whether an object's files are made by this service: what bands of the same name meant elsewhere may not hold for them. */
const isComputed = (fields: object) => ['lamina:layer', 'lamina:files', 'lamina:job', 'lamina:materialisation'].some((name) => name in fields);

/** Paths on our disk and keys of our store stay inside: clients get a signed URL instead. */
function presentAsset(item: StacItem, key: string, asset: StacAsset, { signAsset, baseUrl }: StacContext): StacAsset {
  const isPublic = /^(https?|s3|gs|az|abfs|ftp):/i.test(asset.href);
  return isPublic ? asset : { ...asset, href: new URL(signAsset(item.collection, item.id, key, asset.href), baseUrl).href };
}

/** One page of items as a GeoJSON FeatureCollection; `links` come after self and root. */
export function presentPage(page: ItemPage, self: string, links: readonly StacLink[], context: StacContext, fields: FieldChoice | null = null): Record<string, unknown> {
  const shown = page.items.map((item) => presentItem(item, context));
  return {
    type: 'FeatureCollection',
    features: fields ? shown.map((item) => chooseFields({ ...item }, fields)) : shown,
    links: [{ rel: 'self', href: self, type: GEOJSON_TYPE }, rootLink(context), ...links],
    ...(page.numberMatched === null ? {} : { numberMatched: page.numberMatched }),
    numberReturned: page.items.length,
    // Other catalogs that could not be asked: what they have is missing here.
    ...(page.missing ? { 'lamina:missing': page.missing } : {}),
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
export function selfUrl({ baseUrl }: StacContext, originalUrl: string, path: string): string {
  const query = originalUrl.indexOf('?');
  return `${baseUrl}${path}${query < 0 ? '' : originalUrl.slice(query)}`;
}
