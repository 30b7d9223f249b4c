/** The catalog in PostgreSQL: collections, their items, and the lattice point on which each collection is anchored. */
import { isDeepStrictEqual } from 'node:util';
import { binder, type Database, type Queryable } from '../database/connection.ts';
import { AnswerMemory } from './answer-memory.ts';
import { CatalogStates, type CatalogState } from './catalog-state.ts';
import { collectionsWithout, factsOf } from './item-facts.ts';
import { describeFields } from './item-fields.ts';
import { groupItems } from './item-groups.ts';
import type { ItemField, ItemGroup, ItemGroupQuery, WholeQuery } from './item-query.ts';
import { putRows, timesOf } from './item-rows.ts';
import { boxCondition, flatBox, searchItems, storable } from './item-search.ts';
import type { ItemPage, ItemQuery, ItemSource } from './item-source.ts';
import { PlaceSample } from './place-sample.ts';
import type { StacCollection, StacItem } from './types.ts';

/** A point of a lattice (a cell corner) and its steps, in CRS units. */
export interface GridAnchor {
  readonly crs: string;
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

/** What load_collection asks for. */
export interface LoadQuery {
  readonly collection: string;
  readonly bbox: readonly [number, number, number, number] | null;
  /** Left-closed: the end is not part of it. Compared with the instant of an item. */
  readonly interval: readonly [string | null, string | null] | null;
}

export class CatalogStore implements ItemSource {
  readonly #database: Database;
  readonly #memory = { counts: new AnswerMemory<number | null>(2000), places: new PlaceSample() };
  readonly #groups = new AnswerMemory<ItemGroup[]>(50);
  readonly #fields = new AnswerMemory<ItemField[]>(200);
  readonly #states = new CatalogStates();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Creates or replaces a collection; its items stay. Gives true when anything changed. */
  async putCollection(collection: StacCollection): Promise<boolean> {
    return putCollection(this.#database, collection);
  }

  /** Creates a collection; false when there is one of that id. */
  async addCollection(collection: StacCollection, { fromFile = false } = {}): Promise<boolean> {
    const rows = await this.#database.query('insert into collections (id, definition, from_file) values ($1, $2, $3) on conflict do nothing returning id', [collection.id, JSON.stringify(collection), fromFile]);
    return rows.length > 0;
  }

  /**
   * Puts collections that depend on what is stored under an id, all or none. Nobody else changes that one
   * meanwhile. Gives what was put; null when there is no such collection.
   */
  changeCollection(id: string, change: (current: StacCollection) => Promise<readonly StacCollection[]>): Promise<readonly StacCollection[] | null> {
    return this.#database.transaction(async (transaction) => {
      const [row] = await transaction.query<{ definition: StacCollection }>('select definition from collections where id = $1 for update', [storable(id)]);
      if (!row) return null;
      const changed = await change(row.definition);
      for (const collection of changed) await putCollection(transaction, collection);
      return changed;
    });
  }

  /** Ids of the layers that came from files, their older versions not among them. */
  async layersFromFiles(): Promise<string[]> {
    return (await this.#database.query<{ id: string }>('select id from collections where from_file order by id')).map(({ id }) => id);
  }

  async collection(id: string): Promise<StacCollection | null> {
    const [row] = await this.#database.query<{ definition: StacCollection }>('select definition from collections where id = $1', [storable(id)], 'collection');
    return row?.definition ?? null;
  }

  /** Days (UTC, YYYY-MM-DD) on which a collection has items, oldest first; the newest `limit` of them. */
  async days(id: string, limit = 5000): Promise<string[]> {
    const rows = await this.#database.query<{ day: string }>(
      `select distinct to_char(instant at time zone 'UTC', 'YYYY-MM-DD') as day from items where collection = $1 order by day desc limit $2`,
      [storable(id), limit],
    );
    return rows.map(({ day }) => day).toReversed();
  }

  /** All collections with what is known of their items: the same object for as long as nothing changes. */
  state(): Promise<CatalogState> {
    return this.#states.now(this.#database);
  }

  /** All collections, by id. */
  async collections(): Promise<StacCollection[]> {
    return [...(await this.state()).collections.values()].map(({ definition }) => definition);
  }

  /** Removes a collection with its items and anchors. False when there is none. */
  async deleteCollection(id: string): Promise<boolean> {
    const rows = await this.#database.query('delete from collections where id = $1 returning id', [id]);
    return rows.length > 0;
  }

  /** How many items a collection has. */
  async count(id: string): Promise<number> {
    const [row] = await this.#database.query<{ items: number }>('select items from item_facts where collection = $1', [storable(id)]);
    return row?.items ?? 0;
  }

