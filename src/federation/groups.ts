/** Counts of items that lie in another catalog, by reading them: no two catalogs count alike. */
import { UpstreamError, type ItemGroup, type ItemGroupQuery, type ItemPage, type ItemSource } from '../catalog/item-query.ts';
import { itemInstant } from '../catalog/load-plan.ts';
import type { StacItem } from '../catalog/types.ts';
import { propertyOf } from '../catalog/item-match.ts';

/** Items that are read to be counted. */
const MOST = 2000;

/** As catalog/item-groups.ts gives them of stored items. Throws UpstreamError for more items than are read. */
export async function groupsOf(source: Pick<ItemSource, 'search'>, query: ItemGroupQuery, collection: string): Promise<ItemGroup[]> {
  const { interval, property, step, ...search } = query;
  const groups = new Map<string, ItemGroup>();
  let count = 0;
  for (let token: string | undefined; ;) {
    const page: ItemPage = await source.search({ ...search, limit: 200, ...(token === undefined ? {} : { token }) });
    count += page.items.length;
    if (count > MOST || (page.numberMatched ?? 0) > MOST) throw new UpstreamError('UpstreamSearchTooLarge', collection, `more than ${MOST} items would have to be read to be counted; ask for a shorter time or a smaller area`);
    for (const item of page.items) add(groups, item, query.view?.collection ?? item.collection, { interval, property, step });
    if (page.next === null) break;
    token = page.next;
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function add(groups: Map<string, ItemGroup>, item: StacItem, collection: string, { interval, property, step }: Pick<ItemGroupQuery, 'interval'> & { property: string | undefined; step: number | undefined }): void {
  const at = new Date(itemInstant(item));
  const [time, first] = [beginning(at, interval).toISOString(), at.toISOString()];
  const stored = property === undefined ? null : propertyOf(item, property);
  const value = typeof stored === 'number' && step !== undefined ? Math.floor(stored / step) * step : null;
  const key = JSON.stringify([collection, time, value]);
  const known = groups.get(key);
  groups.set(key, known
    ? { ...known, count: known.count + 1, first: first < known.first ? first : known.first, last: first > known.last ? first : known.last }
    : { collection, time, value, count: 1, first, last: first });
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
