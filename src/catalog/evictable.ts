/** Which cached objects may go, and letting them go: the statements behind eviction and `lamina layer evict`. */
import type { Database } from '../database/connection.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { boxText, type Footprint } from './block-catalog.ts';

/** Areas of layers whose objects stay. */
export type PinnedAreas = readonly { readonly layer: string; readonly area: Footprint }[];

/** Which objects are looked at. */
export interface EvictionFilter {
  readonly layer?: string;
  /** Not used for so many days. */
  readonly unusedDays?: number;
  /** Touches the box. */
  readonly area?: Footprint;
  /** The least recently used, until so many bytes are gone; absent: all. */
  readonly bytes?: number;
}

export interface Evicted {
  readonly objects: number;
  readonly bytes: number;
}

/** Objects that go in one round: bounds the memory and the time until the next look. */
const ROUND = 500;
/** Objects that are deleted at the same time. */
const PARALLEL = 8;

/** Bytes of stored objects, of all layers or of one. */
export async function storedBytes(database: Database, layer?: string): Promise<number> {
  const rows = await database.query<{ bytes: number }>(`select coalesce(sum(bytes), 0)::bigint as bytes from cache_objects where state = 'stored' and ($1::text is null or layer = $1)`, [layer ?? null]);
  return rows[0]!.bytes;
}

/**
 * Deletes stored objects, the least recently used first, except in pinned areas. First the object goes, then
 * its row, and only if the object was not stored anew in between: a crash leaves no object behind that
 * nobody counts. A reader that was just told of the object computes it again.
 */
export async function evict(database: Database, objects: ObjectStore, filter: EvictionFilter, pinned: PinnedAreas, signal?: AbortSignal): Promise<Evicted> {
  const gone = { objects: 0, bytes: 0 };
  for (;;) {
    signal?.throwIfAborted();
    const rows = await candidates(database, filter, pinned);
    const wanted = filter.bytes === undefined ? rows : untilBytes(rows, filter.bytes - gone.bytes);
    if (wanted.length === 0) return gone;
    await removeAll(database, objects, wanted);
    gone.objects += wanted.length;
    gone.bytes += wanted.reduce((sum, row) => sum + row.bytes, 0);
  }
}

interface Candidate {
  readonly object_key: string;
  readonly bytes: number;
  /** As text: a Date has no microseconds. */
  readonly created: string;
}

function candidates(database: Database, { layer, unusedDays, area }: EvictionFilter, pinned: PinnedAreas): Promise<Candidate[]> {
  return database.query<Candidate>(
    `select object_key, bytes, created::text from cache_objects o
     where state = 'stored' and ($1::text is null or layer = $1)
       and ($2::float8 is null or used < now() - make_interval(secs => $2 * 86400))
       and ($3::text is null or footprint && $3::text::box)
       and not exists (select from unnest($4::text[], $5::text[]) as p (layer, area) where p.layer = o.layer and o.footprint && p.area::box)
     order by used limit ${ROUND}`,
    [layer ?? null, unusedDays ?? null, boxText(area), pinned.map((p) => p.layer), pinned.map((p) => boxText(p.area))],
  );
}

function untilBytes(rows: readonly Candidate[], bytes: number): Candidate[] {
  let sum = 0;
  return rows.filter((row) => {
    const isWanted = sum < bytes;
    if (isWanted) sum += row.bytes;
    return isWanted;
  });
}

async function removeAll(database: Database, objects: ObjectStore, rows: readonly Candidate[]): Promise<void> {
  for (let i = 0; i < rows.length; i += PARALLEL) await Promise.all(rows.slice(i, i + PARALLEL).map((row) => objects.delete(row.object_key)));
  await database.query(
    'delete from cache_objects o using unnest($1::text[], $2::text[]) as gone (key, created) where o.object_key = gone.key and o.created = gone.created::timestamptz',
    [rows.map((row) => row.object_key), rows.map((row) => row.created)],
  );
}

/** Forgets empty and failed blocks that nobody asked about for so many days. Gives how many. */
export async function forgetIdle(database: Database, days: number): Promise<number> {
  const rows = await database.query(`delete from cache_objects where state in ('empty', 'failed') and greatest(used, failed) < now() - make_interval(secs => $1::float8 * 86400) returning object_key`, [days]);
  return rows.length;
}

/** Runs `work` unless another process does so at this moment; false then. */
export function alone(database: Database, lock: number, work: () => Promise<void>): Promise<boolean> {
  return database.transaction(async (transaction) => {
    const [row] = await transaction.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [lock]);
    if (row!.mine) await work();
    return row!.mine;
  });
}
