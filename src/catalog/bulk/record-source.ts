/** Files of many items, read one record after the other: NDJSON, ItemCollections, and stac-geoparquet. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { createGunzip } from 'node:zlib';
import { FileHandles, openFileSource } from '../../formats/file-source.ts';
import { openHttpSource } from '../../formats/http-source.ts';
import { openObjectSource } from '../../formats/object-source.ts';
import { openRows } from '../../formats/parquet/read-rows.ts';
import type { ByteSource } from '../../formats/raster-file.ts';
import type { ObjectStore } from '../../storage/object-store.ts';
import { itemOfRow } from './item-row.ts';
import { FeatureSplitter } from './split-features.ts';

/** An item as it was found. */
export interface BulkRecord {
  /** Line, row or feature, from 1 on. */
  readonly number: number;
  /** How much of the source has been read by then, 0 … 1; null where nobody knows its size. */
  readonly progress: number | null;
  /** Throws an Error when the text is no JSON. */
  read(): unknown;
}

export interface RecordSource {
  /** As people named it. */
  readonly name: string;
  /** Changes with its content: work is taken up again only on the same content. */
  readonly version: string;
  /** URL that relative references are relative to. */
  readonly base: string;
  /** The records after the first `skip`. Throws an Error (one line) when the source can't be read to its end. */
  records(skip: number): AsyncGenerator<BulkRecord>;
}

const ENDING = /\.(?:(ndjson|jsonl|geojsonl)|(parquet|geoparquet)|(json|geojson))(\.gz)?$/i;
const PACKED = /\.gz$/i;
/** An item in one line is never that long. */
const MOST_LINE = 64 * 1024 * 1024;

type Kind = 'lines' | 'table' | 'collection';

/** What a name says its file holds; null: no records. A 'collection' may turn out to be a STAC document of another kind. */
export function kindNamed(name: string): Kind | null {
  const [, lines, table, json] = ENDING.exec(pathOf(name)) ?? [];
  return lines !== undefined ? 'lines' : table !== undefined ? 'table' : json !== undefined ? 'collection' : null;
}

/** What a local file holds: of JSON by looking into it, unless it is packed, as single STAC documents never are. null: no records. */
export async function kindOfFile(path: string): Promise<Kind | null> {
  const kind = kindNamed(path);
  return kind !== 'collection' || PACKED.test(path) || (await isItemCollection(path)) ? kind : null;
}

