/** Finds the items behind a STAC URL: an item, a static catalog or collection, a collection of an API, results of a job. */
import type { StacLink } from '../types.ts';
import { badUrl, linksOf, shown, targetOf, type DocumentReader, type Fields, type RemoteLimits, type StacDocument } from './documents.ts';

/** What is asked for; the box is west, south, east, north in WGS 84. */
export interface ItemWish {
  readonly bbox: readonly [number, number, number, number] | null;
  /** Left-closed, RFC 3339. */
  readonly interval: readonly [string | null, string | null] | null;
}

/** An item as it was found, and the collection above it. */
export interface FoundItem {
  readonly document: StacDocument;
  readonly collection: Fields | null;
}

/** Requests under way at the same time. */
const PARALLEL = 8;
/** Items that one page of an API is asked for. */
const PAGE = 200;

/**
 * All items that may match: boxes and times of documents are looked at where they save requests, the
 * caller looks at each item. Throws ProcessParameterInvalid for what is no STAC and beyond the limits.
 */
export async function findItems(url: string, wish: ItemWish, reader: DocumentReader, limits: RemoteLimits): Promise<FoundItem[]> {
  const search = new Search(wish, reader, limits);
  await search.visit(await reader.read(url), null, 0);
  return search.found;
}

class Search {
  readonly found: FoundItem[] = [];
  readonly #seen = new Set<string>();
  readonly #wish: ItemWish;
  readonly #reader: DocumentReader;
  readonly #limits: RemoteLimits;

  constructor(wish: ItemWish, reader: DocumentReader, limits: RemoteLimits) {
    this.#wish = wish;
    this.#reader = reader;
    this.#limits = limits;
  }

  async visit(document: StacDocument, collection: Fields | null, depth: number): Promise<void> {
    switch (document.fields['type']) {
      case 'Feature': return this.#take(document, collection ?? (await this.#collectionOf(document)));
      case 'FeatureCollection': return this.#pages(document, collection, depth);
      case 'Collection': return this.#collection(document, depth);
      case 'Catalog': return this.#catalog(document, depth);
      default: throw badUrl(`what is at ${shown(document.base)} is neither a STAC Item, Collection nor Catalog`);
    }
  }

  #take(document: StacDocument, collection: Fields | null): void {
    this.found.push({ document, collection });
    if (this.found.length > this.#limits.items) throw badUrl(`more than ${this.#limits.items} items match; a smaller extent or fewer dates stay under the limit`);
  }

