/** Searches in the order in which a catalog gives its items: page by page, or all of them at once. */
import { searchTest } from '../catalog/item-match.ts';
import { UpstreamError, type ItemPage, type ItemQuery } from '../catalog/item-query.ts';
import type { StacItem } from '../catalog/types.ts';
import type { Capabilities } from './capabilities.ts';
import { decodeCursor, encodeCursor, firstPage, type Cursor } from './cursor.ts';
import type { UpstreamPages } from './pages.ts';
import { translate } from './translate.ts';

/** Bounds of one search. */
export interface SearchLimits {
  /** Pages of the catalog that one of ours may be made of. */
  readonly pages: number;
  /** Items that are sorted here, or loaded at once. */
  readonly items: number;
}

/** A collection whose items lie in another catalog. */
export interface Searched {
  /** Its id here, and its id there. */
  readonly own: string;
  readonly theirs: string;
  readonly pages: UpstreamPages;
  readonly limits: SearchLimits;
}

/** How the catalog is asked. */
export interface Manner {
  readonly can: Capabilities;
  readonly signal: AbortSignal;
}

/** Items per page that catalogs are asked for where many are looked at. */
export const MANY = 200;
/** Fewer are not asked for: a page is used for several of ours. */
export const FEW = 10;

/** A page in the order of the catalog: newest first where it can sort. Throws UpstreamError, and ItemTokenError for a token of another search. */
export async function pageOf({ own, theirs, pages, limits }: Searched, query: ItemQuery, { can, signal }: Manner): Promise<ItemPage> {
  const newest = { property: 'datetime', direction: 'desc' } as const;
  const { parameters, isWhole } = translate(can.sort ? { ...query, sortby: [newest] } : query, theirs, can);
  const start = query.token === undefined ? firstPage : decodeCursor(own, query.token);
  const test = searchTest(query);
  const items: StacItem[] = [];
  let isExact = isWhole;
  let turned = 0;
  const ended = (said: number | null, next: Cursor): ItemPage => ({ items, numberMatched: isExact ? said : null, next: encodeCursor(own, next) });
  for await (const { page, cursor, next } of pages.from(start, can, { ...parameters, limit: isWhole ? Math.max(FEW, query.limit) : MANY }, signal)) {
    turned++;
    for (const [i, item] of page.items.entries()) {
      if (i < cursor.skip) continue;
      if (item === null || !test(item)) isExact = false;
      else if (items.length === query.limit) return ended(page.numberMatched, { ...cursor, skip: i });
      else items.push(item);
    }
    if (next === null) return { items, numberMatched: query.token === undefined ? items.length : isExact ? page.numberMatched : null, next: null };
    if (items.length === query.limit || (items.length > 0 && turned >= limits.pages)) return ended(page.numberMatched, next);
    if (turned >= limits.pages) break;
  }
  throw tooLarge(own, `none of the first ${turned} pages that it sends has an item that meets all conditions`);
}

/** All that matches, in no order. Throws UpstreamError. */
export async function allOf({ own, theirs, pages, limits }: Searched, query: ItemQuery, { can, signal }: Manner): Promise<StacItem[]> {
  const { token: _, sortby: __, ...conditions } = query;
  const { parameters } = translate(conditions, theirs, can);
  const test = searchTest(conditions);
  const found = new Map<string, StacItem>();
  for await (const { page, next } of pages.from(firstPage, can, { ...parameters, limit: MANY }, signal)) {
    for (const item of page.items) if (item !== null && test(item)) found.set(item.id, item);
    if (found.size > limits.items) throw tooLarge(own, `more than ${limits.items} items match; a smaller extent, fewer dates or more conditions stay under the limit`);
    if (next !== null && next.page > 4 * limits.pages) throw tooLarge(own, `it sends more than ${next.page} pages of items, most of which meet no condition; a smaller extent or fewer dates stay under the limit`);
  }
  return [...found.values()];
}

export function tooLarge(collection: string, reason: string): UpstreamError {
  return new UpstreamError('UpstreamSearchTooLarge', collection, reason);
}
