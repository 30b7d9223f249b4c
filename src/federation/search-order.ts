/**
 * Searches in an order of their own: in that of the catalog as far as it keeps to ours, else sorted here. Tokens tell how
 * far the order has come, as those of the database do.
 */
import { columnsOf, keyOf, searchTest } from '../catalog/item-match.ts';
import { compareKeys, decodeToken, orderOf, type ItemOrder } from '../catalog/item-order.ts';
import { pageOf, type PlacedItem } from '../catalog/item-page.ts';
import type { ItemKey, ItemPage, ItemQuery } from '../catalog/item-query.ts';
import type { StacItem } from '../catalog/types.ts';
import { FEW, MANY, tooLarge, type Manner, type Searched } from './catalog-order.ts';
import { firstPage } from './cursor.ts';
import { canSort, translate } from './translate.ts';

/** What a page is cut from. */
interface Found {
  readonly items: readonly PlacedItem[];
  readonly isMore: boolean;
  readonly numberMatched: number | null;
}

/**
 * A page in the order of the search. Throws UpstreamError, and ItemTokenError for a token of another order.
 *
 * @param all gives everything that matches, where the catalog's order is of no use
 */
export async function sortedPage(searched: Searched, query: ItemQuery, manner: Manner, all: () => Promise<readonly StacItem[]>): Promise<ItemPage> {
  const order = orderOf(query, () => '');
  const after = query.token === undefined ? null : decodeToken(order, query.token);
  const found = (await scan(searched, query, order, after, manner)) ?? everything(await all(), query);
  const page = pageOf(found.items, query, found);
  return after === null && page.next === null ? { ...page, numberMatched: page.items.length } : page;
}

function everything(items: readonly StacItem[], { sortby }: ItemQuery): Found {
  return { items: items.map((item) => ({ item, key: keyOf(item, sortby) })), isMore: false, numberMatched: items.length };
}

/** As much of the catalog's own order as the page needs. null where it has no such order, or does not keep it. */
async function scan({ own, theirs, pages, limits }: Searched, query: ItemQuery, order: ItemOrder, after: ItemKey | null, { can, signal }: Manner): Promise<Found | null> {
  const [first] = query.sortby ?? [];
  if (!first || can.kind === 'static' || !canSort(query.sortby!, can) || first.property === 'collection') return null;
  const { parameters, isWhole } = translate(narrowed(query, after), theirs, can);
  const test = searchTest(query);
  const columns = columnsOf(first.property);
  const group = (key: ItemKey) => JSON.stringify(key.slice(0, columns));
  const items: PlacedItem[] = [];
  let last: PlacedItem | null = null;
  let isExact = isWhole && after === null;
  let turned = 0;
  for await (const { page, next } of pages.from(firstPage, can, { ...parameters, limit: Math.max(FEW, Math.min(MANY, query.limit + 1)) }, signal)) {
    for (const item of page.items) {
      if (item === null) continue;
      const placed = { item, key: keyOf(item, query.sortby) };
      // A catalog that puts absent values first, or sorts in another way, can't be read from its beginning.
      if (last && group(last.key) !== group(placed.key) && compareKeys(order, last.key, placed.key) > 0) return null;
      last = placed;
      if (!test(item)) isExact = false;
      else if (after === null || compareKeys(order, placed.key, after) > 0) items.push(placed);
    }
    const isPast = items.length > query.limit && last !== null && group(last.key) !== group(items[query.limit]!.key);
    if (next === null || isPast) return { items, isMore: next !== null, numberMatched: isExact ? page.numberMatched : null };
    if (++turned >= limits.pages) break;
  }
  throw tooLarge(own, `more than ${limits.pages} of its pages are needed for one in this order`);
}

/** By time, pages need not be read from the beginning: what comes after a key is on one side of its instant. */
function narrowed(query: ItemQuery, after: ItemKey | null): ItemQuery {
  const [first] = query.sortby!;
  const instant = after?.[0];
  if (first!.property !== 'datetime' || typeof instant !== 'string') return query;
  const [start, end] = query.datetime ?? [null, null];
  // Items that cover a time are sorted by its beginning, which lies in it: they are found on either side.
  return first!.direction === 'desc' ? { ...query, datetime: [start, earlier(end, `${instant}Z`)] } : { ...query, datetime: [later(start, `${instant}Z`), end] };
}

const earlier = (a: string | null, b: string) => (a === null || Date.parse(b) < Date.parse(a) ? b : a);
const later = (a: string | null, b: string) => (a === null || Date.parse(b) > Date.parse(a) ? b : a);
