/** All items that meet some conditions, page by page. */
import type { ItemQuery, ItemSource } from '../item-source.ts';
import type { StacItem } from '../types.ts';

const PAGE = 1000;

/** Follows the pages to the end: items that come meanwhile are among them or not, none is there twice. */
export async function* storedItems(source: Pick<ItemSource, 'search'>, query: Omit<ItemQuery, 'limit' | 'token'>, most = Infinity): AsyncGenerator<StacItem> {
  let token: string | null | undefined;
  for (let left = most; token !== null && left > 0; ) {
    const page = await source.search({ ...query, limit: Math.min(PAGE, left), ...(token === undefined ? {} : { token }) });
    yield* page.items;
    left -= page.items.length;
    token = page.next;
  }
}
