/** Counts of items that lie in another catalog, by reading them: no two catalogs count alike. */
import { UpstreamError, type ItemGroup, type ItemGroupQuery, type ItemPage, type ItemSource } from '../catalog/item-query.ts';
import { ItemTally } from '../catalog/item-tally.ts';

/** Items that are read to be counted. */
const MOST = 2000;

/** As catalog/item-groups.ts gives them of stored items. Throws UpstreamError for more items than are read. */
export async function groupsOf(source: Pick<ItemSource, 'search'>, query: ItemGroupQuery, collection: string): Promise<ItemGroup[]> {
  const { interval: _, property: __, step: ___, ...search } = query;
  const tally = new ItemTally(query);
  let count = 0;
  for (let token: string | undefined; ;) {
    const page: ItemPage = await source.search({ ...search, limit: 200, ...(token === undefined ? {} : { token }) });
    count += page.items.length;
    if (count > MOST || (page.numberMatched ?? 0) > MOST) throw new UpstreamError('UpstreamSearchTooLarge', collection, `more than ${MOST} items would have to be read to be counted; ask for a shorter time or a smaller area`);
    for (const item of page.items) tally.add(item, query.view?.collection ?? item.collection);
    if (page.next === null) break;
    token = page.next;
  }
  return tally.groups();
}
