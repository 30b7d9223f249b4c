/** Catalogs that are files which link to each other. All of it is walked through, within the bounds of load_stac. */
import { UpstreamError } from '../catalog/item-query.ts';
import { DocumentReader, remoteLimits, type RemoteLimits, type StacDocument } from '../catalog/remote/documents.ts';
import { findItems } from '../catalog/remote/walk.ts';
import { isOpenEOError } from '../errors.ts';
import type { Fetch } from '../formats/http-source.ts';
import { BoundedCache } from './bounded-cache.ts';

export interface StaticOptions {
  /** Reaches only what may be reached (guardedFetch). */
  readonly fetch: Fetch;
  readonly limits?: Partial<RemoteLimits>;
}

const FRESH_MS = 60_000;
/** Whole catalogs that are remembered, by their number of items. */
const remembered = new WeakMap<Fetch, BoundedCache<readonly StacDocument[]>>();

/** All items of the catalog. Throws UpstreamError. */
export async function readStatic(url: string, collection: string, { fetch, limits }: StaticOptions, signal: AbortSignal): Promise<readonly StacDocument[]> {
  const cache = remembered.get(fetch) ?? new BoundedCache<readonly StacDocument[]>({ entries: 32, weight: 20_000 });
  remembered.set(fetch, cache);
  const known = cache.get(url);
  if (known && known.ageMs < FRESH_MS) return known.value;
  const bounds = { ...remoteLimits, ...limits };
  try {
    const found = await findItems(url, { bbox: null, interval: null }, new DocumentReader(fetch, bounds, signal), bounds);
    const documents = found.map(({ document }) => document);
    cache.set(url, documents, documents.length);
    return documents;
  } catch (error) {
    if (error instanceof UpstreamError || !isOpenEOError(error)) throw signal.aborted ? new UpstreamError('UpstreamUnavailable', collection, 'it did not answer in time', { cause: error }) : error;
    throw new UpstreamError('UpstreamUnavailable', collection, reasonOf(error.message), { cause: error });
  }
}

/** Without what the message says of load_stac. */
function reasonOf(message: string): string {
  return message.replace(/^.*? is invalid: /, '').replace(/\.$/, '');
}
