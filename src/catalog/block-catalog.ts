/**
 * The list of what the cache holds: a row per block, tile or file of a layer. It knows what the object
 * store can't say: that a block is empty or can't be computed, how long ago somebody used an object, and
 * which layer and place it belongs to.
 *
 * What happened is noted in memory and written every few seconds. A crash loses such notes, and nothing
 * else: an object without a row is still found by its key, and `verify` puts it on the list again.
 */
import type { Database } from '../database/connection.ts';
import { silentLog, type Log } from '../log.ts';

export type CacheKind = 'block' | 'tile' | 'file';
export type CacheState = 'stored' | 'empty' | 'failed' | 'filed';

/** A box in degrees: west, south, east, north. */
export type Footprint = readonly [west: number, south: number, east: number, north: number];

/** Where a materialised file holds a block. */
export interface FilePointer {
  readonly href: string;
  /** Index of the block's first band in the file. */
  readonly band: number;
  /** Columns and rows of the file; may reach beyond it. */
  readonly window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
}

/** What the cache holds, or knows of an object that it does not hold. */
export interface CacheEntry {
  readonly objectKey: string;
  readonly kind: CacheKind;
  readonly state: CacheState;
  /** Content key; null for tiles and files. */
  readonly blockKey?: string | null;
  readonly layer?: string | null;
  readonly operator?: string | null;
  readonly bytes?: number;
  readonly footprint?: Footprint | null;
  /** Label of the time dimension. */
  readonly label?: string | null;
  /** Only of state 'filed'. */
  readonly pointer?: FilePointer | null;
}

/** An entry and when it was so, in milliseconds since 1970. */
type NotedEntry = CacheEntry & { readonly noted: number };

/** Why a block could not be computed. */
export interface BlockFailure {
  /** Safe to show to anybody. */
  readonly reason: string;
  /** Tries of the last round; they are added to those before. */
  readonly tries: number;
  /** Nothing is noted when a failure of the block was noted in the last so many seconds. */
  readonly unlessWithinSeconds?: number;
}

/** A row as it is read. */
export interface CacheRow extends Required<CacheEntry> {
  readonly reason: string | null;
  readonly attempts: number;
  /** When it failed, and from when on it may be tried again. */
  readonly failed: Date | null;
  readonly retry: Date | null;
  readonly created: Date;
  readonly used: Date;
}

/** The first back-off after a failure, how it grows, and what it never exceeds. */
const BACK_OFF = { firstSeconds: 60, factor: 4, maxSeconds: 86_400 };

const COLUMNS = `object_key as "objectKey", kind, state, block_key as "blockKey", layer, operator, bytes, label, pointer, reason, attempts, failed, retry, created, used,
  case when footprint is null then null else array[(footprint[1])[0], (footprint[1])[1], (footprint[0])[0], (footprint[0])[1]] end as footprint`;

/** Rows in one statement: keeps statements small enough for the server and few enough for us. */
const BATCH = 1000;

export class BlockCatalogStore {
  readonly #database: Database;
  readonly #log: Log;
  #entries = new Map<string, NotedEntry>();
  #used = new Set<string>();
  #flushing: Promise<void> = Promise.resolve();
  readonly #timer: NodeJS.Timeout;

  constructor(database: Database, options: { readonly log?: Log; readonly flushMs?: number } = {}) {
    this.#database = database;
    this.#log = options.log ?? silentLog;
    this.#timer = setInterval(() => void this.flush(), options.flushMs ?? 3000);
    this.#timer.unref();
  }

  /** What is known of these blocks, by object key. One query. */
  async find(objectKeys: readonly string[]): Promise<ReadonlyMap<string, CacheRow>> {
    if (objectKeys.length === 0) return new Map();
    const rows = await this.#database.query<CacheRow>(`select ${COLUMNS} from cache_objects where object_key = any($1)`, [objectKeys]);
    return new Map(rows.map((row) => [row.objectKey, row]));
  }

