/** Objects in a bucket of an S3 server. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteObjectCommand,
  GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client, UploadPartCommand,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { isTransient, remoteFailure, statusOf } from './failures.ts';
import { checkKey } from './keys.ts';
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions, StoredObject } from './object-store.ts';
import { wholeBody } from './whole-body.ts';

/** S3 wants parts of at least 5 MiB; some servers refuse bodies over 10 MiB. */
const partBytes = 8 * 1024 * 1024;

/** How long a server may keep silent, and how often it is asked. */
export interface Patience {
  /** Until a connection is there. Default 5 s. */
  readonly connectMs?: number;
  /** Until an answer begins, and between two pieces of it. Default 30 s. */
  readonly idleMs?: number;
  /** Tries of one request, the first included; between them are pauses that grow and vary. Default 4. */
  readonly attempts?: number;
}

const PATIENCE = { connectMs: 5000, idleMs: 30_000, attempts: 4 };
/** The first pause between two tries of a read. */
const PAUSE_MS = 100;

export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly patience?: Patience;
  /** false: a bucket that is missing is an error. Default true. */
  readonly create?: boolean;
}

/**
 * An object store in a bucket, which is made when missing. `close` drops the connections.
 *
 * @param pageSize objects per request of a listing; servers give at most 1000
 */
export async function openS3Store(settings: S3Settings, pageSize = 1000): Promise<ObjectStore & { close(): void }> {
  const patience = { ...PATIENCE, ...settings.patience };
  const options: S3ClientConfig = {
    endpoint: settings.endpoint,
    region: settings.region,
    credentials: { accessKeyId: settings.accessKey, secretAccessKey: settings.secretKey },
    forcePathStyle: true,
    // Newer SDKs add checksum trailers that other servers than Amazon's do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: patience.attempts,
    // Not the idle time-out of the socket: that would end a download whose reader is slow. Bodies are watched by `wholeBody`.
    requestHandler: { connectionTimeout: patience.connectMs, requestTimeout: patience.idleMs, throwOnRequestTimeout: true, socketTimeout: 0 },
  };
  const bucket = new Bucket(options, settings.bucket, pageSize, patience);
  await bucket.ensure(settings.create ?? true);
  return bucket;
}

interface Condition {
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
}

class Bucket implements ObjectStore {
  readonly #client: S3Client;
  /** Tries once: for reads, whose tries are counted here, together with those that fail halfway. */
  readonly #once: S3Client;
  readonly #name: string;
  readonly #pageSize: number;
  readonly #patience: Required<Patience>;

  constructor(options: S3ClientConfig, name: string, pageSize: number, patience: Required<Patience>) {
    this.#client = new S3Client(options);
    this.#once = new S3Client({ ...options, maxAttempts: 1 });
    this.#patience = patience;
    this.#name = name;
    this.#pageSize = pageSize;
  }

