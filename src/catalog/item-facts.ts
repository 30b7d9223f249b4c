/**
 * What is known beforehand of all items that a search may find: how many there are, whether they changed since
 * another search, how far their times reach, which collections plainly have none. It spares most searches a look at
 * the items.
 */
import type { Queryable } from '../database/connection.ts';
import type { Box } from '../geo/geometry.ts';
import type { CatalogState, CollectionFacts } from './catalog-state.ts';
import { boxesOf, turnsOf } from './item-conditions.ts';
import type { ItemQuery, WholeQuery } from './item-query.ts';
import { storable } from './storable.ts';

export interface ItemFacts extends Pick<CollectionFacts, 'items' | 'version' | 'lead' | 'lag' | 'place'> {
  /** Stored collections with items that are searched, without those that the user must not see. */
  readonly collections: readonly string[];
  /** Whether these are all collections that have items. */
  readonly isAll: boolean;
}

/** Of the table `items`. A layer that looks at its source has the facts of its source. */
export function factsOf({ collections: all }: CatalogState, { collections, user, view }: WholeQuery): ItemFacts {
  const named = view ? [view.source] : collections && collections.length > 0 ? collections : null;
  const ids = named ? [...new Set(named.map(storable))] : [...all.keys()];
  const found = ids.flatMap((id) => {
    const stored = all.get(id);
    return stored?.facts && stored.facts.items > 0 ? [{ id, ...stored, facts: stored.facts }] : [];
  });
  const wanted = found.filter(({ isPrivate, owner }) => user === undefined || !isPrivate || owner === user);
  const facts = wanted.map((each) => each.facts);
  return {
    collections: wanted.map(({ id }) => id),
    isAll: named === null && wanted.length === found.length,
    items: facts.reduce((sum, { items }) => sum + items, 0),
    version: facts.map(({ version }) => version).join(),
    lead: Math.max(0, ...facts.map(({ lead }) => lead)),
    lag: Math.max(0, ...facts.map(({ lag }) => lag)),
    place: facts.map(({ place }) => place).reduce(union, null),
  };
}

/**
 * Which of these stored collections can't have an item that meets a search, by what is known of all of their
 * items together: so much less is asked for a place that many collections are far from. Those of which
 * nothing is known are not among them.
 */
export async function collectionsWithout(database: Queryable, { collections: all }: CatalogState, collections: readonly string[], query: Omit<ItemQuery, 'limit'>): Promise<ReadonlySet<string>> {
  const boxes = boxesOf(query);
  const known = collections.flatMap((id): [string, CollectionFacts][] => {
    const facts = all.get(id)?.facts;
    return facts ? [[id, facts]] : [];
  });
  const [without, others] = [new Set<string>(), [] as string[]];
  for (const [id, facts] of known) {
    if (mayHave(facts, query, boxes)) others.push(id);
    else without.add(id);
  }
  const { ids } = query;
  if (!ids || ids.length === 0 || others.length === 0) return without;
  const rows = await database.query<{ collection: string }>(
    'select collection from unnest($1::text[]) as one (collection) where not exists (select from items i where i.collection = one.collection and i.id = any($2))',
    [others, ids.map(storable)],
    'collections-without-ids',
  );
  return new Set([...without, ...rows.map(({ collection }) => collection)]);
}

function mayHave({ items, place, earliest, latest }: CollectionFacts, { datetime }: Omit<ItemQuery, 'limit'>, boxes: readonly Box[]): boolean {
  const [start, end] = datetime ?? [null, null];
  return items > 0
    && boxes.every((box) => place !== null && turnsOf(box, place).length > 0)
    && (start === null || latest >= Date.parse(start))
    // Date.parse leaves out what is finer than a millisecond.
    && (end === null || earliest <= Date.parse(end) + 1);
}

function union(a: Box | null, b: Box | null): Box | null {
  if (a === null || b === null) return a ?? b;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}
