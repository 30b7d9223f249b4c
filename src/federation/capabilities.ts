/** What a catalog can do, as its landing page tells. */
import type { Answer } from './client.ts';
import { UpstreamError } from '../catalog/item-query.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface Capabilities {
  /** 'static': files that link to each other; everything is done here. */
  readonly kind: 'api' | 'static';
  /** Where searches go. */
  readonly searchUrl: string;
  readonly method: 'POST' | 'GET';
  /** False: only the items of a collection can be listed, by box and time. */
  readonly hasSearch: boolean;
  readonly query: boolean;
  readonly sort: boolean;
  readonly filter: 'cql2-json' | 'cql2-text' | null;
  /** Classes of CQL2, by their last names: 'basic-cql2', 'spatial-functions', … */
  readonly cql2: ReadonlySet<string>;
}

/** Names of classes in drafts of CQL2 that are still in use. */
const formerNames: Readonly<Record<string, string>> = {
  'basic-spatial-operators': 'basic-spatial-functions',
  'spatial-operators': 'spatial-functions',
  'temporal-operators': 'temporal-functions',
  'array-operators': 'array-functions',
};

/**
 * Reads a landing page. Catalogs behind proxies name hosts that nobody reaches, so links count only below `url`.
 * Throws UpstreamError (UpstreamInvalid) for what is no catalog.
 *
 * @param conformance gives what /conformance answers, for landing pages without a list of their own
 */
export async function readCapabilities(url: string, collection: { readonly own: string; readonly theirs: string }, landing: Answer, conformance: () => Promise<Fields | null>): Promise<Capabilities> {
  const { fields } = landing;
  if (fields === null) throw new UpstreamError('UpstreamUnavailable', collection.own, 'there is nothing at its URL');
  if (!['Catalog', 'Collection', 'FeatureCollection', 'Feature'].includes(String(fields['type']))) throw new UpstreamError('UpstreamInvalid', collection.own, 'its landing page is not a STAC catalog');
  const classes = classesOf(fields) ?? (hasLink(fields, 'conformance') ? classesOf((await conformance()) ?? {}) : null);
  if (classes === null) return { kind: 'static', searchUrl: url, method: 'GET', hasSearch: false, query: false, sort: false, filter: null, cql2: new Set() };
  const has = (pattern: RegExp) => classes.some((uri) => pattern.test(uri));
  const hasSearch = has(/\/item-search\/?$/) || hasLink(fields, 'search');
  const isPost = hasSearch && searchMethods(fields).includes('POST');
  const part = hasSearch ? 'item-search' : 'ogcapi-features';
  const cql2 = new Set(classes.flatMap((uri) => /\/conf\/([a-z0-9-]+)$/.exec(uri)?.[1] ?? []).map((name) => formerNames[name] ?? name));
  return {
    kind: 'api',
    searchUrl: hasSearch ? `${url}/search` : `${url}/collections/${encodeURIComponent(collection.theirs)}/items`,
    method: isPost ? 'POST' : 'GET',
    hasSearch,
    query: has(new RegExp(`${part}#query$`)),
    sort: has(new RegExp(`${part}#sort$`)),
    filter: filterLanguage(has(new RegExp(`${part}#filter$`)) || has(/\/features-filter$/), isPost, cql2),
    cql2,
  };
}

function classesOf(fields: Fields): string[] | null {
  const list = fields['conformsTo'];
  return Array.isArray(list) ? (list as unknown[]).filter((uri) => typeof uri === 'string') : null;
}

function filterLanguage(hasFilter: boolean, isPost: boolean, cql2: ReadonlySet<string>): Capabilities['filter'] {
  if (!hasFilter || !cql2.has('basic-cql2')) return null;
  if (isPost && cql2.has('cql2-json')) return 'cql2-json';
  return cql2.has('cql2-text') && !isPost ? 'cql2-text' : null;
}

function linksOf(fields: Fields): Fields[] {
  return Array.isArray(fields['links']) ? (fields['links'] as unknown[]).filter((link): link is Fields => typeof link === 'object' && link !== null) : [];
}

const hasLink = (fields: Fields, rel: string) => linksOf(fields).some((link) => link['rel'] === rel);

const searchMethods = (fields: Fields) => linksOf(fields).filter((link) => link['rel'] === 'search').map(({ method }) => (typeof method === 'string' ? method.toUpperCase() : 'GET'));
