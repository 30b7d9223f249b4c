/**
 * ETags of what clients may change, and the conditions of their changes (RFC 9110; STAC API, transactions): a
 * client that sends back the tag under `If-Match` does not undo what somebody else did meanwhile.
 *
 * A tag has two parts: the state of what is stored, which conditions compare, and the document that was made of
 * it. The document changes by itself, when its links are signed anew for example, and then copies are out of date
 * without anybody having changed anything. So tags are weak.
 */
import { createHash } from 'node:crypto';
import type { Request } from 'express';

const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);

/** The value of the header ETag. */
export const tagOf = (stored: object, shown: object): string => `W/"${digest(stored)}.${digest(shown)}"`;

/**
 * Tells whether what is stored now is what the client means. Undefined without the header `If-Match`: then it
 * means whatever there is.
 */
export function conditionOf(request: Request): ((stored: object) => boolean) | undefined {
  const header = request.get('If-Match');
  if (header === undefined) return undefined;
  const wanted = header.split(',').map((tag) => tag.trim().replace(/^W\//, '').replaceAll('"', '').split('.')[0]!);
  return (stored) => wanted.includes('*') || wanted.includes(digest(stored));
}
