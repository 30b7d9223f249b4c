/** Counts of items that are at hand, in the groups in which catalog/item-groups.ts counts those of the database. */
import { propertyOf } from './item-match.ts';
import type { ItemGroup, ItemGroupQuery } from './item-query.ts';
import { itemInstant } from './load-plan.ts';
import type { StacItem } from './types.ts';

export class ItemTally {
  readonly #groups = new Map<string, ItemGroup>();
  readonly #query: Pick<ItemGroupQuery, 'interval' | 'property' | 'step'>;

  constructor(query: Pick<ItemGroupQuery, 'interval' | 'property' | 'step'>) {
    this.#query = query;
  }

  /** Counts an item as one of a collection. */
  add(item: StacItem, collection: string): void {
    const { interval, property, step } = this.#query;
    const at = new Date(itemInstant(item));
    const [time, first] = [beginning(at, interval).toISOString(), at.toISOString()];
    const stored = property === undefined ? null : propertyOf(item, property);
    const value = typeof stored === 'number' && step !== undefined ? Math.floor(stored / step) * step : null;
    const key = JSON.stringify([collection, time, value]);
    const known = this.#groups.get(key);
    this.#groups.set(key, known
      ? { ...known, count: known.count + 1, first: first < known.first ? first : known.first, last: first > known.last ? first : known.last }
      : { collection, time, value, count: 1, first, last: first });
  }

  /** By collection, time and value. */
  groups(): ItemGroup[] {
    return [...this.#groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  }
}

/** The beginning of the hour, day, week (Monday), month or year, UTC. */
function beginning(at: Date, interval: ItemGroupQuery['interval']): Date {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  switch (interval) {
    case 'hour': return new Date(Date.UTC(year, month, day, at.getUTCHours()));
    case 'day': return new Date(Date.UTC(year, month, day));
    case 'week': return new Date(Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7)));
    case 'month': return new Date(Date.UTC(year, month));
    case 'year': return new Date(Date.UTC(year, 0));
  }
}