  async ensure(mayCreate: boolean): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#name }));
    } catch (error) {
      if (statusOf(error) !== 404) throw remoteFailure(error);
      if (!mayCreate) throw new Error(`there is no bucket '${this.#name}'`);
      await this.#client.send(new CreateBucketCommand({ Bucket: this.#name })).catch((failure: unknown) => {
        // Another process was faster.
        if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes((failure as Error).name)) throw remoteFailure(failure);
      });
    }
  }

  async put(key: string, body: Parameters<ObjectStore['put']>[1], options: PutOptions = {}): Promise<ObjectInfo | null> {
    // Not every server honours If-None-Match and If-Match, so what is there is looked at first as well.
    if (options.ifAbsent && await this.head(key) !== null) return null;
    if (options.ifMatch !== undefined && (await this.head(key))?.etag !== options.ifMatch) return null;
    const target = { Bucket: this.#name, Key: checkKey(key), ...(options.contentType ? { ContentType: options.contentType } : {}) };
    const condition: Condition = options.ifAbsent ? { IfNoneMatch: '*' } : options.ifMatch !== undefined ? { IfMatch: `"${options.ifMatch}"` } : {};
    let etag: string | undefined;
    try {
      const parts = partsOf(await readable(body));
      const first = (await parts.next()).value ?? new Uint8Array();
      const second = (await parts.next()).value;
      if (second === undefined) etag = (await this.#client.send(new PutObjectCommand({ ...target, ...condition, Body: first }))).ETag;
      else etag = await this.#putParts(target, condition, chain([first, second], parts));
    } catch (error) {
      if (options.ifAbsent && [409, 412].includes(statusOf(error))) return null;
      if (options.ifMatch !== undefined && [404, 409, 412].includes(statusOf(error))) return null;
      throw remoteFailure(error);
    }
    const info = await this.head(key);
    // Somebody else may have replaced it already; a compare and swap must go on from what was written here.
    return info === null || etag === undefined ? info : { ...info, etag: bare(etag) };
  }

  async #putParts(target: { Bucket: string; Key: string }, condition: Condition, parts: AsyncIterable<Uint8Array>): Promise<string | undefined> {
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target));
    const upload = { Bucket: target.Bucket, Key: target.Key, UploadId };
    try {
      const done: { ETag: string | undefined; PartNumber: number }[] = [];
      for await (const part of parts) {
        const PartNumber = done.length + 1;
        const { ETag } = await this.#client.send(new UploadPartCommand({ ...upload, PartNumber, Body: part }));
        done.push({ ETag, PartNumber });
      }
      const { ETag } = await this.#client.send(new CompleteMultipartUploadCommand({ ...upload, ...condition, MultipartUpload: { Parts: done } }));
      return ETag;
    } catch (error) {
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
      throw error;
    }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const found = await this.#client.send(new HeadObjectCommand({ Bucket: this.#name, Key: checkKey(key) })).catch(nullWhenAbsent);
    if (found === null) return null;
    return { key, sizeBytes: found.ContentLength ?? 0, etag: bare(found.ETag), modified: (found.LastModified ?? new Date(0)).toISOString() };
  }

  /** Tries again when the answer breaks off, is too short or comes to a halt. */
  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    const { attempts } = this.#patience;
    for (let attempt = 1; ; attempt++) {
      try {
        const body = await this.#body(this.#once, key, range);
        return body === null ? null : Buffer.concat(await Array.fromAsync(body));
      } catch (error) {
        if (attempt >= attempts || !isTransient(error)) throw error;
        await delay(PAUSE_MS * 2 ** attempt * (0.5 + Math.random()));
      }
    }
  }

  async read(key: string, known?: string): Promise<StoredObject | 'unchanged' | null> {
    const condition = known === undefined ? {} : { IfNoneMatch: `"${known}"` };
    const found = await this.#client.send(new GetObjectCommand({ Bucket: this.#name, Key: checkKey(key), ...condition })).catch((error: unknown) => {
      return statusOf(error) === 304 ? 'unchanged' as const : nullWhenAbsent(error);
    });
    if (found === null || found === 'unchanged') return found;
    const bytes = Buffer.concat(await Array.fromAsync(wholeBody(found.Body as Readable, found.ContentLength, this.#patience.idleMs)));
    return { info: { key, sizeBytes: bytes.length, etag: bare(found.ETag), modified: (found.LastModified ?? new Date(0)).toISOString() }, bytes };
  }

  /** What breaks off after it began is an error of the stream: who reads has had some of it already. */
  async stream(key: string, range?: ByteRange): Promise<Readable | null> {
    const body = await this.#body(this.#client, key, range);
    return body && Readable.from(body, { objectMode: false });
  }

  async #body(client: S3Client, key: string, range: ByteRange | undefined): Promise<AsyncIterable<Uint8Array> | null> {
    const Range = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` };
    const found = await client.send(new GetObjectCommand({ Bucket: this.#name, Key: checkKey(key), ...Range })).catch((error: unknown) => {
      // A range after the end is empty here, as it is in a file.
      if (statusOf(error) === 416) return { Body: Readable.from([]), ContentLength: 0 };
      return nullWhenAbsent(error);
    });
    return found && wholeBody(found.Body as Readable, found.ContentLength, this.#patience.idleMs);
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let token: string | undefined;
    do {
      const page = await this.#client.send(new ListObjectsV2Command({
        Bucket: this.#name, Prefix: prefix, MaxKeys: this.#pageSize, ...(token === undefined ? {} : { ContinuationToken: token }),
      })).catch(fail);
      for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
        yield { key: Key!, sizeBytes: Size ?? 0, etag: bare(ETag), modified: (LastModified ?? new Date(0)).toISOString() };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** A server that ignores conditions writes what it must refuse. */
  async excludes(key: string): Promise<boolean> {
    const target = { Bucket: this.#name, Key: checkKey(key), Body: new Uint8Array([1]) };
    const isRefused = (condition: Condition) => this.#client.send(new PutObjectCommand({ ...target, ...condition })).then(() => false, (error: unknown) => [409, 412].includes(statusOf(error)) || fail(error));
    await this.#client.send(new PutObjectCommand(target)).catch(fail);
    try {
      return await isRefused({ IfNoneMatch: '*' }) && await isRefused({ IfMatch: `"${'0'.repeat(32)}"` });
    } finally {
      await this.delete(key).catch(() => {});
    }
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#name, Key: checkKey(key) })).catch(nullWhenAbsent);
  }

  close(): void {
    this.#client.destroy();
    this.#once.destroy();
  }
}

async function readable(body: Parameters<ObjectStore['put']>[1]): Promise<AsyncIterable<Uint8Array>> {
  if (body instanceof Uint8Array) return Readable.from([body]);
  if (body instanceof Readable) return body;
  await stat(body.path);
  return createReadStream(body.path, { highWaterMark: 1024 * 1024 });
}

/** Cuts a stream into parts of `partBytes`; only the last may be shorter. */
async function* partsOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array, undefined> {
  let collected: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    let rest: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    while (sizeBytes + rest.length >= partBytes) {
      const take = partBytes - sizeBytes;
      yield Buffer.concat([...collected, rest.subarray(0, take)]);
      rest = rest.subarray(take);
      collected = [];
      sizeBytes = 0;
    }
    if (rest.length > 0) collected.push(rest);
    sizeBytes += rest.length;
  }
  if (sizeBytes > 0) yield Buffer.concat(collected);
}

async function* chain<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncIterable<T> {
  yield* first;
  yield* rest;
}

function bare(etag: string | undefined): string {
  // A server without ETags would make every version look the same; a random one is only slower.
  return etag?.replaceAll('"', '') ?? randomUUID();
}

function nullWhenAbsent(error: unknown): null {
  if (statusOf(error) === 404) return null;
  return fail(error);
}

function fail(error: unknown): never {
  throw remoteFailure(error);
}
