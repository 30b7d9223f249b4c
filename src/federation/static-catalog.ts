/** Catalogs that are files which link to each other. All of it is walked through, within the bounds of load_stac. */
import { AnswerMemory } from '../catalog/answer-memory.ts';
import { UpstreamError } from '../catalog/item-query.ts';
import { DocumentReader, remoteLimits, type RemoteLimits, type StacDocument } from '../catalog/remote/documents.ts';
import { findItems } from '../catalog/remote/walk.ts';
import { isOpenEOError } from '../errors.ts';
import type { Fetch } from '../formats/http-source.ts';
import type { RequestHeaders } from './client.ts';

export interface StaticOptions {
  /** Reaches only what may be reached (guardedFetch). */
  readonly fetch: Fetch;
  /** Headers of every request to the catalog. Throws UpstreamError where this service has not got them. */
  readonly headers: () => RequestHeaders;
  readonly limits?: Partial<RemoteLimits>;
}

const FRESH_MS = 60_000;
/** Catalogs that are remembered, and items of all of them together. */
const [CATALOGS, ITEMS] = [32, 20_000];
const memories = new WeakMap<Fetch, AnswerMemory<readonly StacDocument[]>>();

/** All items of the catalog. Throws UpstreamError. */
export async function readStatic(url: string, collection: string, { fetch, headers, limits }: StaticOptions, signal: AbortSignal): Promise<readonly StacDocument[]> {
  const memory = memories.get(fetch) ?? new AnswerMemory<readonly StacDocument[]>(CATALOGS, ITEMS);
  memories.set(fetch, memory);
  const sent = headers();
  // Who may not read a catalog is not given what another one has read.
  const key = JSON.stringify([url, sent]);
  const known = memory.look(key);
  if (known && Date.now() - known.since < FRESH_MS) return known.answer;
  const bounds = { ...remoteLimits, ...limits };
  try {
    const found = await findItems(url, { bbox: null, interval: null }, new DocumentReader(fetchWith(fetch, sent, url), bounds, signal), bounds);
    const documents = found.map(({ document }) => document);
    memory.keep(key, documents, documents.length);
    return documents;
  } catch (error) {
    if (error instanceof UpstreamError || !isOpenEOError(error)) throw signal.aborted ? new UpstreamError('UpstreamUnavailable', collection, 'it did not answer in time', { cause: error }) : error;
    throw new UpstreamError('UpstreamUnavailable', collection, reasonOf(error.message), { cause: error });
  }
}

/** Its documents may link to those of others, who get no headers. */
function fetchWith(fetch: Fetch, sent: RequestHeaders, catalog: string): Fetch {
  const { origin } = new URL(catalog);
  return (url, init) => fetch(url, URL.canParse(url) && new URL(url).origin === origin ? { ...init, headers: { ...init?.headers, ...sent } } : init);
}

/** Without what the message says of load_stac. */
function reasonOf(message: string): string {
  return message.replace(/^.*? is invalid: /, '').replace(/\.$/, '');
}
