/**
 * The STAC collection 'operators': an item per version of every operator that the service knows, with MLM. It is kept in the catalog beside
 * collections of rasters, so that all of item search works on it; it has no pixels, so nothing else sees it.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StacCollection, StacItem } from '../catalog/types.ts';
import { MANIFEST_FILE } from '../operators/manifest.ts';
import { archiveAsset, EVERYWHERE, itemExtensions, itemId, operatorProperties, WORLD } from '../operators/registry/stac-item.ts';
import type { KnownOperator } from '../operators/registry/resolve.ts';

export const OPERATOR_COLLECTION = 'operators';
const MARK = 'lamina:operators';

/** The stored catalog, as far as operators need it. */
export interface OperatorCatalog {
  collection(id: string): Promise<StacCollection | null>;
  putCollection(collection: StacCollection): Promise<boolean>;
  putItems(collection: string, items: readonly StacItem[]): Promise<number>;
  deleteItems(collection: string, ids: readonly string[]): Promise<number>;
  items(query: { readonly collection: string; readonly bbox: null; readonly interval: null }): Promise<readonly StacItem[]>;
}

/** True for the collection of operators: it has no pixels, so openEO and maps do not know it. */
export function isOperatorCollection(collection: StacCollection): boolean {
  return collection[MARK] === true;
}

/** A catalog without it. */
export function withoutOperators<C extends { collection(id: string): Promise<StacCollection | null>; collections(): Promise<readonly StacCollection[]>; revision(id: string): Promise<number>; days(id: string): Promise<readonly string[]> }>(catalog: C): Pick<C, 'collection' | 'collections' | 'revision' | 'days'> {
  return {
    collection: async (id: string) => {
      const found = await catalog.collection(id);
      return found && isOperatorCollection(found) ? null : found;
    },
    collections: async () => (await catalog.collections()).filter((each) => !isOperatorCollection(each)),
    revision: (id: string) => catalog.revision(id),
    days: (id: string) => catalog.days(id),
  };
}

/**
 * Brings the collection up to what the service knows. Gives false when somebody else has a collection of that id, which stays as it is.
 * Several processes may do so at once: what they write is the same.
 */
export async function keepOperators(catalog: OperatorCatalog, operators: readonly KnownOperator[]): Promise<boolean> {
  const present = await catalog.collection(OPERATOR_COLLECTION);
  if (present && !isOperatorCollection(present)) return false;
  const items = uniqueById(await Promise.all(operators.filter(({ refused }) => refused === undefined).map(operatorItem)));
  await catalog.putCollection(collectionOf(items));
  await catalog.putItems(OPERATOR_COLLECTION, items);
  const stored = await catalog.items({ collection: OPERATOR_COLLECTION, bbox: null, interval: null });
  const gone = stored.map(({ id }) => id).filter((id) => !items.some((item) => item.id === id));
  if (gone.length > 0) await catalog.deleteItems(OPERATOR_COLLECTION, gone);
  return true;
}

/** The item of a version, as the API shows it. */
export async function operatorItem({ operator, version, digest, published, archive, href, isYanked, tags = [] }: KnownOperator): Promise<StacItem> {
  const { manifest } = operator;
  const record = { version, digest, manifest, published: published ?? await installedAt(operator), ...(isYanked ? { isYanked } : {}) };
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: itemExtensions,
    id: itemId(manifest, version),
    collection: OPERATOR_COLLECTION,
    geometry: WORLD,
    bbox: EVERYWHERE,
    properties: { ...operatorProperties(record), ...(tags.length > 0 ? { 'lamina:tags': tags } : {}), ...(operator.signedBy === undefined ? {} : { 'lamina:signed_by': operator.signedBy }) },
    assets: assetsOf({ operator, version, ...(archive ? { archive } : {}), href: href ?? null }),
    links: [],
  };
}

/** The archive where it can be fetched; else its description stands for it. */
function assetsOf({ operator: { manifest, reference }, archive, href }: Pick<KnownOperator, 'operator' | 'version' | 'archive' | 'href'>): StacItem['assets'] {
  const described = { href: `/operators/${reference}`, type: 'application/json', title: 'What the operator takes and gives' };
  if (archive && href) return { archive: archiveAsset({ manifest, archive }, href), description: { ...described, roles: ['metadata'] } };
  return { description: { ...described, roles: ['mlm:model', 'metadata'], 'mlm:artifact_type': manifest.kind, bands: manifest.input.bands.map(({ name }) => ({ name })) } };
}

/** Operators of the package have no other date than that of their file. */
async function installedAt(operator: KnownOperator['operator']): Promise<string> {
  return (await stat(join(await operator.folder(), MANIFEST_FILE))).mtime.toISOString();
}

function collectionOf(items: readonly StacItem[]): StacCollection {
  const times = items.map(({ properties }) => properties.datetime!).toSorted();
  const values = (name: string) => [...new Set(items.map(({ properties }) => String(properties[name])))].toSorted();
  return {
    type: 'Collection',
    stac_version: '1.1.0',
    stac_extensions: [],
    id: OPERATOR_COLLECTION,
    title: 'Operators',
    description: 'AI-compressors that turn pixels into embeddings: an item per version, described with the Machine Learning Model extension. `compress_embed` runs them, `/operators` shows them.',
    keywords: ['operator', 'embeddings', 'model'],
    license: 'other',
    extent: { spatial: { bbox: [EVERYWHERE] }, temporal: { interval: [[times[0] ?? null, null]] } },
    summaries: { 'lamina:operator': values('lamina:operator'), 'lamina:kind': values('lamina:kind'), license: values('license') },
    'cube:dimensions': {},
    [MARK]: true,
    links: [],
  };
}

/** Two registries may have one version; the first counts, as everywhere. */
function uniqueById(items: readonly StacItem[]): StacItem[] {
  return [...new Map(items.toReversed().map((item) => [item.id, item])).values()];
}