  /** Which of some collections have no stored item that meets a search, as far as that is plain without looking at items. */
  async collectionsWithout(collections: readonly string[], query: Omit<ItemQuery, 'limit'>): Promise<ReadonlySet<string>> {
    return collectionsWithout(this.#database, query.state ?? (await this.state()), collections, query);
  }

  /** Grows with every change of the collection or its items; 0 when there is none. For cache keys. */
  async revision(id: string): Promise<number> {
    const [row] = await this.#database.query<{ revision: number }>('select revision from collections where id = $1', [id]);
    return row?.revision ?? 0;
  }

  /**
   * Creates or replaces items of one collection, all or none, and gives how many of them are new or
   * different. Throws an Error when an item has no time or another collection.
   */
  async putItems(collection: string, items: readonly StacItem[]): Promise<number> {
    for (const item of items) timesOf(collection, item);
    return this.#database.transaction(async (transaction) => {
      const changed = await putRows(transaction, collection, items);
      if (changed > 0) await touch(transaction, collection);
      return changed;
    });
  }

  /**
   * Creates items of one collection, all or none, and gives the ids that there were already: with any, nothing
   * changed. Throws as putItems does.
   */
  async createItems(collection: string, items: readonly StacItem[]): Promise<string[]> {
    for (const item of items) timesOf(collection, item);
    return this.#database.transaction(async (transaction) => {
      // Whoever creates the same item waits here until we are done.
      await transaction.query('select 1 from collections where id = $1 for update', [storable(collection)]);
      const known = await transaction.query<{ id: string }>('select id from items where collection = $1 and id = any($2) order by id', [storable(collection), items.map(({ id }) => storable(id))]);
      if (known.length > 0) return known.map(({ id }) => id);
      await putRows(transaction, collection, items);
      await touch(transaction, collection);
      return [];
    });
  }

  /**
   * Puts an item in the place of another state of itself, or with null removes it. False, and nothing happens,
   * when what is stored is not `before` any more.
   */
  async exchangeItem(collection: string, before: StacItem, after: StacItem | null): Promise<boolean> {
    if (after) timesOf(collection, after);
    return this.#database.transaction(async (transaction) => {
      const at = [storable(collection), storable(before.id)];
      const [row] = await transaction.query<{ definition: StacItem }>('select definition from items where collection = $1 and id = $2 for update', at);
      if (!row || !isDeepStrictEqual(row.definition, before)) return false;
      if (after) await putRows(transaction, collection, [after]);
      else await transaction.query('delete from items where collection = $1 and id = $2', at);
      await touch(transaction, collection);
      return true;
    });
  }

  /** Removes items of a collection and gives how many of them there were. */
  async deleteItems(collection: string, ids: readonly string[]): Promise<number> {
    return this.#database.transaction(async (transaction) => {
      const gone = await transaction.query('delete from items where collection = $1 and id = any($2) returning 1', [storable(collection), ids.map(storable)]);
      if (gone.length > 0) await touch(transaction, collection);
      return gone.length;
    });
  }

  async get(collection: string, id: string): Promise<StacItem | null> {
    const [row] = await this.#database.query<{ definition: StacItem }>('select definition from items where collection = $1 and id = $2', [storable(collection), storable(id)], 'item');
    return row?.definition ?? null;
  }

  async search(query: ItemQuery): Promise<ItemPage> {
    return searchItems(this.#database, query, 'items', { ...this.#memory, state: query.state ?? (await this.state()) });
  }

  groups(query: ItemGroupQuery): Promise<ItemGroup[]> {
    return this.#remembered(this.#groups, query, () => groupItems(this.#database, query));
  }

  fields(query: WholeQuery): Promise<ItemField[]> {
    return this.#remembered(this.#fields, query, () => describeFields(this.#database, query));
  }

  /** Looking at all items takes seconds where there are a million, so it is done once for every change. What a layer shows of them changes without them. */
  async #remembered<T>(memory: AnswerMemory<T>, query: WholeQuery, work: () => Promise<T>): Promise<T> {
    const { state, ...conditions } = query;
    if (query.view) return work();
    const { version, collections } = factsOf(state ?? (await this.state()), query);
    return memory.ask(JSON.stringify([version, collections, conditions]), work);
  }

  /** All items of a collection that may have pixels in the box and whose instant lies in the interval, oldest first. */
  async items(query: LoadQuery): Promise<StacItem[]> {
    const params: unknown[] = [query.collection];
    const bind = binder(params);
    const [start, end] = query.interval ?? [null, null];
    const conditions = ['collection = $1'];
    if (start !== null) conditions.push(`instant >= ${bind(start)}::timestamptz`);
    if (end !== null) conditions.push(`instant < ${bind(end)}::timestamptz`);
    if (query.bbox !== null) conditions.push(boxCondition(flatBox(query.bbox), bind));
    const rows = await this.#database.query<{ definition: StacItem }>(`select definition from items where ${conditions.join(' and ')} order by instant, id`, params);
    return rows.map((row) => row.definition);
  }

  /** Fixes the lattice of a collection in a CRS. The first caller wins: an anchor never moves. */
  async fixAnchor(collection: string, anchor: GridAnchor): Promise<void> {
    await this.#database.query(
      `insert into collection_grids (collection, crs, origin_x, origin_y, step_x, step_y) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [collection, anchor.crs, anchor.x, anchor.y, anchor.stepX, anchor.stepY],
    );
  }

  /** null when the collection has no data in that CRS. */
  async anchor(collection: string, crs: string): Promise<GridAnchor | null> {
    return (await this.anchors(collection)).get(crs) ?? null;
  }

  /** CRS → anchor. */
  async anchors(collection: string): Promise<ReadonlyMap<string, GridAnchor>> {
    const rows = await this.#database.query<GridAnchor>(
      `select crs, origin_x as x, origin_y as y, step_x as "stepX", step_y as "stepY" from collection_grids where collection = $1 order by crs`,
      [collection],
    );
    return new Map(rows.map((row) => [row.crs, row]));
  }
}

/** True when anything changed. */
async function putCollection(database: Queryable, collection: StacCollection): Promise<boolean> {
  const rows = await database.query(
    `insert into collections as c (id, definition) values ($1, $2)
     on conflict (id) do update set definition = excluded.definition, revision = c.revision + 1, updated = now()
     where c.definition::text is distinct from excluded.definition::text
     returning id`,
    [collection.id, JSON.stringify(collection)],
  );
  return rows.length > 0;
}

async function touch(transaction: Queryable, collection: string): Promise<void> {
  await transaction.query('update collections set revision = revision + 1, updated = now() where id = $1', [collection]);
}
