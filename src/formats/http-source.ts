/** Bytes of http(s) URLs through range requests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isOpenEOError, OpenEOError } from '../errors.ts';
import { baseName, missing, unreadable, type Span } from './byte-source.ts';
import type { ByteSource } from './raster-file.ts';

/** As much of the global fetch as reading files and asking catalogs needs. */
export type Fetch = (url: string, init?: FetchOptions) => Promise<Response>;

export interface FetchOptions {
  /** Default GET. */
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a POST. */
  readonly body?: string;
  readonly signal?: AbortSignal;
}

export interface HttpOptions {
  /** Replaces the global fetch, e.g. with one that refuses internal addresses. */
  readonly fetch?: Fetch;
  /** Tries per request; 5xx, 429 and broken connections are tried again. */
  readonly attempts?: number;
  /** Time for one try, milliseconds. */
  readonly timeoutMs?: number;
  /** Wait before the second try; doubles from try to try. */
  readonly backoffMs?: number;
}

/** Enough for the header of most cloud-optimized files, and small beside the latency of a request. */
const FIRST_READ = 64 * 1024;
/** A server that ignores Range sends the whole file: fine up to this size. */
const LARGEST_WHOLE_FILE = 32 * 1024 * 1024;

/**
 * The bytes behind a URL. Opening fetches the first 64 KiB, which tells size and version. Throws
 * FileNotFound on 404, FileContentInvalid when the server can't serve ranges of a large file or the file
 * changes, Internal when it does not answer.
 */
export async function openHttpSource(url: string, options: HttpOptions = {}, signal?: AbortSignal): Promise<ByteSource> {
  const first = await requestRange(url, 0, FIRST_READ, options, signal);
  const head = first.bytes;
  const sizeBytes = first.response.status === 206 ? totalSize(first.response) : head.byteLength;
  const version = versionOf(first.response, sizeBytes);
  return {
    id: url,
    sizeBytes,
    version,
    async read(offset, length, readSignal) {
      readSignal?.throwIfAborted();
      if (sizeBytes === head.byteLength || offset + length <= head.byteLength) return head.subarray(offset, offset + length);
      const wanted = sizeBytes === null ? length : Math.min(length, sizeBytes - offset);
      if (wanted <= 0) return new Uint8Array(0);
      const { response, bytes } = await requestRange(url, offset, wanted, options, readSignal);
      if (response.status !== 206) throw unreadable({ id: url }, 'its server stopped answering range requests');
      if (versionOf(response, totalSize(response)) !== version) throw unreadable({ id: url }, 'it changed while it was read');
      return bytes;
    },
  };
}

interface Answer {
  readonly response: Response;
  readonly bytes: Uint8Array;
}

async function requestRange(url: string, offset: number, length: number, options: HttpOptions, signal?: AbortSignal): Promise<Answer> {
  const { attempts = 4, backoffMs = 200 } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      return await requestOnce(url, { offset, length }, options, signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (isOpenEOError(error)) throw error;
      if (attempt >= attempts) throw unavailable(url, error as Error);
    }
    await sleep(backoffMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2), undefined, signal ? { signal } : {});
  }
}

/** One try, body included. An OpenEOError is final; anything else may be tried again. */
async function requestOnce(url: string, { offset, length }: Span, options: HttpOptions, signal?: AbortSignal): Promise<Answer> {
  const { fetch = globalThis.fetch, timeoutMs = 30_000 } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const response = await fetch(url, {
    headers: { range: `bytes=${offset}-${offset + length - 1}`, 'accept-encoding': 'identity' },
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  const refusal = refusalOf(url, response);
  if (refusal) {
    await response.body?.cancel();
    throw refusal;
  }
  return { response, bytes: await readBody(url, response, Math.max(LARGEST_WHOLE_FILE, length)) };
}

/** The body as far as memory allows: a server may send more than it was asked for, or promised. */
async function readBody(url: string, response: Response, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > limit) throw unreadable({ id: url }, 'its server does not answer range requests');
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function refusalOf(url: string, { status, headers }: Response): Error | undefined {
  if (status === 206) return undefined;
  if (status === 200) {
    const isTooLarge = Number(headers.get('content-length') ?? 0) > LARGEST_WHOLE_FILE;
    return isTooLarge ? unreadable({ id: url }, 'its server does not answer range requests') : undefined;
  }
  if (status === 416) return unreadable({ id: url }, 'it ends early');
  if (status === 404 || status === 410) return missing(url);
  const error = new Error(`HTTP status ${status}`);
  return status >= 500 || status === 429 || status === 408 ? error : unavailable(url, error);
}

function totalSize(response: Response): number | null {
  const total = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
  return total === undefined ? null : Number(total);
}

function versionOf(response: Response, sizeBytes: number | null): string {
  const tag = response.headers.get('etag')?.replace(/^W\//, '').replaceAll('"', '');
  return tag ?? `${sizeBytes ?? ''}-${response.headers.get('last-modified') ?? ''}`;
}

function unavailable(url: string, cause: Error): OpenEOError<'Internal'> {
  return new OpenEOError('Internal', { message: `'${baseName(url)}' is not available from its server (${cause.message}).` }, { cause });
}
