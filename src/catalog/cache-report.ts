/** What the list of cached objects says as a whole: figures per layer, pages of rows, rows to be forgotten. */
import type { Database } from '../database/connection.ts';
import type { CacheKind, CacheState } from './block-catalog.ts';

/** Figures of the objects of one layer (null: of no layer) of one kind and state. */
export interface CacheFigures {
  readonly layer: string | null;
  readonly kind: CacheKind;
  readonly state: CacheState;
  readonly objects: number;
  readonly bytes: number;
  /** When one of them was last used. */
  readonly used: Date;
}

/** Figures of the whole cache, or of one layer. */
export function cacheFigures(database: Database, layer?: string): Promise<CacheFigures[]> {
  return database.query<CacheFigures>(
    `select layer, kind, state, count(*)::int as objects, sum(bytes)::bigint as bytes, max(used) as used
     from cache_objects where $1::text is null or layer = $1 group by layer, kind, state order by layer nulls last, kind, state`,
    [layer ?? null],
  );
}

/** A stored object as the list has it. */
export interface StoredRow {
  readonly objectKey: string;
  readonly kind: CacheKind;
  readonly bytes: number;
}

const PAGE = 1000;

/** Every stored object on the list, of all layers or of one, in pages in the order of the keys. */
export async function* storedRows(database: Database, layer?: string): AsyncGenerator<StoredRow[]> {
  for (let after = ''; ;) {
    const rows = await database.query<StoredRow>(
      `select object_key as "objectKey", kind, bytes from cache_objects where state = 'stored' and object_key > $1 and ($2::text is null or layer = $2) order by object_key limit ${PAGE}`,
      [after, layer ?? null],
    );
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.objectKey;
  }
}

/** Which of these objects are on the list as stored. */
export async function listed(database: Database, objectKeys: readonly string[]): Promise<Set<string>> {
  const rows = await database.query<{ object_key: string }>(`select object_key from cache_objects where state = 'stored' and object_key = any($1)`, [objectKeys]);
  return new Set(rows.map((row) => row.object_key));
}

/** Takes stored objects off the list. */
export async function forgetStored(database: Database, objectKeys: readonly string[]): Promise<void> {
  await database.query(`delete from cache_objects where state = 'stored' and object_key = any($1)`, [objectKeys]);
}

/** Lets blocks that failed be tried again at once; gives how many. */
export async function retryFailed(database: Database, layer?: string): Promise<number> {
  const rows = await database.query(`delete from cache_objects where state = 'failed' and ($1::text is null or layer = $1) returning object_key`, [layer ?? null]);
  return rows.length;
}
