/**
 * What is known beforehand of all items that a search may find: how many there are, whether they changed since
 * another search, how far their times reach. The database keeps it up to date (migration 0017), so reading it
 * costs less than a look at the items, and spares most searches one.
 */
import { binder, type Queryable } from '../database/connection.ts';
import { boxCondition, conditionOf } from './item-conditions.ts';
import type { ItemQuery } from './item-query.ts';
import { storable } from './storable.ts';

export interface ItemFacts {
  /** Stored collections with items that are searched, without those that the user must not see. */
  readonly collections: readonly string[];
  /** Whether these are all collections that have items. */
  readonly isAll: boolean;
  /** How many items they have. */
  readonly items: number;
  /** Another text after every change of these items. */
  readonly version: string;
  /** Seconds by which the time of an item reaches before and behind its instant, at most. */
  readonly lead: number;
  readonly lag: number;
}

interface Row {
  readonly collection: string;
  readonly items: number;
  readonly version: number;
  readonly lead: number;
  readonly lag: number;
  readonly wanted: boolean;
}

/** Of the table `items`. A layer that looks at its source has the facts of its source. */
export async function readFacts(database: Queryable, { collections, user, view }: Pick<ItemQuery, 'collections' | 'user' | 'view'>): Promise<ItemFacts> {
  const named = view ? [view.source] : collections && collections.length > 0 ? collections : null;
  const rows = await database.query<Row & Record<string, unknown>>(
    `select f.collection, f.items, f.version, f.lead, f.lag, ($1::text[] is null or f.collection = any($1)) and not ($2 and c.is_private and c.owner is distinct from $3) as wanted
     from item_facts f join collections c on c.id = f.collection where f.items > 0 and ($1::text[] is null or f.collection = any($1)) order by f.collection`,
    [named?.map(storable) ?? null, user !== undefined, user ?? null],
  );
  const found = rows.filter(({ wanted }) => wanted);
  return {
    collections: found.map(({ collection }) => collection),
    isAll: named === null && found.length === rows.length,
    items: found.reduce((sum, { items }) => sum + items, 0),
    version: found.map(({ version }) => version).join(),
    lead: Math.max(0, ...found.map(({ lead }) => lead)),
    lag: Math.max(0, ...found.map(({ lag }) => lag)),
  };
}

/**
 * Which of these stored collections can't have an item that meets a search, by what is known of all of their
 * items together: so much less is asked for a place that many collections are far from. Those of which
 * nothing is known are not among them.
 */
export async function collectionsWithout(database: Queryable, collections: readonly string[], query: Omit<ItemQuery, 'limit'>): Promise<ReadonlySet<string>> {
  const params: unknown[] = [];
  const bind = binder(params);
  const { boxes } = conditionOf(query, 'items');
  const [start, end] = query.datetime ?? [null, null];
  const needed = [
    'f.items > 0',
    ...boxes.map((box) => boxCondition(box, bind, 'f.place')),
    ...(start === null ? [] : [`f.latest >= ${bind(start)}::timestamptz`]),
    ...(end === null ? [] : [`f.earliest <= ${bind(end)}::timestamptz`]),
    ...(query.ids && query.ids.length > 0 ? [`exists (select from items i where i.collection = f.collection and i.id = any(${bind(query.ids.map(storable))}))`] : []),
  ];
  const rows = await database.query<{ collection: string }>(`select f.collection from item_facts f where f.collection = any(${bind(collections.map(storable))}) and not coalesce(${needed.join(' and ')}, false)`, params);
  return new Set(rows.map(({ collection }) => collection));
}
