/** The body of an answer, which must come whole and without long silences. */
import type { Readable } from 'node:stream';
import { OpenEOError } from '../errors.ts';

/**
 * The chunks of a body. Throws StorageFailure when the body breaks off, has another length than announced, or
 * when no byte comes for `idleMs`. The time during which nobody reads does not count.
 */
export async function* wholeBody(body: Readable, expected: number | undefined, idleMs: number): AsyncGenerator<Uint8Array, void> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let received = 0;
  try {
    for (let next = await nextChunk(chunks, idleMs); !next.done; next = await nextChunk(chunks, idleMs)) {
      received += next.value.length;
      yield next.value;
    }
  } finally {
    body.destroy();
  }
  if (expected !== undefined && received !== expected) throw broken(`${received} instead of ${expected} bytes came`);
}

async function nextChunk(chunks: AsyncIterator<Uint8Array>, idleMs: number): Promise<IteratorResult<Uint8Array>> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(broken(`nothing came for ${idleMs / 1000} s`)), idleMs);
  });
  const next = chunks.next();
  // When silence wins, the body is destroyed, and this fails with nobody to hear it.
  next.catch(() => {});
  try {
    return await Promise.race([next, silence]);
  } catch (error) {
    throw error instanceof OpenEOError ? error : broken('the connection was lost', error);
  } finally {
    clearTimeout(timer);
  }
}

function broken(what: string, cause?: unknown): OpenEOError {
  return new OpenEOError('StorageFailure', {}, { cause, detail: `The object store broke off an answer: ${what}.` });
}
