/** Compares the list of cached objects with what is in the object store, and reads every object. */
import type { BlockCatalogStore, CacheEntry, CacheKind } from '../catalog/block-catalog.ts';
import { forgetStored, listed, retryFailed, storedRows, type StoredRow } from '../catalog/cache-report.ts';
import type { ObjectInfo, ObjectStore } from '../storage/object-store.ts';
import { decodeFile } from './block-file.ts';
import { BLOCK_PREFIX, keyOfObject } from './embed-block.ts';

export interface VerifyOptions {
  readonly database: Parameters<typeof listed>[0];
  readonly objects: ObjectStore;
  readonly cache: Pick<BlockCatalogStore, 'record'>;
  /** Only the objects of this layer; what is not on the list is then not looked for, as nobody knows whose it is. */
  readonly layer?: string;
  /** Let blocks that failed be tried again at once. */
  readonly retry?: boolean;
}

export interface VerifyReport {
  /** Objects that were read. */
  checked: number;
  bytes: number;
  /** Damaged objects; they were deleted, and will be computed again when somebody asks. */
  readonly corrupt: string[];
  /** On the list, but not in the store; they were taken off the list. */
  readonly missing: string[];
  /** Whole, but not on the list; they were put on it. */
  readonly adopted: string[];
  /** Failed blocks that may be tried again. */
  retried: number;
}

/** Where cached objects of each kind lie. */
const prefixes: readonly (readonly [string, CacheKind])[] = [[BLOCK_PREFIX, 'block'], ['tiles/', 'tile'], ['layer-files/', 'file']];
const PARALLEL = 8;
const PAGE = 500;
/** An object that was just written may not be on the list yet. */
const FRESH_MS = 60_000;

/** Reads everything. Objects that are deleted by others meanwhile count as missing. */
export async function verifyCache(options: VerifyOptions): Promise<VerifyReport> {
  const report: VerifyReport = { checked: 0, bytes: 0, corrupt: [], missing: [], adopted: [], retried: 0 };
  for await (const rows of storedRows(options.database, options.layer)) await checkListed(options, rows, report);
  if (options.layer === undefined) for (const [prefix, kind] of prefixes) await adopt(options, prefix, kind, report);
  if (options.retry) report.retried = await retryFailed(options.database, options.layer);
  return report;
}

async function checkListed({ database, objects }: VerifyOptions, rows: readonly StoredRow[], report: VerifyReport): Promise<void> {
  const gone: string[] = [];
  await inGroups(rows, async ({ objectKey, kind, bytes }) => {
    const found = kind === 'block' ? await blockState(objects, objectKey) : await sizeState(objects, objectKey, bytes);
    report.checked++;
    if (found === 'whole') report.bytes += bytes;
    else {
      if (found === 'corrupt') await objects.delete(objectKey);
      report[found].push(objectKey);
      gone.push(objectKey);
    }
  });
  await forgetStored(database, gone);
}

async function blockState(objects: ObjectStore, objectKey: string): Promise<'whole' | 'corrupt' | 'missing'> {
  const bytes = await objects.get(objectKey);
  if (bytes === null) return 'missing';
  return (await decodeFile(bytes)) ? 'whole' : 'corrupt';
}

/** Pictures and files have no checksum of their own; one that was cut off has another size. */
async function sizeState(objects: ObjectStore, objectKey: string, bytes: number): Promise<'whole' | 'corrupt' | 'missing'> {
  const found = await objects.head(objectKey);
  if (found === null) return 'missing';
  return found.sizeBytes === bytes ? 'whole' : 'corrupt';
}

async function adopt(options: VerifyOptions, prefix: string, kind: CacheKind, report: VerifyReport): Promise<void> {
  let page: ObjectInfo[] = [];
  const settle = async () => {
    const known = await listed(options.database, page.map(({ key }) => key));
    const orphans = page.filter(({ key }) => !known.has(key));
    page = [];
    await adoptOrphans(options, orphans, kind, report);
  };
  for await (const object of options.objects.list(prefix)) {
    if (Date.now() - Date.parse(object.modified) < FRESH_MS) continue;
    page.push(object);
    if (page.length === PAGE) await settle();
  }
  await settle();
}

async function adoptOrphans({ objects, cache }: VerifyOptions, orphans: readonly ObjectInfo[], kind: CacheKind, report: VerifyReport): Promise<void> {
  const entries: CacheEntry[] = [];
  await inGroups(orphans, async ({ key, sizeBytes }) => {
    const blockKey = kind === 'block' ? keyOfObject(key) : null;
    const isCorrupt = kind === 'block' && (blockKey === null || (await blockState(objects, key)) === 'corrupt');
    report.checked++;
    if (isCorrupt) {
      await objects.delete(key);
      report.corrupt.push(key);
      return;
    }
    report.bytes += sizeBytes;
    report.adopted.push(key);
    entries.push({ objectKey: key, kind, state: 'stored', blockKey, bytes: sizeBytes });
  });
  await cache.record(entries);
}

async function inGroups<T>(list: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < list.length; i += PARALLEL) await Promise.all(list.slice(i, i + PARALLEL).map(work));
}
