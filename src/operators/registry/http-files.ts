/** A registry behind a web server: plain files that can only be read. */
import { Readable } from 'node:stream';
import { OpenEOError } from '../../errors.ts';
import { checkKey } from '../../storage/keys.ts';
import type { StoredObject } from '../../storage/object-store.ts';
import { wholeBody } from '../../storage/whole-body.ts';
import type { RegistryFiles } from './version-record.ts';

export interface HttpPatience {
  /** Until an answer begins, and between two pieces of it. */
  readonly idleMs?: number;
  /** Of an object that is read at once. */
  readonly maxBytes?: number;
}

/** Collections of thousands of versions have a few megabytes. */
const MAX_BYTES = 32 * 2 ** 20;
const IDLE_MS = 20_000;

/** @param base URL below which 'operators/…' lies, without a slash at the end; user and password in it are sent as such */
export function httpFiles(base: string, { idleMs = IDLE_MS, maxBytes = MAX_BYTES }: HttpPatience = {}): RegistryFiles {
  const { url, headers } = withoutCredentials(base);
  const get = async (key: string, more: Record<string, string> = {}) => {
    const address = `${url}/${checkKey(key).split('/').map(encodeURIComponent).join('/')}`;
    const answer = await ask(address, { ...headers, ...more }, idleMs);
    if (answer.status === 404 || answer.status === 410) await answer.body?.cancel();
    else if (answer.status !== 304 && !answer.ok) {
      await answer.body?.cancel();
      throw failure(`answered with status ${answer.status}`);
    }
    return answer;
  };
  return {
    async read(key, known) {
      const answer = await get(key, known === undefined ? {} : { 'If-None-Match': known });
      if (answer.status === 304) return 'unchanged';
      if (!answer.ok) return null;
      return objectOf(key, answer, await whole(answer, maxBytes, idleMs));
    },
    async stream(key) {
      const answer = await get(key);
      return answer.ok ? Readable.from(body(answer, idleMs), { objectMode: false }) : null;
    },
  };
}

/** The ETag of a server stays as it came, with quotes and 'W/': it is only ever sent back. One without ETags is asked for everything each time. */
function objectOf(key: string, answer: Response, bytes: Uint8Array): StoredObject {
  const modified = new Date(answer.headers.get('last-modified') ?? 0);
  return { info: { key, sizeBytes: bytes.length, etag: answer.headers.get('etag') ?? '', modified: (Number.isNaN(modified.getTime()) ? new Date(0) : modified).toISOString() }, bytes };
}

async function ask(url: string, headers: Record<string, string>, idleMs: number): Promise<Response> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), idleMs);
  try {
    // Archives are compressed already; a server that packs them again would change their length.
    return await fetch(url, { headers: { 'Accept-Encoding': 'identity', ...headers }, signal: patience.signal });
  } catch (error) {
    throw failure(patience.signal.aborted ? `did not answer for ${idleMs / 1000} s` : 'can\'t be reached', error);
  } finally {
    clearTimeout(timer);
  }
}

function body(answer: Response, idleMs: number): AsyncGenerator<Uint8Array, void> {
  const length = answer.headers.has('content-encoding') ? null : answer.headers.get('content-length');
  return wholeBody(answer.body ? Readable.fromWeb(answer.body) : Readable.from([]), length === null ? undefined : Number(length), idleMs);
}

async function whole(answer: Response, maxBytes: number, idleMs: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body(answer, idleMs)) {
    size += piece.length;
    if (size > maxBytes) throw failure(`gave more than ${maxBytes} bytes for a description`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function withoutCredentials(base: string): { url: string; headers: Record<string, string> } {
  const parsed = new URL(base);
  const { username, password } = parsed;
  parsed.username = '';
  parsed.password = '';
  const url = parsed.href.replace(/\/+$/, '');
  if (username === '') return { url, headers: {} };
  return { url, headers: { Authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` } };
}

function failure(what: string, cause?: unknown): OpenEOError {
  return new OpenEOError('StorageFailure', {}, { cause, detail: `The registry of operators ${what}.` });
}
