/**
 * What layers have made of the items of their source, in the database. A layer's item without a row is
 * virtual: nobody computed all of it ahead. That a source item changed or went is written by a trigger in
 * the transaction in which it happens (migration 0006), so a status is never late.
 */
import type { Database } from '../database/connection.ts';
import { groupItems } from './item-groups.ts';
import { searchItems, storable } from './item-search.ts';
import type { ItemSource } from './item-source.ts';
import type { StacItem } from './types.ts';

export type LayerItemStatus = 'computing' | 'computed' | 'outdated' | 'withdrawn' | 'failed';

export interface LayerItemState {
  readonly item: string;
  readonly status: LayerItemStatus;
  readonly since: Date;
  /** When all of it was computed last; null before the first time. */
  readonly computed: Date | null;
  readonly blocks: number | null;
  /** Of the vectors as float32. */
  readonly bytes: number | null;
  /** Why it failed; safe to show to anybody. */
  readonly reason: string | null;
}

/** An item of a layer that is to be computed. */
export interface LayerItemKey {
  readonly layer: string;
  readonly item: string;
}

/** What a task must know before it begins. */
export interface ItemVersion {
  readonly definition: StacItem;
  readonly digest: string;
  /** Digest of the source item that was computed last. */
  readonly computedDigest: string | null;
}

export interface Computed {
  readonly digest: string;
  readonly blocks: number;
  readonly bytes: number;
}

/** A task that gave no sign of life for too long. */
export interface StaleItem extends LayerItemKey {
  readonly source: string;
  readonly restarts: number;
}

