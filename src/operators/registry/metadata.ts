/**
 * collection.json and catalog.json: STAC for people and for other programs, and the index by which clients that can't
 * list (over HTTP) find everything. They are made from versions, tags and yanked.json, so they can be made anew.
 */
import type { ObjectStore, StoredObject } from '../../storage/object-store.ts';
import { qualifiedName } from '../reference.ts';
import type { Signature } from '../trust/statement.ts';
import { CATALOG, collectionKey, ITEM, operatorOfKey, OPERATORS, REPORT, SUMS, versionKey, yankedKey, type OperatorName, tagsFolder } from './layout.ts';
import { json, putItem } from './put-version.ts';
import { RegistryRefusal } from './refusal.ts';
import { collectionId, type OperatorItem, type StacLink } from './stac-item.ts';
import { parseTag } from './tags.ts';
import { listVersions, readVersion, sha256, type VersionRecord } from './version-record.ts';
import { compareVersions, isPrerelease, type TagTable } from './versions.ts';
import { parseYanked } from './yanked.ts';

/** collection.json of an operator. */
export interface OperatorCollection {
  readonly type: 'Collection';
  readonly id: string;
  readonly 'lamina:tags': TagTable;
  readonly links: readonly (StacLink | VersionLink)[];
  readonly [field: string]: unknown;
}

/** A version in collection.json: all that resolving and fetching needs. */
export interface VersionLink extends StacLink {
  readonly rel: 'item';
  readonly version: string;
  readonly 'lamina:digest': string;
  readonly 'lamina:archive': VersionRecord['archive'];
  /** RFC 3339. */
  readonly created: string;
  readonly 'lamina:signatures'?: readonly Signature[];
  /** Yanked. */
  readonly deprecated?: boolean;
}

/** An operator in catalog.json. */
export interface OperatorLink extends StacLink {
  readonly rel: 'child';
  /** SHA-256 of collection.json: it changes with it. */
  readonly 'lamina:content': string;
}

interface OperatorsCatalog {
  readonly links: readonly (StacLink | OperatorLink)[];
  readonly [field: string]: unknown;
}

const ATTEMPTS = 40;

/** Brings collection.json and catalog.json up to what is there. Several may do so at once. */
export async function writeIndex(objects: ObjectStore, of: OperatorName): Promise<void> {
  await change(objects, collectionKey(of), async () => json(await collectionOf(objects, of)));
  await change(objects, CATALOG, async (current) => json(await withOperator(objects, catalogFrom(current), of)));
}

/** Writes all that is derived anew: items, collections and the catalog. Gives the operators that it found, with their numbers of versions. */
export async function reindex(objects: ObjectStore): Promise<readonly { readonly name: string; readonly versions: number }[]> {
  const found = new Map<string, OperatorName>();
  for await (const { key } of objects.list(OPERATORS)) {
    const of = key.endsWith(`/${SUMS}`) ? operatorOfKey(key)?.of : undefined;
    if (of) found.set(qualifiedName(of), of);
  }
  // Operators that are gone go from the catalog too.
  await change(objects, CATALOG, async () => json(catalogFrom(null)));
  const report: { name: string; versions: number }[] = [];
  for (const [name, of] of [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const versions = await listVersions(objects, of);
    for (const version of versions) await restoreItem(objects, of, version);
    await writeIndex(objects, of);
    report.push({ name, versions: versions.length });
  }
  return report;
}

/** item.json where it is missing or not what the version's archive and manifest say. */
export async function restoreItem(objects: ObjectStore, of: OperatorName, version: string): Promise<void> {
  const record = await readVersion(objects, of, version);
  if (!record) return;
  const [current, report] = await Promise.all([objects.get(versionKey(of, version, ITEM)), objects.head(versionKey(of, version, REPORT))]);
  await putItem(objects, { ...record, published: publishedAt(current) ?? record.published }, report !== null);
}

function publishedAt(item: Uint8Array | null): string | null {
  try {
    const { properties } = JSON.parse(Buffer.from(item!).toString()) as OperatorItem;
    return typeof properties['created'] === 'string' && !Number.isNaN(Date.parse(properties['created'])) ? properties['created'] : null;
  } catch {
    return null;
  }
}

/**
 * Replaces an object with one that is made after the old one was read: whatever somebody writes meanwhile is either
 * seen by `make`, or makes the swap fail.
 */
async function change(objects: ObjectStore, key: string, make: (current: Uint8Array | null) => Promise<Uint8Array>): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const current = await objects.read(key) as StoredObject | null;
    const next = await make(current?.bytes ?? null);
    if (current && Buffer.compare(next, current.bytes) === 0) return;
    const condition = current === null ? { ifAbsent: true } : { ifMatch: current.info.etag };
    if (await objects.put(key, next, { contentType: 'application/json', ...condition }) !== null) return;
  }
  throw new RegistryRefusal('TagMoved', `Too many others write to the registry at the same time; \`lamina operator reindex\` brings ${key} up to date.`);
}

