/** Bytes of objects in the object store. */
import type { ObjectStore } from '../storage/object-store.ts';
import { missing } from './byte-source.ts';
import type { ByteSource } from './raster-file.ts';

/** The bytes of a stored object. Throws FileNotFound when there is none, also when it vanishes later. */
export async function openObjectSource(store: ObjectStore, key: string): Promise<ByteSource> {
  const info = await store.head(key);
  if (!info) throw missing(key);
  return {
    id: key,
    sizeBytes: info.sizeBytes,
    version: info.etag,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      const last = Math.min(offset + length, info.sizeBytes) - 1;
      if (last < offset) return new Uint8Array(0);
      const bytes = await store.get(key, { first: offset, last });
      if (!bytes) throw missing(key);
      return bytes;
    },
  };
}
