/** Items from STAC documents: an item, an ItemCollection, a collection with its items, from a file or a URL. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StacCollection, StacItem, StacLink } from '../types.ts';
import type { Refusal } from './report.ts';
import { upgradeAsset, upgradeExtensions, upgradeProjection } from './upgrade.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface StacHarvest {
  readonly items: readonly StacItem[];
  readonly refused: readonly Refusal[];
  readonly warnings: readonly string[];
  readonly collection?: StacCollection;
}

const FETCH_TIMEOUT_MS = 30_000;
/** A page of items is never that large; a service that sends more is broken. */
const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024;

/** True for what is read as STAC: URLs and JSON files. */
export function isStacSource(source: string): boolean {
  return /^https?:\/\//i.test(source) || /\.(geo)?json$/i.test(source);
}

/** Links of an item that stay true wherever it is kept. */
const LASTING_RELS = new Set(['derived_from', 'license', 'cite-as', 'about', 'canonical', 'processing-expression']);

/** Reads up to `limit` items; what can't be taken over is refused with its reason. */
export async function readStac(source: string, collection: string, limit: number): Promise<StacHarvest> {
  const url = /^https?:/i.test(source) ? source : pathToFileURL(resolve(source)).href;
  const refused: Refusal[] = [];
  const items: StacItem[] = [];
  let origin: StacCollection | undefined;
  try {
    for await (const { document, base } of walk(url, new Set())) {
      if (document['type'] === 'Collection') origin ??= document as unknown as StacCollection;
      for (const raw of itemsIn(document)) {
        const item = items.length < limit ? takeOver(raw, base, collection) : null;
        if (item === null) break;
        if ('reason' in item) refused.push(item);
        else items.push(item);
      }
      if (items.length >= limit) break;
    }
  } catch (error) {
    refused.push({ source, reason: (error as Error).message });
  }
  const warnings = items.length >= limit ? [`Only the first ${limit} items of ${source} were taken; raise --limit for more.`] : [];
  return { items, refused, warnings, ...(origin ? { collection: withoutLinks(origin) } : {}) };
}

interface Visit {
  readonly document: Fields;
  /** URL that relative references are relative to. */
  readonly base: string;
}

/** The document, and what it leads to: the items of a collection, the next page of a list. */
async function* walk(url: string, seen: Set<string>): AsyncGenerator<Visit> {
  if (seen.has(url)) return;
  seen.add(url);
  const document = await readJson(url);
  yield { document, base: url };
  const follow = document['type'] === 'Collection' ? collectionLinks(document) : document['type'] === 'FeatureCollection' ? linksOf(document, 'next') : [];
  for (const link of follow) {
    if (link.method !== undefined && link.method.toUpperCase() !== 'GET') continue;
    yield* walk(new URL(link.href, url).href, seen);
  }
}

/** An API's collection has one link to all its items, a static one a link to each. */
function collectionLinks(document: Fields): StacLink[] {
  const list = linksOf(document, 'items');
  return list.length > 0 ? list.slice(0, 1) : linksOf(document, 'item');
}

const linksOf = (document: Fields, rel: string) => ((document['links'] as StacLink[] | undefined) ?? []).filter((link) => link.rel === rel);

async function readJson(url: string): Promise<Fields> {
  const text = url.startsWith('file:') ? await readFile(new URL(url), 'utf8') : await fetchText(url);
  const value = JSON.parse(text) as unknown;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('it is not a STAC document');
  const { type } = value as Fields;
  if (!['Feature', 'FeatureCollection', 'Collection'].includes(type as string)) throw new Error(`it is neither an Item, an ItemCollection nor a Collection, but '${String(type)}'`);
  return value as Fields;
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { headers: { Accept: 'application/geo+json, application/json' }, signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  if (Number(response.headers.get('content-length') ?? 0) > MAX_DOCUMENT_BYTES) throw new Error('the document is too large');
  return response.text();
}

function itemsIn(document: Fields): Fields[] {
  if (document['type'] === 'Feature') return [document];
  return document['type'] === 'FeatureCollection' && Array.isArray(document['features']) ? (document['features'] as Fields[]) : [];
}

/** The item as STAC 1.1, of our collection, with absolute asset references and a link to where it came from; or why it can't be one. */
export function takeOver(raw: Fields, base: string, collection: string): StacItem | Refusal {
  const { id, geometry, bbox, properties, assets, links, stac_extensions: schemas, ...rest } = raw;
  const problem = problemOf(raw);
  if (problem !== null) return { source: typeof id === 'string' ? id : base, reason: problem };
  return {
    ...(rest as object),
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: upgradeExtensions((schemas as string[] | undefined) ?? []),
    id: id as string,
    collection,
    geometry: geometry as StacItem['geometry'],
    bbox: bbox as number[],
    properties: upgradeProjection(properties as Fields) as StacItem['properties'],
    links: lastingLinks(links, base),
    assets: Object.fromEntries(Object.entries(assets as Record<string, Fields>).map(([key, asset]) => {
      const upgraded = upgradeAsset(asset);
      return [key, { ...upgraded, href: absolute(upgraded.href, base) }];
    })),
  };
}

/** Where the item came from, and what it refers to outside of its catalog. */
function lastingLinks(value: unknown, base: string): StacLink[] {
  const links = (Array.isArray(value) ? (value as Partial<StacLink>[]) : []).filter((link): link is StacLink => typeof link?.rel === 'string' && typeof link.href === 'string');
  const lasting = links.filter(({ rel, href }) => LASTING_RELS.has(rel) && /^https?:/i.test(href));
  const self = links.find((link) => link.rel === 'self')?.href;
  const known = links.find((link) => link.rel === 'via' && /^https?:/i.test(link.href));
  const origin = self ?? (base.startsWith('file:') || known ? undefined : base);
  const via = origin === undefined ? known : { rel: 'via', href: new URL(origin, base).href, type: 'application/geo+json', title: 'The item at its source' };
  return [...(via ? [via] : []), ...lasting];
}

function problemOf({ type, id, geometry, bbox, properties, assets }: Fields): string | null {
  if (type !== 'Feature' || typeof id !== 'string' || id === '') return 'it is not a STAC item';
  if (typeof properties !== 'object' || properties === null || typeof assets !== 'object' || assets === null) return 'it has no properties or no assets';
  const { datetime, start_datetime: start } = properties as Fields;
  if (Number.isNaN(Date.parse(String(datetime ?? start)))) return 'it has no datetime';
  if (geometry === null || typeof geometry !== 'object') return 'it has no geometry';
  return Array.isArray(bbox) && (bbox.length === 4 || bbox.length === 6) ? null : 'it has no bbox';
}

/** Asset references that are neither local nor HTTP (s3:, gs:) are kept as they are; loading them is refused by name. */
function absolute(href: string, base: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(href) ? href : new URL(href, base).href;
}

function withoutLinks(collection: StacCollection): StacCollection {
  const license = ['proprietary', 'various'].includes(collection.license) ? 'other' : collection.license;
  return { ...collection, license, links: collection.links.filter((link) => link.rel === 'license') };
}
