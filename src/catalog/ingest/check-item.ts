/** Checks an item that a client sends, as far as the catalog depends on it. Other fields pass through untouched. */
import { OpenEOError } from '../../errors.ts';
import { withoutHeights } from '../../geo/bbox.ts';
import { GeometryError, parseGeometry } from '../../geo/geometry.ts';
import { unstorablePath } from '../storable.ts';
import type { StacItem, StacLink } from '../types.ts';
import { takeOver } from './stac-source.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface AssetRules {
  /** Assets of the item as it is stored: what a client leaves as it is may lie anywhere. */
  readonly stored: StacItem['assets'];
  /** Hrefs under which clients see stored assets (see `unsigned`) → the stored href. */
  readonly shown: ReadonlyMap<string, string>;
  /** Prefixes of objects of this service that the operator lets into the collection. */
  readonly objectPrefixes: readonly string[];
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
/** Ids stand in paths, and programs make file names of them. */
const ITEM_ID = /^[^\s/\\?#%]{1,200}$/;
const MAX_ASSETS = 200;
/** Links that only this service can set. */
const OWN_RELS = new Set(['self', 'root', 'parent', 'collection', 'items', 'item', 'via']);

/** A refusal with the id of the item, as far as it has one. */
export function itemInvalid(id: unknown, reason: string): OpenEOError<'ItemInvalid'> {
  return new OpenEOError('ItemInvalid', { item: typeof id === 'string' ? id.slice(0, 200) : '', reason });
}

/**
 * The item as it is stored: STAC 1.1, of this collection, with hrefs that may be read. Throws ItemInvalid
 * with the field and what to do.
 */
export function checkItem(raw: unknown, collection: string, rules: AssetRules): StacItem {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw itemInvalid('', 'it is not a JSON object.');
  const fields = raw as Fields;
  const { id } = fields;
  const refuse = (reason: string): never => {
    throw itemInvalid(id, reason);
  };
  if (fields['type'] !== 'Feature') refuse('`type` must be \'Feature\'.');
  if (typeof id !== 'string' || !ITEM_ID.test(id)) refuse('`id` must be 1 to 200 characters without blanks and without / \\ ? # %.');
  if (!/^1\.\d+\.\d+/.test(String(fields['stac_version']))) refuse('`stac_version` must be 1.0.0 or 1.1.0.');
  if (fields['collection'] !== undefined && fields['collection'] !== null && fields['collection'] !== collection) refuse(`\`collection\` is ${JSON.stringify(fields['collection'])}, but the item was sent to '${collection}'.`);
  const unstorable = unstorablePath(raw);
  if (unstorable !== null) refuse(`\`${unstorable.slice(0, 200)}\` has a NUL character or half of a surrogate pair, which no database takes.`);
  checkPlace(fields, refuse);
  checkTime(fields['properties'] as Fields | undefined, refuse);
  const assets = checkAssets(fields['assets'], rules, refuse);
  const item = takeOver({ ...fields, assets, links: [] }, 'file:///', collection);
  if ('reason' in item) return refuse(`${item.reason}.`);
  return { ...item, links: foreignLinks(fields['links']) };
}

function checkPlace({ geometry, bbox }: Fields, refuse: (reason: string) => never): void {
  try {
    parseGeometry(geometry);
  } catch (error) {
    if (error instanceof GeometryError) refuse(`\`geometry\` can't be used: ${error.message}.`);
    throw error;
  }
  const numbers = Array.isArray(bbox) && (bbox.length === 4 || bbox.length === 6) && bbox.every((n) => typeof n === 'number' && Number.isFinite(n));
  if (!numbers) refuse('`bbox` must be four or six numbers.');
  const box = bbox as number[];
  const [west, south, east, north] = withoutHeights(box);
  if (south > north || Math.abs(south) > 90 || Math.abs(north) > 90 || Math.abs(west) > 180 || Math.abs(east) > 180) refuse('`bbox` must be west, south, east, north in degrees.');
}

function checkTime(properties: Fields | undefined, refuse: (reason: string) => never): void {
  if (typeof properties !== 'object' || properties === null) return refuse('it has no `properties`.');
  const { datetime, start_datetime: start, end_datetime: end } = properties;
  const isInstant = (value: unknown) => typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value)) && !value.startsWith('0000');
  for (const [name, value] of Object.entries({ datetime, start_datetime: start, end_datetime: end })) {
    if (value !== undefined && value !== null && !isInstant(value)) refuse(`\`properties.${name}\` must be an RFC 3339 date-time such as 2021-03-01T00:00:00Z.`);
  }
  if (datetime === undefined) refuse('`properties.datetime` is missing; it may be null when there are start_datetime and end_datetime.');
  if (datetime === null && !(isInstant(start) && isInstant(end))) refuse('`properties.datetime` is null, so start_datetime and end_datetime are needed.');
  if (isInstant(start) && isInstant(end) && Date.parse(String(start)) > Date.parse(String(end))) refuse('`properties.start_datetime` is after end_datetime.');
}

function checkAssets(assets: unknown, rules: AssetRules, refuse: (reason: string) => never): Record<string, unknown> {
  if (typeof assets !== 'object' || assets === null || Array.isArray(assets)) return refuse('it has no `assets`.');
  const entries = Object.entries(assets as Readonly<Record<string, unknown>>);
  if (entries.length > MAX_ASSETS) refuse(`it has more than ${MAX_ASSETS} assets.`);
  return Object.fromEntries(entries.map(([key, asset]) => {
    if (typeof asset !== 'object' || asset === null || typeof (asset as Fields)['href'] !== 'string') return refuse(`\`assets.${key}.href\` is missing.`);
    const href = (asset as { href: string }).href;
    return [key, { ...asset, href: allowedHref(key, href, rules, refuse) }];
  }));
}

/** URLs, objects that the operator lets in, and what is there already; never a file of this machine. */
function allowedHref(key: string, href: string, { stored, shown, objectPrefixes }: AssetRules, refuse: (reason: string) => never): string {
  const kept = shown.get(unsigned(href)) ?? href;
  if (Object.hasOwn(stored, key) && stored[key]!.href === kept) return kept;
  if (href.startsWith('object:')) {
    const object = href.slice('object:'.length);
    if (!object.split('/').includes('..') && objectPrefixes.some((prefix) => object.startsWith(prefix))) return href;
    return refuse(`\`assets.${key}.href\`: objects of this service may be named only below a prefix that the collection watches (lamina ingest --watch).`);
  }
  const url = URL.canParse(href) ? new URL(href) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return refuse(`\`assets.${key}.href\` must be an absolute http:// or https:// URL without a password.`);
  return href;
}

/** A signed URL without its signature, which changes with every answer. */
export function unsigned(href: string): string {
  return href.replace(/\?.*$/, '');
}

function foreignLinks(links: unknown): StacLink[] {
  if (!Array.isArray(links)) return [];
  return (links as StacLink[]).filter((link) => typeof link === 'object' && link !== null && typeof link.href === 'string' && /^https?:\/\//i.test(link.href) && typeof link.rel === 'string' && !OWN_RELS.has(link.rel));
}
