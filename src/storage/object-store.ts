/** Objects (results, cached blocks, operator packages) live behind this one interface: a local directory or S3. */
import type { Readable } from 'node:stream';

export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** Changes whenever the content does. Without quotes. */
  readonly etag: string;
  /** RFC 3339, UTC. */
  readonly modified: string;
}

/** Bytes first..last, both inclusive, as in HTTP. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export interface PutOptions {
  readonly contentType?: string;
  /** Create only: an existing object stays as it is and `put` returns null. */
  readonly ifAbsent?: boolean;
  /**
   * Compare and swap: replaces the object only while it has this ETag; `put` returns null when it has another one
   * or is gone. Of writers that read the same state exactly one succeeds. For small objects.
   */
  readonly ifMatch?: string;
}

/** An object with what it is, read as one. */
export interface StoredObject {
  readonly info: ObjectInfo;
  readonly bytes: Uint8Array;
}

/** Keys are '/'-separated, without leading slash, '.' or '..' segments; others throw. */
export interface ObjectStore {
  /** Stores the object whole or not at all. A string body is the path of a local file. */
  put(key: string, body: Uint8Array | Readable | { readonly path: string }, options?: PutOptions): Promise<ObjectInfo | null>;
  /** null when there is no such object. */
  head(key: string): Promise<ObjectInfo | null>;
  get(key: string, range?: ByteRange): Promise<Uint8Array | null>;
  /**
   * A small object with its ETag: what a compare and swap begins with. 'unchanged' when the ETag is still
   * `known`; then no bytes travel. null when there is no such object.
   */
  read(key: string, known?: string): Promise<StoredObject | 'unchanged' | null>;
  /**
   * A small object that can be had at once (from a local disk), in memory that the next call overwrites: for
   * bytes that are looked at once and not kept. undefined: not at once, or not at all; ask `get`.
   */
  glance?(key: string): Uint8Array | undefined;
  stream(key: string, range?: ByteRange): Promise<Readable | null>;
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /**
   * Whether `ifAbsent` and `ifMatch` exclude each other for all writers, tried on an object of this key, which is deleted again. Absent: they do.
   */
  excludes?(key: string): Promise<boolean>;
  /** No error when it does not exist. */
  delete(key: string): Promise<void>;
}
