/** Items of another catalog as a layer shows them, so that searches of the layer compare what clients see. */
import { UpstreamError, type ItemPage, type ItemQuery, type ItemSource, type ItemView } from '../catalog/item-query.ts';
import type { StacItem } from '../catalog/types.ts';
import { compareKeys, decodeToken, encodeToken, orderOf } from '../catalog/item-order.ts';
import { keyOf, searchTest } from '../catalog/item-match.ts';

/** Items that are looked at: all of them, because the catalog knows nothing of what the layer says. */
const MOST = 2000;

/** Gives stored items, as the database does for a view; only conditions and order are about what is shown. */
export function viewedSource(source: Pick<ItemSource, 'search' | 'get'>, view: ItemView): ItemSource {
  const shown = (item: StacItem): StacItem => {
    const kept = Object.fromEntries(Object.entries(item.properties).filter(([name]) => view.kept.includes(name)));
    // Layers over other catalogs are not computed ahead: nothing is known of their states.
    const state = view.hasStates ? { 'lamina:status': 'virtual' } : {};
    return { ...item, collection: view.collection, properties: { ...view.properties, ...kept, ...state } as StacItem['properties'] };
  };
  const get = (_collection: string, id: string) => source.get(view.source, id);
  return { get, search: (query) => searchShown(source, view, shown, query) };
}

async function searchShown(source: Pick<ItemSource, 'search'>, view: ItemView, shown: (item: StacItem) => StacItem, query: ItemQuery): Promise<ItemPage> {
  const { where: _, filter: __, sortby: ___, token, view: ____, ...places } = query;
  const order = orderOf(query, () => '');
  const after = token === undefined ? null : decodeToken(order, token);
  const test = searchTest(query);
  const found: { item: StacItem; key: readonly (string | null)[] }[] = [];
  for (let next: string | undefined, count = 0; ;) {
    const page: ItemPage = await source.search({ ...places, collections: [view.source], limit: 200, ...(next === undefined ? {} : { token: next }) });
    for (const item of page.items) if (test(shown(item))) found.push({ item, key: keyOf(shown(item), query.sortby) });
    count += page.items.length;
    if (page.next === null) break;
    if (count >= MOST) throw tooMany(view);
    next = page.next;
  }
  const rest = found.filter(({ key }) => after === null || compareKeys(order, key, after) > 0).toSorted((a, b) => compareKeys(order, a.key, b.key));
  const page = rest.slice(0, query.limit);
  return {
    items: page.map(({ item }) => item),
    ...(query.sortby ? { keys: page.map(({ key }) => key) } : {}),
    numberMatched: found.length,
    next: rest.length > page.length ? encodeToken(order, page.at(-1)!.key) : null,
  };
}

function tooMany({ source }: ItemView): Error {
  return new UpstreamError('UpstreamSearchTooLarge', source, `more than ${MOST} of its items come into question for a search that only this service can do; a smaller extent or fewer dates stay under the limit`);
}