  /** Notes what an object is now. Written with the next batch; of two notes the later one counts. */
  note(entry: CacheEntry): void {
    this.#entries.set(entry.objectKey, { ...entry, noted: Date.now() });
    if (this.#entries.size >= BATCH) void this.flush();
  }

  /** Notes that somebody used an object. Written with the next batch. */
  touch(objectKey: string): void {
    this.#used.add(objectKey);
  }

  /** Writes entries at once: for who must be sure that they are there. */
  async record(entries: readonly CacheEntry[]): Promise<void> {
    const noted = Date.now();
    await this.#insertAll(entries.map((entry) => ({ ...entry, noted })));
  }

  /** Writes at once that a block can't be computed. The back-off grows with every failure that follows another. */
  async fail(entry: Omit<CacheEntry, 'state'>, { reason, tries, unlessWithinSeconds = 0 }: BlockFailure): Promise<void> {
    this.#entries.delete(entry.objectKey);
    const { firstSeconds, factor, maxSeconds } = BACK_OFF;
    await this.#database.query(
      `insert into cache_objects as o (object_key, kind, block_key, layer, operator, footprint, label, state, reason, attempts, failed, retry)
       values ($1, $2, $3, $4, $5, $6::text::box, $7, 'failed', $8, $9, now(), now() + make_interval(secs => $10))
       on conflict (object_key) do update set state = 'failed', bytes = 0, pointer = null, reason = excluded.reason, failed = now(),
         layer = coalesce(o.layer, excluded.layer), operator = coalesce(o.operator, excluded.operator),
         footprint = coalesce(excluded.footprint, o.footprint), label = coalesce(excluded.label, o.label),
         attempts = case when o.state = 'failed' then o.attempts else 0 end + excluded.attempts,
         retry = now() + case when o.state = 'failed' then least(greatest(o.retry - o.failed, make_interval(secs => $10)) * $11::float8, make_interval(secs => $12)) else make_interval(secs => $10) end
       where o.state <> 'failed' or o.failed < now() - make_interval(secs => $13)`,
      [entry.objectKey, entry.kind, entry.blockKey ?? null, entry.layer ?? null, entry.operator ?? null, boxText(entry.footprint), entry.label ?? null, reason, tries, firstSeconds, factor, maxSeconds, unlessWithinSeconds],
    );
  }

  /** Writes what was noted. Never throws: what can't be written is dropped, which costs nothing but knowledge. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#write());
    return this.#flushing;
  }

  /** Writes what was noted and stops writing by itself. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    const [entries, used] = [[...this.#entries.values()], [...this.#used]];
    this.#entries = new Map();
    this.#used = new Set();
    try {
      await this.#insertAll(entries);
      for (let i = 0; i < used.length; i += BATCH) {
        // In the order of their keys: two processes that write the same rows never wait for each other in a circle.
        await this.#database.query(
          'update cache_objects set used = now() where object_key in (select object_key from cache_objects where object_key = any($1) order by object_key for update)',
          [used.slice(i, i + BATCH)],
        );
      }
    } catch (error) {
      this.#log.warning(`What the cache holds could not be noted: ${(error as Error).message}`);
    }
  }

  async #insertAll(entries: readonly NotedEntry[]): Promise<void> {
    for (let i = 0; i < entries.length; i += BATCH) await this.#insert(entries.slice(i, i + BATCH));
  }

  /** A note that was made before what the row says changes nothing: processes write theirs late. */
  async #insert(entries: readonly NotedEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const sorted = entries.toSorted((a, b) => (a.objectKey < b.objectKey ? -1 : 1));
    const column = <T>(of: (entry: NotedEntry) => T) => sorted.map(of);
    await this.#database.query(
      `insert into cache_objects as o (object_key, kind, state, block_key, layer, operator, bytes, footprint, label, pointer, created)
       select key, kind, state, block, layer, operator, bytes, footprint::box, label, pointer::json, to_timestamp(noted / 1000)
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::float8[])
         as t (key, kind, state, block, layer, operator, bytes, footprint, label, pointer, noted)
       on conflict (object_key) do update set state = excluded.state, bytes = excluded.bytes, pointer = excluded.pointer,
         layer = coalesce(excluded.layer, o.layer), operator = coalesce(excluded.operator, o.operator),
         footprint = coalesce(excluded.footprint, o.footprint), label = coalesce(excluded.label, o.label),
         reason = null, attempts = 0, failed = null, retry = null, created = excluded.created, used = now()
       where o.created <= excluded.created`,
      [
        column((e) => e.objectKey), column((e) => e.kind), column((e) => e.state), column((e) => e.blockKey ?? null), column((e) => e.layer ?? null),
        column((e) => e.operator ?? null), column((e) => e.bytes ?? 0), column((e) => boxText(e.footprint)), column((e) => e.label ?? null),
        column((e) => (e.pointer ? JSON.stringify(e.pointer) : null)), column((e) => e.noted),
      ],
    );
  }
}

/** As PostgreSQL reads a box. */
export function boxText(box: Footprint | null | undefined): string | null {
  return box ? `(${box[0]},${box[1]}),(${box[2]},${box[3]})` : null;
}