export class LayerStates {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Item id → state, of those that have one. */
  async find(layer: string, items: readonly string[]): Promise<ReadonlyMap<string, LayerItemState>> {
    if (items.length === 0) return new Map();
    const rows = await this.#database.query<LayerItemState & { layer: string }>(
      'select item, status, since, computed, blocks, bytes, reason from layer_items where layer = $1 and item = any($2)',
      [storable(layer), items.map(storable)],
    );
    return new Map(rows.map((row) => [row.item, row]));
  }

  /** Which of some layers have source items that were withdrawn after they had computed them. */
  async haveWithdrawn(layers: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#database.query<{ layer: string }>('select layer from unnest($1::text[]) as asked (layer) where exists (select from withdrawn_items w where w.collection = asked.layer)', [layers], 'layers-with-withdrawn');
    return new Set(rows.map(({ layer }) => layer));
  }

  /** The source items of a layer that were withdrawn after it had computed them, as they were. */
  withdrawn(layer: string): ItemSource {
    return {
      search: (query) => searchItems(this.#database, { ...query, collections: [layer] }, 'withdrawn_items'),
      groups: (query) => groupItems(this.#database, { ...query, collections: [layer] }, 'withdrawn_items'),
      get: async (_collection, id) => {
        const [row] = await this.#database.query<{ definition: StacItem }>('select definition from withdrawn_items where collection = $1 and id = $2', [storable(layer), storable(id)]);
        return row?.definition ?? null;
      },
    };
  }

  /** Notes that a task will compute items of a layer. What was computed once is outdated until then; what is gone stays gone. */
  async expect(layer: string, source: string, tasks: readonly { readonly item: string; readonly task: string }[], restarts = 0): Promise<void> {
    await this.#database.query(
      `insert into layer_items as l (layer, item, source, status, task, restarts)
       select $1, t.item, $2, 'computing', t.task, $5 from unnest($3::text[], $4::text[]) as t (item, task)
       where exists (select 1 from items i where i.collection = $2 and i.id = t.item) and exists (select 1 from collections where id = $1)
       on conflict (layer, item) do update set task = excluded.task, restarts = excluded.restarts, touched = now(), source = excluded.source, reason = null,
         since = case when l.status in ('outdated', 'computing') then l.since else now() end,
         status = case when l.computed is null then 'computing' else 'outdated' end`,
      [layer, source, tasks.map(({ item }) => item), tasks.map(({ task }) => task), restarts],
    );
  }

  /** Items of a raw collection that touch a box and that come with states of a layer or not; at most `limit`. */
  async itemsAround(source: string, [west, south, east, north]: readonly [number, number, number, number], limit: number): Promise<string[]> {
    const rows = await this.#database.query<{ id: string }>(
      'select id from items where collection = $1 and footprint && box(point($2, $3), point($4, $5)) order by instant desc limit $6',
      [source, west, south, east, north, limit],
    );
    return rows.map((row) => row.id);
  }

  /** The source item as it is now, and what the layer computed of it; null when the item is gone. */
  async version({ layer, item }: LayerItemKey, source: string): Promise<ItemVersion | null> {
    const [row] = await this.#database.query<ItemVersion>(
      `select i.definition, current_digest(i) as digest, l.digest as "computedDigest" from items i left join layer_items l on l.layer = $1 and l.item = i.id and l.status <> 'failed'
       where i.collection = $2 and i.id = $3`,
      [layer, source, item],
    );
    return row ?? null;
  }

  /** A sign of life of whoever computes the item. */
  async touch({ layer, item }: LayerItemKey): Promise<void> {
    await this.#database.query('update layer_items set touched = now() where layer = $1 and item = $2', [layer, item]);
  }

  /**
   * Notes that all of an item is computed. When the source changed meanwhile the item is outdated at once,
   * and when it was withdrawn that stays so.
   */
  async finish({ layer, item }: LayerItemKey, source: string, { digest, blocks, bytes }: Computed): Promise<void> {
    await this.#database.transaction(async (transaction) => {
      // Held until we are done: a change of the item comes before us or after us, never between.
      const [now] = await transaction.query<{ digest: string }>('select current_digest(i) as digest from items i where collection = $1 and id = $2 for share', [source, item]);
      if (!now) return;
      await transaction.query(
        `update layer_items set digest = $3, computed = now(), blocks = $4, bytes = $5, since = now(), reason = null, task = case when $3 = $6 then null else task end,
           status = case when $3 = $6 then 'computed' else 'outdated' end
         where layer = $1 and item = $2`,
        [layer, item, digest, blocks, bytes, now.digest],
      );
    });
  }

  /** Notes that an item can't be computed, and why. */
  async fail({ layer, item }: LayerItemKey, reason: string): Promise<void> {
    await this.#database.query('update layer_items set status = \'failed\', since = now(), reason = $3, task = null where layer = $1 and item = $2 and status <> \'withdrawn\'', [layer, item, reason]);
  }

  /** Layers that have a state of one of these source items. */
  of(items: readonly { readonly collection: string; readonly item: string }[]): Promise<LayerItemKey[]> {
    return this.#database.query<LayerItemKey & Record<string, string>>(
      `select layer, l.item from layer_items l join unnest($1::text[], $2::text[]) as c (source, item) on l.source = c.source and l.item = c.item`,
      [items.map(({ collection }) => collection), items.map(({ item }) => item)],
    );
  }

  /** Forgets what is known of items that a layer no longer computes ahead. What was withdrawn stays known. */
  async forget(layer: string, items: readonly string[]): Promise<void> {
    await this.#database.query('delete from layer_items where layer = $1 and item = any($2) and status <> \'withdrawn\'', [layer, items]);
  }

  /** Items whose task gave no sign of life for so long: it was lost with its queue, or its worker died too often. */
  stale(seconds: number, limit: number): Promise<StaleItem[]> {
    return this.#database.query<StaleItem & { layer: string }>(
      'select layer, item, source, restarts from layer_items where task is not null and touched < now() - make_interval(secs => $1) order by touched limit $2',
      [seconds, limit],
    );
  }

  /**
   * Lets the cached blocks of an item go first when room is needed: nobody will ask for them again, because
   * their keys hold the pixels. Blocks that another item of the same time touches may serve it, and stay.
   *
   * @param instant of the item, as it says it
   */
  async release({ layer, item }: LayerItemKey, source: string, instant: string, [west, south, east, north]: readonly [number, number, number, number]): Promise<void> {
    const normal = new Date(instant).toISOString();
    await this.#database.query(
      `update cache_objects c set used = to_timestamp(0) where layer = $1 and label = any($2) and state = 'stored' and footprint && box(point($3, $4), point($5, $6))
         and not exists (select 1 from items i where i.collection = $7 and i.id <> $8 and i.instant = $9::timestamptz and i.footprint && c.footprint)`,
      [layer, [instant, normal, normal.replace('.000Z', 'Z')], west, south, east, north, source, item, instant],
    );
  }
}