async function collectionOf(objects: ObjectStore, of: OperatorName): Promise<OperatorCollection> {
  const yanked = await objects.get(yankedKey(of)).then((bytes) => (bytes ? parseYanked(bytes) : {}));
  const records = await Promise.all((await listVersions(objects, of)).map((version) => readVersion(objects, of, version)));
  const newestFirst = records.filter((record) => record !== null).toSorted((a, b) => compareVersions(b.version, a.version));
  return collectionDocument(of, newestFirst.map((record) => ({ ...record, isYanked: yanked[record.version] !== undefined })), await tagTable(objects, of));
}

async function tagTable(objects: ObjectStore, of: OperatorName): Promise<TagTable> {
  const table: Record<string, string> = {};
  for await (const { key } of objects.list(tagsFolder(of))) {
    const name = key.slice(tagsFolder(of).length).replace(/\.json$/, '');
    const bytes = await objects.get(key);
    if (bytes) table[name] = parseTag(bytes, `${qualifiedName(of)}:${name}`).version;
  }
  return table;
}

function collectionDocument(of: OperatorName, newestFirst: readonly VersionRecord[], tags: TagTable): OperatorCollection {
  const shown = newestFirst.find(({ version }) => version === tags['latest']) ?? newestFirst[0];
  return {
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: [],
    id: collectionId(of),
    title: shown?.manifest.title ?? qualifiedName(of),
    description: shown?.manifest.description ?? 'An operator without versions.',
    keywords: ['operator', 'embeddings', ...(shown ? [shown.manifest.kind] : [])],
    license: shown?.manifest.license ?? 'other',
    extent: { spatial: { bbox: [[-180, -90, 180, 90]] }, temporal: { interval: [[null, null]] } },
    summaries: { version: newestFirst.map(({ version }) => version) },
    'lamina:tags': tags,
    links: [
      { rel: 'root', href: '../../catalog.json', type: 'application/json' },
      { rel: 'parent', href: '../../catalog.json', type: 'application/json' },
      ...newestFirst.map(versionLink),
    ],
  };
}

function versionLink({ version, digest, archive, published, isYanked, manifest, signatures }: VersionRecord): VersionLink {
  return {
    rel: 'item', href: `./versions/${version}/${ITEM}`, type: 'application/geo+json', title: `${manifest.title} ${version}`,
    version, created: published, 'lamina:digest': digest, 'lamina:archive': archive,
    ...(signatures ? { 'lamina:signatures': signatures } : {}),
    ...(isYanked ? { deprecated: true } : {}), ...(isPrerelease(version) ? { experimental: true } : {}),
  };
}

function catalogFrom(current: Uint8Array | null): OperatorsCatalog {
  try {
    const catalog = JSON.parse(Buffer.from(current!).toString()) as OperatorsCatalog;
    if (Array.isArray(catalog.links)) return catalog;
  } catch {
    // There is none, or none that can be read: a new one.
  }
  return {
    type: 'Catalog', stac_version: '1.1.0', id: 'operators', title: 'Operators',
    description: 'AI-compressors: each child is an operator, each item of it a version.',
    links: [{ rel: 'root', href: './catalog.json', type: 'application/json' }],
  };
}

async function withOperator(objects: ObjectStore, catalog: OperatorsCatalog, of: OperatorName): Promise<OperatorsCatalog> {
  const collection = await objects.get(collectionKey(of));
  const href = `./${collectionKey(of).slice(OPERATORS.length)}`;
  const others = catalog.links.filter((link) => link.href !== href);
  if (!collection) return { ...catalog, links: others };
  const { title } = JSON.parse(Buffer.from(collection).toString()) as { title: string };
  const link: OperatorLink = { rel: 'child', href, type: 'application/json', title, 'lamina:content': sha256(collection) };
  const children = [...others.filter(({ rel }) => rel === 'child'), link].toSorted((a, b) => (a.href < b.href ? -1 : 1));
  return { ...catalog, links: [...others.filter(({ rel }) => rel !== 'child'), ...children] };
}
