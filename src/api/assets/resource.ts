/** Bytes that can be sent: whole or in part, from the object store or from a file that the catalog names. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Readable } from 'node:stream';
import type { ByteRange, ObjectStore } from '../../storage/object-store.ts';

export interface Resource {
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  /** RFC 3339. */
  readonly modified: string;
  stream(range?: ByteRange): Promise<Readable | null>;
}

/** null when there is no such object. */
export async function objectResource(objects: ObjectStore, key: string): Promise<Resource | null> {
  const info = await objects.head(key);
  return info === null ? null : { ...info, stream: (range) => objects.stream(key, range) };
}

/** null when there is no such file. Only for hrefs from the catalog: clients never name paths. */
export async function fileResource(href: string): Promise<Resource | null> {
  const path = fileURLToPath(href);
  const found = await stat(path).catch(() => null);
  if (!found?.isFile()) return null;
  const etag = createHash('sha256').update(`${found.ino}-${found.size}-${found.mtimeMs}`).digest('hex').slice(0, 32);
  return {
    sizeBytes: found.size,
    etag,
    modified: found.mtime.toISOString(),
    stream: async (range) => createReadStream(path, range === undefined ? {} : { start: range.first, end: range.last }),
  };
}
