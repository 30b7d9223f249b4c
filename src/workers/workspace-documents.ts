/** The STAC documents of a workspace: static files that refer to each other by relative links. */
import type { CollectionText } from '../catalog/ingest/collection.ts';
import type { StacItem, StacLink } from '../catalog/types.ts';
import { invalidArgument } from '../errors.ts';
import type { StoredFile } from '../jobs/results.ts';
import { withoutHeights } from '../geo/bbox.ts';
import type { Workspace } from '../storage/workspaces.ts';

export type Document = Readonly<Record<string, unknown>>;

/** Larger documents were not made by us. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The Collection at a path; null when there is none. Throws ProcessParameterInvalid (export_workspace, merge) for something else. */
export async function readCollection(workspace: Workspace, path: string): Promise<Document | null> {
  const bytes = await workspace.read(path);
  if (bytes === null) return null;
  const refused = (what: string, cause?: unknown) => invalidArgument('export_workspace', 'merge', `'${path}' is ${what}; items can be added to a STAC Collection only`, { cause });
  if (bytes.byteLength > MAX_BYTES) throw refused('too large');
  let document: Document;
  try {
    document = JSON.parse(Buffer.from(bytes).toString()) as Document;
  } catch (error) {
    throw refused('no JSON', error);
  }
  if (document?.['type'] !== 'Collection' || typeof document['id'] !== 'string' || !isExtent(document['extent'])) throw refused('no Collection with an id and extents');
  return document;
}

interface Extent {
  readonly spatial: { readonly bbox: readonly (readonly number[])[] };
  readonly temporal: { readonly interval: readonly (readonly [string | null, string | null])[] };
}

function isExtent(value: unknown): value is Extent {
  const { spatial, temporal } = (value ?? {}) as Partial<Extent>;
  return Array.isArray(spatial?.bbox) && spatial.bbox.every((box) => Array.isArray(box) && (box.length === 4 || box.length === 6)) && Array.isArray(temporal?.interval) && temporal.interval.every((span) => Array.isArray(span) && span.length === 2);
}

/** The Item as a file in a folder beside its assets, below the folder of its Collection. */
export function itemDocument(item: StacItem, files: ReadonlyMap<string, StoredFile>, collection: string): Document {
  const { bbox, links, ...rest } = item;
  const up = `../${encodeURIComponent(collection)}`;
  return {
    ...rest,
    ...(bbox.length > 0 && { bbox }),
    links: [
      ...['root', 'parent', 'collection'].map((rel) => ({ rel, href: up, type: 'application/json' })),
      // Paths of this service mean nothing to who reads the file elsewhere.
      ...links.filter(({ href }) => /^https?:/.test(href)),
    ],
    assets: Object.fromEntries(Object.entries(item.assets).map(([key, asset]) => [key, { ...asset, href: `./${encodeURIComponent(files.get(asset.href)!.name)}` }])),
  };
}

/** A Collection for items that have none yet. */
export function newCollection(id: string, items: readonly StacItem[], text: CollectionText, document: string): Document {
  return {
    type: 'Collection', stac_version: '1.1.0', stac_extensions: [],
    id,
    title: id,
    description: 'Results of processing.',
    license: 'other',
    ...text,
    extent: extentOf(items, null),
    links: [{ rel: 'root', href: `./${encodeURIComponent(document)}`, type: 'application/json' }, ...items.map(itemLink)],
  };
}

/** The Collection with more items: its extents grow, links to items that were there stay once. */
export function extendedCollection(collection: Document, items: readonly StacItem[]): Document {
  const links = (Array.isArray(collection['links']) ? collection['links'] : []) as readonly StacLink[];
  const added = items.map(itemLink);
  const isAgain = ({ rel, href }: StacLink) => rel === 'item' && added.some((link) => link.href === href);
  return { ...collection, extent: extentOf(items, collection['extent'] as Extent), links: [...links.filter((link) => !isAgain(link)), ...added] };
}

/** The Collection without links to some items; null when no other is left. Its extents stay: other items may need them. */
export function withoutItems(collection: Document, items: readonly StacItem[]): Document | null {
  const links = (Array.isArray(collection['links']) ? collection['links'] : []) as readonly StacLink[];
  const hrefs = new Set(items.map((item) => itemLink(item).href));
  const left = links.filter(({ rel, href }) => rel !== 'item' || !hrefs.has(href));
  return left.some(({ rel }) => rel === 'item' || rel === 'child') ? { ...collection, links: left } : null;
}

function itemLink({ id }: StacItem): StacLink {
  return { rel: 'item', href: `./${id}/${id}.json`, type: 'application/geo+json', title: id };
}

/** The first box and the first interval are the overall ones. */
function extentOf(items: readonly StacItem[], before: Extent | null): Extent {
  const boxes = [...(before?.spatial.bbox.slice(0, 1) ?? []), ...items.map(({ bbox }) => bbox).filter((bbox) => bbox.length > 0)].map(withoutHeights);
  const [known] = before?.temporal.interval ?? [];
  const ofItems = items.map(({ properties }) => [properties['start_datetime'] ?? properties.datetime, properties['end_datetime'] ?? properties.datetime] as [string, string]);
  const interval = [...(known ? [known] : []), ...ofItems];
  const end = (i: 0 | 1, later: boolean) => (interval.some((span) => span[i] === null) ? null : interval.map((span) => span[i]!).sort((a, b) => Date.parse(a) - Date.parse(b)).at(later ? -1 : 0) ?? null);
  return {
    spatial: { bbox: [boxes.length === 0 ? [-180, -90, 180, 90] : unionOf(boxes), ...(before?.spatial.bbox.slice(1) ?? [])] },
    temporal: { interval: [[end(0, false), end(1, true)], ...(before?.temporal.interval.slice(1) ?? [])] },
  };
}

/** Boxes that cross the antimeridian make one that goes around the globe, unless all of them do. */
function unionOf(boxes: readonly (readonly number[])[]): number[] {
  const column = (i: number) => boxes.map((box) => box[i]!);
  const crossing = boxes.filter(([west, , east]) => west! > east!).length;
  const isMixed = crossing > 0 && crossing < boxes.length;
  return [isMixed ? -180 : Math.min(...column(0)), Math.min(...column(1)), isMixed ? 180 : Math.max(...column(2)), Math.max(...column(3))];
}
