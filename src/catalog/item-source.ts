/** Where items come from: the database, or a layer that makes them up. Search and single items look the same. */
import type { CatalogState } from './catalog-state.ts';
import { pageOf } from './item-page.ts';
import { ItemTokenError, UpstreamError, type ItemField, type ItemPage, type ItemQuery, type ItemSource, type MissingSource } from './item-query.ts';
import type { StacItem } from './types.ts';

export { ItemTokenError, type ItemPage, type ItemQuery, type ItemSource } from './item-query.ts';

/**
 * One source out of several that hold different collections: the items of the first, then those of the
 * second, and so on. A page may reach from one into the next. A source that can't be asked (UpstreamError) is
 * told of in the page, unless it was named and nothing else was found.
 */
export function combineItemSources(sources: readonly ItemSource[]): ItemSource {
  return {
    search: (query) => (query.sortby && query.sortby.length > 0 ? searchMerged(sources, query) : searchAll(sources, query)),
    groups: async (query) => (await inTurn(sources, async (source) => (await source.groups?.(query)) ?? [])).flat(),
    fields: async (query) => mergeFields(await inTurn(sources, async (source) => (await source.fields?.(query)) ?? [])),
    async get(collection, id) {
      for (const source of sources) {
        const item = await source.get(collection, id);
        if (item) return item;
      }
      return null;
    },
  };
}

/** Begins every search with one look at all collections, which all that is in the source then shares. */
export function withState(state: () => Promise<CatalogState>, source: ItemSource): ItemSource {
  return {
    search: async (query) => source.search({ ...query, state: await state() }),
    groups: async (query) => (await source.groups?.({ ...query, state: await state() })) ?? [],
    fields: async (query) => (await source.fields?.({ ...query, state: await state() })) ?? [],
    get: (collection, id) => source.get(collection, id),
  };
}

/** In the place of a source that plainly has nothing for a search: the others keep their numbers, which are part of tokens. */
export const noItems: ItemSource = {
  search: () => Promise.resolve({ items: [], keys: [], numberMatched: 0, next: null }),
  get: () => Promise.resolve(null),
};

/** What several sources say of the same property, by name. */
function mergeFields(lists: readonly (readonly ItemField[])[]): ItemField[] {
  const names = [...new Set(lists.flat().map(({ name }) => name))].toSorted();
  return names.map((name) => {
    const said = lists.flat().filter((field) => field.name === name);
    const types = [...new Set(said.flatMap((field) => field.types))].toSorted();
    const ranges = said.map(({ range }) => range).filter((range) => range !== undefined);
    const values = said.map((field) => field.values).filter((list) => list !== undefined);
    return {
      name,
      types,
      ...(types.length === 1 && ranges.length === said.length ? { range: [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))] as const } : {}),
      ...(types.length === 1 && values.length === said.length ? { values: [...new Set(values.flat())].toSorted() } : {}),
    };
  });
}

/** Pages in an order of all sources together: a token says how far the order has come, which every source understands. */
async function searchMerged(sources: readonly ItemSource[], query: ItemQuery): Promise<ItemPage> {
  const out = new OutOfReach();
  const pages = await inTurn(sources, (source) => out.page(source, query));
  const found = pages.flatMap(({ items, keys }) => items.map((item, i) => ({ item, key: keys![i]! })));
  const isMore = pages.some(({ next }) => next !== null);
  return out.told(query, pageOf(found, query, { isMore, numberMatched: sumOf(pages.map(({ numberMatched }) => numberMatched)) }));
}

/** Sources of one search that can't be asked. */
class OutOfReach {
  readonly #errors: UpstreamError[] = [];
  readonly #missing: MissingSource[] = [];

  async page(source: ItemSource, query: ItemQuery): Promise<ItemPage> {
    try {
      const page = await source.search(query);
      this.#missing.push(...(page.missing ?? []));
      return page;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.#errors.push(error);
      this.#missing.push({ collection: error.collection, code: error.code, description: error.message });
      return { items: [], keys: [], numberMatched: null, next: null };
    }
  }

  /** The page with what is missing in it. Throws the UpstreamError where that is all there is to say to who named the collection. */
  told(query: ItemQuery, page: ItemPage): ItemPage {
    const [first] = this.#errors;
    const isNamed = (query.collections?.length ?? 0) > 0;
    if (first && page.items.length === 0 && page.next === null && isNamed) throw first;
    const missing = this.#missing.filter((one, i, all) => all.findIndex(({ collection, code }) => collection === one.collection && code === one.code) === i);
    return missing.length === 0 ? page : { ...page, missing };
  }
}

/** One after the other: each of them may open files. */
async function inTurn<A, B>(list: readonly A[], work: (entry: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const entry of list) results.push(await work(entry));
  return results;
}

const sumOf = (counts: readonly (number | null)[]) => (counts.includes(null) ? null : counts.reduce<number>((sum, count) => sum + count!, 0));

async function searchAll(sources: readonly ItemSource[], query: ItemQuery): Promise<ItemPage> {
  const start = parsePosition(query.token, sources.length);
  const items: StacItem[] = [];
  const matched: (number | null)[] = [];
  let next: string | null = null;
  const out = new OutOfReach();
  for (const [index, source] of sources.entries()) {
    const room = next === null && index >= start.index ? query.limit - items.length : 0;
    const { token: _, ...conditions } = query;
    const page = await out.page(source, { ...conditions, limit: Math.max(1, room), ...(index === start.index && start.token !== null ? { token: start.token } : {}) });
    matched.push(page.numberMatched);
    if (room === 0) {
      // Nothing more fits, but whoever has matches left must be reachable.
      if (next === null && index > start.index && page.items.length > 0) next = `${index}.`;
      continue;
    }
    items.push(...page.items);
    if (page.next !== null) next = `${index}.${page.next}`;
  }
  return out.told(query, { items, numberMatched: sumOf(matched), next });
}

/** '<index of the source>.<its own token>'; the own token is empty at its beginning. */
function parsePosition(token: string | undefined, count: number): { index: number; token: string | null } {
  if (token === undefined) return { index: 0, token: null };
  const [, index, rest] = /^(\d{1,4})\.(.*)$/.exec(token) ?? [];
  if (index === undefined || Number(index) >= count) throw new ItemTokenError();
  return { index: Number(index), token: rest === '' ? null : rest! };
}