  /** The collection tells what its items leave out. An item whose collection can't be had stands for itself. */
  async #collectionOf(item: StacDocument): Promise<Fields | null> {
    const link = linksOf(item, 'collection')[0];
    const target = link && targetOf(link, item);
    if (target === undefined) return null;
    const document = await this.#reader.read(target).catch(() => null);
    return document?.fields['type'] === 'Collection' ? document.fields : null;
  }

  async #pages(first: StacDocument, collection: Fields | null, depth: number): Promise<void> {
    for (let page: StacDocument | null = first; page !== null;) {
      const features: unknown = page.fields['features'];
      for (const feature of Array.isArray(features) ? (features as Fields[]) : []) {
        if (typeof feature === 'object' && feature !== null) this.#take({ fields: feature, base: page.base }, collection);
      }
      page = await this.#nextPage(page);
      if (page !== null && page.fields['type'] !== 'FeatureCollection') return this.visit(page, collection, depth + 1);
    }
  }

  async #nextPage(page: StacDocument): Promise<StacDocument | null> {
    const link = linksOf(page, 'next').find(({ method }) => method === undefined || method.toUpperCase() === 'GET');
    const target = link && targetOf(link, page);
    return target === undefined || !this.#isNew(target) ? null : this.#reader.read(target);
  }

  /** An API's collection has one link to all its items, a static one a link to each; results of a job may have assets of their own. */
  async #collection(document: StacDocument, depth: number): Promise<void> {
    if (!mayMatch(document.fields, this.#wish)) return;
    const items = linksOf(document, 'items')[0];
    const target = items && targetOf(items, document);
    if (target !== undefined) return this.#pages(await this.#reader.read(searchUrl(target, this.#wish)), document.fields, depth);
    if (linksOf(document, 'item').length + linksOf(document, 'child').length === 0) return this.#take(asItem(document), document.fields);
    await this.#links(document, document.fields, depth);
  }

  async #catalog(document: StacDocument, depth: number): Promise<void> {
    const conformance = document.fields['conformsTo'];
    if (Array.isArray(conformance) && conformance.some((uri) => String(uri).includes('item-search'))) {
      throw badUrl('it is the landing page of a STAC API; name one of its collections, …/collections/{id}');
    }
    await this.#links(document, null, depth);
  }

  async #links(document: StacDocument, collection: Fields | null, depth: number): Promise<void> {
    if (depth >= this.#limits.depth) throw badUrl(`its catalogs are nested more than ${this.#limits.depth} levels deep`);
    const follow = async (links: readonly StacLink[], above: Fields | null) => {
      const targets = links.map((link) => targetOf(link, document)).filter((target) => target !== undefined && this.#isNew(target));
      const next = targets.values();
      const lane = async () => {
        for (const target of next) await this.visit(await this.#reader.read(target!), above, depth + 1);
      };
      await Promise.all(Array.from({ length: Math.min(PARALLEL, targets.length) }, lane));
    };
    await follow(linksOf(document, 'item'), collection);
    await follow(linksOf(document, 'child'), null);
  }

  #isNew(url: string): boolean {
    if (this.#seen.has(url)) return false;
    this.#seen.add(url);
    return true;
  }
}

function searchUrl(target: string, { bbox, interval }: ItemWish): string {
  const url = new URL(target);
  url.searchParams.set('limit', String(PAGE));
  if (bbox) url.searchParams.set('bbox', bbox.map((edge) => Number(edge.toFixed(7))).join(','));
  if (interval) url.searchParams.set('datetime', interval.map((end) => end ?? '..').join('/'));
  return url.href;
}

/** False only where the extent of a collection tells that nothing in it can match. */
function mayMatch(collection: Fields, { bbox, interval }: ItemWish): boolean {
  const extent = collection['extent'] as { spatial?: { bbox?: unknown }; temporal?: { interval?: unknown } } | undefined;
  return touchesAny(extent?.spatial?.bbox, bbox) && overlapsAny(extent?.temporal?.interval, interval);
}

function touchesAny(boxes: unknown, wanted: ItemWish['bbox']): boolean {
  const list = Array.isArray(boxes) ? boxes.slice(0, 1).map(flatBox) : [];
  return wanted === null || list.length === 0 || list.some((box) => box === null || boxesMeet(box, wanted));
}

/** west, south, east, north of four or six numbers; null when it is no box. */
export function flatBox(value: unknown): [number, number, number, number] | null {
  if (!Array.isArray(value) || (value.length !== 4 && value.length !== 6) || !value.every((edge) => typeof edge === 'number')) return null;
  const [west, south, east, north] = value.length === 4 ? value : [value[0], value[1], value[3], value[4]];
  return [west as number, south as number, east as number, north as number];
}

/** True when two boxes share a point; one that ends west of where it begins crosses the antimeridian. */
export function boxesMeet([west, south, east, north]: readonly [number, number, number, number], wanted: readonly [number, number, number, number]): boolean {
  const [end, wantedEnd] = [east < west ? east + 360 : east, wanted[2] < wanted[0] ? wanted[2] + 360 : wanted[2]];
  const isAcross = [-360, 0, 360].some((turn) => wanted[0] + turn <= end && wantedEnd + turn >= west);
  return isAcross && wanted[1] <= north && wanted[3] >= south;
}

function overlapsAny(intervals: unknown, wanted: ItemWish['interval']): boolean {
  if (wanted === null || !Array.isArray(intervals) || !Array.isArray(intervals[0])) return true;
  const [start, end] = (intervals[0] as unknown[]).map((text) => (typeof text === 'string' ? Date.parse(text) : NaN));
  const [from, to] = wanted.map((text) => (text === null ? NaN : Date.parse(text)));
  // Comparisons with an open end (NaN) are false: they exclude nothing.
  return !(end! < from!) && !(start! >= to!);
}

/** A collection that holds its files itself (results of a batch job) as one item of its extent. */
function asItem({ fields, base }: StacDocument): StacDocument {
  const { extent } = fields as { extent?: { spatial?: { bbox?: unknown[] }; temporal?: { interval?: unknown[][] } } };
  const [start, end] = extent?.temporal?.interval?.[0] ?? [];
  const isInstant = start === end || end === null || end === undefined;
  const properties = { ...(fields['summaries'] as object | undefined), datetime: isInstant ? start : null, ...(isInstant ? {} : { start_datetime: start, end_datetime: end }) };
  const box = flatBox(extent?.spatial?.bbox?.[0]) ?? [-180, -90, 180, 90];
  const [west, south, east, north] = box;
  const geometry = { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] };
  return { base, fields: { type: 'Feature', id: fields['id'], geometry, bbox: box, properties, assets: fields['assets'] ?? {}, links: fields['links'], stac_extensions: fields['stac_extensions'] } };
}
