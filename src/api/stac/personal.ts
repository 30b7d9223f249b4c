/** The catalog of one request, with what only its user sees. */
import { combineItemSources } from '../../catalog/item-source.ts';
import type { PersonalCatalog, StacContext } from './dependencies.ts';

/** Collections and items of everybody and of the user: another user's request has others. */
export function withPersonal({ collections, items }: Pick<StacContext, 'collections' | 'items'>, personal: PersonalCatalog, user: string): Pick<StacContext, 'collections' | 'items'> {
  return {
    collections: {
      async collections(asking) {
        const [all, own] = await Promise.all([collections.collections(asking), personal.collection(user)]);
        return [...all.filter(({ id }) => id !== personal.id), ...(own ? [own] : [])];
      },
      collection: (id, asking) => (id === personal.id ? personal.collection(user) : collections.collection(id, asking)),
    },
    items: combineItemSources([items, personal.items(user)]),
  };
}
