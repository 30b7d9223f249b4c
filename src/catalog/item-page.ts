/** A page of items that are at hand with their keys, as a database would give it. */
import { compareKeys, decodeToken, encodeToken, orderOf } from './item-order.ts';
import type { ItemKey, ItemPage, ItemQuery } from './item-query.ts';
import type { StacItem } from './types.ts';

export interface PlacedItem {
  readonly item: StacItem;
  /** Its place in the order of the search (`keyOf`). */
  readonly key: ItemKey;
}

/** What is known of matches that are not at hand; without it all of them are. */
interface Others {
  readonly isMore?: boolean;
  readonly numberMatched?: number | null;
}

/** Those of the matches that come after the token of a search, in its order, as many as it asks for. Throws ItemTokenError. */
export function pageOf(found: readonly PlacedItem[], query: ItemQuery, { isMore = false, numberMatched = found.length }: Others = {}): ItemPage {
  const order = orderOf(query, () => '');
  const after = query.token === undefined ? null : decodeToken(order, query.token);
  const rest = found.filter(({ key }) => after === null || compareKeys(order, key, after) > 0).toSorted((a, b) => compareKeys(order, a.key, b.key));
  const page = rest.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map(({ item }) => item),
    ...(query.sortby ? { keys: page.map(({ key }) => key) } : {}),
    numberMatched,
    next: last && (isMore || rest.length > page.length) ? encodeToken(order, last.key) : null,
  };
}
