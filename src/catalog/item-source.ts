/** Where items come from: the database, or a layer that makes them up. Search and single items look the same. */
import { OpenEOError } from '../errors.ts';
import type { Geometry } from '../geo/geometry.ts';
import type { StacItem } from './types.ts';

/** What is searched for; all conditions hold together. */
export interface ItemQuery {
  readonly collections?: readonly string[];
  readonly ids?: readonly string[];
  /** Four numbers, or six with heights. West may be greater than east: the box crosses the antimeridian. */
  readonly bbox?: readonly number[];
  /** Closed interval of RFC 3339 instants, null for an open end. An item matches when its time touches it. */
  readonly datetime?: readonly [string | null, string | null];
  readonly intersects?: Geometry;
  /** Who asks: private layers of others are left out. null: a visitor; absent: the service itself, which sees everything. */
  readonly user?: string | null;
  readonly limit: number;
  /** `next` of the page before. */
  readonly token?: string;
}

export interface ItemPage {
  readonly items: readonly StacItem[];
  /** All matches over all pages; null when counting them would cost too much. */
  readonly numberMatched: number | null;
  /** Token of the next page; null on the last one. */
  readonly next: string | null;
}

export interface ItemSource {
  /** Newest first. Throws ItemTokenError for a token it never gave. */
  search(query: ItemQuery): Promise<ItemPage>;
  get(collection: string, id: string): Promise<StacItem | null>;
}

/** A paging token that this service did not give. */
export class ItemTokenError extends OpenEOError<'ProcessParameterInvalid'> {
  constructor() {
    super('ProcessParameterInvalid', { process: 'search', parameter: 'token', reason: 'it is not a token of this service; follow the links with rel=next' });
  }
}

/**
 * One source out of several that hold different collections: the items of the first, then those of the
 * second, and so on. A page may reach from one into the next.
 */
export function combineItemSources(sources: readonly ItemSource[]): ItemSource {
  return {
    search: (query) => searchAll(sources, query),
    async get(collection, id) {
      for (const source of sources) {
        const item = await source.get(collection, id);
        if (item) return item;
      }
      return null;
    },
  };
}

async function searchAll(sources: readonly ItemSource[], query: ItemQuery): Promise<ItemPage> {
  const start = parsePosition(query.token, sources.length);
  const items: StacItem[] = [];
  const matched: (number | null)[] = [];
  let next: string | null = null;
  for (const [index, source] of sources.entries()) {
    const room = next === null && index >= start.index ? query.limit - items.length : 0;
    const { token: _, ...conditions } = query;
    const page = await source.search({ ...conditions, limit: Math.max(1, room), ...(index === start.index && start.token !== null ? { token: start.token } : {}) });
    matched.push(page.numberMatched);
    if (room === 0) {
      // Nothing more fits, but whoever has matches left must be reachable.
      if (next === null && index > start.index && page.items.length > 0) next = `${index}.`;
      continue;
    }
    items.push(...page.items);
    if (page.next !== null) next = `${index}.${page.next}`;
  }
  return { items, numberMatched: matched.includes(null) ? null : matched.reduce<number>((sum, count) => sum + count!, 0), next };
}

/** '<index of the source>.<its own token>'; the own token is empty at its beginning. */
function parsePosition(token: string | undefined, count: number): { index: number; token: string | null } {
  if (token === undefined) return { index: 0, token: null };
  const [, index, rest] = /^(\d{1,4})\.(.*)$/.exec(token) ?? [];
  if (index === undefined || Number(index) >= count) throw new ItemTokenError();
  return { index: Number(index), token: rest === '' ? null : rest! };
}
