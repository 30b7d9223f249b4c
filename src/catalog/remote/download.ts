/** A file from a URL that a user gave, whole and within bounds. */
import type { Fetch } from '../../formats/http-source.ts';
import { shown } from './documents.ts';

/** Why something can't be had, in words for the user who named it. */
export class Unreadable extends Error {
  constructor(reason: string, cause?: unknown) {
    super(reason, cause === undefined ? {} : { cause });
  }
}

export interface DownloadOptions {
  /** Reaches only what a user may reach (guardedFetch); an Unreadable that it throws is passed on. */
  readonly fetch: Fetch;
  /** Largest file. */
  readonly bytes: number;
  /** Longest time, milliseconds. */
  readonly timeMs: number;
  /** Media type that is wished for; default any. */
  readonly accept?: string;
}

/** What is at a URL. Throws Unreadable, and the signal's reason when it is aborted. */
export async function download(url: string, { fetch, bytes, timeMs, accept = '*/*' }: DownloadOptions, signal: AbortSignal): Promise<Buffer> {
  const deadline = AbortSignal.timeout(timeMs);
  try {
    const response = await fetch(url, { headers: { accept }, signal: AbortSignal.any([signal, deadline]) });
    if (response.ok) return await readBounded(response.body ?? [], bytes, `what is at ${shown(url)}`);
    await response.body?.cancel();
    throw new Unreadable(`the server of ${shown(url)} answered with status ${response.status}`);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(deadline.aborted ? `reading ${shown(url)} takes longer than ${timeMs / 1000} s` : `${shown(url)} can't be reached`, error);
  }
}

/** All of a stream. Throws Unreadable as soon as it has more bytes than allowed; `name` is the subject of that sentence. */
export async function readBounded(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, most: number, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > most) throw new Unreadable(`${name} has more than ${most < MEBIBYTE ? `${most} bytes` : `${Math.floor(most / MEBIBYTE)} MiB`}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const MEBIBYTE = 1024 * 1024;
