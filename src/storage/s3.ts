/** Objects in a bucket of an S3 server. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand, CompleteMultipartUploadCommand, CreateBucketCommand, CreateMultipartUploadCommand, DeleteObjectCommand,
  GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client, UploadPartCommand,
} from '@aws-sdk/client-s3';
import { checkKey } from './keys.ts';
import type { ByteRange, ObjectInfo, ObjectStore, PutOptions } from './object-store.ts';

/** S3 wants parts of at least 5 MiB; some servers refuse bodies over 10 MiB. */
const partBytes = 8 * 1024 * 1024;

export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * An object store in a bucket, which is made when missing. `close` drops the connections.
 *
 * @param pageSize objects per request of a listing; servers give at most 1000
 */
export async function openS3Store(settings: S3Settings, pageSize = 1000): Promise<ObjectStore & { close(): void }> {
  const client = new S3Client({
    endpoint: settings.endpoint,
    region: settings.region,
    credentials: { accessKeyId: settings.accessKey, secretAccessKey: settings.secretKey },
    forcePathStyle: true,
    // Newer SDKs add checksum trailers that other servers than Amazon's do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const bucket = new Bucket(client, settings.bucket, pageSize);
  await bucket.ensure();
  return bucket;
}

class Bucket implements ObjectStore {
  readonly #client: S3Client;
  readonly #name: string;
  readonly #pageSize: number;

  constructor(client: S3Client, name: string, pageSize: number) {
    this.#client = client;
    this.#name = name;
    this.#pageSize = pageSize;
  }

  async ensure(): Promise<void> {
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket: this.#name }));
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      await this.#client.send(new CreateBucketCommand({ Bucket: this.#name })).catch((failure: unknown) => {
        // Another process was faster.
        if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes((failure as Error).name)) throw failure;
      });
    }
  }

  async put(key: string, body: Parameters<ObjectStore['put']>[1], options: PutOptions = {}): Promise<ObjectInfo | null> {
    // Not every server honours If-None-Match, so an existing object is looked for first as well.
    if (options.ifAbsent && await this.head(key) !== null) return null;
    const target = { Bucket: this.#name, Key: checkKey(key), ...(options.contentType ? { ContentType: options.contentType } : {}) };
    const condition = options.ifAbsent ? { IfNoneMatch: '*' } : {};
    try {
      const parts = partsOf(await readable(body));
      const first = (await parts.next()).value ?? new Uint8Array();
      const second = (await parts.next()).value;
      if (second === undefined) await this.#client.send(new PutObjectCommand({ ...target, ...condition, Body: first }));
      else await this.#putParts(target, condition, chain([first, second], parts));
    } catch (error) {
      if (options.ifAbsent && [409, 412].includes(statusOf(error))) return null;
      throw error;
    }
    return this.head(key);
  }

  async #putParts(target: { Bucket: string; Key: string }, condition: { IfNoneMatch?: string }, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const { UploadId } = await this.#client.send(new CreateMultipartUploadCommand(target));
    const upload = { Bucket: target.Bucket, Key: target.Key, UploadId };
    try {
      const done: { ETag: string | undefined; PartNumber: number }[] = [];
      for await (const part of parts) {
        const PartNumber = done.length + 1;
        const { ETag } = await this.#client.send(new UploadPartCommand({ ...upload, PartNumber, Body: part }));
        done.push({ ETag, PartNumber });
      }
      await this.#client.send(new CompleteMultipartUploadCommand({ ...upload, ...condition, MultipartUpload: { Parts: done } }));
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

  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    const body = await this.stream(key, range);
    return body === null ? null : Buffer.concat(await body.toArray() as Uint8Array[]);
  }

  async stream(key: string, range?: ByteRange): Promise<Readable | null> {
    const Range = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` };
    const found = await this.#client.send(new GetObjectCommand({ Bucket: this.#name, Key: checkKey(key), ...Range })).catch((error: unknown) => {
      // A range after the end is empty here, as it is in a file.
      if (statusOf(error) === 416) return { Body: Readable.from([]) };
      return nullWhenAbsent(error);
    });
    return found === null ? null : found.Body as Readable;
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let token: string | undefined;
    do {
      const page = await this.#client.send(new ListObjectsV2Command({
        Bucket: this.#name, Prefix: prefix, MaxKeys: this.#pageSize, ...(token === undefined ? {} : { ContinuationToken: token }),
      }));
      for (const { Key, Size, ETag, LastModified } of page.Contents ?? []) {
        yield { key: Key!, sizeBytes: Size ?? 0, etag: bare(ETag), modified: (LastModified ?? new Date(0)).toISOString() };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#name, Key: checkKey(key) })).catch(nullWhenAbsent);
  }

  close(): void {
    this.#client.destroy();
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
  throw error;
}

function statusOf(error: unknown): number {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
}
