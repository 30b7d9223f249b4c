/**
 * The feed of what happened to items. The database writes it in the transaction of the change itself
 * (see migration 0006), so whoever reads it misses nothing, whatever way an item came in.
 */
import type { Database } from '../database/connection.ts';

export interface ItemChange {
  readonly sequence: number;
  readonly collection: string;
  readonly item: string;
  readonly kind: 'put' | 'deleted';
  /** Where the item is and was: west, south, east, north in degrees; null without a place. */
  readonly box: readonly [number, number, number, number] | null;
}

/** Any number that nothing else locks. */
const FOLLOWER_LOCK = 4_711_043;

export class ChangeFeed {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Gives up to `limit` changes that nobody handled yet to `handle`, oldest first, and ticks them off when it
   * resolves. When it throws, or the process dies, they are given again: handling one twice must be harmless.
   * Of all processes only one handles changes at a time.
   *
   * @returns how many were handled; null when another process is at it
   */
  take(limit: number, handle: (changes: readonly ItemChange[]) => Promise<void>): Promise<number | null> {
    return this.#database.transaction(async (transaction) => {
      const [lock] = await transaction.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [FOLLOWER_LOCK]);
      if (!lock!.mine) return null;
      const changes = await transaction.query<ItemChange & { sequence: number }>(
        `select sequence, collection, item, kind,
           case when footprint is null then null else array[(footprint[1])[0], (footprint[1])[1], (footprint[0])[0], (footprint[0])[1]] end as box
         from item_changes where handled is null order by sequence limit $1`,
        [limit],
      );
      if (changes.length === 0) return 0;
      await handle(changes);
      await transaction.query('update item_changes set handled = now() where sequence = any($1)', [changes.map((change) => change.sequence)]);
      return changes.length;
    });
  }

  /** Forgets what was handled more than so many days ago. */
  async prune(days: number): Promise<void> {
    await this.#database.query('delete from item_changes where handled < now() - make_interval(days => $1)', [days]);
  }
}
