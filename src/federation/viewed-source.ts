/** Items of another catalog as a layer shows them, so that searches of the layer compare what clients see. */
import { UpstreamError, type ItemPage, type ItemQuery, type ItemSource, type ItemView } from '../catalog/item-query.ts';
import type { StacItem } from '../catalog/types.ts';
import { keyOf, searchTest } from '../catalog/item-match.ts';
import { pageOf, type PlacedItem } from '../catalog/item-page.ts';

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
  const { where: _, filter: __, sortby: ___, token: ____, view: _____, ...places } = query;
  const test = searchTest(query);
  const found: PlacedItem[] = [];
  for (let next: string | undefined, count = 0; ;) {
    const page: ItemPage = await source.search({ ...places, collections: [view.source], limit: 200, ...(next === undefined ? {} : { token: next }) });
    for (const item of page.items) if (test(shown(item))) found.push({ item, key: keyOf(shown(item), query.sortby) });
    count += page.items.length;
    if (page.next === null) break;
    if (count >= MOST) throw tooMany(view);
    next = page.next;
  }
  return pageOf(found, query);
}

function tooMany({ source }: ItemView): Error {
  return new UpstreamError('UpstreamSearchTooLarge', source, `more than ${MOST} of its items come into question for a search that only this service can do; a smaller extent or fewer dates stay under the limit`);
}
