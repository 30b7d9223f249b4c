/** What whoever reads and computes blocks wants of the list of cached objects (kept in src/catalog). */
import { OpenEOError } from '../errors.ts';
import type { BlockFailure, CacheEntry, CacheRow } from '../catalog/block-catalog.ts';

export type { BlockFailure, CacheEntry, CacheRow, CacheState, FilePointer, Footprint } from '../catalog/block-catalog.ts';

export interface BlockCatalog {
  /** What is known of these objects, by object key. One query. */
  find(objectKeys: readonly string[]): Promise<ReadonlyMap<string, CacheRow>>;
  /** Notes what an object is now; written soon. */
  note(entry: CacheEntry): void;
  /** Notes that an object was used; written soon. */
  touch(objectKey: string): void;
  /** Writes at once that a block can't be computed. */
  fail(entry: Omit<CacheEntry, 'state'>, failure: BlockFailure): Promise<void>;
}

/** Remembers nothing: for scopes without a database. */
export const noCatalog: BlockCatalog = {
  find: async () => new Map(),
  note: () => {},
  touch: () => {},
  fail: async () => {},
};

/** What a request is told whose block is set aside: where it lies, whose it is, why, and when it is tried again. */
export function poisonError({ layer, operator, footprint, label, reason, attempts, failed, retry }: CacheRow): OpenEOError {
  const whose = layer === null ? `operator '${operator ?? 'none'}'` : `layer '${layer}'`;
  const where = footprint ? ` around ${((footprint[0] + footprint[2]) / 2).toFixed(4)}, ${((footprint[1] + footprint[3]) / 2).toFixed(4)} (longitude, latitude)` : '';
  const when = label === null ? '' : ` on ${label}`;
  const times = attempts === 1 ? 'once' : `${attempts} times`;
  return new OpenEOError('Internal', {
    message: `the block of ${whose}${where}${when} can't be computed: ${reason} It failed ${times}, last at ${failed?.toISOString()}, and is tried again after ${retry?.toISOString()}.`,
  });
}

/** True for an error that says something about the block, and not about the caller, the queue or the store. */
export function isPoison(error: unknown): boolean {
  if (!(error instanceof OpenEOError)) return true;
  return error.status >= 500 && !['InfrastructureBusy', 'InfrastructureMaintenance', 'StorageFailure', 'NoAccelerator'].includes(error.code);
}

/** Why it failed, in words that may leave the service: the text of unforeseen errors stays in the log. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof OpenEOError)) return 'an unforeseen error, which the log of the worker tells.';
  const text = error.message.replace(/^Server error: /, '');
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