/** URLs may go on behind the name of their file. */
const pathOf = (name: string) => (/^https?:/i.test(name) ? name.replace(/[?#].*$/, '') : name);

/** Bytes of a source, from wherever they come. */
interface Bytes {
  readonly name: string;
  readonly version: string;
  readonly base: string;
  /** Of the file as it lies there; null where nobody knows. */
  readonly sizeBytes: number | null;
  stream(): Promise<Readable>;
  /** Random access, and what closes it. */
  open(): Promise<{ readonly source: ByteSource; readonly close: () => Promise<void> }>;
}

/** A local file. Throws an Error (one line) when there is none. */
export async function fileRecords(path: string, kind: Kind): Promise<RecordSource> {
  const info = await stat(path).catch(() => null);
  if (!info?.isFile()) throw new Error(info ? 'it is no file' : 'it does not exist');
  return recordsOf({
    name: path, version: `${info.size}-${info.mtimeMs}`, base: pathToFileURL(resolve(path)).href, sizeBytes: info.size,
    stream: async () => createReadStream(path),
    async open() {
      const handles = new FileHandles(1);
      return { source: await openFileSource(resolve(path), handles), close: () => handles.close() };
    },
  }, kind);
}

/** A file behind an http(s) URL. */
export async function urlRecords(url: string, kind: Kind, fetch: typeof globalThis.fetch = globalThis.fetch): Promise<RecordSource> {
  const head = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(30_000) });
  if (!head.ok) throw new Error(`the server answered ${head.status}`);
  const size = head.headers.get('content-encoding') === null ? Number(head.headers.get('content-length') ?? NaN) : NaN;
  return recordsOf({
    name: url, version: head.headers.get('etag') ?? head.headers.get('last-modified') ?? `${size}`, base: url, sizeBytes: Number.isNaN(size) ? null : size,
    async stream() {
      const response = await fetch(url);
      if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
      return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
    },
    open: async () => ({ source: await openHttpSource(url), close: async () => {} }),
  }, kind);
}

/** An object of a store; `name` is its s3:// URL. */
export async function objectRecords(store: ObjectStore, key: string, name: string, kind: Kind): Promise<RecordSource> {
  const info = await store.head(key);
  if (!info) throw new Error('it does not exist');
  return recordsOf({
    name, version: info.etag, base: name, sizeBytes: info.sizeBytes,
    async stream() {
      const stream = await store.stream(key);
      if (!stream) throw new Error('it vanished');
      return stream;
    },
    open: async () => ({ source: await openObjectSource(store, key), close: async () => {} }),
  }, kind);
}

function recordsOf(bytes: Bytes, kind: Kind): RecordSource {
  const { name, version, base } = bytes;
  const records = { lines: lineRecords, table: tableRecords, collection: featureRecords }[kind];
  return { name, version, base, records: (skip) => records(bytes, skip) };
}

async function* tableRecords(bytes: Bytes, skip: number): AsyncGenerator<BulkRecord> {
  const { source, close } = await bytes.open();
  try {
    const table = await openRows(source);
    let number = skip;
    for await (const row of table.rows(skip)) {
      number++;
      yield { number, progress: number / table.rowCount, read: () => itemOfRow(row) };
    }
  } finally {
    await close();
  }
}

async function* lineRecords(bytes: Bytes, skip: number): AsyncGenerator<BulkRecord> {
  let number = 0;
  for await (const { texts, progress } of piecesOf(bytes, () => new LineSplitter())) {
    for (const text of texts) if (text.trim() !== '' && ++number > skip) yield { number, progress, read: () => JSON.parse(text) as unknown };
  }
}

async function* featureRecords(bytes: Bytes, skip: number): AsyncGenerator<BulkRecord> {
  let number = 0;
  const splitter = new FeatureSplitter();
  for await (const { texts, progress } of piecesOf(bytes, () => splitter)) {
    for (const text of texts) if (++number > skip) yield { number, progress, read: () => JSON.parse(text) as unknown };
  }
  // A document without features may be an item itself.
  if (!splitter.hasFeatures && skip === 0) yield { number: 1, progress: 1, read: () => JSON.parse(splitter.rest()) as unknown };
}

/** Takes bytes, gives texts. */
interface Splitter {
  push(piece: Buffer): string[];
  /** What is left in the end. */
  end?(): string[];
  rest?(): string;
}

async function* piecesOf(bytes: Bytes, create: () => Splitter): AsyncGenerator<{ texts: string[]; progress: number | null }> {
  const splitter = create();
  const raw = await bytes.stream();
  let read = 0;
  raw.on('data', (piece: Buffer) => void (read += piece.length));
  raw.pause();
  const isPacked = PACKED.test(pathOf(bytes.name));
  const unpacked = isPacked ? raw.pipe(createGunzip()) : raw;
  if (isPacked) raw.on('error', (error) => unpacked.destroy(error));
  const progress = () => (bytes.sizeBytes === null || bytes.sizeBytes === 0 ? null : Math.min(1, read / bytes.sizeBytes));
  try {
    for await (const piece of unpacked) yield { texts: splitter.push(piece as Buffer), progress: progress() };
    splitter.rest?.();
    yield { texts: splitter.end?.() ?? [], progress: 1 };
  } finally {
    raw.destroy();
  }
}

class LineSplitter implements Splitter {
  #rest: Buffer[] = [];
  #length = 0;

  push(piece: Buffer): string[] {
    const texts: string[] = [];
    let start = 0;
    for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
      texts.push(this.#take(piece.subarray(start, end)));
      start = end + 1;
    }
    this.#rest.push(piece.subarray(start));
    this.#length += piece.length - start;
    if (this.#length > MOST_LINE) throw new Error('one of its lines is too long');
    return texts;
  }

  end(): string[] {
    return [this.#take(Buffer.alloc(0))];
  }

  #take(end: Buffer): string {
    const text = Buffer.concat([...this.#rest, end]).toString('utf8');
    this.#rest = [];
    this.#length = 0;
    return text;
  }
}

/** Whether a JSON file is an ItemCollection; what is none is one STAC object. Reads as far as it must. */
async function isItemCollection(path: string): Promise<boolean> {
  const splitter = new FeatureSplitter();
  try {
    for await (const piece of createReadStream(path)) {
      splitter.push(piece as Buffer);
      if (splitter.hasFeatures) return true;
    }
  } catch {
    // Whoever reads it as a STAC object says what is wrong with it.
  }
  return false;
}
