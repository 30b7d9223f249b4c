/** Brings the catalog in line with one object of a watched prefix: its item is there when it is, and goes with it. */
import { basename, dirname } from 'node:path/posix';
import { isOpenEOError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import type { RasterOpener } from '../read-asset.ts';
import type { CatalogStore } from '../store.ts';
import type { StacAsset, StacItem } from '../types.ts';
import { hrefOf, type Watch, type Watches } from '../watches.ts';
import { deriveCollection } from './collection.ts';
import { parseName } from './file-name.ts';
import { groupFiles } from './group.ts';
import { givenTime, sensorFor } from './ingest.ts';
import { itemOf } from './item.ts';
import { settleItems } from './register.ts';
import { acquisitionOf, describeFile, type ScannedFile } from './scan.ts';

export interface ObjectIngest {
  readonly store: CatalogStore;
  readonly watches: Watches;
  readonly rasters: RasterOpener;
  readonly objects: ObjectStore;
  readonly log: Log;
  /** For objects behind a URL. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface ObjectOutcome {
  /** 'ignored': nobody watches the object, or it is no GeoTIFF; 'refused': it can't be taken. */
  readonly did: 'ingested' | 'unchanged' | 'withdrawn' | 'ignored' | 'refused';
  readonly reason?: string;
}

interface Found {
  readonly sizeBytes: number;
  readonly modified: Date;
  readonly etag: string;
}

/**
 * Looks at what the object is now and does what follows, whatever event it was that told of it: so events may
 * come twice, late and in any order. Throws what the store throws, for another try.
 */
export async function ingestObject(parts: ObjectIngest, bucket: string, key: string): Promise<ObjectOutcome> {
  const watch = await parts.watches.find(bucket, key);
  return watch ? syncObject(parts, watch, key) : { did: 'ignored' };
}

/** The same for a watch that is not yet kept. */
export async function syncObject(parts: ObjectIngest, watch: Watch, key: string): Promise<ObjectOutcome> {
  if (!/\.tiff?$/i.test(key)) return { did: 'ignored' };
  // Tasks for one item take turns: each sees what the other did.
  return parts.watches.exclusively(`item ${watch.collection} ${acquisitionOf(key, parseName(basename(key))).id}`, async () => {
    const href = hrefOf(watch, key);
    const found = await look(parts, watch, key, href);
    return found === null ? withdraw(parts.store, watch, key, href) : take(parts, watch, key, href, found);
  });
}

async function look({ objects, fetch = globalThis.fetch }: ObjectIngest, { url }: Watch, key: string, href: string): Promise<Found | null> {
  if (url === null) {
    const info = await objects.head(key);
    return info && { sizeBytes: info.sizeBytes, modified: new Date(info.modified), etag: info.etag };
  }
  const response = await fetch(href, { method: 'HEAD', signal: AbortSignal.timeout(30_000) });
  if (response.status === 404 || response.status === 410) return null;
  if (!response.ok) throw new Error(`the server of ${url} answered ${response.status}`);
  const { headers } = response;
  return { sizeBytes: Number(headers.get('content-length') ?? 0), modified: new Date(headers.get('last-modified') ?? 0), etag: (headers.get('etag') ?? '').replaceAll('"', '') };
}

async function take({ store, rasters, log }: ObjectIngest, watch: Watch, key: string, href: string, found: Found): Promise<ObjectOutcome> {
  const refused = (reason: string): ObjectOutcome => {
    log.warning(`The object '${key}' of bucket '${watch.bucket}' was not ingested: ${reason}`);
    return { did: 'refused', reason };
  };
  const file = await open(rasters, watch, key, href, found);
  if ('reason' in file) return refused(file.reason);
  const { acquisitions: [acquisition], refused: [why] } = groupFiles([file], watch.datetime === null ? null : givenTime(watch.datetime));
  const made = acquisition && itemOf(watch.collection, acquisition, sensorFor({ collection: watch.collection }, acquisition));
  if (!made) return refused(why?.reason ?? 'its coordinates lie outside its coordinate reference system');
  const item = withVersion(await joined(store, made, key, href), href, found.etag);
  if (!(await store.collection(watch.collection))) await store.putCollection(deriveCollection(watch.collection, [item], {}, null));
  const changed = await store.putItems(watch.collection, [item]);
  await settleItems(watch.collection, [item], store);
  return { did: changed > 0 ? 'ingested' : 'unchanged' };
}

async function open(rasters: RasterOpener, { bands }: Watch, key: string, href: string, { sizeBytes, modified }: Found): Promise<ScannedFile | { reason: string }> {
  try {
    return describeFile({ path: key, href, sizeBytes, modified, raster: await rasters.open(href) }, bands ?? undefined);
  } catch (error) {
    if (isOpenEOError(error, 'FileContentInvalid', 'FileNotFound')) return { reason: error.message };
    throw error;
  }
}

/** Files of one acquisition that come one by one make one item; the same name in another folder makes another. */
async function joined(store: CatalogStore, made: StacItem, key: string, href: string): Promise<StacItem> {
  const known = await store.get(made.collection, made.id);
  if (!known) return made;
  const others = Object.entries(known.assets).filter(([, asset]) => asset.href !== href);
  const isSibling = others.every(([, asset]) => folderOf(asset.href) === folderOf(href));
  if (!isSibling) return { ...made, id: folderId(key, made.id) };
  const [name, own] = Object.entries(made.assets)[0]!;
  const free = [name, ...Array.from({ length: others.length + 1 }, (_, i) => `${name}_${i + 1}`)].find((each) => others.every(([other]) => other !== each))!;
  const stepOf = (asset: StacAsset) => Number(asset['gsd'] ?? 0);
  const assets = Object.fromEntries([...others, [free, own] as [string, StacAsset]].sort((a, b) => stepOf(a[1]) - stepOf(b[1]) || (a[0] < b[0] ? -1 : 1)));
  return { ...made, properties: { ...made.properties, gsd: Math.min(...Object.values(assets).map(stepOf)) }, stac_extensions: [...new Set([...known.stac_extensions, ...made.stac_extensions])], assets };
}

/** Without what is below it for resolutions. */
const folderOf = (href: string) => acquisitionOf(href, parseName(basename(href))).folder;

function folderId(key: string, id: string): string {
  return `${dirname(key).split('/').slice(-2).join('_').replace(/[^\w.-]+/g, '_')}_${id}`;
}

/** Where clocks are coarse, two versions of an object may have one time: the store's own mark tells them apart. */
function withVersion(item: StacItem, href: string, etag: string): StacItem {
  const assets = Object.entries(item.assets).map(([key, asset]) => [key, asset.href === href ? { ...asset, 'lamina:etag': etag } : asset]);
  return { ...item, assets: Object.fromEntries(assets) as StacItem['assets'] };
}

async function withdraw(store: CatalogStore, { collection }: Watch, key: string, href: string): Promise<ObjectOutcome> {
  const { id } = acquisitionOf(key, parseName(basename(key)));
  for (const candidate of [id, folderId(key, id)]) {
    const item = await store.get(collection, candidate);
    if (!item) continue;
    const left = Object.entries(item.assets).filter(([, asset]) => asset.href !== href);
    if (left.length === Object.keys(item.assets).length) continue;
    if (left.length === 0) await store.deleteItems(collection, [candidate]);
    else await store.putItems(collection, [{ ...item, assets: Object.fromEntries(left) }]);
    return { did: 'withdrawn' };
  }
  return { did: 'unchanged' };
}
