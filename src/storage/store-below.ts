/** The part of an object store below a prefix, as a store of its own. */
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.ts';

/** @param prefix without slashes at its ends; '' for the whole store */
export function storeBelow(store: ObjectStore, prefix: string): ObjectStore {
  if (prefix === '') return store;
  const below = `${prefix}/`;
  const inside = <T extends ObjectInfo | null>(info: T): T => (info === null ? info : { ...info, key: info.key.slice(below.length) });
  const insideRead = (found: StoredObject): StoredObject => ({ ...found, info: inside(found.info) });
  return {
    put: async (key, body, options) => inside(await store.put(below + key, body, options)),
    head: async (key) => inside(await store.head(below + key)),
    get: (key, range) => store.get(below + key, range),
    read: async (key, known) => {
      const found = await store.read(below + key, known);
      return found === null || found === 'unchanged' ? found : insideRead(found);
    },
    stream: (key, range) => store.stream(below + key, range),
    async* list(start) {
      for await (const info of store.list(below + start)) yield inside(info);
    },
    ...(store.excludes ? { excludes: (key: string) => store.excludes!(below + key) } : {}),
    delete: (key) => store.delete(below + key),
  };
}
