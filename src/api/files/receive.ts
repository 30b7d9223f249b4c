/** The body of an upload, chunk by chunk: it may be large, and its sender slow, silent or gone. */
import type { Request, Response } from 'express';
import { OpenEOError } from '../../errors.ts';

/** Senders that keep silent longer are gone. */
const IDLE_MS = 60_000;
/** How long a sender who was refused may go on before the connection is cut. */
const DRAIN_MS = 5000;

/** The announced size; null when the body comes in chunks of its own. Throws what no upload may have. */
export function announcedSize(request: Request): number | null {
  const { 'content-length': length, 'content-range': range, 'content-encoding': encoding } = request.headers;
  if (range !== undefined) throw new OpenEOError('FileContentInvalid', {}, { detail: 'A file is uploaded whole, without Content-Range.' });
  if (encoding !== undefined && encoding !== 'identity') throw new OpenEOError('ContentTypeInvalid', { types: 'application/octet-stream, without Content-Encoding' });
  return length === undefined ? null : Number(length);
}

/**
 * The chunks of the body. Throws FileContentInvalid when it breaks off or nothing comes for a minute. Who stops
 * reading leaves the connection open, so that an answer can still be sent.
 */
export async function* chunksOf(request: Request, idleMs = IDLE_MS): AsyncGenerator<Uint8Array, void> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  try {
    for (let next = await nextChunk(chunks, idleMs); !next.done; next = await nextChunk(chunks, idleMs)) yield next.value;
  } finally {
    // Not waited for: while a chunk is awaited that never comes, neither does this.
    chunks.return?.().catch(() => {});
  }
  if (!request.complete) throw brokenOff('it ended early');
}

async function nextChunk(chunks: AsyncIterator<Uint8Array>, idleMs: number): Promise<IteratorResult<Uint8Array>> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(brokenOff(`nothing came for ${idleMs / 1000} s`)), idleMs);
  });
  const next = chunks.next();
  next.catch(() => {});
  try {
    return await Promise.race([next, silence]);
  } catch (error) {
    throw error instanceof OpenEOError ? error : brokenOff('the connection was lost', error);
  } finally {
    clearTimeout(timer);
  }
}

function brokenOff(reason: string, cause?: unknown): OpenEOError {
  return new OpenEOError('FileContentInvalid', {}, { detail: `The upload broke off: ${reason}.`, cause });
}

/** Lets a sender who was refused get the answer: what he still sends goes nowhere, for a while. */
export function dropRest(request: Request, response: Response): void {
  if (request.complete) return;
  request.resume();
  response.once('finish', () => setTimeout(() => {
    if (!request.complete) request.destroy();
  }, DRAIN_MS).unref());
}
